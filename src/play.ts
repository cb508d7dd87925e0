/** play, rec, playrec. */
import { AudioData } from './audio-data.js';
import { begin } from './current.js';
import { chosenDevice, defaults } from './defaults.js';
import {
  bytesOf,
  bytesPerSample,
  checkAttached,
  checkDType,
  type DType,
  dtypeOf,
  makeArray,
  type SampleArray,
  type Typed,
} from './dtype.js';
import { invalidFlag, invalidType, invalidValue, show } from './errors.js';
import type { CallbackFlags } from './flags.js';
import { type Job, type JobOptions, NativeJob } from './job.js';
import type { DeviceSpecifier, InOut, Latency } from './options.js';
import * as is from './options.js';
import { type ExtraSettings, extraSettings, unpacked } from './settings.js';
import { type AudioSource, type DTypeOf, type Interleaved, interleave } from './source.js';

/** What play, rec and playrec have in common; what is missing comes from `defaults`. */
export interface CommonOptions {
  /** Hertz; without it the data's, `defaults.sampleRate`, or the device's own. */
  sampleRate?: number;
  /** Which device, or `[input, output]`. */
  device?: InOut<DeviceSpecifier>;
  /** Seconds for the whole buffer, 'low' or 'high'. */
  latency?: InOut<Latency>;
  /** Frames per block; 0 leaves it to the host. */
  blockSize?: number;
  /** Settings of the device's host API; those of another one are refused: `ERR_INCOMPATIBLE_SETTINGS`. */
  extraSettings?: InOut<ExtraSettings>;
  /** Do not count clipped samples. */
  clipOff?: boolean;
  /** Do not dither. */
  ditherOff?: boolean;
  /** For duplex streams with a callback only: here it is refused with `ERR_INVALID_FLAG`. */
  neverDropInput?: boolean;
  /** Convert between the data's rate and one the device can do, instead of failing. Not built yet. */
  resample?: boolean | 'fast' | 'good' | 'best';
  /** Ends the job, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}
/** Options of `play`. */
export interface PlayOptions extends CommonOptions {
  /** Output channels, 1-based, each at most once; mono goes to all of them. */
  mapping?: number | readonly number[];
  /** Frames; `end` exclusive; `count` is how often the range is heard. */
  loop?: boolean | { start?: number; end?: number; count?: number };
  /** How to read bytes. */
  dtype?: DType;
  /** The data says. */
  channels?: never;
  /** Play along with what is already playing instead of stopping it. */
  overlap?: boolean;
}
/** Options of `rec`. */
export interface RecOptions<D extends DType> extends CommonOptions {
  /** Without them as many as `mapping` names, else `defaults.channels`. */
  channels?: number;
  /** Of the recording; `defaults.dtype` by default. */
  dtype?: D;
  /** Input channels, 1-based. */
  mapping?: number | readonly number[];
}
/** Options of `playrec`. */
export interface PlayrecOptions<D extends DType> extends CommonOptions {
  /** Of the recording; without them as many as `inputMapping` names, else `defaults.channels`. */
  channels?: number;
  /** Record into this; frames must agree; its dtype counts. */
  out?: Typed | AudioData;
  /** Of the recording; the data's by default. Bytes to be played need AudioData. */
  dtype?: D;
  /** Input channels, 1-based. */
  inputMapping?: number | readonly number[];
  /** Output channels, 1-based, each at most once; mono goes to all of them. */
  outputMapping?: number | readonly number[];
  /** Take the round trip out, by the reported latencies: frame n of the result is what was heard while frame n was played. */
  align?: boolean;
}

const COMMON = {
  sampleRate: is.rate,
  device: is.inOut(is.device),
  latency: is.inOut(is.latency),
  blockSize: is.blockSize,
  extraSettings: is.inOut(extraSettings),
  clipOff: is.boolean,
  ditherOff: is.boolean,
  neverDropInput: is.boolean,
  resample: is.resample,
  signal: is.abortSignal,
  blocking: is.boolean,
};

function range(
  value: unknown,
  name: string,
): { start: number; end: number | undefined; count: number } | undefined {
  if (typeof value === 'boolean') return value ? { start: 0, end: undefined, count: Infinity } : undefined;
  const frame = is.integer(0);
  const count = (times: unknown, what: string) =>
    times === Infinity ? Infinity : is.integer(1)(times, what);
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalidType(`${name} must be a boolean or a range, got ${show(value)}`);
  }
  const {
    start = 0,
    end,
    count: times = Infinity,
  } = is.check(value, { start: frame, end: frame, count }, `${name}.`);
  return { start, end, count: times };
}

