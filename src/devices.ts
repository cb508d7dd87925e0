/** What can be played on and recorded from. */
import { inspect } from 'node:util';
import { defaults } from './defaults.js';
import type { DType } from './dtype.js';
import { fromNative, invalidValue, native, SoundDeviceError, show } from './errors.js';
import { addon } from './native.js';
import type { DeviceSpecifier, InOut, Kind } from './options.js';
import * as is from './options.js';

export interface DeviceInfo {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly hostApi: number;
  readonly hostApiName: string;
  readonly maxInputChannels: number;
  readonly maxOutputChannels: number;
  readonly defaultLowInputLatency: number;
  readonly defaultLowOutputLatency: number;
  readonly defaultHighInputLatency: number;
  readonly defaultHighOutputLatency: number;
  readonly defaultSampleRate: number;
  readonly isLoopback: boolean;
}
export interface HostApiInfo {
  readonly index: number;
  readonly name: string;
  readonly devices: readonly number[];
  readonly defaultInputDevice: number;
  readonly defaultOutputDevice: number;
}
/** Prints as a table: `>` default input, `<` default output, `*` both. */
export interface DeviceList extends ReadonlyArray<DeviceInfo> {
  toString(): string;
}

class Table extends Array<DeviceInfo> implements DeviceList {
  static override get [Symbol.species]() {
    return Array;
  }

  override toString(): string {
    const width = String(Math.max(0, ...this.map((device) => device.index))).length;
    const marked = (kind: Kind) => {
      try {
        return queryDevices(defaults.device[kind], kind).index;
      } catch {
        return -1;
      }
    };
    const [input, output] = [marked('input'), marked('output')];
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

const list = (devices: readonly DeviceInfo[]): DeviceList =>
  Table.from(devices.map((device) => Object.freeze(device))) as Table;

/** Without blocking the thread. */
export async function queryDevicesAsync(): Promise<DeviceList> {
  try {
    return list((await addon.listDevicesAsync()).devices);
  } catch (error) {
    throw fromNative(error);
  }
}

function checkKind(kind: unknown): Kind | undefined {
  if (kind === undefined || kind === null || kind === 'input' || kind === 'output') return kind ?? undefined;
  throw invalidValue(`kind must be 'input' or 'output', got ${show(kind)}`);
}

/** Always the devices of now. */
export function queryDevices(): DeviceList;
export function queryDevices(device: InOut<DeviceSpecifier> | null | undefined, kind: Kind): DeviceInfo;
export function queryDevices(device: InOut<DeviceSpecifier>): DeviceInfo;
export function queryDevices(device?: InOut<DeviceSpecifier> | null, kind?: Kind): DeviceList | DeviceInfo {
  const direction = checkKind(kind);
  if ((device === undefined || device === null) && direction === undefined) {
    return list(native(() => addon.listDevices()).devices);
  }
  const [input, output] =
    device === undefined || device === null ? [undefined, undefined] : is.inOut(is.device)(device, 'device');
  if (direction === undefined && input !== output) {
    throw invalidValue(`Input and output device are different: ${show(device)}`);
  }
  const wanted =
    (direction === 'output' ? output : input) ?? (direction ? defaults.device[direction] : undefined);
  const index = native(() => addon.findDevice(wanted as DeviceSpecifier, direction));
  const found = native(() => addon.listDevices()).devices.find((one) => one.index === index);
  if (found === undefined) {
    throw new SoundDeviceError('ERR_NO_SUCH_DEVICE', `Error querying device ${show(wanted)}`, {
      paErrorCode: -9996,
    });
  }
  return Object.freeze(found);
}

export function queryHostApis(): readonly HostApiInfo[];
export function queryHostApis(index: number): HostApiInfo;
export function queryHostApis(index?: number): readonly HostApiInfo[] | HostApiInfo {
  const { hostApis } = native(() => addon.listDevices());
  if (index === undefined) return Object.freeze(hostApis);
  const found = hostApis[is.integer(-Number.MAX_SAFE_INTEGER)(index, 'index')];
  if (found === undefined) {
    throw new SoundDeviceError('ERR_NO_SUCH_HOST_API', `Error querying host API ${index}`, {
      paErrorCode: -9978,
    });
  }
  return found;
}

export interface CheckOptions {
  device?: DeviceSpecifier;
  channels?: number;
  dtype?: DType;
  extraSettings?: never;
  sampleRate?: number;
}

const CHECKED = {
  device: is.device,
  channels: is.integer(0, 65535),
  dtype: is.dtype,
  extraSettings: is.notBuilt,
  sampleRate: is.rate,
};

function checkSettings(kind: Kind, options?: CheckOptions): void {
  const given = is.check(options, CHECKED);
  const channels = given.channels ?? defaults.channels[kind];
  const sampleRate = given.sampleRate ?? defaults.sampleRate;
  native(() =>
    addon.checkSettings(kind, {
      device: given.device ?? defaults.device[kind],
      dtype: given.dtype ?? defaults.dtype[kind],
      ...(channels === null ? {} : { channels }),
      ...(sampleRate === null ? {} : { sampleRate }),
    }),
  );
}

/** Throws what opening the input would throw. */
export const checkInputSettings = (options?: CheckOptions): void => checkSettings('input', options);
/** Throws what opening the output would throw. */
export const checkOutputSettings = (options?: CheckOptions): void => checkSettings('output', options);

/** This library's version, and those of the libraries underneath. */
export const getVersions = (): { sounddevice: string; cpal?: string } => addon.versions() as never;
