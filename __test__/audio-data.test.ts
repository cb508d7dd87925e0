import { runInNewContext } from 'node:vm';
import test from 'ava';
import { AudioData, type AudioSource, type DType } from 'sounddevice';
import { DTYPES, fromSamples, nameOf, noise, refusal, same, wrong } from './helper.js';

const TYPE = 'TypeError ERR_INVALID_ARG_TYPE';
const VALUE = 'RangeError ERR_INVALID_ARG_VALUE';

test('an array is kept as it is, and counted', (t) => {
  const data = new Int16Array(9600);
  const audio = new AudioData(data, { channels: 2, sampleRate: 48000 });
  t.is(audio.data, data);
  const { dtype, channels, frames, sampleRate, duration } = audio;
  t.deepEqual([dtype, channels, frames, sampleRate, duration], ['int16', 2, 4800, 48000, 0.1]);
  const bare = new AudioData(data, { channels: 3 });
  t.deepEqual([bare.frames, bare.sampleRate, bare.duration], [3200, undefined, undefined]);
});

test('int24 comes in bytes, three to a sample', (t) => {
  const audio = new AudioData(new Uint8Array(18), { channels: 2, dtype: 'int24' });
  t.deepEqual([audio.dtype, audio.frames], ['int24', 3]);
  t.is(new AudioData(Buffer.alloc(6), { channels: 2 }).dtype, 'uint8');
  t.is(
    refusal(t, () => new AudioData(new Uint8Array(8), { channels: 1, dtype: 'int24' })),
    VALUE,
  );
});

test('arrays that do not fit their shape are refused', (t) => {
  const refused = (data: unknown, shape: unknown) =>
    refusal(t, () => new AudioData(data as never, shape as never));
  t.is(refused(new Float32Array(3), { channels: 2 }), VALUE);
  t.is(refused(new Float32Array(3), { channels: 0 }), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused(new Float32Array(3), {}), TYPE);
  t.is(refused(new Float32Array(3), undefined), TYPE);
  t.is(refused(new Float32Array(3), 2), TYPE);
  t.is(refused(new Int16Array(4), { channels: 2, dtype: 'float32' }), TYPE);
  t.is(refused(new Int16Array(4), { channels: 2, dtype: 'float16' }), VALUE);
  t.is(refused(new Int16Array(4), { channels: 2, frames: 2 }), 'TypeError ERR_UNKNOWN_OPTION');
  for (const data of [[0, 1], new ArrayBuffer(4), new Uint16Array(4), new BigInt64Array(1), null, 'x']) {
    t.is(refused(data, { channels: 1 }), TYPE);
  }
  const data = new Float32Array(4);
  structuredClone(data, { transfer: [data.buffer] });
  t.is(refused(data, { channels: 1 }), TYPE);
});

for (const dtype of DTYPES) {
  test(`channels of ${dtype} are taken apart as copies`, (t) => {
    const audio = noise(dtype, 50, 3);
    const planes = audio.planar();
    t.is(planes.length, 3);
    const size = dtype === 'int24' ? 3 : 1;
    for (const [channel, plane] of planes.entries()) {
      same(t, plane, audio.channel(channel));
      const expected = Array.from(audio.data).filter((_, n) => Math.floor(n / size) % 3 === channel);
      same(t, plane, expected);
    }
    const before = audio.data[0];
    planes[0]?.fill(1);
    t.is(audio.data[0], before);
  });

  test(`a slice of ${dtype} shares its memory`, (t) => {
    const audio = noise(dtype, 10, 2);
    const size = dtype === 'int24' ? 6 : 2;
    const { data, frames, channels } = audio.slice(2, -3);
    t.deepEqual([frames, channels], [5, 2]);
    same(t, data, audio.data.subarray(2 * size, 7 * size));
    t.is(data.buffer, audio.data.buffer);
    t.deepEqual([audio.slice(-4).frames, audio.slice().frames, audio.slice(7, 3).frames], [4, 10, 0]);
    t.is(audio.slice(-Infinity, Infinity).frames, 10);
    t.is(audio.slice(20).frames, 0);
  });
}

