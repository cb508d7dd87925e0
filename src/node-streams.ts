/** Node's own streams. */
import type { Readable, Writable } from 'node:stream';
import { notSupported } from './errors.js';
import { checkNodeStreamOptions, type NodeStreamOptions } from './stream-options.js';

/**
 * Bytes of what is heard. Starts when first read; `destroy()` closes.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 * @example
 * createReadStream({ dtype: 'int16', channels: 1 }).pipe(createWriteStream('take.raw'));
 */
export function createReadStream(options?: NodeStreamOptions): Readable {
  checkNodeStreamOptions(options);
  throw notSupported('createReadStream');
}

/**
 * Plays the bytes that are written. 'finish' comes when the last frame has been played.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 * @example
 * fs.createReadStream('take.raw').pipe(createWriteStream({ dtype: 'int16', channels: 1 }));
 */
export function createWriteStream(options?: NodeStreamOptions): Writable {
  checkNodeStreamOptions(options);
  throw notSupported('createWriteStream');
}
