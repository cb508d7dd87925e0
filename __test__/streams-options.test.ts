import test from 'ava';
import {
  AsioSettings,
  CoreAudioSettings,
  defaults,
  InputStream,
  OutputStream,
  RawInputStream,
  RawOutputStream,
  RawStream,
  Stream,
  WasapiSettings,
} from 'sounddevice';
import { manual, nameOf, refusal } from './helper.js';

type Class = { new (options: never): Stream; open(options: never): Promise<Stream> };
const CLASSES = {
  Stream,
  InputStream,
  OutputStream,
  RawStream,
  RawInputStream,
  RawOutputStream,
} as unknown as Record<string, Class>;
const device = manual(2);
const wrong = (options: object) => ({ device: device.index, ...options }) as never;

test.afterEach(() => defaults.reset());

test.serial('F67 a stream before, while and after it runs', async (t) => {
  const stream = new Stream(wrong({ callback() {} }));
  const state = () => [stream.active, stream.stopped, stream.closed];
  t.deepEqual(state(), [false, true, false]);
  t.is(stream.cpuLoad, 0);
  t.true(stream.time >= 0);
  stream.start();
  t.deepEqual(state(), [true, false, false]);
  await device.advance(512);
  t.true(stream.cpuLoad > 0);
  await stream.close();
  t.deepEqual(state(), [false, true, true]);
  t.is(stream.cpuLoad, 0);
  t.is(
    refusal(t, () => stream.time),
    'SoundDeviceError ERR_STREAM_CLOSED -9988',
  );
  t.deepEqual([stream.sampleRate, stream.channels, stream.blockSize], [48000, [2, 2], 0]);
  t.is(stream.latency.length, 2);
});

