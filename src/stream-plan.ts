/** Options of streams → what the addon opens. */
import { chosenDevice, defaults } from './defaults.js';
import { refuseSettings } from './devices.js';
import { bytesPerSample, checkDType, type DType } from './dtype.js';
import { invalidType, invalidValue, notSupported, show } from './errors.js';
import type { Kind } from './options.js';
import * as is from './options.js';
import { extraSettings } from './settings.js';

const text =
  (allowed: readonly string[]): is.Check<string> =>
  (value, name) => {
    if (typeof value !== 'string') throw invalidType(`${name} must be a string, got ${show(value)}`);
    if (!allowed.includes(value)) {
      throw invalidValue(`${name} must be one of ${allowed.join(', ')}, got ${show(value)}`);
    }
    return value;
  };

type Callable = (...args: unknown[]) => unknown;

const callable: is.Check<Callable> = (value, name) => {
  if (typeof value !== 'function') throw invalidType(`${name} must be a function, got ${show(value)}`);
  return value as Callable;
};

const processor: is.Check<URL | Callable> = (value, name) => {
  if (value instanceof URL) return value;
  if (typeof value === 'function') return value as Callable;
  throw invalidType(`${name} must be a URL or a function, got ${show(value)}`);
};

const SCHEMA = {
  sampleRate: is.rate,
  blockSize: is.blockSize,
  device: is.inOut(is.device),
  channels: is.inOut(is.channels),
  dtype: is.inOut(checkDType),
  latency: is.inOut(is.latency),
  extraSettings: is.inOut(extraSettings),
  callback: callable,
  processor,
  processorOptions: (value: unknown) => value,
  handoff: text(['auto', 'sync', 'pipelined']),
  finishedCallback: callable,
  clipOff: is.boolean,
  ditherOff: is.boolean,
  neverDropInput: is.boolean,
  primeOutputBuffersUsingStreamCallback: is.boolean,
  resample: is.resample,
  onDeviceLost: text(['error', 'follow-default']),
  signal: is.abortSignal,
};

/** One direction as it was asked for. */
export interface SidePlan {
  dtype: DType;
  /** Bytes per sample. */
  size: number;
}

/** A stream to be opened. */
export interface StreamPlan {
  raw: boolean;
  input: SidePlan | undefined;
  output: SidePlan | undefined;
  blockSize: number;
  callback: Callable | undefined;
  finishedCallback: Callable | undefined;
  signal: AbortSignal | undefined;
  /** As the addon takes them. */
  options: object;
}

export type Direction = Kind | 'duplex';

/** @throws TypeError or RangeError for wrong options; the signal's reason if it is aborted already. */
export function planStream(direction: Direction, raw: boolean, options: unknown): StreamPlan {
  const given = is.check(options, SCHEMA);
  if (given.callback && given.processor) {
    throw invalidValue('expected callback or processor, got both');
  }
  if (!given.processor && (given.handoff !== undefined || given.processorOptions !== undefined)) {
    throw invalidValue('handoff and processorOptions need a processor, got none');
  }
  if (given.processor) throw notSupported('option processor');
  if (given.onDeviceLost === 'follow-default') throw notSupported("onDeviceLost: 'follow-default'");
  given.signal?.throwIfAborted();
  const side = (kind: Kind) => {
    if (direction !== 'duplex' && direction !== kind) return undefined;
    const which = kind === 'input' ? 0 : 1;
    const device = given.device?.[which] ?? chosenDevice(kind);
    const channels = given.channels?.[which] ?? defaults.channels[kind];
    refuseSettings(given.extraSettings?.[which], device, kind);
    return {
      dtype: given.dtype?.[which] ?? defaults.dtype[kind],
      latency: given.latency?.[which] ?? defaults.latency[kind],
      ...(device === undefined ? {} : { device }),
      ...(channels === null ? {} : { channels }),
    };
  };
  const [input, output] = [side('input'), side('output')];
  const sampleRate = given.sampleRate ?? defaults.sampleRate;
  const blockSize = given.blockSize ?? defaults.blockSize;
  const sided = (one: typeof input) => one && { dtype: one.dtype, size: bytesPerSample(one.dtype) };
  return {
    raw,
    input: sided(input),
    output: sided(output),
    blockSize,
    callback: given.callback,
    finishedCallback: given.finishedCallback,
    signal: given.signal,
    options: {
      ...(input ? { input } : {}),
      ...(output ? { output } : {}),
      ...(sampleRate === null ? {} : { sampleRate }),
      blockSize,
      clipOff: given.clipOff ?? defaults.clipOff,
      ditherOff: given.ditherOff ?? defaults.ditherOff,
      neverDropInput: given.neverDropInput ?? defaults.neverDropInput,
      primeOutput:
        given.primeOutputBuffersUsingStreamCallback ?? defaults.primeOutputBuffersUsingStreamCallback,
      called: given.callback !== undefined,
    },
  };
}
