/** Settings that only one host API understands. */
import { inspect } from 'node:util';
import { invalidType, invalidValue, outOfRange, show } from './errors.js';
import * as is from './options.js';

let isSettings: (value: object) => boolean;
let unpack: (settings: Settings<object>) => object;

/** What all settings have: the host API they belong to, and values that nobody changes any more. */
class Settings<V extends object> {
  readonly #hostApi: string;
  readonly #values: Readonly<V>;

  constructor(hostApi: string, values: V) {
    this.#hostApi = hostApi;
    this.#values = Object.freeze(values);
    Object.freeze(this);
  }

  static {
    // What only has the prototype is none.
    isSettings = (value) => #hostApi in value;
    unpack = (settings) => ({ hostApi: settings.#hostApi, ...settings.#values });
  }

  [inspect.custom](_depth: number, options: object): string {
    return `${this.constructor.name} ${inspect(this.#values, options)}`;
  }
}

/** A list of whole numbers from `least`. */
const list =
  (least: number, empty: boolean) =>
  (value: unknown, name: string): readonly number[] => {
    if (!Array.isArray(value)) {
      throw invalidType(`${name} must be a list of channel numbers from ${least}, got ${show(value)}`);
    }
    if (value.length === 0 && !empty) throw invalidType(`${name} must not be empty, got []`);
    for (const channel of value) {
      if (typeof channel !== 'number') {
        throw invalidType(`${name} must be a list of channel numbers, got ${show(value)}`);
      }
      if (!Number.isInteger(channel)) {
        throw invalidValue(`${name} must be whole numbers, got ${show(value)}`);
      }
      if (channel < least || channel > is.MOST_CHANNELS) {
        throw outOfRange(`${name} must be from ${least} to ${is.MOST_CHANNELS}, got ${show(value)}`);
      }
    }
    return Object.freeze([...value]);
  };

/**
 * Which channels of an ASIO device a stream gets. Needs PortAudio: a device of 'ASIO (PortAudio)'.
 *
 * @example
 * play(stereo, { device: 'mixer, ASIO (PortAudio)', extraSettings: new AsioSettings({ channelSelectors: [12, 13] }) });
 */
export class AsioSettings extends Settings<{ channelSelectors: readonly number[] }> {
  /** Settings of other host APIs are refused by the compiler too. */
  declare private readonly brand: 'asio';

  /**
   * @param options `channelSelectors`: for each channel of the stream the device's channel, from 0.
   * @throws TypeError unless it is a list of numbers; RangeError if one of them cannot be a channel.
   */
  constructor(options: { channelSelectors: readonly number[] }) {
    const { channelSelectors } = is.check(options, { channelSelectors: list(0, false) });
    if (channelSelectors === undefined) {
      throw invalidType('channelSelectors must be a list of channel numbers from 0, got undefined');
    }
    super('ASIO', { channelSelectors });
  }
}

const QUALITIES = ['min', 'low', 'medium', 'high', 'max'] as const;
type Quality = (typeof QUALITIES)[number];

function quality(value: unknown, name: string): Quality {
  if (typeof value !== 'string') throw invalidType(`${name} must be a string, got ${show(value)}`);
  const lower = value.toLowerCase() as Quality;
  if (!QUALITIES.includes(lower)) {
    throw invalidValue(`${name} must be one of ${QUALITIES.join(', ')}, got ${show(value)}`);
  }
  return lower;
}

/**
 * How Core Audio opens a device. Needs PortAudio: a device of 'Core Audio (PortAudio)'.
 *
 * @example
 * defaults.extraSettings = [null, new CoreAudioSettings({ channelMap: [-1, -1, 0, 1] })];
 */
export class CoreAudioSettings extends Settings<{
  channelMap: readonly number[] | null;
  changeDeviceParameters: boolean;
  failIfConversionRequired: boolean;
  conversionQuality: Quality;
}> {
  declare private readonly brand: 'coreaudio';

  /**
   * @param options `channelMap`: for an input the device's channels to take, from 0; for an output one number for each
   * channel of the device: which channel of the stream it plays, -1 for none. `changeDeviceParameters` (false): change the
   * device's rate for all programs. `failIfConversionRequired` (false): rather fail than convert. `conversionQuality`
   * ('max'): 'min', 'low', 'medium', 'high' or 'max', in any case.
   * @throws TypeError or RangeError for what these cannot be.
   */
  constructor(options?: {
    channelMap?: readonly number[];
    changeDeviceParameters?: boolean;
    failIfConversionRequired?: boolean;
    conversionQuality?: Quality;
  }) {
    const given = is.check(options, {
      channelMap: list(-1, false),
      changeDeviceParameters: is.boolean,
      failIfConversionRequired: is.boolean,
      conversionQuality: quality,
    });
    super('Core Audio', {
      channelMap: given.channelMap ?? null,
      changeDeviceParameters: given.changeDeviceParameters ?? false,
      failIfConversionRequired: given.failIfConversionRequired ?? false,
      conversionQuality: given.conversionQuality ?? 'max',
    });
  }
}

/**
 * How WASAPI opens a device. Needs PortAudio: a device of 'Windows WASAPI (PortAudio)'.
 *
 * @example
 * play(data, { device: 'speakers, WASAPI (PortAudio)', extraSettings: new WasapiSettings({ exclusive: true }) });
 */
export class WasapiSettings extends Settings<{
  exclusive: boolean;
  autoConvert: boolean;
  explicitSampleFormat: boolean;
}> {
  declare private readonly brand: 'wasapi';

  /**
   * @param options `exclusive` (false): have the device alone, with lower latency. `autoConvert` (false): let the system
   * convert rates and channels; in shared mode only. `explicitSampleFormat` (false): fail rather than convert formats.
   * @throws TypeError if one is no boolean.
   */
  constructor(options?: { exclusive?: boolean; autoConvert?: boolean; explicitSampleFormat?: boolean }) {
    const given = is.check(options, {
      exclusive: is.boolean,
      autoConvert: is.boolean,
      explicitSampleFormat: is.boolean,
    });
    super('Windows WASAPI', {
      exclusive: given.exclusive ?? false,
      autoConvert: given.autoConvert ?? false,
      explicitSampleFormat: given.explicitSampleFormat ?? false,
    });
  }
}

/**
 * Settings of one host API. Given to a device of another one, they are refused: `ERR_INCOMPATIBLE_SETTINGS`, -9984. To a
 * device of the same host API that is not PortAudio's: `ERR_NOT_SUPPORTED`.
 */
export type ExtraSettings = AsioSettings | CoreAudioSettings | WasapiSettings;

/** As an option. */
export function extraSettings(value: unknown, name: string): ExtraSettings {
  if (value instanceof Settings && isSettings(value)) return value as ExtraSettings;
  throw invalidType(`${name} must be AsioSettings, CoreAudioSettings or WasapiSettings, got ${show(value)}`);
}

/** As the addon takes them, in the options of a side; whether they fit the device is for the core to see. */
export const unpacked = (settings: ExtraSettings | null): { settings?: object } =>
  settings === null ? {} : { settings: unpack(settings) };
