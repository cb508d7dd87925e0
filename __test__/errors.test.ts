import test from 'ava';
import {
  AudioData,
  CallbackAbort,
  CallbackFlags,
  CallbackStop,
  checkInputSettings,
  checkOutputSettings,
  createReadStream,
  createWriteStream,
  defaults,
  getStream,
  InputStream,
  OutputStream,
  play,
  playrec,
  queryDevices,
  queryHostApis,
  RawInputStream,
  RawOutputStream,
  RawStream,
  rec,
  SoundDeviceError,
  Stream,
  sleep,
  sleepSync,
  virtual,
} from 'sounddevice';
import { manual, nameOf, refusal, wrong } from './helper.js';

test.afterEach(defaults.reset);

const TYPE = 'TypeError ERR_INVALID_ARG_TYPE';
const VALUE = 'RangeError ERR_INVALID_ARG_VALUE';
const RANGE = 'RangeError ERR_OUT_OF_RANGE';
const CHANNELS = 'SoundDeviceError ERR_INVALID_CHANNELS -9998';
const RATE = 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997';
const DEVICE = 'SoundDeviceError ERR_NO_SUCH_DEVICE -9996';
const HOST_API = 'SoundDeviceError ERR_NO_SUCH_HOST_API -9978';

/** How each value is refused; one that is missing is allowed. */
type Refused = Partial<Record<'NaN' | 'Infinity' | '-Infinity' | '-1' | '0.5' | '1e+300', string>>;

const whole: Refused = {
  NaN: VALUE,
  Infinity: VALUE,
  '-Infinity': VALUE,
  '-1': RANGE,
  '0.5': VALUE,
  '1e+300': RANGE,
};
const finite: Refused = { NaN: RANGE, Infinity: RANGE, '-Infinity': RANGE, '-1': RANGE, '1e+300': RANGE };
const hertz: Refused = { ...finite, '1e+300': undefined as never };
const time: Refused = { NaN: VALUE, Infinity: VALUE, '-Infinity': VALUE };
const channels: Refused = { ...whole, '1e+300': CHANNELS };
const index: Refused = { ...whole, '-1': DEVICE, '1e+300': DEVICE };
const mapping: Refused = { ...whole, '-1': VALUE, '1e+300': CHANNELS };
const rate: Refused = {
  ...{ NaN: VALUE, Infinity: RATE, '-Infinity': RATE },
  ...{ '-1': RATE, '0.5': RATE, '1e+300': RATE },
};
/** Where no device is asked. */
const anyRate: Refused = { NaN: VALUE };

type Call = (value: never, device: number) => unknown;
const data = Float32Array.of(0.5);
const one = new AudioData(Int16Array.of(1, 2), { channels: 2 });
const assigned = (name: string) => (value: never) => Object.assign(defaults, { [name]: value });
const array = (more: object) => play({ data, shape: [1], ...more } as never);
const buffer = (more: object) =>
  play({ numberOfChannels: 1, length: 1, sampleRate: 48000, getChannelData: () => data, ...more });

