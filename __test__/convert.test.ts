import test from 'ava';
import { AudioData, type DType, defaults, play, rec } from 'sounddevice';
import {
  bitsOf,
  column,
  converted,
  DTYPES,
  fromSamples,
  heardAs,
  manual,
  noise,
  PERIOD,
  random,
  same,
  samplesOf,
} from './helper.js';

const PAIRS = DTYPES.flatMap((from) => DTYPES.map((to) => [from, to] as const));
const INTEGERS = DTYPES.filter((dtype) => bitsOf(dtype) > 0);
const FLOATS = ['float64', 'float32'] as const;

/** Whether a conversion loses bits, and so dithers what is not on the target's grid. */
const narrows = (from: DType, to: DType) =>
  bitsOf(to) > 0 && (bitsOf(from) === 0 || bitsOf(from) > bitsOf(to));

/** Least, greatest, zero, and what lies between and beside the steps of every narrower format. */
function edges(dtype: DType): number[] {
  const bits = bitsOf(dtype);
  const values: number[] = [];
  if (bits) {
    const full = 2 ** (bits - 1);
    for (let step = 1; step <= full; step *= 2) {
      for (const near of [step - 1, step, step + 1, step * 1.5]) values.push(near, -near);
    }
    return values.map((value) => Math.max(-full, Math.min(full - 1, Math.trunc(value))));
  }
  for (const target of [8, 16, 24, 32]) {
    const step = 2 ** (1 - target);
    for (const count of [0.49, 0.5, 0.51, 1, 1.5, 2.5, 3.5]) values.push(step * count, -step * count);
    values.push(1 - step, 1 - step * 0.5, 1 - step * 0.51, -1 + step, -1 - step * 0.5, -1 - step * 0.51);
  }
  values.push(0, 0.25, -0.25, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, -2, 1e9, -1e9, Infinity, -Infinity, NaN);
  return dtype === 'float32' ? values.map(Math.fround) : values;
}

/** Some edges, then noise. */
const sample = (dtype: DType, count: number) =>
  fromSamples([...edges(dtype), ...samplesOf(noise(dtype, count))].slice(0, count), dtype);

/** Counts that conversion has to report. */
function faults(samples: readonly number[], from: DType, to: DType) {
  const target = bitsOf(to);
  if (target === 0 || !narrows(from, to)) return { clipped: 0, nan: 0 };
  const scaled = samples.map((value) => value * 2 ** (target - (bitsOf(from) || 1)));
  // What rounds to one step above the greatest value is beyond it, what is less is not.
  const beyond = (value: number) => value >= 2 ** (target - 1) - 0.5 || value < -(2 ** (target - 1)) - 0.5;
  return {
    clipped: scaled.filter(beyond).length,
    nan: bitsOf(from) === 0 ? samples.filter(Number.isNaN).length : 0,
  };
}

test('AudioData.convert without dither agrees with the arithmetic of one sample', (t) => {
  for (const [from, to] of PAIRS) {
    const source = sample(from, 2000);
    const expected = samplesOf(source).map((value) => converted(value, from, to));
    for (const clipOff of [false, true]) {
      const result = source.convert(to, { ditherOff: true, clipOff });
      t.is(result.dtype, to);
      same(t, samplesOf(result), expected, `${from} to ${to}`);
    }
  }
});

test('AudioData.convert keeps channels and rate and leaves its source alone', (t) => {
  const source = new AudioData(Float32Array.of(0.5, -0.5, 0.25, -0.25), { channels: 2, sampleRate: 44100 });
  const result = source.convert('int8');
  t.deepEqual([result.channels, result.frames, result.sampleRate], [2, 2, 44100]);
  t.deepEqual(result.data, Int8Array.of(64, -64, 32, -32));
  t.deepEqual(source.data, Float32Array.of(0.5, -0.5, 0.25, -0.25));
});

test('what lies on the grid of the target is never dithered', (t) => {
  for (const [from, to] of PAIRS) {
    // The narrower of the two is where the values are from.
    const narrow = bitsOf(to) && (!bitsOf(from) || bitsOf(from) > bitsOf(to)) ? to : from;
    if (from === 'float32' && narrow === 'int32') continue; // a float32 does not hold them
    const values = noise(narrow, 3000, 2);
    const source = values.convert(from, { ditherOff: true });
    same(
      t,
      samplesOf(source.convert(to)),
      samplesOf(values.convert(to, { ditherOff: true })),
      `${from} to ${to}`,
    );
  }
});

