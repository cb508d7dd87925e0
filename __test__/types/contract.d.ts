/**
 * The public contract of the package: the names, shapes and types that users rely on. Written by hand and independent of
 * src/, which satisfies it and may add to it, but may not rename or drop what is here; assignable.mts compares the two.
 *
 * Words: a *frame* is one sample per channel; audio arrays are interleaved, `frames × channels`, unless they say planar;
 * `[input, output]` is the order of every pair; seconds and Hertz everywhere; channel numbers in `mapping` are 1-based.
 */
/// <reference types="node" />
import type { EventEmitter } from 'node:events';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import type { Readable, Writable } from 'node:stream';
import type { MessagePort, Transferable } from 'node:worker_threads';
// Classes that no other object can stand in for are the package's own; assignable.mts has their shapes.
import { AsioSettings, CallbackFlags, CoreAudioSettings, WasapiSettings } from 'sounddevice';
export { AsioSettings, CallbackFlags, CoreAudioSettings, WasapiSettings };

// ───────────────────────────────────────────────────────────── samples

/** `int24` is packed: three little-endian bytes per sample. `uint8` has its zero at 128. */
export type DType = 'float64' | 'float32' | 'int32' | 'int24' | 'int16' | 'int8' | 'uint8';
export interface SampleArrays {
  float64: Float64Array; float32: Float32Array; int32: Int32Array; int24: Uint8Array;
  int16: Int16Array; int8: Int8Array; uint8: Uint8Array;
}
export type SampleArray<D extends DType = DType> = SampleArrays[D];
type Typed = Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** A block of audio with its shape: what `rec` and `playrec` resolve to, and what `play` likes best. */
export interface AudioData<D extends DType = DType> {
  readonly data: SampleArray<D>;                 // interleaved; not copied
  readonly dtype: D;
  readonly channels: number;
  readonly frames: number;
  readonly sampleRate: number | undefined;
  readonly duration: number | undefined;         // seconds
  channel(index: number): SampleArray<D>;        // 0-based; a copy
  planar(): SampleArray<D>[];
  slice(startFrame?: number, endFrame?: number): AudioData<D>;
  convert<T extends DType>(dtype: T, options?: { clipOff?: boolean; ditherOff?: boolean }): AudioData<T>;
  /** WAV or FLAC by the name's ending; `subtype` such as 'PCM_16', 'PCM_24', 'FLOAT'. */
  save(file: string | URL, options?: { subtype?: string }): Promise<void>;
}
interface Shape { channels: number; sampleRate?: number }
export declare const AudioData: {
  new (data: Uint8Array, shape: Shape & { dtype: 'int24' }): AudioData<'int24'>;
  new <A extends Typed>(data: A, shape: Shape & { dtype?: DTypeOf<A> }): AudioData<DTypeOf<A>>;
  readonly prototype: AudioData;
  from(source: AudioSource, shape?: { channels?: number; sampleRate?: number; dtype?: DType }): AudioData;
  /** WAV, FLAC, MP3, Ogg Vorbis, AAC/M4A, ALAC, AIFF; a path, a file URL or bytes. */
  load(file: string | URL | Uint8Array): Promise<AudioData>;
};

/**
 * What can be played: anything a Node program is likely to hold. A bare typed array or `number[]` is mono. With `dtype`
 * given, bytes (Uint8Array, Buffer, ArrayBuffer, DataView) are read as samples of that dtype.
 */
export type AudioSource =
  | AudioData | Typed | ArrayBuffer | SharedArrayBuffer | DataView | readonly number[]
  | readonly Typed[]                                                                                     // planar
  | { data: ArrayLike<number>; shape: readonly number[]; stride?: readonly number[]; offset?: number }   // ndarray
  | { numberOfChannels: number; length: number; sampleRate: number; getChannelData(c: number): Float32Array }; // AudioBuffer
export type DTypeOf<S> =
  S extends AudioData<infer D> ? D : S extends Float32Array ? 'float32' : S extends Float64Array ? 'float64'
  : S extends Int32Array ? 'int32' : S extends Int16Array ? 'int16' : S extends Int8Array ? 'int8' : S extends Uint8Array ? 'uint8'
  : S extends readonly number[] ? 'float64' : S extends readonly (infer E)[] ? DTypeOf<E>
  : S extends { getChannelData(c: number): Float32Array } ? 'float32' : DType;

