/** Where those who read take their frames from. */
import type { StreamTime } from './callback.js';
import { bytesOf } from './dtype.js';
import { native } from './errors.js';
import { CallbackFlags } from './flags.js';
import { type Handle, Times } from './stream-callback.js';
import type { Bytes } from './stream-transfer.js';

/** Frames that have been taken, with the time of the first one. */
export interface Taken {
  data: Bytes;
  frames: number;
  time: StreamTime;
  flags: number;
}

/** First what was put back, then what the device gives. */
export class Intake {
  readonly #handle: Handle;
  readonly #told: (flags: CallbackFlags) => void;
  /** Bytes per frame, frames per second. */
  readonly #frame: number;
  readonly #rate: number;
  readonly #times = new Times();
  readonly #returned: { bytes: Uint8Array; adc: number; flags: number }[] = [];

  /** `told` hears of flags, once. */
  constructor(handle: Handle, sampleSize: number, told: (flags: CallbackFlags) => void) {
    const { inputChannels, sampleRate } = handle.facts();
    this.#handle = handle;
    this.#told = told;
    this.#frame = sampleSize * inputChannels;
    this.#rate = sampleRate;
  }

  /** Frames that can be taken without waiting. */
  get available(): number {
    const given = native(() => this.#handle.readAvailable());
    if (this.#returned.length === 0 || this.#handle.closed()) return given;
    return this.#returned.reduce((sum, { bytes }) => sum + bytes.byteLength / this.#frame, given);
  }

  /** What is there, as much as fits; how many frames that was. */
  take(bytes: Uint8Array): number {
    if (this.#returned.length === 0) return this.#give(bytes);
    return this.#first(bytes, (rest) => {
      const given = native(() => this.#handle.readAvailable());
      return given > 0 ? this.#give(rest) : 0;
    });
  }

  /** All of it, while the thread waits. */
  takeSync(bytes: Uint8Array): void {
    const wait = (rest: Uint8Array) => {
      native(() => this.#handle.readSync(rest, this.#times.bytes));
      this.#tell();
      return rest.byteLength / this.#frame;
    };
    if (this.#returned.length === 0) wait(bytes);
    else this.#first(bytes, wait);
  }

  /** When the first frame came that was taken last. */
  time(): StreamTime {
    return this.#times.time();
  }
  /** What went wrong before that. */
  get flags(): number {
    return this.#times.flags;
  }

  /** It is taken next, before anything else. */
  putBack({ data, frames, time, flags }: Omit<Taken, 'time'> & { time: StreamTime | undefined }): void {
    if (frames === 0 || time === undefined) return;
    const bytes = bytesOf(data).slice(0, frames * this.#frame);
    this.#returned.unshift({ bytes, adc: time.inputBufferAdcTime, flags });
  }

  /** Another run begins: what is left of the last one is gone. */
  begin(): void {
    this.#returned.length = 0;
  }

  #give(bytes: Uint8Array): number {
    const frames = native(() => this.#handle.tryRead(bytes, this.#times.bytes));
    this.#tell();
    return frames;
  }

  #tell(): void {
    if ((this.flags & 15) !== 0) this.#told(new CallbackFlags(this.flags & 15));
  }

  /** What was put back, then `more`. */
  #first(bytes: Uint8Array, more: (rest: Uint8Array) => number): number {
    const { numbers } = this.#times;
    numbers.fill(native(() => this.#handle.time()));
    numbers[3] = 0;
    const time = { ...this.time(), inputBufferAdcTime: this.#returned[0]?.adc ?? 0 };
    let frames = 0;
    let flags = 0;
    for (
      let [part] = this.#returned;
      part && frames * this.#frame < bytes.byteLength;
      [part] = this.#returned
    ) {
      const some = part.bytes.subarray(0, bytes.byteLength - frames * this.#frame);
      bytes.set(some, frames * this.#frame);
      frames += some.byteLength / this.#frame;
      // They are told with the first frame after them, and nobody twice.
      flags |= part.flags;
      part.flags = 0;
      part.adc += some.byteLength / this.#frame / this.#rate;
      part.bytes = part.bytes.subarray(some.byteLength);
      if (part.bytes.byteLength === 0) this.#returned.shift();
    }
    const rest = bytes.subarray(frames * this.#frame);
    if (rest.byteLength > 0) {
      try {
        frames += more(rest);
      } catch (error) {
        this.putBack({ data: bytes as Bytes, frames, time, flags });
        throw error;
      }
    }
    numbers[0] = time.inputBufferAdcTime;
    numbers[3] = this.flags | flags;
    return frames;
  }
}
