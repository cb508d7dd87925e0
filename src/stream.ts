/** The classes of streams. */
import type { DType, SampleArray } from './dtype.js';
import { openAsync, StreamBase } from './stream-base.js';
import { BOTH_FACTS, give, INPUT_FACTS, OUTPUT_FACTS, READER, WRITER } from './stream-members.js';
import type {
  DuplexStreamOptions,
  InputStreamOptions,
  OutputStreamOptions,
  RawDuplexOptions,
  RawSimplexOptions,
} from './stream-options.js';
import type { One, RawSource, Reader, StreamSource, Two, Writer } from './stream-types.js';

type None = null | undefined;

// Members are declared by interfaces of the same names: classes and what a job's stream has share them.
// biome-ignore-start lint/suspicious/noUnsafeDeclarationMerging: see above
// biome-ignore-start lint/complexity/noThisInStatic: a subclass opens its own kind

/**
 * Input and output at once.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 * @example
 * const stream = new Stream({ channels: 1, callback(input, output) { output.set(input); } }).start();
 */
export class Stream<I extends DType = 'float32', O extends DType = 'float32'> extends StreamBase {
  /** One dtype for both. */
  constructor(options?: DuplexStreamOptions<I, O, { dtype?: I | null } & { dtype?: O | null }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: O] }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: None, output: O] }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: None] }>);
  constructor(options?: object) {
    super('duplex', false, options);
  }

  /** Opens without blocking the thread. */
  static open<I extends DType = 'float32', O extends DType = 'float32'>(
    options?: DuplexStreamOptions<I, O, { dtype?: I | null } & { dtype?: O | null }>,
  ): Promise<Stream<I, O>>;
  static open<I extends DType = 'float32', O extends DType = 'float32'>(
    options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: O] }>,
  ): Promise<Stream<I, O>>;
  static open<I extends DType = 'float32', O extends DType = 'float32'>(
    options: DuplexStreamOptions<I, O, { dtype: readonly [input: None, output: O] }>,
  ): Promise<Stream<I, O>>;
  static open<I extends DType = 'float32', O extends DType = 'float32'>(
    options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: None] }>,
  ): Promise<Stream<I, O>>;
  static open(options?: object): Promise<Stream> {
    return openAsync(this as never, 'duplex', false, options);
  }
}
export interface Stream<I extends DType = 'float32', O extends DType = 'float32'>
  extends Reader<SampleArray<I>>,
    Writer<StreamSource<O>>,
    Two<I, O> {}

/**
 * What is heard, by callback, processor, reading or iteration.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 * @example
 * for await (const { data } of new InputStream({ channels: 1 }).start()) console.log(Math.max(...data));
 */
export class InputStream<D extends DType = 'float32'> extends StreamBase {
  constructor(options?: InputStreamOptions<D>) {
    super('input', false, options);
  }

  /** Opens without blocking the thread. */
  static open<D extends DType = 'float32'>(options?: InputStreamOptions<D>): Promise<InputStream<D>> {
    return openAsync(this as never, 'input', false, options);
  }
}
export interface InputStream<D extends DType = 'float32'> extends Reader<SampleArray<D>>, One<D> {}

/**
 * What is played, by callback, processor or writing.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 * @example
 * const stream = new OutputStream({ channels: 1 }).start();
 * await stream.write(new Float32Array(480));
 */
export class OutputStream<D extends DType = 'float32'> extends StreamBase {
  constructor(options?: OutputStreamOptions<D>) {
    super('output', false, options);
  }

  /** Opens without blocking the thread. */
  static open<D extends DType = 'float32'>(options?: OutputStreamOptions<D>): Promise<OutputStream<D>> {
    return openAsync(this as never, 'output', false, options);
  }
}
export interface OutputStream<D extends DType = 'float32'> extends Writer<StreamSource<D>>, One<D> {}

/**
 * As `Stream`, but bytes, whatever the dtype. A Buffer of a callback is shared memory and valid during the call only.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 */
export class RawStream extends StreamBase {
  constructor(options?: RawDuplexOptions) {
    super('duplex', true, options);
  }

  /** Opens without blocking the thread. */
  static open(options?: RawDuplexOptions): Promise<RawStream> {
    return openAsync(this as never, 'duplex', true, options);
  }
}
export interface RawStream extends Reader<Buffer>, Writer<RawSource>, Two<DType, DType> {}

/**
 * As `InputStream`, but bytes.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 */
export class RawInputStream extends StreamBase {
  constructor(options?: RawSimplexOptions) {
    super('input', true, options);
  }

  /** Opens without blocking the thread. */
  static open(options?: RawSimplexOptions): Promise<RawInputStream> {
    return openAsync(this as never, 'input', true, options);
  }
}
export interface RawInputStream extends Reader<Buffer>, One<DType> {}

/**
 * As `OutputStream`, but bytes.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 */
export class RawOutputStream extends StreamBase {
  constructor(options?: RawSimplexOptions) {
    super('output', true, options);
  }

  /** Opens without blocking the thread. */
  static open(options?: RawSimplexOptions): Promise<RawOutputStream> {
    return openAsync(this as never, 'output', true, options);
  }
}
export interface RawOutputStream extends Writer<RawSource>, One<DType> {}
// biome-ignore-end lint/suspicious/noUnsafeDeclarationMerging: see above
// biome-ignore-end lint/complexity/noThisInStatic: a subclass opens its own kind

give(Stream, READER, WRITER, BOTH_FACTS);
give(InputStream, READER, INPUT_FACTS);
give(OutputStream, WRITER, OUTPUT_FACTS);
give(RawStream, READER, WRITER, BOTH_FACTS);
give(RawInputStream, READER, INPUT_FACTS);
give(RawOutputStream, WRITER, OUTPUT_FACTS);
