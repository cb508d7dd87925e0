/** Options: what they may be, checked once. */
import {
  invalidChannels,
  invalidSampleRate,
  invalidType,
  invalidValue,
  noSuchDevice,
  notSupported,
  outOfRange,
  show,
  unknownOption,
} from './errors.js';
import { nearest } from './nearest.js';

/**
 * An index (kept by its device while the process lives, never reused), a stable `id`, or space-separated parts of
 * "name, host API" in order, case-insensitive.
 */
export type DeviceSpecifier = number | string;
/** A direction. */
export type Kind = 'input' | 'output';
/** Seconds for the whole buffer, from 0 to 60, or the device's own low or high figure. */
export type Latency = number | 'low' | 'high';
/** One value for both directions, or `[input, output]`; a null or missing side falls back to `defaults`. */
export type InOut<T> = T | readonly [input: T | null | undefined, output: T | null | undefined];

export type Check<T> = (value: unknown, name: string) => T;

/** NaN too. */
const number: Check<number> = (value, name) => {
  if (typeof value !== 'number') throw invalidType(`${name} must be a number, got ${show(value)}`);
  return value;
};

/** Any whole number: whether there is such a thing is for others to say. */
export const whole: Check<number> = (value, name) => {
  if (!Number.isInteger(number(value, name)))
    throw invalidValue(`${name} must be a whole number, got ${value}`);
  return value as number;
};

export const integer =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check<number> =>
  (value, name) => {
    const count = whole(value, name);
    if (count < least || count > most) {
      const open = most >= Number.MAX_SAFE_INTEGER && count < least;
      throw outOfRange(
        `${name} must be ${open ? `at least ${least}` : `from ${least} to ${most}`}, got ${count}`,
      );
    }
    return count;
  };

/** As frames of `slice`: beyond the ends is the end. */
export const wholeOrInfinite: Check<number> = (value, name) =>
  value === Infinity || value === -Infinity ? value : whole(value, name);

/** A finite number above 0. */
export const positive: Check<number> = (value, name) => {
  const given = number(value, name);
  if (given > 0 && Number.isFinite(given)) return given;
  throw outOfRange(`${name} must be finite and above 0, got ${given}`);
};

/** A finite number that samples may be multiplied by. */
export const factor: Check<number> = (value, name) => {
  const given = number(value, name);
  if (given >= 0 && Number.isFinite(given)) return given;
  throw outOfRange(`${name} must be finite and at least 0, got ${given}`);
};

/** More channels than any system can count. */
export const MOST_CHANNELS = 65535;

/** A number of channels. How many there may be is for the device to say: 0 and too many are no range errors. */
export const channels: Check<number> = (value, name) => {
  const count = integer(0, Number.MAX_VALUE)(value, name);
  if (count > MOST_CHANNELS) throw invalidChannels(`expected at most ${MOST_CHANNELS}, got ${count}`);
  return count;
};

export const boolean: Check<boolean> = (value, name) => {
  if (typeof value !== 'boolean') throw invalidType(`${name} must be a boolean, got ${show(value)}`);
  return value;
};

/** Frames per block; 0 as the host likes. */
export const blockSize: Check<number> = integer(0, 1 << 24);

/** Only what can never be a rate is refused here: the device says the rest. */
export const rate: Check<number> = (value, name) => {
  const given = number(value, name);
  if (Number.isNaN(given)) throw invalidValue(`${name} must be Hertz, got NaN`);
  return given;
};

const FASTEST = 1e9;

/** Throws for what no device could run at, in JavaScript's own numerals. */
export function checkPossible(sampleRate: number): void {
  if (!(sampleRate > 0 && sampleRate <= FASTEST)) {
    throw invalidSampleRate(`expected Hertz above 0 that a device could have, got ${sampleRate}`);
  }
}

/** Whoever gives what `queryDevices()` or `defaultSpeaker()` gave is nearly there. */
const hint = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'id' in value ? ': its id is what is wanted' : '';

export const device: Check<DeviceSpecifier> = (value, name) => {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number')
    throw invalidType(`${name} must be an index, an id or parts of a name, got ${show(value)}${hint(value)}`);
  whole(value, name);
  if (!Number.isSafeInteger(value)) throw noSuchDevice(value);
  return value;
};

