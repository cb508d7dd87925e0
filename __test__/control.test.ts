import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import {
  getStatus,
  getStream,
  type Job,
  play,
  playrec,
  queryDevices,
  rec,
  stop,
  virtual,
  wait,
  waitSync,
} from 'sounddevice';
import { manual, nameOf, noise, PERIOD, RATE, ramp, refusal, same } from './helper.js';

type Device = ReturnType<typeof manual>;
type Start = (device: Device, options?: { signal?: AbortSignal }) => Job<unknown>;

const KINDS: Record<string, Start> = {
  play: ({ index }, options) => play(ramp(1000), { device: index, ...options }),
  rec: ({ index }, options) => rec(1000, { device: index, channels: 1, ...options }),
  playrec: ({ index }, options) => playrec(ramp(1000), { device: index, channels: 1, ...options }),
};

const silent = (frames: number) => new Array<number>(frames).fill(0);
const part = (from: number, to: number) => Array.from(ramp(4096).subarray(from, to));

test.serial('a paused play is silent and goes on where it was', async (t) => {
  using device = manual(1);
  const job = play(ramp(1000), { device: device.index });
  await device.advance(256);
  job.pause();
  t.is(job.position, 256);
  await device.advance(512);
  t.is(job.position, 256);
  t.true(job.active);
  job.resume();
  await device.advance(1024);
  await job;
  same(t, device.played()[0], [...part(0, 256), ...silent(512), ...part(256, 1000), ...silent(24)]);
});

test.serial('pause and resume within a period change nothing, twice is once', async (t) => {
  using device = manual(1);
  const job = play(ramp(512), { device: device.index });
  job.pause();
  job.pause();
  job.resume();
  await device.advance(256);
  job.resume();
  await device.advance(256);
  await job;
  same(t, device.played()[0], ramp(512));
});

test.serial('a paused recording leaves out what it did not hear', async (t) => {
  using device = manual(1);
  device.feed([ramp(1024)]);
  const job = rec(512, { device: device.index, channels: 1 });
  await device.advance(256);
  job.pause();
  await device.advance(512);
  t.is(job.position, 256);
  job.resume();
  await device.advance(256);
  same(t, (await job).data, [...part(0, 256), ...part(768, 1024)]);
});

test.serial('a paused job can be stopped and aborted', async (t) => {
  using device = manual(1);
  for (const end of ['stop', 'abort'] as const) {
    const job = play(ramp(1000), { device: device.index });
    await device.advance(256);
    job.pause();
    await device.advance(256);
    job[end]();
    await device.advance(256);
    t.false((await job).any);
    t.is(job.position, 256);
    const recording = rec(1000, { device: device.index, channels: 1 });
    await device.advance(256);
    recording.pause();
    recording[end]();
    await device.advance(256);
    t.is((await recording).frames, 256);
  }
});

test.serial('only the paused one of overlapping jobs is silent', async (t) => {
  using device = manual(1);
  const one = play(new Float32Array(512).fill(0.5), { device: device.index });
  const two = play(new Float32Array(512).fill(0.25), { device: device.index, overlap: true });
  one.pause();
  await device.advance(256);
  one.resume();
  await device.advance(512);
  await Promise.all([one, two]);
  const levels = [0.25, 0.75, 0.5];
  same(
    t,
    device.played()[0],
    levels.flatMap((level) => new Array(256).fill(level)),
  );
});

test.serial('seek goes to a frame from the next period on', async (t) => {
  using device = manual(1);
  const job = play(ramp(1000), { device: device.index });
  job.seek(600);
  await device.advance(256);
  t.is(job.position, 856);
  job.seek(10);
  t.is(job.position, 856);
  await device.advance(256);
  t.is(job.position, 266);
  job.seek(990);
  await device.advance(256);
  await job;
  same(t, device.played()[0], [...part(600, 856), ...part(10, 266), ...part(990, 1000), ...silent(246)]);
});

test.serial('seek to the end or beyond it ends the job', async (t) => {
  using device = manual(1);
  for (const frame of [1000, 5000, 2 ** 40]) {
    const job = play(ramp(1000), { device: device.index });
    await device.advance(256);
    job.seek(frame);
    await device.advance(256);
    await job;
    t.is(job.position, 1000);
    same(t, device.played()[0], [...part(0, 256), ...silent(256)]);
  }
});