// ───────────────────────────────────────────────────────────── devices

/** An index (kept by its device while the process lives, never reused), a stable `id`, or space-separated parts of "name, host API" in order, case-insensitive. */
export type DeviceSpecifier = number | string;
export type Kind = 'input' | 'output';
/** One value for both directions, or a pair; a null or missing side falls back to `defaults`. */
export type InOut<T> = T | readonly [input: T | null | undefined, output: T | null | undefined];

export interface DeviceInfo {
  readonly index: number;
  readonly id: string;                       // the same across runs and re-plugging
  readonly name: string;
  readonly hostApi: number;
  readonly hostApiName: string;
  readonly maxInputChannels: number;
  readonly maxOutputChannels: number;
  readonly defaultLowInputLatency: number;   // seconds
  readonly defaultLowOutputLatency: number;
  readonly defaultHighInputLatency: number;
  readonly defaultHighOutputLatency: number;
  readonly defaultSampleRate: number;
  readonly isLoopback: boolean;              // records what an output plays
}
/** Prints as the table of the original: `>` default input, `<` default output, `*` both. */
export interface DeviceList extends ReadonlyArray<DeviceInfo> { toString(): string }
export interface HostApiInfo {
  readonly index: number; readonly name: string; readonly devices: readonly number[];
  readonly defaultInputDevice: number; readonly defaultOutputDevice: number;       // -1 where there is none
}

/** Without blocking the thread: for user interfaces. */
export declare function queryDevicesAsync(): Promise<DeviceList>;
/** Always the devices of now: nothing has to be re-initialised to see a new one. */
export declare function queryDevices(): DeviceList;
export declare function queryDevices(device: InOut<DeviceSpecifier> | null | undefined, kind: Kind): DeviceInfo;
export declare function queryDevices(device: InOut<DeviceSpecifier>): DeviceInfo;
export declare function queryHostApis(): readonly HostApiInfo[];
export declare function queryHostApis(index: number): HostApiInfo;
export interface CheckOptions {
  device?: DeviceSpecifier; channels?: number; dtype?: DType; extraSettings?: ExtraSettings; sampleRate?: number;
}
export declare function checkInputSettings(options?: CheckOptions): void;      // throws SoundDeviceError
export declare function checkOutputSettings(options?: CheckOptions): void;
/** The libraries underneath: this one's version, cpal's, and PortAudio's where that backend is loaded. */
export declare function getVersions(): { sounddevice: string; cpal?: string; portaudio?: { number: number; text: string } };

export type DeviceEvent =
  | { type: 'added' | 'removed'; device: DeviceInfo }
  | { type: 'default-changed'; kind: Kind; device: DeviceInfo | null };
export interface DeviceWatcher extends EventEmitter<{ change: [event: DeviceEvent] }>, AsyncIterable<DeviceEvent>, Disposable {
  close(): void; ref(): this; unref(): this;
}
export declare function watchDevices(): DeviceWatcher;

// ───────────────────────────────────────────────────────────── defaults

export interface Pair<T> { readonly length: 2; 0: T; 1: T; input: T; output: T; [Symbol.iterator](): Iterator<T> }
/** Consulted whenever an option is missing; `null` means the factory setting. Assigning one value sets both sides. */
export declare const defaults: {
  get device(): Pair<DeviceSpecifier>; set device(value: InOut<DeviceSpecifier> | null);
  get channels(): Pair<number | null>; set channels(value: InOut<number> | null);
  get dtype(): Pair<DType>; set dtype(value: InOut<DType> | null);                       // 'float32'
  get latency(): Pair<Latency>; set latency(value: InOut<Latency> | null);               // 'high'
  get extraSettings(): Pair<ExtraSettings | null>; set extraSettings(value: InOut<ExtraSettings> | null);
  sampleRate: number | null;
  blockSize: number;                                                                      // 0: as the host likes
  clipOff: boolean; ditherOff: boolean; neverDropInput: boolean;
  primeOutputBuffersUsingStreamCallback: boolean;
  readonly hostApi: number;
  reset(): void;
};
export type Latency = number | 'low' | 'high';

// ───────────────────────────────────────────────────────────── convenience functions

