/** The shapes that streams have in common. */
import type { ReadableStream, WritableStream } from 'node:stream/web';
import type { Transferable } from 'node:worker_threads';
import type { AudioData } from './audio-data.js';
import type { StreamTime } from './callback.js';
import type { DeviceInfo } from './devices.js';
import type { DType, SampleArray } from './dtype.js';
import type { CallbackFlags } from './flags.js';

/** Events of a stream; all come on the thread that opened it. */
export interface StreamEvents {
  /** The stream has ended, however it did. */
  finished: [];
  /**
   * It ended by an error. One that nobody hears (no listener, `finished` not asked for, no read or write that waited) is one
   * process warning, never an uncaught exception.
   */
  error: [error: Error];
  /** Samples were lost or were missing. */
  xrun: [status: CallbackFlags];
  /** From the processor. */
  message: [value: unknown];
  /** With `onDeviceLost: 'follow-default'`: it goes on, on this device. */
  'device-changed': [device: DeviceInfo];
}

/** One block of an iteration: its memory is its own. */
export interface Block<A> {
  /** Interleaved. */
  readonly data: A;
  readonly frames: number;
  readonly time: StreamTime;
  readonly status: CallbackFlags;
}
/** What was read. `time.inputBufferAdcTime` belongs to the first frame of `data`. */
export interface Reading<A> {
  /** Interleaved; its memory is its own. */
  readonly data: A;
  /** Whether input was lost before it. */
  readonly overflowed: boolean;
  readonly time: StreamTime;
}

/** What every stream has. */
export interface StreamMembers extends AsyncDisposable, Disposable {
  /** Starts it; nothing happens if it runs already. */
  start(): this;
  /** Plays out what there is, then releases the device. */
  stop(): Promise<void>;
  /** The same, and the thread waits. */
  stopSync(): void;
  /** Ends at once and drops what there is. */
  abort(): void;
  /** Drops what there is and closes for good; resolves `finished`. */
  close(): Promise<void>;
  /** The same, and the thread waits. */
  closeSync(): void;
  /** As `close()`. */
  [Symbol.dispose](): void;
  /** As `stop()`, then `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** A running stream keeps the process alive; this says so again. */
  ref(): this;
  /** The process may end although the stream runs. */
  unref(): this;
  /**
   * Resolved once the processor's module runs (or at once without one); silence is played till then. The thread is started
   * with the stream's opening, so this may be before `start()`. Rejected with `ERR_PROCESSOR` if it does not get that far;
   * never an unhandled rejection.
   */
  readonly ready: Promise<void>;
  /** Of the current run, or of the last one, or of the first one to come; `start()` makes a new one. `close()` resolves it. */
  readonly finished: Promise<void>;
  /** Whether it runs, playing out included. */
  readonly active: boolean;
  /** Whether it was not started, or was stopped or aborted. */
  readonly stopped: boolean;
  readonly closed: boolean;
  /** Hertz. */
  readonly sampleRate: number;
  /** Frames per block as asked for; 0: as the host likes. */
  readonly blockSize: number;
  /** Seconds on the stream's clock. */
  readonly time: number;
  /** The part of the time that blocks take to make, natively or by the callback, whichever is more: 1 is all of it. */
  readonly cpuLoad: number;
  /** Whether its thread got real-time priority: the processor's, once it is `ready`, else the audio thread, once it runs. */
  readonly realtime: boolean;
  /**
   * How loud an output is: 1 = untouched, from 0 up; a change takes 20 ms, in a straight line and natively. Setting it throws
   * TypeError and RangeError, else SoundDeviceError: `ERR_NOT_SUPPORTED` without an output, `ERR_STREAM_CLOSED` once closed.
   */
  volume: number;
  /** How often each went wrong. */
  readonly xruns: {
    readonly inputOverflow: number;
    readonly inputUnderflow: number;
    readonly outputUnderflow: number;
    readonly outputOverflow: number;
  };
  /** Samples that conversion clipped. */
  readonly clipped: number;
  /** Samples that conversion found not to be numbers. */
  readonly nan: number;
  /**
   * To the processor's port, before the next block.
   *
   * @throws SoundDeviceError `ERR_NOT_SUPPORTED` without a processor, `ERR_STREAM_CLOSED` once closed; TypeError
   * `ERR_INVALID_ARG_TYPE` for what cannot be copied or transferred, the DataCloneError its `cause`.
   */
  postMessage(value: unknown, transfer?: readonly Transferable[]): void;
}

/** What a stream with an input has. */
export interface Reader<A> extends AsyncIterable<Block<A>> {
  /**
   * Async iteration of a running stream; leaving the loop does not stop it. Blocks of `blockSize`, with 0 what is there, at least
   * one frame. Ends with the stream, after what is left, also when its signal aborts; throws when the device is lost. What it had
   * begun to collect when it is left is read first by who reads next.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Block<A>>;
  /** That many frames, once they are there. */
  read(frames: number): Promise<Reading<A>>;
  /** The same, and the thread waits. */
  readSync(frames: number): Reading<A>;
  /** What is there, as far as the buffer takes it. */
  readInto(buffer: A): { readonly frames: number; readonly overflowed: boolean };
  /** Frames that can be read without waiting. */
  readonly readAvailable: number;
  readonly readable: ReadableStream<A>;
}
/** What a stream with an output has. */
export interface Writer<S> {
  /** Copies at once; resolves when there was room for all of it, with whether output was missing before. */
  write(data: S): Promise<boolean>;
  /** The same, and the thread waits. */
  writeSync(data: S): boolean;
  /** Frames that can be written without waiting. */
  readonly writeAvailable: number;
  readonly writable: WritableStream<S>;
}

/** In streams a bare array is interleaved, of the stream's dtype and whole frames; other dtypes are refused (TypeError), never converted. */
export type StreamSource<D extends DType> = SampleArray<D> | AudioData<D> | readonly SampleArray<D>[];
/** Bytes. */
export type RawSource = NodeJS.ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** What a stream in one direction was opened with. */
export interface One<D extends DType> {
  readonly channels: number;
  /** Its index. */
  readonly device: number;
  readonly dtype: D;
  /** Seconds, blocks included; an estimate before it runs, measured afterwards. */
  readonly latency: number;
  /** Bytes per sample. */
  readonly sampleSize: number;
}
/** What a stream in both directions was opened with: `[input, output]`. */
export interface Two<I extends DType, O extends DType> {
  readonly channels: readonly [input: number, output: number];
  /** Their indexes. */
  readonly device: readonly [input: number, output: number];
  readonly dtype: readonly [input: I, output: O];
  /** Seconds, blocks included; an estimate before it runs, measured afterwards. */
  readonly latency: readonly [input: number, output: number];
  /** Bytes per sample. */
  readonly sampleSize: readonly [input: number, output: number];
}