test.serial('seek on a paused job waits for resume, and the last seek counts', async (t) => {
  using device = manual(1);
  const job = play(ramp(1000), { device: device.index });
  await device.advance(256);
  job.pause();
  job.seek(100);
  job.seek(900);
  await device.advance(256);
  t.is(job.position, 256);
  job.resume();
  await device.advance(256);
  await job;
  same(t, device.played()[0], [...part(0, 256), ...silent(256), ...part(900, 1000), ...silent(156)]);
});

test.serial('seek takes whole frames from 0', (t) => {
  using device = manual(1);
  const job = play(ramp(1000), { device: device.index });
  const refused = (frame: unknown) => nameOf(t.throws(() => job.seek(frame as never)));
  t.is(refused(-1), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused(1.5), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused(NaN), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused('1'), 'TypeError ERR_INVALID_ARG_TYPE');
});

test.serial('a loop goes on for ever, without a gap, until it is stopped', async (t) => {
  using device = manual(1);
  for (const frames of [1, 3, 100, 256, 300]) {
    const job = play(ramp(frames), { device: device.index, loop: true });
    t.is(job.frames, Infinity);
    await device.advance(1024);
    t.true(job.active);
    t.is(job.position, 1024);
    t.is(await job.stop(), job.status);
    await device.advance(256);
    const expected = Array.from({ length: 1024 }, (_, n) => ((n % frames) + 1) / 2048);
    same(t, device.played()[0], expected, `${frames}`);
  }
});

test.serial('a range is heard as often as count says, then the rest of the data plays', async (t) => {
  using device = manual(1);
  for (const [start, end, count] of [
    [100, 150, 3],
    [0, 1000, 2],
    [0, 1, 5],
    [999, 1000, 4],
    [300, 900, 1],
  ] as const) {
    const job = play(ramp(1000), { device: device.index, loop: { start, end, count } });
    const again = Array.from({ length: count - 1 }, () => part(start, end)).flat();
    const expected = [...part(0, end), ...again, ...part(end, 1000)];
    t.is(job.frames, expected.length);
    await device.advance(2048);
    await job;
    t.is(job.position, expected.length);
    same(t, device.played()[0]?.subarray(0, expected.length), expected, `${start} ${end} ${count}`);
  }
});

test.serial('a range of a loop may lack its start, its end, its count', async (t) => {
  using device = manual(1);
  const heard = async (loop: { start?: number; end?: number; count?: number }) => {
    const job = play(ramp(100), { device: device.index, loop });
    await device.advance(256);
    job.abort();
    await job;
    return device.played()[0];
  };
  const repeated = (start: number, end: number) =>
    Array.from({ length: 256 }, (_, n) => ((n < end ? n : start + ((n - end) % (end - start))) + 1) / 2048);
  same(t, await heard({}), repeated(0, 100));
  same(t, await heard({ start: 40 }), repeated(40, 100));
  same(t, await heard({ end: 30 }), repeated(0, 30));
  same(t, await heard({ start: 20, end: 25, count: Infinity }), repeated(20, 25));
  same(t, await heard({ count: 2 }), [...part(0, 100), ...part(0, 100), ...silent(56)]);
});

test.serial('loop: false plays once', async (t) => {
  using device = manual(1);
  const job = play(ramp(100), { device: device.index, loop: false });
  t.is(job.frames, 100);
  await device.advance(256);
  await job;
  same(t, device.played()[0], [...part(0, 100), ...silent(156)]);
});

test.serial('stop plays out what the device has, abort drops it', async (t) => {
  using device = manual(1);
  const latency = (4 * PERIOD) / RATE; // three periods ahead
  for (const end of ['stop', 'abort'] as const) {
    const job = play(ramp(4096), { device: device.index, latency });
    await device.advance(4 * PERIOD);
    t.is(job.position, 4 * PERIOD);
    t.is(job.heard, PERIOD);
    job[end]();
    if (end === 'abort') await job;
    await device.advance(8 * PERIOD);
    await job;
    t.is(job.position, 4 * PERIOD);
    const played = device.played()[0] as Float64Array;
    const heard = end === 'stop' ? part(0, 4 * PERIOD) : part(0, PERIOD);
    // What was dropped has not been heard, however much time passes.
    t.is(job.heard, heard.length, end);
    same(t, played.subarray(0, 3 * PERIOD), silent(3 * PERIOD), end);
    same(t, played.subarray(3 * PERIOD, 3 * PERIOD + heard.length), heard, end);
    t.true(played.subarray(3 * PERIOD + heard.length).every((sample) => sample === 0));
  }
});

