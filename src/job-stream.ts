/** The stream of a job, to be looked at and ended. */
import { current, outlast } from './current.js';
import { bytesPerSample, type DType } from './dtype.js';
import { native, SoundDeviceError, streamClosed } from './errors.js';
import { xrunsOf } from './flags.js';
import { NativeJob } from './job.js';
import { factor } from './options.js';
import { InputStream, OutputStream, Stream } from './stream.js';
import type { StreamBase } from './stream-base.js';

type AnyJob = NativeJob<unknown>;
type JobStream = Stream<DType, DType> | InputStream<DType> | OutputStream<DType>;

const streams = new WeakMap<AnyJob, JobStream>();
const jobs = new WeakMap<object, AnyJob>();
const jobOf = (stream: object) => jobs.get(stream) as AnyJob;
const openedFor = (stream: object) => NativeJob.opened(jobOf(stream));

/** One value for each direction that there is: `[input, output]`, or the only one. */
function sides<T>(stream: object, read: (side: 'input' | 'output', opened: Opened) => T) {
  const opened = openedFor(stream);
  if (!opened.output) return read('input', opened);
  if (!opened.input) return read('output', opened);
  return Object.freeze([read('input', opened), read('output', opened)]);
}
type Opened = ReturnType<typeof openedFor>;

const dtype = (side: 'input' | 'output', opened: Opened) => opened[side]?.dtype as DType;

/** What the library plays and records by itself has nothing for others to read or to write. */
const busy = (what: string, paErrorCode: number) => () => {
  throw new SoundDeviceError('ERR_CALLBACK_STREAM', `The stream of a job cannot be ${what}`, { paErrorCode });
};
const [unreadable, unwritable] = [busy('read from', -9977), busy('written to', -9976)];

const nothing = () => {};

/** In the place of what streams of a user's own have. */
const MEMBERS: object & ThisType<StreamBase> = {
  start() {
    if (!jobOf(this).active) throw streamClosed('The stream is closed: its job has ended');
    return this;
  },
  stop: async function (this: StreamBase) {
    await jobOf(this).stop().catch(nothing);
  },
  stopSync() {
    void jobOf(this).stop();
    // Whatever it ends with, the job itself says.
    outlast(jobOf(this));
  },
  abort() {
    jobOf(this).abort();
  },
  close: async function (this: StreamBase) {
    jobOf(this).abort();
    await jobOf(this).catch(nothing);
  },
  closeSync() {
    jobOf(this).abort();
    outlast(jobOf(this));
  },
  ref() {
    jobOf(this).ref();
    return this;
  },
  unref() {
    jobOf(this).unref();
    return this;
  },
  postMessage() {
    throw new SoundDeviceError('ERR_NOT_SUPPORTED', 'postMessage needs a stream with a processor');
  },
  ready: Promise.resolve(),
  get active() {
    return jobOf(this).active;
  },
  get stopped() {
    return !jobOf(this).active;
  },
  get closed() {
    return !jobOf(this).active;
  },
  get sampleRate() {
    return openedFor(this).sampleRate;
  },
  get blockSize() {
    return openedFor(this).blockSize;
  },
  get realtime() {
    return openedFor(this).realtime;
  },
  get time() {
    return jobOf(this).time;
  },
  get cpuLoad() {
    return NativeJob.handle(jobOf(this)).cpuLoad();
  },
  get volume() {
    return NativeJob.handle(jobOf(this)).volume;
  },
  set volume(value: number) {
    const volume = factor(value, 'volume');
    native(() => NativeJob.handle(jobOf(this)).setVolume(volume));
  },
  get xruns() {
    return xrunsOf(NativeJob.handle(jobOf(this)));
  },
  get clipped() {
    return jobOf(this).clipped;
  },
  get nan() {
    return jobOf(this).nan;
  },
  get device() {
    return sides(this, (side, opened) => opened[`${side}Device`]);
  },
  get channels() {
    return sides(this, (side, opened) => opened[`${side}Channels`]);
  },
  get latency() {
    return sides(this, (side, opened) => opened[`${side}Latency`]);
  },
  get dtype() {
    return sides(this, dtype);
  },
  get sampleSize() {
    return sides(this, (side, opened) => bytesPerSample(dtype(side, opened)));
  },
};

const READING: PropertyDescriptorMap = {
  ...Object.fromEntries(
    ['read', 'readSync', 'readInto', Symbol.asyncIterator].map((name) => [name, { value: unreadable }]),
  ),
  ...Object.fromEntries(['readAvailable', 'readable'].map((name) => [name, { get: unreadable }])),
};
const WRITING: PropertyDescriptorMap = {
  ...Object.fromEntries(['write', 'writeSync'].map((name) => [name, { value: unwritable }])),
  ...Object.fromEntries(['writeAvailable', 'writable'].map((name) => [name, { get: unwritable }])),
};

const like = (kind: { prototype: object }, ...more: PropertyDescriptorMap[]): object =>
  Object.create(kind.prototype, Object.assign(Object.getOwnPropertyDescriptors(MEMBERS), ...more));

const DUPLEX = like(Stream, READING, WRITING);
const INPUT = like(InputStream, READING);
const OUTPUT = like(OutputStream, WRITING);

/**
 * The stream of the newest job: what it was opened with and how it does, as a `Stream`, `InputStream` or `OutputStream` has
 * it; the same object for the same job. Stopping, aborting and closing it ends the job; `volume` is the job's own, where
 * several sound. It tells 'finished' and 'error', cannot be read from or written to (`ERR_CALLBACK_STREAM`), and is closed
 * once the job has ended.
 *
 * @throws SoundDeviceError `ERR_NOT_CALLED_YET` before the first play, rec or playrec.
 * @example
 * play(data);
 * console.log(getStream().sampleRate, getStream().latency);
 */
export function getStream(): JobStream {
  const job = current();
  let stream = streams.get(job);
  if (stream === undefined) {
    const { input, output } = NativeJob.opened(job);
    stream = Object.create(input && output ? DUPLEX : input ? INPUT : OUTPUT) as JobStream;
    jobs.set(stream, job);
    streams.set(job, stream);
    follow(job, stream);
  }
  return stream;
}

/** Tells of the end. */
function follow(job: AnyJob, stream: JobStream): void {
  const tell = (error?: Error) => {
    if (error && stream.listenerCount('error') > 0) stream.emit('error', error);
    stream.emit('finished');
  };
  const finished = job.then(
    () => process.nextTick(tell),
    (error) => {
      // What a signal has aborted has not failed.
      const failure = error instanceof SoundDeviceError ? error : undefined;
      process.nextTick(tell, failure);
      if (failure) throw failure;
    },
  );
  finished.catch(nothing);
  Object.defineProperty(stream, 'finished', { value: finished });
}
