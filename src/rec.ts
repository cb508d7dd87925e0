/** Recording. */
import { AudioData } from './audio-data.js';
import { run } from './current.js';
import { defaults } from './defaults.js';
import {
  bytesOf,
  bytesPerSample,
  checkAttached,
  type DType,
  dtypeOf,
  makeArray,
  type SampleArray,
  type Typed,
} from './dtype.js';
import { invalidType, invalidValue } from './errors.js';
import { type Job, type JobOptions, NativeJob } from './job.js';
import {
  type Blocking,
  type Common,
  type NotBlocking,
  REC,
  type RecOptions,
  shared,
  side,
} from './job-options.js';
import * as is from './options.js';
import type { output } from './play.js';
import type { DTypeOf } from './source.js';

/** Where a recording goes, and what becomes of it. */
function sink(
  frames: number | undefined,
  given: { channels?: number; out?: Typed | AudioData; mapping?: number[] },
  dtype: DType,
) {
  const { out } = given;
  if (out !== undefined) {
    const own = out instanceof AudioData ? out.dtype : (dtypeOf(out) as DType);
    const channels = out instanceof AudioData ? out.channels : (given.channels ?? given.mapping?.length);
    if (channels === undefined) throw invalidType('a bare out needs channels, got none');
    const array = (out instanceof AudioData ? out.data : out) as SampleArray;
    const length = array.byteLength / bytesPerSample(own) / Math.max(1, channels);
    if (!Number.isInteger(length)) throw invalidValue(`out must be whole frames of ${channels} channels`);
    if (frames !== undefined && frames !== length)
      throw invalidValue(`data has ${frames} frames, out has ${length}`);
    return { dtype: own, channels, frames: length, into: array };
  }
  if (frames === undefined) throw invalidType('frames must be specified, got undefined');
  const channels = given.channels ?? given.mapping?.length ?? defaults.channels.input;
  if (channels === undefined || channels === null) {
    throw invalidType(
      'Unable to determine number of input channels: expected channels or mapping, got neither',
    );
  }
  return { dtype, channels, frames, into: undefined };
}

/** A recording that runs, beside what is played. */
export function record(
  frames: number | undefined,
  given: Common & {
    channels?: number;
    dtype?: DType;
    out?: Typed | AudioData;
    mapping?: number[];
    signal?: AbortSignal;
    blocking?: boolean;
  },
  dtype: DType,
  extra: { output?: ReturnType<typeof output>; held?: unknown; sampleRate?: number | undefined },
): NativeJob<AudioData> {
  const target = sink(frames, given, dtype);
  if (given.mapping && given.mapping.length !== target.channels) {
    throw invalidValue(
      `number of input channels != size of input mapping: ${target.channels}, ${given.mapping.length}`,
    );
  }
  const memory = makeArray(target.dtype, target.frames * target.channels);
  const bytes = bytesOf(memory);
  const input = {
    into: bytes,
    dtype: target.dtype,
    channels: target.channels,
    ...side(given, 'input'),
    ...(given.mapping ? { mapping: given.mapping } : {}),
  };
  const options: JobOptions = {
    input,
    ...(extra.output ? { output: extra.output } : {}),
    ...shared(given, extra.sampleRate),
  };
  return NativeJob.open<AudioData>({
    options,
    held: [bytes, extra.held],
    signal: given.signal,
    blocking: given.blocking,
    result(job) {
      const recorded = job.recorded();
      const { sampleRate } = job.stream();
      const shape = { channels: target.channels, sampleRate, dtype: target.dtype };
      if (target.into === undefined) return AudioData.from(memory, shape).slice(0, recorded);
      checkAttached(target.into, 'out');
      const used = recorded * target.channels * bytesPerSample(target.dtype);
      if (target.into.byteLength < used) {
        throw invalidValue(`out must keep its size, got one that shrank to ${target.into.byteLength} bytes`);
      }
      bytesOf(target.into).set(bytes.subarray(0, used));
      if (given.out instanceof AudioData && recorded === target.frames) return given.out;
      const filled = AudioData.from(target.into, shape);
      return recorded === target.frames ? filled : filled.slice(0, recorded);
    },
  });
}

type Into<O> = { out: O } & Omit<RecOptions<DType>, 'dtype'>;

/**
 * Records. Starts at once and returns; works in native threads. Stops what was playing or recording, but only once the new
 * stream is open. With `out` it records into that: frames and dtype are its own, a bare array needs `channels`; cut short,
 * the result is its beginning. With `blocking` the thread waits for the end and the recording is returned.
 *
 * @throws TypeError, RangeError for wrong arguments; SoundDeviceError where the system refuses.
 * @example
 * const { data } = await rec(48000, { channels: 1 });
 */
export function rec<D extends DType = 'float32'>(
  frames: number,
  options: RecOptions<D> & Blocking,
): AudioData<D>;
export function rec<D extends DType = 'float32'>(
  frames: number,
  options?: RecOptions<D> & NotBlocking,
): Job<AudioData<D>>;
export function rec<D extends DType>(
  frames: null | undefined,
  options: Into<AudioData<D>> & NotBlocking,
): Job<AudioData<D>>;
export function rec<A extends Typed>(
  frames: null | undefined,
  options: Into<A> & NotBlocking,
): Job<AudioData<DTypeOf<A>>>;
export function rec<D extends DType>(
  frames: null | undefined,
  options: Into<AudioData<D>> & Blocking,
): AudioData<D>;
export function rec<A extends Typed>(
  frames: null | undefined,
  options: Into<A> & Blocking,
): AudioData<DTypeOf<A>>;
export function rec(frames?: number | null, options?: object): Job<AudioData> | AudioData {
  const given = is.check(options, REC);
  const count = frames === undefined || frames === null ? undefined : is.integer(0)(frames, 'frames');
  const job = record(given.out ? undefined : count, given, given.dtype ?? defaults.dtype.input, {});
  return run(job, false, given.blocking);
}
