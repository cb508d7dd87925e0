/** What callbacks get and give. */
import type { MessagePort } from 'node:worker_threads';
import type { DType, SampleArray } from './dtype.js';
import { invalidType, show } from './errors.js';
import type { CallbackFlags } from './flags.js';

/**
 * Seconds on the clock of `stream.time`, which only ever goes forward. In callbacks it is one object that is used again for
 * the next block; in `Block` and `Reading` it is a copy. The time of a direction that the stream lacks means nothing.
 */
export interface StreamTime {
  /** When the first frame of the input was captured. */
  readonly inputBufferAdcTime: number;
  /** When the first frame of the output will be heard. */
  readonly outputBufferDacTime: number;
  /** The moment of the call. */
  readonly currentTime: number;
}

/** Returned by a callback: go on. The same as returning nothing. */
export const CONTINUE = 0;
/** Returned by a callback: this block is the last one to be played, then the stream ends. As throwing `CallbackStop`. */
export const COMPLETE = 1;
/** Returned by a callback: the stream ends at once, this block is not played. As throwing `CallbackAbort`. */
export const ABORT = 2;

/**
 * What a callback may return. Not `unknown`: `out => n++` and `async` callbacks are mistakes that the compiler finds. At run
 * time everything but 1 and 2 is ignored; a promise ends the stream with a TypeError.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is the usual one
export type CallbackResult = void | typeof CONTINUE | typeof COMPLETE | typeof ABORT;

export type Duplex<I, O> = (
  input: I,
  output: O,
  frames: number,
  time: StreamTime,
  status: CallbackFlags,
) => CallbackResult;
export type Simplex<A> = (
  buffer: A,
  frames: number,
  time: StreamTime,
  status: CallbackFlags,
) => CallbackResult;

/**
 * Called once per block with what was heard and with what shall be played: interleaved, `frames × channels`, views over
 * shared memory that are valid during the call only. `output` starts as silence.
 */
export type DuplexCallback<I extends DType = 'float32', O extends DType = I> = Duplex<
  SampleArray<I>,
  SampleArray<O>
>;
/** Called once per block with what was heard: interleaved, a view that is valid during the call only. */
export type InputCallback<D extends DType = 'float32'> = Simplex<SampleArray<D>>;
/** Called once per block to fill what will be played: interleaved, silence at first, valid during the call only. */
export type OutputCallback<D extends DType = 'float32'> = Simplex<SampleArray<D>>;

/** What a processor is told when it is made, on its own thread. */
export interface ProcessorContext<
  P = unknown,
  N = number | readonly [number, number],
  T = DType | readonly [DType, DType],
> {
  /** A structured clone of `processorOptions`: SharedArrayBuffers in it are the same memory. */
  readonly options: P;
  /** The other end of `stream.postMessage` and of the stream's 'message' event. */
  readonly port: MessagePort;
  /** Hertz. */
  readonly sampleRate: number;
  /** Frames per call: as asked for, else those of the device's period. */
  readonly blockSize: number;
  /** A number, or `[input, output]`. */
  readonly channels: N;
  /** One, or `[input, output]`. */
  readonly dtype: T;
}

/**
 * Makes the callback of a processor; may be a self-contained function. A method type on purpose: a factory may narrow
 * `options` (`(c: ProcessorContext<{ gain: number }>) => …`).
 */
export type ProcessorFactory<C> = { factory(context: ProcessorContext): C }['factory'];
/**
 * A module whose default export is a factory, or the factory itself, which is sent over as text and must use nothing from
 * around it. It runs in a worker thread of the library's, with real-time priority where the system grants it.
 *
 * What it throws, and a module that is missing or exports something else, ends the stream with `ERR_PROCESSOR`; what its
 * callback throws, with `ERR_CALLBACK_FAILED`.
 */
export type Processor<C> = URL | ProcessorFactory<C>;

function checkFactory<F>(factory: F): F {
  if (typeof factory === 'function') return factory;
  throw invalidType(`factory must be a function that makes a callback, got ${show(factory)}`);
}

/**
 * Types the module of a processor of a duplex stream; returns the factory as it is.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE` unless it is a function.
 * @example
 * export default defineProcessor<{ gain: number }, 'int16'>(({ options }) => (input, output) => {
 *   for (let n = 0; n < output.length; n++) output[n] = input[n] * options.gain;
 * });
 */
export function defineProcessor<P = unknown, I extends DType = 'float32', O extends DType = I>(
  factory: (context: ProcessorContext<P, readonly [number, number], readonly [I, O]>) => DuplexCallback<I, O>,
): typeof factory {
  return checkFactory(factory);
}

/**
 * Types the module of a processor of an input stream; returns the factory as it is.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE` unless it is a function.
 * @example
 * export default defineInputProcessor(({ port }) => (input) => {
 *   port.postMessage(Math.max(...input));
 * });
 */
export function defineInputProcessor<P = unknown, D extends DType = 'float32'>(
  factory: (context: ProcessorContext<P, number, D>) => InputCallback<D>,
): typeof factory {
  return checkFactory(factory);
}

/**
 * Types the module of a processor of an output stream; returns the factory as it is.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE` unless it is a function.
 * @example
 * export default defineOutputProcessor<{ frequency: number }>(({ options, sampleRate }) => {
 *   let phase = 0;
 *   return (output) => {
 *     for (let n = 0; n < output.length; n++) output[n] = Math.sin((phase += options.frequency / sampleRate) * 2 * Math.PI);
 *   };
 * });
 */
export function defineOutputProcessor<P = unknown, D extends DType = 'float32'>(
  factory: (context: ProcessorContext<P, number, D>) => OutputCallback<D>,
): typeof factory {
  return checkFactory(factory);
}
