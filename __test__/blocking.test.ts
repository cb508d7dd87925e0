import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import {
  AudioData,
  type CallbackFlags,
  getStream,
  play,
  playrec,
  rec,
  sleep,
  sleepSync,
  stop,
  virtual,
  wait,
  waitSync,
} from 'sounddevice';
import { DTYPES, fromSamples, noise, RATE, ramp, refusal, same, until } from './helper.js';

/** A device whose time passes by itself. */
const real = (channels = 1, options = {}) =>
  virtual.createDevice({ inputs: channels, outputs: channels, ...options });

/** What was played, from the first sound to the last. */
const sounded = (samples: Float64Array = new Float64Array(0)) => {
  let [start, end] = [0, samples.length];
  while (start < end && samples[start] === 0) start++;
  while (end > start && samples[end - 1] === 0) end--;
  return samples.subarray(start, end);
};

const busy = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

test.serial('a blocking play returns its flags when all has been heard', (t) => {
  using device = real();
  const flags: CallbackFlags = play(ramp(4800), { device: device.index, blocking: true });
  t.false(flags.any);
  same(t, sounded(device.played()[0]), ramp(4800));
  t.deepEqual([getStream().active, getStream().closed], [false, true]);
  t.is(play(ramp(10), RATE, { device: device.index, blocking: true }).any, false);
});

test.serial('a blocking recording returns what was heard', (t) => {
  using device = real(2);
  device.feed([ramp(1000), ramp(1000, 500)]);
  const heard = rec(1000, { device: device.index, channels: 2, blocking: true });
  t.true(heard instanceof AudioData);
  t.deepEqual([heard.frames, heard.channels, heard.sampleRate], [1000, 2, RATE]);
  t.deepEqual(heard.planar(), [ramp(1000), ramp(1000, 500)]);
  t.true(getStream().closed);
  const out = new Float32Array(500);
  device.feed([ramp(1024), ramp(1024)]);
  const filled = rec(null, { device: device.index, out, channels: 1, blocking: true });
  t.is(filled.data, out);
  t.deepEqual(out, ramp(500));
});

test.serial('a blocking playrec returns what it played, for every dtype', (t) => {
  using device = real(2);
  for (const dtype of DTYPES) {
    const data = noise(dtype, 2000, 2);
    const heard = playrec(data, { device: device.index, channels: 2, align: true, blocking: true });
    t.deepEqual(heard.data, data.data, dtype);
  }
});

test.serial('waitSync blocks until the end', (t) => {
  using device = real();
  const job = play(ramp(4800), { device: device.index });
  t.is(waitSync(), null);
  t.false(job.active);
  same(t, sounded(device.played()[0]), ramp(4800));
});

test.serial('what plays and records is the same whatever the main thread does meanwhile', async (t) => {
  using device = real(2);
  const data = noise('int16', 2 * RATE, 2);
  const job = playrec(data, { device: device.index, channels: 2, align: true });
  busy(2000);
  const heard = await job;
  t.deepEqual(heard.data, data.data);
  t.false(job.status.any);
  const played = device.played();
  for (const channel of [0, 1]) {
    const all = played[channel] as Float64Array;
    const expected = Array.from(data.channel(channel), (sample) => sample / 32768);
    const start = all.findIndex((sample) => sample !== 0) - expected.findIndex((sample) => sample !== 0);
    same(t, all.subarray(start, start + expected.length), expected, `${channel}`);
  }
});

test.serial('a loop goes on without a gap while the main thread is blocked', async (t) => {
  using device = real();
  const job = play(ramp(100), { device: device.index, loop: true });
  sleepSync(300);
  busy(300);
  await until(() => job.position > 0);
  await job.stop();
  const heard = sounded(device.played()[0]);
  t.is(heard.length, job.position);
  same(
    t,
    heard,
    Array.from(heard, (_, n) => ((n % 100) + 1) / 2048),
  );
});

test.serial('stop plays out what the device has, on a clock of its own', async (t) => {
  using device = real();
  for (const latency of ['low', 'high', 0.2] as const) {
    const job = play(ramp(20 * RATE), { device: device.index, latency });
    await until(() => job.position > 4000);
    await stop();
    t.false(job.active);
    t.is(job.heard, job.position);
    const heard = sounded(device.played()[0]);
    same(t, heard, ramp(job.position), `${latency}`);
  }
});

test.serial('abort ends at once, on a clock of its own', async (t) => {
  using device = real();
  const job = play(ramp(20 * RATE), { device: device.index, latency: 0.5 });
  await until(() => job.position > 0);
  job.abort();
  await job;
  t.true(job.position < 20 * RATE);
  const heard = sounded(device.played()[0]);
  same(t, heard, ramp(heard.length));
  t.true(heard.length < job.position);
});

