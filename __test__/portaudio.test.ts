/** The catalogue's behaviours of sound itself, through PortAudio on a real server, where both are there. */
import { execFileSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import {
  AudioData,
  CallbackStop,
  checkInputSettings,
  checkOutputSettings,
  defaults,
  getStream,
  getVersions,
  InputStream,
  OutputStream,
  play,
  playrec,
  queryDevices,
  queryHostApis,
  rec,
  Stream,
  stop,
  WasapiSettings,
  wait,
} from 'sounddevice';
import { column, RATE, ramp, refusal, until } from './helper.js';
import { aloneOnServers } from './servers-alone.js';

aloneOnServers(test);

const OUTPUT = 'alsa-portaudio:ss_twin_b';
const INPUT = 'alsa-portaudio:ss_mic_twin_b';
const device = [INPUT, OUTPUT] as const;

function there(): boolean {
  try {
    return queryDevices(INPUT, 'input').id === INPUT && queryDevices(OUTPUT, 'output').id === OUTPUT;
  } catch {
    return false;
  }
}

const tried = there() ? test.serial : test.serial.skip;

test.afterEach.always(async () => {
  defaults.reset();
  await stop();
});

/** Silence after a sound, so that all of it comes back. */
const tail = (data: ArrayLike<number>, channels: number) => {
  const samples = new Float32Array(data.length + (channels * RATE) / 2);
  samples.set(data);
  return new AudioData(samples, { channels, sampleRate: RATE });
};

/**
 * From the first frame that is not silent. A machine that is busy may lose frames, and says so, or put silence in between, which
 * ALSA's plugins do not tell: then it is tried again.
 */
async function heard(t: ExecutionContext, once: () => ReturnType<typeof playrec>, frames: number) {
  for (let turn = 0; ; turn++) {
    const job = once();
    const { data, channels } = (await job) as AudioData<'float32'>;
    const start = data.findIndex((sample) => sample !== 0);
    const from = Math.floor(start / channels) * channels;
    const sound = data.subarray(from, from + frames * channels);
    const gap = sound.some(
      (_, n) => n % channels === 0 && sound.subarray(n, n + channels).every((one) => one === 0),
    );
    if ((job.status.any || gap) && turn < 9) continue;
    t.true(start >= 0, 'something is heard');
    return { data: sound, channels };
  }
}

tried('F7, F33–F35 what is played comes back as it was, in every format and to the last frame', async (t) => {
  const frames = 2000;
  const sent = ramp(frames);
  for (const dtype of ['float64', 'float32', 'int32', 'int24', 'int16'] as const) {
    const data = tail(sent, 1).convert(dtype, { ditherOff: true });
    const once = () => playrec(data, { device, channels: 1, dtype: 'float32', outputMapping: [1] });
    const got = await heard(t, once as never, frames);
    t.deepEqual(got.data, sent, dtype);
  }
  const levels = { uint8: [192, 255, 1, 64], int8: [64, -64, 127, -127] } as const;
  const shown = { uint8: [0.5, 0.9921875, -0.9921875, -0.5], int8: [0.5, -0.5, 0.9921875, -0.9921875] };
  for (const dtype of ['uint8', 'int8'] as const) {
    const Samples = dtype === 'uint8' ? Uint8Array : Int8Array;
    const samples = new Samples(RATE / 2).fill(dtype === 'uint8' ? 128 : 0);
    samples.set(levels[dtype]);
    const data = new AudioData(samples, { channels: 1, sampleRate: RATE });
    const once = () => playrec(data, { device, channels: 1, dtype: 'float32', outputMapping: [1] });
    t.deepEqual([...(await heard(t, once as never, 4)).data], shown[dtype], dtype);
  }
});

tried('F34 float samples beyond 1 are not clipped, integers are', async (t) => {
  const data = tail([2, -2, 0.5], 1);
  const float = await heard(t, () => playrec(data, { device, channels: 1, outputMapping: [1] }) as never, 3);
  t.deepEqual([...float.data], [2, -2, 0.5]);
  const once = () =>
    playrec(data, { device, channels: 1, dtype: 'int16', outputMapping: [1], ditherOff: true });
  t.deepEqual([...(await heard(t, once as never, 3)).data], [32767, -32768, 16384]);
});

tried('F15–F17, F48, F56 channels go where the mapping says', async (t) => {
  const sent = Float32Array.from({ length: 2000 }, (_, n) => (n % 2 ? -1 : 1) * ((n >> 1) + 1) * 2 ** -12);
  const through = async (options: object, channels = 2) => {
    const once = () => playrec(tail(sent, 2), { device, ...(channels ? { channels } : {}), ...options });
    return (await heard(t, once as never, 1000)).data;
  };
  const [left, right] = [column(sent, 0, 2), column(sent, 1, 2)];
  const straight = await through({});
  t.deepEqual([column(straight, 0, 2), column(straight, 1, 2)], [left, right]);
  const swapped = await through({ outputMapping: [2, 1] });
  t.deepEqual([column(swapped, 0, 2), column(swapped, 1, 2)], [right, left]);
  const second = await through({ inputMapping: [2] }, 0);
  t.deepEqual([...second], right);
  const both = await heard(t, () => playrec(tail([0.5, 0.25], 1), { device, channels: 2 }) as never, 2);
  t.deepEqual([...both.data], [0.5, 0.5, 0.25, 0.25], 'mono goes to both');
});

tried('F18, F19, F22, F45, F58, F66 what a device cannot do has PortAudio’s number', (t) => {
  const data = new Float32Array(100);
  const refused = (call: () => unknown) => refusal(t, call).replace('SoundDeviceError ', '');
  const on = { device: OUTPUT };
  t.is(
    refused(() => play(data, { ...on, mapping: [1, 64] })),
    'ERR_INVALID_CHANNELS -9998',
  );
  for (const sampleRate of [0, -1, 1, 1e9, Infinity]) {
    t.is(
      refused(() => play(data, { ...on, sampleRate })),
      'ERR_INVALID_SAMPLE_RATE -9997',
      `${sampleRate}`,
    );
    t.is(
      refused(() => checkOutputSettings({ ...on, sampleRate })),
      'ERR_INVALID_SAMPLE_RATE -9997',
    );
  }
  t.is(
    refused(() => play(data, { device: 'nonexistent, ALSA (PortAudio)' })),
    'ERR_NO_SUCH_DEVICE -9996',
  );
  t.is(
    refused(() => rec(10, { device: INPUT, channels: 0 })),
    'ERR_INVALID_CHANNELS -9998',
  );
  t.is(
    refused(() => rec(10, { device: INPUT, channels: 640 })),
    'ERR_INVALID_CHANNELS -9998',
  );
  t.is(
    refused(() => new InputStream({ device: INPUT, channels: 640 })),
    'ERR_INVALID_CHANNELS -9998',
  );
  t.is(
    refused(() => checkInputSettings({ device: INPUT, channels: 640 })),
    'ERR_INVALID_CHANNELS -9998',
  );
  checkInputSettings({ device: INPUT, channels: 2, dtype: 'int24', sampleRate: 44100 });
  checkOutputSettings({ ...on, channels: 2, dtype: 'float64' });
  const extraSettings = new WasapiSettings({ exclusive: true });
  t.is(
    refused(() => checkOutputSettings({ ...on, extraSettings })),
    'ERR_INCOMPATIBLE_SETTINGS -9984',
  );
  t.is(
    refused(() => new OutputStream({ ...on, extraSettings })),
    'ERR_INCOMPATIBLE_SETTINGS -9984',
  );
  if (queryDevices().some(({ id }) => id === 'pulseaudio:mic')) {
    const pair = ['pulseaudio:mic', OUTPUT] as const;
    t.is(
      refused(() => playrec(data, RATE, { device: pair, channels: 1 })),
      'ERR_INCOMPATIBLE_DEVICES -9993',
    );
  }
});

tried('F23, F24, F60, F61, F64 devices are found by parts of their names', (t) => {
  const found = queryDevices('ss_twin_b, ALSA (PortAudio)', 'output');
  t.is(found.id, OUTPUT);
  t.is(queryDevices('SS_TWIN_B, alsa (portaudio)', 'output').index, found.index);
  t.is(queryDevices(found.index).name, 'ss_twin_b');
  t.is(
    refusal(t, () => queryDevices('ALSA (PortAudio)', 'output')),
    'SoundDeviceError ERR_AMBIGUOUS_DEVICE -9996',
  );
  t.is(
    refusal(t, () => queryHostApis(99)),
    'SoundDeviceError ERR_NO_SUCH_HOST_API -9978',
  );
  const host = queryHostApis(found.hostApi);
  t.deepEqual([host.index, host.name], [found.hostApi, 'ALSA (PortAudio)']);
  t.true(host.devices.includes(found.index) && Object.isFrozen(host) && Object.isFrozen(host.devices));
  t.is(queryDevices(host.defaultOutputDevice).hostApiName, 'ALSA (PortAudio)');
  t.is(queryDevices(host.defaultInputDevice).hostApi, host.index);
  defaults.device = [null, OUTPUT];
  t.is(defaults.device.output, OUTPUT);
  t.is(queryDevices(null, 'output').id, OUTPUT);
  const { portaudio } = getVersions();
  t.true((portaudio?.number ?? 0) >= 0x130600 && portaudio?.text.includes('PortAudio'));
});

tried('F1, F25–F28, F31, F37 jobs begin, replace each other and end', async (t) => {
  t.false((await play([], { device: OUTPUT })).any);
  const long = new Float32Array(10 * RATE).fill(0.01);
  const first = play(long, RATE, { device: OUTPUT, latency: 0.2, blockSize: 512 });
  t.is(getStream().blockSize, 512);
  const stream = new OutputStream({ device: OUTPUT, sampleRate: RATE, latency: 0.2, blockSize: 512 });
  t.true(stream.latency >= 0.2 && stream.latency < 0.25, `${stream.latency}`);
  await stream.close();
  t.throws(() => play(long, 1, { device: OUTPUT }), { message: /sample rate/ });
  t.throws(() => play(long, RATE, { device: OUTPUT, mapping: [0] }));
  t.true(first.active, 'errors leave it playing');
  const second = play(long, RATE, { device: OUTPUT });
  await first;
  t.deepEqual([first.active, second.active], [false, true]);
  await stop();
  await stop();
  t.false(second.active);
  await wait();
  const flags = play(new Float32Array(RATE / 10), RATE, { device: OUTPUT, blocking: true });
  t.is(typeof flags.any, 'boolean');
});

tried('F67–F71, F73, F74 a duplex stream and its attributes', async (t) => {
  const blocks: number[] = [];
  const stream = new Stream({
    device,
    channels: 2,
    sampleRate: RATE,
    blockSize: 256,
    dtype: ['int16', 'float32'],
    callback(input, output, frames, time, status) {
      blocks.push(frames, input.length, output.length);
      const ordered =
        time.inputBufferAdcTime <= time.currentTime && time.currentTime <= time.outputBufferDacTime;
      if (!ordered && !status.any) blocks.push(-1);
      output.fill(0);
    },
  });
  t.deepEqual([stream.active, stream.stopped, stream.closed, stream.cpuLoad], [false, true, false, 0]);
  t.true(stream.time > 0);
  stream.start().start();
  t.deepEqual([stream.active, stream.stopped], [true, false]);
  await until(() => blocks.length >= 60);
  t.true(stream.latency.every((seconds) => seconds > 0 && seconds < 1));
  await stream.stop();
  t.deepEqual([stream.active, stream.stopped], [false, true]);
  stream.start();
  const before = blocks.length;
  await until(() => blocks.length > before + 30);
  stream.abort();
  await stream.close();
  await stream.close();
  t.deepEqual([stream.active, stream.stopped, stream.closed, stream.sampleRate], [false, true, true, RATE]);
  t.true(
    blocks.every((value, n) => value === [256, 512, 512][n % 3]),
    `${blocks.slice(0, 9)}`,
  );
  t.is(
    refusal(t, () => stream.start()),
    'SoundDeviceError ERR_STREAM_CLOSED -9988',
  );
});

tried('F76, F82 what is written is heard to its end when the stream stops', async (t) => {
  const input = new InputStream({ device: INPUT, channels: 2, sampleRate: RATE, latency: 0.2 }).start();
  const output = new OutputStream({ device: OUTPUT, channels: 2, sampleRate: RATE, latency: 0.2 }).start();
  const frames = RATE / 2;
  const sent = Float32Array.from({ length: 2 * frames }, (_, n) => ((n >> 1) + 1) * 2 ** -16);
  const recorded: number[] = [];
  const reading = (async () => {
    while (recorded.length < 2 * RATE * 2) {
      const { data } = await input.read(4800);
      t.is(data.length, 9600);
      for (const sample of data as Float32Array) recorded.push(sample);
    }
  })();
  await output.write(sent);
  await output.stop();
  await reading;
  const last = recorded.filter((sample) => sample !== 0).at(-1);
  t.is(last, sent.at(-1));
  await input.close();
  await output.close();
});

tried('F81, F83, F84, F88 reads end with the stream; callbacks end it, and it starts again', async (t) => {
  const input = new InputStream({ device: INPUT, channels: 1 }).start();
  const pending = input.read(60 * RATE);
  input.abort();
  await t.throwsAsync(pending, { code: 'ERR_STREAM_STOPPED' });
  await input.close();
  let calls = 0;
  let finished = 0;
  const stream = new OutputStream({
    device: OUTPUT,
    channels: 1,
    callback(output) {
      output.fill(0);
      if (++calls % 5 === 0) throw new CallbackStop();
    },
    finishedCallback() {
      finished++;
    },
  });
  for (const turn of [1, 2]) {
    stream.start();
    await until(() => finished === turn);
    t.is(calls, 5 * turn);
    t.false(stream.active);
  }
  await stream.close();
});

tried('F29, F92 a program ends cleanly while it plays', (t) => {
  const program = `import { play } from '${import.meta.resolve('sounddevice')}';
    const job = play(new Float32Array(480000), 48000, { device: '${OUTPUT}' });
    while (job.position === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log('bye');
    process.exit(0);`;
  const args = ['--input-type=module', '--eval', program];
  t.is(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 }), 'bye\n');
});