test.serial('stop resolves without any time passing where nothing is queued', async (t) => {
  const samples = new Float64Array(1000).map((_, index) => index / 1024);
  for (const periods of [0, 1, 3]) {
    for (const end of ['job', 'all'] as const) {
      using device = manual(1);
      const frames = periods * PERIOD;
      const finish = async (job: { stop(): Promise<unknown> }) =>
        void (await (end === 'job' ? job.stop() : stop()));

      device.feed([samples]);
      const recording = rec(1000, { device: device.index, channels: 1, dtype: 'float64' });
      await device.advance(frames);
      await finish(recording);
      const heard = await recording;
      t.deepEqual([recording.position, recording.active, heard.frames], [frames, false, frames]);
      same(t, heard.data, samples.subarray(0, frames));
      device.played();

      const playing = play(ramp(1000), { device: device.index });
      await device.advance(frames);
      await finish(playing);
      t.is(await playing.stop(), playing.status);
      t.deepEqual([playing.position, playing.heard, playing.active], [frames, frames, false]);
      same(t, device.played()[0], part(0, frames));

      const both = playrec(ramp(1000), { device: device.index, channels: 1, dtype: 'float64' });
      await device.advance(frames);
      await finish(both);
      t.is((await both).frames, frames);
      same(t, device.played()[0], part(0, frames));
      await device.advance(PERIOD);
      t.is(device.played()[0]?.length, 0, 'the device has been released');
    }
  }
});

test.serial('a stop with frames queued waits for them, and for no more', async (t) => {
  using device = manual(1);
  const latency = (4 * PERIOD) / RATE; // three periods ahead
  for (const records of [false, true]) {
    const options = { device: device.index, latency };
    const job = records ? playrec(ramp(4096), { ...options, channels: 1 }) : play(ramp(4096), options);
    await device.advance(2 * PERIOD);
    const stopped = job.stop();
    for (let period = 0; period < 3; period++) {
      t.throws(waitSync, { code: 'ERR_WOULD_DEADLOCK' });
      t.true(job.active);
      await device.advance(PERIOD);
    }
    await stopped;
    t.deepEqual([job.position, job.heard], [2 * PERIOD, 2 * PERIOD]);
    same(t, device.played()[0], [...silent(3 * PERIOD), ...part(0, 2 * PERIOD)]);
  }
});

test.serial('a device that stalls keeps nobody waiting who stops a recording', async (t) => {
  using device = virtual.createDevice({ inputs: 1 });
  const job = rec(10 * RATE, { device: device.index, channels: 1 });
  while (job.position === 0) await setTimeout(5);
  device.inject('stall');
  const heard = await job.stop();
  t.is(heard.frames, job.position);
});

test.serial('stopping and aborting again, or after the end, does nothing', async (t) => {
  using device = manual(1);
  const job = play(ramp(100), { device: device.index });
  await device.advance(256);
  const flags = await job;
  job.abort();
  job.pause();
  job.resume();
  job.seek(5);
  job.ref().unref();
  t.is(await job.stop(), flags);
  t.is(await job.stop(), flags);
  await stop();
  await stop();
  t.is(await wait(), null);
  t.false(job.active);
  t.is(job.position, 100);
});

test.serial('an abort overtakes a stop, not the other way round', async (t) => {
  using device = manual(1);
  const one = play(ramp(1000), { device: device.index });
  one.stop();
  one.abort();
  await one;
  const two = play(ramp(1000), { device: device.index });
  two.abort();
  two.stop();
  await two;
  t.false(one.active || two.active);
});

test.serial('position, heard, time and frames count', async (t) => {
  using device = manual(1);
  const start = device.sampleRate;
  t.is(start, RATE);
  const job = play(ramp(1000), { device: device.index, latency: (3 * PERIOD) / RATE });
  t.deepEqual([job.position, job.heard, job.frames, job.roundTrip], [0, 0, 1000, undefined]);
  const before = job.time;
  const seen: number[][] = [];
  for (let period = 0; period < 7; period++) {
    await device.advance(PERIOD);
    seen.push([job.position, job.heard]);
  }
  await job;
  t.deepEqual(seen, [
    [256, 0],
    [512, 0],
    [768, 256],
    [1000, 512],
    [1000, 768],
    [1000, 1000],
    [1000, 1000],
  ]);
  t.true(Math.abs(job.time - before - (7 * PERIOD) / RATE) < 1e-9);
});

