import test from 'ava';
import {
  AudioData,
  type AudioSource,
  type DType,
  defaults,
  getStream,
  type Job,
  type PlayOptions,
  play,
  rec,
  stop,
} from 'sounddevice';
import {
  DTYPES,
  fromSamples,
  heardAs,
  manual,
  noise,
  PERIOD,
  RATE,
  ramp,
  refusal,
  same,
  whole,
  wrong,
} from './helper.js';

type Device = ReturnType<typeof manual>;

/** What comes out of a device, per channel, when something is played to its end. */
async function heard(
  device: Device,
  data: AudioSource,
  options: Omit<PlayOptions, 'blocking'> = {},
  frames = 1024,
) {
  device.played();
  const job = play(data, { device: device.index, ...options });
  await device.advance(frames);
  await job;
  return device.played();
}

const silence = (frames: number) => new Float64Array(frames);
const followed = (samples: ArrayLike<number>, frames: number) => {
  const all = silence(frames);
  all.set(samples);
  return all;
};

test.serial('empty data ends at once, without time passing', async (t) => {
  using device = manual();
  const empty: AudioSource[] = [
    [],
    new Float32Array(0),
    new AudioData(new Int16Array(0), { channels: 2 }),
    { data: [], shape: [0, 2] },
    { data: [], shape: [0] },
    [new Float32Array(0), new Float32Array(0)],
  ];
  for (const data of empty) {
    const job = play(data, { device: device.index });
    const flags = await job;
    t.false(flags.any);
    t.false(job.active);
    t.is(job.frames, 0);
    t.is(job.position, 0);
  }
});

