/** A host API without hardware, always there. */
import { checkDType, type DType, dtypeOf } from './dtype.js';
import { fromNative, invalidType, invalidValue, native, outOfRange, show } from './errors.js';
import { addon } from './native.js';
import * as is from './options.js';

const positive = (value: unknown, name: string): number => {
  if (typeof value !== 'number') throw invalidType(`${name} must be a number, got ${show(value)}`);
  if (!(value > 0 && Number.isFinite(value))) throw outOfRange(`${name} must be above 0, got ${value}`);
  return value;
};
const text = (value: unknown, name: string): string => {
  if (typeof value !== 'string') throw invalidType(`${name} must be a string, got ${show(value)}`);
  return value;
};
const finite = (value: unknown, name: string): number => {
  if (typeof value !== 'number') throw invalidType(`${name} must be a number, got ${show(value)}`);
  if (!Number.isFinite(value)) throw outOfRange(`${name} must be finite, got ${value}`);
  return value;
};
const clock = (value: unknown, name: string): 'real' | 'manual' => {
  if (value !== 'real' && value !== 'manual')
    throw invalidValue(`${name} must be 'real' or 'manual', got ${show(value)}`);
  return value;
};

const OPTIONS = {
  name: text,
  inputs: is.integer(0, 1024),
  outputs: is.integer(0, 1024),
  sampleRate: positive,
  period: is.integer(1, 1 << 20),
  dtype: checkDType,
  clock,
  loopback: is.boolean,
  driftPpm: finite,
};

export interface VirtualOptions {
  name?: string;
  inputs?: number;
  outputs?: number;
  sampleRate?: number;
  period?: number;
  dtype?: DType;
  clock?: 'real' | 'manual';
  loopback?: boolean;
  driftPpm?: number;
}
export type Fault =
  | 'input-overflow'
  | 'input-underflow'
  | 'output-underflow'
  | 'output-overflow'
  | 'lost'
  | 'stall';

export class VirtualDevice implements Disposable {
  readonly #native: InstanceType<typeof addon.NativeVirtual>;
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly sampleRate: number;

  constructor(options?: VirtualOptions) {
    const given = is.check(options, OPTIONS);
    this.#native = native(() => addon.createVirtualDevice(given));
    const { index, id, name, sampleRate } = this.#native;
    [this.index, this.id, this.name, this.sampleRate] = [index, id, name, sampleRate];
  }

  /** Manual clock; resolves when everything for these frames has been done. */
  async advance(frames: number): Promise<void> {
    is.integer(0)(frames, 'frames');
    try {
      await this.#native.advance(frames);
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Per channel, everything that came out since the last call. */
  played(): Float64Array[] {
    return this.#native.played().map((channel) => Float64Array.from(channel));
  }

  /** What its input hears next, instead of the loopback. */
  feed(channels: readonly (Float64Array | Float32Array)[]): void {
    if (!Array.isArray(channels))
      throw invalidType(`channels must be an array of float arrays, got ${show(channels)}`);
    const doubles = channels.map((channel) => {
      if (!dtypeOf(channel)?.startsWith('float'))
        throw invalidType(`channels must be float arrays, got ${show(channel)}`);
      return Float64Array.from(channel);
    });
    this.#native.feed(doubles);
  }

  /** One flag for the next period of every stream on it; or the device is lost; or it stalls for a second. */
  inject(fault: Fault): void {
    text(fault, 'fault');
    native(() => this.#native.inject(fault));
  }

  /** As if it were unplugged. */
  remove(): void {
    this.#native.remove();
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

export const virtual = {
  createDevice: (options?: VirtualOptions): VirtualDevice => new VirtualDevice(options),
};
