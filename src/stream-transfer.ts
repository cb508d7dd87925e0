/** Reading from and writing to streams without callbacks. */
import { AudioData } from './audio-data.js';
import {
  arrayOf,
  bytesOf,
  checkAttached,
  type DType,
  dtypeOf,
  makeArray,
  type SampleArray,
  type Typed,
} from './dtype.js';
import { fromNative, invalidType, invalidValue, native, SoundDeviceError, show } from './errors.js';
import { CallbackFlags } from './flags.js';
import { integer } from './options.js';
import { interleave } from './source.js';
import type { Handle } from './stream-callback.js';
import { Intake, type Taken } from './stream-intake.js';
import type { SidePlan, StreamPlan } from './stream-plan.js';
import type { Block, Reading } from './stream-types.js';

/** Sample arrays, or buffers. */
export type Bytes = SampleArray | Buffer;

interface Settle<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** A read that waits. `least` frames are enough; `wanted` undefined takes what there is. */
interface PendingRead extends Settle<Taken> {
  into: Bytes | undefined;
  wanted: number | undefined;
  frames: number;
  time: Reading<Bytes>['time'] | undefined;
  flags: number;
  /** Whose it is, if it is one of an iteration: the end of the stream gives that what was read by then. */
  owner: object | undefined;
}

interface PendingWrite extends Settle<boolean> {
  bytes: Uint8Array;
  done: number;
  underflowed: boolean;
}

const BITS = { inputOverflow: 2, outputUnderflow: 4 };

const overflow = (flags: number) => (flags & BITS.inputOverflow) !== 0;

function make(raw: boolean, side: SidePlan, samples: number): Bytes {
  return raw ? Buffer.alloc(samples * side.size) : makeArray(side.dtype, samples);
}

function cut(data: Bytes, samples: number, side: SidePlan): Bytes {
  const items = (samples * side.size) / data.BYTES_PER_ELEMENT;
  if (items === data.length) return data;
  return Buffer.isBuffer(data) ? Buffer.from(data.subarray(0, items)) : data.slice(0, items);
}

export class Transfers {
  readonly #handle: Handle;
  readonly #plan: StreamPlan;
  readonly #told: (flags: CallbackFlags) => void;
  readonly #channels: readonly [number, number];
  readonly #intake: Intake;
  readonly #reads: PendingRead[] = [];
  /** What has been read for iterations that have not heard of it yet. */
  readonly #arriving: { taken: Taken; owner: object }[] = [];
  readonly #writes: PendingWrite[] = [];
  /** Arrays that are written as they are, and bytes per frame of output. */
  readonly #plain: ReturnType<typeof arrayOf>;
  readonly #frame: number;
  /** Somebody will look soon, whatever is waiting then. */
  deferred = false;
  /** A read or a write that waited has told why the run failed. */
  complained = false;

  constructor(handle: Handle, plan: StreamPlan, told: (flags: CallbackFlags) => void) {
    this.#handle = handle;
    this.#plan = plan;
    this.#told = told;
    const { inputChannels, outputChannels } = handle.facts();
    this.#channels = [inputChannels, outputChannels];
    this.#intake = new Intake(handle, plan.input?.size ?? 1, told);
    this.#plain = arrayOf(plan.raw ? 'uint8' : (plan.output?.dtype ?? 'uint8'));
    this.#frame = (plan.output?.size ?? 1) * outputChannels;
  }

