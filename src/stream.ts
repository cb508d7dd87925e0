/** The classes of streams. Opening them is not built yet: what they will be is typed here. */
import { EventEmitter } from 'node:events';
import type { DType, SampleArray } from './dtype.js';
import { notSupported } from './errors.js';
import type {
  DuplexStreamOptions,
  InputStreamOptions,
  OutputStreamOptions,
  RawDuplexOptions,
  RawSimplexOptions,
} from './stream-options.js';
import type {
  One,
  RawSource,
  Reader,
  StreamEvents,
  StreamMembers,
  StreamSource,
  Two,
  Writer,
} from './stream-types.js';

type None = null | undefined;

// Members are declared by interfaces of the same names: classes and what a job's stream has share them.
// biome-ignore-start lint/suspicious/noUnsafeDeclarationMerging: see above

/** What all streams are: opened by the constructor, inactive until `start()`. */
export abstract class StreamBase extends EventEmitter<StreamEvents> {}
export interface StreamBase extends StreamMembers {}

/**
 * Input and output at once.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 * @example
 * const stream = new Stream({ channels: 1, callback(input, output) { output.set(input); } }).start();
 */
export class Stream<I extends DType = 'float32', O extends DType = 'float32'> extends StreamBase {
  /** One dtype for both. */
  constructor(options?: DuplexStreamOptions<I, O, { dtype?: I | null } & { dtype?: O | null }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: O] }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: None, output: O] }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: None] }>);
  constructor(_options?: object) {
    super();
    throw notSupported('Stream');
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
  static async open(_options?: object): Promise<Stream> {
    throw notSupported('Stream.open');
  }
}
export interface Stream<I extends DType = 'float32', O extends DType = 'float32'>
  extends Reader<SampleArray<I>>,
    Writer<StreamSource<O>>,
    Two<I, O> {}

/**
 * What is heard, by callback, processor, reading or iteration.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 * @example
 * for await (const { data } of new InputStream({ channels: 1 }).start()) console.log(Math.max(...data));
 */
export class InputStream<D extends DType = 'float32'> extends StreamBase {
  constructor(_options?: InputStreamOptions<D>) {
    super();
    throw notSupported('InputStream');
  }

  /** Opens without blocking the thread. */
  static async open<D extends DType = 'float32'>(_options?: InputStreamOptions<D>): Promise<InputStream<D>> {
    throw notSupported('InputStream.open');
  }
}
export interface InputStream<D extends DType = 'float32'> extends Reader<SampleArray<D>>, One<D> {}

/**
 * What is played, by callback, processor or writing.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 * @example
 * const stream = new OutputStream({ channels: 1 }).start();
 * await stream.write(new Float32Array(480));
 */
export class OutputStream<D extends DType = 'float32'> extends StreamBase {
  constructor(_options?: OutputStreamOptions<D>) {
    super();
    throw notSupported('OutputStream');
  }

  /** Opens without blocking the thread. */
  static async open<D extends DType = 'float32'>(
    _options?: OutputStreamOptions<D>,
  ): Promise<OutputStream<D>> {
    throw notSupported('OutputStream.open');
  }
}
export interface OutputStream<D extends DType = 'float32'> extends Writer<StreamSource<D>>, One<D> {}

/**
 * As `Stream`, but bytes, whatever the dtype. A Buffer of a callback is shared memory and valid during the call only.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export class RawStream extends StreamBase {
  constructor(_options?: RawDuplexOptions) {
    super();
    throw notSupported('RawStream');
  }

  /** Opens without blocking the thread. */
  static async open(_options?: RawDuplexOptions): Promise<RawStream> {
    throw notSupported('RawStream.open');
  }
}
export interface RawStream extends Reader<Buffer>, Writer<RawSource>, Two<DType, DType> {}

/**
 * As `InputStream`, but bytes.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export class RawInputStream extends StreamBase {
  constructor(_options?: RawSimplexOptions) {
    super();
    throw notSupported('RawInputStream');
  }

  /** Opens without blocking the thread. */
  static async open(_options?: RawSimplexOptions): Promise<RawInputStream> {
    throw notSupported('RawInputStream.open');
  }
}
export interface RawInputStream extends Reader<Buffer>, One<DType> {}

/**
 * As `OutputStream`, but bytes.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export class RawOutputStream extends StreamBase {
  constructor(_options?: RawSimplexOptions) {
    super();
    throw notSupported('RawOutputStream');
  }

  /** Opens without blocking the thread. */
  static async open(_options?: RawSimplexOptions): Promise<RawOutputStream> {
    throw notSupported('RawOutputStream.open');
  }
}
export interface RawOutputStream extends Writer<RawSource>, One<DType> {}
// biome-ignore-end lint/suspicious/noUnsafeDeclarationMerging: see above