export interface CommonOptions {
  sampleRate?: number; device?: InOut<DeviceSpecifier>; latency?: InOut<Latency>; blockSize?: number;
  extraSettings?: InOut<ExtraSettings>; clipOff?: boolean; ditherOff?: boolean; neverDropInput?: boolean;
  /** Convert between the data's rate and one the device can do, instead of failing. */
  resample?: boolean | 'fast' | 'good' | 'best';
  signal?: AbortSignal;
}
export interface PlayOptions extends CommonOptions {
  mapping?: number | readonly number[];      // output channels, 1-based, each at most once; mono goes to all of them
  /** Frames; `end` exclusive; `count` is how often the range is heard. */
  loop?: boolean | { start?: number; end?: number; count?: number };
  dtype?: DType;                             // how to read bytes
  channels?: never;                          // the data says
  overlap?: boolean;                         // play along with what is already playing instead of stopping it
}
export interface RecOptions<D extends DType> extends CommonOptions {
  channels?: number; dtype?: D; mapping?: number | readonly number[];
}
export interface PlayrecOptions<D extends DType> extends CommonOptions {
  channels?: number; out?: Typed | AudioData;          // frames must agree; its dtype counts
  dtype?: D;                                 // of the recording; bytes to be played need AudioData
  inputMapping?: number | readonly number[]; outputMapping?: number | readonly number[];
  /** Take the round trip out, by the reported latencies: frame n of the result is what was heard while frame n was played. */
  align?: boolean;
}

/**
 * A running play, rec or playrec: a plain promise with more on it (so returning it from an async function awaits it).
 * Resolves at its end, and on stop(), abort() or replacement by another call, with what there is; rejects when the device
 * is lost or the signal aborts. Ignoring it is fine and never an unhandled rejection.
 */
export interface Job<T> extends Promise<T> {
  readonly status: CallbackFlags;            // live
  readonly active: boolean;
  readonly frames: number;                   // total; Infinity when looping for ever
  readonly position: number;                 // frames handed to, or taken from, the device
  readonly heard: number;                    // the same less the latency
  readonly roundTrip: number | undefined;    // playrec: frames between playing and hearing, by the reported latencies
  readonly time: number;
  readonly clipped: number; readonly nan: number;      // samples that conversion clipped, or found not to be numbers
  pause(): void; resume(): void;             // at once, no ramp
  seek(frame: number): void;                 // playback only
  stop(): Promise<T>;                        // plays out what the device already has; a recording resolves with what it got
  abort(): void;
  ref(): this; unref(): this;
}
type Blocking = { blocking: true }; type NotBlocking = { blocking?: false };
/** Starts at once and returns; works in native threads, so a blocked event loop does not make it glitch. Data is copied at the call; SharedArrayBuffer data is played live. */
export declare function play(data: AudioSource, options: PlayOptions & Blocking): CallbackFlags;
export declare function play(data: AudioSource, sampleRate: number, options: PlayOptions & Blocking): CallbackFlags;
export declare function play(data: AudioSource, options?: PlayOptions & NotBlocking): Job<CallbackFlags>;
export declare function play(data: AudioSource, sampleRate: number, options?: PlayOptions & NotBlocking): Job<CallbackFlags>;

export declare function rec<D extends DType = 'float32'>(frames: number, options: RecOptions<D> & Blocking): AudioData<D>;
export declare function rec<D extends DType = 'float32'>(frames: number, options?: RecOptions<D> & NotBlocking): Job<AudioData<D>>;
/** Into `out`: frames and dtype are its own; a bare array needs `channels`. Cut short, it resolves with out's beginning. */
export declare function rec<D extends DType>(frames: null | undefined, options: { out: AudioData<D> } & Omit<RecOptions<D>, 'dtype'> & NotBlocking): Job<AudioData<D>>;
export declare function rec<A extends Typed>(frames: null | undefined, options: { out: A } & Omit<RecOptions<DType>, 'dtype'> & NotBlocking): Job<AudioData<DTypeOf<A>>>;
export declare function rec<D extends DType>(frames: null | undefined, options: { out: AudioData<D> } & Omit<RecOptions<D>, 'dtype'> & Blocking): AudioData<D>;
export declare function rec<A extends Typed>(frames: null | undefined, options: { out: A } & Omit<RecOptions<DType>, 'dtype'> & Blocking): AudioData<DTypeOf<A>>;

