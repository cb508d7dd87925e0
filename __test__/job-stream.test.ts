import { inspect } from 'node:util';
import test from 'ava';
import { getStatus, getStream, play, playrec, rec, stop, wait, waitSync } from 'sounddevice';
import { manual, refusal } from './helper.js';

const NOT_BUILT = 'SoundDeviceError ERR_NOT_SUPPORTED';

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

test.serial('the stream of a job is only looked at', async (t) => {
  using device = manual(1);
  const job = play(new Float32Array(10), { device: device.index });
  const stream = getStream() as unknown as Record<string | symbol, unknown>;
  for (const name of [
    'start',
    'stop',
    'close',
    'read',
    'write',
    'xruns',
    'volume',
    'on',
    Symbol.asyncDispose,
  ]) {
    t.is(
      refusal(t, () => stream[name]),
      NOT_BUILT,
      String(name),
    );
  }
  t.is(
    refusal(t, () => Object.assign(stream, { volume: 0.5 })),
    NOT_BUILT,
  );
  t.throws(() => Object.assign(stream, { sampleRate: 1 }), { instanceOf: TypeError });
  t.notThrows(() => inspect(stream));
  t.regex(inspect(job), /^Job /);
  t.is(await Promise.resolve(stream), stream);
  await device.advance(256);
  await job;
});
