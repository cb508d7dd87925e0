import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import test from 'ava';
import {
  checkInputSettings,
  checkOutputSettings,
  type DeviceInfo,
  defaults,
  getVersions,
  type Kind,
  play,
  queryDevices,
  queryDevicesAsync,
  queryHostApis,
  rec,
  virtual,
} from 'sounddevice';
import { DTYPES, manual, RATE, refusal, wrong } from './helper.js';

type Options = NonNullable<Parameters<typeof virtual.createDevice>[0]>;

type Device = ReturnType<typeof manual>;

/** Devices with names, until the end of the block. */
function named<const T extends readonly (string | Options)[]>(...devices: T) {
  const made = devices.map((one) => manual(2, typeof one === 'string' ? { name: one } : one));
  const remove = () => {
    for (const device of made) device.remove();
  };
  const tuple = made as unknown as { readonly [K in keyof T]: Device };
  return Object.assign(tuple, { [Symbol.dispose]: remove });
}

const find = (device: unknown, kind?: Kind) => queryDevices(device as never, kind as never) as DeviceInfo;
const refusals = {
  none: 'SoundDeviceError ERR_NO_SUCH_DEVICE -9996',
  several: 'SoundDeviceError ERR_AMBIGUOUS_DEVICE -9996',
  type: 'TypeError ERR_INVALID_ARG_TYPE',
  value: 'RangeError ERR_INVALID_ARG_VALUE',
  channels: 'SoundDeviceError ERR_INVALID_CHANNELS -9998',
  rate: 'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997',
};

test.serial('a device is listed with what it can do', (t) => {
  using devices = named(
    { name: 'Quillon', inputs: 3, outputs: 5, sampleRate: 44100, period: 100 },
    { name: 'Quillon real', inputs: 0, outputs: 1, clock: 'real', period: 480 },
  );
  const [made, real] = devices;
  const listed = queryDevices().filter(({ name }) => name.startsWith('Quillon'));
  const { hostApi } = find(made.index);
  const common = { hostApi, hostApiName: 'Virtual', isLoopback: false };
  t.deepEqual(listed, [
    {
      ...common,
      index: made.index,
      id: made.id,
      name: 'Quillon',
      maxInputChannels: 3,
      maxOutputChannels: 5,
      defaultLowInputLatency: 0,
      defaultLowOutputLatency: 0,
      defaultHighInputLatency: 0,
      defaultHighOutputLatency: 0,
      defaultSampleRate: 44100,
    },
    {
      ...common,
      index: real.index,
      id: real.id,
      name: 'Quillon real',
      maxInputChannels: 0,
      maxOutputChannels: 1,
      defaultLowInputLatency: 0,
      defaultLowOutputLatency: 0.02,
      defaultHighInputLatency: 0,
      defaultHighOutputLatency: 0.05,
      defaultSampleRate: RATE,
    },
  ]);
  t.deepEqual([made.name, made.sampleRate], ['Quillon', 44100]);
});

test.serial('the list is an array that cannot be confused with the devices themselves', (t) => {
  using _ = named('Quillon');
  const list = queryDevices();
  t.true(Array.isArray(list));
  t.deepEqual(
    list.map((device) => find(device.index)),
    [...list],
  );
  t.is(new Set(list.map(({ id }) => id)).size, list.length);
  t.is(new Set(list.map(({ index }) => index)).size, list.length);
  t.is(Object.getPrototypeOf(list.slice(0, 1)), Array.prototype);
  t.is(Object.getPrototypeOf(list.map(({ name }) => name)), Array.prototype);
  t.throws(() => Object.assign(list[0] as object, { name: 'mine' }), { instanceOf: TypeError });
});

test.serial('the list without blocking is the same', async (t) => {
  using _ = named('Quillon', 'Quillon 2');
  const list = await queryDevicesAsync();
  t.deepEqual([...list], [...queryDevices()]);
  t.is(String(list), String(queryDevices()));
});

test.serial('the list is that of now, and an index is never given to another device', (t) => {
  const first = manual(2, { name: 'Quillon' });
  const second = manual(2, { name: 'Quillon' });
  t.is(find(first.index).id, first.id);
  first.remove();
  t.false(queryDevices().some(({ id }) => id === first.id));
  t.is(
    refusal(t, () => find(first.index)),
    refusals.none,
  );
  t.is(
    refusal(t, () => find(first.id)),
    refusals.none,
  );
  const third = manual(2, { name: 'Quillon' });
  t.is(find(second.index).id, second.id);
  t.true(third.index > second.index && second.index > first.index);
  t.is(new Set([first.id, second.id, third.id]).size, 3);
  second.remove();
  third.remove();
  third.remove();
  t.false(queryDevices().some(({ name }) => name === 'Quillon'));
});

