/** What can be played on and recorded from. */
import { inspect } from 'node:util';
import { chosenDevice, defaults } from './defaults.js';
import { checkDType, type DType } from './dtype.js';
import { fromNative, invalidType, invalidValue, native, SoundDeviceError, show } from './errors.js';
import { addon } from './native.js';
import type { DeviceSpecifier, InOut, Kind } from './options.js';
import * as is from './options.js';
import { type ExtraSettings, extraSettings, unpacked } from './settings.js';

/** What is known of a device, at the moment of the query. */
export interface DeviceInfo {
  /** Kept while the process lives, never given to another device. */
  readonly index: number;
  /** The same across runs and re-plugging. */
  readonly id: string;
  /** As the system calls it; not unique. */
  readonly name: string;
  /** Index of its host API. */
  readonly hostApi: number;
  readonly hostApiName: string;
  /** 0 where it has no input. */
  readonly maxInputChannels: number;
  /** 0 where it has no output. */
  readonly maxOutputChannels: number;
  /** Seconds: what `latency: 'low'` asks for. */
  readonly defaultLowInputLatency: number;
  readonly defaultLowOutputLatency: number;
  /** Seconds: what `latency: 'high'` asks for. */
  readonly defaultHighInputLatency: number;
  readonly defaultHighOutputLatency: number;
  /** Hertz. */
  readonly defaultSampleRate: number;
  /** Whether it records what an output plays. */
  readonly isLoopback: boolean;
}
/** A way of the system's to reach devices, such as 'ALSA'. */
export interface HostApiInfo {
  readonly index: number;
  readonly name: string;
  /** Indexes of its devices. */
  readonly devices: readonly number[];
  /** -1 where there is none. */
  readonly defaultInputDevice: number;
  /** -1 where there is none. */
  readonly defaultOutputDevice: number;
}
/** Prints as a table: `>` default input, `<` default output, `*` both. */
export interface DeviceList extends ReadonlyArray<DeviceInfo> {
  toString(): string;
}

type Listing = ReturnType<typeof addon.listDevices>;

class Table extends Array<DeviceInfo> implements DeviceList {
  static override get [Symbol.species]() {
    return Array;
  }

  #factory: Record<Kind, number> = { input: -1, output: -1 };

  static list({ devices, defaultInput, defaultOutput }: Listing): DeviceList {
    const table = Table.from(devices, (device) => Object.freeze(device)) as Table;
    table.#factory = { input: defaultInput, output: defaultOutput };
    return Object.freeze(table);
  }

