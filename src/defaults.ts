/** What an option is when nobody says. */
import { inspect } from 'node:util';
import { checkDType, type DType } from './dtype.js';
import {
  invalidType,
  invalidValue,
  native,
  readOnly,
  SoundDeviceError,
  show,
  unknownOption,
} from './errors.js';
import { addon } from './native.js';
import { nearest } from './nearest.js';
import type { DeviceSpecifier, InOut, Latency } from './options.js';
import * as is from './options.js';
import { type ExtraSettings, extraSettings } from './settings.js';

/** A value for the input and one for the output; each can be assigned, `null` is its factory setting. */
export interface Pair<T> {
  readonly length: 2;
  0: T;
  1: T;
  input: T;
  output: T;
  [Symbol.iterator](): Iterator<T>;
}

type Side = 0 | 1;

const SIDES: Record<string, Side> = { 0: 0, 1: 1, input: 0, output: 1 };

/** A pair over two slots, strict about everything else. */
function pair<T>(name: string, factory: (side: Side) => T, check: is.Check<T>) {
  const slots: [T | undefined, T | undefined] = [undefined, undefined];
  const sideOf = (key: string | symbol) =>
    typeof key === 'string' && Object.hasOwn(SIDES, key) ? SIDES[key] : undefined;
  const read = (side: Side) => slots[side] ?? factory(side);
  const write = (side: Side, value: unknown) => {
    slots[side] = value === null || value === undefined ? undefined : check(value, `defaults.${name}`);
  };
  const both = () => [read(0), read(1)];
  const fixed: Record<string | symbol, unknown> = {
    length: 2,
    [Symbol.iterator]: () => both()[Symbol.iterator](),
    toJSON: both,
    toString: () =>
      both()
        .map((side) => show(side))
        .join(', '),
    [inspect.custom]: both,
  };
  const refuse = (key: string | symbol) => {
    if (Object.hasOwn(fixed, key)) throw readOnly(`${String(key)} of defaults.${name} cannot be assigned`);
    throw unknownOption(`defaults.${name} has no side ${nearest(String(key), Object.keys(SIDES))}`);
  };
  const proxy = new Proxy(fixed, {
    get(_, key) {
      const side = sideOf(key);
      return side === undefined ? fixed[key] : read(side);
    },
    set(_, key, value) {
      const side = sideOf(key);
      if (side === undefined) return refuse(key);
      write(side, value);
      return true;
    },
    has: (_, key) => sideOf(key) !== undefined || key in fixed,
    ownKeys: () => Object.keys(SIDES),
    getOwnPropertyDescriptor(_, key) {
      const side = sideOf(key);
      if (side === undefined) return undefined;
      return { value: read(side), configurable: true, enumerable: true, writable: true };
    },
    deleteProperty: (_, key) => refuse(key),
    defineProperty: (_, key) => refuse(key),
    setPrototypeOf: () => refuse('prototype'),
  }) as unknown as Pair<T>;
  return {
    proxy,
    slots: slots as Readonly<typeof slots>,
    assign(value: unknown) {
      const sides = Array.isArray(value) ? value : [value, value];
      if (sides.length !== 2) {
        throw invalidValue(
          `only single values and pairs are allowed for defaults.${name}, got ${show(value)}`,
        );
      }
      const before = [...slots] as typeof slots;
      try {
        write(0, sides[0]);
        write(1, sides[1]);
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
  try {
    const { defaultInput, defaultOutput } = native(() => addon.listDevices());
    return side === 0 ? defaultInput : defaultOutput;
  } catch (error) {
    // Showing `defaults` asks for this too; who opens the default device is told.
    if (error instanceof SoundDeviceError && error.code === 'ERR_NO_LIBRARY') return -1;
    throw error;
  }
}

const pairs = {
  device: pair<DeviceSpecifier>('device', factoryDevice, is.device),
  channels: pair<number | null>('channels', () => null, is.channels),
  dtype: pair<DType>('dtype', () => 'float32', checkDType),
  latency: pair<Latency>('latency', () => 'high', is.latency),
  extraSettings: pair<ExtraSettings | null>('extraSettings', () => null, extraSettings),
};

/** The device that somebody chose; none where that is left to the system, which is then asked only once. */
export const chosenDevice = (kind: is.Kind): DeviceSpecifier | undefined =>
  pairs.device.slots[kind === 'input' ? 0 : 1];

/** A library, or several, underneath the host APIs. */
type Backend = 'cpal' | 'portaudio' | 'all';

function backend(value: unknown, name: string): Backend {
  if (value === 'cpal' || value === 'portaudio' || value === 'all') return value;
  const message = `${name} must be 'cpal', 'portaudio' or 'all', got ${show(value)}`;
  throw typeof value === 'string' ? invalidValue(message) : invalidType(message);
}

const FACTORY = {
  backend: null as Backend | null,
  sampleRate: null as number | null,
  blockSize: 0,
  clipOff: false,
  ditherOff: false,
  neverDropInput: false,
  primeOutputBuffersUsingStreamCallback: false,
};
const single = { ...FACTORY };
const checks: Record<keyof typeof FACTORY, is.Check<unknown>> = {
  backend,
  sampleRate: is.rate,
  blockSize: is.blockSize,
  clipOff: is.boolean,
  ditherOff: is.boolean,
  neverDropInput: is.boolean,
  primeOutputBuffersUsingStreamCallback: is.boolean,
};

function reset(): void {
  Object.assign(single, FACTORY);
  addon.chooseBackend();
  for (const one of Object.values(pairs)) one.reset();
}

interface Defaults {
  /** Factory setting: the system's own defaults, looked up at every access; -1 where there is none, or no library for it. */
  get device(): Pair<DeviceSpecifier>;
  set device(value: InOut<DeviceSpecifier> | null);
  /** Factory setting: null. Not for what is played by `play` and `playrec`: there the data says. */
  get channels(): Pair<number | null>;
  set channels(value: InOut<number> | null);
  /** Factory setting: 'float32'. Not for what is played by `play` and `playrec`, nor recorded by `playrec`: there the data says. */
  get dtype(): Pair<DType>;
  set dtype(value: InOut<DType> | null);
  /** Factory setting: 'high'. */
  get latency(): Pair<Latency>;
  set latency(value: InOut<Latency> | null);
  /** Factory setting: null. */
  get extraSettings(): Pair<ExtraSettings | null>;
  set extraSettings(value: InOut<ExtraSettings> | null);
  /**
   * Whose host APIs there are, in the whole process: 'portaudio' for PortAudio's alone, 'cpal' for all others, 'all' for both,
   * with lists that take as long as PortAudio does. Factory setting: null, which is what the environment variable
   * SOUNDDEVICE_BACKEND says; without that PortAudio's are looked at where a call names one of their devices. The virtual host
   * is there in any case, the last one where PortAudio's are listed. Where its library is not there, 'all' lists the others; with
   * 'portaudio' lists and default devices throw `ERR_NO_LIBRARY`, and virtual devices can be made, found and used all the same.
   */
  backend: Backend | null;
  /** Hertz. Factory setting: null, which is the device's own. */
  sampleRate: number | null;
  /** Frames. Factory setting: 0, as the host likes. */
  blockSize: number;
  /** Do not count clipped samples. Factory setting: false. */
  clipOff: boolean;
  /** Do not dither. Factory setting: false. */
  ditherOff: boolean;
  /** For duplex streams with a callback only. Factory setting: false. */
  neverDropInput: boolean;
  /** For output streams with a callback. Factory setting: false. */
  primeOutputBuffersUsingStreamCallback: boolean;
  /** Index of the default host API. */
  readonly hostApi: number;
  /** Back to the factory settings. */
  reset(): void;
}

const fixed = { hostApi: 0, reset };
const NAMES = [...Object.keys(pairs), ...Object.keys(single), ...Object.keys(fixed)];
const isPair = (key: string | symbol): key is keyof typeof pairs => Object.hasOwn(pairs, key);
const isSingle = (key: string | symbol): key is keyof typeof single => Object.hasOwn(single, key);

function refuse(key: string | symbol): never {
  if (NAMES.includes(String(key))) throw readOnly(`defaults.${String(key)} cannot be assigned or deleted`);
  throw unknownOption(`unknown option of defaults: ${nearest(String(key), NAMES)}`);
}

function read(key: string | symbol): unknown {
  if (isPair(key)) return pairs[key].proxy;
  if (isSingle(key)) return single[key];
  return Object.hasOwn(fixed, key) ? fixed[key as keyof typeof fixed] : undefined;
}

const shown = {
  [inspect.custom]: () => Object.fromEntries(NAMES.map((name) => [name, read(name)])),
};

/**
 * Consulted whenever an option is missing; `null` means the factory setting. Assigning one value sets both sides, a pair or
 * `.input` and `.output` each its own. What a value can never be is refused at once, with a TypeError or RangeError; what only
 * a device can refuse, when it is used. Running jobs and streams keep what they have.
 *
 * @example
 * defaults.device = ['usb mic', 'hdmi'];
 * defaults.dtype.input = 'int16';
 * defaults.reset();
 */
export const defaults: Defaults = new Proxy(shown as unknown as Defaults, {
  get: (_, key) => read(key),
  set(_, key, value) {
    if (isPair(key)) pairs[key].assign(value);
    else if (isSingle(key)) {
      const one =
        value === null || value === undefined ? FACTORY[key] : checks[key](value, `defaults.${key}`);
      (single as Record<string, unknown>)[key] = one;
      if (key === 'backend') addon.chooseBackend(single.backend);
    } else return refuse(key);
    return true;
  },
  has: (_, key) => NAMES.includes(String(key)),
  ownKeys: () => NAMES,
  getOwnPropertyDescriptor: (_, key) =>
    NAMES.includes(String(key))
      ? { value: read(key), configurable: true, enumerable: true, writable: true }
      : undefined,
  deleteProperty: (_, key) => refuse(key),
  defineProperty: (_, key) => refuse(key),
  setPrototypeOf: () => refuse('prototype'),
});
