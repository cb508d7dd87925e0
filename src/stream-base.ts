/** What all streams are. */
import { EventEmitter } from 'node:events';
import type { Transferable } from 'node:worker_threads';
import { fromNative, invalidType, native, show } from './errors.js';
import { xrunsOf } from './flags.js';
import { addon } from './native.js';
import { factor } from './options.js';
import { StreamCore, wake } from './stream-core.js';
import { type Direction, planStream, type StreamPlan } from './stream-plan.js';
import type { StreamEvents, StreamMembers } from './stream-types.js';

// A property is found sooner than an entry of a map: writing is that quick. No type knows of it.
const CORE = Symbol('core');

/** What is behind it. */
export function coreOf(stream: object): StreamCore {
  const core = (stream as { [CORE]?: StreamCore })[CORE];
  if (core === undefined) throw invalidType(`expected a stream, got ${show(stream)}`);
  return core;
}

/** A stream that has been opened already, for the constructor that is about to run. */
let waiting: { plan: StreamPlan; handle: ConstructorParameters<typeof StreamCore>[2] } | undefined;

/** What all streams are: opened by the constructor, inactive until `start()`. */
export abstract class StreamBase extends EventEmitter<StreamEvents> implements StreamMembers {
  constructor(direction: Direction, raw: boolean, options: unknown) {
    super();
    const opened = waiting;
    waiting = undefined;
    const plan = opened?.plan ?? planStream(direction, raw, options);
    Object.defineProperty(this, CORE, { value: new StreamCore(this, plan, opened?.handle) });
  }

  start(): this {
    coreOf(this).start();
    return this;
  }
  stop(): Promise<void> {
    return coreOf(this).stop();
  }
  stopSync(): void {
    coreOf(this).stopSync();
  }
  abort(): void {
    coreOf(this).abort();
  }
  close(): Promise<void> {
    return coreOf(this).close();
  }
  closeSync(): void {
    coreOf(this).closeSync();
  }
  [Symbol.dispose](): void {
    this.closeSync();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.closed) await this.stop();
    await this.close();
  }
  ref(): this {
    coreOf(this).hold(true);
    return this;
  }
  unref(): this {
    coreOf(this).hold(false);
    return this;
  }
  get ready(): Promise<void> {
    return coreOf(this).ready;
  }
  get finished(): Promise<void> {
    return coreOf(this).finished;
  }
  get active(): boolean {
    return coreOf(this).handle.active();
  }
  get stopped(): boolean {
    return coreOf(this).handle.stopped();
  }
  get closed(): boolean {
    return coreOf(this).handle.closed();
  }
  get sampleRate(): number {
    return coreOf(this).facts.sampleRate;
  }
  get blockSize(): number {
    return coreOf(this).plan.blockSize;
  }
  get time(): number {
    return native(() => coreOf(this).handle.time());
  }
  get cpuLoad(): number {
    return coreOf(this).handle.cpuLoad();
  }
  get realtime(): boolean {
    return coreOf(this).handle.realtime();
  }
  get volume(): number {
    return coreOf(this).handle.volume;
  }
  set volume(value: number) {
    const volume = factor(value, 'volume');
    native(() => coreOf(this).handle.setVolume(volume));
  }
  get xruns() {
    return xrunsOf(coreOf(this).handle);
  }
  get clipped(): number {
    return coreOf(this).handle.clipped();
  }
  get nan(): number {
    return coreOf(this).handle.nan();
  }
  postMessage(value: unknown, transfer?: readonly Transferable[]): void {
    coreOf(this).post(value, transfer);
  }
}

/** Any of the classes. */
export type AnyStream = StreamBase;

/** Opens without blocking the thread; then the constructor runs. */
export async function openAsync<T extends StreamBase>(
  make: new (options?: never) => T,
  direction: Direction,
  raw: boolean,
  options: unknown,
): Promise<T> {
  const plan = planStream(direction, raw, options);
  const handle = await addon.openStreamAsync(plan.options, wake).catch((error) => {
    throw fromNative(error);
  });
  if (plan.signal?.aborted) {
    handle.close();
    handle.leave();
    throw plan.signal.reason;
  }
  waiting = { plan, handle };
  try {
    return new make(options as never);
  } finally {
    waiting = undefined;
  }
}
