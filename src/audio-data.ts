/** A block of audio with its shape. */
import { fileURLToPath } from 'node:url';
import {
  bytesOf,
  bytesPerSample,
  checkAttached,
  checkDType,
  type DType,
  dtypeOf,
  makeArray,
  type SampleArray,
  type Typed,
  viewAs,
} from './dtype.js';
import { invalidType, invalidValue, native, notSupported, show } from './errors.js';
import { addon } from './native.js';
import * as is from './options.js';
import { type AudioSource, type DTypeOf, interleave } from './source.js';

/** A block of audio with its shape: what `rec` and `playrec` resolve to, and what `play` likes best. */
export interface AudioData<D extends DType = DType> {
  /** Interleaved; not copied. */
  readonly data: SampleArray<D>;
  readonly dtype: D;
  readonly channels: number;
  readonly frames: number;
  /** Hertz, if it is known. */
  readonly sampleRate: number | undefined;
  /** Seconds, if the sample rate is known. */
  readonly duration: number | undefined;
  /**
   * One channel, from 0; a copy.
   *
   * @throws TypeError or RangeError for a channel that is not there.
   */
  channel(index: number): SampleArray<D>;
  /** All channels; copies. */
  planar(): SampleArray<D>[];
  /** A range of frames, sharing the memory; as of arrays, negative numbers count from the end. */
  slice(startFrame?: number, endFrame?: number): AudioData<D>;
  /** The same in another dtype: clipped, dithered where it narrows. With `clipOff` it saturates as well, but uncounted. */
  convert<T extends DType>(dtype: T, options?: { clipOff?: boolean; ditherOff?: boolean }): AudioData<T>;
  /**
   * WAV or FLAC by the name's ending; `subtype` such as 'PCM_16', 'PCM_24', 'FLOAT'. Not built yet: rejects with
   * `ERR_NOT_SUPPORTED`.
   */
  save(file: string | URL, options?: { subtype?: string }): Promise<void>;
}

interface Shape {
  channels: number;
  sampleRate?: number;
}

interface AudioDataConstructor {
  /**
   * Takes an array as it is, without copying it. `int24` has to be said, since it comes in bytes.
   *
   * @throws TypeError or RangeError unless the array holds whole frames of so many channels.
   * @example
   * const beep = new AudioData(new Int16Array(9600), { channels: 2, sampleRate: 48000 });
   */
  new (data: Uint8Array, shape: Shape & { dtype: 'int24' }): AudioData<'int24'>;
  new <A extends Typed>(data: A, shape: Shape & { dtype?: DTypeOf<A> }): AudioData<DTypeOf<A>>;
  readonly prototype: AudioData;
  /**
   * Anything that can be played, copied only where it has to be woven. `channels` says how a bare array, a list or bytes are
   * interleaved (1 by default), `dtype` how bytes are read, `sampleRate` replaces the source's own.
   *
   * @throws TypeError for what is no audio, RangeError for shapes that do not fit.
   * @example
   * const stereo = AudioData.from(new Float32Array(960), { channels: 2, sampleRate: 48000 });
   */
  from(source: AudioSource, shape?: { channels?: number; sampleRate?: number; dtype?: DType }): AudioData;
  /** WAV files by path or file URL; everything else is not built yet: rejects with `ERR_NOT_SUPPORTED`. */
  load(file: string | URL | Uint8Array): Promise<AudioData>;
}

const channelCount = is.integer(1, is.MOST_CHANNELS);
const SHAPE = { channels: channelCount, sampleRate: is.positive, dtype: checkDType };
const CONVERT = { clipOff: is.boolean, ditherOff: is.boolean };

/** Whether its buffer may become longer or shorter. */
const isResizable = ({ buffer }: Typed): boolean =>
  ('resizable' in buffer && buffer.resizable === true) || ('growable' in buffer && buffer.growable === true);

/** Bytes of one element of the array: `int24` has one byte per element and three elements per sample. */
const elements = (dtype: DType) => (dtype === 'int24' ? 3 : 1);

/** @throws TypeError for what is no path of a file here. */
function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    const message = `file must be a path or a file URL, got ${url}: ${(error as Error).message}`;
    throw invalidType(message, error);
  }
}

class Audio<D extends DType> implements AudioData<D> {
  readonly data: SampleArray<D>;
  readonly dtype: D;
  readonly channels: number;
  readonly frames: number;
  readonly sampleRate: number | undefined;