const asked = (body: string, environment: Record<string, string>) => {
  const program = `import * as sd from '${import.meta.resolve('sounddevice')}';
    const names = () => [...new Set(sd.queryDevices().map((device) => device.hostApiName))].map((name) => name.includes('PortAudio') ? 'PortAudio' : name === 'Virtual' ? name : 'ours').join();
    const code = (call) => { try { return call(); } catch (error) { return error.code; } };
    ${body}`;
  const args = ['--input-type=module', '--eval', program];
  const env: Record<string, string | undefined> = { ...process.env, SOUNDDEVICE_BACKEND: '', ...environment };
  return execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000, env }).trim();
};

test('without the library all else works, and asking for it tells what to install', (t) => {
  const missing = { SOUNDDEVICE_PORTAUDIO: '/nonexistent/portaudio' };
  const body = `console.log(code(() => sd.queryDevices('x, ALSA (PortAudio)', 'output')), names().includes('PortAudio'),
    sd.getVersions().portaudio, names().includes('Virtual'));
    sd.defaults.backend = 'portaudio';
    console.log(code(names));
    sd.defaults.backend = null;
    console.log(names().includes('Virtual'));`;
  t.is(asked(body, missing), 'ERR_NO_LIBRARY false undefined true\nERR_NO_LIBRARY\ntrue');
  t.is(asked('console.log(code(names))', { SOUNDDEVICE_BACKEND: 'alsa' }), 'ERR_INVALID_ARG_VALUE');
});

