/** The stream of a job, to be looked at. */
import { current } from './current.js';
import { bytesPerSample, type DType } from './dtype.js';
import { notSupported } from './errors.js';
import { NativeJob } from './job.js';
import type { InputStream, OutputStream, Stream } from './stream.js';

/** One value for each direction that there is: `[input, output]`, or the only one. */
const sides = <T>(input: T | undefined, output: T | undefined): T | readonly [T, T] =>
  input === undefined ? (output as T) : output === undefined ? input : [input, output];

// What streams have besides; it comes with them.
const UNBUILT = [
  ...['start', 'stop', 'stopSync', 'abort', 'close', 'closeSync', 'ref', 'unref', 'postMessage'],
  ...['read', 'readSync', 'readInto', 'readAvailable', 'readable'],
  ...['write', 'writeSync', 'writeAvailable', 'writable'],
  ...['ready', 'finished', 'cpuLoad', 'volume', 'xruns'],
  ...['on', 'once', 'off', 'addListener', 'removeListener', 'emit'],
  ...[Symbol.dispose, Symbol.asyncDispose, Symbol.asyncIterator],
];

/**
 * The stream of the newest job: what it was opened with and how it does, as a `Stream`, `InputStream` or `OutputStream` has
 * it. Only to be looked at: whatever else streams have throws `ERR_NOT_SUPPORTED`.
 *
 * @throws SoundDeviceError `ERR_NOT_CALLED_YET` before the first play, rec or playrec.
 * @example
 * play(data);
 * console.log(getStream().sampleRate, getStream().latency);
 */
export function getStream(): Stream<DType, DType> | InputStream<DType> | OutputStream<DType> {
  const job = current();
  const opened = NativeJob.opened(job);
  const input = opened.input?.dtype as DType | undefined;
  const output = opened.output?.dtype as DType | undefined;
  const both = <T>(heard: T, played: T) => sides(input && heard, output && played);
  const stream = {
    sampleRate: opened.sampleRate,
    blockSize: opened.blockSize,
    device: both(opened.inputDevice, opened.outputDevice),
    channels: both(opened.inputChannels, opened.outputChannels),
    dtype: sides(input, output),
    sampleSize: sides(input && bytesPerSample(input), output && bytesPerSample(output)),
    get latency() {
      const { inputLatency, outputLatency } = NativeJob.opened(job);
      return both(inputLatency, outputLatency);
    },
    get realtime() {
      return NativeJob.opened(job).realtime;
    },
    get active() {
      return job.active;
    },
    get stopped() {
      return !job.active;
    },
    get closed() {
      return !job.active;
    },
    get time() {
      return job.time;
    },
    get clipped() {
      return job.clipped;
    },
    get nan() {
      return job.nan;
    },
  };
  for (const name of UNBUILT) {
    const refuse = () => {
      throw notSupported(`${String(name)} of the stream of a job`);
    };
    Object.defineProperty(stream, name, { get: refuse, set: refuse });
  }
  return Object.freeze(stream) as never;
}