test('a slice keeps the sample rate', (t) => {
  const audio = new AudioData(new Float32Array(10), { channels: 1, sampleRate: 10 });
  t.deepEqual([audio.slice(5).duration, audio.convert('int8').duration], [0.5, 1]);
});

test('convert takes its options, and no others', (t) => {
  const audio = new AudioData(Float32Array.of(0.5, 2), { channels: 1 });
  t.deepEqual(audio.convert('int16', { ditherOff: true, clipOff: true }).data, Int16Array.of(16384, 32767));
  t.is(
    refusal(t, () => audio.convert('int16', wrong({ ditherOff: 1 }))),
    TYPE,
  );
  t.is(
    refusal(t, () => audio.convert('float16' as never)),
    VALUE,
  );
});

test('what was given away since cannot be read', (t) => {
  const data = new Float32Array(4);
  const audio = new AudioData(data, { channels: 2 });
  structuredClone(data, { transfer: [data.buffer] });
  for (const call of [
    () => audio.channel(0),
    () => audio.planar(),
    () => audio.slice(),
    () => audio.convert('int8'),
  ]) {
    t.is(refusal(t, call), TYPE);
  }
});

test('from() keeps arrays and audio data as they are', (t) => {
  const data = new Float32Array(6);
  t.is(AudioData.from(data).data, data);
  const stereo = AudioData.from(data, { channels: 2, sampleRate: 8000 });
  t.is(stereo.data, data);
  t.deepEqual([stereo.frames, stereo.channels, stereo.sampleRate], [3, 2, 8000]);
  t.is(AudioData.from(stereo), stereo);
  t.is(AudioData.from(stereo, { sampleRate: 8000, channels: 2 }), stereo);
  const faster = AudioData.from(stereo, { sampleRate: 16000 });
  t.is(faster.data, data);
  t.is(faster.sampleRate, 16000);
  const buffer = new ArrayBuffer(8);
  t.is(AudioData.from(buffer, { dtype: 'int16' }).data.buffer, buffer);
  const shared = new SharedArrayBuffer(8);
  t.is(AudioData.from(shared, { dtype: 'float64' }).data.buffer as unknown, shared);
});

test('from() copies only what has to be woven', (t) => {
  const data = Float32Array.of(0, 1, 2, 3, 4, 5);
  const shares = (source: AudioSource) => AudioData.from(source).data.buffer === data.buffer;
  t.true(shares({ data, shape: [3, 2] }));
  t.true(shares({ data, shape: [2, 2], offset: 1 }));
  t.deepEqual(AudioData.from({ data, shape: [2, 2], offset: 1 }).data, Float32Array.of(1, 2, 3, 4));
  t.true(shares({ data, shape: [2], stride: [1], offset: 4 }));
  t.true(shares([data]));
  t.true(shares({ numberOfChannels: 1, length: 6, sampleRate: 8000, getChannelData: () => data }));
  t.false(shares({ data, shape: [3, 2], stride: [1, 3] }));
  t.deepEqual(
    AudioData.from({ data, shape: [3, 2], stride: [1, 3] }).data,
    Float32Array.of(0, 3, 1, 4, 2, 5),
  );
  t.false(shares({ data, shape: [2], stride: [3] }));
  t.false(shares([data, data]));
});

