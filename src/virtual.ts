/** A host API without hardware, always there. */
import { checkAttached, checkDType, type DType, dtypeOf } from './dtype.js';
import {
  fromNative,
  invalidType,
  invalidValue,
  native,
  outOfRange,
  SoundDeviceError,
  show,
} from './errors.js';
import { addon, pumpAll } from './native.js';
import * as is from './options.js';
import { insideCallback } from './stream-callback.js';

const text = (value: unknown, name: string): string => {
  if (typeof value !== 'string') throw invalidType(`${name} must be a string, got ${show(value)}`);
  return value;
};
/** Millionths: at most a tenth too fast or too slow. */
const drift = (value: unknown, name: string): number => {
  if (typeof value !== 'number') throw invalidType(`${name} must be a number, got ${show(value)}`);
  if (!(Math.abs(value) <= 100_000)) throw outOfRange(`${name} must be from -100000 to 100000, got ${value}`);
  return value;
};
/** Faster clocks than any device has would do nothing but keep a processor busy. */
const rate = (value: unknown, name: string): number => {
  const hertz = is.positive(value, name);
  if (hertz > 10_000_000) throw outOfRange(`${name} must be at most 10000000, got ${hertz}`);
  return hertz;
};
const clock = (value: unknown, name: string): 'real' | 'manual' => {
  if (typeof value !== 'string') throw invalidType(`${name} must be 'real' or 'manual', got ${show(value)}`);
  if (value !== 'real' && value !== 'manual')
    throw invalidValue(`${name} must be 'real' or 'manual', got ${show(value)}`);
  return value;
};

const OPTIONS = {
  name: text,
  inputs: is.integer(0, 1024),
  outputs: is.integer(0, 1024),
  sampleRate: rate,
  period: is.integer(1, 1 << 20),
  dtype: checkDType,
  clock,
  loopback: is.boolean,
  driftPpm: drift,
};

/** How a virtual device is made. */
interface VirtualOptions {
  name?: string;
  /** Channels, from 0; 2 by default. */
  inputs?: number;
  /** Channels, from 0; 2 by default. */
  outputs?: number;
  /** The one rate it knows; 48000 by default. */
  sampleRate?: number;
  /** Frames; 256 by default. */
  period?: number;
  /** The device's own format; float64 by default, which holds all others exactly. */
  dtype?: DType;
  /** Whether time passes by itself ('real', the default) or by `advance` only. */
  clock?: 'real' | 'manual';
  /** Whether its input hears its output; true by default, means nothing without inputs. */
  loopback?: boolean;
  /** How much too fast its clock runs, in millionths, up to 100000 either way. */
  driftPpm?: number;
}

const FAULTS = [
  'input-overflow',
  'input-underflow',
  'output-underflow',
  'output-overflow',
  'lost',
  'stall',
] as const;

/** A device without hardware: what is played on it is heard by its input one period later. */
export interface VirtualDevice extends Disposable {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  /** Hertz. */
  readonly sampleRate: number;
  /** Manual clock; resolves when everything for these frames has been done. */
  advance(frames: number): Promise<void>;
  /** Per channel, everything that came out since the last call. */
  played(): Float64Array[];
  /** What its input hears next, instead of the loopback: one array per channel; silence where one is shorter. */
  feed(channels: readonly (Float64Array | Float32Array)[]): void;
  /** One flag for the next period of every stream on it, altering no sample; or the device is lost; or it stalls for a second. */
  inject(fault: (typeof FAULTS)[number]): void;
  /** As if it were unplugged. */
  remove(): void;
}

/** Frames that pass at a time, some hundredths of a second. */
const SLICE = 2 ** 22;

class Device implements VirtualDevice {
  readonly #native: InstanceType<typeof addon.NativeVirtual>;
  readonly #inputs: number;
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly sampleRate: number;

  constructor(options?: VirtualOptions) {
    const given = is.check(options, OPTIONS);
    this.#native = native(() => addon.createVirtualDevice(given));
    this.#inputs = given.inputs ?? 2;
    const { index, id, name, sampleRate } = this.#native;
    [this.index, this.id, this.name, this.sampleRate] = [index, id, name, sampleRate];
  }

  advance(frames: number): Promise<void> {
    if (insideCallback()) {
      throw new SoundDeviceError(
        'ERR_WOULD_DEADLOCK',
        'advance() inside a callback would never end: expected a call from outside',
      );
    }
    return this.#advance(frames);
  }

  async #advance(frames: number): Promise<void> {
    is.integer(0)(frames, 'frames');
    try {
      // In slices, so that the process can end in between.
      let left = frames;
      do {
        const slice = Math.min(left, SLICE);
        await this.#native.advance(slice);
        left -= slice;
      } while (left > 0);
    } catch (error) {
      throw fromNative(error);
    }
    pumpAll();
  }

  played(): Float64Array[] {
    const channels = this.#native.takePlayed().map((frames) => new Float64Array(frames));
    this.#native.fetchPlayed(channels);
    return channels;
  }

  feed(channels: readonly (Float64Array | Float32Array)[]): void {
    if (!Array.isArray(channels)) {
      throw invalidType(`channels must be an array of float arrays, got ${show(channels)}`);
    }
    if (channels.length > this.#inputs) {
      throw invalidValue(`channels must be at most the ${this.#inputs} of the input, got ${channels.length}`);
    }
    const doubles = channels.map((channel) => {
      if (!dtypeOf(channel)?.startsWith('float')) {
        throw invalidType(`channels must be float arrays, got ${show(channel)}`);
      }
      checkAttached(channel, 'every channel');
      return Float64Array.from(channel);
    });
    this.#native.feed(doubles);
  }

  inject(fault: (typeof FAULTS)[number]): void {
    if (!FAULTS.includes(text(fault, 'fault') as never)) {
      throw invalidValue(`fault must be one of ${FAULTS.join(', ')}, got ${show(fault)}`);
    }
    this.#native.inject(fault);
  }

  remove(): void {
    this.#native.remove();
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

/**
 * A host API without hardware, always there: named 'Virtual', its devices after all real ones, the default only where
 * nothing else exists.
 *
 * @example
 * const device = virtual.createDevice({ clock: 'manual' });
 * const job = playrec(data, { device: device.index, channels: 1, align: true });
 * await device.advance(data.frames + 256);
 * console.log((await job).data);
 */
export const virtual = {
  /**
   * Makes a device.
   *
   * @throws TypeError or RangeError for options that no device could have.
   */
  createDevice: (options?: VirtualOptions): VirtualDevice => new Device(options),
};
