/** Sample formats. */
import { invalidType, invalidValue, show } from './errors.js';

/** `int24` is packed: three little-endian bytes per sample. `uint8` has its zero at 128. */
export type DType = 'float64' | 'float32' | 'int32' | 'int24' | 'int16' | 'int8' | 'uint8';
export interface SampleArrays {
  float64: Float64Array;
  float32: Float32Array;
  int32: Int32Array;
  int24: Uint8Array;
  int16: Int16Array;
  int8: Int8Array;
  uint8: Uint8Array;
}
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

export const DTYPES = Object.keys(ARRAYS) as DType[];

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
  const buffer = new ArrayBuffer(samples * bytesPerSample(dtype));
  return new ARRAYS[dtype](buffer) as SampleArray<D>;
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

export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The dtype that a typed array has by itself. */
export function dtypeOf(array: unknown): DType | undefined {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  if (array instanceof Int32Array) return 'int32';
  if (array instanceof Int16Array) return 'int16';
  if (array instanceof Int8Array) return 'int8';
  if (array instanceof Uint8Array) return 'uint8';
  return undefined;
}