test.serial('the round trip is one period and what is queued ahead', async (t) => {
  using device = manual(1);
  for (const lead of [0, 1, 2, 5]) {
    for (const align of [false, true]) {
      const latency = ((lead + 1) * PERIOD) / RATE;
      const data = noise('int16', 500);
      const job = playrec(data, { device: device.index, channels: 1, latency, align });
      t.is(job.roundTrip, (lead + 1) * PERIOD, 'before the first period');
      await device.advance(PERIOD);
      t.is(job.roundTrip, (lead + 1) * PERIOD);
      await device.advance(20 * PERIOD);
      const heard = await job;
      const delay = align ? 0 : (lead + 1) * PERIOD;
      const [expected, actual] = [data.slice(0, Math.max(0, 500 - delay)), heard.slice(delay)];
      t.deepEqual(actual.data, expected.data, `${lead} ${align}`);
    }
  }
});

test.serial('the round trip is that of the reported latencies, from the beginning', async (t) => {
  using device = virtual.createDevice({ inputs: 1, outputs: 1 });
  for (const latency of ['low', 'high', 0.1] as const) {
    const data = noise('int16', 10_000);
    const job = playrec(data, { device: device.index, channels: 1, latency });
    const { roundTrip } = job;
    const [input, output] = getStream().latency as [number, number];
    t.is(roundTrip, Math.round((input + output) * RATE));
    const heard = await job;
    t.is(job.roundTrip, roundTrip);
    const delay = roundTrip as number;
    t.deepEqual(heard.slice(delay).data, data.slice(0, 10_000 - delay).data, `${latency}`);
  }
});

test.serial('a latency counts in whole periods, of which all but one go ahead', async (t) => {
  using device = manual(1, { period: 100 });
  const lead = async (latency: number | 'low' | 'high') => {
    device.played();
    const job = play([1], { device: device.index, latency });
    await device.advance(2000);
    await job;
    return device.played()[0]?.indexOf(1);
  };
  t.is(await lead('low'), 0);
  t.is(await lead('high'), 0);
  const table = [
    [0, 0],
    [50, 0],
    [100, 0],
    [199, 0],
    [200, 100],
    [299, 100],
    [300, 200],
    [1000, 900],
    [1050, 900],
  ];
  for (const [frames, ahead] of table as [number, number][])
    t.is(await lead(frames / RATE), ahead, `${frames}`);
});

test.serial('latency may differ for the two directions', async (t) => {
  using device = manual(1);
  const latency = [1, (2 * PERIOD) / RATE] as const;
  const job = playrec(noise('int16', 10), { device: device.index, channels: 1, latency, align: true });
  t.is(job.roundTrip, 2 * PERIOD);
  await device.advance(1024);
  await job;
  t.is(job.roundTrip, 2 * PERIOD);
});

test.serial('a job can be returned from an async function, which awaits it', async (t) => {
  using device = manual(1);
  const later = async () => rec(PERIOD, { device: device.index, channels: 1 });
  const promise = later();
  await device.advance(PERIOD);
  const heard = await promise;
  t.is(heard.frames, PERIOD);
});

test.serial('a job is a promise, and what follows from it is a plain one', async (t) => {
  using device = manual(1);
  const job = play(ramp(10), { device: device.index });
  t.true(job instanceof Promise);
  const next = job.then((flags) => flags.any);
  t.is(Object.getPrototypeOf(next), Promise.prototype);
  t.is(Object.getPrototypeOf(job.finally(() => {})), Promise.prototype);
  await device.advance(256);
  t.deepEqual(await Promise.all([next, Promise.race([job]).then((flags) => flags === job.status)]), [
    false,
    true,
  ]);
});

test.serial('a signal rejects with its reason, whatever that is', async (t) => {
  using device = manual(1);
  for (const [kind, start] of Object.entries(KINDS)) {
    for (const reason of [new Error('enough'), 'a string', undefined]) {
      const controller = new AbortController();
      const job = start(device, { signal: controller.signal });
      await device.advance(PERIOD);
      controller.abort(reason);
      const caught = await job.then(
        () => t.fail('it resolved'),
        (error: unknown) => error,
      );
      t.is(caught, controller.signal.reason, kind);
      t.false(job.active);
      t.is(await wait(), null);
    }
  }
});

test.serial('a signal that was aborted before makes the call throw its reason', async (t) => {
  using device = manual(1);
  const running = play(ramp(512), { device: device.index });
  for (const [kind, start] of Object.entries(KINDS)) {
    for (const reason of [new Error('enough'), 'a string', undefined]) {
      const signal = AbortSignal.abort(reason);
      const call = () => start(device, { signal });
      t.is(t.throws(call, { any: true } as never), signal.reason, kind);
      // Arguments are looked at first.
      t.is(
        refusal(t, () => play([0.5], { signal, device: 1.5 })),
        'RangeError ERR_INVALID_ARG_VALUE',
      );
    }
  }
  // Nothing was replaced.
  t.is(getStatus(), running.status);
  await device.advance(512);
  await running;
  same(t, device.played()[0], ramp(512));
});