test.serial('a device is found by its index and by its id', (t) => {
  using devices = named('Quillon', 'Quillon');
  for (const { index, id } of devices) {
    t.is(find(index).id, id);
    t.is(find(id).index, index);
    t.is(find(id, 'input').index, index);
    t.is(find([index, id], 'output').index, index);
  }
});

test.serial('a device is found by parts of its name and host API, in order, in any case', (t) => {
  using devices = named('Grand Quillon 8', 'Wee Rapier');
  const [grand, wee] = devices;
  for (const text of [
    'Grand Quillon 8',
    'quillon',
    'QUILLON',
    'gra quil 8',
    'grand 8',
    'quillon virt',
    'grand quillon 8, virtual',
    '  quillon\t8\n',
    'd quil n 8 v l',
  ]) {
    t.is(find(text).index, grand.index, text);
    t.is(find(text, 'output').index, grand.index, text);
  }
  t.is(find('wee rapier virtual', 'input').index, wee.index);
  // Wrong order, overlap, and what is not there.
  for (const text of ['8 quillon', 'virtual quillon', 'quillon quillon', 'quillon nondescript', 'rapier 8']) {
    t.is(
      refusal(t, () => find(text)),
      refusals.none,
      text,
    );
  }
});

test.serial('a text that fits nothing is refused with what was looked for', (t) => {
  const message = (kind?: Kind) => t.throws(() => find('no Such thing', kind))?.message;
  t.is(message('input'), "No input device matching 'no Such thing'");
  t.is(message('output'), "No output device matching 'no Such thing'");
  t.is(message(), "No input/output device matching 'no Such thing'");
});

test.serial('among several that fit, the one whose whole name it is wins', (t) => {
  using devices = named('Quillon', 'Quillon 2', 'Quillon 2 b');
  const [first, second] = devices;
  for (const text of ['quillon', 'QUILLON, virtual']) t.is(find(text).index, first.index, text);
  for (const text of ['quillon 2', 'Quillon 2, Virtual'])
    t.is(find(text, 'output').index, second.index, text);
  t.is(
    refusal(t, () => find('quillon virtual')),
    refusals.several,
  );
});

test.serial('a text that fits several is refused with their names', (t) => {
  using devices = named('Quillon A', 'Quillon B', { name: 'Quillon C', inputs: 0 });
  const [a, b, c] = devices.map((device) => `[${device.index}] ${device.name}, Virtual`);
  const message = (kind?: Kind) => t.throws(() => find('quillon', kind))?.message;
  t.is(message('output'), `Multiple output devices found for 'quillon':\n${a}\n${b}\n${c}`);
  t.is(message('input'), `Multiple input devices found for 'quillon':\n${a}\n${b}`);
  t.is(message(), `Multiple input/output devices found for 'quillon':\n${a}\n${b}\n${c}`);
  t.is(
    refusal(t, () => play([0.5], { device: 'quillon' })),
    refusals.several,
  );
});

test.serial('devices of the same name are told apart by id and index only', (t) => {
  using devices = named('Quillon', 'Quillon');
  t.is(
    refusal(t, () => find('Quillon')),
    refusals.several,
  );
  for (const { id, index } of devices) t.is(find(id).index, index);
});

test.serial('the empty text fits every device', (t) => {
  using _ = named('Quillon A', { name: 'Quillon B', inputs: 0 });
  const lines = (kind: Kind) =>
    t
      .throws(() => find('', kind))
      ?.message.split('\n')
      .slice(1);
  const all = queryDevices().map((device) => ({
    device,
    line: `[${device.index}] ${device.name}, ${device.hostApiName}`,
  }));
  t.deepEqual(
    lines('input'),
    all.filter(({ device }) => device.maxInputChannels > 0).map(({ line }) => line),
  );
  t.deepEqual(
    lines('output'),
    all.filter(({ device }) => device.maxOutputChannels > 0).map(({ line }) => line),
  );
});

