/** Options of streams. */
import type {
  Duplex,
  DuplexCallback,
  InputCallback,
  OutputCallback,
  Processor,
  Simplex,
} from './callback.js';
import type { DType } from './dtype.js';
import type { DeviceSpecifier, InOut, Latency } from './options.js';
import type { ExtraSettings } from './settings.js';

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
      /** 'sync' answers within the same period, 'pipelined' one block later, 'auto' (the default) what the system allows. */
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
  /** What happens when the device is lost; 'error' by default. Moving on is for streams opened without `device`. */
  onDeviceLost?: 'error' | 'follow-default';
  /** Aborts the stream. */
  signal?: AbortSignal;
}
interface OutputOnly {
  /** Ask the callback also for the blocks before the first frame; otherwise they are silence. */
  primeOutputBuffersUsingStreamCallback?: boolean;
}
interface DuplexOnly extends OutputOnly {
  /** Never drop input, but call back without room for output instead; for callbacks with `blockSize` 0. */
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
