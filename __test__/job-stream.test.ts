import { inspect } from 'node:util';
import test from 'ava';
import {
  getStatus,
  getStream,
  InputStream,
  OutputStream,
  play,
  playrec,
  rec,
  Stream,
  stop,
  wait,
  waitSync,
} from 'sounddevice';
import { manual, refusal, same } from './helper.js';

test.serial(
  'before anything was played there is no status and no stream, and nothing to wait for',
  async (t) => {
    for (const call of [getStatus, getStream]) {
      t.is(refusal(t, call), 'SoundDeviceError ERR_NOT_CALLED_YET');
      t.throws(call, { message: 'play(), rec() or playrec() was not called yet' });
    }
    t.is(await wait(), null);
    t.is(waitSync(), null);
    t.is(await stop(), undefined);
  },
);

test.serial('the stream of a play is that of an output', async (t) => {
  using device = manual(4, { sampleRate: 44100 });
  const job = play(Int16Array.of(1, 2, 3), { device: device.index, blockSize: 64, mapping: [3] });
  const stream = getStream();
  const { sampleRate, blockSize, channels, dtype, sampleSize, latency } = stream;
  t.deepEqual([sampleRate, blockSize, channels, dtype, sampleSize], [44100, 64, 3, 'int16', 2]);
  t.deepEqual([stream.device, latency], [device.index, 0]);
  t.deepEqual([stream.active, stream.stopped, stream.closed], [true, false, false]);
  const { time } = stream;
  await device.advance(256);
  await job;
  t.deepEqual([stream.active, stream.stopped, stream.closed], [false, true, true]);
  t.true(stream.time > time);
  t.is(stream.sampleRate, 44100);
});

test.serial('the stream of a recording is that of an input', async (t) => {
  using device = manual(2);
  const job = rec(10, { channels: 1, dtype: 'int24', device: device.index });
  const { channels, dtype, sampleSize, latency, blockSize } = getStream();
  t.deepEqual([channels, dtype, sampleSize, blockSize], [1, 'int24', 3, 0]);
  t.is(latency, 256 / 48000);
  await device.advance(256);
  await job;
});

test.serial('the stream of a playrec has pairs', async (t) => {
  using device = manual(2);
  const job = playrec(new Float64Array(4), { channels: 1, dtype: 'int8', device: device.index });
  const stream = getStream();
  t.deepEqual(stream.device, [device.index, device.index]);
  t.deepEqual(stream.channels, [1, 2]);
  t.deepEqual(stream.dtype, ['int8', 'float64']);
  t.deepEqual(stream.sampleSize, [1, 8]);
  t.deepEqual(stream.latency, [256 / 48000, 0]);
  await device.advance(512);
  await job;
});

test.serial('what conversion did is counted', async (t) => {
  using device = manual(1, { dtype: 'int16' });
  const job = play(Float32Array.of(2, NaN, -2, 0), { device: device.index });
  await device.advance(256);
  await job;
  t.deepEqual([getStream().clipped, getStream().nan], [2, 1]);
});

test.serial('it is a stream of its kind, and the same one each time', async (t) => {
  using device = manual(2);
  const options = { device: device.index, channels: 1 };
  const kinds = [
    [() => play(new Float32Array(10), { device: device.index }), OutputStream],
    [() => rec(10, options), InputStream],
    [() => playrec(new Float32Array(10), options), Stream],
  ] as const;
  const seen = new Set<unknown>();
  for (const [begin, kind] of kinds) {
    const job = begin();
    const stream = getStream();
    t.true(stream instanceof kind, kind.name);
    t.is(getStream(), stream);
    t.throws(() => play(new Float32Array(10), { device: 'nowhere' }), { code: 'ERR_NO_SUCH_DEVICE' });
    t.is(getStream(), stream);
    seen.add(stream);
    t.is(stream.start(), stream as never);
    t.throws(() => Object.assign(stream, { sampleRate: 1 }), { instanceOf: TypeError });
    t.notThrows(() => inspect(stream));
    t.is(await Promise.resolve(stream), stream);
    t.is(await stream.ready, undefined);
    await device.advance(512);
    await job;
    t.throws(() => stream.start(), { code: 'ERR_STREAM_CLOSED' });
  }
  t.is(seen.size, 3);
});

