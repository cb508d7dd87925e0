/** Sample formats. */
import { types } from 'node:util';
import { invalidType, invalidValue, outOfRange, show } from './errors.js';

/** `int24` is packed: three little-endian bytes per sample. `uint8` has its zero at 128. */
export type DType = 'float64' | 'float32' | 'int32' | 'int24' | 'int16' | 'int8' | 'uint8';
/** The typed array that holds samples of each dtype. */
export interface SampleArrays {
  float64: Float64Array;
  float32: Float32Array;
  int32: Int32Array;
  int24: Uint8Array;
  int16: Int16Array;
  int8: Int8Array;
  uint8: Uint8Array;
}
/** The typed array that holds samples of a dtype. */
export type SampleArray<D extends DType = DType> = SampleArrays[D];
export type Typed = Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint8Array;

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  int24: Uint8Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
} as const;

/** The names of all sample formats. */
export const DTYPES = Object.keys(ARRAYS) as DType[];

/** The typed array of a dtype. */
export const arrayOf = (dtype: DType) => ARRAYS[dtype];

/** Bytes per sample. */
export const bytesPerSample = (dtype: DType): number =>
  dtype === 'int24' ? 3 : ARRAYS[dtype].BYTES_PER_ELEMENT;

export function checkDType(value: unknown, name = 'dtype'): DType {
  if (typeof value !== 'string') throw invalidType(`${name} must be a string, got ${show(value)}`);
  if (!DTYPES.includes(value as DType)) {
    throw invalidValue(`${name} must be one of ${DTYPES.join(', ')}, got ${show(value)}`);
  }
  return value as DType;
}

/** Memory for samples, silent only after `fill`: `uint8` has its silence at 128. */
export function makeArray<D extends DType>(dtype: D, samples: number): SampleArray<D> {
  const bytes = samples * bytesPerSample(dtype);
  try {
    // through an array of bytes: its length has the lowest limit
    const { buffer } = new Uint8Array(bytes);
    return new ARRAYS[dtype](buffer) as SampleArray<D>;
  } catch {
    throw outOfRange(`${samples} samples of ${dtype} must fit into memory, got ${bytes} bytes`);
  }
}

/** The same memory as samples of a dtype. */
export function viewAs<D extends DType>(bytes: Uint8Array, dtype: D): SampleArray<D> {
  const size = dtype === 'int24' ? 1 : ARRAYS[dtype].BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new ARRAYS[dtype](
    aligned.buffer as ArrayBuffer,
    aligned.byteOffset,
    aligned.byteLength / size,
  ) as SampleArray<D>;
}

/** Throws for an array that its buffer has been too short for since it was resized: it has lost its length as well. */
function checkInside(view: ArrayBufferView, name: string): void {
  try {
    if (view instanceof DataView) view.byteLength;
    else if (view.byteLength === 0) (view as Typed).values();
  } catch {
    throw invalidType(`${name} must lie within its buffer, got one that has been resized`);
  }
}

/** Throws for a detached array. It has lost its length as well, so only its buffer can tell. */
export function checkAttached(memory: ArrayBufferView | ArrayBufferLike, name: string): void {
  const buffer = ArrayBuffer.isView(memory) ? memory.buffer : memory;
  try {
    if (!types.isSharedArrayBuffer(buffer) && buffer.byteLength === 0) new Uint8Array(buffer);
  } catch {
    throw invalidType(`${name} must be attached, got a detached buffer`);
  }
  if (ArrayBuffer.isView(memory)) checkInside(memory, name);
}

/** The bytes of an array, sharing its memory. */
export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const TAGS: Record<string, DType> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int32Array: 'int32',
  Int16Array: 'int16',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
};

/** The dtype that a typed array has by itself. Its tag says it, so that arrays of another realm count too. */
export function dtypeOf(array: unknown): DType | undefined {
  return types.isTypedArray(array) ? TAGS[array[Symbol.toStringTag]] : undefined;
}