const NUMBERS: [string, Refused, Call][] = [
  ['play sampleRate', rate, (sampleRate, device) => play(data, { device, sampleRate })],
  ['play rate as an argument', rate, (sampleRate, device) => play(data, sampleRate, { device })],
  ['play device', index, (device) => play(data, { device })],
  ['play latency', finite, (latency, device) => play(data, { device, latency })],
  ['play blockSize', whole, (blockSize, device) => play(data, { device, blockSize })],
  ['play mapping', mapping, (channel, device) => play(data, { device, mapping: channel })],
  ['play mapping as a list', mapping, (channel, device) => play(data, { device, mapping: [channel] })],
  ['play loop.start', whole, (start, device) => play(data, { device, loop: { start } })],
  ['play loop.end', whole, (end, device) => play(data, { device, loop: { end } })],
  [
    'play loop.count',
    { ...whole, Infinity: undefined as never },
    (count, device) => play(data, { device, loop: { count } }),
  ],
  ['rec frames', whole, (frames, device) => rec(frames, { device, channels: 1 })],
  ['rec channels', channels, (count, device) => rec(1, { device, channels: count })],
  ['rec sampleRate', rate, (sampleRate, device) => rec(1, { device, channels: 1, sampleRate })],
  ['rec device', index, (device) => rec(1, { device, channels: 1 })],
  ['rec latency', finite, (latency, device) => rec(1, { device, channels: 1, latency })],
  ['rec blockSize', whole, (blockSize, device) => rec(1, { device, channels: 1, blockSize })],
  ['rec mapping', mapping, (channel, device) => rec(1, { device, mapping: channel })],
  ['playrec channels', channels, (count, device) => playrec(data, { device, channels: count })],
  ['playrec sampleRate', rate, (sampleRate, device) => playrec(data, { device, channels: 1, sampleRate })],
  ['playrec rate as an argument', rate, (hertz, device) => playrec(data, hertz, { device, channels: 1 })],
  ['playrec device', index, (device) => playrec(data, { device: [null, device], channels: 1 })],
  [
    'playrec latency',
    finite,
    (latency, device) => playrec(data, { device, channels: 1, latency: [latency, 0] }),
  ],
  ['playrec blockSize', whole, (blockSize, device) => playrec(data, { device, channels: 1, blockSize })],
  ['playrec inputMapping', mapping, (channel, device) => playrec(data, { device, inputMapping: channel })],
  [
    'playrec outputMapping',
    mapping,
    (channel, device) => playrec(data, { device, channels: 1, outputMapping: channel }),
  ],
  [
    'checkInputSettings channels',
    channels,
    (count, device) => checkInputSettings({ device, channels: count }),
  ],
  ['checkInputSettings sampleRate', rate, (sampleRate, device) => checkInputSettings({ device, sampleRate })],
  ['checkInputSettings device', index, (device) => checkInputSettings({ device })],
  [
    'checkOutputSettings channels',
    channels,
    (count, device) => checkOutputSettings({ device, channels: count }),
  ],
  [
    'checkOutputSettings sampleRate',
    rate,
    (sampleRate, device) => checkOutputSettings({ device, sampleRate }),
  ],
  ['checkOutputSettings device', index, (device) => checkOutputSettings({ device })],
  ['queryDevices device', index, (device) => queryDevices(device)],
  ['queryDevices device and kind', index, (device) => queryDevices(device, 'input')],
  [
    'queryHostApis index',
    { ...whole, '-1': HOST_API, '1e+300': HOST_API },
    (position) => queryHostApis(position),
  ],
  ['defaults.sampleRate', anyRate, assigned('sampleRate')],
  ['defaults.blockSize', whole, assigned('blockSize')],
  ['defaults.channels', channels, assigned('channels')],
  ['defaults.latency', finite, assigned('latency')],
  ['defaults.device', { ...index, '-1': undefined as never }, assigned('device')],
  ['AudioData channels', whole, (count) => new AudioData(data, { channels: count })],
  ['AudioData sampleRate', hertz, (sampleRate) => new AudioData(data, { channels: 1, sampleRate })],
  ['AudioData.from channels', whole, (count) => AudioData.from(data, { channels: count })],
  ['AudioData.from sampleRate', hertz, (sampleRate) => AudioData.from(data, { sampleRate })],
  ['AudioData channel()', whole, (channel) => one.channel(channel)],
  ['AudioData slice() start', { NaN: VALUE, '0.5': VALUE }, (start) => one.slice(start)],
  ['AudioData slice() end', { NaN: VALUE, '0.5': VALUE }, (end) => one.slice(0, end)],
  ['shape of an array', whole, (frames) => array({ shape: [frames] })],
  ['offset of an array', { ...whole, '1e+300': RANGE }, (offset) => array({ offset })],
  ['stride of an array', { ...time, '0.5': VALUE, '1e+300': RANGE }, (stride) => array({ stride: [stride] })],
  ['length of an audio buffer', whole, (length) => buffer({ length })],
  ['channels of an audio buffer', whole, (numberOfChannels) => buffer({ numberOfChannels })],
  [
    'rate of an audio buffer',
    rate,
    (sampleRate, device) => {
      defaults.device = device;
      buffer({ sampleRate });
    },
  ],
  ['CallbackFlags', whole, (flags) => new CallbackFlags(flags)],
  ['sleep', time, (milliseconds) => sleep(milliseconds)],
  ['sleepSync', time, (milliseconds) => sleepSync(milliseconds)],
  ['virtual inputs', whole, (inputs) => virtual.createDevice({ inputs })],
  ['virtual outputs', whole, (outputs) => virtual.createDevice({ outputs })],
  [
    'virtual sampleRate',
    finite,
    (sampleRate) => virtual.createDevice({ sampleRate, clock: 'manual' }).remove(),
  ],
  ['virtual period', whole, (period) => virtual.createDevice({ period })],
  [
    'virtual driftPpm',
    { NaN: RANGE, Infinity: RANGE, '-Infinity': RANGE, '1e+300': RANGE },
    (driftPpm) => virtual.createDevice({ driftPpm, clock: 'manual' }).remove(),
  ],
];

