/** Options of streams. */
import type {
  Duplex,
  DuplexCallback,
  InputCallback,
  OutputCallback,
  Processor,
  Simplex,
} from './callback.js';
import { defaults } from './defaults.js';
import { checkDType, type DType } from './dtype.js';
import { invalidFlag, invalidType, invalidValue, show, unknownOption } from './errors.js';
import type { DeviceSpecifier, InOut, Latency } from './options.js';
import * as is from './options.js';
import { type ExtraSettings, extraSettings } from './settings.js';

/** Three homes, never two of them: callback, processor, or neither (read and write). */
type Home<C> =
  | { callback?: undefined; processor?: undefined }
  | {
      /** Called once per block, on the thread that opened the stream. */
      callback: C;
      processor?: undefined;
    }
  | {
      callback?: undefined;
      /** Called once per block, on a real-time thread of the library's: a module, or a function that uses nothing from outside. */
      processor: Processor<C>;
      /** Structured-cloned for the processor. */
      processorOptions?: unknown;
      /**
       * When a block is played: with 'sync' in the period that asked for it, which waits until half of it is left; with
       * 'pipelined' one block later. 'auto', the default: 'sync' where its thread got real-time priority, else 'pipelined'.
       */
      handoff?: 'auto' | 'sync' | 'pipelined';
    };

interface CommonStreamOptions {
  /** Hertz; `defaults.sampleRate`, else the device's own. */
  sampleRate?: number;
  /** Frames per block; 0 leaves it to the host. */
  blockSize?: number;
  /** Which device, or `[input, output]`. */
  device?: InOut<DeviceSpecifier>;
  /** Seconds for the whole buffer, 'low' or 'high'. */
  latency?: InOut<Latency>;
  /** Settings of the device's host API; those of another one are refused. */
  extraSettings?: InOut<ExtraSettings>;
  /** Called whenever the stream has ended. */
  finishedCallback?: () => void;
  /** Do not count clipped samples. */
  clipOff?: boolean;
  /** Do not dither. */
  ditherOff?: boolean;
  /** Convert between the rate asked for and one the device can do, instead of failing. */
  resample?: boolean | 'fast' | 'good' | 'best';
  /**
   * What happens when the device is lost; 'error' by default. With 'follow-default' a stream opened without `device` goes on with
   * the same rate, channels and dtype where the default device is, also when another one becomes that; the gap is flagged, and
   * 'device-changed' tells where. One opened on a device of its own choice is lost with it.
   */
  onDeviceLost?: 'error' | 'follow-default';
  /** Aborts the stream. */
  signal?: AbortSignal;
}
interface OutputOnly {
  /**
   * Ask the callback, with silent input and the flag `primingOutput`, for what is played before the first input comes, instead
   * of playing silence. That is done where it is known beforehand how much that will be, which is on virtual devices. With JACK,
   * and in streams without input, nothing comes before the first block anyway; elsewhere a duplex stream is silent until its
   * input has come.
   */
  primeOutputBuffersUsingStreamCallback?: boolean;
}
interface DuplexOnly extends OutputOnly {
  /**
   * Call back for all input, also where there is no room for the output any more, which is dropped then (`outputOverflow`); for
   * callbacks with `blockSize` 0. A thread that does not call back for two seconds loses input all the same, and is told.
   */
  neverDropInput?: boolean;
}

/** `dtype` missing or null is typed as the factory default; who changes `defaults.dtype` states it here again. */
export type DuplexStreamOptions<
  I extends DType = 'float32',
  O extends DType = 'float32',
  T = { dtype?: InOut<DType> | null },
> = CommonStreamOptions & DuplexOnly & { channels?: InOut<number> } & T & Home<DuplexCallback<I, O>>;
/** Options of an `InputStream`. */
export type InputStreamOptions<D extends DType = 'float32'> = CommonStreamOptions & {
  channels?: InOut<number>;
  dtype?: D | null;
} & Home<InputCallback<D>>;
/** Options of an `OutputStream`. */
export type OutputStreamOptions<D extends DType = 'float32'> = CommonStreamOptions &
  OutputOnly & { channels?: InOut<number>; dtype?: D | null } & Home<OutputCallback<D>>;

