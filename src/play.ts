/** Playing. */
import { run } from './current.js';
import { invalidValue } from './errors.js';
import type { CallbackFlags } from './flags.js';
import { type Job, NativeJob } from './job.js';
import {
  type Blocking,
  type Common,
  checked,
  type NotBlocking,
  PLAY,
  type PlayOptions,
  type Range,
  shared,
  side,
} from './job-options.js';
import { type AudioSource, type Interleaved, interleave } from './source.js';

/** What is to be played. */
export function output(source: Interleaved, given: Common, mapping: number[] | undefined, loop?: Range) {
  if (loop && source.frames === 0)
    throw invalidValue('empty data cannot be looped: expected at least one frame, got 0');
  const { bytes, live, dtype, channels } = source;
  return {
    data: bytes,
    live,
    dtype,
    channels,
    ...side(given, 'output'),
    ...(mapping ? { mapping } : {}),
    ...(loop ? { loop: { ...loop, end: loop.end ?? source.frames } } : {}),
  };
}

/**
 * Plays. Starts at once and returns; works in native threads, so a blocked event loop does not make it glitch. Stops what
 * was playing or recording, unless it shall overlap, but only once the new stream is open: errors leave it playing. Data is
 * copied at the call; SharedArrayBuffer data is played live, but for planes that have to be woven: those are copied too.
 * Mono goes to all channels of the device, up to two. With `blocking` the thread waits for the end and the flags are
 * returned.
 *
 * @throws TypeError, RangeError for wrong arguments; SoundDeviceError where the system refuses.
 * @example
 * await play(data, { sampleRate: 44100 });
 * play(stereo, 48000, { mapping: [2, 1], loop: true });
 */
export function play(data: AudioSource, options: PlayOptions & Blocking): CallbackFlags;
export function play(data: AudioSource, sampleRate: number, options: PlayOptions & Blocking): CallbackFlags;
export function play(data: AudioSource, options?: PlayOptions & NotBlocking): Job<CallbackFlags>;
export function play(
  data: AudioSource,
  sampleRate: number,
  options?: PlayOptions & NotBlocking,
): Job<CallbackFlags>;
export function play(
  data: AudioSource,
  rate?: number | PlayOptions,
  more?: PlayOptions,
): Job<CallbackFlags> | CallbackFlags {
  const given = checked(rate, more, PLAY);
  const source = interleave(data, given.dtype);
  const options = {
    output: output(source, given, given.mapping, given.loop),
    ...shared(given, source.sampleRate),
  };
  const job: NativeJob<CallbackFlags> = NativeJob.open<CallbackFlags>({
    options,
    held: [source.bytes],
    result: () => job.status,
    signal: given.signal,
    blocking: given.blocking,
  });
  return run(job, given.overlap ?? false, given.blocking);
}
