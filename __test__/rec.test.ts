import test from 'ava';
import { AudioData, defaults, getStream, type RecOptions, rec, type SampleArray } from 'sounddevice';
import {
  audio,
  DTYPES,
  manual,
  noise,
  PERIOD,
  RATE,
  ramp,
  refusal,
  same,
  samplesOf,
  whole,
  wrong,
} from './helper.js';

const SILENCE_OF_UINT8 = 128;
const refusals = {
  type: 'TypeError ERR_INVALID_ARG_TYPE',
  value: 'RangeError ERR_INVALID_ARG_VALUE',
  range: 'RangeError ERR_OUT_OF_RANGE',
  channels: 'SoundDeviceError ERR_INVALID_CHANNELS -9998',
};

test.serial('a recording needs frames, and channels or a mapping', (t) => {
  using device = manual();
  const { index } = device;
  const refused = (frames?: unknown, options: object = {}) =>
    refusal(t, () => rec(frames as never, wrong({ device: index, ...options })));
  t.is(refused(), refusals.type);
  t.is(refused(undefined, { channels: 1 }), refusals.type);
  t.is(refused(100), refusals.type);
  t.throws(() => rec(undefined as never), { message: /frames must be specified/ });
  t.throws(() => rec(100), { message: /Unable to determine number of input channels/ });
});

test.serial('frames and channels are whole numbers from 0', (t) => {
  using device = manual();
  const refused = (frames: unknown, options: object = { channels: 1 }) =>
    refusal(t, () => rec(frames as never, wrong({ device: device.index, ...options })));
  t.is(refused(-5), refusals.range);
  t.is(refused(10.5), refusals.value);
  t.is(refused(NaN), refusals.value);
  t.is(refused(Infinity), refusals.value);
  t.is(refused('10'), refusals.type);
  t.is(refused({}), refusals.type);
  t.is(refused(10, { channels: 1.5 }), refusals.value);
  t.is(refused(10, { channels: '1' }), refusals.type);
  t.is(refused(10, { channels: -1 }), refusals.range);
  t.is(refused(10, { channels: 0 }), refusals.channels);
  t.is(refused(10, { channels: 64 }), refusals.channels);
  t.notThrows(() => rec(10.0, { device: device.index, channels: 1.0 }).abort());
});

test.serial('no frames are recorded at once', async (t) => {
  using device = manual();
  const none = await rec(0, { device: device.index, channels: 1 });
  t.deepEqual([none.frames, none.channels, none.dtype, none.data.length], [0, 1, 'float32', 0]);
  t.is(none.sampleRate, RATE);
  t.is(none.duration, 0);
});

test.serial('missing options come from the defaults', async (t) => {
  using device = manual();
  t.teardown(defaults.reset);
  defaults.device = device.index;
  defaults.channels = 2;
  defaults.sampleRate = RATE;
  const job = rec(10);
  await device.advance(PERIOD);
  const heard = await job;
  t.deepEqual([heard.frames, heard.channels, heard.dtype, heard.sampleRate], [10, 2, 'float32', RATE]);
  defaults.dtype = ['int16', 'uint8'];
  const other = rec(10);
  await device.advance(PERIOD);
  t.is<unknown, unknown>((await other).dtype, 'int16');
});

test.serial('every dtype records what the device hears, bit for bit', async (t) => {
  using device = manual(4);
  for (const dtype of DTYPES) {
    for (const channels of [1, 2, 3, 4]) {
      const source = noise(dtype, 700, channels, channels);
      const float = source.convert('float64');
      device.feed(float.planar());
      const job = rec(700, { device: device.index, channels, dtype });
      await device.advance(768);
      const heard = await job;
      t.deepEqual(heard.data, source.data, `${dtype} ${channels}`);
      t.deepEqual([heard.dtype, heard.channels, heard.frames], [dtype, channels, 700]);
      t.is(getStream().channels, channels);
      t.is(job.position, 700);
      t.is(job.frames, 700);
    }
  }
});

test.serial('a recording hears silence, or what was left over, once the feed ends', async (t) => {
  using device = manual(2);
  device.feed([Float32Array.of(0.5, 0.25), Float32Array.of(0.125)]);
  const job = rec(300, { device: device.index, channels: 2, dtype: 'uint8' });
  await device.advance(512);
  const heard = await job;
  t.deepEqual(heard.data.slice(0, 6), Uint8Array.of(192, 144, 160, 128, 128, 128));
  t.true(heard.data.every((sample, n) => n < 6 || sample === SILENCE_OF_UINT8));
});

test.serial('unknown dtypes are refused, int24 and float64 are fine', async (t) => {
  using device = manual();
  for (const dtype of ['foo', 'int64', 'float16', 'FLOAT32', '']) {
    const call = () => rec(1, wrong({ device: device.index, channels: 1, dtype }));
    t.is(refusal(t, call), refusals.value, dtype);
  }
  const call = () => rec(1, wrong({ device: device.index, channels: 1, dtype: 16 }));
  t.is(refusal(t, call), refusals.type);
  for (const dtype of ['int24', 'float64'] as const) {
    const job = rec(1, { device: device.index, channels: 1, dtype });
    await device.advance(PERIOD);
    t.is((await job).dtype, dtype);
  }
});