const out = (value: unknown, name: string): Typed | AudioData => {
  if (value instanceof AudioData || dtypeOf(value) !== undefined) {
    checkAttached(value instanceof AudioData ? value.data : (value as Typed), name);
    return value as Typed | AudioData;
  }
  throw invalidType(`${name} must be a typed array or AudioData, got ${show(value)}`);
};

const PLAY = { ...COMMON, mapping: is.mapping, loop: range, dtype: checkDType, overlap: is.boolean };
const REC = { ...COMMON, channels: is.channels, dtype: checkDType, mapping: is.mapping, out };
const PLAYREC = {
  ...COMMON,
  channels: is.channels,
  dtype: checkDType,
  inputMapping: is.mapping,
  outputMapping: is.mapping,
  align: is.boolean,
  out,
};

interface Common {
  sampleRate?: number;
  device?: [DeviceSpecifier | undefined, DeviceSpecifier | undefined];
  latency?: [Latency | undefined, Latency | undefined];
  blockSize?: number;
  extraSettings?: [ExtraSettings | undefined, ExtraSettings | undefined];
  clipOff?: boolean;
  ditherOff?: boolean;
  neverDropInput?: boolean;
  overlap?: boolean;
  align?: boolean;
}

const shared = (given: Common, sampleRate: number | undefined) => {
  if (given.neverDropInput ?? defaults.neverDropInput) {
    throw invalidFlag('neverDropInput expects a duplex stream with a callback and blockSize 0');
  }
  const rate = given.sampleRate ?? sampleRate ?? defaults.sampleRate;
  if (rate !== null) is.checkPossible(rate);
  return {
    blockSize: given.blockSize ?? defaults.blockSize,
    clipOff: given.clipOff ?? defaults.clipOff,
    ditherOff: given.ditherOff ?? defaults.ditherOff,
    overlap: given.overlap ?? false,
    align: given.align ?? false,
    ...(rate === null ? {} : { sampleRate: rate }),
  };
};

/** Only a device that somebody chose: the default one is for the core to find. */
function side(given: Common, kind: is.Kind) {
  const which = kind === 'input' ? 0 : 1;
  const device = given.device?.[which] ?? chosenDevice(kind);
  return {
    latency: given.latency?.[which] ?? defaults.latency[kind],
    ...(device === undefined ? {} : { device }),
    ...unpacked(given.extraSettings?.[which] ?? defaults.extraSettings[kind]),
  };
}

function output(
  source: Interleaved,
  given: Common,
  mapping: number[] | undefined,
  loop?: ReturnType<typeof range>,
) {
  if (loop && source.frames === 0)
    throw invalidValue('empty data cannot be looped: expected at least one frame, got 0');
  const { bytes, live, dtype, channels } = source;
  return {
    data: bytes,
    live,
    dtype,
    channels,
    ...side(given, 'output'),
    ...(mapping ? { mapping } : {}),
    ...(loop ? { loop: { ...loop, end: loop.end ?? source.frames } } : {}),
  };
}

/** Checks the options; the sample rate may stand before them. */
function checked<S extends typeof PLAY | typeof PLAYREC>(rate: unknown, options: unknown, schema: S) {
  if (typeof rate === 'object' || rate === undefined) {
    if (rate && options !== undefined) {
      throw invalidType(`options must be the last argument, got ${show(options)} behind them`);
    }
    return is.check(rate ?? options, schema);
  }
  const sampleRate = is.rate(rate, 'sampleRate');
  const given = is.check(options, schema);
  if ((given.sampleRate ?? sampleRate) !== sampleRate) {
    throw invalidValue(`sampleRate must be given once, got ${sampleRate} and ${show(given.sampleRate)}`);
  }
  return { ...given, sampleRate };
}

