import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import {
  AudioData,
  allMicrophones,
  allSpeakers,
  channelNameMap,
  defaultMicrophone,
  defaultSpeaker,
  defaults,
  getMicrophone,
  getName,
  getSpeaker,
  Microphone,
  queryDevices,
  Speaker,
  setName,
  virtual,
} from 'sounddevice';
import { manual, nameOf, PERIOD, RATE, ramp, refusal, same, wrong } from './helper.js';

const OPEN = { sampleRate: RATE };

/** A device of its own name, its speaker and its microphone. */
function card(channels = 2, name = 'Test Card') {
  const device = manual(channels, { name });
  return { device, speaker: getSpeaker(device.id), microphone: getMicrophone(device.id) };
}

/** Advances until it is settled. */
async function during<T>(device: { advance(frames: number): Promise<void> }, work: Promise<T>): Promise<T> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  work.then(done, done);
  for (let turn = 0; turn < 10_000 && !settled; turn++) await device.advance(PERIOD);
  return work;
}

const stereo = (frames: number) =>
  Float32Array.from({ length: 2 * frames }, (_, n) => ((n % 2 ? -1 : 1) * ((n >> 1) + 1)) / 65536);

test.serial('speakers and microphones are the devices that play and hear, and print as such', (t) => {
  using device = virtual.createDevice({ name: 'Printed Card', inputs: 1, outputs: 6 });
  const speaker = getSpeaker(device.id);
  const microphone = getMicrophone(device.id);
  t.deepEqual(
    [speaker.id, speaker.name, speaker.channels, speaker instanceof Speaker],
    [device.id, 'Printed Card', 6, true],
  );
  t.deepEqual(
    [microphone.channels, microphone.isLoopback, microphone instanceof Microphone],
    [1, false, true],
  );
  t.is(String(speaker), '<Speaker Printed Card (6 channels)>');
  t.is(inspect([speaker, microphone]).split('\n').length, 4);
  t.true(inspect([microphone]).includes('<Microphone Printed Card (1 channels)>'));
  const listed = [...queryDevices()];
  const ids = (cards: { id: string }[]) => cards.map(({ id }) => id);
  t.deepEqual(ids(allSpeakers()), ids(listed.filter((one) => one.maxOutputChannels > 0)));
  const inputs = listed.filter((one) => one.maxInputChannels > 0);
  t.deepEqual(ids(allMicrophones({ includeLoopback: true })), ids(inputs));
  t.deepEqual(ids(allMicrophones()), ids(inputs.filter((one) => !one.isLoopback)));
  t.is(defaultSpeaker().id, queryDevices(null, 'output').id);
  t.is(defaultMicrophone().id, queryDevices(null, 'input').id);
  t.is(getSpeaker('').id, defaultSpeaker().id);
  t.true(Object.isFrozen(speaker) && Object.isFrozen(microphone));
  for (const call of [Speaker.prototype.player, Speaker.prototype.play, Microphone.prototype.recorder]) {
    t.is(
      refusal(t, () => Reflect.apply(call, { channels: 2 }, [OPEN, OPEN])),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
  for (const make of [Speaker, Microphone]) {
    t.is(
      refusal(t, () => Reflect.construct(make, [])),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
});

test.serial('a card is found by id, by part of its name, and by letters in their order', (t) => {
  using one = virtual.createDevice({ name: 'Quokkasrite Xarlett 2i2' });
  using two = virtual.createDevice({ name: 'Quokkasrite Xarlett 18i20 [a+b]' });
  t.is(getSpeaker(one.id).name, one.name);
  t.is(getSpeaker('xarlett 2I2').id, one.id);
  t.is(getSpeaker('QX2i2').id, one.id);
  t.is(getMicrophone('QX18').id, two.id);
  t.is(getSpeaker('[a+b]').id, two.id);
  t.is(
    refusal(t, () => getSpeaker('zzz no such card')),
    'SoundDeviceError ERR_NO_SUCH_DEVICE -9996',
  );
  t.is(
    refusal(t, () => getSpeaker('Q.*X')),
    'SoundDeviceError ERR_NO_SUCH_DEVICE -9996',
  );
  const error = t.throws(() => getSpeaker('Quokkasrite'), { code: 'ERR_AMBIGUOUS_DEVICE' });
  t.true(error?.message.includes(one.name) && error.message.includes(two.name));
  for (const query of [1, null, undefined, {}]) {
    t.is(
      refusal(t, () => getSpeaker(query as never)),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
  t.is(
    refusal(t, () => getMicrophone('x', { loopback: true } as never)),
    'TypeError ERR_UNKNOWN_OPTION',
  );
});

test.serial('an empty query is the default, also the one that the program has set', (t) => {
  using device = virtual.createDevice({ name: 'Set Card' });
  defaults.device = device.id;
  try {
    t.is(getSpeaker('').id, device.id);
    t.is(getMicrophone('').id, device.id);
  } finally {
    defaults.reset();
  }
});

test.serial('what is played by a player follows without a gap, and closing plays it out', async (t) => {
  const { device, speaker } = card();
  const player = speaker.player(OPEN);
  t.is(player.channels, 2);
  const data = stereo(3000);
  // mono, planar, AudioData and bare interleaved memory with its shape
  await player.play(new AudioData(data.subarray(0, 2 * 700), { channels: 2 }));
  await player.play([
    Float32Array.from({ length: 800 }, (_, n) => data[2 * (700 + n)] as number),
    Float32Array.from({ length: 800 }, (_, n) => data[2 * (700 + n) + 1] as number),
  ]);
  await player.play({ data: data.subarray(3000), shape: [1500, 2] });
  await player.play(new Float32Array(0));
  t.true(player.latency >= 3000 / RATE);
  const closed = player.close();
  await during(device, closed);
  const [left, right] = device.played();
  const expected = Array.from(data.filter((_, n) => n % 2 === 0));
  same(t, left?.slice(0, 3000), expected, 'left');
  same(
    t,
    right?.slice(0, 3000),
    expected.map((sample) => -sample),
    'right',
  );
  t.true(left?.slice(3000).every((sample) => sample === 0));
  t.is(
    refusal(t, () => player.play(data)),
    'SoundDeviceError ERR_STREAM_CLOSED -9988',
  );
  t.is(player.close(), closed, 'again and again');
  device.remove();
});

test.serial('samples of all kinds become float32, and mono goes to all channels', async (t) => {
  const { device, speaker } = card(3);
  const sources = [new Int16Array([1000, -32768]), [1000 / 32768, -1], new Float64Array([1000 / 32768, -1])];
  for (const source of sources) {
    await during(device, speaker.play(source, OPEN));
    for (const channel of device.played()) same(t, channel.slice(0, 2), [1000 / 32768, -1]);
  }
  await during(device, speaker.play([-2, 2], OPEN));
  same(t, device.played()[0]?.slice(0, 2), [-2, 2], 'beyond full scale');
  device.remove();
});

test.serial('two players on one speaker are mixed', async (t) => {
  const { device, speaker } = card(1);
  const players = [speaker.player(OPEN), speaker.player(OPEN)];
  for (const player of players) await player.play(new Float32Array(100).fill(0.25));
  await during(device, Promise.all(players.map((player) => player.close())));
  same(t, device.played()[0]?.slice(0, 100), new Float32Array(100).fill(0.5));
  device.remove();
});

test.serial('a recorder hears from its making on, exactly as many frames as it is asked for', async (t) => {
  const { device, microphone } = card(1);
  const data = ramp(2000);
  device.feed([data]);
  const recorder = microphone.recorder(OPEN);
  await device.advance(1024);
  const first = await recorder.record(1000);
  same(t, first.data, data.slice(0, 1000));
  t.deepEqual([first.dtype, first.channels, first.sampleRate], ['float32', 1, RATE]);
  same(t, (await recorder.record()).data, data.slice(1000, 1024), 'what there is');
  const waiting = recorder.record(null);
  const more = recorder.record(100);
  await device.advance(512);
  same(t, (await waiting).data, data.slice(1024, 1280), 'it waits for the first period');
  same(t, (await more).data, data.slice(1280, 1380));
  same(t, recorder.flush().data, data.slice(1380, 1536));
  t.is(recorder.flush().frames, 0);
  for (const frames of [0, -5]) t.is((await recorder.record(frames)).frames, 0);
  for (const frames of [10.5, Number.NaN]) {
    t.is(
      refusal(t, () => recorder.record(frames)),
      'RangeError ERR_INVALID_ARG_VALUE',
    );
  }
  t.true(recorder.latency >= 0);
  const late = [recorder.record(100), recorder.record()];
  const closed = recorder.close();
  for (const one of late) t.is(nameOf(await t.throwsAsync(one)), 'SoundDeviceError ERR_STREAM_CLOSED -9988');
  await closed;
  for (const call of [() => recorder.record(1), () => recorder.record(), () => recorder.flush()]) {
    t.is(refusal(t, call), 'SoundDeviceError ERR_STREAM_CLOSED -9988');
  }
  device.remove();
});

test.serial('a microphone records, and waiting recorders are told of a loss', async (t) => {
  const { device, speaker, microphone } = card(2);
  device.feed([ramp(600), ramp(600, 7)]);
  const taken = await during(device, microphone.record({ frames: 600, sampleRate: RATE, blockSize: 64 }));
  same(t, taken.channel(1), ramp(600, 7));
  const recorder = microphone.recorder(OPEN);
  const player = speaker.player(OPEN);
  const playing = speaker.play(new Float32Array(RATE), OPEN);
  const waiting = [recorder.record(10), recorder.record(), player.play(new Float32Array(5 * RATE)), playing];
  device.inject('lost');
  for (const one of waiting) {
    const error = await t.throwsAsync(one);
    t.is(nameOf(error), 'SoundDeviceError ERR_DEVICE_LOST -9985');
  }
  t.is(
    refusal(t, () => recorder.record(1)),
    'SoundDeviceError ERR_DEVICE_LOST -9985',
  );
  await Promise.all([recorder.close(), player.close()]);
  device.remove();
});

/** What comes out of each channel when a column of 1/2, 1/4, … is played on the map. */
async function played(t: ExecutionContext, map: (number | string)[], channels = 8): Promise<number[]> {
  const { device, speaker } = card(channels);
  const data = new AudioData(new Float32Array(100 * map.length), { channels: map.length });
  for (let n = 0; n < data.data.length; n++) data.data[n] = 0.5 ** ((n % map.length) + 1);
  await during(device, speaker.play(data, { ...OPEN, channels: map }));
  const out = device.played();
  for (const channel of out) t.true(channel.slice(0, 100).every((sample) => sample === channel[0]));
  device.remove();
  return out.map((channel) => channel[0] as number);
}

test.serial('channels go where the map says: by number, by name, all together', async (t) => {
  for (let channel = 0; channel < 8; channel++) {
    const expected = new Array(8).fill(0);
    expected[channel] = 0.5;
    t.deepEqual(await played(t, [channel]), expected);
  }
  t.deepEqual(await played(t, [1, 0], 2), [0.25, 0.5]);
  t.deepEqual(await played(t, ['right', 'left'], 2), [0.25, 0.5]);
  t.deepEqual(await played(t, ['mono'], 3), [0.5, 0.5, 0.5]);
  t.deepEqual(await played(t, [-1, 1], 3), [0.5, 0.75, 0.5]);
  t.deepEqual(await played(t, ['lfe'], 8), [0, 0, 0, 0, 0, 0, 0.5 - 0, 0]);
});

test.serial('channels come from where the map says', async (t) => {
  const { device, microphone } = card(4);
  const sides = [0.5, 0.25, 0, 0.125];
  const heard = async (channels: number | (number | string)[]) => {
    device.feed(sides.map((side) => new Float64Array(PERIOD).fill(side)));
    const taken = await during(device, microphone.record({ frames: 10, sampleRate: RATE, channels }));
    return Array.from(taken.data.slice(0, taken.channels));
  };
  t.deepEqual(await heard([1, 0]), [0.25, 0.5]);
  t.deepEqual(await heard([3, 'left', 3]), [0.125, 0.5, 0.125]);
  t.deepEqual(await heard(['mono']), [0.21875]);
  t.deepEqual(await heard([-1, 3]), [0.21875, 0.125]);
  t.deepEqual(await heard(2), [0.5, 0.25]);
  t.deepEqual(await heard(4), sides);
  device.remove();
});

test.serial('maps and options that cannot be are refused before anything is opened', (t) => {
  const { device, speaker, microphone } = card();
  const opened = (options: object) => refusal(t, () => speaker.player({ ...OPEN, ...options } as never));
  t.is(opened({ channels: 0 }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(opened({ channels: [] }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(opened({ channels: 3 }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(opened({ channels: [99] }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(opened({ channels: ['lfe'] }), 'SoundDeviceError ERR_INVALID_CHANNELS -9998');
  t.is(opened({ channels: 1.5 }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(opened({ channels: [0.5] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(opened({ channels: [-2] }), 'RangeError ERR_OUT_OF_RANGE');
  t.is(opened({ channels: ['left', 'foo'] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(opened({ channels: ['toString'] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(opened({ channels: 'left' }), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(opened({ channels: [null] }), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(opened({ sampleRate: undefined }), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(opened({ sampleRate: '48000' }), 'TypeError ERR_INVALID_ARG_TYPE');
  for (const sampleRate of [0, -1, Infinity, 1e12, 44100]) {
    t.is(opened({ sampleRate }), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
  }
  t.is(opened({ exclusiveMode: true }), 'SoundDeviceError ERR_NOT_SUPPORTED');
  t.is(opened({ exclusiveMode: 1 }), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(opened({ samplerate: 1 }), 'TypeError ERR_UNKNOWN_OPTION');
  const taken = (options: object) => refusal(t, () => microphone.record(wrong({ ...OPEN, ...options })));
  t.is(taken({}), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(taken({ frames: '5' }), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(taken({ frames: 0.5 }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(taken({ frames: 1e12 }), 'RangeError ERR_OUT_OF_RANGE');
  // 16 GB: thrown by the call too
  t.is(taken({ frames: 2 ** 31 }), 'RangeError ERR_OUT_OF_RANGE');
  const wrongData = (data: unknown) => refusal(t, () => speaker.play(data as never, OPEN));
  t.is(wrongData('x'), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(wrongData({ data: [1, 2, 3], shape: [1, 3] }), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(wrongData({ data: [1], shape: [1, 1, 1] }), 'RangeError ERR_INVALID_ARG_VALUE');
  device.remove();
  t.is(opened({}), 'SoundDeviceError ERR_NO_SUCH_DEVICE -9996');
});

test('positions have PulseAudio’s numbers less one', (t) => {
  const names = channelNameMap();
  t.is(Object.keys(names).length, 55);
  const some = { mono: -1, left: 0, right: 1, center: 2, 'rear-left': 4, lfe: 6, subwoofer: 6, aux31: 42 };
  t.like(names, some);
  t.true(Object.isFrozen(names));
  const numbers = Object.values(names);
  t.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
    'in their order',
  );
});

test.serial('the name of the program can be told, on Linux', (t) => {
  if (process.platform !== 'linux') {
    return void t.is(refusal(t, getName), 'SoundDeviceError ERR_NOT_SUPPORTED');
  }
  const before = getName();
  t.true(before.length > 0);
  setName('Métronome: 1');
  t.is(getName(), 'Métronome: 1');
  t.is(
    refusal(t, () => setName('')),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  t.is(
    refusal(t, () => setName(' \t')),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  t.is(
    refusal(t, () => setName(5 as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
  setName(before);
});
