/** play, rec, playrec. */
import { AudioData } from './audio-data.js';
import { begin } from './current.js';
import { defaults } from './defaults.js';
import {
  bytesOf,
  bytesPerSample,
  type DType,
  dtypeOf,
  makeArray,
  type SampleArray,
  type Typed,
} from './dtype.js';
import { invalidType, invalidValue, show } from './errors.js';
import type { CallbackFlags } from './flags.js';
import { Job } from './job.js';
import type { DeviceSpecifier, InOut, Latency } from './options.js';
import * as is from './options.js';
import { type AudioSource, checkAttached, type Interleaved, interleave } from './source.js';

export interface CommonOptions {
  sampleRate?: number;
  device?: InOut<DeviceSpecifier>;
  latency?: InOut<Latency>;
  blockSize?: number;
  clipOff?: boolean;
  ditherOff?: boolean;
  signal?: AbortSignal;
  blocking?: boolean;
}
export interface PlayOptions extends CommonOptions {
  mapping?: number | readonly number[];
  loop?: boolean | { start?: number; end?: number; count?: number };
  dtype?: DType;
  overlap?: boolean;
}
export interface RecOptions<D extends DType = DType> extends CommonOptions {
  channels?: number;
  dtype?: D;
  mapping?: number | readonly number[];
  out?: Typed | AudioData;
}
export interface PlayrecOptions<D extends DType = DType> extends CommonOptions {
  channels?: number;
  dtype?: D;
  out?: Typed | AudioData;
  inputMapping?: number | readonly number[];
  outputMapping?: number | readonly number[];
  align?: boolean;
}

const COMMON = {
  sampleRate: is.rate,
  device: is.inOut(is.device),
  latency: is.inOut(is.latency),
  blockSize: is.integer(0, 1 << 24),
  extraSettings: is.notBuilt,
  clipOff: is.boolean,
  ditherOff: is.boolean,
  neverDropInput: is.notBuilt,
  resample: is.notBuilt,
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
  const { start = 0, end, count: times = Infinity } = is.check(value, { start: frame, end: frame, count });
  if (typeof value !== 'object')
    throw invalidType(`${name} must be a boolean or a range, got ${show(value)}`);
  return { start, end, count: times };
}

const out = (value: unknown, name: string): Typed | AudioData => {
  if (value instanceof AudioData || dtypeOf(value) !== undefined) {
    checkAttached(value instanceof AudioData ? value.data : (value as Typed), name);
    return value as Typed | AudioData;
  }
  throw invalidType(`${name} must be a typed array or AudioData, got ${show(value)}`);
};

const channelCount = is.integer(0, 65535);
const PLAY = { ...COMMON, mapping: is.mapping, loop: range, dtype: is.dtype, overlap: is.boolean };
const REC = { ...COMMON, channels: channelCount, dtype: is.dtype, mapping: is.mapping, out };
const PLAYREC = {
  ...COMMON,
  channels: channelCount,
  dtype: is.dtype,
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
  clipOff?: boolean;
  ditherOff?: boolean;
  overlap?: boolean;
  align?: boolean;
}

const shared = (given: Common, sampleRate: number | undefined) => {
  const rate = given.sampleRate ?? sampleRate ?? defaults.sampleRate;
  return {
    blockSize: given.blockSize ?? defaults.blockSize,
    clipOff: given.clipOff ?? defaults.clipOff,
    ditherOff: given.ditherOff ?? defaults.ditherOff,
    overlap: given.overlap ?? false,
    align: given.align ?? false,
    ...(rate === null ? {} : { sampleRate: rate }),
  };
};

/** Only what the user chose: -1, which says that there is none, is left for the core to explain. */
const side = (given: Common, which: 0 | 1) => ({
  device: given.device?.[which] ?? defaults.device[which],
  latency: given.latency?.[which] ?? defaults.latency[which],
});

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
    ...side(given, 1),
    ...(mapping ? { mapping } : {}),
    ...(loop ? { loop: { ...loop, end: loop.end ?? source.frames } } : {}),
  };
}

/** Splits the arguments: the sample rate may stand before the options. */
function split<O>(rate: number | O | undefined, options: O | undefined): O & { sampleRate?: number } {
  if (typeof rate === 'object' || rate === undefined || rate === null)
    return (rate ?? options ?? {}) as never;
  const own = options ?? {};
  if (typeof own !== 'object') throw invalidType(`options must be an object, got ${show(own)}`);
  return { ...own, sampleRate: is.rate(rate, 'sampleRate') } as never;
}