test.serial('F68 channels', (t) => {
  for (const [name, Class] of Object.entries(CLASSES)) {
    const open = (channels?: unknown) => {
      const stream = new Class(wrong(channels === undefined ? {} : { channels }));
      stream.closeSync();
      return stream.channels;
    };
    const both = (count: number) => (/^(Raw)?Stream$/.test(name) ? [count, count] : count);
    t.deepEqual(open(), both(2), 'all of the device');
    t.deepEqual(open(1), both(1));
    t.deepEqual(open([1, 1]), both(1));
    for (const count of [0, 64, 1e6]) {
      t.is(
        refusal(t, () => open(count)),
        'SoundDeviceError ERR_INVALID_CHANNELS -9998',
        name,
      );
    }
    t.is(
      refusal(t, () => open(-1)),
      'RangeError ERR_OUT_OF_RANGE',
    );
    t.is(
      refusal(t, () => open(1.5)),
      'RangeError ERR_INVALID_ARG_VALUE',
    );
    t.is(
      refusal(t, () => open('2')),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
  defaults.channels = [1, 2];
  const stream = new Stream(wrong({}));
  t.deepEqual(stream.channels, [1, 2]);
  stream.closeSync();
});

test.serial('F69 dtypes', (t) => {
  for (const Class of Object.values(CLASSES)) {
    for (const dtype of ['float64', 'float32', 'int32', 'int24', 'int16', 'int8', 'uint8']) {
      const stream = new Class(wrong({ dtype }));
      t.deepEqual([stream.dtype].flat()[0], dtype);
      stream.closeSync();
    }
    t.is(
      refusal(t, () => new Class(wrong({ dtype: 'float16' }))),
      'RangeError ERR_INVALID_ARG_VALUE',
    );
    t.is(
      refusal(t, () => new Class(wrong({ dtype: 32 }))),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
  defaults.dtype = ['int16', null];
  const stream = new Stream(wrong({ dtype: [null, 'int8'] }));
  t.deepEqual(stream.dtype, ['int16', 'int8']);
  stream.closeSync();
});

test.serial('F70 latency', (t) => {
  const latency = (value: unknown) => {
    const stream = new Stream(wrong({ latency: value }));
    stream.closeSync();
    return stream.latency[1];
  };
  t.deepEqual([latency('low'), latency('high'), latency(0)], [0, 0, 0]);
  // 0.1 s are 18.75 periods: 17 of them before the first frame.
  t.is(latency(0.1), (17 * 256) / 48000);
  t.is(latency([0, 0.1]), (17 * 256) / 48000);
  t.is(
    refusal(t, () => latency('medium')),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  t.is(
    refusal(t, () => latency(true)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
  for (const value of [-1, Number.NaN, 1e9])
    t.is(
      refusal(t, () => latency(value)),
      'RangeError ERR_OUT_OF_RANGE',
    );
});

test.serial('F71 block sizes', (t) => {
  for (const blockSize of [0, 1, 256, 10.0]) {
    const stream = new Stream(wrong({ blockSize }));
    t.is(stream.blockSize, blockSize);
    stream.closeSync();
  }
  const open = (blockSize: unknown) => () => new Stream(wrong({ blockSize }));
  t.is(refusal(t, open(-1)), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refusal(t, open(1.5)), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refusal(t, open('256')), 'TypeError ERR_INVALID_ARG_TYPE');
});

test.serial('F72 neverDropInput is for duplex callbacks with blockSize 0', (t) => {
  const refused = (Class: new (options: never) => unknown, options: object) =>
    refusal(t, () => new Class(wrong({ neverDropInput: true, ...options })));
  const invalid = 'SoundDeviceError ERR_INVALID_FLAG -9995';
  t.is(refused(Stream, {}), invalid);
  t.is(refused(Stream, { callback() {}, blockSize: 64 }), invalid);
  t.is(refused(InputStream, { callback() {} }), invalid);
  t.is(refused(RawOutputStream, { callback() {} }), invalid);
  new Stream(wrong({ neverDropInput: true, callback() {} })).closeSync();
  defaults.neverDropInput = true;
  t.is(
    refusal(t, () => new OutputStream(wrong({}))),
    invalid,
  );
});

test.serial('sample rates', (t) => {
  const open = (sampleRate: unknown) => () => new Stream(wrong({ sampleRate }));
  for (const rate of [0, -1, 1, 1e6, Infinity, 44100]) {
    t.is(refusal(t, open(rate)), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
  }
  t.is(refusal(t, open(Number.NaN)), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refusal(t, open('48000')), 'TypeError ERR_INVALID_ARG_TYPE');
  const stream = open(48000)();
  t.is(stream.sampleRate, 48000);
  stream.closeSync();
});

test.serial('other options', (t) => {
  const open = (options: object) => () => new OutputStream(wrong(options));
  t.is(refusal(t, open({ foo: 1 })), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refusal(t, open({ callback: 1 })), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refusal(t, open({ finishedCallback: {} })), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refusal(t, open({ clipOff: 1 })), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refusal(t, open({ signal: {} })), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refusal(t, open({ onDeviceLost: 'ignore' })), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refusal(t, open({ device: 'no such device' })), 'SoundDeviceError ERR_NO_SUCH_DEVICE -9996');
  t.is(refusal(t, open({ device: [1, 2, 3] })), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(
    refusal(t, () => new OutputStream(7 as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
});

test.serial('F91 settings of another host API are refused', (t) => {
  for (const settings of [
    new AsioSettings({ channelSelectors: [0] }),
    new CoreAudioSettings(),
    new WasapiSettings(),
  ]) {
    for (const Class of Object.values(CLASSES)) {
      const open = () => new Class(wrong({ extraSettings: settings }));
      t.is(refusal(t, open), 'SoundDeviceError ERR_INCOMPATIBLE_SETTINGS -9984');
    }
  }
  const date = () => new Stream(wrong({ extraSettings: new Date() }));
  t.is(refusal(t, date), 'TypeError ERR_INVALID_ARG_TYPE');
});

test.serial('open does not block, makes the same, and rejects as the constructor throws', async (t) => {
  for (const [name, Class] of Object.entries(CLASSES)) {
    const stream = await Class.open(wrong({}));
    t.is(stream.constructor.name, name);
    t.true(stream instanceof Class);
    t.deepEqual([stream.active, stream.stopped, stream.closed], [false, true, false]);
    await stream.close();
    const error = await t.throwsAsync(Class.open(wrong({ channels: 64 })));
    t.is(nameOf(error), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  }
  class Tap extends InputStream {}
  const tap = await Tap.open(wrong({}));
  t.true(tap instanceof Tap);
  tap.closeSync();
});

test.serial('two devices make one stream', async (t) => {
  using from = manual(1, { period: 64 });
  using to = manual(1, { period: 64 });
  const sent = Float64Array.from({ length: 6400 }, (_, n) => (n + 1) / 65536);
  from.feed([sent]);
  const stream = new Stream({
    device: [from.index, to.index],
    channels: 1,
    dtype: 'float64',
    callback(input, output) {
      output.set(input);
    },
  }).start();
  t.deepEqual(stream.device, [from.index, to.index]);
  for (let period = 0; period < 100; period++) {
    await from.advance(64);
    await to.advance(64);
  }
  const [played] = to.played();
  t.deepEqual(played, sent);
  await stream.close();
});