test.serial('a mapping picks, swaps and repeats input channels', async (t) => {
  using device = manual(3);
  const planes = [ramp(PERIOD), ramp(PERIOD, 400), ramp(PERIOD, 900)];
  const table: [number | number[], number[], number][] = [
    [2, [1], 2],
    [[2], [1], 2],
    [[1], [0], 1],
    [[2, 1], [1, 0], 2],
    [[1, 1], [0, 0], 1],
    [[3, 1, 3, 2], [2, 0, 2, 1], 3],
  ];
  for (const [mapping, columns, opened] of table) {
    for (const given of [{}, { channels: columns.length }]) {
      device.feed(planes);
      const job = rec(PERIOD, { device: device.index, mapping, ...given });
      t.is(getStream().channels, opened);
      await device.advance(PERIOD);
      const heard = await job;
      t.is(heard.channels, columns.length);
      for (const [column, channel] of columns.entries()) {
        same(t, heard.channel(column), planes[channel] as Float32Array, `[${mapping}] ${column}`);
      }
    }
  }
});

test.serial('wrong mappings, and channels that contradict one, are refused', async (t) => {
  using device = manual(2);
  t.teardown(defaults.reset);
  const refused = (options: object) => refusal(t, () => rec(1, wrong({ device: device.index, ...options })));
  t.is(refused({ mapping: [0] }), refusals.value);
  t.is(refused({ mapping: [-1] }), refusals.value);
  t.is(refused({ mapping: [] }), refusals.value);
  t.is(refused({ mapping: [1.5] }), refusals.value);
  t.is(refused({ mapping: 'a' }), refusals.type);
  t.is(refused({ mapping: [3] }), refusals.channels);
  t.is(refused({ mapping: [2, 1], channels: 1 }), refusals.value);
  t.is(refused({ mapping: [2], out: new Float32Array(4), channels: 2 }), refusals.value);
  t.is(refused({ mapping: [2], out: new AudioData(new Float32Array(4), { channels: 2 }) }), refusals.value);
  t.throws(() => rec(1, { device: device.index, mapping: [2, 1], channels: 1 }), {
    message: /number of input channels != size of input mapping/,
  });
  // A default is no contradiction.
  defaults.channels = 1;
  const job = rec(1, { device: device.index, mapping: [2, 1] });
  await device.advance(PERIOD);
  t.is((await job).channels, 2);
});

test.serial('options of other functions are refused', (t) => {
  for (const option of ['frames', 'loop', 'overlap', 'align', 'inputMapping', 'callback', 'shape']) {
    t.is(
      refusal(t, () => rec(1, wrong({ channels: 1, [option]: 1 }))),
      'TypeError ERR_UNKNOWN_OPTION',
      option,
    );
  }
});

test.serial('out as AudioData is filled, and is what comes back', async (t) => {
  using device = manual(2);
  for (const dtype of DTYPES) {
    const source = noise(dtype, 400, 2, 4);
    const out = noise(dtype, 400, 2, 5);
    device.feed(source.convert('float64').planar());
    const job = rec(null, { device: device.index, out });
    await device.advance(512);
    t.is<unknown, unknown>(await job, out);
    t.deepEqual(out.data, source.data, dtype);
    t.is(job.frames, 400);
  }
});

test.serial('out as a bare array needs channels, and its own frames and dtype count', async (t) => {
  using device = manual(2);
  const out = new Int16Array(800);
  const options = { device: device.index, out };
  t.is(
    refusal(t, () => rec(null, options)),
    refusals.type,
  );
  t.is(
    refusal(t, () => rec(null, { device: device.index, out: new Int16Array(801), channels: 2 })),
    refusals.value,
  );
  const source = noise('int16', 400, 2);
  const planes = source.convert('float64').planar();
  const variants: RecOptions<never>[] = [{ channels: 2 }, { mapping: [1, 2] }];
  for (const variant of variants) {
    for (const frames of [null, undefined, 7]) {
      device.feed(planes);
      // Frames and dtype are out's own, whatever else is said.
      const job = rec(frames as null, { ...options, ...variant, dtype: 'float64' } as typeof options);
      await device.advance(512);
      const heard = await job;
      t.deepEqual([heard.frames, heard.channels, heard.dtype, heard.sampleRate], [400, 2, 'int16', RATE]);
      t.is<unknown, unknown>(heard.data, out);
      t.deepEqual(out, source.data);
      out.fill(0);
    }
  }
});

test.serial('out may be a part of a larger buffer, whose rest stays as it was', async (t) => {
  using device = manual(1);
  const buffer = new Float32Array(600).fill(7);
  const out = buffer.subarray(100, 500);
  device.feed([ramp(400)]);
  const job = rec(null, { device: device.index, out, channels: 1 });
  await device.advance(512);
  t.is((await job).data, out);
  const [before, inside, after] = [buffer.slice(0, 100), buffer.slice(100, 500), buffer.slice(500)];
  t.deepEqual(inside, ramp(400));
  t.true([...before, ...after].every((sample) => sample === 7));
});

