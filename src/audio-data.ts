/** A block of audio with its shape. */
import { fileURLToPath } from 'node:url';
import {
  bytesOf,
  bytesPerSample,
  checkDType,
  type DType,
  dtypeOf,
  makeArray,
  type SampleArray,
  viewAs,
} from './dtype.js';
import { invalidType, invalidValue, native, notSupported, show } from './errors.js';
import { addon } from './native.js';

export interface Shape {
  channels: number;
  sampleRate?: number | undefined;
  dtype?: DType | undefined;
}

export class AudioData<D extends DType = DType> {
  /** Interleaved; not copied. */
  readonly data: SampleArray<D>;
  readonly dtype: D;
  readonly channels: number;
  readonly frames: number;
  readonly sampleRate: number | undefined;

  constructor(data: SampleArray<D>, shape: Shape) {
    const own = dtypeOf(data);
    if (own === undefined) throw invalidType(`data must be a typed array of samples, got ${show(data)}`);
    if (typeof shape !== 'object' || shape === null)
      throw invalidType(`expected { channels }, got ${show(shape)}`);
    const dtype = shape.dtype === undefined ? own : checkDType(shape.dtype);
    if (dtype !== own && !(dtype === 'int24' && own === 'uint8')) {
      throw invalidType(`dtype ${dtype} needs another array, got ${show(data)}`);
    }
    const { channels } = shape;
    if (typeof channels !== 'number') throw invalidType(`channels must be a number, got ${show(channels)}`);
    if (!Number.isInteger(channels) || channels < 1) {
      throw invalidValue(`channels must be a whole number from 1, got ${channels}`);
    }
    const frames = data.byteLength / bytesPerSample(dtype) / channels;
    if (!Number.isInteger(frames)) {
      throw invalidValue(
        `expected whole frames of ${channels} channels of ${dtype}, got ${data.byteLength} bytes`,
      );
    }
    this.data = data;
    this.dtype = dtype as D;
    this.channels = channels;
    this.frames = frames;
    this.sampleRate = shape.sampleRate;
  }

  /** WAV files so far. */
  static async load(file: string | URL | Uint8Array): Promise<AudioData> {
    if (file instanceof Uint8Array) throw notSupported('AudioData.load of bytes');
    const path = file instanceof URL ? fileURLToPath(file) : file;
    if (typeof path !== 'string') throw invalidType(`file must be a path or a file URL, got ${show(file)}`);
    if (!/\.wave?$/i.test(path)) throw notSupported(`AudioData.load of anything but WAV files ('${path}')`);
    const wav = native(() => addon.readWav(path));
    const dtype = wav.dtype as DType;
    const bytes = new Uint8Array(new ArrayBuffer(wav.byteLength));
    wav.copyInto(bytes);
    return new AudioData(viewAs(bytes, dtype), { channels: wav.channels, sampleRate: wav.sampleRate, dtype });
  }

  /** Seconds. */
  get duration(): number | undefined {
    return this.sampleRate === undefined ? undefined : this.frames / this.sampleRate;
  }

  /** One channel, from 0; a copy. */
  channel(index: number): SampleArray<D> {
    if (!Number.isInteger(index) || index < 0 || index >= this.channels) {
      throw invalidValue(`channel must be a whole number from 0 to ${this.channels - 1}, got ${show(index)}`);
    }
    const copy = makeArray(this.dtype, this.frames);
    const size = this.dtype === 'int24' ? 3 : 1;
    for (let frame = 0; frame < this.frames; frame++) {
      for (let byte = 0; byte < size; byte++) {
        copy[frame * size + byte] = this.data[(frame * this.channels + index) * size + byte] as number;
      }
    }
    return copy;
  }

  /** All channels; copies. */
  planar(): SampleArray<D>[] {
    return Array.from({ length: this.channels }, (_, index) => this.channel(index));
  }

  /** A range of frames, sharing the memory; negative numbers count from the end. */
  slice(startFrame = 0, endFrame = this.frames): AudioData<D> {
    const clamp = (frame: number) =>
      Math.min(this.frames, Math.max(0, frame < 0 ? this.frames + frame : frame));
    const size = this.channels * (this.dtype === 'int24' ? 3 : 1);
    const [start, end] = [clamp(Math.trunc(startFrame)), clamp(Math.trunc(endFrame))];
    const data = this.data.subarray(start * size, Math.max(start, end) * size) as SampleArray<D>;
    return new AudioData(data, { channels: this.channels, sampleRate: this.sampleRate, dtype: this.dtype });
  }

  /** The same in another dtype: clipped, dithered where it narrows, unless told otherwise. */
  convert<T extends DType>(dtype: T, options: { clipOff?: boolean; ditherOff?: boolean } = {}): AudioData<T> {
    checkDType(dtype);
    const data = makeArray(dtype, this.frames * this.channels);
    const { clipOff = false, ditherOff = false } = options;
    const [from, to] = [bytesOf(this.data), bytesOf(data)];
    native(() => addon.convert(from, this.dtype, to, dtype, this.channels, clipOff, ditherOff));
    return new AudioData(data, { channels: this.channels, sampleRate: this.sampleRate, dtype });
  }

  async save(_file: string | URL, _options?: { subtype?: string }): Promise<void> {
    throw notSupported('AudioData.save');
  }
}