test.serial('only devices that have the direction are candidates', (t) => {
  using devices = named({ name: 'Quillon in', outputs: 0 }, { name: 'Quillon out', inputs: 0 });
  const [input, output] = devices;
  t.is(find('quillon', 'input').index, input.index);
  t.is(find('quillon', 'output').index, output.index);
  t.is(
    refusal(t, () => find('quillon')),
    refusals.several,
  );
  t.is(t.throws(() => find('quillon out', 'input'))?.message, "No input device matching 'quillon out'");
});

test.serial('a device without the direction that is asked for is refused by its name', (t) => {
  using devices = named({ name: 'Quillon in', outputs: 0 }, { name: 'Quillon out', inputs: 0 });
  const [input, output] = devices;
  for (const which of [output.index, output.id]) {
    const call = () => find(which, 'input');
    t.is(refusal(t, call), refusals.none);
    t.is(t.throws(call)?.message, "Not an input device: 'Quillon out'");
    t.is(
      refusal(t, () => rec(1, { channels: 1, device: which })),
      refusals.none,
    );
  }
  t.is(t.throws(() => find(input.index, 'output'))?.message, "Not an output device: 'Quillon in'");
  t.is(find(input.index, 'input').name, 'Quillon in');
});

test.serial('an index that no device has is refused', (t) => {
  for (const index of [123456, -1, 2 ** 40]) {
    for (const kind of [undefined, 'input', 'output'] as const) {
      const call = () => find(index, kind);
      t.is(refusal(t, call), refusals.none);
      t.is(t.throws(call)?.message, `Error querying device ${index}`);
    }
    t.is(
      refusal(t, () => play([0.5], { device: index })),
      refusals.none,
    );
  }
  for (const index of [1.5, NaN, Infinity])
    t.is(
      refusal(t, () => find(index)),
      refusals.value,
    );
  for (const device of [{}, true, () => {}, 1n, Symbol('quillon')]) {
    t.is(
      refusal(t, () => find(device)),
      refusals.type,
    );
  }
});

test.serial('a kind is input or output', (t) => {
  const call = () => queryDevices(null, 'foo' as never);
  t.is(refusal(t, call), refusals.value);
  t.regex(t.throws(call)?.message ?? '', /kind.*'foo'/);
  t.regex(
    refusal(t, () => queryDevices(null, 1 as never)),
    /ERR_INVALID_ARG_/,
  );
});

test.serial('a pair of devices needs a kind, unless both are the same', (t) => {
  using devices = named('Quillon', 'Rapier');
  const [a, b] = devices;
  const call = () => find([a.index, b.index]);
  t.is(refusal(t, call), refusals.value);
  t.is(t.throws(call)?.message, `Input and output device are different: [${a.index}, ${b.index}]`);
  t.is(find([a.index, b.index], 'input').index, a.index);
  t.is(find([a.index, b.index], 'output').index, b.index);
  t.is(find([a.index, a.index]).index, a.index);
  t.is(find(['rapier', 'quillon'], 'output').index, a.index);
  t.is(
    refusal(t, () => find([1, 2, 3])),
    refusals.value,
  );
});

test.serial('a side of a pair that is missing is the default one', (t) => {
  using devices = named('Quillon', 'Rapier');
  const [a, b] = devices;
  t.teardown(defaults.reset);
  defaults.device = ['quillon', b.index];
  for (const nothing of [null, undefined]) {
    t.is(find([nothing, a.index], 'input').index, a.index);
    t.is(find([b.index, nothing], 'output').index, b.index);
  }
});

test.serial('a kind alone is the default device of it', (t) => {
  using devices = named('Quillon', 'Rapier');
  const [a, b] = devices;
  t.teardown(defaults.reset);
  const factory = [...defaults.device];
  t.deepEqual([find(null, 'input').index, find(undefined, 'output').index], factory);
  defaults.device = [a.index, 'rapier'];
  t.deepEqual([find(null, 'input').index, find(null, 'output').index], [a.index, b.index]);
  defaults.device.output = a.id;
  t.is(find(null, 'output').index, a.index);
});

test.serial('a virtual device is the default only where nothing else exists', (t) => {
  using _ = named('Quillon');
  const others = queryDevices().filter(({ hostApiName }) => hostApiName !== 'Virtual');
  for (const kind of ['input', 'output'] as const) {
    const able = others.some((one) => (kind === 'input' ? one.maxInputChannels : one.maxOutputChannels) > 0);
    const { name, hostApiName } = find(null, kind);
    if (able) t.not(hostApiName, 'Virtual');
    else t.is(name, 'Virtual Loopback');
  }
});