test.serial('what a job plays and records is nobody else’s to read or write', async (t) => {
  using device = manual(2);
  const job = playrec(new Float32Array(10), { device: device.index, channels: 1 });
  const stream = getStream() as Stream;
  const reads = [
    () => stream.read(1),
    () => stream.readSync(1),
    () => stream.readInto(new Float32Array(1)),
    () => stream.readAvailable,
    () => stream.readable,
    () => stream[Symbol.asyncIterator](),
  ];
  const writes = [
    () => stream.write(new Float32Array(1)),
    () => stream.writeSync(new Float32Array(1)),
    () => stream.writeAvailable,
    () => stream.writable,
  ];
  for (const call of reads) t.is(refusal(t, call), 'SoundDeviceError ERR_CALLBACK_STREAM -9977', `${call}`);
  for (const call of writes) t.is(refusal(t, call), 'SoundDeviceError ERR_CALLBACK_STREAM -9976', `${call}`);
  t.is(
    refusal(t, () => stream.postMessage(1)),
    'SoundDeviceError ERR_NOT_SUPPORTED',
  );
  await device.advance(512);
  await job;
  rec(10, { device: device.index, channels: 1 }).abort();
  t.false('write' in getStream());
  play(new Float32Array(10), { device: device.index }).abort();
  t.false('read' in getStream());
});

test.serial('ending the stream ends the job, and it tells so', async (t) => {
  using device = manual(1);
  const ends: ((stream: OutputStream) => unknown)[] = [
    (stream) => stream.stop(),
    (stream) => stream.abort(),
    (stream) => stream.close(),
    (stream) => stream.closeSync(),
    (stream) => stream[Symbol.dispose](),
    (stream) => stream[Symbol.asyncDispose](),
  ];
  for (const end of ends) {
    const job = play(new Float32Array(48000), { device: device.index });
    const stream = getStream() as OutputStream;
    const told: string[] = [];
    stream.on('finished', () => told.push('finished'));
    stream.on('error', () => told.push('error'));
    await device.advance(512);
    const ended = end(stream);
    await device.advance(512);
    await ended;
    await job;
    t.is(await stream.finished, undefined);
    await new Promise(setImmediate);
    t.deepEqual([stream.active, stream.closed, told], [false, true, ['finished']], `${end}`);
    t.true(job.position < 48000);
  }
});

test.serial('a lost device is told', async (t) => {
  using device = manual(1);
  const job = play(new Float32Array(48000), { device: device.index });
  const stream = getStream();
  const told: unknown[] = [];
  stream.on('error', (error) => told.push((error as { code?: string }).code));
  stream.on('finished', () => told.push('finished'));
  await device.advance(256);
  device.inject('lost');
  await t.throwsAsync(job, { code: 'ERR_DEVICE_LOST' });
  await t.throwsAsync(stream.finished, { code: 'ERR_DEVICE_LOST' });
  await new Promise(setImmediate);
  t.deepEqual(told, ['ERR_DEVICE_LOST', 'finished']);
  t.is(await stream.close(), undefined);
});

test.serial('it counts what went wrong, and has a load', async (t) => {
  using device = manual(1);
  const job = playrec(new Float32Array(1000), { device: device.index, channels: 1 });
  const stream = getStream();
  device.inject('output-underflow');
  await device.advance(256);
  device.inject('input-overflow');
  device.inject('output-underflow');
  await device.advance(256);
  t.deepEqual(stream.xruns, { inputOverflow: 1, inputUnderflow: 0, outputUnderflow: 2, outputOverflow: 0 });
  t.true(stream.cpuLoad > 0 && stream.cpuLoad < 1);
  await device.advance(1024);
  await job;
  t.is(stream.cpuLoad, 0);
});

test.serial('its volume is that of the job, and moves in a straight line', async (t) => {
  using device = manual(1);
  const ones = new Float32Array(4000).fill(1);
  const first = play(ones, { device: device.index });
  const stream = getStream() as OutputStream;
  t.is(stream.volume, 1);
  stream.volume = 0.5;
  t.is(stream.volume, 0.5);
  await device.advance(256);
  // What is set before the first period holds from the first frame on.
  same(t, device.played()[0], new Float64Array(256).fill(0.5));
  stream.volume = 0;
  await device.advance(1024);
  const ramp = (n: number) => Math.max(0, 0.5 * (1 - (n + 1) / 960));
  const played = device.played()[0] as Float64Array;
  t.true(played.every((sample, n) => Math.abs(sample - ramp(n)) < 1e-9));
  // Others in the same stream stay as loud as they were.
  const second = play(ones, { device: device.index, overlap: true });
  await device.advance(256);
  same(t, device.played()[0], new Float64Array(256).fill(1));
  for (const wrong of [-1, NaN, Infinity]) {
    t.is(
      refusal(t, () => Object.assign(stream, { volume: wrong })),
      'RangeError ERR_OUT_OF_RANGE',
    );
  }
  second.abort();
  first.abort();
  await Promise.all([first, second]);
  t.is(
    refusal(t, () => Object.assign(stream, { volume: 1 })),
    'SoundDeviceError ERR_STREAM_CLOSED -9988',
  );
  rec(10, { device: device.index, channels: 1 }).abort();
  t.is(
    refusal(t, () => Object.assign(getStream(), { volume: 1 })),
    'SoundDeviceError ERR_NOT_SUPPORTED',
  );
});
