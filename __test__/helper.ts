/** What the tests share: devices, signals, and a naive account of what conversion does. */
import type { ExecutionContext } from 'ava';
import { AudioData, type DType, type SampleArray, virtual } from 'sounddevice';

export const DTYPES: readonly DType[] = ['float64', 'float32', 'int32', 'int24', 'int16', 'int8', 'uint8'];
export const RATE = 48000;
export const PERIOD = 256;

type VirtualOptions = NonNullable<Parameters<typeof virtual.createDevice>[0]>;

/** A device whose time only passes with advance(). */
export const manual = (channels = 2, options: VirtualOptions = {}) =>
  virtual.createDevice({ clock: 'manual', inputs: channels, outputs: channels, ...options });

/** Frames of whole periods that hold so many. */
export const whole = (frames: number, period = PERIOD) => Math.ceil(frames / period) * period;

export const bitsOf = (dtype: DType): number =>
  ({ float64: 0, float32: 0, int32: 32, int24: 24, int16: 16, int8: 8, uint8: 8 })[dtype];

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  int24: Uint8Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
} as const;

/** AudioData of a dtype that is known at run time only. */
export const audio = (data: SampleArray, channels: number, dtype: DType): AudioData =>
  new AudioData(data as never, { channels, dtype } as never);

/** Samples as whole numbers for integers (uint8 about its zero), as they are for floats. */
export function samplesOf({ data, dtype }: { data: SampleArray; dtype: DType }): number[] {
  if (dtype === 'uint8') return Array.from(data, (sample) => sample - 128);
  if (dtype !== 'int24') return Array.from(data);
  const count = data.length / 3;
  return Array.from({ length: count }, (_, n) => {
    const [low, middle, high] = data.subarray(3 * n) as Uint8Array;
    return (((high as number) << 24) | ((middle as number) << 16) | ((low as number) << 8)) >> 8;
  });
}

/** The other way round. */
export function fromSamples(samples: readonly number[], dtype: DType, channels = 1): AudioData {
  if (dtype === 'int24') {
    const bytes = samples.flatMap((sample) => [sample & 255, (sample >> 8) & 255, (sample >> 16) & 255]);
    return audio(Uint8Array.from(bytes), channels, dtype);
  }
  const array = new ARRAYS[dtype](samples.length);
  array.set(dtype === 'uint8' ? samples.map((sample) => sample + 128) : samples);
  return audio(array as SampleArray, channels, dtype);
}

/** Samples as the numbers that a float device hears. */
export const heardAs = (source: AudioData): number[] => {
  const scale = bitsOf(source.dtype) ? 2 ** (bitsOf(source.dtype) - 1) : 1;
  return samplesOf(source).map((sample) => sample / scale);
};

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** What conversion without dither makes of a sample, one at a time. */
export function converted(sample: number, from: DType, to: DType): number {
  const [bits, target] = [bitsOf(from), bitsOf(to)];
  if (target === 0) {
    const value = bits ? sample / 2 ** (bits - 1) : sample;
    return to === 'float32' ? Math.fround(value) : value;
  }
  const value = sample * 2 ** (target - (bits || 1));
  if (Number.isNaN(value)) return 0;
  return Math.min(2 ** (target - 1) - 1, Math.max(-(2 ** (target - 1)), roundHalfToEven(value))) + 0;
}

/** Uniform numbers in [0, 1), always the same ones. */
export function random(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Noise over the whole range of a dtype. */
export function noise(dtype: DType, frames: number, channels = 1, seed = 1): AudioData {
  const next = random(seed);
  const bits = bitsOf(dtype);
  const one = () => {
    if (bits) return Math.floor(next() * 2 ** bits) - 2 ** (bits - 1);
    const value = next() * 2 - 1;
    return dtype === 'float32' ? Math.fround(value) : value;
  };
  return fromSamples(Array.from({ length: frames * channels }, one), dtype, channels);
}

/** 1/2048, 2/2048, …: never silent, numbers that all but the 8-bit dtypes hold exactly, 2047 of them before the first again. */
export const ramp = (frames: number, start = 1) =>
  Float32Array.from({ length: frames }, (_, n) => (((n + start - 1) % 2047) + 1) / 2048);

/** One column of interleaved samples. */
export const column = (samples: ArrayLike<number>, channel: number, channels: number): number[] =>
  Array.from({ length: samples.length / channels }, (_, n) => samples[n * channels + channel] as number);

type Coded = Error & { code: string; paErrorCode?: number };

/** "RangeError ERR_OUT_OF_RANGE", and PortAudio's number where there is one. */
export function nameOf(error: unknown): string {
  const { name, code, paErrorCode } = error as Coded;
  return [name, code, ...(paErrorCode ? [paErrorCode] : [])].join(' ');
}

/** How a call is refused. */
export const refusal = (t: ExecutionContext, call: () => unknown, message?: string): string =>
  nameOf(t.throws(call, { any: true } as never, message));

/** Waits until something holds. */
export async function until(holds: () => boolean, milliseconds = 30_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A job that is to be refused, given what a caller in JavaScript may give. */
export const wrong = (options: object): never => options as never;

/** Compares sample by sample (0 and -0 are the same, and so is NaN and NaN); a failure shows the first that differs. */
export function same(
  t: ExecutionContext,
  actual: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  message = '',
): void {
  const got = actual ?? [];
  const differs = (sample: number | undefined, n: number) =>
    !Object.is((sample ?? NaN) + 0, (got[n] ?? NaN) + 0);
  const first = Array.from(expected).findIndex(differs);
  const where = `${message}: sample ${first} of ${expected.length} is ${got[first]} instead of ${expected[first]}`;
  t.is(first, -1, where);
  t.is(got.length, expected.length, `${message}: the number of samples`);
}
