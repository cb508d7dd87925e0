/** A running play, rec or playrec. */
import { fromNative, type NativeError, native, SoundDeviceError } from './errors.js';
import { type CallbackFlags, liveFlags } from './flags.js';
import { addon, holdProcess, keep } from './native.js';
import { integer } from './options.js';

/**
 * A running play, rec or playrec: a plain promise with more on it (so returning it from an async function awaits it).
 * Resolves at its end, and on stop(), abort() or replacement by another call, with what there is; rejects when the device
 * is lost or the signal aborts. Ignoring it is fine and never an unhandled rejection. A running job keeps the process alive.
 */
export interface Job<T> extends Promise<T> {
  /** Live. */
  readonly status: CallbackFlags;
  readonly active: boolean;
  /** Total; Infinity when looping for ever. */
  readonly frames: number;
  /** Frames handed to, or taken from, the device. */
  readonly position: number;
  /** The same less what is still queued. */
  readonly heard: number;
  /** playrec: frames between playing and hearing, by the reported latencies; an estimate before the first period. */
  readonly roundTrip: number | undefined;
  /** Seconds on the stream's clock. */
  readonly time: number;
  /** Samples that conversion clipped. */
  readonly clipped: number;
  /** Samples that conversion found not to be numbers. */
  readonly nan: number;
  /** At the next period, no ramp: silence is played, nothing is recorded. */
  pause(): void;
  /** At the next period, no ramp: goes on where `pause` came. */
  resume(): void;
  /**
   * Goes on playing at this frame, at the next period; while paused, when it resumes. In a loop frames count on from turn
   * to turn, as `position` does.
   *
   * @throws TypeError or RangeError unless it is a whole number from 0; `ERR_NOT_SUPPORTED` where nothing plays.
   */
  seek(frame: number): void;
  /** Plays out what the device already has; a recording resolves with what it got, at once where nothing plays. */
  stop(): Promise<T>;
  /** Ends at once and drops what the device still has. */
  abort(): void;
  /** It keeps the process alive; the default. */
  ref(): this;
  /** The process may end although it runs. */
  unref(): this;
}

type Handle = InstanceType<typeof addon.NativeJob>;

/** One direction as it was asked for. */
export interface Side {
  dtype: string;
}

/** What the addon opens. */
export interface JobOptions {
  input?: Side;
  output?: Side;
  blockSize: number;
}

/** What a job was opened with that JavaScript needs. */
export interface Opening<T> {
  options: JobOptions;
  /** Memory that native threads use until the job has ended. */
  held: unknown[];
  result(job: Handle): T;
  signal?: AbortSignal | undefined;
  /** The caller is going to wait for it. */
  blocking?: boolean | undefined;
}

/** The job that a user gets, with what the library itself needs of it. */
export class NativeJob<T> extends Promise<T> implements Job<T> {
  // what `then` returns is a plain promise
  static override get [Symbol.species]() {
    return Promise;
  }

  #handle!: Handle;
  #options!: JobOptions;
  #status!: CallbackFlags;
  #result!: (job: Handle) => T;
  #taken: { value: T } | undefined;
  #alive: NodeJS.Timeout | undefined;

  /** Opens and starts; whatever fails before the device runs is thrown. */
  static open<T>({ options, held, result, signal, blocking }: Opening<T>): NativeJob<T> {
    signal?.throwIfAborted();
    let settle!: { resolve(value: T | PromiseLike<T>): void; reject(reason: unknown): void };
    const job = new NativeJob<T>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const ended = (error: NativeError | null) => {
      forget();
      clearInterval(job.#alive);
      signal?.removeEventListener('abort', aborted);
      held.length = 0;
      if (cut) settle.reject(signal?.reason);
      else if (error) settle.reject(fromNative(error));
      else {
        try {
          settle.resolve(NativeJob.take(job));
        } catch (reason) {
          settle.reject(reason); // the memory that it was recorded for has gone
        }
      }
    };
    const handle = native(() => addon.openJob(options, ended as never));
    // What has ended already is whole.
    let cut = false;
    const aborted = () => {
      cut = handle.active();
      handle.abort();
    };
    const forget = keep(handle);
    signal?.addEventListener('abort', aborted, { once: true });
    job.#alive = holdProcess();
    job.#handle = handle;
    job.#options = options;
    job.#result = result;
    job.#status = liveFlags(() => handle.flags());
    // Ignoring a job is fine.
    job.catch(() => {});
    if (blocking && handle.manualClock() && handle.frames() > 0) {
      handle.abort();
      throw new SoundDeviceError(
        'ERR_WOULD_DEADLOCK',
        'blocking on a manual clock would never end: advance the device instead',
      );
    }
    return job;
  }

  /** Blocks the thread until the end. */
  static waitSync(job: NativeJob<unknown>): void {
    native(() => {
      while (!job.#handle.waitSync());
    });
  }

  /** What it resolves with, once it has ended. */
  static take<T>(job: NativeJob<T>): T {
    job.#taken ??= { value: job.#result(job.#handle) };
    return job.#taken.value;
  }

  static handle(job: NativeJob<unknown>): Handle {
    return job.#handle;
  }

  /** What was asked for, and what was opened. */
  static opened(job: NativeJob<unknown>) {
    return { ...job.#options, ...job.#handle.stream() };
  }

  get status(): CallbackFlags {
    return this.#status;
  }
  get active(): boolean {
    return this.#handle.active();
  }
  get frames(): number {
    return this.#handle.frames();
  }
  get position(): number {
    return this.#handle.position();
  }
  get heard(): number {
    return this.#handle.heard();
  }
  get roundTrip(): number | undefined {
    const { input, output } = this.#options;
    return input && output ? (this.#handle.roundTrip() ?? undefined) : undefined;
  }
  get time(): number {
    return this.#handle.time();
  }
  get clipped(): number {
    return this.#handle.clipped();
  }
  get nan(): number {
    return this.#handle.nan();
  }
  pause(): void {
    this.#handle.pause();
  }
  resume(): void {
    this.#handle.resume();
  }
  seek(frame: number): void {
    integer(0)(frame, 'frame');
    if (this.#options.output === undefined) {
      throw new SoundDeviceError(
        'ERR_NOT_SUPPORTED',
        'expected a job that plays, got a recording: it cannot seek',
      );
    }
    this.#handle.seek(frame);
  }
  stop(): Promise<T> {
    this.#handle.stop();
    return this;
  }
  abort(): void {
    this.#handle.abort();
  }
  ref(): this {
    this.#alive?.ref();
    return this;
  }
  unref(): this {
    this.#alive?.unref();
    return this;
  }
}

// what users see of it when it is printed
Object.defineProperty(NativeJob, 'name', { value: 'Job' });