test.serial('a signal drops what is queued, as abort() does', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const latency = (4 * PERIOD) / RATE;
  const job = play(ramp(4096), { device: device.index, latency, signal: controller.signal });
  await device.advance(4 * PERIOD);
  controller.abort();
  await t.throwsAsync(job, { any: true, name: 'AbortError' } as never);
  await device.advance(4 * PERIOD);
  same(t, device.played()[0]?.subarray(0, 4 * PERIOD), [...silent(3 * PERIOD), ...part(0, PERIOD)]);
});

test.serial('a signal with a time limit rejects with its TimeoutError', async (t) => {
  using device = manual(1);
  const job = rec(1000, { device: device.index, channels: 1, signal: AbortSignal.timeout(1) });
  await t.throwsAsync(job, { any: true, name: 'TimeoutError' } as never);
});

test.serial('a signal that aborts after the end changes nothing', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const job = play(ramp(10), { device: device.index, signal: controller.signal });
  await device.advance(256);
  await job;
  controller.abort();
  t.false((await job).any);
});

test.serial('one signal ends several jobs', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const { signal } = controller;
  const jobs = [
    play(ramp(1000), { device: device.index, signal }),
    play(ramp(1000), { device: device.index, signal, overlap: true }),
  ];
  controller.abort();
  const outcomes = await Promise.allSettled(jobs);
  t.deepEqual(
    outcomes.map((one) => one.status),
    ['rejected', 'rejected'],
  );
});

test.serial('a device that is removed or lost rejects what runs on it, and only that', async (t) => {
  using other = manual(1);
  const elsewhere = play(ramp(512), { device: other.index, loop: true });
  await other.advance(PERIOD);
  for (const [kind, start] of Object.entries(KINDS)) {
    for (const lose of [(device: Device) => device.remove(), (device: Device) => device.inject('lost')]) {
      using device = manual(1);
      const job = start(device);
      await device.advance(PERIOD);
      lose(device);
      t.is(nameOf(await t.throwsAsync(job)), 'SoundDeviceError ERR_DEVICE_LOST -9985', kind);
      t.false(job.active);
      t.is(job.position, PERIOD);
    }
  }
  await elsewhere;
  t.false(elsewhere.status.any);
});

test.serial('overlapping jobs are all lost with their device', async (t) => {
  const device = manual(1);
  using other = manual(1);
  const jobs = [1, 2, 3].map(() => play(ramp(1000), { device: device.index, overlap: true }));
  const elsewhere = play(ramp(1000), { device: other.index, overlap: true });
  await device.advance(PERIOD);
  device.remove();
  for (const job of jobs) t.is(nameOf(await t.throwsAsync(job)), 'SoundDeviceError ERR_DEVICE_LOST -9985');
  t.true(elsewhere.active);
  await other.advance(1024);
  await elsewhere;
  same(t, other.played()[0]?.subarray(0, 1000), ramp(1000));
});

test.serial('a device that was lost but is still there can be opened again', async (t) => {
  using device = manual(1);
  const lost = play(ramp(1000), { device: device.index });
  device.inject('lost');
  await t.throwsAsync(lost);
  device.played();
  t.true(queryDevices().some(({ id }) => id === device.id));
  const job = play(ramp(PERIOD), { device: device.index });
  await device.advance(PERIOD);
  await job;
  same(t, device.played()[0], ramp(PERIOD));
});

test.serial('a device that stalls makes and takes nothing for a second, then goes on', async (t) => {
  using device = manual(1, { period: 4800 });
  const data = ramp(3 * 4800);
  const job = playrec(data, { device: device.index, channels: 1, align: true });
  await device.advance(4800);
  device.inject('stall');
  await device.advance(10 * 4800);
  t.is(job.position, 4800);
  t.true(job.active);
  await device.advance(4 * 4800);
  const heard = await job;
  t.is(heard.frames, data.length);
  const played = device.played()[0];
  same(t, played?.subarray(0, 4800), data.subarray(0, 4800));
  same(t, played?.subarray(4800, 11 * 4800), silent(10 * 4800));
  same(t, played?.subarray(11 * 4800, 13 * 4800), data.subarray(4800));
});

