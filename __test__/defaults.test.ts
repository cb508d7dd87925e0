import { inspect } from 'node:util';
import test from 'ava';
import {
  checkInputSettings,
  defaults,
  getStream,
  play,
  playrec,
  queryDevices,
  queryHostApis,
} from 'sounddevice';
import { manual, nameOf, PERIOD, RATE, ramp } from './helper.js';

test.afterEach(defaults.reset);

const set = (name: string, value: unknown) => () => Reflect.set(defaults, name, value);
const PAIRS = ['device', 'channels', 'dtype', 'latency', 'extraSettings'] as const;

test.serial('the factory settings', (t) => {
  t.deepEqual([...defaults.channels], [null, null]);
  t.deepEqual([...defaults.dtype], ['float32', 'float32']);
  t.deepEqual([...defaults.latency], ['high', 'high']);
  t.deepEqual([...defaults.extraSettings], [null, null]);
  t.is(defaults.sampleRate, null);
  t.is(defaults.blockSize, 0);
  t.false(defaults.clipOff);
  t.false(defaults.ditherOff);
  t.false(defaults.neverDropInput);
  t.false(defaults.primeOutputBuffersUsingStreamCallback);
  t.deepEqual([...defaults.device], [queryDevices(null, 'input').index, queryDevices(null, 'output').index]);
  const { defaultInputDevice } = queryHostApis(defaults.hostApi);
  if (defaultInputDevice !== -1) t.is(defaults.device.input, defaultInputDevice);
});

test.serial('one value sets both sides, a pair each', (t) => {
  defaults.channels = 1;
  t.deepEqual([...defaults.channels], [1, 1]);
  defaults.channels = [1, 2];
  t.deepEqual([...defaults.channels], [1, 2]);
  defaults.dtype = 'int16';
  t.deepEqual([...defaults.dtype], ['int16', 'int16']);
  defaults.latency = [0.1, 'low'];
  t.deepEqual([...defaults.latency], [0.1, 'low']);
});

test.serial('a text is one value, however many letters it has', (t) => {
  defaults.device = 'ab';
  t.deepEqual([...defaults.device], ['ab', 'ab']);
});

test.serial('null is the factory setting, for one side or for both', (t) => {
  const [input, output] = defaults.device;
  defaults.device = [null, 'a speaker'];
  t.deepEqual([...defaults.device], [input, 'a speaker']);
  defaults.device = null;
  t.deepEqual([...defaults.device], [input, output]);
  defaults.dtype = ['int8', 'int16'];
  defaults.dtype.input = null as never;
  t.deepEqual([...defaults.dtype], ['float32', 'int16']);
  for (const name of ['sampleRate', 'blockSize', 'clipOff'] as const) {
    const factory = defaults[name];
    Reflect.set(defaults, name, name === 'clipOff' ? true : 512);
    t.not(defaults[name], factory);
    Reflect.set(defaults, name, null);
    t.is(defaults[name], factory);
  }
});

test.serial('a side is read and written by number and by name', (t) => {
  defaults.dtype.input = 'int16';
  t.deepEqual([...defaults.dtype], ['int16', 'float32']);
  defaults.dtype[1] = 'uint8';
  const { dtype } = defaults;
  t.deepEqual(
    [dtype[0], dtype[1], dtype.input, dtype.output, dtype.length],
    ['int16', 'uint8', 'int16', 'uint8', 2],
  );
  const [input, output] = dtype;
  t.deepEqual([input, output], ['int16', 'uint8']);
  for (const key of ['2', 'left', 'length'])
    t.throws(() => Reflect.set(defaults.dtype, key, 'int16'), { instanceOf: TypeError });
});

test.serial('a pair may be taken from another option', (t) => {
  defaults.channels = [1, 2];
  const { channels } = defaults;
  t.deepEqual([...channels], [1, 2]);
  t.is(JSON.stringify(channels), '[1,2]');
});

test.serial('defaults print as what they are', (t) => {
  defaults.channels = [1, 2];
  t.is(inspect(defaults.channels), '[ 1, 2 ]');
  const printed = inspect(defaults);
  t.regex(printed, /channels: \[ 1, 2 \]/);
  t.regex(printed, /dtype: \[ 'float32', 'float32' \]/);
  t.regex(printed, /sampleRate: null/);
});

test.serial('what is no pair is refused, and changes nothing', (t) => {
  defaults.channels = [3, 4];
  for (const name of PAIRS) {
    const error = t.throws(set(name, [1, 2, 3]));
    t.is(nameOf(error), 'RangeError ERR_INVALID_ARG_VALUE');
    t.regex(error?.message ?? '', /only single values and pairs are allowed/i);
    t.throws(set(name, [1]));
  }
  t.throws(set('channels', [5, 1.5]));
  t.deepEqual([...defaults.channels], [3, 4]);
});

