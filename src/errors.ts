/** The error classes, and how errors of the addon become them. */

export interface HostError {
  readonly hostApi: string;
  readonly code: number;
  readonly text: string;
}

/** What the addon throws or tells: a plain error with these properties. */
export interface NativeError {
  code: string;
  message: string;
  paErrorCode: number;
  hostError?: HostError | null;
}

/** Anything the audio system, or the state of a stream, refuses. */
export class SoundDeviceError extends Error {
  override readonly name = 'SoundDeviceError';
  readonly code: string;
  /** PortAudio's number for it, such as -9997; 0 where it has none. */
  readonly paErrorCode: number;
  readonly hostError: HostError | undefined;

  constructor(
    code: string,
    message: string,
    options?: { paErrorCode?: number; hostError?: HostError; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.paErrorCode = options?.paErrorCode ?? 0;
    this.hostError = options?.hostError;
  }
}

export class CallbackStop extends Error {
  override readonly name = 'CallbackStop';
}

export class CallbackAbort extends Error {
  override readonly name = 'CallbackAbort';
}

type Coded<E> = E & { code: string };

function coded<E extends Error>(error: E, code: string): Coded<E> {
  return Object.assign(error, { code });
}

export const invalidType = (message: string) => coded(new TypeError(message), 'ERR_INVALID_ARG_TYPE');
export const unknownOption = (message: string) => coded(new TypeError(message), 'ERR_UNKNOWN_OPTION');
export const readOnly = (message: string) => coded(new TypeError(message), 'ERR_READ_ONLY');
export const invalidValue = (message: string) => coded(new RangeError(message), 'ERR_INVALID_ARG_VALUE');
export const outOfRange = (message: string) => coded(new RangeError(message), 'ERR_OUT_OF_RANGE');
export const notSupported = (what: string) =>
  new SoundDeviceError('ERR_NOT_SUPPORTED', `${what} is not built yet`);

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

/** How a value is shown in a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
