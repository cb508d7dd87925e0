/** Node's own streams. */
import type { Readable, Writable } from 'node:stream';
import { invalidValue } from './errors.js';
import { RawInputStream, RawOutputStream } from './stream.js';
import { type AnyStream, coreOf } from './stream-base.js';
import { Iteration } from './stream-iteration.js';
import { checkNodeStreamOptions, type NodeStreamOptions } from './stream-options.js';

/** Loaded when somebody wants it: programs without streams start a millisecond sooner. */
const builtin = () => process.getBuiltinModule('node:stream');

/** What fails, or is aborted, ends the stream that Node knows; says how to let go of the signal. */
function tie(stream: AnyStream, end: (error: Error) => void): () => void {
  const { signal } = coreOf(stream).plan;
  const abort = () => end(signal?.reason);
  stream.on('error', end);
  signal?.addEventListener('abort', abort, { once: true });
  return () => signal?.removeEventListener('abort', abort);
}

/**
 * Bytes of what is heard. Starts when first read; `destroy()` closes. Ends when the stream ends otherwise; is destroyed with the
 * error when the device is lost, and with the signal's reason when that aborts.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 * @example
 * createReadStream({ dtype: 'int16', channels: 1 }).pipe(fs.createWriteStream('take.raw'));
 */
export function createReadStream(options?: NodeStreamOptions): Readable {
  checkNodeStreamOptions(options);
  const stream = new RawInputStream(options);
  let iteration: Iteration | undefined;
  const { Readable } = builtin();
  const readable = new Readable({
    read() {
      const next = async () => {
        iteration ??= new Iteration(coreOf(stream.start()));
        const block = await iteration.next();
        if (!this.destroyed) this.push(block === undefined ? null : block.data);
      };
      next().catch((error) => this.destroy(error));
    },
    destroy(error, callback) {
      untie();
      iteration?.end();
      stream.close().then(() => callback(error));
    },
  });
  const untie = tie(stream, (error) => readable.destroy(error));
  return readable;
}

/**
 * Plays the bytes that are written. Starts when first written to; 'finish' comes when the last frame has been played.
 * Chunks may end within a frame; `destroy()` drops what is pending and closes. Is destroyed with the error when the device is
 * lost, and with the signal's reason when that aborts.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 * @example
 * fs.createReadStream('take.raw').pipe(createWriteStream({ dtype: 'int16', channels: 1 }));
 */
export function createWriteStream(options?: NodeStreamOptions): Writable {
  checkNodeStreamOptions(options);
  const stream = new RawOutputStream(options);
  const frame = stream.sampleSize * stream.channels;
  let started = false;
  let rest: Buffer = Buffer.alloc(0);
  const { Writable } = builtin();
  const writable = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      const go = async () => {
        if (!started) {
          started = true;
          stream.start();
        }
        const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
        const whole = bytes.length - (bytes.length % frame);
        rest = Buffer.from(bytes.subarray(whole));
        if (whole > 0) await stream.write(bytes.subarray(0, whole));
      };
      go().then(() => callback(), callback);
    },
    final(callback) {
      const end = async () => {
        if (rest.length > 0) {
          throw invalidValue(`data must be whole frames of ${frame} bytes, got ${rest.length} bytes more`);
        }
        await stream.stop();
      };
      end().then(() => callback(), callback);
    },
    destroy(error, callback) {
      untie();
      stream.close().then(() => callback(error));
    },
  });
  const untie = tie(stream, (error) => writable.destroy(error));
  return writable;
}
