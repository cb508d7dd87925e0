import test from 'ava';
import { defaults, getStream, play, playrec } from 'sounddevice';
import {
  audio,
  column,
  converted,
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
  samplesOf,
  whole,
  wrong,
} from './helper.js';

const FRAMES = 600;
const DEVICE_CHANNELS = 8;

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const MAPPINGS: Record<string, (channels: number) => number[] | undefined> = {
  'no mapping': () => undefined,
  'the reverse mapping': (channels) => numbers(channels).reverse(),
  'the last channels': (channels) => numbers(DEVICE_CHANNELS).slice(-channels),
  'a scattered mapping': (channels) => [3, 8, 1, 6, 4, 7, 2, 5].slice(0, channels),
};

/** Where on the data the input channel of a column hears from: its column, or none. */
function origin(input: number, output: number[] | undefined, channels: number): number | undefined {
  if (channels === 1 && output === undefined) return input <= 2 ? 0 : undefined;
  if (channels === 1) return output?.includes(input) ? 0 : undefined;
  const found = (output ?? numbers(channels)).indexOf(input);
  return found < 0 ? undefined : found;
}

for (const align of [false, true]) {
  for (const [name, mapping] of Object.entries(MAPPINGS)) {
    const late = align ? 'not late at all with align' : 'one period late';
    test.serial(`playrec hears bit for bit what it plays, ${late}, with ${name}`, async (t) => {
      using device = manual(DEVICE_CHANNELS);
      for (const dtype of DTYPES) {
        for (const channels of numbers(DEVICE_CHANNELS)) {
          const data = noise(dtype, FRAMES, channels, channels);
          const outputMapping = mapping(channels);
          const inputMapping = mapping(channels);
          const job = playrec(data, {
            device: device.index,
            channels,
            align,
            ...(outputMapping ? { outputMapping } : {}),
            ...(inputMapping ? { inputMapping } : {}),
          });
          await device.advance(whole(FRAMES + PERIOD));
          const heard = await job;
          t.is(heard.dtype, dtype);
          t.is(heard.frames, FRAMES);
          t.is(heard.channels, channels);
          const delay = align ? 0 : PERIOD;
          const silent = samplesOf(heard.slice(0, delay));
          t.true(
            silent.every((sample) => sample === 0),
            `${dtype} ${channels}`,
          );
          t.deepEqual(heard.slice(delay).data, data.slice(0, FRAMES - delay).data, `${dtype} ${channels}`);
          t.is(job.roundTrip, PERIOD);
          t.is(job.clipped + job.nan, 0);
        }
      }
    });
  }
}

test.serial('a playrec whose mappings differ hears each channel where it was sent', async (t) => {
  using device = manual(DEVICE_CHANNELS);
  for (const dtype of DTYPES) {
    for (const channels of numbers(DEVICE_CHANNELS)) {
      for (const outputMapping of Object.values(MAPPINGS).map((mapping) => mapping(channels))) {
        // Input channels may be listed twice, and channels that nobody plays to are silent.
        const inputMapping = [5, 1, 1, 8, 2];
        const data = noise(dtype, FRAMES, channels, 99);
        const job = playrec(data, {
          device: device.index,
          align: true,
          inputMapping,
          ...(outputMapping ? { outputMapping } : {}),
        });
        await device.advance(whole(FRAMES + PERIOD));
        const heard = samplesOf(await job);
        const played = samplesOf(data);
        for (const [position, input] of inputMapping.entries()) {
          const from = origin(input, outputMapping, channels);
          const expected = from === undefined ? new Array(FRAMES).fill(0) : column(played, from, channels);
          t.deepEqual(
            column(heard, position, inputMapping.length),
            expected,
            `${dtype} ${channels} [${outputMapping}] ${input}`,
          );
        }
      }
    }
  }
});

test.serial('mono goes to all channels of a mapping, and the others are silent', async (t) => {
  using device = manual(DEVICE_CHANNELS);
  for (const outputMapping of [[2], [1], [8], [2, 7], [4, 3, 2, 1], numbers(8)]) {
    const data = noise('int16', FRAMES);
    const job = playrec(data, {
      device: device.index,
      channels: DEVICE_CHANNELS,
      outputMapping,
      align: true,
    });
    await device.advance(whole(FRAMES + PERIOD));
    const heard = await job;
    for (const channel of numbers(DEVICE_CHANNELS)) {
      const expected = outputMapping.includes(channel) ? data.data : new Int16Array(FRAMES);
      t.deepEqual(heard.channel(channel - 1), expected, `[${outputMapping}] ${channel}`);
    }
  }
});

test.serial('a recording of another dtype than what is played is converted once', async (t) => {
  using device = manual(2);
  for (const from of DTYPES) {
    for (const to of DTYPES) {
      const data = noise(from, FRAMES, 2, 7);
      const job = playrec(data, {
        device: device.index,
        channels: 2,
        dtype: to,
        align: true,
        ditherOff: true,
      });
      await device.advance(whole(FRAMES + PERIOD));
      const expected = samplesOf(data).map((sample) => converted(sample, from, to));
      t.deepEqual(samplesOf(await job), expected, `${from} to ${to}`);
      t.deepEqual(getStream().channels, [2, 2]);
    }
  }
});