  /** The marks follow `defaults.device`; what that names may be gone. */
  #marked(kind: Kind): number {
    const chosen = chosenDevice(kind);
    try {
      return chosen === undefined ? this.#factory[kind] : find(chosen, kind).index;
    } catch {
      return -1;
    }
  }

  override toString(): string {
    const width = String(Math.max(0, ...this.map((device) => device.index))).length;
    const [input, output] = [this.#marked('input'), this.#marked('output')];
    const line = ({ index, name, hostApiName, maxInputChannels, maxOutputChannels }: DeviceInfo) => {
      const mark = index === input ? (index === output ? '*' : '>') : index === output ? '<' : ' ';
      return `${mark} ${String(index).padStart(width)} ${name}, ${hostApiName} (${maxInputChannels} in, ${maxOutputChannels} out)`;
    };
    return Array.from(this, line).join('\n');
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * The devices of now, asked for without blocking the thread: for user interfaces.
 *
 * @example
 * for (const { index, name } of await queryDevicesAsync()) console.log(index, name);
 */
export async function queryDevicesAsync(): Promise<DeviceList> {
  try {
    return Table.list(await addon.listDevicesAsync());
  } catch (error) {
    throw fromNative(error);
  }
}

function checkKind(kind: unknown): Kind | undefined {
  if (kind === undefined || kind === null || kind === 'input' || kind === 'output') return kind ?? undefined;
  const message = `kind must be 'input' or 'output', got ${show(kind)}`;
  throw typeof kind === 'string' ? invalidValue(message) : invalidType(message);
}

/**
 * Always the devices of now: nothing has to be re-initialised to see a new one. Without arguments the list, which prints as
 * a table; with a device or a kind that one device.
 *
 * @throws SoundDeviceError `ERR_NO_SUCH_DEVICE`, `ERR_AMBIGUOUS_DEVICE`; `ERR_NO_LIBRARY` for a device of PortAudio's where its
 * library is not there, and for the list and the default device where `defaults.backend` is 'portaudio'; TypeError or
 * RangeError for what names no device.
 * @example
 * console.log(queryDevices());
 * console.log(queryDevices('usb mic', 'input').defaultSampleRate);
 */
export function queryDevices(): DeviceList;
export function queryDevices(device: InOut<DeviceSpecifier> | null | undefined, kind: Kind): DeviceInfo;
export function queryDevices(device: InOut<DeviceSpecifier>): DeviceInfo;
export function queryDevices(device?: InOut<DeviceSpecifier> | null, kind?: Kind): DeviceList | DeviceInfo {
  const direction = checkKind(kind);
  const [input, output] =
    device === undefined || device === null ? [undefined, undefined] : is.inOut(is.device)(device, 'device');
  if (direction !== undefined) return find(direction === 'input' ? input : output, direction);
  if (device === undefined || device === null) return Table.list(native(() => addon.listDevices()));
  if (input !== output || input === undefined) {
    throw invalidValue(`Input and output device are different: ${show(device)}`);
  }
  return find(input, undefined);
}

/** One device: the one specified, else the default one of its kind. */
function find(specified: DeviceSpecifier | undefined, kind: Kind | undefined): DeviceInfo {
  return Object.freeze(native(() => addon.findDevice(specified ?? (kind && chosenDevice(kind)), kind)));
}

/**
 * The host APIs that have devices now, the default one first; with an index the one: also that of a device of PortAudio's
 * that was found by its name.
 *
 * @throws SoundDeviceError `ERR_NO_SUCH_HOST_API`; `ERR_NO_LIBRARY` where `defaults.backend` is 'portaudio' and it is not there;
 * TypeError or RangeError for what is no index.
 */
export function queryHostApis(): readonly HostApiInfo[];
export function queryHostApis(index: number): HostApiInfo;
export function queryHostApis(index?: number | null): readonly HostApiInfo[] | HostApiInfo {
  const frozen = (one: HostApiInfo) => {
    Object.freeze(one.devices);
    return Object.freeze(one);
  };
  if (index === undefined || index === null) {
    return Object.freeze(native(() => addon.listDevices()).hostApis.map(frozen));
  }
  const position = is.whole(index, 'index');
  const found = native(() => addon.findHostApi(position));
  if (found) return frozen(found);
  // Here, so that the number is in JavaScript's own numerals.
  throw new SoundDeviceError('ERR_NO_SUCH_HOST_API', `Error querying host API ${index}`, {
    paErrorCode: -9978,
  });
}

/** What a device shall be able to do; what is missing comes from `defaults`, then from the device itself. */
export interface CheckOptions {
  device?: DeviceSpecifier;
  channels?: number;
  dtype?: DType;
  /** Settings of the device's host API; those of another one are refused. */
  extraSettings?: ExtraSettings;
  /** Hertz. */
  sampleRate?: number;
}

const CHECKED = {
  device: is.device,
  channels: is.channels,
  dtype: checkDType,
  extraSettings,
  sampleRate: is.rate,
};

function checkSettings(kind: Kind, options?: CheckOptions): void {
  const given = is.check(options, CHECKED);
  const device = given.device ?? chosenDevice(kind);
  const channels = given.channels ?? defaults.channels[kind];
  const sampleRate = given.sampleRate ?? defaults.sampleRate;
  if (sampleRate !== null) is.checkPossible(sampleRate);
  const { settings } = unpacked(given.extraSettings ?? defaults.extraSettings[kind]);
  const asked = {
    dtype: given.dtype ?? defaults.dtype[kind],
    ...(device === undefined ? {} : { device }),
    ...(channels === null ? {} : { channels }),
    ...(sampleRate === null ? {} : { sampleRate }),
  };
  native(() => addon.checkSettings(kind, asked, settings));
}

/**
 * Throws what opening the input would throw, and nothing else happens.
 *
 * @throws SoundDeviceError such as `ERR_INVALID_CHANNELS` and `ERR_INVALID_SAMPLE_RATE`; TypeError, RangeError.
 * @example
 * checkInputSettings({ device: 'usb mic', channels: 2, sampleRate: 48000 });
 */
export function checkInputSettings(options?: CheckOptions): void {
  checkSettings('input', options);
}

/**
 * Throws what opening the output would throw, and nothing else happens.
 *
 * @throws SoundDeviceError such as `ERR_INVALID_CHANNELS` and `ERR_INVALID_SAMPLE_RATE`; TypeError, RangeError.
 * @example
 * checkOutputSettings({ dtype: 'int24', sampleRate: 96000 });
 */
export function checkOutputSettings(options?: CheckOptions): void {
  checkSettings('output', options);
}

/** The libraries underneath: this one's version, cpal's, and PortAudio's where that backend is loaded. */
export function getVersions(): {
  sounddevice: string;
  cpal?: string;
  portaudio?: { number: number; text: string };
} {
  return addon.versions();
}