test.serial('data without channels is refused by the device', (t) => {
  using device = manual();
  const none = () => play({ data: [], shape: [2, 0] }, { device: device.index });
  t.is(refusal(t, none), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
});

test.serial('data of three dimensions is refused', (t) => {
  const three = () => play({ data: new Float32Array(8), shape: [2, 2, 2] });
  t.is(refusal(t, three), 'RangeError ERR_INVALID_ARG_VALUE');
  t.throws(three, { message: /audio data to be played back must be one- or two-dimensional/ });
});

test.serial('an array without dimensions is one mono frame', async (t) => {
  using device = manual();
  const [left, right] = await heard(device, { data: [0.125], shape: [] }, {}, 256);
  same(t, left, followed([0.125], 256));
  same(t, right, followed([0.125], 256));
});

test.serial('every form of audio data is heard as its samples', async (t) => {
  using device = manual();
  const left = ramp(300);
  const right = ramp(300, 500);
  const both = new Float32Array(600);
  left.forEach((sample, n) => {
    both.set([sample, right[n] as number], 2 * n);
  });
  const strided = new Float32Array(1 + 300 * 6);
  left.forEach((sample, n) => {
    strided[1 + 6 * n] = sample;
    strided[4 + 6 * n] = right[n] as number;
  });
  const buffer = {
    numberOfChannels: 2,
    length: 300,
    sampleRate: RATE,
    getChannelData: (channel: number) => (channel ? right : left),
  };
  const stereo: Record<string, AudioSource> = {
    AudioData: new AudioData(both, { channels: 2 }),
    planes: [left, right],
    'an ndarray': { data: both, shape: [300, 2] },
    'a transposed ndarray': {
      data: Float32Array.of(...left, ...right),
      shape: [300, 2],
      stride: [1, 300],
    },
    'an ndarray with strides and offset': { data: strided, shape: [300, 2], stride: [6, 3], offset: 1 },
    'an ndarray from back to front': {
      data: Float32Array.from(both).reverse(),
      shape: [300, 2],
      stride: [-2, -1],
      offset: 599,
    },
    'an AudioBuffer': buffer,
  };
  for (const [name, data] of Object.entries(stereo)) {
    const [one, two] = await heard(device, data, {}, 512);
    same(t, one, followed(left, 512), name);
    same(t, two, followed(right, 512), name);
  }
  const bytes = left.buffer as ArrayBuffer;
  const mono: Record<string, [AudioSource, { dtype: DType }?]> = {
    'a typed array': [left],
    'a list of numbers': [Array.from(left)],
    'one plane': [[left]],
    'an ndarray of one dimension': [{ data: left, shape: [300] }],
    bytes: [new Uint8Array(bytes), { dtype: 'float32' }],
    'a Buffer': [Buffer.from(bytes), { dtype: 'float32' }],
    'an ArrayBuffer': [bytes, { dtype: 'float32' }],
    'a DataView': [new DataView(bytes), { dtype: 'float32' }],
    'a part of an ArrayBuffer': [both.map((_, n) => ramp(600)[n] as number).subarray(0, 300)],
  };
  for (const [name, [data, options]] of Object.entries(mono)) {
    const [one, two] = await heard(device, data, options, 512);
    same(t, one, followed(left, 512), name);
    same(t, two, followed(left, 512), name);
  }
});

test.serial('what are no samples is refused', (t) => {
  const refused = (data: unknown, options = {}) =>
    refusal(t, () => play(data as never, options), String(data));
  const kinds = [
    null,
    undefined,
    'samples',
    0.5,
    true,
    {},
    () => {},
    new Int16Array(4).buffer,
    new SharedArrayBuffer(4),
    BigInt64Array.of(1n),
    Uint16Array.of(1),
    Uint32Array.of(1),
    [new Float32Array(1), 'two'],
    [new Float32Array(1), new Int16Array(1)],
    ['one'],
    [1n],
  ];
  for (const kind of kinds) t.is(refused(kind), 'TypeError ERR_INVALID_ARG_TYPE');
  const values = [
    [new Float32Array(1), new Float32Array(2)],
    { data: [1, 2, 3], shape: [2, 2] },
    { data: [1, 2, 3], shape: [1.5] },
  ];
  for (const value of values) t.is(refused(value), 'RangeError ERR_INVALID_ARG_VALUE');
  t.regex(refused({ data: [1, 2, 3], shape: [-1] }), /^RangeError ERR_/);
  t.is(refused(new Uint8Array(3), { dtype: 'int16' }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused(new Uint8Array(3), { dtype: 'int64' }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused(new Int16Array(4), { dtype: 'float32' }), 'TypeError ERR_INVALID_ARG_TYPE');
});

test.serial('a detached array is refused', (t) => {
  const data = new Float32Array(8);
  structuredClone(data, { transfer: [data.buffer] });
  t.is(
    refusal(t, () => play(data)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
});

test.serial('whole numbers in a list are float samples', async (t) => {
  using device = manual();
  const [left] = await heard(device, [1, -1, 0, 2], {}, 256);
  same(t, left, followed([1, -1, 0, 2], 256));
});

test.serial('mono data goes to both channels of a stereo device', async (t) => {
  using device = manual(2);
  const data = ramp(256);
  const [left, right] = await heard(device, data, {}, 256);
  same(t, left, data);
  same(t, right, data);
  t.is(getStream().channels, 2);
});

test.serial(
  'mono data goes to the first two channels of a wider device, and to the one of a mono device',
  async (t) => {
    const data = ramp(256);
    using wide = manual(4);
    const [one, two, three, four] = await heard(wide, data, {}, 256);
    same(t, one, data);
    same(t, two, data);
    same(t, three, silence(256));
    same(t, four, silence(256));
    using narrow = manual(1);
    const channels = await heard(narrow, data, {}, 256);
    t.is(channels.length, 1);
    same(t, channels[0], data);
    t.is(getStream().channels, 1);
  },
);

test.serial('the data says how many channels there are, defaults do not', async (t) => {
  using device = manual(8);
  defaults.channels = 8;
  t.teardown(defaults.reset);
  await heard(device, noise('int16', 100, 3), {}, 256);
  t.is(getStream().channels, 3);
});

test.serial('data of 1 to 8 channels comes out channel by channel', async (t) => {
  using device = manual(8);
  for (const dtype of DTYPES) {
    for (let channels = 2; channels <= 8; channels++) {
      const data = noise(dtype, 256, channels, channels);
      const out = await heard(device, data, {}, 256);
      for (const [channel, samples] of out.entries()) {
        const expected = channel < channels ? heardAs(fromChannel(data, channel)) : silence(256);
        same(t, samples, expected, `${dtype} ${channels} ${channel}`);
      }
    }
  }
});

const fromChannel = (data: AudioData, channel: number) =>
  new AudioData(data.channel(channel) as never, { channels: 1, dtype: data.dtype } as never) as AudioData;

test.serial('a mapping sends columns to channels and leaves the others silent', async (t) => {
  using device = manual(4);
  const [a, b] = [ramp(256), ramp(256, 700)];
  const none = silence(256);
  const table: [
    AudioSource,
    number | number[],
    Float32Array | Float64Array,
    ...(Float32Array | Float64Array)[],
  ][] = [
    [a, 2, none, a, none, none],
    [a, [2], none, a, none, none],
    [a, [1], a, none, none, none],
    [a, [1, 2], a, a, none, none],
    [a, [4, 1], a, none, none, a],
    [[a, b], [1, 2], a, b, none, none],
    [[a, b], [2, 1], b, a, none, none],
    [[a, b], [3, 1], b, none, a, none],
    [[a, b], [4, 2], none, b, none, a],
  ];
  for (const [data, mapping, ...expected] of table) {
    const out = await heard(device, data, { mapping }, 256);
    for (const [channel, samples] of expected.entries())
      same(t, out[channel], samples, `[${mapping}] ${channel}`);
  }
});

test.serial('mono mapped to the first channel opens a second, silent one', async (t) => {
  using device = manual(4);
  await heard(device, ramp(16), { mapping: [1] }, 256);
  t.is(getStream().channels, 2);
  await heard(device, [ramp(16), ramp(16)], { mapping: [3, 1] }, 256);
  t.is(getStream().channels, 3);
  using mono = manual(1);
  await heard(mono, ramp(16), { mapping: [1] }, 256);
  t.is(getStream().channels, 1);
});

test.serial('wrong mappings are refused', (t) => {
  using device = manual(2);
  const stereo = [ramp(4), ramp(4)];
  const refused = (mapping: unknown, data: AudioSource = stereo) =>
    refusal(t, () => play(data, wrong({ device: device.index, mapping })), `${mapping}`);
  for (const mapping of [[0, 1], [-1, 1], [1, 1], [1, 2, 3], [1], [], [1.5, 2], [NaN, 1], 0, 1.5]) {
    t.is(refused(mapping), 'RangeError ERR_INVALID_ARG_VALUE');
  }
  for (const mapping of [[0], [-1], [1, 1], [], [1.5]])
    t.is(refused(mapping, ramp(4)), 'RangeError ERR_INVALID_ARG_VALUE');
  for (const mapping of ['ab', ['1', '2'], {}, true, [null, 1]])
    t.is(refused(mapping), 'TypeError ERR_INVALID_ARG_TYPE');
  for (const mapping of [
    [1, 3],
    [1, 64],
  ])
    t.is(refused(mapping), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  const message = (mapping: number[]) =>
    t.throws(() => play(stereo, { device: device.index, mapping }))?.message;
  t.regex(message([0, 1]) as string, /channel numbers must not be < 1/);
  t.regex(message([1, 1]) as string, /each channel may only appear once in mapping/);
  t.regex(message([1, 2, 3]) as string, /number of output channels != size of output mapping/);
  // Whole numbers are whole numbers, however they are written.
  t.notThrows(() => play(stereo, { device: device.index, mapping: [1.0, 2.0] }).abort());
});

test.serial('more columns than the device has channels are refused', (t) => {
  using device = manual(2);
  const three = () => play(noise('int16', 4, 3), { device: device.index });
  t.is(refusal(t, three), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  using deaf = manual(2, { outputs: 0 });
  const nowhere = () => play(ramp(4), { device: deaf.index });
  t.is(refusal(t, nowhere), 'SoundDeviceError ERR_NO_SUCH_DEVICE -9996');
  t.throws(nowhere, { message: /Not an output device: 'Virtual'/ });
});

test.serial('sample rates that the device does not have are refused', (t) => {
  using device = manual();
  const refused = (sampleRate: unknown) =>
    refusal(t, () => play([0.5], wrong({ device: device.index, sampleRate })));
  for (const rate of [0, -1, 1, 44100, 1e6, Infinity, -Infinity, 47999.5]) {
    t.is(refused(rate), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
  }
  t.is(refused(NaN), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused('48000'), 'TypeError ERR_INVALID_ARG_TYPE');
  const second = (rate: unknown) => refusal(t, () => play([0.5], rate as never, { device: device.index }));
  t.is(second(44100), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
  t.is(second('48000'), 'TypeError ERR_INVALID_ARG_TYPE');
});

test.serial(
  'the sample rate comes from the call, the data, the default, the device, in this order',
  async (t) => {
    using device = manual(2, { sampleRate: 44100 });
    t.teardown(defaults.reset);
    const { index } = device;
    const refused = (call: () => unknown) =>
      t.is(refusal(t, call), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
    const runs = (job: Job<unknown>) => {
      t.is(getStream().sampleRate, 44100);
      job.abort();
    };
    const [wrongRate, rightRate] = [22050, 44100].map(
      (sampleRate) => new AudioData(new Float32Array(100), { channels: 1, sampleRate }),
    ) as [AudioData, AudioData];
    runs(play([0.5], { device: index }));
    defaults.sampleRate = 22050;
    refused(() => play([0.5], { device: index }));
    runs(play(rightRate, { device: index }));
    runs(play([0.5], 44100, { device: index }));
    runs(play([0.5], { device: index, sampleRate: 44100 }));
    defaults.sampleRate = 44100;
    runs(play([0.5], { device: index }));
    refused(() => play(wrongRate, { device: index }));
    runs(play(wrongRate, 44100, { device: index }));
  },
);

test.serial('unknown options, and those of other functions, are refused', (t) => {
  using device = manual();
  const refused = (options: unknown) => refusal(t, () => play([0.5], options as never));
  for (const option of [
    'foo',
    'callback',
    'finishedCallback',
    'frames',
    'out',
    'align',
    'inputMapping',
    'outputMapping',
    'primeOutputBuffersUsingStreamCallback',
    'toString',
    'constructor',
  ]) {
    t.is(refused({ device: device.index, [option]: 1 }), 'TypeError ERR_UNKNOWN_OPTION', option);
  }
  t.is(refused({ device: device.index, channels: 1 }), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused('loud'), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refused([1]), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(
    refusal(t, () => play([0.5], 48000, 7 as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
});

test.serial('options of the wrong kind or out of range are refused', (t) => {
  using device = manual();
  const table: [object, string][] = [
    [{ device: 1.5 }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ device: {} }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ device: [1, 2, 3] }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ latency: 'medium' }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ latency: -1 }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ latency: NaN }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ latency: 1e9 }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ latency: true }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ latency: [0.1, 0.1, 0.1] }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ blockSize: -1 }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ blockSize: 1.5 }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ blockSize: '256' }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ clipOff: 1 }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ ditherOff: 'no' }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ overlap: 1 }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ blocking: 'yes' }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ signal: {} }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ loop: 1 }, 'TypeError ERR_INVALID_ARG_TYPE'],
    [{ loop: { start: -1 } }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ loop: { start: 0.5 } }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ loop: { start: 2 } }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ loop: { end: 3 } }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ loop: { start: 1, end: 1 } }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ loop: { count: 0 } }, 'RangeError ERR_OUT_OF_RANGE'],
    [{ loop: { count: 1.5 } }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ loop: { times: 2 } }, 'TypeError ERR_UNKNOWN_OPTION'],
    [{ dtype: 'int64' }, 'RangeError ERR_INVALID_ARG_VALUE'],
    [{ dtype: 7 }, 'TypeError ERR_INVALID_ARG_TYPE'],
  ];
  for (const [options, expected] of table) {
    const call = () => play([0.5, 0.5], wrong({ device: device.index, ...options }));
    t.is(refusal(t, call), expected, JSON.stringify(options));
  }
});

