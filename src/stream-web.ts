/** Streams as the web knows them: the global ones, since importing them would cost every program that has no use for them. */
import { type AnyStream, coreOf } from './stream-base.js';

const readables = new WeakMap<object, ReadableStream<unknown>>();
const writables = new WeakMap<object, WritableStream<unknown>>();

/** One block at a time, when somebody wants it. Cancelling does not stop the stream. */
export function readableOf(stream: AnyStream): ReadableStream<unknown> {
  const known = readables.get(stream);
  if (known !== undefined) return known;
  const { transfers, plan } = coreOf(stream);
  const readable = new globalThis.ReadableStream<unknown>(
    {
      async pull(controller) {
        const block = await transfers.block(plan.blockSize);
        if (block === undefined) controller.close();
        else controller.enqueue(block.data);
      },
    },
    { highWaterMark: 0 },
  );
  readables.set(stream, readable);
  return readable;
}

/** Closing it plays out and closes the stream; aborting drops what there is. */
export function writableOf(stream: AnyStream): WritableStream<unknown> {
  const known = writables.get(stream);
  if (known !== undefined) return known;
  const { transfers } = coreOf(stream);
  const writable = new globalThis.WritableStream<unknown>({
    async write(chunk) {
      await transfers.write(chunk);
    },
    async close() {
      await stream.stop();
      await stream.close();
    },
    async abort() {
      stream.abort();
      await stream.close();
    },
  });
  writables.set(stream, writable);
  return writable;
}