test.serial('host APIs list their devices, the virtual one last', (t) => {
  using devices = named('Quillon');
  const hosts = queryHostApis();
  t.true(Array.isArray(hosts));
  for (const [position, host] of hosts.entries()) {
    t.is(host.index, position);
    t.deepEqual(queryHostApis(position), host);
    const own = queryDevices().filter(({ hostApi }) => hostApi === position);
    t.deepEqual(
      host.devices,
      own.map(({ index }) => index),
    );
    t.true(own.every(({ hostApiName }) => hostApiName === host.name));
    for (const index of [host.defaultInputDevice, host.defaultOutputDevice])
      t.true(index === -1 || host.devices.includes(index));
  }
  const last = hosts.at(-1);
  t.is(last?.name, 'Virtual');
  const [loopback, ...others] = (last?.devices ?? []).map((index) => find(index).name);
  t.deepEqual([loopback, ...others], ['Virtual Loopback', 'Quillon']);
  t.is(find(last?.defaultInputDevice).name, 'Virtual Loopback');
  t.is(last?.devices[1], devices[0].index);
  t.is(queryHostApis(defaults.hostApi).index, defaults.hostApi);
});

test.serial('an index that no host API has is refused', (t) => {
  for (const index of [99, -1, queryHostApis().length]) {
    const call = () => queryHostApis(index);
    t.is(refusal(t, call), 'SoundDeviceError ERR_NO_SUCH_HOST_API -9978');
    t.is(t.throws(call)?.message, `Error querying host API ${index}`);
  }
  t.is(
    refusal(t, () => queryHostApis('ALSA' as never)),
    refusals.type,
  );
  for (const index of [0.5, NaN]) {
    t.is(
      refusal(t, () => queryHostApis(index)),
      refusals.value,
    );
  }
});

/** The marks in front of devices. */
const marks = (...devices: { index: number }[]) => {
  const lines = String(queryDevices()).split('\n');
  return devices
    .map(({ index }) => lines.find((line) => Number(/\d+/.exec(line)?.[0]) === index)?.[0])
    .join('');
};

test.serial('the table marks the default devices', (t) => {
  using devices = named('Quillon', 'Rapier', { name: 'Sabre', inputs: 0 });
  const [a, b, c] = devices;
  t.teardown(defaults.reset);
  defaults.device = [a.index, b.index];
  t.is(marks(a, b, c), '>< ');
  defaults.device = a.index;
  t.is(marks(a, b, c), '*  ');
  defaults.device = ['rapier', c.id];
  t.is(marks(a, b, c), ' ><');
  defaults.device = [b.index, 'no such thing'];
  t.is(marks(a, b, c), ' > ');
  defaults.device = [c.index, 123456];
  t.is(marks(a, b, c), '   ');
  t.false(/^[<>*]/m.test(String(queryDevices())));
  defaults.reset();
  const expected = find(null, 'input').index === find(null, 'output').index ? '*' : '>';
  t.is(marks(find(null, 'input')), expected);
});

test.serial('the table has a line per device, its index as wide as the widest', (t) => {
  using _ = named({ name: 'Quillon', inputs: 1, outputs: 7 });
  const list = queryDevices();
  const width = String(Math.max(...list.map(({ index }) => index))).length;
  const lines = list.map(({ index, name, hostApiName, maxInputChannels, maxOutputChannels }) => {
    const numbers = `${maxInputChannels} in, ${maxOutputChannels} out`;
    return `${marks({ index })} ${String(index).padStart(width)} ${name}, ${hostApiName} (${numbers})`;
  });
  t.is(String(list), lines.join('\n'));
  t.is(`${list}`, String(list));
  t.is(inspect(list), String(list));
  t.regex(String(list), / Quillon, Virtual \(1 in, 7 out\)$/);
});

test.serial('the command prints the table', async (t) => {
  const run = promisify(execFile);
  const cli = fileURLToPath(import.meta.resolve('#dist/cli.js'));
  const index = import.meta.resolve('sounddevice');
  const script = `import { queryDevices } from '${index}'; console.log(String(queryDevices()));`;
  const [printed, table] = await Promise.all([
    run(process.execPath, [cli]),
    run(process.execPath, ['--input-type=module', '-e', script]),
  ]);
  t.is(printed.stdout, table.stdout);
  t.regex(printed.stdout, /Virtual Loopback, Virtual \(2 in, 2 out\)\n$/);
});

