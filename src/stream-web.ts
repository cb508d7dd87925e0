/** Streams as the web knows them: the global ones, since importing them would cost every program that has no use for them. */
import { type AnyStream, coreOf } from './stream-base.js';
import { Iteration } from './stream-iteration.js';
import type { Block } from './stream-types.js';

const readables = new WeakMap<object, ReadableStream<unknown>>();
const writables = new WeakMap<object, WritableStream<unknown>>();

/** One block at a time, when somebody wants it. Cancelling does not stop the stream; when it has ended there is a new one. */
export function readableOf(stream: AnyStream): ReadableStream<unknown> {
  const known = readables.get(stream);
  if (known !== undefined) return known;
  let iteration: Iteration | undefined;
  let open = true;
  const forget = () => {
    if (open) readables.delete(stream);
    open = false;
  };
  const readable = new globalThis.ReadableStream<unknown>(
    {
      async pull(controller) {
        let block: Block<unknown> | undefined;
        try {
          iteration ??= new Iteration(coreOf(stream));
          block = await iteration.next();
        } catch (error) {
          forget();
          throw error;
        }
        if (!open) return;
        if (block !== undefined) return controller.enqueue(block.data);
        forget();
        controller.close();
      },
      cancel() {
        forget();
        iteration?.end();
      },
    },
    { highWaterMark: 0 },
  );
  readables.set(stream, readable);
  return readable;
}

/** Closing it plays out and closes the stream; aborting drops what there is, at once. After a failure there is a new one. */
export function writableOf(stream: AnyStream): WritableStream<unknown> {
  const known = writables.get(stream);
  if (known !== undefined) return known;
  const { transfers } = coreOf(stream);
  const writable = new globalThis.WritableStream<unknown>({
    start(controller) {
      // `abort` below waits for a write that waits for room.
      const { signal } = controller as typeof controller & { signal: AbortSignal };
      signal.addEventListener('abort', () => stream.abort());
    },
    async write(chunk) {
      try {
        await transfers.write(chunk);
      } catch (error) {
        writables.delete(stream);
        throw error;
      }
    },
    async close() {
      const { finished } = stream;
      await stream.stop();
      await stream.close();
      // Not everything has been heard if it has failed.
      await finished;
    },
    async abort() {
      stream.abort();
      await stream.close();
    },
  });
  writables.set(stream, writable);
  return writable;
}
