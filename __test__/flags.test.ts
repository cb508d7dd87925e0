import { inspect } from 'node:util';
import test from 'ava';
import { CallbackFlags, play } from 'sounddevice';
import { manual, refusal } from './helper.js';

const NAMES = [
  'inputUnderflow',
  'inputOverflow',
  'outputUnderflow',
  'outputOverflow',
  'primingOutput',
] as const;

test('each bit is a flag', (t) => {
  for (const [bit, name] of NAMES.entries()) {
    const flags = new CallbackFlags(1 << bit);
    t.deepEqual(
      NAMES.filter((one) => flags[one]),
      [name],
    );
    t.true(flags.any);
    t.is(flags.valueOf(), 1 << bit);
  }
});

test('F89 no flags are none, and print as such', (t) => {
  const flags = new CallbackFlags();
  t.deepEqual([flags.any, flags.valueOf(), String(flags)], [false, 0, '']);
  t.is(inspect(flags), '<CallbackFlags: no flags set>');
  t.is(inspect(new CallbackFlags(1)), '<CallbackFlags: input underflow>');
});

test('F89 all flags are named in their order', (t) => {
  t.is(
    String(new CallbackFlags(31)),
    'input overflow, input underflow, output overflow, output underflow, priming output',
  );
});

test('F89 flags are set and cleared, but for priming', (t) => {
  const flags = new CallbackFlags(16);
  for (const name of NAMES.slice(0, 4) as ['inputOverflow']) {
    flags[name] = true;
    t.true(flags[name]);
    flags[name] = false;
    t.false(flags[name]);
    t.is(
      refusal(t, () => Object.assign(flags, { [name]: 1 })),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
  t.is(
    refusal(t, () => Object.assign(flags, { primingOutput: false })),
    'TypeError ERR_READ_ONLY',
  );
  t.is(flags.valueOf(), 16);
});

test('assigning what cannot be assigned throws in sloppy code too', (t) => {
  const assign = (name: string) => new Function('flags', `flags.${name} = true`);
  for (const name of ['primingOutput', 'any', 'merge', 'valueOf', 'toString']) {
    t.is(
      refusal(t, () => assign(name)(new CallbackFlags())),
      'TypeError ERR_READ_ONLY',
      name,
    );
  }
  for (const name of ['foo', 'input_underflow']) {
    t.is(
      refusal(t, () => assign(name)(new CallbackFlags())),
      'TypeError ERR_UNKNOWN_OPTION',
      name,
    );
  }
});

test('F89 merge adds the flags of another, and nothing else', (t) => {
  const flags = new CallbackFlags(1);
  t.is(flags.merge(new CallbackFlags(16)).merge(new CallbackFlags(4)), flags);
  t.is(flags.valueOf(), 21);
  for (const other of [1, undefined, {}, 'input overflow']) {
    t.is(
      refusal(t, () => flags.merge(other as never)),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
  t.is(flags.valueOf(), 21);
});

test('only 0 to 31 are flags', (t) => {
  t.is(
    refusal(t, () => new CallbackFlags(32)),
    'RangeError ERR_OUT_OF_RANGE',
  );
  t.is(
    refusal(t, () => new CallbackFlags(null as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
  t.is(new CallbackFlags(10).valueOf(), 10);
});

test.serial('the flags of a job are live, and stay cleared when they are', async (t) => {
  using device = manual(1);
  const job = play(new Float32Array(2000), { device: device.index });
  const { status } = job;
  t.false(status.any);
  device.inject('output-underflow');
  await device.advance(256);
  t.is(String(status), 'output underflow');
  status.outputUnderflow = false;
  t.false(status.any);
  await device.advance(2048);
  t.is(await job, status);
  t.false(status.any);
});

test.serial('flags of a job are merged into flags of one’s own', async (t) => {
  using device = manual(1);
  const all = new CallbackFlags(2);
  const job = play(new Float32Array(100), { device: device.index });
  device.inject('output-underflow');
  await device.advance(256);
  t.is(all.merge(await job).valueOf(), 6);
});