type Both<D extends DType> = Omit<PlayrecOptions<D>, 'dtype'>;
export declare function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(data: S, options: Both<D> & { dtype?: D } & Blocking): AudioData<D>;
export declare function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(data: S, options?: Both<D> & { dtype?: D } & NotBlocking): Job<AudioData<D>>;
export declare function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(data: S, sampleRate: number, options: Both<D> & { dtype?: D } & Blocking): AudioData<D>;
export declare function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(data: S, sampleRate: number, options?: Both<D> & { dtype?: D } & NotBlocking): Job<AudioData<D>>;

/** The newest job: resolves when it has ended, with its flags if any was raised, else null. */
export declare function wait(): Promise<CallbackFlags | null>;
export declare function waitSync(): CallbackFlags | null;
export declare function stop(): Promise<void>;            // all jobs, overlapping ones too
export declare function getStatus(): CallbackFlags;       // throws before the first play/rec/playrec
export declare function getStream(): Stream<DType, DType> | InputStream<DType> | OutputStream<DType>;
export declare function sleep(milliseconds: number): Promise<void>;
export declare function sleepSync(milliseconds: number): void;

// ───────────────────────────────────────────────────────────── what callbacks see

/** Seconds on the clock of `stream.time`. In callbacks one object, reused; in `Block` and `Reading` a copy. */
export interface StreamTime {
  readonly inputBufferAdcTime: number; readonly outputBufferDacTime: number; readonly currentTime: number;
}
export declare class CallbackStop extends Error { readonly name: 'CallbackStop' }
export declare class CallbackAbort extends Error { readonly name: 'CallbackAbort' }
export declare const CONTINUE: 0; export declare const COMPLETE: 1; export declare const ABORT: 2;
/** Not `unknown`: `out => n++` and `async` callbacks are mistakes that the compiler finds. At run time all but 1 and 2 is ignored; a thenable ends the stream with a TypeError. */
export type CallbackResult = void | typeof CONTINUE | typeof COMPLETE | typeof ABORT;

type Duplex<I, O> = (input: I, output: O, frames: number, time: StreamTime, status: CallbackFlags) => CallbackResult;
type Simplex<A> = (buffer: A, frames: number, time: StreamTime, status: CallbackFlags) => CallbackResult;
/** Views over shared memory, valid during the call only. `output` starts as silence. */
export type DuplexCallback<I extends DType = 'float32', O extends DType = I> = Duplex<SampleArray<I>, SampleArray<O>>;
export type InputCallback<D extends DType = 'float32'> = Simplex<SampleArray<D>>;
export type OutputCallback<D extends DType = 'float32'> = Simplex<SampleArray<D>>;

// ───────────────────────────────────────────────────────────── options

export interface ProcessorContext<P = unknown, N = number | readonly [number, number], T = DType | readonly [DType, DType]> {
  readonly options: P; readonly port: MessagePort;
  readonly sampleRate: number; readonly blockSize: number; readonly channels: N; readonly dtype: T;
}
/** A method type on purpose: a factory may narrow `options` (`(c: ProcessorContext<{ gain: number }>) => …`). */
export type ProcessorFactory<C> = { factory(context: ProcessorContext): C }['factory'];
export type Processor<C> = URL | ProcessorFactory<C>;

/** Three homes, never two of them: callback, processor, or neither (read and write). */
type Home<C> =
  | { callback?: undefined; processor?: undefined }
  | { callback: C; processor?: undefined }
  | { callback?: undefined; processor: Processor<C>; processorOptions?: unknown; handoff?: 'auto' | 'sync' | 'pipelined' };

interface CommonStreamOptions {
  sampleRate?: number; blockSize?: number; device?: InOut<DeviceSpecifier>; latency?: InOut<Latency>;
  extraSettings?: InOut<ExtraSettings>; finishedCallback?: () => void;
  clipOff?: boolean; ditherOff?: boolean; resample?: boolean | 'fast' | 'good' | 'best';
  onDeviceLost?: 'error' | 'follow-default'; signal?: AbortSignal;
}
interface OutputOnly { primeOutputBuffersUsingStreamCallback?: boolean }
interface DuplexOnly extends OutputOnly { neverDropInput?: boolean }
type None = null | undefined;

