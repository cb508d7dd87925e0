/** Speakers and microphones: devices for one thing each, found by what people remember of their names. */
import { inspect } from 'node:util';
import type { AudioData } from './audio-data.js';
import {
  type CardPlan,
  CardPlayer,
  CardRecorder,
  frameCount,
  type Player,
  type Recorder,
  samplesFor,
} from './card-stream.js';
import { type ChannelMap, channelMap, columns } from './channel-map.js';
import { type DeviceInfo, queryDevices } from './devices.js';
import { invalidType, native, SoundDeviceError, show } from './errors.js';
import { addon } from './native.js';
import * as is from './options.js';
import { type ExtraSettings, WasapiSettings } from './settings.js';
import type { AudioSource } from './source.js';

/** How a card is opened. */
export interface CardOptions {
  /** Hertz. */
  sampleRate: number;
  /** All of the card's by default. */
  channels?: ChannelMap;
  /** Frames; as the system likes by default. Short blocks are a wish for short latency. */
  blockSize?: number;
  /**
   * Have the card alone. Only WASAPI can do that, through PortAudio (`defaults.backend = 'portaudio'`); elsewhere
   * `ERR_NOT_SUPPORTED`.
   */
  exclusiveMode?: boolean;
}

const OPTIONS = {
  sampleRate: is.rate,
  channels: channelMap,
  blockSize: is.blockSize,
  exclusiveMode: is.boolean,
};

/** Only this module makes cards. */
const KEY = Symbol('card');
// Their constructors are private, so the classes hand out what calls them.
let speaker: (device: DeviceInfo) => Speaker;
let microphone: (device: DeviceInfo) => Microphone;

const devices = new WeakMap<object, DeviceInfo>();

const WASAPI = 'Windows WASAPI';

/** What opens a device for nobody else. @throws SoundDeviceError where nothing does. */
function alone({ hostApiName }: DeviceInfo): ExtraSettings {
  if (hostApiName === `${WASAPI} (PortAudio)`) return new WasapiSettings({ exclusive: true });
  const how = hostApiName === WASAPI ? " but through PortAudio: defaults.backend = 'portaudio'" : '';
  const message = `${hostApiName} gives no program a device for itself alone${how}`;
  throw new SoundDeviceError('ERR_NOT_SUPPORTED', message);
}

/** What a card is opened with. @throws TypeError, RangeError for wrong options. */
function planOf(card: { channels: number }, given: ReturnType<typeof is.check<typeof OPTIONS>>): CardPlan {
  if (given.sampleRate === undefined) throw invalidType('sampleRate must be a number, got undefined');
  is.checkPossible(given.sampleRate);
  const device = devices.get(card);
  if (device === undefined) throw invalidType(`expected a speaker or a microphone, got ${show(card)}`);
  return {
    device: device.index,
    sampleRate: given.sampleRate,
    channels: given.channels ?? card.channels,
    blockSize: given.blockSize ?? 0,
    settings: given.exclusiveMode ? alone(device) : null,
  };
}

function checkKey(key: unknown): void {
  if (key === KEY) return;
  throw invalidType('expected speakers and microphones to be got by their functions, got a call of new');
}

const printed = (kind: string, { name, channels }: { name: string; channels: number }) =>
  `<${kind} ${name} (${channels} channels)>`;

/**
 * Something that plays. Prints as `<Speaker NAME (2 channels)>`.
 *
 * @example
 * await defaultSpeaker().play(tone, { sampleRate: 48000 });
 */
export class Speaker {
  readonly id: string;
  readonly name: string;
  readonly channels: number;

  private constructor(key: unknown, device: DeviceInfo) {
    checkKey(key);
    this.id = device.id;
    this.name = device.name;
    this.channels = device.maxOutputChannels;
    devices.set(this, device);
    Object.freeze(this);
  }

  static {
    speaker = (device) => new Speaker(KEY, device);
  }

  /**
   * Plays it to its end.
   *
   * @throws TypeError, RangeError for wrong data and options; SoundDeviceError where the system refuses. What happens once it
   * plays rejects: `ERR_DEVICE_LOST`.
   */
  play(data: AudioSource, options: CardOptions): Promise<void> {
    const plan = planOf(this, is.check(options, OPTIONS));
    const samples = samplesFor(data, columns(plan.channels));
    const player = new CardPlayer(plan);
    const all = async () => {
      try {
        await player.write(samples);
      } finally {
        await player.close();
      }
      if (player.failure) throw player.failure;
    };
    return all();
  }

  /**
   * Opens it, to be played on again and again without gaps.
   *
   * @throws As `play`.
   * @example
   * await using player = getSpeaker('usb').player({ sampleRate: 48000 });
   * for (const part of parts) await player.play(part);
   */
  player(options: CardOptions): Player {
    return new CardPlayer(planOf(this, is.check(options, OPTIONS)));
  }

