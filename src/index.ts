/** Sound for Node. Re-exports only. */
export { AudioData } from './audio-data.js';
export { getStatus, getStream, stop, wait, waitSync } from './current.js';
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
export { CallbackAbort, CallbackStop, SoundDeviceError } from './errors.js';
export { CallbackFlags } from './flags.js';
export type { Job } from './job.js';
export type { DeviceSpecifier, InOut, Kind, Latency } from './options.js';
export { type PlayOptions, type PlayrecOptions, play, playrec, type RecOptions, rec } from './play.js';
export { sleep, sleepSync } from './sleep.js';
export type { AudioSource } from './source.js';
export { type VirtualDevice, virtual } from './virtual.js';

export const CONTINUE = 0;
export const COMPLETE = 1;
export const ABORT = 2;