/** `dtype` missing or null is typed as the factory default; who changes `defaults.dtype` states it here again. */
export type DuplexStreamOptions<I extends DType = 'float32', O extends DType = 'float32', T = { dtype?: InOut<DType> | null }> =
  CommonStreamOptions & DuplexOnly & { channels?: InOut<number> } & T & Home<DuplexCallback<I, O>>;
export type InputStreamOptions<D extends DType = 'float32'> =
  CommonStreamOptions & { channels?: InOut<number>; dtype?: D | null } & Home<InputCallback<D>>;
export type OutputStreamOptions<D extends DType = 'float32'> =
  CommonStreamOptions & OutputOnly & { channels?: InOut<number>; dtype?: D | null } & Home<OutputCallback<D>>;
type RawOptions<C> = CommonStreamOptions & DuplexOnly & { channels?: InOut<number>; dtype?: InOut<DType> } & Home<C>;

// ───────────────────────────────────────────────────────────── the classes

export interface StreamEvents {
  finished: []; error: [error: Error]; xrun: [status: CallbackFlags];
  message: [value: unknown]; 'device-changed': [device: DeviceInfo];
}
/**
 * Opened by the constructor (the thread waits for the system), inactive until `start()`.
 * When a stream ends by an error: counters, then 'error' (only if somebody listens: never an uncaught exception), then
 * 'finished', finishedCallback, and `finished` rejects (handled inside: never an unhandled rejection). An error that
 * nobody hears is one process warning.
 */
declare abstract class StreamBase extends EventEmitter<StreamEvents> implements AsyncDisposable, Disposable {
  start(): this;
  stop(): Promise<void>; stopSync(): void;
  abort(): void;
  close(): Promise<void>; closeSync(): void;
  [Symbol.dispose](): void; [Symbol.asyncDispose](): Promise<void>;
  ref(): this; unref(): this;
  /** Resolved once the processor's module runs (or at once without one); silence is played till then. */
  readonly ready: Promise<void>;
  /** Of the current run, or of the last one, or of the first one to come; `start()` makes a new one. `close()` resolves it. */
  readonly finished: Promise<void>;
  readonly active: boolean; readonly stopped: boolean; readonly closed: boolean;
  readonly sampleRate: number; readonly blockSize: number; readonly time: number; readonly cpuLoad: number;
  readonly realtime: boolean;                // whether its thread got real-time priority
  volume: number;                            // 1 = untouched; ramped natively; outputs only
  readonly xruns: { readonly inputOverflow: number; readonly inputUnderflow: number; readonly outputUnderflow: number; readonly outputOverflow: number };
  readonly clipped: number; readonly nan: number;
  postMessage(value: unknown, transfer?: readonly Transferable[]): void;
}

/** One block of an iteration: its memory is its own. */
export interface Block<A> { readonly data: A; readonly frames: number; readonly time: StreamTime; readonly status: CallbackFlags }
/** `time.inputBufferAdcTime` belongs to the first frame of `data`. */
export interface Reading<A> { readonly data: A; readonly overflowed: boolean; readonly time: StreamTime }
interface Reader<A> extends AsyncIterable<Block<A>> {
  /** Async iteration of a running stream; leaving the loop does not stop it. Blocks of `blockSize`, with 0 what is there, at least one frame. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Block<A>>;
  read(frames: number): Promise<Reading<A>>;
  readSync(frames: number): Reading<A>;
  readInto(buffer: A): { readonly frames: number; readonly overflowed: boolean };
  readonly readAvailable: number;
  readonly readable: ReadableStream<A>;
}
interface Writer<S> {
  write(data: S): Promise<boolean>;
  writeSync(data: S): boolean;
  readonly writeAvailable: number;
  readonly writable: WritableStream<S>;
}
/** In streams a bare array is interleaved, of the stream's dtype and whole frames; other dtypes are refused (TypeError), never converted. */
export type StreamSource<D extends DType> = SampleArray<D> | AudioData<D> | readonly SampleArray<D>[];
/** Bytes. */
export type RawSource = NodeJS.ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

interface One<D extends DType> { readonly channels: number; readonly device: number; readonly dtype: D; readonly latency: number; readonly sampleSize: number }
interface Two<I extends DType, O extends DType> {
  readonly channels: readonly [input: number, output: number]; readonly device: readonly [input: number, output: number];
  readonly dtype: readonly [input: I, output: O]; readonly latency: readonly [input: number, output: number];
  readonly sampleSize: readonly [input: number, output: number];
}

/** Each class also has `static open(options): Promise<…>`, which does not block the thread while the system opens the device. */
export declare class Stream<I extends DType = 'float32', O extends DType = 'float32'> extends StreamBase {
  constructor(options?: DuplexStreamOptions<I, O, { dtype?: I | null } & { dtype?: O | null }>);   // one dtype for both
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: O] }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: None, output: O] }>);
  constructor(options: DuplexStreamOptions<I, O, { dtype: readonly [input: I, output: None] }>);
}
export interface Stream<I extends DType = 'float32', O extends DType = 'float32'> extends Reader<SampleArray<I>>, Writer<StreamSource<O>>, Two<I, O> {}

