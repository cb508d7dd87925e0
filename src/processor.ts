/** Processors: the thread that a stream's callback runs in, seen from the thread that opened the stream. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { MessagePort, Transferable, Worker as WorkerThread } from 'node:worker_threads';
import { SoundDeviceError, streamClosed, textOf } from './errors.js';
import { addon } from './native.js';
import type { ProcessorPlan } from './processor-plan.js';
import type { OrderSide, ProcessorFailure, ProcessorOrder } from './processor-worker.js';
import type { Blocks, blocksOf, Handle } from './stream-callback.js';
import type { StreamPlan } from './stream-plan.js';

/** The text of processor-worker.ts, put in by the bundler. */
declare const PROCESSOR_WORKER: string;

// Loaded when it is needed: most programs have no processor.
const load = createRequire(import.meta.url);

/** How long the thread may take to leave by itself, and how long to be ended. Together with the device's: less than a second. */
const LEAVING = 250;
const ENDING = 300;

/** Resolves with whether it came before the time was up. The timer holds the process: somebody waits for this. */
async function within(milliseconds: number, event: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  const came = await Promise.race([event.then(() => true), late]);
  clearTimeout(timer);
  return came;
}

/** Who hears of what happens in the thread. */
export interface Listener {
  /** Says whether anybody has heard it. */
  message(value: unknown): boolean;
  /** It has ended, and nobody wanted it to. */
  died(error: Error): void;
}

export class ProcessorThread {
  readonly ready: Promise<void>;
  /** It has ended, or is about to. */
  over = false;
  readonly #handle: Handle;
  readonly #worker: WorkerThread;
  readonly #port: MessagePort;
  readonly #gone: Promise<unknown>;
  #settle!: { resolve(): void; reject(error: Error): void };
  readonly #listener: Listener;
  #begun = false;
  /** What was posted before `ready` and nobody heard: those who listen from then on do. */
  #early: unknown[] | undefined = [];

  /** `listener` must not keep the stream from being collected. */
  constructor(
    plan: StreamPlan,
    processor: ProcessorPlan,
    handle: Handle,
    blocks: ReturnType<typeof blocksOf>,
    listener: Listener,
  ) {
    const { MessageChannel, Worker } = load('node:worker_threads') as typeof import('node:worker_threads');
    this.#handle = handle;
    this.#listener = listener;
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Never an unhandled rejection.
    this.ready.catch(() => {});
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const order = orderOf(plan, processor, handle, blocks, port2);
    this.#worker = new Worker(PROCESSOR_WORKER, {
      eval: true,
      name: 'sound processor',
      workerData: order,
      transferList: [port2],
      // Little garbage at a time: a small young generation is collected in a small part of a block.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    this.#gone = once(this.#worker, 'exit').catch(() => {});
    port1.on('message', (value) => {
      if (this.#early?.length || !listener.message(value)) this.#early?.push(value);
    });
    port1.unref();
    const died = (error: Error) => {
      if (this.over) return;
      this.over = true;
      this.#settle.reject(error);
      listener.died(error);
    };
    this.#worker.on('error', (error: unknown) => {
      const message = `The processor's thread failed: ${textOf(error)}`;
      died(new SoundDeviceError('ERR_PROCESSOR', message, { cause: error }));
    });
    this.#worker.on('exit', (code) => {
      died(
        new SoundDeviceError(
          'ERR_PROCESSOR',
          `The processor's thread has ended by itself, with code ${code}`,
        ),
      );
    });
  }

  /** Looks whether the module runs by now, or why it does not. */
  look(): Error | undefined {
    if (!this.#begun && this.#handle.begun()) {
      this.#begun = true;
      this.#worker.unref();
      this.#settle.resolve();
      // Those who have waited for that come first.
      setImmediate(() => this.#tellEarly());
      if (!this.#handle.realtime() && !this.#handle.facts().manualClock) warnOnce();
    }
    const text = this.#handle.takeFailure();
    if (text === null) return undefined;
    const failure = failureOf(JSON.parse(text) as ProcessorFailure);
    if (!this.#begun) {
      this.over = true;
      this.#settle.reject(failure);
    }
    return failure;
  }

  #tellEarly(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const value of early) this.#listener.message(value);
  }

  /** A run begins. */
  run(): void {
    this.#worker.postMessage(undefined);
  }

  post(value: unknown, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(value, transfer);
    this.#handle.nudge();
  }

  /** Resolves when the thread is gone. The stream has been closed: where it sleeps or waits for blocks, it leaves by itself. */
  async end(): Promise<void> {
    if (!this.over) {
      this.over = true;
      this.#settle.reject(streamClosed('The stream was closed before its processor ran'));
      this.#worker.postMessage(true);
      this.#port.close();
    }
    if (await within(LEAVING, this.#gone)) return;
    await within(ENDING, Promise.resolve(this.#worker.terminate()));
  }
}

function orderOf(
  plan: StreamPlan,
  { module, source, options, handoff }: ProcessorPlan,
  handle: Handle,
  { input, output }: ReturnType<typeof blocksOf>,
  port: MessagePort,
): ProcessorOrder {
  const { sampleRate, block, blocks, inputChannels, outputChannels } = handle.facts();
  const side = (kind: 'input' | 'output', memory: Blocks | undefined): OrderSide | undefined =>
    memory && {
      dtype: (plan[kind] as { dtype: OrderSide['dtype'] }).dtype,
      memory: memory.memory,
      size: memory.bytes.length / blocks,
    };
  /** As the stream says it: one, or `[input, output]`. */
  const both = <T>(one: T, other: T) => (input && output ? [one, other] : input ? one : other);
  const context = {
    options,
    port,
    sampleRate,
    blockSize: block,
    channels: both(inputChannels, outputChannels),
    dtype: both(plan.input?.dtype, plan.output?.dtype),
  };
  return {
    number: handle.announce(),
    addon: fileURLToPath(addon.addonUrl()),
    module,
    source,
    handoff,
    raw: plan.raw,
    blocks,
    input: side('input', input),
    output: side('output', output),
    context,
  };
}

function failureOf({ code, message, cause }: ProcessorFailure): Error {
  if (code === 'ERR_INVALID_ARG_TYPE') return Object.assign(new TypeError(message), { code });
  if (cause === undefined) return new SoundDeviceError(code, message);
  if ('value' in cause) return new SoundDeviceError(code, message, { cause: cause.value });
  // As it was thrown, with the stack that it had there.
  const error = new Error(cause.message);
  for (const [name, value] of Object.entries(cause)) {
    Object.defineProperty(error, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: name === 'code',
    });
  }
  return new SoundDeviceError(code, message, { cause: error });
}

let warned = false;

function warnOnce(): void {
  if (warned) return;
  warned = true;
  const text =
    'The system refused real-time priority to a processor: it works, but may glitch while other programs are busy, and takes a block more latency unless handoff is sync';
  process.emitWarning(text, 'SoundDeviceWarning');
}