test.serial('what is not built yet, or only for streams with a callback, is refused', (t) => {
  using device = manual();
  const refused = (options: object) =>
    refusal(t, () => play([0.5], wrong({ device: device.index, ...options })));
  t.is(refused({ neverDropInput: true }), 'SoundDeviceError ERR_INVALID_FLAG -9995');
  t.is(refused({ resample: true }), 'SoundDeviceError ERR_NOT_SUPPORTED');
  t.notThrows(() => play([0.5], { device: device.index, neverDropInput: false, resample: false }).abort());
});

test.serial('empty data cannot be looped', (t) => {
  using device = manual();
  for (const loop of [true, { count: 2 }, { start: 0, end: 0 }]) {
    t.is(
      refusal(t, () => play([], { device: device.index, loop })),
      'RangeError ERR_INVALID_ARG_VALUE',
    );
  }
});

test.serial('all of it is played, to the last sample', async (t) => {
  using device = manual(1);
  for (const frames of [1, 255, 256, 257, 511, 48_000]) {
    const data = ramp(frames);
    const job = play(data, { device: device.index });
    await device.advance(whole(frames));
    await job;
    t.is(job.position, frames);
    t.is(job.heard, frames);
    same(t, device.played()[0], followed(data, whole(frames)), `${frames}`);
  }
});

