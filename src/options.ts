/** Options: what they may be, checked once. */
import { checkDType, type DType } from './dtype.js';
import { invalidType, invalidValue, notSupported, outOfRange, show, unknownOption } from './errors.js';

export type DeviceSpecifier = number | string;
export type Kind = 'input' | 'output';
export type Latency = number | 'low' | 'high';
/** One value for both directions, or `[input, output]`; a null or missing side falls back to `defaults`. */
export type InOut<T> = T | readonly [input: T | null | undefined, output: T | null | undefined];

type Check<T> = (value: unknown, name: string) => T;

export const integer =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check<number> =>
  (value, name) => {
    if (typeof value !== 'number') throw invalidType(`${name} must be a number, got ${show(value)}`);
    if (!Number.isInteger(value)) throw invalidValue(`${name} must be a whole number, got ${value}`);
    if (value < least || value > most)
      throw outOfRange(`${name} must be from ${least} to ${most}, got ${value}`);
    return value;
  };

export const boolean: Check<boolean> = (value, name) => {
  if (typeof value !== 'boolean') throw invalidType(`${name} must be a boolean, got ${show(value)}`);
  return value;
};

/** Only what can never be a rate is refused here: the device says the rest. */
export const rate: Check<number> = (value, name) => {
  if (typeof value !== 'number') throw invalidType(`${name} must be a number, got ${show(value)}`);
  if (Number.isNaN(value)) throw invalidValue(`${name} must be Hertz, got NaN`);
  return value;
};

export const device: Check<DeviceSpecifier> = (value, name) => {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') throw invalidType(`${name} must be an index or a name, got ${show(value)}`);
  if (!Number.isInteger(value)) throw invalidValue(`${name} must be a whole number, got ${value}`);
  return value;
};

export const latency: Check<Latency> = (value, name) => {
  if (value === 'low' || value === 'high') return value;
  if (typeof value === 'string')
    throw invalidValue(`${name} must be 'low', 'high' or seconds, got ${show(value)}`);
  if (typeof value !== 'number')
    throw invalidType(`${name} must be 'low', 'high' or seconds, got ${show(value)}`);
  if (!(value >= 0 && value <= 3600))
    throw outOfRange(`${name} must be from 0 to 3600 seconds, got ${value}`);
  return value;
};

export const dtype: Check<DType> = checkDType;

export const mapping: Check<number[]> = (value, name) => {
  const list = typeof value === 'number' ? [value] : value;
  if (!Array.isArray(list)) throw invalidType(`${name} must be channel numbers, got ${show(value)}`);
  for (const channel of list) {
    if (typeof channel !== 'number') throw invalidType(`${name} must be channel numbers, got ${show(value)}`);
    if (!Number.isInteger(channel)) throw invalidValue(`${name} must be whole numbers, got ${show(value)}`);
    if (channel < 1 || channel > 65535)
      throw invalidValue(`channel numbers must not be < 1 or > 65535, got ${show(value)}`);
  }
  return list;
};

export const abortSignal: Check<AbortSignal> = (value, name) => {
  if (!(value instanceof AbortSignal))
    throw invalidType(`${name} must be an AbortSignal, got ${show(value)}`);
  return value;
};

/** Checks every option that is there; a name that is not in the schema is an error. */
export function check<S extends Record<string, Check<unknown>>>(
  options: unknown,
  schema: S,
): { [K in keyof S]?: ReturnType<S[K]> } {
  if (options === undefined || options === null) return {};
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalidType(`options must be an object, got ${show(options)}`);
  }
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    const one = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (one === undefined)
      throw unknownOption(`unknown option '${name}', expected ${Object.keys(schema).join(', ')}`);
    if (value !== undefined && value !== null) checked[name] = one(value, name);
  }
  return checked as never;
}

/** One value for both sides, or a pair with sides that may be missing. */
export const inOut =
  <T>(one: Check<T>): Check<[T | undefined, T | undefined]> =>
  (value, name) => {
    if (!Array.isArray(value)) {
      const both = one(value, name);
      return [both, both];
    }
    if (value.length !== 2)
      throw invalidValue(`only single values and pairs are allowed for ${name}, got ${show(value)}`);
    const side = (item: unknown) => (item === null || item === undefined ? undefined : one(item, name));
    return [side(value[0]), side(value[1])];
  };

export const notBuilt: Check<never> = (value, name) => {
  if (value === false) return undefined as never;
  throw notSupported(`option ${name}`);
};
