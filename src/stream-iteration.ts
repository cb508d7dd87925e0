/** Blocks of a stream one after the other: for iterations, and for what is read in their place. */
import { native } from './errors.js';
import type { StreamCore } from './stream-core.js';
import type { Bytes } from './stream-transfer.js';
import type { Block } from './stream-types.js';

export class Iteration {
  readonly #core: StreamCore;
  #over = false;

  /** @throws What reading would, where nothing will ever come: it was never started, is closed, or has a callback. */
  constructor(core: StreamCore) {
    this.#core = core;
    const { callback, processor } = core.plan;
    if (callback || processor || !core.begun || core.handle.closed()) native(() => core.handle.checkRead());
  }

  /** The next block; none at the end. @throws What the stream ended by. */
  async next(): Promise<Block<Bytes> | undefined> {
    if (this.#over) return undefined;
    const { transfers, plan } = this.#core;
    let block: Block<Bytes> | undefined;
    try {
      block = await transfers.block(plan.blockSize, this);
    } finally {
      if (block === undefined) this.#over = true;
    }
    return block;
  }

  /** Nobody wants any more: what waits takes nothing from those that read later. */
  end(): void {
    this.#over = true;
    this.#core.transfers.withdraw(this);
  }
}
