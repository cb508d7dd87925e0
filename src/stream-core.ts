/** What is behind a stream: its native handle, its runs, and what it tells. */
import type { EventEmitter } from 'node:events';
import type { Transferable } from 'node:worker_threads';
import {
  fromNative,
  invalidType,
  type NativeError,
  native,
  SoundDeviceError,
  streamClosed,
} from './errors.js';
import { CallbackFlags } from './flags.js';
import { addon, holdProcess, keep } from './native.js';
import { ProcessorThread } from './processor.js';
import { blocksOf, Caller, type Handle } from './stream-callback.js';
import type { StreamPlan } from './stream-plan.js';
import { Transfers } from './stream-transfer.js';
import type { StreamEvents } from './stream-types.js';

/** From a start to its end. */
interface Run {
  promise: Promise<void>;
  resolve(): void;
  reject(reason: unknown): void;
  /** Somebody has the promise. */
  asked: boolean;
  over: boolean;
}

function makeRun(): Run {
  let settle!: Pick<Run, 'resolve' | 'reject'>;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Never an unhandled rejection.
  promise.catch(() => {});
  return { promise, ...settle, asked: false, over: false };
}

/** Whatever a listener throws is uncaught, as with every emitter, but only after everybody has been told. */
function safely(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

/** Those that the addon may wake, which does not keep them from being collected. */
const cores = new Map<number, WeakRef<StreamCore>>();
const collected = new FinalizationRegistry<number>((number) => cores.delete(number));

/** The addon has something to tell of streams: once for all of them. */
export function wake(): void {
  for (const rung of addon.rungStreams()) {
    safely(() =>
      cores
        .get(rung >>> 1)
        ?.deref()
        ?.pump((rung & 1) === 1),
    );
  }
}

/** Does what a stream that nobody has any more leaves to be done: its thread ends, its signal loses an ear. */
const abandoned = new FinalizationRegistry<() => void>((leave) => leave());

export class StreamCore {
  readonly plan: StreamPlan;
  readonly handle: Handle;
  readonly facts: ReturnType<Handle['facts']>;
  readonly transfers: Transfers;
  readonly #owner: EventEmitter<StreamEvents>;
  readonly #caller: Caller | undefined;
  readonly #blocks: ReturnType<typeof blocksOf> | undefined;
  #processor: ProcessorThread | undefined;
  /** Why the processor failed. */
  #failure: Error | undefined;
  /** The runs that have not been heard of, then the last one, or the first to come. */
  #runs: Run[] = [];
  #last = makeRun();
  #forget: (() => void) | undefined;
  #alive: NodeJS.Timeout | undefined;
  #held = true;
  #closed = false;
  /** It has been started once. */
  begun = false;

  constructor(owner: EventEmitter<StreamEvents>, plan: StreamPlan, opened?: Handle) {
    this.#owner = owner;
    this.plan = plan;
    this.handle = opened ?? native(() => addon.openStream(plan.options, wake));
    this.facts = this.handle.facts();
    const told = (flags: CallbackFlags) => this.#xrun(flags);
    this.transfers = new Transfers(this.handle, plan, told);
    if (plan.callback || plan.processor) this.#blocks = blocksOf(plan, this.facts);
    if (plan.callback && this.#blocks)
      this.#caller = new Caller(this.handle, plan.callback, this.#blocks, told);
    cores.set(this.handle.number, new WeakRef(this));
    collected.register(this, this.handle.number);
    this.#startProcessor();
    this.#heed(plan.signal);
    if (plan.signal?.aborted) this.handle.abort();
  }

  /** A signal that stays keeps no stream that nobody has any more. */
  #heed(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const core = new WeakRef(this);
    const aborted = () => core.deref()?.cut();
    signal.addEventListener('abort', aborted, { once: true });
    this.#unheed = () => signal.removeEventListener('abort', aborted);
    abandoned.register(this, this.#unheed);
  }

  #unheed: (() => void) | undefined;

  #xrun(flags: CallbackFlags): void {
    if (this.#owner.listenerCount('xrun') > 0) safely(() => this.#owner.emit('xrun', flags));
  }

  start(): void {
    // What has ended by now belongs to the run before.
    this.pump();
    this.plan.signal?.throwIfAborted();
    // It waits for the run before to play out, which waits for what is still to be written.
    if (this.#stopping) this.transfers.flush();
    const runs = this.handle.active() && this.#runs.length > 0 && !this.#stopping;
    if (!runs) {
      this.#failure = undefined;
      if (this.#processor?.over && !this.#closed) this.#startProcessor();
    }
    this.#caller?.begin();
    native(() => this.handle.start(this.#blocks?.input?.bytes, this.#blocks?.output?.bytes));
    if (runs) return;
    this.begun = true;
    this.transfers.begin();
    this.#processor?.run();
    this.#stopping = false;
    if (this.#last.over) this.#last = makeRun();
    this.#runs.push(this.#last);
    this.#forget ??= keep(this);
    this.#alive ??= holdProcess();
    if (!this.#held) this.#alive.unref();
  }

  #stopping = false;

  /** In a thread of its own; a new one if the last one has failed. */
  #startProcessor(): void {
    const { plan, handle } = this;
    if (!plan.processor || !this.#blocks) return;
    const core = new WeakRef(this);
    const thread = new ProcessorThread(plan, plan.processor, handle, this.#blocks, {
      message: (value) => core.deref()?.heard(value) ?? true,
      died: (error) => core.deref()?.died(error),
    });
    this.#processor = thread;
    abandoned.unregister(this);
    const end = () => {
      handle.closeSync();
      void thread.end();
    };
    abandoned.register(this, end, this);
  }

  /** From the processor. Says whether anybody listened. */
  heard(value: unknown): boolean {
    let listened = true;
    if (!this.#closed) {
      safely(() => {
        listened = this.#owner.emit('message', value);
      });
    }
    return listened;
  }

  /** The processor's thread has ended by itself. */
  died(error: Error): void {
    // It may have said more before.
    this.pump();
    this.#failure ??= error;
    if (this.handle.active()) this.handle.fail();
  }

  get ready(): Promise<void> {
    return this.#processor?.ready ?? READY;
  }

  post(value: unknown, transfer?: readonly Transferable[]): void {
    if (!this.plan.processor || !this.#processor) {
      throw new SoundDeviceError('ERR_NOT_SUPPORTED', 'postMessage needs a stream with a processor');
    }
    if (this.#closed) throw streamClosed('The stream is closed');
    try {
      this.#processor.post(value, transfer);
    } catch (error) {
      const message = `value must be what structuredClone can copy: ${(error as Error).message}`;
      throw invalidType(message, error);
    }
  }

  stop(): Promise<void> {
    this.#end();
    this.#stopping = true;
    this.handle.stop();
    this.transfers.run();
    return this.#ended();
  }

  stopSync(): void {
    this.transfers.flush();
    native(() => this.handle.stopSync());
    this.#end();
    this.pump();
  }

  abort(): void {
    this.#end(true);
    this.handle.abort();
    this.transfers.run();
  }

  /** Its signal has aborted: there will not be another run. */
  cut(): void {
    this.abort();
    if (this.#runs.length === 0) this.#settleLast();
  }

  close(): Promise<void> {
    this.#end(true);
    this.handle.close();
    this.transfers.run();
    this.#leave();
    return this.#gone();
  }

  /** Resolves when nothing of it is left. */
  async #gone(): Promise<void> {
    await Promise.all([this.#ended(), this.#processor?.end()]);
  }

  closeSync(): void {
    this.#end(true);
    this.handle.closeSync();
    this.pump();
    this.#leave();
    void this.#processor?.end();
  }

  /** The callback is not called any more; what it is making is `dropped` or played. */
  #end(dropped = false): void {
    if (this.#caller === undefined) return;
    this.#caller.over = true;
    this.#caller.dropped ||= dropped;
  }

  #leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unheed?.();
    if (this.#runs.length > 0) return;
    this.handle.leave();
    this.#settleLast();
  }

  /** The run to come never will. */
  #settleLast(): void {
    if (this.#last.over) return;
    this.#last.over = true;
    this.#last.resolve();
  }

  /** Resolves when nothing runs any more. */
  async #ended(): Promise<void> {
    const run = this.#runs.at(-1);
    await run?.promise.catch(() => {});
  }

  get finished(): Promise<void> {
    this.#last.asked = true;
    return this.#last.promise;
  }

  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#alive?.ref();
    else this.#alive?.unref();
  }

  /** Sees to everything that native threads have to tell; `news`: runs may have ended, devices may have changed. */
  pump(news = true): void {
    const ends: NonNullable<ReturnType<Handle['look']>>[] = [];
    let settled = false;
    this.transfers.deferred = false;
    try {
      if (news) {
        for (let end = this.handle.look(); end; end = this.handle.look()) ends.push(end);
        if (this.plan.follows) this.#tellMoves();
      }
      this.#caller?.run();
      this.#attend();
      settled = this.transfers.run();
    } finally {
      // A clock that waits goes on only when those who got something have said whether they want more.
      this.transfers.deferred = settled && this.facts.manualClock;
      if (this.transfers.deferred) setImmediate(() => this.pump());
      // Nobody waits for those that look after a stream with a callback.
      else if (!this.#caller) this.handle.looked(this.transfers.waiting);
    }
    for (const { how, error } of ends) this.#finish(how, error as NativeError | undefined);
  }

  #tellMoves(): void {
    for (const device of this.handle.moved()) {
      safely(() => this.#owner.emit('device-changed', Object.freeze(device)));
    }
  }

  /** What the processor's thread has to tell. */
  #attend(): void {
    if (!this.#processor) return;
    this.#failure = this.#processor.look() ?? this.#failure;
    const flags = this.handle.takeFlags();
    // Priming is nothing that went wrong.
    if ((flags & 15) !== 0) this.#xrun(new CallbackFlags(flags));
  }

  #finish(how: string, error: NativeError | undefined): void {
    const run = this.#runs.shift();
    if (run === undefined) return;
    run.over = true;
    this.#stopping = false;
    if (this.#runs.length === 0) {
      clearInterval(this.#alive);
      this.#alive = undefined;
      this.#forget?.();
      this.#forget = undefined;
      if (this.#closed) this.handle.leave();
    }
    const told = how === 'callback' ? this.#failure : error && (fromNative(error) as Error);
    // Whatever else the callback has ordered before it threw.
    const failure = this.#caller?.failure ?? told;
    if (failure) this.#fail(run, failure);
    safely(() => this.#owner.emit('finished'));
    const { finishedCallback } = this.plan;
    if (finishedCallback) {
      try {
        finishedCallback();
      } catch (reason) {
        warn(`finishedCallback failed: ${reason instanceof Error ? (reason.stack ?? reason) : reason}`);
      }
    }
    if (failure && !this.#closed) run.reject(failure);
    else run.resolve();
  }

  #fail(run: Run, failure: Error): void {
    if (this.#owner.listenerCount('error') > 0) safely(() => this.#owner.emit('error', failure));
    else if (!run.asked && !this.transfers.complained) process.emitWarning(failure);
  }
}

const READY = Promise.resolve();

const warn = (text: string) => process.emitWarning(text, 'SoundDeviceWarning');
