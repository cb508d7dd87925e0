/** What runs in a processor's thread. It is bundled apart, and the facade has it as text: no other file has to be found. */
import { createRequire } from 'node:module';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { DType } from './dtype.js';
import { textOf } from './errors.js';
import type { addon as Addon } from './native.js';
import { BlockCaller, Blocks, callbackFailure } from './stream-callback.js';

/** One direction. */
export interface OrderSide {
  dtype: DType;
  memory: SharedArrayBuffer;
  /** Bytes of a block. */
  size: number;
}

/** What the thread is told when it starts. */
export interface ProcessorOrder {
  /** By which the addon knows the stream. */
  number: number;
  /** Path of the addon. */
  addon: string;
  module: string | undefined;
  source: string | undefined;
  handoff: string;
  raw: boolean;
  blocks: number;
  input: OrderSide | undefined;
  output: OrderSide | undefined;
  /** The factory's argument. */
  context: { options: unknown; port: MessagePort; blockSize: number };
}

/** Why it has failed: told as text. */
export interface ProcessorFailure {
  code: 'ERR_PROCESSOR' | 'ERR_CALLBACK_FAILED' | 'ERR_INVALID_ARG_TYPE';
  message: string;
  cause?: { name: string; message: string; stack?: string; code?: unknown } | { value: string };
}

type Callback = (...args: unknown[]) => unknown;

// What `serve` returns.
const [AGAIN, TURN, REST] = [0, 1, 2];

const order = workerData as ProcessorOrder;
const { NativeProcessor } = createRequire(order.addon)(order.addon) as typeof Addon;
const processor = new NativeProcessor(order.number);

function causeOf(error: unknown): ProcessorFailure['cause'] {
  if (!(error instanceof Error)) return { value: textOf(error) };
  const { name, message, stack, code } = error as Error & { code?: unknown };
  return { name, message, ...(stack ? { stack } : {}), ...(typeof code === 'string' ? { code } : {}) };
}

/** The name that a function's text uses and does not have. */
function missing(error: unknown): string | undefined {
  if (order.source === undefined || !(error instanceof ReferenceError)) return undefined;
  const found = /^(\S+) is not defined|^Can't find variable: (\S+)/.exec(error.message);
  return found?.[1] ?? found?.[2];
}

function failureOf(error: unknown, calling: boolean): ProcessorFailure {
  const name = missing(error);
  if (name !== undefined) {
    const message = `The processor uses '${name}' from around it. It runs in another thread, where a function has no more than its context and what is global: hand it over in processorOptions, or make the processor a module and give its URL`;
    return { code: 'ERR_PROCESSOR', message, cause: causeOf(error) };
  }
  if (!calling) {
    return {
      code: 'ERR_PROCESSOR',
      message: `The processor failed: ${textOf(error)}`,
      cause: causeOf(error),
    };
  }
  const failure = callbackFailure(error) as Error & { code: ProcessorFailure['code'] };
  const { code, message } = failure;
  return code === 'ERR_INVALID_ARG_TYPE' ? { code, message } : { code, message, cause: causeOf(error) };
}

async function factoryOf(): Promise<unknown> {
  if (order.source !== undefined) {
    // Compilers that keep names call a helper of theirs, which is not in the text.
    return new Function('__name', `"use strict"; return (${order.source}\n)`)((f: unknown) => f);
  }
  const { default: found } = (await import(order.module as string)) as { default?: unknown };
  if (typeof found === 'function') return found;
  // A CommonJS module that was compiled from one with a default export.
  return (found as { default?: unknown } | undefined)?.default ?? found;
}

const kindOf = (value: unknown) => (value === null ? 'null' : typeof value);

async function makeCallback(): Promise<Callback> {
  const factory = await factoryOf();
  if (typeof factory !== 'function') {
    const what = 'the default export of its module must be a function that makes a callback';
    throw new TypeError(`${what}, got ${kindOf(factory)}`);
  }
  const callback: unknown = factory(order.context);
  if (typeof callback === 'function') return callback as Callback;
  const got = typeof (callback as { then?: unknown })?.then === 'function' ? 'a promise' : kindOf(callback);
  throw new TypeError(`its function must return a callback, got ${got}`);
}

let serve: (() => number) | undefined;
let looping = false;

function loop(): void {
  looping = true;
  let wanted = AGAIN;
  while (wanted === AGAIN) wanted = (serve as () => number)();
  if (wanted === TURN) {
    setImmediate(loop);
    return;
  }
  looping = false;
  if (wanted !== REST) process.exit();
}

// It keeps the thread alive too. Who says nothing says that a run begins.
parentPort?.on('message', (end?: true) => {
  if (serve === undefined) {
    if (end) process.exit();
  } else if (!looping) loop();
});

const make = ({ dtype, memory, size }: OrderSide) => new Blocks(order.raw, dtype, order.blocks, size, memory);

makeCallback().then(
  (callback) => {
    const input = order.input && make(order.input);
    const output = order.output && make(order.output);
    const caller = new BlockCaller(callback, input, output, order.context.blockSize);
    const call = (slot: number): number => {
      const flow = caller.call(slot);
      if (caller.thrown) {
        processor.fail(JSON.stringify(failureOf(caller.thrown.error, true)), false);
        caller.thrown = undefined;
      }
      return flow;
    };
    serve = () => processor.serve(call, caller.times.bytes);
    processor.begin(order.handoff);
    loop();
  },
  (error) => {
    processor.fail(JSON.stringify(failureOf(error, false)), true);
    process.exit();
  },
);
