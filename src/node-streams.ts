/** Node's own streams. */
import type { Readable, Writable } from 'node:stream';
import { invalidValue } from './errors.js';
import { RawInputStream, RawOutputStream } from './stream.js';
import { coreOf } from './stream-base.js';
import { checkNodeStreamOptions, type NodeStreamOptions } from './stream-options.js';

/** Loaded when somebody wants it: programs without streams start a millisecond sooner. */
const builtin = () => process.getBuiltinModule('node:stream');

/**
 * Bytes of what is heard. Starts when first read; `destroy()` closes. Ends when the stream ends otherwise.
 *
 * @throws TypeError, RangeError for wrong options; SoundDeviceError where the system refuses.
 * @example
 * createReadStream({ dtype: 'int16', channels: 1 }).pipe(fs.createWriteStream('take.raw'));
 */
export function createReadStream(options?: NodeStreamOptions): Readable {
  checkNodeStreamOptions(options);
  const stream = new RawInputStream(options);
  const { transfers, plan } = coreOf(stream);
  let started = false;
  const { Readable } = builtin();
  return new Readable({
    read() {
      const next = async () => {
        if (!started) {
          started = true;
          stream.start();
        }
        return transfers.block(plan.blockSize);
      };
      next().then(
        (block) => this.push(block === undefined ? null : block.data),
        (error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      stream.close().then(() => callback(error));
    },
  });
}

/**
 * Plays the bytes that are written. Starts when first written to; 'finish' comes when the last frame has been played.
 * Chunks may end within a frame; `destroy()` drops what is pending and closes.
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
  return new Writable({
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
      stream.close().then(() => callback(error));
    },
  });
}
