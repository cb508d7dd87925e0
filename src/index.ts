/** Sound for Node. Re-exports only. */
/// <reference types="node" preserve="true" />
export { AudioData } from './audio-data.js';
export {
  ABORT,
  type CallbackResult,
  COMPLETE,
  CONTINUE,
  type DuplexCallback,
  defineInputProcessor,
  defineOutputProcessor,
  defineProcessor,
  type InputCallback,
  type OutputCallback,
  type Processor,
  type ProcessorContext,
  type ProcessorFactory,
  type StreamTime,
} from './callback.js';
export type { Player, Recorder } from './card-stream.js';
export {
  allMicrophones,
  allSpeakers,
  type CardOptions,
  defaultMicrophone,
  defaultSpeaker,
  getMicrophone,
  getSpeaker,
  Microphone,
  Speaker,
} from './cards.js';
export { type ChannelMap, channelNameMap } from './channel-map.js';
export { getStatus, stop, wait, waitSync } from './current.js';
export { defaults, type Pair } from './defaults.js';
export {
  type CheckOptions,
  checkInputSettings,
  checkOutputSettings,
  type DeviceInfo,
  type DeviceList,
  getVersions,
  type HostApiInfo,
  queryDevices,
  queryDevicesAsync,
  queryHostApis,
} from './devices.js';
export type { DType, SampleArray, SampleArrays } from './dtype.js';
export { CallbackAbort, CallbackStop, type ErrorCode, SoundDeviceError } from './errors.js';
export { CallbackFlags } from './flags.js';
export type { Job } from './job.js';
export type { CommonOptions, PlayOptions, PlayrecOptions, RecOptions } from './job-options.js';
export { getStream } from './job-stream.js';
export { createReadStream, createWriteStream } from './node-streams.js';
export type { DeviceSpecifier, InOut, Kind, Latency } from './options.js';
export { play } from './play.js';
export { playrec } from './playrec.js';
export { getName, setName } from './program-name.js';
export { rec } from './rec.js';
export { AsioSettings, CoreAudioSettings, type ExtraSettings, WasapiSettings } from './settings.js';
export { sleep, sleepSync } from './sleep.js';
export type { AudioSource, DTypeOf } from './source.js';
export {
  InputStream,
  OutputStream,
  RawInputStream,
  RawOutputStream,
  RawStream,
  Stream,
} from './stream.js';
export type { DuplexStreamOptions, InputStreamOptions, OutputStreamOptions } from './stream-options.js';
export type { Block, RawSource, Reading, StreamEvents, StreamSource } from './stream-types.js';
export { type VirtualDevice, virtual } from './virtual.js';
export { type DeviceEvent, type DeviceWatcher, watchDevices } from './watch.js';