  constructor(data: SampleArray<D>, shape: Shape & { dtype?: DType }) {
    const own = dtypeOf(data);
    if (own === undefined) throw invalidType(`data must be a typed array of samples, got ${show(data)}`);
    checkAttached(data, 'data');
    const { channels, sampleRate, dtype = own } = is.check(shape, SHAPE);
    if (channels === undefined) throw invalidType('channels must be a number, got undefined');
    if (dtype !== own && !(dtype === 'int24' && own === 'uint8')) {
      throw invalidType(`data must be an array of ${dtype}, got ${show(data)}`);
    }
    const frames = data.byteLength / bytesPerSample(dtype) / channels;
    if (!Number.isInteger(frames)) {
      throw invalidValue(
        `data must be whole frames of ${channels} channels of ${dtype}, got ${data.byteLength} bytes`,
      );
    }
    // What follows the length of its buffer stays as long as it is now.
    this.data = isResizable(data) ? (data.subarray(0, data.length) as SampleArray<D>) : data;
    this.dtype = dtype as D;
    this.channels = channels;
    this.frames = frames;
    this.sampleRate = sampleRate;
    Object.freeze(this);
  }

  static from(
    source: AudioSource,
    shape?: { channels?: number; sampleRate?: number; dtype?: DType },
  ): AudioData {
    const { channels, sampleRate, dtype } = is.check(shape, SHAPE);
    const found = interleave(source, dtype);
    if (channels !== undefined && channels !== found.channels && !found.flat) {
      throw invalidValue(`channels must be ${found.channels} as the data has it, got ${channels}`);
    }
    const rate = sampleRate ?? found.sampleRate;
    if (source instanceof Audio && rate === source.sampleRate) return source;
    // an array that can stay what it is does so
    const array = source instanceof Audio ? source.data : source;
    const stays = dtypeOf(array) === dtypeOf(makeArray(found.dtype, 0));
    return new Audio(stays ? (array as SampleArray) : viewAs(found.bytes, found.dtype), {
      channels: channels ?? found.channels,
      dtype: found.dtype,
      ...(rate === undefined ? {} : { sampleRate: rate }),
    });
  }

  static async load(file: string | URL | Uint8Array): Promise<AudioData> {
    if (file instanceof Uint8Array) throw notSupported('AudioData.load of bytes');
    const path = file instanceof URL ? pathOf(file) : file;
    if (typeof path !== 'string') throw invalidType(`file must be a path or a file URL, got ${show(file)}`);
    if (!/\.wave?$/i.test(path)) throw notSupported(`AudioData.load of anything but WAV files ('${path}')`);
    const wav = native(() => addon.readWav(path));
    const dtype = wav.dtype as DType;
    const bytes = new Uint8Array(new ArrayBuffer(wav.byteLength));
    wav.copyInto(bytes);
    return new Audio(viewAs(bytes, dtype), { channels: wav.channels, sampleRate: wav.sampleRate, dtype });
  }

  get duration(): number | undefined {
    return this.sampleRate === undefined ? undefined : this.frames / this.sampleRate;
  }

  channel(index: number): SampleArray<D> {
    is.integer(0, this.channels - 1)(index, 'index');
    checkAttached(this.data, 'data');
    const copy = makeArray(this.dtype, this.frames);
    const size = elements(this.dtype);
    for (let frame = 0; frame < this.frames; frame++) {
      for (let byte = 0; byte < size; byte++) {
        copy[frame * size + byte] = this.data[(frame * this.channels + index) * size + byte] as number;
      }
    }
    return copy;
  }

  planar(): SampleArray<D>[] {
    return Array.from({ length: this.channels }, (_, index) => this.channel(index));
  }

  slice(startFrame = 0, endFrame = this.frames): AudioData<D> {
    checkAttached(this.data, 'data');
    const frame = (value: unknown, name: string) => {
      const whole = is.wholeOrInfinite(value, name);
      return Math.min(this.frames, Math.max(0, whole < 0 ? this.frames + whole : whole));
    };
    const size = this.channels * elements(this.dtype);
    const [start, end] = [frame(startFrame, 'startFrame'), frame(endFrame, 'endFrame')];
    const data = this.data.subarray(start * size, Math.max(start, end) * size) as SampleArray<D>;
    return new Audio<D>(data, this.#shape(this.dtype));
  }

  convert<T extends DType>(dtype: T, options?: { clipOff?: boolean; ditherOff?: boolean }): AudioData<T> {
    checkDType(dtype);
    checkAttached(this.data, 'data');
    const { clipOff = false, ditherOff = false } = is.check(options, CONVERT);
    const data = makeArray(dtype, this.frames * this.channels);
    const [from, to] = [bytesOf(this.data), bytesOf(data)];
    native(() => addon.convert(from, this.dtype, to, dtype, this.channels, clipOff, ditherOff));
    return new Audio<T>(data, this.#shape(dtype));
  }

  #shape(dtype: DType) {
    const { channels, sampleRate } = this;
    return sampleRate === undefined ? { channels, dtype } : { channels, dtype, sampleRate };
  }

  async save(_file: string | URL, _options?: { subtype?: string }): Promise<void> {
    throw notSupported('AudioData.save');
  }
}

Object.defineProperty(Audio, 'name', { value: 'AudioData' });
export const AudioData = Audio as AudioDataConstructor;