test.serial('floats pass a float device beyond full scale, NaN and infinity too', async (t) => {
  using device = manual(1);
  const data = Float32Array.of(2, -2, NaN, Infinity, -Infinity, 1e30);
  const [out] = await heard(device, data, {}, 256);
  same(t, out, followed(data, 256));
  t.is(getStream().channels, 1);
});

test.serial('integers come out at the level they stand for', async (t) => {
  using device = manual(1);
  const level = async (data: AudioSource) =>
    Array.from((await heard(device, data, {}, 256))[0]?.slice(0, 4) ?? []);
  t.deepEqual(await level(Uint8Array.of(192, 128, 0, 255)), [0.5, 0, -1, 0.9921875]);
  t.deepEqual(await level(Int8Array.of(64, 0, -128, 127)), [0.5, 0, -1, 0.9921875]);
  t.deepEqual(await level(Int16Array.of(16384, -32768, 1, 32767)), [0.5, -1, 2 ** -15, 1 - 2 ** -15]);
  t.deepEqual(await level(Int32Array.of(2 ** 30, -(2 ** 31), 1, 2 ** 31 - 1)), [
    0.5,
    -1,
    2 ** -31,
    1 - 2 ** -31,
  ]);
  const packed = fromSamples([2 ** 22, -(2 ** 23), 1, 2 ** 23 - 1], 'int24');
  t.deepEqual(await level(packed), [0.5, -1, 2 ** -23, 1 - 2 ** -23]);
});