const rest = `const tell = (what) => console.log(what === undefined ? 'fine' : what);
  const device = sd.virtual.createDevice({ name: 'made here', clock: 'manual' });
  for (const name of [device.index, device.id, 'made here', 'virtual:loopback', 'Virtual Loopback']) {
    const job = sd.play([0.5, 0.25], { device: name });
    if (name !== 'virtual:loopback' && name !== 'Virtual Loopback') {
      await device.advance(512);
      await job;
      tell(device.played()[0].slice(0, 2).join());
    } else tell(sd.queryDevices(name).id);
    await sd.stop();
  }
  tell((await import('node:util')).inspect(sd.defaults).includes('sampleRate'));
  tell([...sd.defaults.device].every((index) => typeof index === 'number'));
  const hint = (call) => { try { call(); } catch (error) { return error.code + error.message.includes('; install lib'); } };
  tell(hint(() => sd.play([0], { device: 'x, ALSA (PortAudio)' })));`;
const used =
  '0.5,0.25\n0.5,0.25\n0.5,0.25\nvirtual:loopback\nvirtual:loopback\ntrue\ntrue\nERR_NO_LIBRARYtrue';

test('without the library both backends are the other one', (t) => {
  const all = { SOUNDDEVICE_PORTAUDIO: '/nonexistent/portaudio', SOUNDDEVICE_BACKEND: 'all' };
  t.is(asked(rest, all), used);
  const lists = `const ids = async () => [(await sd.queryDevicesAsync()).map(({ id }) => id).join(),
      sd.queryDevices().map(({ id }) => id).join(), sd.queryHostApis().map(({ name }) => name).join(),
      sd.allMicrophones({ includeLoopback: true }).map(({ id }) => id).join(), [...sd.defaults.device].join()].join(';');
    const both = await ids();
    sd.defaults.backend = 'cpal';
    console.log(both === await ids(), both.includes('virtual:loopback'));`;
  t.is(asked(lists, all), 'true true');
});