  /** What an error is told as: an aborted signal has its own reason. */
  #reason(error: unknown): unknown {
    return this.#plan.signal?.aborted ? this.#plan.signal.reason : error;
  }

  /** Calls the addon for a call of the user's. */
  #native<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw this.#reason(fromNative(error));
    }
  }

  /** Another run begins. */
  begin(): void {
    this.complained = false;
    this.#intake.begin();
  }

  /** That many frames. */
  read(count: number): Promise<Reading<Bytes>> {
    const frames = integer(0)(count, 'frames');
    this.#native(() => this.#handle.checkRead());
    return this.#fill(frames, undefined).then(({ data, time, flags }) => ({
      data,
      overflowed: overflow(flags),
      time,
    }));
  }

  /** A block of `owner`, which is an iteration: `frames` of them, or with 0 what there is, or the rest. */
  async block(frames: number, owner: object): Promise<Block<Bytes> | undefined> {
    const taken = await this.#fill(frames > 0 ? frames : undefined, owner);
    const index = this.#arriving.findIndex((one) => one.taken === taken);
    if (index < 0) return undefined;
    this.#arriving.splice(index, 1);
    return {
      data: taken.data,
      frames: taken.frames,
      time: taken.time,
      status: new CallbackFlags(taken.flags & 15),
    };
  }

  /** The blocks that it waits for come empty. What they had begun to hold goes to who reads next. */
  withdraw(owner: object): void {
    for (const pending of this.#reads.filter((one) => one.owner === owner)) {
      this.#reads.splice(this.#reads.indexOf(pending), 1);
      this.#putBack(pending);
      pending.frames = 0;
      this.#settle(pending, make(this.#plan.raw, this.#plan.input as SidePlan, 0));
    }
    // The first of them came first.
    for (const { taken } of this.#arriving.filter((one) => one.owner === owner).reverse()) {
      this.#intake.putBack(taken);
    }
    const others = this.#arriving.filter((one) => one.owner !== owner);
    this.#arriving.splice(0, Infinity, ...others);
    if (this.#reads.length > 0) this.run();
  }

  #putBack({ into, frames, time, flags }: PendingRead): void {
    if (into) this.#intake.putBack({ data: into, frames, time, flags });
  }

  #fill(wanted: number | undefined, owner: object | undefined): Promise<Taken> {
    const side = this.#plan.input as SidePlan;
    const into = wanted === undefined ? undefined : make(this.#plan.raw, side, wanted * this.#channels[0]);
    return new Promise((resolve, reject) => {
      const pending = { into, wanted, frames: 0, time: undefined, flags: 0, owner, resolve, reject };
      this.#reads.push(pending);
      this.run();
      if (!this.waiting || this.deferred) return;
      this.#handle.looked(true);
      // What came in between was told to nobody.
      if (this.#reads.length === 1) this.run();
    });
  }

  /** What is there of a read; whether that ends it. */
  #serve(pending: PendingRead): boolean {
    const side = this.#plan.input as SidePlan;
    const channels = this.#channels[0];
    try {
      const { available } = this.#intake;
      if (pending.into === undefined) {
        if (available === 0) return this.#endOf(pending);
        pending.into = make(this.#plan.raw, side, available * channels);
        pending.wanted = available;
      }
      const wanted = pending.wanted as number;
      if (pending.frames < wanted && available === 0) return this.#endOf(pending);
      const bytes = bytesOf(pending.into).subarray(pending.frames * channels * side.size);
      const frames = this.#intake.take(bytes);
      pending.flags |= this.#intake.flags;
      if (frames > 0 || wanted === 0) pending.time ??= this.#intake.time();
      pending.frames += frames;
      if (pending.frames < wanted) return this.#endOf(pending);
      this.#settle(pending, pending.into);
    } catch (error) {
      pending.reject(error);
    }
    return true;
  }

  #settle(pending: PendingRead, data: Bytes): void {
    const { frames, flags, owner } = pending;
    const taken = { data, frames, time: pending.time ?? this.#intake.time(), flags };
    if (owner && frames > 0) this.#arriving.push({ taken, owner });
    pending.resolve(taken);
  }

  /** Nothing is there: whether nothing will come. */
  #endOf(pending: PendingRead): boolean {
    try {
      native(() => this.#handle.checkRead());
      return false;
    } catch (error) {
      const ordered = isOrdered(error);
      if (pending.owner && ordered) {
        const side = this.#plan.input as SidePlan;
        const data = pending.into ?? make(this.#plan.raw, side, 0);
        this.#settle(pending, cut(data, pending.frames * this.#channels[0], side));
      } else {
        this.#putBack(pending);
        this.complained ||= !ordered;
        pending.reject(this.#reason(error));
      }
      return true;
    }
  }

  readSync(count: number): Reading<Bytes> {
    const frames = integer(0)(count, 'frames');
    this.#native(() => this.#handle.checkRead());
    const data = make(this.#plan.raw, this.#plan.input as SidePlan, frames * this.#channels[0]);
    this.#intake.takeSync(bytesOf(data));
    return { data, overflowed: overflow(this.#intake.flags), time: this.#intake.time() };
  }

  readInto(buffer: unknown): { frames: number; overflowed: boolean } {
    const { dtype, size } = this.#plan.input as SidePlan;
    const bytes = this.#plan.raw ? rawBytes(buffer) : bytesOf(bareSamples(buffer, dtype));
    checkWhole(bytes.byteLength, size, this.#channels[0]);
    this.#native(() => this.#handle.checkRead());
    const frames = this.#intake.take(bytes);
    return { frames, overflowed: overflow(this.#intake.flags) };
  }

  get readAvailable(): number {
    return this.#intake.available;
  }

  /** Samples to be written, as the addon takes them. */
  #samples(data: unknown): Typed {
    // Most of what is written needs no closer look, which would take longer than writing it.
    if (data instanceof this.#plain && data.length > 0 && data.byteLength % this.#frame === 0) return data;
    const { dtype, size } = this.#plan.output as SidePlan;
    const channels = this.#channels[1];
    const samples = this.#plan.raw ? rawBytes(data) : samplesOf(data, dtype, channels);
    checkWhole(samples.byteLength, size, channels);
    return samples;
  }

  #played(result: number): [frames: number, underflowed: boolean] {
    const underflowed = (result & 1) === 1;
    if (underflowed) this.#told(new CallbackFlags(BITS.outputUnderflow));
    return [result >>> 1, underflowed];
  }

  write(data: unknown): Promise<boolean> {
    const samples = this.#samples(data);
    let done = 0;
    let underflowed = false;
    if (this.#writes.length === 0) {
      const [frames, missing] = this.#played(this.#native(() => this.#handle.tryWrite(samples)));
      done = frames * this.#frame;
      underflowed = missing;
      if (done === samples.byteLength) return Promise.resolve(underflowed);
    }
    this.#native(() => this.#handle.beginWrite());
    return new Promise((resolve, reject) => {
      this.#writes.push({ bytes: bytesOf(samples).slice(done), done: 0, underflowed, resolve, reject });
      if (!this.deferred) this.#handle.looked(true);
    });
  }

  writeSync(data: unknown): boolean {
    const samples = this.#samples(data);
    if (this.#writes.length > 0) {
      this.#native(() => this.#handle.checkWrite());
      this.flush();
    }
    const underflowed = this.#native(() => this.#handle.writeSync(samples));
    if (underflowed) this.#told(new CallbackFlags(BITS.outputUnderflow));
    return underflowed;
  }

  /** Writes what is waiting while the thread stands still. */
  flush(): void {
    while (this.#writes.length > 0) {
      const pending = this.#writes[0] as PendingWrite;
      const rest = pending.bytes.subarray(pending.done);
      const underflowed = this.#native(() => this.#handle.finishWrite(rest));
      this.#writes.shift();
      this.#handle.endWrite();
      pending.resolve(pending.underflowed || underflowed);
    }
  }

  get writeAvailable(): number {
    return this.#native(() => this.#handle.writeAvailable());
  }

  /** Whether anybody waits for input or for room. */
  get waiting(): boolean {
    return this.#reads.length > 0 || this.#writes.length > 0;
  }

  /** Does what can be done now; says whether anything that waited has been settled. */
  run(): boolean {
    const before = this.#reads.length + this.#writes.length;
    while (this.#reads.length > 0 && this.#serve(this.#reads[0] as PendingRead)) this.#reads.shift();
    while (this.#writes.length > 0) {
      const pending = this.#writes[0] as PendingWrite;
      try {
        const result = this.#handle.goOnWriting(pending.bytes.subarray(pending.done));
        const [frames, underflowed] = this.#played(result);
        pending.done += frames * this.#frame;
        pending.underflowed ||= underflowed;
        if (pending.done < pending.bytes.byteLength) break;
        this.#writes.shift();
        this.#handle.endWrite();
        pending.resolve(pending.underflowed);
      } catch (error) {
        this.#writes.shift();
        this.#handle.endWrite();
        const told = fromNative(error);
        this.complained ||= !isOrdered(told);
        pending.reject(this.#reason(told));
      }
    }
    return this.#reads.length + this.#writes.length < before;
  }
}

/** Whether it says that the user has ended the stream. */
function isOrdered(error: unknown): boolean {
  const code = error instanceof SoundDeviceError ? error.code : undefined;
  return code === 'ERR_STREAM_STOPPED' || code === 'ERR_STREAM_CLOSED';
}

function checkWhole(bytes: number, size: number, channels: number): void {
  if (bytes % size !== 0) {
    throw invalidValue(`data must be whole samples of ${size} bytes, got ${bytes} bytes`);
  }
  if ((bytes / size) % channels !== 0) {
    throw invalidValue(
      `number of channels must match: expected whole frames of ${channels} samples, got ${bytes / size}`,
    );
  }
}

function rawBytes(data: unknown): Uint8Array {
  if (ArrayBuffer.isView(data)) {
    checkAttached(data, 'data');
    return bytesOf(data);
  }
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) {
    checkAttached(data, 'data');
    return new Uint8Array(data);
  }
  throw invalidType(`data must be bytes (a view, an ArrayBuffer, a SharedArrayBuffer), got ${show(data)}`);
}

function mismatch(got: string, dtype: DType): TypeError {
  return invalidType(`dtype mismatch: expected ${dtype}, got ${got}`);
}

/** A bare array of the stream's own dtype. */
function bareSamples(data: unknown, dtype: DType): Typed {
  const own = dtypeOf(data);
  if (own === undefined) throw invalidType(`data must be samples of ${dtype}, got ${show(data)}`);
  if (own !== (dtype === 'int24' ? 'uint8' : dtype)) throw mismatch(own, dtype);
  // Looking at the buffer of an array that has a length would cost as much as all the rest.
  if ((data as Typed).length === 0) checkAttached(data as Typed, 'data');
  return data as Typed;
}

function samplesOf(data: unknown, dtype: DType, channels: number): Typed {
  if (data instanceof AudioData) {
    if (data.dtype !== dtype) throw mismatch(data.dtype, dtype);
    if (data.channels !== channels) {
      throw invalidValue(`number of channels must match: expected ${channels}, got ${data.channels}`);
    }
    return bareSamples(data.data, dtype);
  }
  if (Array.isArray(data) && dtypeOf(data[0]) !== undefined) {
    for (const plane of data) bareSamples(plane, dtype);
    if (data.length !== channels) {
      throw invalidValue(`number of channels must match: expected ${channels}, got ${data.length}`);
    }
    return interleave(data, dtype).bytes;
  }
  return bareSamples(data, dtype);
}
