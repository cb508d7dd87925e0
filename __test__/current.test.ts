import test from 'ava';
import { getStatus, getStream, type Job, play, playrec, rec, stop, wait, waitSync } from 'sounddevice';
import { DTYPES, manual, nameOf, noise, PERIOD, RATE, ramp, refusal } from './helper.js';

type Device = ReturnType<typeof manual>;

const KINDS: Record<string, (device: Device, frames?: number) => Job<unknown>> = {
  play: ({ index }, frames = 1000) => play(ramp(frames), { device: index }),
  rec: ({ index }, frames = 1000) => rec(frames, { device: index, channels: 1 }),
  playrec: ({ index }, frames = 1000) => playrec(ramp(frames), { device: index, channels: 1 }),
};

test.serial('before anything was played there is nothing to wait for, to stop, or to look at', async (t) => {
  using device = manual();
  // What is refused was not played.
  t.throws(() => play([0.5], { device: device.index, mapping: [3] }));
  t.is(await wait(), null);
  t.is(waitSync(), null);
  t.is(await stop(), undefined);
  for (const call of [getStatus, getStream]) {
    t.is(refusal(t, call), 'SoundDeviceError ERR_NOT_CALLED_YET');
    t.is(t.throws(call)?.message, 'play(), rec() or playrec() was not called yet');
  }
});

test.serial('wait resolves at the end, with null where nothing went wrong', async (t) => {
  using device = manual();
  for (const [kind, start] of Object.entries(KINDS)) {
    const job = start(device, 300);
    let ended = false;
    const waiting = wait().then((flags) => {
      ended = true;
      return flags;
    });
    await device.advance(PERIOD);
    t.false(ended, kind);
    await device.advance(PERIOD);
    t.is(await waiting, null);
    t.false(job.active);
    t.is(await wait(), null);
    t.is(await wait(), null);
    t.is(waitSync(), null);
  }
});

test.serial('wait resolves with the flags if any was raised, and they are the status', async (t) => {
  using device = manual();
  for (const [kind, start] of Object.entries(KINDS)) {
    const job = start(device, 300);
    const before = getStatus();
    t.is(before, job.status);
    t.false(before.any);
    const waiting = wait();
    device.inject(kind === 'play' ? 'output-underflow' : 'input-overflow');
    await device.advance(512);
    t.is(await waiting, before);
    t.is(waitSync(), before);
    t.is(getStatus(), before);
    t.true(before.any, kind);
  }
});

test.serial('the status gathers what happens while a job runs, of its own directions only', async (t) => {
  using device = manual();
  const faults = ['input-overflow', 'input-underflow', 'output-underflow'] as const;
  const heard: Record<string, string> = {
    play: 'output underflow',
    rec: 'input overflow',
    playrec: 'input overflow, input underflow, output underflow',
  };
  for (const [kind, start] of Object.entries(KINDS)) {
    const job = start(device, faults.length * PERIOD);
    const { status } = job;
    for (const fault of faults) {
      device.inject(fault);
      await device.advance(PERIOD);
    }
    await device.advance(PERIOD);
    await job;
    t.is(String(status), heard[kind] as string, kind);
    // It is that of its job: the next one begins anew.
    const next = start(device);
    t.false(next.status.any);
    t.is(getStatus(), next.status);
    t.true(status.any);
    next.abort();
    await next;
  }
});

test.serial('a flag alters no sample', async (t) => {
  using device = manual(1);
  const job = playrec(ramp(600), { device: device.index, channels: 1, align: true });
  for (const fault of ['input-overflow', 'output-underflow', 'input-underflow'] as const) {
    device.inject(fault);
    await device.advance(PERIOD);
  }
  await device.advance(PERIOD);
  t.deepEqual((await job).data, ramp(600));
});

test.serial('play resolves with its status', async (t) => {
  using device = manual();
  const job = play(ramp(10), { device: device.index });
  device.inject('output-underflow');
  await device.advance(PERIOD);
  const flags = await job;
  t.is(flags, job.status);
  t.true(flags.outputUnderflow);
});

test.serial('wait concerns the newest of overlapping jobs', async (t) => {
  using device = manual();
  const long = play(ramp(1000), { device: device.index });
  const short = play(ramp(100), { device: device.index, overlap: true });
  t.is(getStatus(), short.status);
  await device.advance(PERIOD);
  t.is(await wait(), null);
  t.false(short.active);
  t.true(long.active);
  await device.advance(1024);
  await long;
});

test.serial('wait ends with the job that was the newest when it began', async (t) => {
  using device = manual();
  const first = play(ramp(1000), { device: device.index });
  const waiting = wait();
  const second = play(ramp(1000), { device: device.index });
  t.is(await waiting, null);
  t.false(first.active);
  t.true(second.active);
  second.abort();
  await second;
});

