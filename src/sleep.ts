/** Waiting. */
import { invalidType, invalidValue, show } from './errors.js';

function check(milliseconds: unknown): number {
  if (typeof milliseconds !== 'number')
    throw invalidType(`milliseconds must be a number, got ${show(milliseconds)}`);
  if (!Number.isFinite(milliseconds)) throw invalidValue(`milliseconds must be finite, got ${milliseconds}`);
  return Math.max(0, milliseconds);
}

export function sleep(milliseconds: number): Promise<void> {
  const time = check(milliseconds);
  return new Promise((resolve) => {
    setTimeout(resolve, time);
  });
}

export function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, check(milliseconds));
}
