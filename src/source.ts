/** Whatever can be played → interleaved samples. */
import { AudioData } from './audio-data.js';
import { bytesOf, bytesPerSample, type DType, dtypeOf, makeArray, type Typed } from './dtype.js';
import { invalidType, invalidValue, show } from './errors.js';

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
      getChannelData(channel: number): Float32Array;
    };

export interface Interleaved {
  bytes: Uint8Array;
  dtype: DType;
  channels: number;
  frames: number;
  sampleRate: number | undefined;
  /** Memory that may be used in place: shared by the user's wish, or made here and seen by nobody else. */
  live: boolean;
}

export function interleave(source: AudioSource, dtype?: DType): Interleaved {
  const raw: unknown = source;
  if (raw instanceof AudioData) {
    checkAttached(raw.data);
    return result(bytesOf(raw.data), raw.dtype, raw.channels, raw.sampleRate, isShared(raw.data));
  }
  if (raw instanceof ArrayBuffer || raw instanceof SharedArrayBuffer || raw instanceof DataView) {
    const view = raw instanceof DataView ? bytesOf(raw) : new Uint8Array(raw);
    if (dtype === undefined)
      throw invalidType(`bytes need a dtype to be read with, got ${show(raw)} without one`);
    return result(view, dtype, 1, undefined, isShared(view));
  }
  const own = dtypeOf(raw);
  if (own !== undefined) {
    const array = raw as Typed;
    checkAttached(array);
    if (dtype !== undefined && dtype !== own && own !== 'uint8') {
      throw invalidType(`dtype says how to read bytes, got ${show(raw)} with dtype ${dtype}`);
    }
    return result(bytesOf(array), dtype ?? own, 1, undefined, isShared(array));
  }
  if (Array.isArray(raw)) return raw.every((item) => typeof item === 'number') ? numbers(raw) : planar(raw);
  if (typeof raw === 'object' && raw !== null) {
    if ('getChannelData' in raw && typeof raw.getChannelData === 'function') return audioBuffer(raw as never);
    if ('data' in raw && 'shape' in raw) return ndarray(raw as never);
  }
  throw invalidType(
    `audio data must be samples (typed array, AudioData, numbers, planes, bytes), got ${show(raw)}`,
  );
}

const isShared = (array: ArrayBufferView) => array.buffer instanceof SharedArrayBuffer;

/** A detached array has lost its length as well, so only its buffer can tell. */
export function checkAttached(array: ArrayBufferView, name = 'audio data'): void {
  const { buffer } = array;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength > 0) return;
  try {
    new Uint8Array(buffer);
  } catch {
    throw invalidType(`${name} must be attached, got a detached buffer`);
  }
}

function result(
  bytes: Uint8Array,
  dtype: DType,
  channels: number,
  sampleRate: number | undefined,
  live: boolean,
): Interleaved {
  const frames = bytes.byteLength / (bytesPerSample(dtype) * channels);
  if (!Number.isInteger(frames)) {
    throw invalidValue(
      `expected whole frames of ${channels} channels of ${dtype}, got ${bytes.byteLength} bytes`,
    );
  }
  return { bytes, dtype, channels, frames, sampleRate, live };
}

function numbers(list: number[]): Interleaved {
  return result(bytesOf(Float64Array.from(list)), 'float64', 1, undefined, true);
}

function planar(planes: unknown[]): Interleaved {
  const dtype = dtypeOf(planes[0]);
  if (dtype === undefined) throw invalidType(`planes must be typed arrays, got ${show(planes)}`);
  const length = (planes[0] as Typed).length;
  for (const plane of planes) {
    if (dtypeOf(plane) !== dtype) throw invalidType(`all planes must be of one type, got ${show(planes)}`);
    checkAttached(plane as Typed);
    if ((plane as Typed).length !== length) {
      throw invalidValue(
        `all planes must have ${length} samples as the first one has, got ${(plane as Typed).length}`,
      );
    }
  }
  return weave(planes as Typed[], dtype, length, undefined);
}

function audioBuffer(buffer: Extract<AudioSource, { numberOfChannels: number }>): Interleaved {
  const planes = Array.from({ length: buffer.numberOfChannels }, (_, channel) =>
    buffer.getChannelData(channel),
  );
  return weave(planes, 'float32', buffer.length, buffer.sampleRate);
}

function weave(planes: Typed[], dtype: DType, length: number, sampleRate: number | undefined): Interleaved {
  const channels = planes.length;
  const data = makeArray(dtype, length * channels);
  for (const [channel, plane] of planes.entries()) {
    for (let frame = 0; frame < length; frame++) data[frame * channels + channel] = plane[frame] as number;
  }
  return { bytes: bytesOf(data), dtype, channels, frames: length, sampleRate, live: true };
}

function ndarray(array: Extract<AudioSource, { shape: readonly number[] }>): Interleaved {
  const { data, shape } = array;
  const dimensions = shape.length;
  if (dimensions > 2) {
    throw invalidValue(
      `audio data to be played back must be one- or two-dimensional, got ${dimensions} dimensions`,
    );
  }
  const [frames = 1, channels = 1] = shape;
  if (![frames, channels].every((count) => Number.isInteger(count) && count >= 0)) {
    throw invalidValue(`shape must be whole numbers, got ${show(shape)}`);
  }
  const dtype = dtypeOf(data) ?? 'float64';
  const [frameStride = channels, channelStride = 1] = array.stride ?? [];
  const offset = array.offset ?? 0;
  const copy = makeArray(dtype, frames * channels);
  for (let frame = 0; frame < frames; frame++) {
    for (let channel = 0; channel < channels; channel++) {
      const sample = data[offset + frame * frameStride + channel * channelStride];
      if (sample === undefined) throw invalidValue(`shape ${show(shape)} reaches beyond the data`);
      copy[frame * channels + channel] = sample;
    }
  }
  return { bytes: bytesOf(copy), dtype, channels, frames, sampleRate: undefined, live: true };
}
