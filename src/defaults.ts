/** What an option is when nobody says. */
import { inspect } from 'node:util';
import type { DType } from './dtype.js';
import { invalidValue, native, readOnly, show, unknownOption } from './errors.js';
import { addon } from './native.js';
import type { DeviceSpecifier, InOut, Latency } from './options.js';
import * as is from './options.js';

export interface Pair<T> {
  readonly length: 2;
  0: T;
  1: T;
  input: T;
  output: T;
  [Symbol.iterator](): Iterator<T>;
}

type Side = 0 | 1;

/** A pair over two slots, strict about everything else. `null` on a side is its factory setting. */
function pair<T>(name: string, factory: (side: Side) => T, check: (value: unknown, name: string) => T) {
  const slots: [T | undefined, T | undefined] = [undefined, undefined];
  const sideOf = (key: string | symbol): Side | undefined =>
    key === '0' || key === 'input' ? 0 : key === '1' || key === 'output' ? 1 : undefined;
  const read = (side: Side) => slots[side] ?? factory(side);
  const write = (side: Side, value: unknown) => {
    slots[side] = value === null || value === undefined ? undefined : check(value, name);
  };
  const print = () => [read(0), read(1)];
  const target = Object.freeze({ length: 2, [inspect.custom]: print });
  const proxy = new Proxy(target, {
    get(_, key) {
      const side = sideOf(key);
      if (side !== undefined) return read(side);
      if (key === 'length') return 2;
      if (key === Symbol.iterator) return () => [read(0), read(1)][Symbol.iterator]();
      if (key === 'toJSON') return () => [read(0), read(1)];
      if (key === inspect.custom) return print;
      return undefined;
    },
    set(_, key, value) {
      const side = sideOf(key);
      if (side === undefined) throw unknownOption(`defaults.${name} has no side '${String(key)}'`);
      write(side, value);
      return true;
    },
  }) as unknown as Pair<T>;
  return {
    proxy,
    assign(value: unknown) {
      if (!Array.isArray(value)) {
        write(0, value);
        write(1, value);
        return;
      }
      if (value.length !== 2)
        throw invalidValue(`only single values and pairs are allowed, got ${show(value)}`);
      const before = [...slots] as typeof slots;
      try {
        write(0, value[0]);
        write(1, value[1]);
      } catch (error) {
        [slots[0], slots[1]] = before;
        throw error;
      }
    },
    reset() {
      slots[0] = slots[1] = undefined;
    },
  };
}

function factoryDevice(side: Side): DeviceSpecifier {
  const { defaultInput, defaultOutput } = native(() => addon.listDevices());
  return side === 0 ? defaultInput : defaultOutput;
}

const pairs = {
  device: pair<DeviceSpecifier>('device', factoryDevice, is.device),
  channels: pair<number | null>('channels', () => null, is.integer(0, 65535)),
  dtype: pair<DType>('dtype', () => 'float32', is.dtype),
  latency: pair<Latency>('latency', () => 'high', is.latency),
  extraSettings: pair<null>('extraSettings', () => null, is.notBuilt),
};

const FACTORY = {
  sampleRate: null as number | null,
  blockSize: 0,
  clipOff: false,
  ditherOff: false,
  neverDropInput: false,
  primeOutputBuffersUsingStreamCallback: false,
};
const single = { ...FACTORY };
const checks: Record<keyof typeof FACTORY, (value: unknown, name: string) => unknown> = {
  sampleRate: is.rate,
  blockSize: is.integer(0, 1 << 24),
  clipOff: is.boolean,
  ditherOff: is.boolean,
  neverDropInput: is.boolean,
  primeOutputBuffersUsingStreamCallback: is.boolean,
};

function reset(): void {
  Object.assign(single, FACTORY);
  for (const one of Object.values(pairs)) one.reset();
}

export interface Defaults {
  get device(): Pair<DeviceSpecifier>;
  set device(value: InOut<DeviceSpecifier> | null);
  get channels(): Pair<number | null>;
  set channels(value: InOut<number> | null);
  get dtype(): Pair<DType>;
  set dtype(value: InOut<DType> | null);
  get latency(): Pair<Latency>;
  set latency(value: InOut<Latency> | null);
  get extraSettings(): Pair<null>;
  set extraSettings(value: null);
  sampleRate: number | null;
  blockSize: number;
  clipOff: boolean;
  ditherOff: boolean;
  neverDropInput: boolean;
  primeOutputBuffersUsingStreamCallback: boolean;
  readonly hostApi: number;
  reset(): void;
}

// A proxy prints as its target does.
const target = { [inspect.custom]: () => ({ ...defaults }) };

/** Consulted whenever an option is missing; `null` means the factory setting. Assigning one value sets both sides. */
export const defaults: Defaults = new Proxy(target as unknown as Defaults, {
  get(_, key) {
    if (typeof key !== 'string') return undefined;
    if (Object.hasOwn(pairs, key)) return pairs[key as keyof typeof pairs].proxy;
    if (Object.hasOwn(single, key)) return single[key as keyof typeof single];
    if (key === 'hostApi') return 0;
    return key === 'reset' ? reset : undefined;
  },
  set(_, key, value) {
    if (typeof key === 'string' && Object.hasOwn(pairs, key)) pairs[key as keyof typeof pairs].assign(value);
    else if (typeof key === 'string' && Object.hasOwn(single, key)) {
      const name = key as keyof typeof single;
      (single as Record<string, unknown>)[name] = value === null ? FACTORY[name] : checks[name](value, name);
    } else if (key === 'hostApi' || key === 'reset') throw readOnly(`defaults.${key} cannot be assigned`);
    else throw unknownOption(`defaults has no '${String(key)}'`);
    return true;
  },
  has: (_, key) =>
    typeof key === 'string' && (key in pairs || key in single || key === 'hostApi' || key === 'reset'),
  ownKeys: () => [...Object.keys(pairs), ...Object.keys(single), 'hostApi', 'reset'],
  getOwnPropertyDescriptor(target, key) {
    const value = Reflect.get(defaults, key, target);
    return value === undefined ? undefined : { value, configurable: true, enumerable: true, writable: true };
  },
});