test.serial('what was aborted is not heard by those who listen later', async (t) => {
  using device = real();
  const silent = async () => {
    const job = play(ramp(100), { device: device.index, loop: true, latency: 'low' });
    await until(() => job.position > 1024);
    job.abort();
    await job;
    sleepSync(20);
    const heard = rec(256, { device: device.index, channels: 1, blocking: true });
    return heard.data.every((sample) => sample === 0);
  };
  // "Later" is after the period in which it was aborted, which may be a long one on a busy machine.
  let rounds = 0;
  while (rounds < 50 && !(await silent())) rounds++;
  t.true(rounds < 50);
});

test.serial('what is fed is kept until somebody listens', (t) => {
  using device = real();
  for (let round = 1; round <= 20; round++) {
    device.feed([ramp(512, round)]);
    const heard = rec(500, { device: device.index, channels: 1, blocking: true });
    same(t, heard.data, ramp(500, round), `${round}`);
  }
});

test.serial('shared memory that is written while it plays is heard', async (t) => {
  using device = real();
  const live = new Float32Array(new SharedArrayBuffer(4 * 256)).fill(0.25);
  const job = play(live, { device: device.index, loop: true });
  await until(() => job.position > 0);
  live.fill(0.5);
  const written = job.position;
  await until(() => job.position > written + 1024);
  await job.stop();
  const levels = sounded(device.played()[0]);
  const change = levels.indexOf(0.5);
  t.true(change > 0);
  t.true(levels.subarray(0, change).every((sample) => sample === 0.25));
  t.true(levels.subarray(change + 256).every((sample) => sample === 0.5));
});

test.serial(
  'a job whose device is lost rejects, and blocking throws what it would reject with',
  async (t) => {
    const device = real();
    const job = play(ramp(100), { device: device.index, loop: true });
    await until(() => job.position > 0);
    device.remove();
    t.is(waitSync(), null);
    t.is(await wait(), null);
    t.false(job.active);
    await t.throwsAsync(job, { message: /lost/ });
    t.is(
      refusal(t, () => play([0.5], { device: device.index, blocking: true })),
      'SoundDeviceError ERR_NO_SUCH_DEVICE -9996',
    );
  },
);

/** A worker that plays for ever, blocking, on a device of this thread. */
const blocked = (id: string) =>
  new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData.index).then(({ play }) => {
       try {
         play([0.5], { device: workerData.id, loop: true, blocking: true });
       } catch (error) {
         parentPort.postMessage(error.code);
       }
     });`,
    { eval: true, workerData: { id, index: import.meta.resolve('sounddevice') } },
  );

test.serial('a blocking call throws when its device is lost', async (t) => {
  const device = real();
  const worker = blocked(device.id);
  await until(() => (device.played()[0]?.length ?? 0) > 0);
  device.remove();
  t.deepEqual(await once(worker, 'message'), ['ERR_DEVICE_LOST']);
  await worker.terminate();
});

test.serial('a worker that blocks can be terminated, and what it played ends', async (t) => {
  using device = real();
  const worker = blocked(device.id);
  const sounds = () => (device.played()[0]?.length ?? 0) > 0;
  await until(sounds);
  t.is(await worker.terminate(), 1);
  device.played();
  // Without a stream nothing comes out: a blocking recording is a clock.
  await until(() => {
    device.played();
    rec(256, { device: device.index, channels: 1, blocking: true });
    return device.played()[0]?.every((sample) => sample === 0) ?? false;
  });
  t.pass();
});

test.serial('what nobody holds any more plays and records to its end', async (t) => {
  using device = real(1);
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const data = noise('float32', RATE / 2);
  const results = (() => {
    const heard = playrec(Float32Array.from(data.data), { device: device.index, channels: 1, align: true });
    return heard.then((recording) => recording.data);
  })();
  for (let round = 0; round < 20; round++) {
    collect();
    fromSamples(new Array(20_000).fill(0.5), 'float32');
    await sleep(5);
  }
  t.deepEqual(await results, data.data);
});

test.serial('a device that stalls goes on where it was', async (t) => {
  using device = real(1, { period: 480 });
  const data = fromSamples(
    Array.from({ length: 9600 }, (_, n) => (n % 30_000) + 1),
    'int16',
  );
  const job = playrec(data, { device: device.index, channels: 1, latency: 'low' });
  await until(() => job.position > 0);
  device.inject('stall');
  const heard = await job;
  t.is(heard.frames, 9600);
  // A stall is silent: what was played is there, all of it, in its order.
  const played = Array.from(device.played()[0] ?? []).filter((sample) => sample !== 0);
  same(
    t,
    played,
    Array.from(data.data, (sample) => sample / 32768),
  );
});
