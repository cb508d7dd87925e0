/** The jobs that play() and its siblings started. */
import { SoundDeviceError } from './errors.js';
import type { CallbackFlags } from './flags.js';
import { NativeJob } from './job.js';

let newest: NativeJob<unknown> | undefined;
const jobs = new Set<NativeJob<unknown>>();

/** Makes it the newest; unless it overlaps, the others end. */
export function begin(job: NativeJob<unknown>, overlap: boolean): void {
  if (!overlap) for (const other of jobs) other.abort();
  newest = job;
  jobs.add(job);
  const gone = () => jobs.delete(job);
  job.then(gone, gone);
}

/** Lets it be the newest, and waits where the call shall block. */
export function run<T>(job: NativeJob<T>, overlap: boolean, blocking: boolean | undefined): NativeJob<T> | T {
  begin(job, overlap);
  if (!blocking) return job;
  NativeJob.waitSync(job);
  return NativeJob.take(job);
}

/** The newest job. */
export function current(): NativeJob<unknown> {
  if (newest !== undefined) return newest;
  throw new SoundDeviceError('ERR_NOT_CALLED_YET', 'play(), rec() or playrec() was not called yet');
}

const flagsOf = (job: NativeJob<unknown>) => (job.status.any ? job.status : null);

/** Lets the thread stand still until a job has ended; says whether it ended well. */
export function outlast(job: NativeJob<unknown>): boolean {
  try {
    NativeJob.waitSync(job);
    return true;
  } catch (error) {
    if (error instanceof SoundDeviceError && error.code === 'ERR_WOULD_DEADLOCK') throw error;
    return false;
  }
}

/**
 * Waits for the newest job: resolves when it has ended, with its flags if any was raised, else null; also null if there was
 * none, or if it failed: then the job itself rejects.
 *
 * @example
 * play(data);
 * await wait();
 */
export async function wait(): Promise<CallbackFlags | null> {
  const job = newest;
  if (job === undefined) return null;
  try {
    await job;
  } catch {
    return null;
  }
  return flagsOf(job);
}

/**
 * The same, and the thread stands still.
 *
 * @throws SoundDeviceError `ERR_WOULD_DEADLOCK` on a manual clock.
 */
export function waitSync(): CallbackFlags | null {
  const job = newest;
  return job !== undefined && outlast(job) ? flagsOf(job) : null;
}

/** Stops all jobs, overlapping ones too; resolves when they have played out. Nothing happens if there is none. */
export async function stop(): Promise<void> {
  await Promise.allSettled(Array.from(jobs, (job) => job.stop()));
}

/**
 * The flags of the newest job, live.
 *
 * @throws SoundDeviceError `ERR_NOT_CALLED_YET` before the first play, rec or playrec.
 */
export const getStatus = (): CallbackFlags => current().status;