test('from() reads every form of samples', (t) => {
  const read = (source: unknown, shape?: { channels?: number; dtype?: DType }) => {
    const { data, dtype, channels } = AudioData.from(source as AudioSource, shape);
    return [dtype, channels, ...data];
  };
  t.deepEqual(read([0.5, -1]), ['float64', 1, 0.5, -1]);
  t.deepEqual(read([0.5, -1], { channels: 2 }), ['float64', 2, 0.5, -1]);
  t.deepEqual(read([Int8Array.of(1, 2), Int8Array.of(3, 4)]), ['int8', 2, 1, 3, 2, 4]);
  t.deepEqual(read({ data: [1, 2, 3, 4], shape: [2, 2], stride: [1, 2] }), ['float64', 2, 1, 3, 2, 4]);
  t.deepEqual(read({ data: Int16Array.of(0, 1, 2, 3), shape: [2], offset: 3, stride: [-2] }), [
    'int16',
    1,
    3,
    1,
  ]);
  t.deepEqual(read(Buffer.from([1, 0, 2, 0]), { dtype: 'int16', channels: 2 }), ['int16', 2, 1, 2]);
  t.deepEqual(read(Buffer.from([1, 2, 3]), { dtype: 'int24' }), ['int24', 1, 1, 2, 3]);
  t.deepEqual(read(new DataView(Int32Array.of(7).buffer), { dtype: 'int32' }), ['int32', 1, 7]);
  const planes = [Float32Array.of(0.25), Float32Array.of(0.75)];
  const buffer = {
    numberOfChannels: 2,
    length: 1,
    sampleRate: 22050,
    getChannelData: (c: number) => planes[c],
  };
  t.deepEqual(read(buffer), ['float32', 2, 0.25, 0.75]);
  t.is(AudioData.from(buffer as AudioSource).sampleRate, 22050);
  t.is(AudioData.from(buffer as AudioSource, { sampleRate: 1 }).sampleRate, 1);
});

test('from() reads bytes that do not lie on whole samples', (t) => {
  const bytes = Buffer.from(new ArrayBuffer(9), 1, 8);
  bytes.writeInt32LE(123456, 0);
  bytes.writeInt32LE(-7, 4);
  t.deepEqual(AudioData.from(bytes, { dtype: 'int32' }).data, Int32Array.of(123456, -7));
});

test('arrays of another realm are arrays too', (t) => {
  const foreign = runInNewContext('new Float32Array([0.25, 0.5])') as Float32Array;
  t.false(foreign instanceof Float32Array);
  t.deepEqual(Array.from(AudioData.from(foreign).data), [0.25, 0.5]);
  t.is(new AudioData(foreign, { channels: 2 }).frames, 1);
  const buffer = runInNewContext('new Int16Array([1, 2]).buffer') as ArrayBuffer;
  t.deepEqual(Array.from(AudioData.from(buffer, { dtype: 'int16' }).data), [1, 2]);
});

test('from() refuses channels that the data contradicts, and bytes without dtype', (t) => {
  const refused = (source: unknown, shape?: object) =>
    refusal(t, () => AudioData.from(source as never, shape));
  const stereo = new AudioData(new Float32Array(4), { channels: 2 });
  t.is(refused(stereo, { channels: 1 }), VALUE);
  t.is(refused([new Float32Array(2), new Float32Array(2)], { channels: 1 }), VALUE);
  t.is(refused(new Float32Array(3), { channels: 2 }), VALUE);
  t.is(refused(new Float32Array(3), { dtype: 'int16' }), TYPE);
  t.is(refused(new ArrayBuffer(4)), TYPE);
  t.is(refused(new ArrayBuffer(3), { dtype: 'int16' }), VALUE);
  t.is(refused([0.5], { frames: 1 }), 'TypeError ERR_UNKNOWN_OPTION');
});

test('saving, and loading anything but WAV, is not built yet', async (t) => {
  const audio = fromSamples([1, 2], 'int16');
  t.is(nameOf(await t.throwsAsync(audio.save('x.flac'))), 'SoundDeviceError ERR_NOT_SUPPORTED');
  t.is(nameOf(await t.throwsAsync(AudioData.load('x.mp3'))), 'SoundDeviceError ERR_NOT_SUPPORTED');
  t.is(nameOf(await t.throwsAsync(AudioData.load(new Uint8Array(4)))), 'SoundDeviceError ERR_NOT_SUPPORTED');
  t.is(nameOf(await t.throwsAsync(AudioData.load(1 as never))), TYPE);
  for (const url of ['http://x/a.wav', 'file:///a%2Fb.wav']) {
    t.is(nameOf(await t.throwsAsync(AudioData.load(new URL(url)))), TYPE);
  }
});