/** Seconds that may be queued: what is asked for is memory as well. */
const LONGEST = 60;

export const latency: Check<Latency> = (value, name) => {
  if (value === 'low' || value === 'high') return value;
  if (typeof value === 'string')
    throw invalidValue(`${name} must be 'low', 'high' or seconds, got ${show(value)}`);
  if (typeof value !== 'number')
    throw invalidType(`${name} must be 'low', 'high' or seconds, got ${show(value)}`);
  if (!(value >= 0 && value <= LONGEST))
    throw outOfRange(`${name} must be from 0 to ${LONGEST} seconds, got ${value}`);
  return value;
};

export const mapping: Check<number[]> = (value, name) => {
  const list = typeof value === 'number' ? [value] : value;
  if (!Array.isArray(list)) throw invalidType(`${name} must be channel numbers, got ${show(value)}`);
  for (const channel of list) {
    if (typeof channel !== 'number') throw invalidType(`${name} must be channel numbers, got ${show(value)}`);
    if (!Number.isInteger(channel)) throw invalidValue(`${name} must be whole numbers, got ${show(value)}`);
    if (channel < 1) throw invalidValue(`channel numbers must not be < 1, got ${show(value)}`);
    if (channel > MOST_CHANNELS) throw invalidChannels(`expected at most ${MOST_CHANNELS}, got ${channel}`);
  }
  return list;
};

export const abortSignal: Check<AbortSignal> = (value, name) => {
  if (!(value instanceof AbortSignal))
    throw invalidType(`${name} must be an AbortSignal, got ${show(value)}`);
  return value;
};

/** Options as they were given, perhaps none. */
export function object(options: unknown): object {
  if (options === undefined || options === null) return {};
  if (typeof options !== 'object' || Array.isArray(options) || ArrayBuffer.isView(options)) {
    throw invalidType(`options must be an object, got ${show(options)}`);
  }
  return options;
}

/** What is left of options by a schema. */
export type Checked<S extends Record<string, Check<unknown>>> = { [K in keyof S]?: ReturnType<S[K]> };

/**
 * Checks every option that is there, inherited ones and accessors too, each read once; a name that is not in the schema is an
 * error. `inside` names what they are options of.
 */
export function check<S extends Record<string, Check<unknown>>>(
  options: unknown,
  schema: S,
  inside = '',
): Checked<S> {
  const given = object(options) as Record<string, unknown>;
  for (const name in given) {
    if (!Object.hasOwn(schema, name))
      throw unknownOption(`unknown option ${nearest(name, Object.keys(schema))}`);
  }
  const checked: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(schema)) {
    const value = given[name];
    if (value !== undefined && value !== null) checked[name] = one(value, inside + name);
  }
  return checked as never;
}

/** One value for both sides, or a pair with sides that may be missing. */
/** A pair of `defaults`, given back. */
const isPair = (value: unknown): value is { input: unknown; output: unknown } =>
  typeof value === 'object' && value !== null && 'input' in value && 'output' in value;

export const inOut =
  <T>(one: Check<T>): Check<[T | undefined, T | undefined]> =>
  (given, name) => {
    const value = isPair(given) ? [given.input, given.output] : given;
    if (!Array.isArray(value)) {
      const both = one(value, name);
      return [both, both];
    }
    if (value.length !== 2)
      throw invalidValue(`only single values and pairs are allowed for ${name}, got ${show(value)}`);
    const side = (item: unknown) => (item === null || item === undefined ? undefined : one(item, name));
    return [side(value[0]), side(value[1])];
  };

const RESAMPLERS = ['fast', 'good', 'best'];

/** Not built yet, so only `false` passes. */
export const resample: Check<undefined> = (value, name) => {
  if (typeof value !== 'boolean' && typeof value !== 'string') {
    throw invalidType(`${name} must be a boolean or one of ${RESAMPLERS.join(', ')}, got ${show(value)}`);
  }
  if (typeof value === 'string' && !RESAMPLERS.includes(value)) {
    throw invalidValue(`${name} must be a boolean or one of ${RESAMPLERS.join(', ')}, got ${show(value)}`);
  }
  if (value !== false) throw notSupported(`option ${name}`);
};
