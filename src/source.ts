/** Whatever can be played → interleaved samples. */
import { types } from 'node:util';
import { AudioData } from './audio-data.js';
import {
  bytesOf,
  bytesPerSample,
  checkAttached,
  type DType,
  dtypeOf,
  makeArray,
  type SampleArray,
  type Typed,
  viewAs,
} from './dtype.js';
import { invalidType, invalidValue, show } from './errors.js';
import { integer, rate } from './options.js';

/**
 * What can be played: anything a Node program is likely to hold. A bare typed array or `number[]` is mono; an array of typed
 * arrays is planar, one per channel; then arrays with shape and strides, and audio buffers as browsers have them. Numbers
 * are float samples: from -1 to 1. With `dtype` given, bytes (Uint8Array, Buffer, ArrayBuffer, DataView) are read as
 * samples of that dtype.
 */
export type AudioSource =
  | AudioData
  | Typed
  | ArrayBuffer
  | SharedArrayBuffer
  | DataView
  | readonly number[]
  | readonly Typed[]
  | { data: ArrayLike<number>; shape: readonly number[]; stride?: readonly number[]; offset?: number }
  | {
      numberOfChannels: number;
      length: number;
      sampleRate: number;
      getChannelData(c: number): Float32Array;
    };

/** The dtype that a source has. */
export type DTypeOf<S> =
  S extends AudioData<infer D>
    ? D
    : S extends Float32Array
      ? 'float32'
      : S extends Float64Array
        ? 'float64'
        : S extends Int32Array
          ? 'int32'
          : S extends Int16Array
            ? 'int16'
            : S extends Int8Array
              ? 'int8'
              : S extends Uint8Array
                ? 'uint8'
                : S extends readonly number[]
                  ? 'float64'
                  : S extends readonly (infer E)[]
                    ? DTypeOf<E>
                    : S extends { getChannelData(c: number): Float32Array }
                      ? 'float32'
                      : DType;

export interface Interleaved {
  bytes: Uint8Array;
  dtype: DType;
  channels: number;
  frames: number;
  sampleRate: number | undefined;
  /** Whether it has no shape of its own: one channel because nobody said more. */
  flat: boolean;
  /** Memory that may be used in place: shared by the user's wish, or made here and seen by nobody else. */
  live: boolean;
}

/** @throws TypeError for what is no audio, RangeError for audio of an impossible shape. */
export function interleave(source: AudioSource, dtype?: DType): Interleaved {
  const raw: unknown = source;
  const bytes = asBytes(raw, dtype);
  if (bytes !== undefined && dtype !== undefined) {
    return flat(bytes, dtype, isShared(bytes));
  }
  if (Array.isArray(raw) && raw.length > 0 && dtypeOf(raw[0]) !== undefined) return planar(raw, dtype);
  const found = samples(raw);
  if (dtype !== undefined && dtype !== found.dtype) {
    throw invalidType(
      `dtype says how to read bytes: expected ${found.dtype} for ${show(raw)}, got ${dtype}; to convert, use convert()`,
    );
  }
  return found;
}

/** What may be read as any dtype. */
function asBytes(raw: unknown, dtype: DType | undefined): Uint8Array | undefined {
  if (types.isUint8Array(raw)) {
    checkAttached(raw, 'audio data');
    return bytesOf(raw);
  }
  const bare = types.isAnyArrayBuffer(raw);
  if (!bare && !types.isDataView(raw)) return undefined;
  if (dtype === undefined)
    throw invalidType(`bytes need a dtype to be read with, got ${show(raw)} without one`);
  checkAttached(raw, 'audio data');
  return bare ? new Uint8Array(raw) : bytesOf(raw);
}

function samples(raw: unknown): Interleaved {
  if (raw instanceof AudioData) {
    checkAttached(raw.data, 'audio data');
    const { data, dtype, channels, frames, sampleRate } = raw;
    return { bytes: bytesOf(data), dtype, channels, frames, sampleRate, flat: false, live: isShared(data) };
  }
  const own = dtypeOf(raw);
  if (own !== undefined) {
    const array = raw as Typed;
    checkAttached(array, 'audio data');
    return flat(bytesOf(array), own, isShared(array));
  }
  if (Array.isArray(raw)) return numbers(raw);
  if (typeof raw === 'object' && raw !== null && !ArrayBuffer.isView(raw)) {
    if ('getChannelData' in raw && typeof raw.getChannelData === 'function') return audioBuffer(raw as never);
    if ('data' in raw && 'shape' in raw) return ndarray(raw as never);
  }
  throw invalidType(
    `audio data must be samples (typed array, AudioData, numbers, planes, bytes), got ${show(raw)}`,
  );
}

const isShared = (array: ArrayBufferView) => types.isSharedArrayBuffer(array.buffer);

function flat(bytes: Uint8Array, dtype: DType, live: boolean): Interleaved {
  const frames = bytes.byteLength / bytesPerSample(dtype);
  if (!Number.isInteger(frames)) {
    throw invalidValue(`bytes must be whole samples of ${dtype}, got ${bytes.byteLength}`);
  }
  return { bytes, dtype, channels: 1, frames, sampleRate: undefined, flat: true, live };
}

function numbers(list: readonly unknown[]): Interleaved {
  for (let index = 0; index < list.length; index++) {
    if (typeof list[index] !== 'number') {
      throw invalidType(
        `a list must hold numbers or one typed array per channel, got ${show(list[index])} at ${index}`,
      );
    }
  }
  return flat(bytesOf(Float64Array.from(list as number[])), 'float64', true);
}