test.serial('on an integer device samples that it holds come back bit for bit', async (t) => {
  const held: Record<string, readonly string[]> = {
    float64: DTYPES,
    float32: ['float32', 'int24', 'int16', 'int8', 'uint8'],
    int32: ['int32', 'int24', 'int16', 'int8', 'uint8'],
    int24: ['int24', 'int16', 'int8', 'uint8'],
    int16: ['int16', 'int8', 'uint8'],
    int8: ['int8', 'uint8'],
    uint8: ['int8', 'uint8'],
  };
  for (const own of DTYPES) {
    using device = manual(2, { dtype: own });
    for (const dtype of DTYPES.filter((one) => held[own]?.includes(one))) {
      const data = noise(dtype, FRAMES, 2, 3);
      const job = playrec(data, { device: device.index, channels: 2, align: true });
      await device.advance(whole(FRAMES + PERIOD));
      t.deepEqual((await job).data, data.data, `${dtype} through ${own}`);
    }
  }
});

test.serial('a pause takes nothing out of an aligned recording', async (t) => {
  using device = manual(1, { period: 64 });
  const data = Int16Array.from({ length: 256 }, (_, n) => n + 1);
  const job = playrec(data, { device: device.index, channels: 1, align: true });
  await device.advance(128);
  job.pause();
  await device.advance(256);
  job.resume();
  await device.advance(64);
  job.pause();
  await device.advance(64);
  job.resume();
  await device.advance(640);
  t.deepEqual((await job).data, data);
});

test.serial('blockSize changes nothing in what playrec hears', async (t) => {
  using device = manual(2);
  for (const blockSize of [0, 1, 7, 100, 256, 300, 512, 1000]) {
    for (const align of [false, true]) {
      const data = noise('int24', 2000, 2, blockSize + 1);
      const job = playrec(data, { device: device.index, channels: 2, blockSize, align });
      let ended = false;
      const heard = job.finally(() => {
        ended = true;
      });
      while (!ended) await device.advance(PERIOD);
      const { roundTrip } = job;
      const delay = align ? 0 : (roundTrip as number);
      t.deepEqual((await heard).slice(delay).data, data.slice(0, 2000 - delay).data, `${blockSize} ${align}`);
    }
  }
});

test.serial('one channel is recorded while two are played', async (t) => {
  using device = manual(2);
  const job = playrec(noise('int16', 300, 2), { device: device.index, channels: 1, align: true });
  t.deepEqual(getStream().channels, [1, 2]);
  t.is(getStream().sampleRate, RATE);
  t.deepEqual(getStream().device, [device.index, device.index]);
  await device.advance(768);
  const heard = await job;
  t.is(heard.channels, 1);
  t.is(heard.frames, 300);
  t.is(heard.sampleRate, RATE);
  t.deepEqual(heard.data, noise('int16', 300, 2).channel(0));
});

test.serial("a recording has its data's dtype, whatever the default says", async (t) => {
  using device = manual(2);
  defaults.dtype = 'int8';
  t.teardown(defaults.reset);
  for (const dtype of DTYPES) {
    const job = playrec(noise(dtype, 10), { device: device.index, channels: 1 });
    await device.advance(512);
    t.is((await job).dtype, dtype);
  }
  const list = playrec([0.5, -0.5], { device: device.index, channels: 1, align: true });
  await device.advance(512);
  t.deepEqual((await list).data, Float64Array.of(0.5, -0.5));
});

test.serial('out decides the dtype and has to be as long as the data', async (t) => {
  using device = manual(2);
  const data = ramp(300);
  const out = new Int16Array(300);
  const job = playrec(data, { device: device.index, out, channels: 1, align: true });
  await device.advance(768);
  const heard = await job;
  t.is(heard.dtype, 'int16');
  t.is(heard.data, out);
  t.deepEqual(
    out,
    Int16Array.from(data, (sample) => sample * 32768),
  );
  const stereo = audio(new Int16Array(600), 2, 'int16');
  const both = playrec(data, { device: device.index, out: stereo, align: true });
  await device.advance(768);
  t.is(await both, stereo);
  t.deepEqual(stereo.channel(0), out);
  t.deepEqual(stereo.channel(1), out);
  const short = () => playrec(data, { device: device.index, out: new Int16Array(299), channels: 1 });
  t.is(refusal(t, short), 'RangeError ERR_INVALID_ARG_VALUE');
  t.throws(short, { message: /300.*299/ });
});