test.serial('seek on a loop counts from the beginning of the performance', async (t) => {
  using device = manual(1);
  const job = play(ramp(100), { device: device.index, loop: { start: 50, end: 100, count: 3 } });
  t.is(job.frames, 200);
  await device.advance(PERIOD);
  await job;
  device.played();
  const again = play(ramp(100), { device: device.index, loop: { start: 50, end: 100, count: 3 } });
  again.seek(120);
  await device.advance(PERIOD);
  await again;
  // 100 frames once, then twice 50: at 120 the first repetition is at its frame 70.
  same(t, device.played()[0], [...part(70, 100), ...part(50, 100), ...silent(PERIOD - 80)]);
  const forever = play(ramp(100), { device: device.index, loop: true });
  forever.seek(1e9 + 30);
  await device.advance(PERIOD);
  t.is(forever.position, 1e9 + 30 + PERIOD);
  forever.abort();
  await forever;
  same(t, device.played()[0]?.subarray(0, 170), [...part(30, 100), ...part(0, 100)]);
});

test.serial('a paused playrec neither plays nor records', async (t) => {
  using device = manual(1);
  const job = playrec(ramp(600), { device: device.index, channels: 1, align: true });
  await device.advance(PERIOD);
  job.pause();
  await device.advance(3 * PERIOD);
  t.is(job.position, PERIOD);
  job.resume();
  await device.advance(4 * PERIOD);
  const heard = await job;
  const played = device.played()[0];
  same(t, played?.subarray(0, 1024), [...part(0, 256), ...silent(768)]);
  same(t, played?.subarray(1024, 1024 + 344), part(256, 600));
  t.is(heard.frames, 600);
});

test.serial('a playrec that is stopped resolves with what it heard', async (t) => {
  using device = manual(1);
  for (const end of ['stop', 'abort'] as const) {
    const job = playrec(ramp(4096), { device: device.index, channels: 1, align: true });
    await device.advance(3 * PERIOD);
    job[end]();
    await device.advance(3 * PERIOD);
    const heard = await job;
    t.is(heard.frames, 2 * PERIOD, end);
    same(t, heard.data, part(0, 2 * PERIOD));
    t.is(job.position, 3 * PERIOD);
  }
});

test.serial('a recording counts what it has taken, which is what was heard', async (t) => {
  using device = manual(1);
  const job = rec(600, { device: device.index, channels: 1 });
  const seen = [];
  for (let period = 0; period < 3; period++) {
    seen.push([job.position, job.heard, job.frames, job.active, job.roundTrip]);
    await device.advance(PERIOD);
  }
  await job;
  seen.push([job.position, job.heard, job.frames, job.active, job.roundTrip]);
  t.deepEqual(seen, [
    [0, 0, 600, true, undefined],
    [256, 256, 600, true, undefined],
    [512, 512, 600, true, undefined],
    [600, 600, 600, false, undefined],
  ]);
});

test.serial('what a job tells of itself cannot be assigned', async (t) => {
  using device = manual(1);
  const job = play(ramp(10), { device: device.index });
  const names = ['status', 'active', 'frames', 'position', 'heard', 'roundTrip', 'time', 'clipped', 'nan'];
  for (const name of names)
    t.throws(() => Object.assign(job, { [name]: 1 }), { instanceOf: TypeError }, name);
  await device.advance(PERIOD);
  await job;
});

test.serial('ref and unref return the job', async (t) => {
  using device = manual(1);
  const job = play(ramp(10), { device: device.index });
  t.is(job.unref(), job);
  t.is(job.ref(), job);
  job.abort();
  await job;
  t.is(job.unref().ref(), job);
});

test.serial('as many jobs as one likes may overlap', async (t) => {
  using device = manual(1);
  const jobs = Array.from({ length: 150 }, () =>
    play(
      Float32Array.from({ length: PERIOD }, () => 2 ** -10),
      { device: device.index, overlap: true },
    ),
  );
  await device.advance(PERIOD);
  await Promise.all(jobs);
  same(t, device.played()[0], new Array(PERIOD).fill(150 * 2 ** -10));
});

test('what was played can be taken while time passes', async (t) => {
  using device = manual(1);
  const job = play(ramp(300), { device: device.index });
  const advancing = device.advance(400 * 256);
  await job;
  const heard = [...(device.played()[0] ?? [])];
  await advancing;
  heard.push(...(device.played()[0] ?? []));
  same(t, heard.slice(0, 300), ramp(300));
});
