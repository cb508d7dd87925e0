/** Options of play, rec and playrec → what the addon opens. */
import { AudioData } from './audio-data.js';
import { chosenDevice, defaults } from './defaults.js';
import { checkAttached, checkDType, type DType, dtypeOf, type Typed } from './dtype.js';
import { invalidFlag, invalidType, invalidValue, show } from './errors.js';
import type { DeviceSpecifier, InOut, Latency } from './options.js';
import * as is from './options.js';
import { type ExtraSettings, extraSettings, unpacked } from './settings.js';

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

/** What is heard again and again. */
export interface Range {
  start: number;
  end: number | undefined;
  count: number;
}

function range(value: unknown, name: string): Range | undefined {
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

/** Checks of the options. */
export const PLAY = { ...COMMON, mapping: is.mapping, loop: range, dtype: checkDType, overlap: is.boolean };
export const REC = { ...COMMON, channels: is.channels, dtype: checkDType, mapping: is.mapping, out };
export const PLAYREC = {
  ...COMMON,
  channels: is.channels,
  dtype: checkDType,
  inputMapping: is.mapping,
  outputMapping: is.mapping,
  align: is.boolean,
  out,
};

/** Options of any of them, checked. */
export interface Common {
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

/** Options for the addon that do not belong to a direction. */
export const shared = (given: Common, sampleRate: number | undefined) => {
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

/** Those of one direction. Only a device that somebody chose: the default one is for the core to find. */
export function side(given: Common, kind: is.Kind) {
  const which = kind === 'input' ? 0 : 1;
  const device = given.device?.[which] ?? chosenDevice(kind);
  return {
    latency: given.latency?.[which] ?? defaults.latency[kind],
    ...(device === undefined ? {} : { device }),
    ...unpacked(given.extraSettings?.[which] ?? defaults.extraSettings[kind]),
  };
}

/** Checks the options; the sample rate may stand before them. */
export function checked<S extends typeof PLAY | typeof PLAYREC>(
  rate: unknown,
  options: unknown,
  schema: S,
): is.Checked<S> {
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

export type Blocking = { blocking: true };
export type NotBlocking = { blocking?: false };