/** Starts at once and returns. Data is copied at the call; SharedArrayBuffer data is played live. */
export function play(data: AudioSource, options: PlayOptions & { blocking: true }): CallbackFlags;
export function play(
  data: AudioSource,
  sampleRate: number,
  options: PlayOptions & { blocking: true },
): CallbackFlags;
export function play(data: AudioSource, options?: PlayOptions & { blocking?: false }): Job<CallbackFlags>;
export function play(
  data: AudioSource,
  sampleRate: number,
  options?: PlayOptions & { blocking?: false },
): Job<CallbackFlags>;
export function play(
  data: AudioSource,
  rate?: number | PlayOptions,
  more?: PlayOptions,
): Job<CallbackFlags> | CallbackFlags {
  const given = is.check(split<PlayOptions>(rate, more), PLAY);
  const source = interleave(data, given.dtype);
  const options = {
    output: output(source, given, given.mapping, given.loop),
    ...shared(given, source.sampleRate),
  };
  const job: Job<CallbackFlags> = Job.open({
    options,
    held: [source.bytes],
    result: () => job.status,
    signal: given.signal,
    blocking: given.blocking,
  });
  begin(job, given.overlap ?? false);
  if (!given.blocking) return job;
  job.waitSync();
  return job.status;
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
): Job<AudioData> {
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
    ...side(given, 0),
    ...(given.mapping ? { mapping: given.mapping } : {}),
  };
  const options = {
    input,
    ...(extra.output ? { output: extra.output } : {}),
    ...shared(given, extra.sampleRate),
  };
  return Job.open<AudioData>({
    options,
    held: [bytes, extra.held],
    signal: given.signal,
    blocking: given.blocking,
    result(job) {
      const recorded = job.recorded();
      const shape = {
        channels: Math.max(1, target.channels),
        sampleRate: job.stream().sampleRate,
        dtype: target.dtype,
      };
      if (target.into === undefined) return new AudioData(memory, shape).slice(0, recorded);
      const used = recorded * target.channels * bytesPerSample(target.dtype);
      bytesOf(target.into).set(bytes.subarray(0, used));
      if (given.out instanceof AudioData && recorded === target.frames) return given.out;
      const filled = new AudioData(target.into, shape);
      return recorded === target.frames ? filled : filled.slice(0, recorded);
    },
  });
}

function finish(job: Job<AudioData>, blocking: boolean | undefined): Job<AudioData> | AudioData {
  begin(job, false);
  if (!blocking) return job;
  job.waitSync();
  return job.take();
}

export function rec(frames: number | null | undefined, options: RecOptions & { blocking: true }): AudioData;
export function rec<D extends DType = 'float32'>(
  frames?: number | null,
  options?: RecOptions<D>,
): Job<AudioData<D>>;
export function rec(frames?: number | null, options?: RecOptions): Job<AudioData> | AudioData {
  const given = is.check(options, REC);
  const count =
    frames === undefined || frames === null ? undefined : is.integer(0, 2 ** 40)(frames, 'frames');
  return finish(
    record(given.out ? undefined : count, given, given.dtype ?? defaults.dtype.input, {}),
    given.blocking,
  );
}

export function playrec(data: AudioSource, options: PlayrecOptions & { blocking: true }): AudioData;
export function playrec(
  data: AudioSource,
  sampleRate: number,
  options: PlayrecOptions & { blocking: true },
): AudioData;
export function playrec(data: AudioSource, options?: PlayrecOptions): Job<AudioData>;
export function playrec(data: AudioSource, sampleRate: number, options?: PlayrecOptions): Job<AudioData>;
export function playrec(
  data: AudioSource,
  rate?: number | PlayrecOptions,
  more?: PlayrecOptions,
): Job<AudioData> | AudioData {
  const { inputMapping, outputMapping, ...given } = is.check(split<PlayrecOptions>(rate, more), PLAYREC);
  const source = interleave(data);
  const extra = {
    output: output(source, given, outputMapping),
    held: source.bytes,
    sampleRate: source.sampleRate,
  };
  const wanted = { ...given, ...(inputMapping ? { mapping: inputMapping } : {}) };
  return finish(record(source.frames, wanted, given.dtype ?? source.dtype, extra), given.blocking);
}
