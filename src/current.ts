/** The jobs that play() and its siblings started. */
import { SoundDeviceError } from './errors.js';
import type { CallbackFlags } from './flags.js';
import type { Job } from './job.js';

let newest: Job<unknown> | undefined;
const jobs = new Set<Job<unknown>>();

/** Makes it the newest; unless it overlaps, the others end. */
export function begin(job: Job<unknown>, overlap: boolean): void {
  if (!overlap) for (const other of jobs) other.abort();
  newest = job;
  jobs.add(job);
  const gone = () => jobs.delete(job);
  job.then(gone, gone);
}

function called(): Job<unknown> {
  if (newest !== undefined) return newest;
  throw new SoundDeviceError('ERR_NOT_CALLED_YET', 'play(), rec() or playrec() was not called yet');
}

const flagsOf = (job: Job<unknown>) => (job.status.any ? job.status : null);

/** The newest job: resolves when it has ended, with its flags if any was raised, else null. */
export async function wait(): Promise<CallbackFlags | null> {
  const job = newest;
  if (job === undefined) return null;
  try {
    await job;
  } catch {
    return null; // the job itself rejects
  }
  return flagsOf(job);
}

export function waitSync(): CallbackFlags | null {
  const job = newest;
  if (job === undefined) return null;
  try {
    job.waitSync();
  } catch (error) {
    if (error instanceof SoundDeviceError && error.code === 'ERR_WOULD_DEADLOCK') throw error;
    return null;
  }
  return flagsOf(job);
}

/** All jobs, overlapping ones too. */
export async function stop(): Promise<void> {
  await Promise.allSettled(Array.from(jobs, (job) => job.stop()));
}

export const getStatus = (): CallbackFlags => called().status;

/** The stream of the newest job, read-only. */
export function getStream() {
  const job = called();
  const stream = job.handle.stream();
  const side = (input: number, output: number) =>
    stream.inputDevice < 0 ? output : stream.outputDevice < 0 ? input : ([input, output] as const);
  return Object.freeze({
    sampleRate: stream.sampleRate,
    device: side(stream.inputDevice, stream.outputDevice),
    channels: side(stream.inputChannels, stream.outputChannels),
    latency: side(stream.inputLatency, stream.outputLatency),
    get active() {
      return job.active;
    },
    get stopped() {
      return !job.active;
    },
    get closed() {
      return !job.active;
    },
    get time() {
      return job.time;
    },
  });
}
