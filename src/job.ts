/** A running play, rec or playrec. */
import { fromNative, type NativeError, native, SoundDeviceError } from './errors.js';
import { CallbackFlags } from './flags.js';
import { addon, keep } from './native.js';
import { integer } from './options.js';

// The addon's own reference never holds the process; this timer does while the job is wanted.
const alive = new WeakMap<object, NodeJS.Timeout>();
const YEARS = 2 ** 31 - 1;

function keepAlive(job: object, wanted: boolean): void {
  const timer = alive.get(job);
  if (wanted) timer?.ref();
  else timer?.unref();
}

type Handle = InstanceType<typeof addon.NativeJob>;

/** What a job was opened with that JavaScript needs. */
export interface Opening<T> {
  options: object;
  /** Memory that native threads use until the job has ended. */
  held: unknown[];
  result(job: Handle): T;
  signal?: AbortSignal | undefined;
  /** The caller is going to wait for it. */
  blocking?: boolean | undefined;
}

/** A plain promise with more on it. */
export class Job<T> extends Promise<T> {
  static override get [Symbol.species]() {
    return Promise;
  }

  #handle!: Handle;
  #status!: CallbackFlags;
  #playrec = false;
  #result!: (job: Handle) => T;
  #taken: { value: T } | undefined;

  /** Opens and starts; whatever fails before the device runs is thrown. */
  static open<T>({ options, held, result, signal, blocking }: Opening<T>): Job<T> {
    signal?.throwIfAborted();
    let settle!: { resolve(value: T | PromiseLike<T>): void; reject(reason: unknown): void };
    const job = new Job<T>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const ended = (error: NativeError | null) => {
      forget();
      clearInterval(alive.get(job));
      alive.delete(job);
      signal?.removeEventListener('abort', aborted);
      held.length = 0;
      if (signal?.aborted) settle.reject(signal.reason);
      else if (error) settle.reject(fromNative(error));
      else {
        try {
          settle.resolve(job.take());
        } catch (lost) {
          settle.reject(lost); // the memory of `out` was given away meanwhile
        }
      }
    };
    const handle = native(() => addon.openJob(options, ended as never));
    const aborted = () => handle.abort();
    const forget = keep(handle);
    signal?.addEventListener('abort', aborted, { once: true });
    alive.set(
      job,
      setInterval(() => {}, YEARS),
    );
    job.#handle = handle;
    job.#result = result;
    job.#status = CallbackFlags.live(() => handle.flags());
    job.#playrec = 'input' in options && 'output' in options;
    // Ignoring a job is fine.
    job.catch(() => {});
    if (blocking && handle.manualClock() && handle.frames() > 0) {
      job.abort();
      throw new SoundDeviceError(
        'ERR_WOULD_DEADLOCK',
        'blocking on a manual clock would never end: advance the device instead',
      );
    }
    return job;
  }

  /** Live. */
  get status(): CallbackFlags {
    return this.#status;
  }
  get active(): boolean {
    return this.#handle.active();
  }
  /** Total; Infinity when looping for ever. */
  get frames(): number {
    return this.#handle.frames();
  }
  /** Frames handed to, or taken from, the device. */
  get position(): number {
    return this.#handle.position();
  }
  /** The same less what is still queued. */
  get heard(): number {
    return this.#handle.heard();
  }
  /** playrec: frames between playing and hearing. */
  get roundTrip(): number | undefined {
    return this.#playrec ? (this.#handle.roundTrip() ?? undefined) : undefined;
  }
  /** Seconds on the stream's clock. */
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
  /** Playback only. */
  seek(frame: number): void {
    this.#handle.seek(integer(0)(frame, 'frame'));
  }
  /** Plays out what the device already has. */
  stop(): Promise<T> {
    this.#handle.stop();
    return this;
  }
  abort(): void {
    this.#handle.abort();
  }
  ref(): this {
    keepAlive(this, true);
    return this;
  }
  unref(): this {
    keepAlive(this, false);
    return this;
  }

  /** Blocks the thread until the end. */
  waitSync(): void {
    native(() => {
      while (!this.#handle.waitSync());
    });
  }

  /** What it resolves with, once it has ended. */
  take(): T {
    this.#taken ??= { value: this.#result(this.#handle) };
    return this.#taken.value;
  }

  /** The stream underneath. */
  get handle(): Handle {
    return this.#handle;
  }
}