test('every integer of up to 24 bits survives both floats, and 32 bits survive float64', (t) => {
  for (const dtype of INTEGERS) {
    for (const float of FLOATS) {
      if (dtype === 'int32' && float === 'float32') continue;
      const source = sample(dtype, 5000);
      t.deepEqual(source.convert(float).convert(dtype).data, source.data, `${dtype} ${float}`);
    }
  }
});

test('samples off the grid are dithered by at most one step and a half, without bias', (t) => {
  const next = random(5);
  for (const [from, to] of PAIRS.filter(([from, to]) => narrows(from, to))) {
    const frames = 20_000;
    const bits = bitsOf(from);
    const quiet = Array.from({ length: frames }, () => (next() - 0.5) * 0.5);
    const scale = bits ? 2 ** (bits - 1) : 1;
    const round = (value: number) =>
      bits ? Math.round(value * scale) : from === 'float32' ? Math.fround(value) : value;
    const source = fromSamples(quiet.map(round), from);
    const exact = samplesOf(source).map((value) => value * 2 ** (bitsOf(to) - (bits || 1)));
    if (exact.every(Number.isInteger)) continue;
    const dithered = samplesOf(source.convert(to));
    const errors = dithered.map((value, n) => value - (exact[n] as number));
    t.true(Math.max(...errors.map(Math.abs)) <= 1.5, `${from} to ${to}`);
    const plain = samplesOf(source.convert(to, { ditherOff: true }));
    t.notDeepEqual(dithered, plain, `${from} to ${to}`);
    const mean = errors.reduce((sum, error) => sum + error, 0) / frames;
    t.true(Math.abs(mean) < 0.03, `${from} to ${to}: the mean error is ${mean}`);
    // Rounding has a variance of 1/12 of a step, triangular noise adds 1/6.
    const variance = errors.reduce((sum, error) => sum + error * error, 0) / frames;
    const grid = bits ? 2 ** (bitsOf(to) - bits) : 0;
    t.true(Math.abs(variance - 0.25) < 0.03 + grid, `${from} to ${to}: the variance is ${variance}`);
  }
});

test('dither is decided for each channel by itself', (t) => {
  const frames = 1000;
  const silence = new Array(frames).fill(0);
  const signal = samplesOf(noise('float32', frames));
  const both = Array.from({ length: frames * 2 }, (_, n) => (n % 2 ? 0 : (signal[n >> 1] as number)));
  const result = samplesOf(fromSamples(both, 'float32', 2).convert('int16'));
  t.deepEqual(column(result, 1, 2), silence);
  const plain = signal.map((value) => converted(value, 'float32', 'int16'));
  t.notDeepEqual(column(result, 0, 2), plain);
});

test.serial('what is played arrives at a device of any format as the table says', async (t) => {
  for (const to of DTYPES) {
    using device = manual(1, { dtype: to });
    for (const from of DTYPES) {
      const source = sample(from, 1500);
      for (const clipOff of [false, true]) {
        const job = play(source, { device: device.index, ditherOff: true, clipOff });
        await device.advance(1536);
        await job;
        const expected = samplesOf(source).map((value) => converted(value, from, to));
        const heard = heardAs(fromSamples(expected, to));
        same(t, device.played()[0]?.subarray(0, 1500), heard, `${from} to ${to}`);
        const { clipped, nan } = faults(samplesOf(source), from, to);
        t.deepEqual([job.clipped, job.nan], [clipOff ? 0 : clipped, nan], `${from} to ${to}`);
      }
    }
  }
});

test.serial('what a device of any format hears is recorded as the table says', async (t) => {
  for (const own of DTYPES) {
    using device = manual(1, { dtype: own });
    const source = sample(own, 1500);
    for (const to of DTYPES) {
      device.feed([Float64Array.from(heardAs(source))]);
      const job = rec(1500, { device: device.index, channels: 1, dtype: to, ditherOff: true });
      await device.advance(1536);
      const heard = await job;
      const expected = samplesOf(source).map((value) => converted(value, own, to));
      same(t, samplesOf(heard), expected, `${own} to ${to}`);
      const { clipped, nan } = faults(samplesOf(source), own, to);
      t.deepEqual([job.clipped, job.nan], [clipped, nan], `${own} to ${to}`);
    }
  }
});