export type RawOptions<C> = CommonStreamOptions &
  DuplexOnly & { channels?: InOut<number>; dtype?: InOut<DType> } & Home<C>;
export type RawDuplexOptions = RawOptions<Duplex<Buffer, Buffer>>;
export type RawSimplexOptions = RawOptions<Simplex<Buffer>>;

/** Options of Node streams. */
export type NodeStreamOptions = CommonStreamOptions & { channels?: InOut<number>; dtype?: InOut<DType> };

function callable(value: unknown, name: string): (...args: never[]) => unknown {
  if (typeof value === 'function') return value as never;
  throw invalidType(`${name} must be a function, got ${show(value)}`);
}

function processor(value: unknown, name: string): unknown {
  if (typeof value === 'function' || value instanceof URL) return value;
  throw invalidType(
    `${name} must be the URL of a module or a function that makes a callback, got ${show(value)}`,
  );
}

/** One of a few words. */
const word =
  (...words: string[]): is.Check<string> =>
  (value, name) => {
    if (words.includes(value as string)) return value as string;
    const message = `${name} must be one of ${words.join(', ')}, got ${show(value)}`;
    throw typeof value === 'string' ? invalidValue(message) : invalidType(message);
  };

const NODE_STREAM = {
  sampleRate: is.rate,
  blockSize: is.blockSize,
  device: is.inOut(is.device),
  channels: is.inOut(is.channels),
  dtype: is.inOut(checkDType),
  latency: is.inOut(is.latency),
  extraSettings: is.inOut(extraSettings),
  finishedCallback: callable,
  clipOff: is.boolean,
  ditherOff: is.boolean,
  resample: is.resample,
  onDeviceLost: word('error', 'follow-default'),
  signal: is.abortSignal,
};
const STREAM = {
  ...NODE_STREAM,
  callback: callable,
  processor,
  processorOptions: (value: unknown) => value,
  handoff: word('auto', 'sync', 'pipelined'),
  neverDropInput: is.boolean,
  primeOutputBuffersUsingStreamCallback: is.boolean,
};

/** @throws TypeError, RangeError for options that can never be right; the reason of a signal that is aborted already. */
export function checkNodeStreamOptions(options: unknown): void {
  is.check(options, NODE_STREAM).signal?.throwIfAborted();
}

/** Options of any stream, checked. */
export type CheckedStreamOptions = ReturnType<typeof is.check<typeof STREAM>>;

/**
 * The same of a stream of that kind, and `ERR_INVALID_FLAG` for flags that mean nothing there. What only a device can refuse
 * is left to opening it.
 */
export function checkStreamOptions(
  options: unknown,
  kind: 'duplex' | 'input' | 'output',
): CheckedStreamOptions {
  const given = is.check(options, STREAM);
  if (given.callback && given.processor) {
    throw invalidType('expected callback or processor or neither, got both');
  }
  for (const name of ['processorOptions', 'handoff'] as const) {
    if (given[name] !== undefined && !given.processor) {
      throw unknownOption(`option ${name} belongs to processor, got it without one`);
    }
  }
  const called = given.callback !== undefined || given.processor !== undefined;
  const blockSize = given.blockSize ?? defaults.blockSize;
  if (
    (given.neverDropInput ?? defaults.neverDropInput) &&
    !(kind === 'duplex' && called && blockSize === 0)
  ) {
    throw invalidFlag('neverDropInput expects a duplex stream with a callback and blockSize 0');
  }
  if (given.primeOutputBuffersUsingStreamCallback && (kind === 'input' || !called)) {
    throw invalidFlag('primeOutputBuffersUsingStreamCallback expects a stream with an output and a callback');
  }
  given.signal?.throwIfAborted();
  return given;
}