test('without the library PortAudio alone has no lists, and virtual devices work', (t) => {
  const alone = { SOUNDDEVICE_PORTAUDIO: '/nonexistent/portaudio', SOUNDDEVICE_BACKEND: 'portaudio' };
  t.is(asked(rest, alone), used);
  const body = `for (const call of [names, () => sd.queryHostApis(), () => sd.queryHostApis(0), () => sd.play([0]),
      () => sd.queryDevices(null, 'output'), () => sd.checkInputSettings(), () => sd.allMicrophones()]) console.log(code(call));
    await sd.queryDevicesAsync().catch((error) => console.log(error.code));
    console.log([...sd.defaults.device].join());`;
  t.is(asked(body, alone), `${'ERR_NO_LIBRARY\n'.repeat(8)}-1,-1`);
});

tried('the variable and the default choose a backend, the default first', (t) => {
  const ours = (names: string) => names.replace(/^(ours,?)+/, '');
  t.is(
    asked('console.log(names())', { SOUNDDEVICE_BACKEND: 'portaudio' }).replace(/(PortAudio,)+/, 'P,'),
    'P,Virtual',
  );
  t.is(ours(asked('console.log(names())', { SOUNDDEVICE_BACKEND: 'cpal' })), 'Virtual');
  const body = `sd.defaults.backend = 'portaudio'; console.log(names().startsWith('PortAudio'), sd.defaults.backend);
    sd.defaults.reset(); console.log(names().includes('PortAudio'), sd.defaults.backend);`;
  t.is(asked(body, { SOUNDDEVICE_BACKEND: 'cpal' }), 'true portaudio\nfalse null');
  const refused = (value: unknown) => refusal(t, () => Object.assign(defaults, { backend: value }));
  t.is(refused('alsa'), 'RangeError ERR_INVALID_ARG_VALUE');
  t.is(refused(1), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(defaults.backend, null);
});