export declare class InputStream<D extends DType = 'float32'> extends StreamBase { constructor(options?: InputStreamOptions<D>) }
export interface InputStream<D extends DType = 'float32'> extends Reader<SampleArray<D>>, One<D> {}

export declare class OutputStream<D extends DType = 'float32'> extends StreamBase { constructor(options?: OutputStreamOptions<D>) }
export interface OutputStream<D extends DType = 'float32'> extends Writer<StreamSource<D>>, One<D> {}

/** Bytes, whatever the dtype. A Buffer of a callback is shared memory and valid during the call only. */
export declare class RawStream extends StreamBase { constructor(options?: RawOptions<Duplex<Buffer, Buffer>>) }
export interface RawStream extends Reader<Buffer>, Writer<RawSource>, Two<DType, DType> {}
export declare class RawInputStream extends StreamBase { constructor(options?: RawOptions<Simplex<Buffer>>) }
export interface RawInputStream extends Reader<Buffer>, One<DType> {}
export declare class RawOutputStream extends StreamBase { constructor(options?: RawOptions<Simplex<Buffer>>) }
export interface RawOutputStream extends Writer<RawSource>, One<DType> {}

/** Types a processor module: `export default defineProcessor<{ gain: number }, 'int16'>(({ options }) => (input, output) => …)`. */
export declare function defineProcessor<P = unknown, I extends DType = 'float32', O extends DType = I>(
  factory: (context: ProcessorContext<P, readonly [number, number], readonly [I, O]>) => DuplexCallback<I, O>): typeof factory;
export declare function defineInputProcessor<P = unknown, D extends DType = 'float32'>(
  factory: (context: ProcessorContext<P, number, D>) => InputCallback<D>): typeof factory;
export declare function defineOutputProcessor<P = unknown, D extends DType = 'float32'>(
  factory: (context: ProcessorContext<P, number, D>) => OutputCallback<D>): typeof factory;

type NodeStreamOptions = CommonStreamOptions & { channels?: InOut<number>; dtype?: InOut<DType> };
/** Starts when first read; destroy() closes. */
export declare function createReadStream(options?: NodeStreamOptions): Readable;
/** 'finish' comes when the last frame has been played. */
export declare function createWriteStream(options?: NodeStreamOptions): Writable;

// ───────────────────────────────────────────────────────────── host-API settings

export type ExtraSettings = AsioSettings | CoreAudioSettings | WasapiSettings;

// ───────────────────────────────────────────────────────────── speakers and microphones

/** A count, or a list: numbers are the device's channels from 0, names are positions ('left', 'lfe', …); 'mono' or -1 mixes all. */
export type ChannelMap = number | readonly (number | string)[];
export interface CardOptions { sampleRate: number; channels?: ChannelMap; blockSize?: number; exclusiveMode?: boolean }
export declare class Speaker {
  private constructor();                     // prints as <Speaker NAME (2 channels)>
  readonly id: string; readonly name: string; readonly channels: number;
  play(data: AudioSource, options: CardOptions): Promise<void>;
  player(options: CardOptions): Player;
}
export declare class Microphone {
  private constructor();                     // <Microphone …> or <Loopback …>
  readonly id: string; readonly name: string; readonly channels: number; readonly isLoopback: boolean;
  record(options: CardOptions & { frames: number }): Promise<AudioData<'float32'>>;
  recorder(options: CardOptions): Recorder;
}
export interface Player extends AsyncDisposable { play(data: AudioSource): Promise<void>; readonly latency: number; readonly channels: number; close(): Promise<void> }
export interface Recorder extends AsyncDisposable {
  /** Capturing starts with recorder(). null: what there is now, at least one frame (it waits for that). */
  record(frames?: number | null): Promise<AudioData<'float32'>>;
  flush(): AudioData<'float32'>; readonly latency: number; readonly channels: number; close(): Promise<void>;
}
export declare function allSpeakers(): Speaker[];
export declare function defaultSpeaker(): Speaker;
export declare function getSpeaker(query: string): Speaker;                    // id, then part of the name, then fuzzy ('FS2i2')
export declare function allMicrophones(options?: { includeLoopback?: boolean }): Microphone[];
export declare function defaultMicrophone(): Microphone;
export declare function getMicrophone(query: string, options?: { includeLoopback?: boolean }): Microphone;
export declare function channelNameMap(): Readonly<Record<string, number>>;
export declare function getName(): string;                                     // how this program appears in the system's mixer
export declare function setName(name: string): void;

