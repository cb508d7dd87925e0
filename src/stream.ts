/** The classes of streams. Opening them is not built yet: what they will be is typed here. */
import { EventEmitter } from 'node:events';
import type { DType, SampleArray } from './dtype.js';
import { notSupported } from './errors.js';
import {
  checkStreamOptions,
  type DuplexStreamOptions,
  type InputStreamOptions,
  type OutputStreamOptions,
  type RawDuplexOptions,
  type RawSimplexOptions,
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

/** Opening comes with native streams; wrong options are told apart already. */
function open(what: string, kind: 'duplex' | 'input' | 'output', options: unknown): never {
  checkStreamOptions(options, kind);
  throw notSupported(what);
}

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
  constructor(options?: object) {
    super();
    open('Stream', 'duplex', options);
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
  static async open(options?: object): Promise<Stream> {
    return open('Stream.open', 'duplex', options);
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
  constructor(options?: InputStreamOptions<D>) {
    super();
    open('InputStream', 'input', options);
  }

  /** Opens without blocking the thread. */
  static async open<D extends DType = 'float32'>(options?: InputStreamOptions<D>): Promise<InputStream<D>> {
    return open('InputStream.open', 'input', options);
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
  constructor(options?: OutputStreamOptions<D>) {
    super();
    open('OutputStream', 'output', options);
  }

  /** Opens without blocking the thread. */
  static async open<D extends DType = 'float32'>(options?: OutputStreamOptions<D>): Promise<OutputStream<D>> {
    return open('OutputStream.open', 'output', options);
  }
}
export interface OutputStream<D extends DType = 'float32'> extends Writer<StreamSource<D>>, One<D> {}

/**
 * As `Stream`, but bytes, whatever the dtype. A Buffer of a callback is shared memory and valid during the call only.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export class RawStream extends StreamBase {
  constructor(options?: RawDuplexOptions) {
    super();
    open('RawStream', 'duplex', options);
  }

  /** Opens without blocking the thread. */
  static async open(options?: RawDuplexOptions): Promise<RawStream> {
    return open('RawStream.open', 'duplex', options);
  }
}
export interface RawStream extends Reader<Buffer>, Writer<RawSource>, Two<DType, DType> {}

/**
 * As `InputStream`, but bytes.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export class RawInputStream extends StreamBase {
  constructor(options?: RawSimplexOptions) {
    super();
    open('RawInputStream', 'input', options);
  }

  /** Opens without blocking the thread. */
  static async open(options?: RawSimplexOptions): Promise<RawInputStream> {
    return open('RawInputStream.open', 'input', options);
  }
}
export interface RawInputStream extends Reader<Buffer>, One<DType> {}

/**
 * As `OutputStream`, but bytes.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export class RawOutputStream extends StreamBase {
  constructor(options?: RawSimplexOptions) {
    super();
    open('RawOutputStream', 'output', options);
  }

  /** Opens without blocking the thread. */
  static async open(options?: RawSimplexOptions): Promise<RawOutputStream> {
    return open('RawOutputStream.open', 'output', options);
  }
}
export interface RawOutputStream extends Writer<RawSource>, One<DType> {}
// biome-ignore-end lint/suspicious/noUnsafeDeclarationMerging: see above
