import test from 'ava';
import {
  AudioData,
  defaults,
  getStatus,
  play,
  playrec,
  queryDevices,
  rec,
  stop,
  virtual,
  wait,
} from 'sounddevice';

const DTYPES = ['float64', 'float32', 'int32', 'int24', 'int16', 'int8', 'uint8'] as const;
const manual = (channels = 2) =>
  virtual.createDevice({ clock: 'manual', inputs: channels, outputs: channels });

test.serial('playrec returns exactly what was played, for every dtype, with align', async (t) => {
  using device = manual(2);
  for (const dtype of DTYPES) {
    const noise = Float64Array.from({ length: 2000 }, (_, n) => Math.sin(n * n));
    const data = new AudioData(noise, { channels: 2 }).convert(dtype, { ditherOff: true });
    const job = playrec(data, 48000, { channels: 2, device: device.index, align: true });
    await device.advance(2048);
    const heard = await job;
    t.deepEqual(heard.data, data.data, dtype);
    t.is(heard.dtype, dtype);
    t.is(job.roundTrip, 256);
  }
});

test.serial('without align the first period is silent', async (t) => {
  using device = manual(1);
  const data = Int16Array.from({ length: 600 }, (_, n) => n + 1);
  const job = playrec(data, { channels: 1, device: device.index });
  await device.advance(1024);
  const { data: heard } = await job;
  t.deepEqual(Array.from(heard.slice(0, 256) as Int16Array), new Array(256).fill(0));
  t.deepEqual(heard.slice(256), data.slice(0, 344));
});

test.serial('a play that replaces another one aborts it; an error leaves it playing', async (t) => {
  using device = manual();
  const first = play(new Float32Array(10_000), { device: device.index });
  const error = t.throws(() => play(new Float32Array(4), { device: device.index, mapping: [0] }));
  t.is((error as { code?: string }).code, 'ERR_INVALID_ARG_VALUE');
  t.true(first.active);
  const second = play(new Float32Array(100), { device: device.index });
  t.is((await first).any, false);
  await device.advance(512);
  await second;
  t.is(await wait(), null);
  t.is(getStatus(), second.status);
});

test.serial('overlapping plays are added, and stop ends all of them', async (t) => {
  using device = manual(1);
  play(new Float32Array(600).fill(0.25), { device: device.index });
  play(new Float32Array(600).fill(0.5), { device: device.index, overlap: true });
  await device.advance(256);
  t.deepEqual(device.played()[0], new Float64Array(256).fill(0.75));
  const stopped = stop();
  await device.advance(512);
  await stopped;
});

test.serial('a recording into out fills it, and cut short is its beginning', async (t) => {
  using device = manual(1);
  const out = new Float32Array(400);
  device.feed([Float32Array.from({ length: 512 }, (_, n) => n / 512)]);
  const job = rec(null, { out, channels: 1, device: device.index });
  await device.advance(256);
  job.stop();
  await device.advance(256);
  const heard = await job;
  t.is(heard.frames, 256);
  t.is(out[255], 255 / 512);
  t.is(out[256], 0);
});

test.serial('a signal that aborts rejects the job with its reason', async (t) => {
  using device = manual();
  const controller = new AbortController();
  const job = play(new Float32Array(1000), { device: device.index, signal: controller.signal });
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(job), reason);
  t.throws(() => play([0.5], { signal: controller.signal }), { is: reason });
});

test.serial('a lost device rejects with ERR_DEVICE_LOST', async (t) => {
  const device = manual();
  const job = rec(1000, { channels: 1, device: device.index });
  device.remove();
  const error = (await t.throwsAsync(job)) as Error & { code: string; paErrorCode: number };
  t.is(error.name, 'SoundDeviceError');
  t.is(error.code, 'ERR_DEVICE_LOST');
  t.is(error.paErrorCode, -9985);
});

test.serial('blocking on a manual clock would deadlock and says so', (t) => {
  using device = manual();
  const blocked = () => play(new Float32Array(10), { device: device.index, blocking: true });
  t.is((t.throws(blocked) as Error & { code?: string }).code, 'ERR_WOULD_DEADLOCK');
});

test.serial('wrong options are refused with code, expected and received', (t) => {
  const refused = (call: () => unknown) => {
    const error = t.throws(call) as Error & { code: string };
    return `${error.name} ${error.code}`;
  };
  const play_ = (options: object) => () => play([0.5], options as never);
  t.is(refused(play_({ foo: 1 })), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused(play_({ channels: 2 })), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused(play_({ sampleRate: '48000' })), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refused(play_({ sampleRate: Number.NaN })), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused(play_({ sampleRate: -1 })), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE');
  t.is(refused(play_({ blockSize: 1.5 })), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused(play_({ blockSize: -1 })), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused(play_({ latency: -1 })), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused(play_({ resample: true })), 'SoundDeviceError ERR_NOT_SUPPORTED');
  t.is(refused(play_({ device: 'no such device' })), 'SoundDeviceError ERR_NO_SUCH_DEVICE');
  t.is(
    refused(() => play([], { loop: true })),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  t.is(
    refused(() => rec(undefined as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
  t.is(
    refused(() => rec(-5, { channels: 1 })),
    'RangeError ERR_OUT_OF_RANGE',
  );
  t.is(
    refused(() => play(null as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
});

test.serial('defaults set pairs and sides, refuse what is unknown, and are reset', (t) => {
  defaults.channels = 1;
  t.deepEqual([...defaults.channels], [1, 1]);
  defaults.dtype.input = 'int16';
  t.deepEqual([...defaults.dtype], ['int16', 'float32']);
  t.throws(() => Object.assign(defaults, { foo: 1 }), { message: /foo/ });
  t.throws(() => Object.assign(defaults, { hostApi: 1 }), { message: /hostApi/ });
  t.throws(() => Object.assign(defaults, { channels: [1, 2, 3] }), { message: /pairs/ });
  defaults.reset();
  t.deepEqual([...defaults.channels], [null, null]);
});

test.serial('the list prints as a table and has the virtual device', (t) => {
  const table = String(queryDevices()).split('\n');
  t.true(table.some((line) => /^[ <>*] +\d+ Virtual Loopback, Virtual \(2 in, 2 out\)$/.test(line)));
  t.is(queryDevices('loopback, virtual', 'input').name, 'Virtual Loopback');
});