test.serial('data is copied at the call, shared memory is played live', async (t) => {
  using device = manual(1);
  const copied = ramp(512);
  const plane = ramp(512);
  const live = new Float32Array(new SharedArrayBuffer(2048));
  const [x, y, z] = [
    play(copied, { device: device.index }),
    play([plane], { device: device.index, overlap: true }),
    play(new AudioData(live, { channels: 1 }), { device: device.index, overlap: true }),
  ];
  copied.fill(9);
  plane.fill(9);
  await device.advance(256);
  live.fill(0.25);
  await device.advance(256);
  await Promise.all([x, y, z]);
  const expected = Array.from(ramp(512), (sample, n) => 2 * sample + (n < 256 ? 0 : 0.25));
  same(t, device.played()[0], expected);
});

test.serial('a new play ends the one before as abort() does', async (t) => {
  using device = manual(1);
  const first = play(new Float32Array(1000).fill(0.5), { device: device.index });
  await device.advance(256);
  const second = play(new Float32Array(256).fill(0.25), { device: device.index });
  t.false((await first).any);
  t.false(first.active);
  t.true(second.active);
  t.is(first.position, 256);
  await device.advance(256);
  await second;
  same(t, device.played()[0], [...new Array(256).fill(0.5), ...new Array(256).fill(0.25)]);
});

