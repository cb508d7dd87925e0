/** Waiting. */
import { invalidType, invalidValue, show } from './errors.js';

// A timer that is set for longer fires at once.
const LONGEST = 2 ** 31 - 1;

function check(milliseconds: unknown): number {
  if (typeof milliseconds !== 'number')
    throw invalidType(`milliseconds must be a number, got ${show(milliseconds)}`);
  if (!Number.isFinite(milliseconds)) throw invalidValue(`milliseconds must be finite, got ${milliseconds}`);
  return Math.max(0, milliseconds);
}

/**
 * Resolves after that many milliseconds; may take a little longer, never less. At once for 0 and less.
 *
 * @throws TypeError if it is no number, RangeError if it is not finite.
 * @example
 * await sleep(500);
 */
export function sleep(milliseconds: number): Promise<void> {
  const end = performance.now() + check(milliseconds);
  return new Promise((resolve) => {
    const wait = () => {
      const left = end - performance.now();
      if (left <= 0) resolve();
      else setTimeout(wait, Math.min(LONGEST, Math.ceil(left)));
    };
    setTimeout(wait, Math.min(LONGEST, Math.max(0, Math.ceil(end - performance.now()))));
  });
}

/**
 * The same, and the thread stands still. What plays or records goes on meanwhile.
 *
 * @throws TypeError if it is no number, RangeError if it is not finite.
 * @example
 * sleepSync(500);
 */
export function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, check(milliseconds));
}