for (const [kind, check] of [
  ['input', checkInputSettings],
  ['output', checkOutputSettings],
] as const) {
  test.serial(`${kind} settings are checked as opening would`, (t) => {
    using devices = named({ name: 'Quillon', inputs: 2, outputs: 2, sampleRate: 44100 });
    const device = devices[0].index;
    const refused = (options: object) => refusal(t, () => check(wrong({ device, ...options })));
    t.is(check({ device }), undefined);
    t.is(check({ device: 'quillon', channels: 2, sampleRate: 44100, dtype: 'int16' }), undefined);
    for (const dtype of DTYPES) t.is(check({ device, dtype }), undefined);
    for (const channels of [0, 3, 64]) t.is(refused({ channels }), refusals.channels);
    for (const sampleRate of [0, -1, 1, 48000, Infinity]) t.is(refused({ sampleRate }), refusals.rate);
    t.is(refused({ sampleRate: NaN }), refusals.value);
    t.is(refused({ sampleRate: '44100' }), refusals.type);
    t.is(refused({ channels: 1.5 }), refusals.value);
    t.is(refused({ channels: -1 }), 'RangeError ERR_OUT_OF_RANGE');
    t.is(refused({ dtype: 'foo' }), refusals.value);
    t.is(refused({ dtype: 16 }), refusals.type);
    t.is(refused({ device: 'no such thing' }), refusals.none);
    t.is(refused({ device: 123456 }), refusals.none);
    t.is(refused({ foo: 1 }), 'TypeError ERR_UNKNOWN_OPTION');
    t.is(refused({ blockSize: 1 }), 'TypeError ERR_UNKNOWN_OPTION');
  });

  test.serial(`${kind} settings that are missing come from the defaults`, (t) => {
    using devices = named({ name: 'Quillon', inputs: 2, outputs: 2, sampleRate: 44100 });
    const device = devices[0].index;
    t.teardown(defaults.reset);
    const refused = (options?: object) => refusal(t, () => check(options));
    defaults.device = device;
    t.is(check(), undefined);
    defaults.channels = 3;
    t.is(refused(), refusals.channels);
    t.is(check({ channels: 1 }), undefined);
    defaults.channels = null;
    defaults.sampleRate = 48000;
    t.is(refused(), refusals.rate);
    t.is(check({ sampleRate: 44100 }), undefined);
    defaults.sampleRate = null;
    defaults.device = 'no such thing';
    t.is(refused(), refusals.none);
    t.is(check({ device }), undefined);
    const other = kind === 'input' ? ([device, null] as const) : ([null, device] as const);
    defaults.device = other;
    t.is(check(), undefined);
  });
}

test.serial('checking opens nothing', (t) => {
  using devices = named('Quillon');
  const [device] = devices;
  checkOutputSettings({ device: device.index });
  checkInputSettings({ device: device.index });
  t.deepEqual(device.played(), [new Float64Array(0), new Float64Array(0)]);
});

test('versions are those of the package', (t) => {
  const { sounddevice } = getVersions();
  t.regex(sounddevice, /^\d+\.\d+\.\d+/);
});

test.serial('virtual devices that nothing could be are refused', (t) => {
  const refused = (options: unknown) => refusal(t, () => virtual.createDevice(options as never));
  const count = queryDevices().length;
  for (const option of ['inputs', 'outputs']) {
    t.is(refused({ [option]: -1 }), 'RangeError ERR_OUT_OF_RANGE');
    t.is(refused({ [option]: 1.5 }), refusals.value);
    t.is(refused({ [option]: '2' }), refusals.type);
  }
  for (const rate of [0, -1, NaN, Infinity]) t.regex(refused({ sampleRate: rate }), /^RangeError ERR_/);
  t.is(refused({ period: 0 }), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused({ name: 7 }), refusals.type);
  t.is(refused({ dtype: 'foo' }), refusals.value);
  t.is(refused({ clock: 'fast' }), refusals.value);
  t.is(refused({ loopback: 1 }), refusals.type);
  t.is(refused({ driftPpm: NaN }), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refused({ frames: 1 }), 'TypeError ERR_UNKNOWN_OPTION');
  t.is(refused('Quillon'), refusals.type);
  t.is(queryDevices().length, count);
});
