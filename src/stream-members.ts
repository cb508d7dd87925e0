/** What the classes of streams have in common, by direction: put onto their prototypes. */

import { type AnyStream, coreOf } from './stream-base.js';
import { Iteration } from './stream-iteration.js';
import type { Block, Reading } from './stream-types.js';
import { readableOf, writableOf } from './stream-web.js';

type Members = object & ThisType<AnyStream>;

/** What reads. */
export const READER: Members = {
  [Symbol.asyncIterator](): AsyncIterableIterator<Block<unknown>> {
    const iteration = new Iteration(coreOf(this));
    const iterator: AsyncIterableIterator<Block<unknown>> = {
      async next() {
        const value = await iteration.next();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      async return() {
        iteration.end();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  },
  read(frames: number): Promise<Reading<unknown>> {
    return coreOf(this).transfers.read(frames);
  },
  readSync(frames: number): Reading<unknown> {
    return coreOf(this).transfers.readSync(frames);
  },
  readInto(buffer: unknown) {
    return coreOf(this).transfers.readInto(buffer);
  },
  get readAvailable(): number {
    return coreOf(this as never).transfers.readAvailable;
  },
  get readable() {
    return readableOf(this as never);
  },
};

/** What writes. */
export const WRITER: Members = {
  write(data: unknown): Promise<boolean> {
    return coreOf(this).transfers.write(data);
  },
  writeSync(data: unknown): boolean {
    return coreOf(this).transfers.writeSync(data);
  },
  get writeAvailable(): number {
    return coreOf(this as never).transfers.writeAvailable;
  },
  get writable() {
    return writableOf(this as never);
  },
};

type Core = ReturnType<typeof coreOf>;
type Which = 'input' | 'output';

/** What a stream was opened with, in one direction. */
const ONE: Record<string, (core: Core, which: Which) => unknown> = {
  channels: ({ facts }, which) => (which === 'input' ? facts.inputChannels : facts.outputChannels),
  // It may have moved.
  device: ({ handle }, which) =>
    which === 'input' ? handle.facts().inputDevice : handle.facts().outputDevice,
  dtype: ({ plan }, which) => plan[which]?.dtype,
  sampleSize: ({ plan }, which) => plan[which]?.size,
  latency: ({ handle }, which) => (which === 'input' ? handle.inputLatency() : handle.outputLatency()),
};

function facts(read: (one: (core: Core, which: Which) => unknown, core: Core) => unknown): object {
  const members = {};
  for (const [name, one] of Object.entries(ONE)) {
    Object.defineProperty(members, name, {
      get(this: AnyStream) {
        return read(one, coreOf(this));
      },
      configurable: true,
    });
  }
  return members;
}

export const INPUT_FACTS = facts((one, core) => one(core, 'input'));
export const OUTPUT_FACTS = facts((one, core) => one(core, 'output'));
export const BOTH_FACTS = facts((one, core) => Object.freeze([one(core, 'input'), one(core, 'output')]));

/** Puts members onto a class. */
export function give(target: { prototype: object }, ...members: object[]): void {
  for (const one of members) {
    const all = Object.getOwnPropertyDescriptors(one);
    for (const key of Reflect.ownKeys(all) as (keyof typeof all)[]) {
      Object.defineProperty(target.prototype, key, {
        ...(all[key] as PropertyDescriptor),
        enumerable: false,
      });
    }
  }
}