test.serial('a stop while somebody waits lets the wait resolve', async (t) => {
  using device = manual();
  for (const [kind, start] of Object.entries(KINDS)) {
    const job = start(device, 100_000);
    const waiting = [wait(), wait(), job];
    await device.advance(PERIOD);
    const stopped = stop();
    await device.advance(PERIOD);
    t.is(await stopped, undefined);
    t.deepEqual((await Promise.all(waiting)).slice(0, 2), [null, null], kind);
    t.false(job.active);
  }
});

test.serial('stop ends all jobs and does nothing when there are none', async (t) => {
  using device = manual();
  const jobs = [1, 2, 3].map(() => play(ramp(1000), { device: device.index, overlap: true, loop: true }));
  await device.advance(PERIOD);
  const both = [stop(), stop()];
  await device.advance(PERIOD);
  await Promise.all(both);
  t.true(jobs.every((job) => !job.active));
  await stop();
  t.is(await wait(), null);
});

test.serial('waiting for a job that fails resolves with null: the job itself rejects', async (t) => {
  for (const [kind, start] of Object.entries(KINDS)) {
    const device = manual();
    const job = start(device);
    const waiting = wait();
    device.remove();
    t.is(await waiting, null, kind);
    t.is(nameOf(await t.throwsAsync(job)), 'SoundDeviceError ERR_DEVICE_LOST -9985');
    t.is(await wait(), null);
    t.is(waitSync(), null);
    await stop();
  }
});

test.serial('the stream is that of the newest job, and stays to be looked at', async (t) => {
  using device = manual(2);
  using other = manual(4, { sampleRate: 44100, period: 100 });
  const first = play([ramp(100), ramp(100)], { device: device.index });
  const stream = getStream();
  t.deepEqual([stream.active, stream.stopped, stream.closed], [true, false, false]);
  t.deepEqual([stream.device, stream.channels, stream.sampleRate], [device.index, 2, RATE]);
  const second = rec(100, { device: other.index, channels: 3 });
  await first;
  t.not(getStream(), stream);
  t.deepEqual([stream.active, stream.stopped, stream.closed], [false, true, true]);
  t.is(stream.sampleRate, RATE);
  const newer = getStream();
  t.deepEqual([newer.device, newer.channels, newer.sampleRate], [other.index, 3, 44100]);
  t.true(newer.active);
  await other.advance(100);
  await second;
  t.deepEqual([newer.active, newer.stopped, newer.closed], [false, true, true]);
});

test.serial('the latency of the stream is what is queued ahead, and one period for input', async (t) => {
  using device = manual(1);
  const seconds = (periods: number) => (periods * PERIOD) / RATE;
  const latencies = [];
  for (const start of [
    () => play(ramp(10), { device: device.index, latency: seconds(4) }),
    () => rec(10, { device: device.index, channels: 1, latency: seconds(4) }),
    () => playrec(ramp(10), { device: device.index, channels: 1, latency: seconds(4) }),
  ]) {
    const job = start();
    latencies.push(getStream().latency);
    job.abort();
    await job;
  }
  t.deepEqual(latencies, [seconds(3), seconds(1), [seconds(1), seconds(3)]]);
});

test.serial('the stream has the block size that was asked for and the dtype of the data', async (t) => {
  using device = manual(2);
  for (const dtype of DTYPES) {
    const job = play(noise(dtype, 10, 2), { device: device.index, blockSize: 512 });
    const stream = getStream();
    t.deepEqual([stream.blockSize, stream.dtype], [512, dtype]);
    job.abort();
    await job;
  }
});

test.serial('waiting for a job on a manual clock without letting time pass is refused', async (t) => {
  using device = manual();
  for (const [kind, start] of Object.entries(KINDS)) {
    const job = start(device, 10);
    t.is(refusal(t, waitSync), 'SoundDeviceError ERR_WOULD_DEADLOCK', kind);
    t.true(job.active);
    await device.advance(PERIOD);
    await job;
    t.is(waitSync(), null);
  }
});

test.serial('blocking on a manual clock is refused, and nothing has happened', async (t) => {
  using device = manual(1);
  const { index } = device;
  const running = play(ramp(600), { device: index });
  const calls = [
    () => play(ramp(10), { device: index, blocking: true }),
    () => play(ramp(10), RATE, { device: index, blocking: true, overlap: true }),
    () => rec(10, { device: index, channels: 1, blocking: true }),
    () => playrec(ramp(10), { device: index, channels: 1, blocking: true }),
  ];
  for (const call of calls) t.is(refusal(t, call), 'SoundDeviceError ERR_WOULD_DEADLOCK');
  t.is(getStatus(), running.status);
  await device.advance(768);
  await running;
  t.deepEqual(device.played()[0]?.slice(0, 600), Float64Array.from(ramp(600)));
});

test.serial('blocking with nothing to wait for returns at once, also on a manual clock', (t) => {
  using device = manual(1);
  const none = rec(0, { device: device.index, channels: 1, blocking: true });
  t.is(none.frames, 0);
  t.false(play([], { device: device.index, blocking: true }).any);
});
