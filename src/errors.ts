/** The error classes, and how errors of the addon become them. */

/**
 * The stable codes; every error has one. TypeError: INVALID_ARG_TYPE, UNKNOWN_OPTION, READ_ONLY. RangeError:
 * INVALID_ARG_VALUE, OUT_OF_RANGE. SoundDeviceError: all others.
 */
export type ErrorCode =
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_UNKNOWN_OPTION'
  | 'ERR_READ_ONLY'
  | 'ERR_NO_SUCH_DEVICE'
  | 'ERR_AMBIGUOUS_DEVICE'
  | 'ERR_NO_SUCH_HOST_API'
  | 'ERR_INVALID_CHANNELS'
  | 'ERR_INVALID_SAMPLE_RATE'
  | 'ERR_UNSUPPORTED_FORMAT'
  | 'ERR_INVALID_FLAG'
  | 'ERR_INCOMPATIBLE_DEVICES'
  | 'ERR_INCOMPATIBLE_SETTINGS'
  | 'ERR_DEVICE_UNAVAILABLE'
  | 'ERR_DEVICE_LOST'
  | 'ERR_PERMISSION_DENIED'
  | 'ERR_STREAM_CLOSED'
  | 'ERR_STREAM_STOPPED'
  | 'ERR_CALLBACK_STREAM'
  | 'ERR_CALLBACK_FAILED'
  | 'ERR_PROCESSOR'
  | 'ERR_NOT_CALLED_YET'
  | 'ERR_WOULD_DEADLOCK'
  | 'ERR_TIMED_OUT'
  | 'ERR_NOT_SUPPORTED'
  | 'ERR_NO_LIBRARY'
  | 'ERR_FILE_FORMAT'
  | 'ERR_HOST';

/** The host's own words. */
export interface HostError {
  readonly hostApi: string;
  readonly code: number;
  readonly text: string;
}

/** What the addon throws or tells: a plain error with these properties. */
export interface NativeError {
  code: ErrorCode;
  message: string;
  paErrorCode: number;
  hostError?: HostError | null;
}

/**
 * Anything the audio system, or the state of a stream, refuses. `cause`: the host's error, or what the callback threw.
 *
 * @example
 * try {
 *   play(data, { sampleRate: 1 });
 * } catch (error) {
 *   if (error instanceof SoundDeviceError) console.log(error.code, error.paErrorCode); // ERR_INVALID_SAMPLE_RATE -9997
 * }
 */
export class SoundDeviceError extends Error {
  override readonly name = 'SoundDeviceError';
  /** What to tell it apart by. */
  readonly code: ErrorCode;
  /** PortAudio's number for it, such as -9997; 0 where it has none. */
  readonly paErrorCode: number;
  /** The host's own error, where a host refused. */
  readonly hostError: HostError | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { paErrorCode?: number; hostError?: HostError; cause?: unknown },
  ) {
    // Null can be thrown too.
    const given = options && 'cause' in options ? options : undefined;
    super(message, given ?? (options?.hostError && { cause: options.hostError }));
    this.code = code;
    this.paErrorCode = options?.paErrorCode ?? 0;
    this.hostError = options?.hostError;
  }
}

/** Thrown by a callback: this block is the last one to be played, then the stream ends. */
export class CallbackStop extends Error {
  override readonly name = 'CallbackStop';
}

/** Thrown by a callback: the stream ends at once, this block is not played. */
export class CallbackAbort extends Error {
  override readonly name = 'CallbackAbort';
}

type Coded<E> = E & { code: ErrorCode };

function coded<E extends Error>(error: E, code: ErrorCode): Coded<E> {
  return Object.assign(error, { code });
}

export const invalidType = (message: string, cause?: unknown) =>
  coded(new TypeError(message, cause === undefined ? undefined : { cause }), 'ERR_INVALID_ARG_TYPE');
export const unknownOption = (message: string) => coded(new TypeError(message), 'ERR_UNKNOWN_OPTION');
export const readOnly = (message: string) => coded(new TypeError(message), 'ERR_READ_ONLY');
export const invalidValue = (message: string) => coded(new RangeError(message), 'ERR_INVALID_ARG_VALUE');
export const outOfRange = (message: string) => coded(new RangeError(message), 'ERR_OUT_OF_RANGE');
export const notSupported = (what: string) =>
  new SoundDeviceError('ERR_NOT_SUPPORTED', `${what} is not built yet`);
export const invalidChannels = (message: string) =>
  new SoundDeviceError('ERR_INVALID_CHANNELS', `Invalid number of channels: ${message}`, {
    paErrorCode: -9998,
  });
export const invalidSampleRate = (message: string) =>
  new SoundDeviceError('ERR_INVALID_SAMPLE_RATE', `Invalid sample rate: ${message}`, { paErrorCode: -9997 });
export const invalidFlag = (message: string) =>
  new SoundDeviceError('ERR_INVALID_FLAG', `Invalid flag: ${message}`, { paErrorCode: -9995 });
export const streamClosed = (message: string) =>
  new SoundDeviceError('ERR_STREAM_CLOSED', message, { paErrorCode: -9988 });
export const noSuchDevice = (device: unknown) =>
  new SoundDeviceError('ERR_NO_SUCH_DEVICE', `Error querying device ${show(device)}`, { paErrorCode: -9996 });

/** The error of the right class; anything that is not the addon's passes through. */
export function fromNative(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('paErrorCode' in error))
    return error;
  const { code, message, paErrorCode, hostError } = error as NativeError;
  if (code === 'ERR_INVALID_ARG_TYPE') return invalidType(message);
  if (code === 'ERR_INVALID_ARG_VALUE') return invalidValue(message);
  if (code === 'ERR_OUT_OF_RANGE') return outOfRange(message);
  return new SoundDeviceError(code, message, hostError ? { paErrorCode, hostError } : { paErrorCode });
}

/** Calls the addon. */
export function native<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}

const SHOWN_ITEMS = 8;
const SHOWN_LETTERS = 100;

/** How a value is shown in a message: short, whatever it is. */
export function show(value: unknown, nested = false): string {
  if (typeof value === 'string') {
    return value.length > SHOWN_LETTERS ? `'${value.slice(0, SHOWN_LETTERS)}…'` : `'${value}'`;
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) {
    if (nested) return `an array of ${value.length}`;
    const items = Array.from(value.slice(0, SHOWN_ITEMS), (item) => show(item, true));
    if (value.length > SHOWN_ITEMS) items.push(`… ${value.length} in all`);
    return `[${items.join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== '' ? name : 'an object';
  }
  return typeof value === 'function' ? 'a function' : String(value);
}

/** What something that was thrown says: it may be anything, even without a text. */
export function textOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.message}` : String(error);
  } catch {
    return `${typeof error} without a text`;
  }
}
