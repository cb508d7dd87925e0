/** Speakers and microphones: cards that mix, each with its own rate and channels. Not built yet. */
import type { AudioData } from './audio-data.js';
import { notSupported } from './errors.js';
import type { AudioSource } from './source.js';

/** A count, or a list: numbers are the device's channels from 0, names are positions ('left', 'lfe', …); 'mono' or -1 mixes all. */
export type ChannelMap = number | readonly (number | string)[];

/** How a card is opened. */
export interface CardOptions {
  /** Hertz. */
  sampleRate: number;
  /** All of the card's by default. */
  channels?: ChannelMap;
  /** Frames; as the system likes by default. */
  blockSize?: number;
  /** Have the card alone, where the system can do that. */
  exclusiveMode?: boolean;
}

/** Plays what it is given, without gaps; silence where there is nothing. */
export interface Player extends AsyncDisposable {
  /** Resolves when there is room for more. */
  play(data: AudioSource): Promise<void>;
  /** Seconds. */
  readonly latency: number;
  readonly channels: number;
  /** Plays out what it has. */
  close(): Promise<void>;
}

/** Records from the moment it is made. */
export interface Recorder extends AsyncDisposable {
  /** That many frames; null: what there is now, at least one frame (it waits for that). */
  record(frames?: number | null): Promise<AudioData<'float32'>>;
  /** What there is, perhaps nothing. */
  flush(): AudioData<'float32'>;
  /** Seconds. */
  readonly latency: number;
  readonly channels: number;
  close(): Promise<void>;
}

// Members are declared by interfaces of the same names, since no object of these classes can exist yet.
// biome-ignore-start lint/suspicious/noUnsafeDeclarationMerging: see above

/** Something that plays. Prints as `<Speaker NAME (2 channels)>`. */
export class Speaker {
  private constructor() {
    throw notSupported('Speaker');
  }
}
export interface Speaker {
  readonly id: string;
  readonly name: string;
  readonly channels: number;
  /** Plays it to its end. */
  play(data: AudioSource, options: CardOptions): Promise<void>;
  player(options: CardOptions): Player;
}

/** Something that hears. Prints as `<Microphone …>` or `<Loopback …>`. */
export class Microphone {
  private constructor() {
    throw notSupported('Microphone');
  }
}
export interface Microphone {
  readonly id: string;
  readonly name: string;
  readonly channels: number;
  /** Whether it hears what a speaker plays. */
  readonly isLoopback: boolean;
  record(options: CardOptions & { frames: number }): Promise<AudioData<'float32'>>;
  recorder(options: CardOptions): Recorder;
}
// biome-ignore-end lint/suspicious/noUnsafeDeclarationMerging: see above

/**
 * All speakers of now.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function allSpeakers(): Speaker[] {
  throw notSupported('allSpeakers');
}

/**
 * The speaker that the system prefers.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function defaultSpeaker(): Speaker {
  throw notSupported('defaultSpeaker');
}

/**
 * By id, then by part of the name, then by letters in their order ('FS2i2').
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function getSpeaker(_query: string): Speaker {
  throw notSupported('getSpeaker');
}

/**
 * All microphones of now; with `includeLoopback` also those that hear what a speaker plays.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function allMicrophones(_options?: { includeLoopback?: boolean }): Microphone[] {
  throw notSupported('allMicrophones');
}

/**
 * The microphone that the system prefers.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function defaultMicrophone(): Microphone {
  throw notSupported('defaultMicrophone');
}

/**
 * As `getSpeaker`.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function getMicrophone(_query: string, _options?: { includeLoopback?: boolean }): Microphone {
  throw notSupported('getMicrophone');
}

/**
 * Names of positions, such as 'left', and their numbers.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function channelNameMap(): Readonly<Record<string, number>> {
  throw notSupported('channelNameMap');
}

/**
 * How this program appears in the system's mixer.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function getName(): string {
  throw notSupported('getName');
}

/**
 * Changes how this program appears in the system's mixer.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 */
export function setName(_name: string): void {
  throw notSupported('setName');
}
