/** Callbacks of streams: the blocks' memory, and what becomes of what they return and throw. */
import type { StreamTime } from './callback.js';
import { type DType, viewAs } from './dtype.js';
import { invalidType, SoundDeviceError, textOf } from './errors.js';
import { assignFlags, CallbackFlags } from './flags.js';
import type { addon } from './native.js';
import type { StreamPlan } from './stream-plan.js';

export type Handle = InstanceType<typeof addon.NativeStream>;

let depth = 0;

/** Whether a callback of any stream is running on this thread. */
export const insideCallback = (): boolean => depth > 0;

const [CONTINUE, COMPLETE, ABORT] = [0, 1, 2];

/** Four numbers from the addon: input, current, output, flags. */
export class Times {
  readonly numbers = new Float64Array(4);
  readonly bytes = new Uint8Array(this.numbers.buffer);

  get flags(): number {
    return this.numbers[3] as number;
  }

  /** A copy. */
  time(): StreamTime {
    const [inputBufferAdcTime = 0, currentTime = 0, outputBufferDacTime = 0] = this.numbers;
    return { inputBufferAdcTime, outputBufferDacTime, currentTime };
  }
}

/** The one that callbacks get, again and again. */
class LiveTime implements StreamTime {
  readonly #numbers: Float64Array;

  constructor(numbers: Float64Array) {
    this.#numbers = numbers;
  }
  get inputBufferAdcTime(): number {
    return this.#numbers[0] as number;
  }
  get currentTime(): number {
    return this.#numbers[1] as number;
  }
  get outputBufferDacTime(): number {
    return this.#numbers[2] as number;
  }
}

/** Blocks behind each other in memory that other threads see too. */
export class Blocks {
  readonly memory: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly views: ArrayBufferView[];

  constructor(raw: boolean, dtype: DType, count: number, blockBytes: number, memory?: SharedArrayBuffer) {
    // Every block begins where any sample may.
    this.memory = memory ?? new SharedArrayBuffer(Math.max(1, count * blockBytes));
    this.bytes = new Uint8Array(this.memory, 0, count * blockBytes);
    this.views = Array.from({ length: count }, (_, index) => {
      if (raw) return Buffer.from(this.memory as unknown as ArrayBuffer, index * blockBytes, blockBytes);
      return viewAs(this.bytes.subarray(index * blockBytes, (index + 1) * blockBytes), dtype);
    });
  }
}

/** The blocks of each direction of a stream that has been opened. */
export function blocksOf(
  { raw, input, output }: Pick<StreamPlan, 'raw' | 'input' | 'output'>,
  { block, blocks, inputChannels, outputChannels }: ReturnType<Handle['facts']>,
): { input: Blocks | undefined; output: Blocks | undefined } {
  const make = (side: StreamPlan['input'], channels: number) =>
    side && new Blocks(raw, side.dtype, blocks, block * channels * side.size);
  return { input: make(input, inputChannels), output: make(output, outputChannels) };
}

/** Calls a callback for one block, on whichever thread. */
export class BlockCaller {
  readonly times = new Times();
  readonly #call: (slot: number) => unknown;
  readonly #flags = new CallbackFlags();
  /** What the callback threw, if that was nothing to end a stream with. */
  thrown: { error: unknown } | undefined;

  constructor(
    callback: (...args: unknown[]) => unknown,
    input: Blocks | undefined,
    output: Blocks | undefined,
    frames: number,
  ) {
    const time = new LiveTime(this.times.numbers);
    const flags = this.#flags;
    const heard = input?.views;
    const played = output?.views;
    if (heard && played) {
      this.#call = (slot) => callback(heard[slot], played[slot], frames, time, flags);
    } else {
      const one = (heard ?? played) as ArrayBufferView[];
      this.#call = (slot) => callback(one[slot], frames, time, flags);
    }
  }

  /** 0 (go on), 1 (complete) or 2 (abort). */
  call(slot: number): number {
    assignFlags(this.#flags, this.times.flags);
    depth += 1;
    try {
      const result = this.#call(slot);
      if (result === COMPLETE || result === ABORT) return result;
      if (isThenable(result)) {
        // Nobody waits for it.
        Promise.resolve(result).catch(() => {});
        throw new PromiseReturned();
      }
      return CONTINUE;
    } catch (error) {
      // By their names: a processor's module may have a copy of this package of its own.
      const name = error instanceof Error && error.name;
      if (name === 'CallbackStop') return COMPLETE;
      if (name === 'CallbackAbort') return ABORT;
      this.thrown = { error };
      return ABORT;
    } finally {
      depth -= 1;
    }
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') && 'then' in value;

class PromiseReturned extends TypeError {}

/** Calls a callback on the thread that opened the stream. */
export class Caller {
  readonly #handle: Handle;
  readonly #calls: BlockCaller;
  readonly #told: (flags: CallbackFlags) => void;
  /** Blocks go back unseen: the run is over for the user. */
  over = false;
  /** And what the callback is making is not played. */
  dropped = false;
  /** Why it failed. */
  failure: Error | undefined;

  /** `told` hears of flags, after the call. */
  constructor(
    handle: Handle,
    callback: (...args: unknown[]) => unknown,
    { input, output }: ReturnType<typeof blocksOf>,
    told: (flags: CallbackFlags) => void,
  ) {
    this.#handle = handle;
    this.#told = told;
    this.#calls = new BlockCaller(callback, input, output, handle.facts().block);
  }

  begin(): void {
    this.over = false;
    this.dropped = false;
    this.failure = undefined;
  }

  /** All blocks that are waiting. */
  run(): void {
    if (depth > 0) return; // from inside: the outer loop goes on
    let flow = CONTINUE;
    for (;;) {
      const slot = this.#handle.next(flow, this.#calls.times.bytes);
      if (slot < 0) return;
      flow = this.over ? CONTINUE : this.#block(slot);
    }
  }

  #block(slot: number): number {
    const bits = this.#calls.times.flags;
    const flow = this.#calls.call(slot);
    if (this.#calls.thrown) {
      this.failure = callbackFailure(this.#calls.thrown.error);
      this.#calls.thrown = undefined;
    }
    if (flow !== CONTINUE) this.over = true;
    // Priming is nothing that went wrong.
    if ((bits & 15) !== 0) this.#told(new CallbackFlags(bits));
    return this.dropped ? ABORT : flow;
  }
}

/** What is told of something that a callback threw. */
export function callbackFailure(error: unknown): Error {
  if (error instanceof PromiseReturned) {
    return invalidType('a callback must not return a promise, got one: it would come too late');
  }
  return new SoundDeviceError('ERR_CALLBACK_FAILED', `The callback failed: ${textOf(error)}`, {
    cause: error,
  });
}