test.serial('what cannot be recorded into is refused', (t) => {
  using device = manual(1);
  const refused = (out: unknown) =>
    refusal(t, () => rec(null, wrong({ device: device.index, channels: 1, out })));
  for (const out of [[0, 0, 0], 'out', 7, {}, new BigInt64Array(4), new Uint16Array(4), new ArrayBuffer(8)]) {
    t.is(refused(out), refusals.type);
  }
  const gone = new Float32Array(8);
  structuredClone(gone, { transfer: [gone.buffer] });
  t.is(refused(gone), refusals.type);
});

test.serial('a recording that is stopped is the beginning of out, whose rest stays as it was', async (t) => {
  using device = manual(1);
  for (const end of ['stop', 'abort'] as const) {
    for (const out of [new Float32Array(1000).fill(7), audio(new Float32Array(1000).fill(7), 1, 'float32')]) {
      const { data } = out instanceof AudioData ? out : { data: out };
      device.feed([ramp(PERIOD)]);
      const job = rec(null, { device: device.index, out: out as Float32Array, channels: 1 });
      await device.advance(PERIOD);
      job[end]();
      await device.advance(PERIOD);
      const heard = await job;
      t.is(heard.frames, PERIOD);
      t.deepEqual(heard.data, ramp(PERIOD));
      t.is(heard.data.buffer, data.buffer);
      t.deepEqual(data.slice(0, PERIOD), ramp(PERIOD));
      t.true(data.slice(PERIOD).every((sample) => sample === 7));
    }
  }
});

test.serial('a recording that is stopped resolves with what it got', async (t) => {
  using device = manual(2);
  for (const dtype of DTYPES) {
    const source = noise(dtype, PERIOD, 2);
    device.feed(source.convert('float64').planar());
    const job = rec(10_000, { device: device.index, channels: 2, dtype });
    await device.advance(PERIOD);
    const stopped = job.stop();
    await device.advance(PERIOD);
    const heard = await stopped;
    t.is(await job, heard);
    t.is(heard.frames, PERIOD);
    t.deepEqual(samplesOf(heard), samplesOf(source), dtype);
  }
});

test.serial('a recording that ends before its first period is empty', async (t) => {
  using device = manual(2);
  const job = rec(100, { device: device.index, channels: 2 });
  job.abort();
  const heard = await job;
  t.deepEqual([heard.frames, heard.channels, heard.data.length], [0, 2, 0]);
});

test.serial('out given away while it records rejects the job', async (t) => {
  using device = manual(1);
  const out = new Float32Array(100);
  const job = rec(null, { device: device.index, out, channels: 1 });
  structuredClone(out, { transfer: [out.buffer] });
  await device.advance(PERIOD);
  const error = await t.throwsAsync(job);
  t.is(error?.name, 'TypeError');
});

test.serial('a device without inputs cannot record', (t) => {
  using mute = manual(2, { inputs: 0, name: 'Only a speaker' });
  const call = () => rec(1, { device: mute.index, channels: 1 });
  t.is(refusal(t, call), 'SoundDeviceError ERR_NO_SUCH_DEVICE -9996');
  t.throws(call, { message: /Not an input device: 'Only a speaker'/ });
});

test.serial('recordings of odd lengths end with the period that completes them', async (t) => {
  using device = manual(1);
  for (const frames of [1, 255, 256, 257, 1000]) {
    device.feed([ramp(whole(frames))]);
    const job = rec(frames, { device: device.index, channels: 1 });
    await device.advance(whole(frames));
    t.deepEqual((await job).data, ramp(frames));
  }
});

test.serial('a recording that another call replaces resolves with what it got', async (t) => {
  using device = manual(1);
  device.feed([ramp(1024)]);
  const out = new Float32Array(700);
  const first = rec(null, { device: device.index, out, channels: 1 });
  await device.advance(PERIOD);
  const second = rec(PERIOD, { device: device.index, channels: 1 });
  const heard = await first;
  t.is(heard.frames, PERIOD);
  t.deepEqual(heard.data, ramp(PERIOD));
  t.is(heard.data.buffer, out.buffer);
  await device.advance(PERIOD);
  t.deepEqual((await second).data, ramp(PERIOD, PERIOD + 1));
});

test.serial('out may be shared memory', async (t) => {
  using device = manual(1);
  for (const dtype of DTYPES) {
    const source = noise(dtype, 300);
    const shared = source.data.constructor as new (buffer: SharedArrayBuffer) => SampleArray;
    const out = audio(new shared(new SharedArrayBuffer(source.data.byteLength)), 1, dtype);
    device.feed(source.convert('float64').planar());
    const job = rec(null, { device: device.index, out });
    await device.advance(512);
    t.is<unknown, unknown>(await job, out);
    t.deepEqual(samplesOf(out), samplesOf(source), dtype);
  }
});
