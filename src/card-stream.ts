/** What plays on a speaker and records from a microphone, on top of the streams that write and read. */
import { EventEmitter } from 'node:events';
import { AudioData } from './audio-data.js';
import type { ChannelMap } from './channel-map.js';
import { columns } from './channel-map.js';
import { defaults } from './defaults.js';
import { invalidValue, native, outOfRange, type SoundDeviceError, show, streamClosed } from './errors.js';
import { whole } from './options.js';
import { type ExtraSettings, unpacked } from './settings.js';
import type { AudioSource } from './source.js';
import { StreamCore } from './stream-core.js';
import type { StreamPlan } from './stream-plan.js';
import type { Bytes } from './stream-transfer.js';
import type { StreamEvents } from './stream-types.js';

/** Plays what it is given, without gaps; silence where there is nothing. */
export interface Player extends AsyncDisposable {
  /**
   * Plays it after what is there already; resolves when there is room for more. Mono goes to all channels, else there must be
   * as many columns as channels. Samples become float32.
   */
  play(data: AudioSource): Promise<void>;
  /** Seconds until what is played next will be heard. */
  readonly latency: number;
  readonly channels: number;
  /** Plays out what it has. */
  close(): Promise<void>;
}

/** Records from the moment it is made, and keeps the last ten seconds for who comes late. */
export interface Recorder extends AsyncDisposable {
  /**
   * That many frames; null: what there is now, at least one frame (it waits for that). Who still waits when it is closed is
   * rejected: `ERR_STREAM_CLOSED`.
   */
  record(frames?: number | null): Promise<AudioData<'float32'>>;
  /** What there is, perhaps nothing. */
  flush(): AudioData<'float32'>;
  /** Seconds. */
  readonly latency: number;
  readonly channels: number;
  /** At once: what has not been recorded by then is gone. */
  close(): Promise<void>;
}

/** What a card is opened with. */
export interface CardPlan {
  /** Its index. */
  device: number;
  sampleRate: number;
  channels: ChannelMap;
  /** 0: as the system likes. */
  blockSize: number;
  /** Of its host API. */
  settings: ExtraSettings | null;
}

const FLOAT32 = { dtype: 'float32', size: 4 } as const;
/** Seconds that are held. */
const TO_PLAY = 2;
const RECORDED = 10;

function planOf(kind: 'input' | 'output', plan: CardPlan): StreamPlan {
  const { device, sampleRate, channels, blockSize, settings } = plan;
  // A block size is a wish for short latency: two of them are what a device needs.
  const latency = blockSize > 0 ? (2 * blockSize) / sampleRate : defaults.latency[kind];
  const which = typeof channels === 'number' ? { channels } : { map: channels };
  return {
    raw: false,
    input: kind === 'input' ? FLOAT32 : undefined,
    output: kind === 'output' ? FLOAT32 : undefined,
    blockSize,
    callback: undefined,
    processor: undefined,
    finishedCallback: undefined,
    signal: undefined,
    follows: false,
    options: {
      [kind]: { dtype: 'float32', latency, device, ...which, ...unpacked(settings) },
      sampleRate,
      blockSize,
      clipOff: defaults.clipOff,
      ditherOff: defaults.ditherOff,
      buffer: kind === 'input' ? RECORDED : TO_PLAY,
    },
  };
}

const closed = () => streamClosed('It is closed');

/** A running stream of a card. */
class CardStream {
  readonly core: StreamCore;
  readonly channels: number;
  /** Why it has ended by itself. */
  failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(kind: 'input' | 'output', plan: CardPlan) {
    const owner = new EventEmitter<StreamEvents>();
    owner.on('error', (error) => {
      this.failure = error;
    });
    this.core = new StreamCore(owner, planOf(kind, plan));
    this.channels = columns(plan.channels);
    try {
      this.core.start();
    } catch (error) {
      this.core.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.core.stop().then(() => this.core.close());
    return this.#closing;
  }

  /** Once it is to be closed nothing more is taken, also while it plays out. */
  check(): void {
    if (this.#closing) throw closed();
  }
}

/** Samples for so many channels. @throws TypeError for what is no audio, RangeError for other channels. */
export function samplesFor(source: AudioSource, channels: number): Float32Array {
  const audio = AudioData.from(source);
  const { clipOff, ditherOff } = defaults;
  const { data } = audio.dtype === 'float32' ? audio : audio.convert('float32', { clipOff, ditherOff });
  const samples = data as Float32Array;
  if (audio.channels === channels || audio.frames === 0) return samples;
  if (audio.channels !== 1) {
    throw invalidValue(`number of channels must match: expected 1 or ${channels}, got ${audio.channels}`);
  }
  const spread = new Float32Array(samples.length * channels);
  for (let n = 0; n < spread.length; n++) spread[n] = samples[Math.floor(n / channels)] as number;
  return spread;
}

export class CardPlayer implements Player {
  readonly #stream: CardStream;

  constructor(plan: CardPlan) {
    this.#stream = new CardStream('output', plan);
  }

  play(data: AudioSource): Promise<void> {
    this.#stream.check();
    return this.write(samplesFor(data, this.#stream.channels));
  }

  /** The same with what `samplesFor` made. */
  async write(samples: Float32Array): Promise<void> {
    await this.#stream.core.transfers.write(samples);
  }

  get latency(): number {
    return this.#stream.core.handle.outputLatency();
  }
  get channels(): number {
    return this.#stream.channels;
  }
  get failure(): Error | undefined {
    return this.#stream.failure;
  }
  close(): Promise<void> {
    return this.#stream.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class CardRecorder implements Recorder {
  readonly #stream: CardStream;
  readonly #sampleRate: number;

  constructor(plan: CardPlan) {
    this.#sampleRate = plan.sampleRate;
    this.#stream = new CardStream('input', plan);
  }

  #audio(data: Float32Array): AudioData<'float32'> {
    return new AudioData(data, { channels: this.#stream.channels, sampleRate: this.#sampleRate });
  }

  record(frames?: number | null): Promise<AudioData<'float32'>> {
    const { core } = this.#stream;
    this.#stream.check();
    native(() => core.handle.checkRead());
    const { transfers } = core;
    const there = frames === undefined || frames === null;
    return this.#taken(there ? transfers.block(0, this) : transfers.read(Math.max(0, frameCount(frames))));
  }

  /** What comes of it. Who waits when it is closed gets as little as who comes later. */
  async #taken(reading: Promise<{ data: Bytes } | undefined>): Promise<AudioData<'float32'>> {
    try {
      const taken = await reading;
      if (taken) return this.#audio(taken.data as Float32Array);
    } catch (error) {
      if ((error as Partial<SoundDeviceError>).code !== 'ERR_STREAM_STOPPED') throw error;
    }
    throw closed();
  }

  flush(): AudioData<'float32'> {
    this.#stream.check();
    const { transfers } = this.#stream.core;
    const data = new Float32Array(transfers.readAvailable * this.#stream.channels);
    if (data.length > 0) transfers.readInto(data);
    return this.#audio(data);
  }

  get latency(): number {
    return this.#stream.core.handle.inputLatency();
  }
  get channels(): number {
    return this.#stream.channels;
  }
  close(): Promise<void> {
    return this.#stream.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** More frames than any recording has. */
const MOST_FRAMES = 2 ** 31;

/** A number of frames to record; none for less than one. */
export function frameCount(value: unknown, name = 'frames'): number {
  const frames = whole(value, name);
  if (frames > MOST_FRAMES) throw outOfRange(`${name} must be at most ${MOST_FRAMES}, got ${show(frames)}`);
  return frames;
}