test.serial('playrec needs channels, and refuses frames and mappings that do not fit', (t) => {
  using device = manual(2);
  const { index } = device;
  const data = ramp(4);
  const refused = (options: object) => refusal(t, () => playrec(data, wrong({ device: index, ...options })));
  t.is(refused({}), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refused({ channels: 1, frames: 4 }), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused({ channels: 1, mapping: [1] }), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused({ channels: 1, loop: true }), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused({ channels: 2, inputMapping: [1] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused({ channels: 1, inputMapping: [0] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused({ channels: 1, outputMapping: [1, 1] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused({ inputMapping: [3] }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(refused({ channels: 1, outputMapping: [3] }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(refused({ channels: 3 }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(refused({ channels: 0 }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(refused({ channels: 1, device: [index, index, index] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.throws(() => playrec(data, wrong({ channels: 1, device: [1, 2, 3] })), { message: /pairs/ });
});

test.serial(
  'the number of recorded channels follows from the input mapping or from the default',
  async (t) => {
    using device = manual(2);
    t.teardown(defaults.reset);
    defaults.channels = [2, 8];
    const data = noise('int16', 4);
    const byDefault = playrec(data, { device: device.index });
    await device.advance(512);
    t.is((await byDefault).channels, 2);
    const byMapping = playrec(data, { device: device.index, inputMapping: 2 });
    await device.advance(512);
    t.is((await byMapping).channels, 1);
  },
);

test.serial('an input mapping swaps', async (t) => {
  using device = manual(2);
  const data = noise('int16', 100, 2);
  const job = playrec(data, { device: device.index, channels: 2, inputMapping: [2, 1], align: true });
  await device.advance(512);
  const heard = await job;
  t.deepEqual(heard.channel(0), data.channel(1));
  t.deepEqual(heard.channel(1), data.channel(0));
});

test.serial('empty data gives an empty recording, one frame gives one', async (t) => {
  using device = manual(2);
  const none = await playrec([], { device: device.index, channels: 1 });
  t.deepEqual([none.frames, none.channels, none.dtype], [0, 1, 'float64']);
  const job = playrec([0.25], { device: device.index, channels: 1, align: true });
  await device.advance(512);
  const one = await job;
  t.deepEqual([one.frames, one.channels, ...one.data], [1, 1, 0.25]);
});

test.serial('what plays along is heard by playrec too', async (t) => {
  using device = manual(1);
  const recording = playrec(new Float32Array(256).fill(0.25), {
    device: device.index,
    channels: 1,
    align: true,
  });
  play(new Float32Array(256).fill(0.5), { device: device.index, overlap: true });
  await device.advance(512);
  t.deepEqual((await recording).data, new Float32Array(256).fill(0.75));
});

test.serial('device and latency may be pairs with a side left to the default', async (t) => {
  using device = manual(1);
  t.teardown(defaults.reset);
  defaults.device = device.index;
  const data = fromSamples([1, 2, 3], 'int16');
  const latency = [null, (3 * PERIOD) / RATE] as const;
  const job = playrec(data, { device: [device.index, null], latency, channels: 1, align: true });
  await device.advance(1024);
  t.deepEqual((await job).data, data.data);
  t.is(job.roundTrip, 3 * PERIOD);
  t.deepEqual(heardAs(data), [1 / 32768, 2 / 32768, 3 / 32768]);
});

test.serial('out of every dtype is filled, and what comes back', async (t) => {
  using device = manual(2);
  for (const dtype of DTYPES) {
    const data = noise(dtype, 500, 2, 1);
    const out = noise(dtype, 500, 2, 2);
    const job = playrec(data, { device: device.index, out, align: true });
    await device.advance(1024);
    t.is<unknown, unknown>(await job, out);
    t.deepEqual(out.data, data.data, dtype);
  }
});

test.serial('one device may play while another one listens', async (t) => {
  using ear = manual(1, { name: 'An ear', outputs: 0 });
  using mouth = manual(1, { name: 'A mouth', inputs: 0 });
  const device = ['an ear', mouth.index] as const;
  ear.feed([ramp(1024, 99)]);
  const job = playrec(ramp(700), { device, channels: 1 });
  t.deepEqual(getStream().device, [ear.index, mouth.index]);
  for (let period = 0; period < 4; period++) {
    await ear.advance(PERIOD);
    await mouth.advance(PERIOD);
  }
  t.deepEqual((await job).data, ramp(700, 99));
  same(t, mouth.played()[0]?.subarray(0, 700), ramp(700));
});

test.serial('two devices of different rates need one of them to be said', (t) => {
  using ear = manual(1, { name: 'An ear', sampleRate: 44100 });
  using mouth = manual(1, { name: 'A mouth' });
  const call = () => playrec(ramp(10), { device: [ear.index, mouth.index], channels: 1 });
  t.is(refusal(t, call), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
  t.regex(t.throws(call)?.message ?? '', /'An ear' has 44100 Hz.*'A mouth' has 48000 Hz/);
  const said = () => playrec(ramp(10), 48000, { device: [ear.index, mouth.index], channels: 1 });
  t.is(refusal(t, said), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
});
