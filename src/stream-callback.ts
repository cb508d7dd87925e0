/** Callbacks of streams: the blocks' memory, and what becomes of what they return and throw. */
import type { StreamTime } from './callback.js';
import { type DType, viewAs } from './dtype.js';
import { CallbackAbort, CallbackStop, invalidType, SoundDeviceError } from './errors.js';
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

/** Blocks behind each other in memory that native threads see too. */
class Blocks {
  readonly bytes: Uint8Array;
  readonly views: ArrayBufferView[];

  constructor(raw: boolean, dtype: DType, count: number, blockBytes: number) {
    // Every block begins where any sample may.
    const memory = new SharedArrayBuffer(Math.max(1, count * blockBytes));
    this.bytes = new Uint8Array(memory, 0, count * blockBytes);
    this.views = Array.from({ length: count }, (_, index) => {
      if (raw) return Buffer.from(memory as unknown as ArrayBuffer, index * blockBytes, blockBytes);
      return viewAs(this.bytes.subarray(index * blockBytes, (index + 1) * blockBytes), dtype);
    });
  }
}

export class Caller {
  readonly #handle: Handle;
  readonly #call: (slot: number) => unknown;
  readonly #times = new Times();
  readonly #flags = new CallbackFlags();
  readonly #told: (flags: CallbackFlags) => void;
  readonly input: Blocks | undefined;
  readonly output: Blocks | undefined;
  /** Blocks go back unseen: the run is over for the user. */
  over = false;
  /** Why it failed. */
  failure: Error | undefined;

  /** `told` hears of flags, after the call. */
  constructor(handle: Handle, plan: StreamPlan, told: (flags: CallbackFlags) => void) {
    const { block, blocks, inputChannels, outputChannels } = handle.facts();
    this.#handle = handle;
    this.#told = told;
    const make = (side: StreamPlan['input'], channels: number) =>
      side && new Blocks(plan.raw, side.dtype, blocks, block * channels * side.size);
    this.input = make(plan.input, inputChannels);
    this.output = make(plan.output, outputChannels);
    const callback = plan.callback as (...args: unknown[]) => unknown;
    const time = new LiveTime(this.#times.numbers);
    const flags = this.#flags;
    const heard = this.input?.views;
    const played = this.output?.views;
    if (heard && played) {
      this.#call = (slot) => callback(heard[slot], played[slot], block, time, flags);
    } else {
      const one = (heard ?? played) as ArrayBufferView[];
      this.#call = (slot) => callback(one[slot], block, time, flags);
    }
  }

  begin(): void {
    this.over = false;
    this.failure = undefined;
  }

  /** All blocks that are waiting. */
  run(): void {
    if (depth > 0) return; // from inside: the outer loop goes on
    let flow = CONTINUE;
    for (;;) {
      const slot = this.#handle.next(flow, this.#times.bytes);
      if (slot < 0) return;
      flow = this.over ? CONTINUE : this.#block(slot);
    }
  }

  #block(slot: number): number {
    const bits = this.#times.flags;
    assignFlags(this.#flags, bits);
    const flow = this.#guarded(slot);
    if (flow !== CONTINUE) this.over = true;
    // Priming is nothing that went wrong.
    if ((bits & 15) !== 0) this.#told(new CallbackFlags(bits));
    return flow;
  }

  #guarded(slot: number): number {
    depth += 1;
    try {
      const result = this.#call(slot);
      if (result === COMPLETE || result === ABORT) return result;
      if (typeof result === 'object' && result !== null && 'then' in result) {
        // Nobody waits for it.
        Promise.resolve(result).catch(() => {});
        throw invalidType('a callback must not return a promise, got one: it would come too late');
      }
      return CONTINUE;
    } catch (error) {
      if (error instanceof CallbackStop) return COMPLETE;
      if (error instanceof CallbackAbort) return ABORT;
      this.failure = failure(error);
      return ABORT;
    } finally {
      depth -= 1;
    }
  }
}

/** What is told of something that a callback threw. */
function failure(error: unknown): Error {
  if (
    error instanceof TypeError &&
    'code' in error &&
    error.message.startsWith('a callback must not return')
  ) {
    return error;
  }
  const text = error instanceof Error ? error.message : String(error);
  return new SoundDeviceError('ERR_CALLBACK_FAILED', `The callback failed: ${text}`, { cause: error });
}