test.serial('while something plays, dither is decided for each channel and period', async (t) => {
  using device = manual(2, { dtype: 'int16' });
  const next = random(11);
  // Periods by turns: off the grid, on the grid.
  const left = Float32Array.from({ length: 4 * PERIOD }, (_, n) =>
    (n >> 8) % 2 ? Math.floor(next() * 1000) / 32768 : Math.fround((next() - 0.5) / 2),
  );
  const right = Float32Array.from({ length: 4 * PERIOD }, () => Math.floor(next() * 1000) / 32768);
  const job = play([left, right], { device: device.index });
  await device.advance(4 * PERIOD);
  await job;
  const [heardLeft, heardRight] = device.played() as [Float64Array, Float64Array];
  t.deepEqual(heardRight, Float64Array.from(right));
  for (let period = 0; period < 4; period++) {
    const range = [period * PERIOD, (period + 1) * PERIOD] as const;
    const [played, heard] = [left.subarray(...range), heardLeft.subarray(...range)];
    const plain = Array.from(played, (value) => converted(value, 'float32', 'int16') / 32768);
    if (period % 2) t.deepEqual(Array.from(heard), plain);
    else t.notDeepEqual(Array.from(heard), plain);
    t.true(heard.every((value, n) => Math.abs(value - (played[n] as number)) * 32768 <= 1.5));
  }
});

test.serial('mono that goes to several channels is dithered once', async (t) => {
  using device = manual(4, { dtype: 'int8' });
  const job = play(noise('float32', 512), { device: device.index, mapping: [1, 3, 4] });
  await device.advance(512);
  await job;
  const [one, two, three, four] = device.played();
  t.deepEqual(three, one);
  t.deepEqual(four, one);
  t.deepEqual(two, new Float64Array(512));
});

test.serial('digital silence stays silent, whatever the formats', async (t) => {
  for (const own of DTYPES) {
    using device = manual(1, { dtype: own });
    for (const dtype of DTYPES) {
      const job = play(fromSamples(new Array(512).fill(0), dtype), { device: device.index });
      await device.advance(512);
      await job;
      t.deepEqual(device.played()[0], new Float64Array(512), `${dtype} on ${own}`);
      const recording = rec(256, { device: device.index, channels: 1, dtype });
      await device.advance(256);
      t.true(
        samplesOf(await recording).every((value) => value === 0),
        `${own} to ${dtype}`,
      );
      device.played();
    }
  }
});

test.serial('overlapping jobs are added beyond full scale and clipped once, after the sum', async (t) => {
  using device = manual(1, { dtype: 'int16' });
  const [loud, soft] = [new Float32Array(256).fill(0.75), new Float32Array(256).fill(-0.5)];
  const first = play(loud, { device: device.index });
  const second = play(loud, { device: device.index, overlap: true });
  const third = play(soft, { device: device.index, overlap: true });
  await device.advance(256);
  await Promise.all([first, second, third]);
  t.deepEqual(device.played()[0], new Float64Array(256).fill(32767 / 32768));
  t.is(first.clipped, 256);
});

test.serial('clipOff and ditherOff come from the defaults where nobody says', async (t) => {
  using device = manual(1, { dtype: 'int8' });
  t.teardown(defaults.reset);
  const source = noise('float32', 512);
  const plain = heardAs(source.convert('int8', { ditherOff: true }));
  const heard = async (options: object = {}) => {
    const job = play(source, { device: device.index, ...options });
    await device.advance(512);
    await job;
    return Array.from(device.played()[0] as Float64Array);
  };
  t.notDeepEqual(await heard(), plain);
  defaults.ditherOff = true;
  t.deepEqual(await heard(), plain);
  t.notDeepEqual(await heard({ ditherOff: false }), plain);
  const clipped = async (options: object = {}) => {
    const job = play([2, -2, 0], { device: device.index, ...options });
    await device.advance(PERIOD);
    await job;
    return job.clipped;
  };
  t.is(await clipped(), 2);
  defaults.clipOff = true;
  t.is(await clipped(), 0);
  t.is(await clipped({ clipOff: false }), 2);
});