  toString(): string {
    return printed('Speaker', this);
  }
}

/**
 * Something that hears. Prints as `<Microphone …>` or `<Loopback …>`.
 *
 * @example
 * const second = await defaultMicrophone().record({ frames: 48000, sampleRate: 48000 });
 */
export class Microphone {
  readonly id: string;
  readonly name: string;
  readonly channels: number;
  /** Whether it hears what a speaker plays. */
  readonly isLoopback: boolean;

  private constructor(key: unknown, device: DeviceInfo) {
    checkKey(key);
    this.id = device.id;
    this.name = device.name;
    this.channels = device.maxInputChannels;
    this.isLoopback = device.isLoopback;
    devices.set(this, device);
    Object.freeze(this);
  }

  static {
    microphone = (device) => new Microphone(KEY, device);
  }

  /**
   * Records that many frames.
   *
   * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses. What happens once it records
   * rejects: `ERR_DEVICE_LOST`.
   */
  record(options: CardOptions & { frames: number }): Promise<AudioData<'float32'>> {
    const { frames, ...given } = is.check(options, { ...OPTIONS, frames: frameCount });
    if (frames === undefined) throw invalidType('frames must be a number, got undefined');
    const recorder = new CardRecorder(planOf(this, given));
    try {
      return recorder.record(frames).finally(() => recorder.close());
    } catch (error) {
      recorder.close();
      throw error;
    }
  }

  /**
   * Opens it and starts to capture.
   *
   * @throws As `record`.
   * @example
   * await using recorder = defaultMicrophone().recorder({ sampleRate: 48000, channels: 1 });
   * for (;;) console.log(Math.max(...(await recorder.record(4800)).data));
   */
  recorder(options: CardOptions): Recorder {
    return new CardRecorder(planOf(this, is.check(options, OPTIONS)));
  }

  toString(): string {
    return printed(this.isLoopback ? 'Loopback' : 'Microphone', this);
  }
}

for (const { prototype } of [Speaker, Microphone]) {
  Object.defineProperty(prototype, inspect.custom, {
    value(this: object) {
      return String(this);
    },
  });
}

function text(query: unknown): string {
  if (typeof query !== 'string')
    throw invalidType(`query must be an id or part of a name, got ${show(query)}`);
  return query;
}

const LOOPBACK = { includeLoopback: is.boolean };
const withLoopback = (options: unknown) => is.check(options, LOOPBACK).includeLoopback ?? false;

/** All speakers of now, those of the default host API first. */
export function allSpeakers(): Speaker[] {
  return native(() => addon.listSpeakers()).map(speaker);
}

/**
 * The speaker that `defaults.device` names, else the one that the system prefers.
 *
 * @throws SoundDeviceError `ERR_NO_SUCH_DEVICE` where there is none.
 */
export function defaultSpeaker(): Speaker {
  return speaker(queryDevices(null, 'output'));
}

/**
 * By id, then by part of the name in any case, then by letters in their order: 'FS2i2' is 'Focusrite Scarlett 2i2'. The first
 * host API that has something fitting decides; '' is that of `defaultSpeaker()`.
 *
 * @throws SoundDeviceError `ERR_NO_SUCH_DEVICE`; `ERR_AMBIGUOUS_DEVICE`, naming what fits.
 */
export function getSpeaker(query: string): Speaker {
  return query === '' ? defaultSpeaker() : speaker(native(() => addon.findSpeaker(text(query))));
}

/** All microphones of now; with `includeLoopback` also those that hear what a speaker plays. */
export function allMicrophones(options?: { includeLoopback?: boolean }): Microphone[] {
  const loopback = withLoopback(options);
  return native(() => addon.listMicrophones(loopback)).map(microphone);
}

/**
 * The microphone that `defaults.device` names, else the one that the system prefers, which may be a loopback.
 *
 * @throws SoundDeviceError `ERR_NO_SUCH_DEVICE` where there is none.
 */
export function defaultMicrophone(): Microphone {
  return microphone(queryDevices(null, 'input'));
}

/**
 * As `getSpeaker`; those that hear what a speaker plays are found with `includeLoopback` only.
 *
 * @throws SoundDeviceError `ERR_NO_SUCH_DEVICE`; `ERR_AMBIGUOUS_DEVICE`, naming what fits.
 */
export function getMicrophone(query: string, options?: { includeLoopback?: boolean }): Microphone {
  const loopback = withLoopback(options);
  return query === ''
    ? defaultMicrophone()
    : microphone(native(() => addon.findMicrophone(text(query), loopback)));
}