type Blocking = { blocking: true };
type NotBlocking = { blocking?: false };

/** Lets it be the newest, and waits where the call shall block. */
function run<T>(job: NativeJob<T>, overlap: boolean, blocking: boolean | undefined): NativeJob<T> | T {
  begin(job, overlap);
  if (!blocking) return job;
  NativeJob.waitSync(job);
  return NativeJob.take(job);
}

/**
 * Plays. Starts at once and returns; works in native threads, so a blocked event loop does not make it glitch. Stops what
 * was playing or recording, unless it shall overlap, but only once the new stream is open: errors leave it playing. Data is
 * copied at the call; SharedArrayBuffer data is played live, but for planes that have to be woven: those are copied too.
 * Mono goes to all channels of the device, up to two. With `blocking` the thread waits for the end and the flags are
 * returned.
 *
 * @throws TypeError, RangeError for wrong arguments; SoundDeviceError where the system refuses.
 * @example
 * await play(data, { sampleRate: 44100 });
 * play(stereo, 48000, { mapping: [2, 1], loop: true });
 */
export function play(data: AudioSource, options: PlayOptions & Blocking): CallbackFlags;
export function play(data: AudioSource, sampleRate: number, options: PlayOptions & Blocking): CallbackFlags;
export function play(data: AudioSource, options?: PlayOptions & NotBlocking): Job<CallbackFlags>;
export function play(
  data: AudioSource,
  sampleRate: number,
  options?: PlayOptions & NotBlocking,
): Job<CallbackFlags>;
export function play(
  data: AudioSource,
  rate?: number | PlayOptions,
  more?: PlayOptions,
): Job<CallbackFlags> | CallbackFlags {
  const given = checked(rate, more, PLAY);
  const source = interleave(data, given.dtype);
  const options = {
    output: output(source, given, given.mapping, given.loop),
    ...shared(given, source.sampleRate),
  };
  const job: NativeJob<CallbackFlags> = NativeJob.open<CallbackFlags>({
    options,
    held: [source.bytes],
    result: () => job.status,
    signal: given.signal,
    blocking: given.blocking,
  });
  return run(job, given.overlap ?? false, given.blocking);
}

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

function record(
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

type Both<D extends DType> = Omit<PlayrecOptions<D>, 'dtype'> & { dtype?: D };
type OutTo<A> = Omit<PlayrecOptions<DType>, 'out'> & { out: A };

/**
 * Plays and records as many frames at the same time. Everything else is as with `play` and `rec`; the recording has the
 * data's dtype unless told otherwise.
 *
 * @throws TypeError, RangeError for wrong arguments; SoundDeviceError where the system refuses.
 * @example
 * const heard = await playrec(sweep, 48000, { channels: 1, align: true });
 */
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  options: OutTo<A> & Blocking,
): AudioData<DTypeOf<A>>;
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  options: OutTo<A> & NotBlocking,
): Job<AudioData<DTypeOf<A>>>;
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  sampleRate: number,
  options: OutTo<A> & Blocking,
): AudioData<DTypeOf<A>>;
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  sampleRate: number,
  options: OutTo<A> & NotBlocking,
): Job<AudioData<DTypeOf<A>>>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  options: Both<D> & Blocking,
): AudioData<D>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  options?: Both<D> & NotBlocking,
): Job<AudioData<D>>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  sampleRate: number,
  options: Both<D> & Blocking,
): AudioData<D>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  sampleRate: number,
  options?: Both<D> & NotBlocking,
): Job<AudioData<D>>;
export function playrec(
  data: AudioSource,
  rate?: number | object,
  more?: object,
): Job<AudioData> | AudioData {
  const { inputMapping, outputMapping, ...given } = checked(rate, more, PLAYREC);
  const source = interleave(data);
  const extra = {
    output: output(source, given, outputMapping),
    held: source.bytes,
    sampleRate: source.sampleRate,
  };
  const wanted = { ...given, ...(inputMapping ? { mapping: inputMapping } : {}) };
  const job = record(source.frames, wanted, given.dtype ?? source.dtype, extra);
  return run(job, false, given.blocking);
}