const STREAMS: [string, (options: never) => unknown][] = [
  ['Stream', (options) => new Stream(options)],
  ['InputStream', (options) => new InputStream(options)],
  ['OutputStream', (options) => new OutputStream(options)],
  ['RawStream', (options) => new RawStream(options)],
  ['RawInputStream', (options) => new RawInputStream(options)],
  ['RawOutputStream', (options) => new RawOutputStream(options)],
  ['createReadStream', (options) => createReadStream(options)],
  ['createWriteStream', (options) => createWriteStream(options)],
];
for (const [name, open] of STREAMS) {
  NUMBERS.push(
    [`${name} sampleRate`, anyRate, (sampleRate) => open(wrong({ sampleRate }))],
    [`${name} blockSize`, whole, (blockSize) => open(wrong({ blockSize }))],
    [`${name} channels`, channels, (count) => open(wrong({ channels: [count, null] }))],
    [`${name} latency`, finite, (latency) => open(wrong({ latency: [null, latency] }))],
    [`${name} device`, { ...index, '-1': undefined as never }, (device) => open(wrong({ device }))],
  );
}

for (const [name, refused, call] of NUMBERS) {
  test.serial(`${name}: no number that it cannot be`, async (t) => {
    using device = manual(1);
    const playing = play(data, { device: device.index });
    for (const [value, expected] of Object.entries(refused)) {
      if (expected === undefined) continue;
      const given = () => call(Number(value) as never, device.index);
      t.is(refusal(t, given), expected, value);
      const { message } = t.throws(given) as Error;
      t.true(message.includes(String(Number(value))), message);
    }
    // devices and latencies may be texts
    if (!/device|latency/.test(name))
      t.is(
        refusal(t, () => call('1' as never, device.index)),
        TYPE,
      );
    t.true(playing.active);
    await device.advance(256);
    t.false((await playing).any);
    t.is(device.played()[0]?.[0], 0.5);
  });
}

test.serial('advance and seek take whole numbers from 0', async (t) => {
  using device = manual(1);
  const job = play(data, { device: device.index, loop: true });
  for (const [value, expected] of Object.entries(whole)) {
    t.is(nameOf(await t.throwsAsync(device.advance(Number(value)))), expected, value);
    t.is(
      refusal(t, () => job.seek(Number(value))),
      expected,
      value,
    );
  }
  job.abort();
  await job;
});

test.serial('a recording cannot seek', async (t) => {
  using device = manual(1);
  const job = rec(10, { channels: 1, device: device.index });
  t.is(
    refusal(t, () => job.seek(0)),
    'SoundDeviceError ERR_NOT_SUPPORTED',
  );
  await device.advance(256);
  t.is((await job).frames, 10);
});

test('more samples than memory can hold are refused', (t) => {
  t.is(
    refusal(t, () => rec(2 ** 50, { channels: 2 })),
    RANGE,
  );
  // an array of so many samples is possible, one of so many bytes is not
  t.is(
    refusal(t, () => rec(2 ** 31, { channels: 1 })),
    RANGE,
  );
});

test.serial('options may be inherited or computed, and are read once', (t) => {
  const device = manual();
  let reads = 0;
  class Options {
    get device() {
      reads += 1;
      return device.index;
    }
  }
  play(new Float32Array(1), 48000, new Options());
  t.is(getStream().device, device.index);
  t.is(reads, 1);
  play(new Float32Array(1), Object.freeze(Object.create({ device: device.index, sampleRate: 48000 })));
  t.is(getStream().device, device.index);
  t.is(
    refusal(t, () => play(new Float32Array(1), Object.create({ devise: device.index }))),
    'TypeError ERR_UNKNOWN_OPTION',
  );
  device.remove();
});