test.serial('a play that fails, whenever before it runs, leaves the one before playing', async (t) => {
  using device = manual(1);
  const first = play(new Float32Array(2560).fill(0.5), { device: device.index });
  const failures: object[] = [
    { mapping: [0] },
    { foo: 1 },
    { sampleRate: 1 },
    { mapping: [2] },
    { device: 'no such device at all' },
    { device: 123456 },
    { signal: AbortSignal.abort() },
    { blocking: true },
  ];
  for (const failure of failures) {
    t.throws(() => play([1, 1, 1], wrong({ device: device.index, ...failure })), { any: true } as never);
    t.true(first.active, JSON.stringify(failure));
    t.is(getStream().channels, 1);
    await device.advance(256);
  }
  await device.advance(512);
  await first;
  same(t, device.played()[0], new Array(2560).fill(0.5));
});

test.serial('overlapping plays are mixed, each from the period in which it begins', async (t) => {
  using device = manual(2);
  const [a, b, c] = [noise('int16', 1000, 2, 1), noise('int16', 300, 1, 2), noise('int8', 100, 2, 3)];
  const first = play(a, { device: device.index });
  await device.advance(256);
  const second = play(b, { device: device.index, overlap: true, mapping: [2] });
  await device.advance(256);
  const third = play(c, { device: device.index, overlap: true });
  await device.advance(512);
  await Promise.all([first, second, third]);
  const out = device.played();
  for (const channel of [0, 1]) {
    const expected = followed(heardAs(fromChannel(a, channel)), 1024);
    if (channel === 1)
      heardAs(b).forEach((sample, n) => {
        expected[256 + n] = (expected[256 + n] as number) + sample;
      });
    heardAs(fromChannel(c, channel)).forEach((sample, n) => {
      expected[512 + n] = (expected[512 + n] as number) + sample;
    });
    same(t, out[channel], expected, `${channel}`);
  }
});

test.serial('overlapping plays with different latencies and channels all sound', async (t) => {
  using device = manual(4);
  const jobs = [
    play(ramp(256), { device: device.index }),
    play(ramp(256), { device: device.index, overlap: true, mapping: [4] }),
    play([ramp(256), ramp(256), ramp(256)], { device: device.index, overlap: true }),
  ];
  await device.advance(256);
  await Promise.all(jobs);
  const out = device.played();
  for (const [channel, times] of [2, 2, 1, 1].entries()) {
    same(
      t,
      out[channel],
      ramp(256).map((sample) => sample * times),
      `${channel}`,
    );
  }
});

test.serial('overlapping plays on two devices sound on both', async (t) => {
  using one = manual(1);
  using two = manual(1, { sampleRate: 44100, period: 100 });
  const first = play(ramp(500), { device: one.index });
  const second = play(ramp(500, 9), { device: two.index, overlap: true });
  await Promise.all([one.advance(512), two.advance(500)]);
  await Promise.all([first, second]);
  same(t, one.played()[0], followed(ramp(500), 512));
  same(t, two.played()[0], ramp(500, 9));
});

test.serial('stop ends overlapping plays on all devices', async (t) => {
  using one = manual(1);
  using two = manual(1);
  const jobs = [
    play(ramp(500), { device: one.index, loop: true }),
    play(ramp(500), { device: one.index, overlap: true, loop: true }),
    play(ramp(500), { device: two.index, overlap: true, loop: true }),
    rec(1000, { device: two.index, channels: 1 }),
  ];
  // The recording replaces the plays; its own device is still needed.
  const [first, second, third, recording] = jobs as [
    Job<unknown>,
    Job<unknown>,
    Job<unknown>,
    Job<AudioData>,
  ];
  await Promise.all([first, second, third]);
  await two.advance(300);
  const stopped = stop();
  await two.advance(256);
  await stopped;
  t.is((await recording).frames, PERIOD);
});