// ───────────────────────────────────────────────────────────── errors

/**
 * The stable codes; every error has one. TypeError: INVALID_ARG_TYPE, UNKNOWN_OPTION, READ_ONLY. RangeError: INVALID_ARG_VALUE,
 * OUT_OF_RANGE. SoundDeviceError: all others.
 */
export type ErrorCode =
  | 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE' | 'ERR_OUT_OF_RANGE' | 'ERR_UNKNOWN_OPTION' | 'ERR_READ_ONLY'
  | 'ERR_NO_SUCH_DEVICE' | 'ERR_AMBIGUOUS_DEVICE' | 'ERR_NO_SUCH_HOST_API' | 'ERR_INVALID_CHANNELS' | 'ERR_INVALID_SAMPLE_RATE'
  | 'ERR_UNSUPPORTED_FORMAT' | 'ERR_INVALID_FLAG' | 'ERR_INCOMPATIBLE_DEVICES' | 'ERR_INCOMPATIBLE_SETTINGS'
  | 'ERR_DEVICE_UNAVAILABLE' | 'ERR_DEVICE_LOST' | 'ERR_PERMISSION_DENIED' | 'ERR_STREAM_CLOSED' | 'ERR_STREAM_STOPPED'
  | 'ERR_CALLBACK_STREAM' | 'ERR_CALLBACK_FAILED' | 'ERR_PROCESSOR' | 'ERR_NOT_CALLED_YET' | 'ERR_WOULD_DEADLOCK'
  | 'ERR_TIMED_OUT' | 'ERR_NOT_SUPPORTED' | 'ERR_NO_LIBRARY' | 'ERR_FILE_FORMAT' | 'ERR_HOST';
/** Anything the audio system, or the state of a stream, refuses. `cause`: the host's error, or what the callback threw. */
export declare class SoundDeviceError extends Error {
  readonly code: ErrorCode;
  readonly paErrorCode: number;              // PortAudio's number for it, such as -9997; 0 where it has none
  readonly hostError: { hostApi: string; code: number; text: string } | undefined;
}

// ───────────────────────────────────────────────────────────── the virtual host

/**
 * A host API without hardware, always there (named 'Virtual', with one built-in device, 'Virtual Loopback', in the list after
 * all real ones), the default only where nothing else exists: an output whose signal an input hears one period later (on the manual clock), sample for sample.
 */
export declare const virtual: {
  createDevice(options?: {
    name?: string; inputs?: number; outputs?: number;      // 2, 2
    sampleRate?: number; period?: number;                  // 48000, 256 frames
    dtype?: DType;                           // the device's own format; float64, which holds all others exactly
    clock?: 'real' | 'manual';               // real
    loopback?: boolean;                      // true; means nothing without inputs
    driftPpm?: number;
  }): VirtualDevice;
};
export interface VirtualDevice extends Disposable {
  readonly index: number; readonly id: string; readonly name: string; readonly sampleRate: number;
  advance(frames: number): Promise<void>;    // manual clock; resolves when everything for these frames has been done
  played(): Float64Array[];                  // per channel, everything that came out since the last call
  feed(channels: readonly (Float64Array | Float32Array)[]): void;      // what its input hears next, instead of the loopback
  /** One flag for the next period of every stream on it, altering no sample; or the device is lost; or it stalls for a second. */
  inject(fault: 'input-overflow' | 'input-underflow' | 'output-underflow' | 'output-overflow' | 'lost' | 'stall'): void;
  remove(): void;                            // as if it were unplugged
}