test('an unknown option is refused with the one that was meant, and with all there are', (t) => {
  const message = (call: () => unknown) => {
    const error = t.throws(call, { instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION' });
    return error?.message ?? '';
  };
  t.regex(
    message(() => play(data, wrong({ samplerate: 44100 }))),
    /^unknown option 'samplerate', did you mean 'sampleRate'\? expected one of sampleRate, device, /,
  );
  t.regex(
    message(() => play(data, wrong({ extra_settings: null }))),
    /'extra_settings', did you mean 'extraSettings'\?/,
  );
  t.regex(
    message(() => rec(1, wrong({ chanels: 1 }))),
    /'chanels', did you mean 'channels'\?/,
  );
  t.regex(
    message(() => playrec(data, wrong({ mapping: [1] }))),
    /^unknown option 'mapping'/,
  );
  t.regex(
    message(() => play(data, wrong({ entirelyDifferent: 1 }))),
    /^unknown option 'entirelyDifferent': expected one of/,
  );
  t.regex(
    message(() => checkInputSettings(wrong({ blockSize: 1 }))),
    /^unknown option 'blockSize'/,
  );
  t.regex(
    message(() => virtual.createDevice(wrong({ input: 1 }))),
    /'input', did you mean 'inputs'\?/,
  );
  t.regex(
    message(() => new AudioData(data, wrong({ channel: 1 }))),
    /'channel', did you mean 'channels'\?/,
  );
  t.regex(
    message(() => one.convert('int8', wrong({ dither: false }))),
    /'dither'.* expected one of clipOff, ditherOff$/,
  );
  t.regex(
    message(() => play(data, wrong({ loop: { begin: 1 } }))),
    /'begin': expected one of start, end, count$/,
  );
  t.regex(
    message(() => Object.assign(defaults, { samplerate: 1 })),
    /'samplerate', did you mean 'sampleRate'\?/,
  );
  t.regex(
    message(() => Object.assign(defaults.dtype, { inputs: 1 })),
    /'inputs', did you mean 'input'\?/,
  );
  t.regex(
    message(() => new Stream(wrong({ call_back() {} }))),
    /'call_back', did you mean 'callback'\?/,
  );
  t.true(message(() => play(data, wrong({ ['x'.repeat(1e6)]: 1 }))).length < 1000);
});

test('what is inside an option is named with it', (t) => {
  t.throws(() => play(data, { loop: { start: -1 } }), {
    message: /^loop\.start must be at least 0, got -1$/,
  });
  t.throws(() => Object.assign(defaults, { blockSize: 0.5 }), {
    message: 'defaults.blockSize must be a whole number, got 0.5',
  });
});

test('options are an object, and come once', (t) => {
  for (const options of [1, 'x', true, [], data, () => {}]) {
    t.is(
      refusal(t, () => rec(1, options as never)),
      TYPE,
    );
    t.is(
      refusal(t, () => play(data, 48000, options as never)),
      TYPE,
    );
  }
  t.is(
    refusal(t, () => Reflect.apply(play, undefined, [data, {}, {}])),
    TYPE,
  );
  t.throws(() => play(data, 48000, { sampleRate: 44100 }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: 'sampleRate must be given once, got 48000 and 44100',
  });
});

test('what is for streams with a callback only is refused elsewhere', (t) => {
  const FLAG = 'SoundDeviceError ERR_INVALID_FLAG -9995';
  t.is(
    refusal(t, () => play(data, { neverDropInput: true })),
    FLAG,
  );
  t.is(
    refusal(t, () => rec(1, { channels: 1, neverDropInput: true })),
    FLAG,
  );
  t.is(
    refusal(t, () => playrec(data, { channels: 1, neverDropInput: true })),
    FLAG,
  );
});

test('what is not built yet is not passed over', (t) => {
  const NOT_BUILT = 'SoundDeviceError ERR_NOT_SUPPORTED';
  for (const resample of [true, 'fast', 'good', 'best'] as const) {
    t.is(
      refusal(t, () => play(data, { resample })),
      NOT_BUILT,
    );
  }
  t.is(
    refusal(t, () => play(data, wrong({ resample: 'x' }))),
    VALUE,
  );
  t.is(
    refusal(t, () => play(data, wrong({ resample: 1 }))),
    TYPE,
  );
});

test('F90 an error of the library has its code and number, and the host speaks for itself', (t) => {
  const error = t.throws(() => checkOutputSettings({ device: 'no such device' })) as SoundDeviceError;
  t.true(error instanceof SoundDeviceError && error instanceof Error);
  t.is(error.name, 'SoundDeviceError');
  t.is(error.code, 'ERR_NO_SUCH_DEVICE');
  t.is(error.paErrorCode, -9996);
  t.is(error.hostError, undefined);
  t.is(error.message, "No output device matching 'no such device'");
  t.false('cause' in error);
  const hostError = { hostApi: 'ALSA', code: -5, text: 'Input/output error' };
  t.is(new SoundDeviceError('ERR_HOST', 'x', { paErrorCode: -9999, hostError }).cause, hostError);
});

test('what callbacks throw is told apart by name and class', (t) => {
  t.deepEqual([new CallbackStop('x').name, new CallbackAbort('y').name], ['CallbackStop', 'CallbackAbort']);
  t.deepEqual([new CallbackStop('x').message, new CallbackAbort().message], ['x', '']);
  t.true(new CallbackStop() instanceof Error);
  t.false((new CallbackAbort() as unknown) instanceof CallbackStop);
});

test('values are shown briefly', (t) => {
  const shown = (value: unknown) => {
    const error = t.throws(() => play(value as never));
    return error?.message.replace(/^.*, got /, '');
  };
  t.is(shown('x'.repeat(1000)), `'${'x'.repeat(100)}…'`);
  t.is(shown(1n), '1n');
  t.is(shown(Symbol('s')), 'Symbol(s)');
  t.is(shown(new Map()), 'Map');
  t.is(shown(Object.create(null)), 'an object');
  t.is(
    shown(() => {}),
    'a function',
  );
  t.is(shown(undefined), 'undefined');
  t.throws(() => play(data, wrong({ mapping: Array.from({ length: 100 }, () => 'a') })), {
    message: "mapping must be channel numbers, got ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', … 100 in all]",
  });
});
