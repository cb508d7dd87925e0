/** Playing and recording at the same time. */
import type { AudioData } from './audio-data.js';
import { run } from './current.js';
import type { DType, Typed } from './dtype.js';
import type { Job } from './job.js';
import { type Blocking, checked, type NotBlocking, PLAYREC, type PlayrecOptions } from './job-options.js';
import { output } from './play.js';
import { record } from './rec.js';
import { type AudioSource, type DTypeOf, interleave } from './source.js';

type Both<D extends DType> = Omit<PlayrecOptions<D>, 'dtype'> & { dtype?: D };
type OutTo<A> = Omit<PlayrecOptions<DType>, 'out'> & { out: A };

/**
 * Plays and records as many frames at the same time. Everything else is as with `play` and `rec`; the recording has the
 * data's dtype unless told otherwise.
 *
 * @throws TypeError, RangeError for wrong arguments; SoundDeviceError where the system refuses.
 * @example
 * const heard = await playrec(sweep, 48000, { channels: 1, align: true });
 */
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  options: OutTo<A> & Blocking,
): AudioData<DTypeOf<A>>;
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  options: OutTo<A> & NotBlocking,
): Job<AudioData<DTypeOf<A>>>;
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  sampleRate: number,
  options: OutTo<A> & Blocking,
): AudioData<DTypeOf<A>>;
export function playrec<A extends Typed | AudioData>(
  data: AudioSource,
  sampleRate: number,
  options: OutTo<A> & NotBlocking,
): Job<AudioData<DTypeOf<A>>>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  options: Both<D> & Blocking,
): AudioData<D>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  options?: Both<D> & NotBlocking,
): Job<AudioData<D>>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  sampleRate: number,
  options: Both<D> & Blocking,
): AudioData<D>;
export function playrec<S extends AudioSource, D extends DType = DTypeOf<S>>(
  data: S,
  sampleRate: number,
  options?: Both<D> & NotBlocking,
): Job<AudioData<D>>;
export function playrec(
  data: AudioSource,
  rate?: number | object,
  more?: object,
): Job<AudioData> | AudioData {
  const { inputMapping, outputMapping, ...given } = checked(rate, more, PLAYREC);
  const source = interleave(data);
  const extra = {
    output: output(source, given, outputMapping),
    held: source.bytes,
    sampleRate: source.sampleRate,
  };
  const wanted = { ...given, ...(inputMapping ? { mapping: inputMapping } : {}) };
  const job = record(source.frames, wanted, given.dtype ?? source.dtype, extra);
  return run(job, false, given.blocking);
}