function planar(planes: readonly unknown[], dtype: DType | undefined): Interleaved {
  const own = dtypeOf(planes[0]) as DType;
  if (dtype !== undefined && dtype !== own && own !== 'uint8') {
    throw invalidType(`dtype says how to read bytes: expected ${own} for ${show(planes)}, got ${dtype}`);
  }
  const { length } = planes[0] as Typed;
  for (const plane of planes) {
    if (dtypeOf(plane) !== own) throw invalidType(`all planes must be of one type, got ${show(planes)}`);
    checkAttached(plane as Typed, 'every plane');
    const samples = (plane as Typed).length;
    if (samples !== length) {
      throw invalidValue(`all planes must have ${length} samples as the first one has, got ${samples}`);
    }
  }
  const as = dtype ?? own;
  const views = planes.map((plane) => {
    const bytes = bytesOf(plane as Typed);
    if (bytes.byteLength % bytesPerSample(as) !== 0) {
      throw invalidValue(`every plane must be whole samples of ${as}, got ${bytes.byteLength} bytes`);
    }
    return viewAs(bytes, as);
  });
  return weave(views, as, undefined);
}

function audioBuffer(buffer: Extract<AudioSource, { numberOfChannels: number }>): Interleaved {
  const channels = integer(0, 65535)(buffer.numberOfChannels, 'numberOfChannels');
  const length = integer(0)(buffer.length, 'length');
  const sampleRate = rate(buffer.sampleRate, 'sampleRate');
  const planes = Array.from({ length: channels }, (_, channel) => {
    const plane = buffer.getChannelData(channel);
    if (dtypeOf(plane) !== 'float32') {
      throw invalidType(`getChannelData must return a Float32Array, got ${show(plane)}`);
    }
    checkAttached(plane, 'every channel');
    if (plane.length !== length) {
      throw invalidValue(`getChannelData must return ${length} samples, got ${plane.length}`);
    }
    return plane;
  });
  return weave(planes, 'float32', sampleRate);
}

/** One array per channel → one; a single one stays as it is. */
function weave(planes: SampleArray[], dtype: DType, sampleRate: number | undefined): Interleaved {
  const [only] = planes;
  if (only !== undefined && planes.length === 1) {
    const frames = only.byteLength / bytesPerSample(dtype);
    return {
      bytes: bytesOf(only),
      dtype,
      channels: 1,
      frames,
      sampleRate,
      flat: false,
      live: isShared(only),
    };
  }
  const channels = planes.length;
  const size = dtype === 'int24' ? 3 : 1;
  const frames = (planes[0]?.length ?? 0) / size;
  const data = makeArray(dtype, frames * channels);
  for (const [channel, plane] of planes.entries()) {
    for (let frame = 0; frame < frames; frame++) {
      for (let byte = 0; byte < size; byte++) {
        data[(frame * channels + channel) * size + byte] = plane[frame * size + byte] as number;
      }
    }
  }
  return { bytes: bytesOf(data), dtype, channels, frames, sampleRate, flat: false, live: true };
}

function whole(value: unknown, name: string): number[] {
  const items = Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as never) : undefined;
  if (items === undefined) throw invalidType(`${name} must be a list of numbers, got ${show(value)}`);
  return items.map((item) => integer(-Number.MAX_SAFE_INTEGER)(item, name));
}

function ndarray(array: Extract<AudioSource, { shape: readonly number[] }>): Interleaved {
  const data: ArrayLike<unknown> = array.data;
  const known = dtypeOf(data);
  if (ArrayBuffer.isView(data)) {
    if (known === undefined) throw invalidType(`data must be samples, got ${show(data)}`);
    checkAttached(data, 'data');
  } else if (typeof data !== 'object' || data === null || typeof data.length !== 'number') {
    throw invalidType(`data must be samples, got ${show(data)}`);
  }
  const shape = whole(array.shape, 'shape');
  if (shape.length > 2) {
    throw invalidValue(
      `audio data to be played back must be one- or two-dimensional, got ${shape.length} dimensions`,
    );
  }
  const [frames = 1, channels = 1] = shape.map((count) => integer(0)(count, 'shape'));
  const stride = array.stride === undefined ? undefined : whole(array.stride, 'stride');
  if (stride !== undefined && stride.length !== shape.length) {
    throw invalidValue(
      `stride must have a number for each of ${shape.length} dimensions, got ${show(stride)}`,
    );
  }
  const [frameStride = channels, channelStride = 1] = stride ?? [];
  const offset = array.offset === undefined ? 0 : integer(0)(array.offset, 'offset');
  const ends = [0, (frames - 1) * frameStride].flatMap((start) => [
    offset + start,
    offset + start + (channels - 1) * channelStride,
  ]);
  if (frames > 0 && channels > 0 && (Math.min(...ends) < 0 || Math.max(...ends) >= data.length)) {
    throw invalidValue(`shape ${show(shape)} must stay within the data, got ${data.length} samples`);
  }
  const dtype = known ?? 'float64';
  const dense = frameStride === channels && (channelStride === 1 || channels === 1);
  if (known !== undefined && dense) {
    const used = (data as Typed).subarray(offset, offset + frames * channels);
    return {
      bytes: bytesOf(used),
      dtype,
      channels,
      frames,
      sampleRate: undefined,
      flat: false,
      live: isShared(used),
    };
  }
  const copy = makeArray(dtype, frames * channels);
  for (let frame = 0; frame < frames; frame++) {
    for (let channel = 0; channel < channels; channel++) {
      const sample = data[offset + frame * frameStride + channel * channelStride];
      if (typeof sample !== 'number') throw invalidType(`data must hold numbers, got ${show(sample)}`);
      copy[frame * channels + channel] = sample;
    }
  }
  return { bytes: bytesOf(copy), dtype, channels, frames, sampleRate: undefined, flat: false, live: true };
}