test.serial('values that can never be right are refused when they are assigned', (t) => {
  const refused = (name: string, value: unknown) => nameOf(t.throws(set(name, value), undefined, name));
  t.is(refused('channels', 1.5), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused('channels', '1'), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refused('dtype', 'int64'), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused('latency', 'medium'), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused('latency', -1), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused('device', 1.5), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused('device', {}), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refused('sampleRate', NaN), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused('sampleRate', '48000'), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(refused('blockSize', -1), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused('blockSize', 1.5), 'RangeError ERR_INVALID_ARG_VALUE');
  for (const flag of ['clipOff', 'ditherOff', 'neverDropInput', 'primeOutputBuffersUsingStreamCallback'])
    t.is(refused(flag, 1), 'TypeError ERR_INVALID_ARG_TYPE');
});

test.serial('what does not exist, or is only read, cannot be assigned', (t) => {
  const refused = (name: string) => nameOf(t.throws(set(name, 1)));
  t.is(refused('foo'), 'TypeError ERR_UNKNOWN_OPTION');
  t.regex(t.throws(set('foo', 1))?.message ?? '', /foo/);
  t.is(refused('toString'), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused('hostApi'), 'TypeError ERR_READ_ONLY');
  t.is(refused('reset'), 'TypeError ERR_READ_ONLY');
});

test.serial('assigning what does not exist throws in sloppy code too', (t) => {
  const assign = (name: string) =>
    new Function('defaults', `defaults.${name} = 1`) as (target: object) => void;
  for (const name of ['foo', 'hostApi', 'reset'])
    t.throws(() => assign(name)(defaults), { instanceOf: TypeError }, name);
  t.throws(() => assign('foo')(defaults.dtype), { instanceOf: TypeError });
});

test.serial('what exists can be listed', (t) => {
  t.true(['sampleRate', 'device', 'hostApi', 'reset'].every((name) => name in defaults));
  t.false('foo' in defaults);
  t.deepEqual(Object.keys(defaults).sort(), [
    'backend',
    'blockSize',
    'channels',
    'clipOff',
    'device',
    'ditherOff',
    'dtype',
    'extraSettings',
    'hostApi',
    'latency',
    'neverDropInput',
    'primeOutputBuffersUsingStreamCallback',
    'reset',
    'sampleRate',
  ]);
});

test.serial('reset() restores everything', (t) => {
  const before = JSON.stringify(defaults);
  defaults.device = 'nothing';
  defaults.channels = 2;
  defaults.dtype = 'int8';
  defaults.latency = 'low';
  defaults.sampleRate = 1;
  defaults.blockSize = 7;
  defaults.clipOff = true;
  defaults.ditherOff = true;
  defaults.neverDropInput = true;
  defaults.primeOutputBuffersUsingStreamCallback = true;
  t.not(JSON.stringify(defaults), before);
  const { reset } = defaults;
  reset();
  t.is(JSON.stringify(defaults), before);
});

test.serial('a default that is wrong shows when it is used', async (t) => {
  using device = manual(2, { name: 'Quillon' });
  defaults.device = 'quillon';
  defaults.sampleRate = 1;
  t.is(nameOf(t.throws(() => checkInputSettings())), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
  t.is(nameOf(t.throws(() => play([0.5]))), 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997');
  defaults.sampleRate = RATE;
  defaults.device = ['no such thing', 'quillon'];
  const job = play([0.5]);
  await device.advance(PERIOD);
  await job;
  t.is(nameOf(t.throws(() => playrec([0.5], { channels: 1 }))), 'SoundDeviceError ERR_NO_SUCH_DEVICE -9996');
});

test.serial('an argument comes before a default, side by side', async (t) => {
  using device = manual(1, { name: 'Quillon' });
  using other = manual(1, { name: 'Rapier' });
  defaults.device = [device.index, other.index];
  defaults.latency = (3 * PERIOD) / RATE;
  const first = play(ramp(10));
  t.is(getStream().device, other.index);
  t.is(getStream().latency, (2 * PERIOD) / RATE);
  first.abort();
  const second = play(ramp(10), { device: device.index, latency: [5, 'low'] });
  t.is(getStream().device, device.index);
  t.is(getStream().latency, 0);
  second.abort();
  const third = playrec(ramp(10), { channels: 1, device: [null, 'quillon'], latency: ['low', null] });
  t.deepEqual(getStream().device, [device.index, device.index]);
  await device.advance(4 * PERIOD);
  await third;
  t.is(third.roundTrip, 3 * PERIOD);
});

test.serial('a default concerns what is opened afterwards', async (t) => {
  using device = manual(1);
  defaults.device = device.index;
  const job = play(ramp(1000));
  defaults.device = 'no such thing';
  defaults.sampleRate = 1;
  await device.advance(1024);
  await job;
  t.is(job.position, 1000);
});
