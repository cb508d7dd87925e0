/** Streams that follow the default device, and jobs that do not, while servers lose devices and die. */
import { execFileSync, spawn } from 'node:child_process';
import test from 'ava';
import { aloneOnServers, asClient, besideServer, installed, possible } from './servers-alone.js';

aloneOnServers(test);

/** Told on which devices to expect them, it says what came of its streams and its job. */
const PROGRAM = `
  import { createInterface } from 'node:readline';
  import * as sd from '${import.meta.resolve('sounddevice')}';
  const options = { onDeviceLost: 'follow-default', channels: 2, sampleRate: 48000 };
  const streams = {
    callback: new sd.Stream({ ...options, dtype: ['int16', 'float32'], blockSize: 480, callback: () => void made.callback++ }),
    reader: new sd.InputStream({ ...options, dtype: 'int16' }),
    writer: new sd.OutputStream(options),
    processor: new sd.Stream({ ...options, processor: ({ port }) => () => port.postMessage(0) }),
  };
  const made = { callback: 0, reader: 0, writer: 0, processor: 0 };
  const told = new Set();
  const ended = [];
  const id = (index) => sd.queryDevices(index).id;
  const ids = ({ device }) => [device].flat().map(id);
  const shape = ({ channels, sampleRate, dtype, blockSize }) => JSON.stringify([channels, sampleRate, dtype, blockSize]);
  const flags = ({ xruns }) => Object.values(xruns).reduce((sum, count) => sum + count, 0);
  const until = async (holds) => { while (!holds()) await sd.sleep(5); };
  const all = Object.entries(streams);
  const goOn = async () => {
    const before = { ...made };
    await until(() => all.every(([name]) => made[name] > before[name] + 2));
  };
  for (const [name, stream] of all) {
    stream.on('device-changed', (device) => told.add(name + ' ' + device.id));
    stream.on('error', ({ code }) => ended.push(name + ' ' + code));
    stream.on('message', () => made.processor++);
    stream.start();
  }
  const forEver = async (name, once) => {
    try { for (;; made[name]++) await once(); } catch (error) { ended.push(name + ' ' + error.code); }
  };
  void forEver('reader', () => streams.reader.read(480));
  const block = new Float32Array(960);
  void forEver('writer', () => streams.writer.write(block));
  await goOn();
  const shapes = all.map(([, stream]) => shape(stream)).join();
  let job;
  console.log('runs');
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, input, output] = line.split(' ');
    if (what === 'play') {
      job = sd.play(new Float32Array(48000 * 60), 48000).then(() => 'played', (error) => error.code);
      console.log('plays');
    } else if (what === 'job') {
      console.log(await job);
    } else if (what === 'expect') {
      const wanted = { callback: [input, output], reader: [input], writer: [output], processor: [input, output] };
      const there = () => { try { return all.every(([name, stream]) => String(ids(stream)) === String(wanted[name])); } catch { return false; } };
      await until(there);
      await goOn();
      const heard = all.map(([name]) => name).filter((name) => wanted[name].some((id) => told.has(name + ' ' + id)));
      const gaps = all.filter(([, stream]) => flags(stream) > 0).map(([name]) => name);
      const same = all.map(([, stream]) => shape(stream)).join() === shapes;
      console.log('told ' + heard + ', gaps ' + gaps + ', same ' + same + ', ended ' + (ended.join() || 'none'));
      told.clear();
    } else break;
  }
  await Promise.all(all.map(([, stream]) => stream.close()));
  console.log('closed');
`;

const NAMES = 'callback,reader,writer,processor';
const MOVED = `told ${NAMES}, gaps ${NAMES}, same true, ended none`;

type Step = [command: string, input: string, output: string];
const OTHERS =
  'pactl set-default-source mic_twin_a && pactl set-default-sink twin_a; while [ "$(pactl get-default-sink)" != twin_a ]; do sleep 0.05; done';
const unload = (name: string) =>
  `pactl unload-module "$(pactl list short modules | grep '${name} ' | cut -f1)"`;
const PULSE = ['pulseaudio:mic', 'pulseaudio:speakers'] as const;

const SERVERS: Record<string, { programs: string[]; steps: Step[] }> = {
  pulse: {
    programs: ['pulseaudio', 'pactl'],
    steps: [
      [OTHERS, 'pulseaudio:mic_twin_a', 'pulseaudio:twin_a'],
      [`${unload('source_name=mic_twin_a')} && ${unload('sink_name=twin_a')}`, ...PULSE],
      ['restart', ...PULSE],
    ],
  },
  pipewire: {
    programs: ['pipewire', 'wireplumber', 'pw-cli', 'pw-link', 'pactl'],
    steps: [
      [OTHERS, 'pulseaudio:mic_twin_a', 'pulseaudio:twin_a'],
      ['restart', ...PULSE],
    ],
  },
};

for (const [which, { programs, steps }] of Object.entries(SERVERS)) {
  const tried = possible(which) && programs.every(installed) ? test.serial : test.serial.skip;
  tried(`${which}: streams that follow go on as they were, and a job ends with its device`, async (t) => {
    await besideServer(which, async (env, control) => {
      const [command, args] = asClient(which, PROGRAM);
      const child = spawn(command, args, { env, timeout: 100_000 });
      let errors = '';
      child.stderr.on('data', (data) => {
        errors += data;
      });
      const lines: string[] = [];
      let wake = () => {};
      child.stdout.setEncoding('utf8').on('data', (data: string) => {
        lines.push(...data.trim().split('\n'));
        wake();
      });
      const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
      closed.then(() => wake());
      const next = async (line?: string) => {
        if (line) child.stdin.write(`${line}\n`);
        while (lines.length === 0 && child.exitCode === null && child.signalCode === null) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        return lines.shift() ?? `${child.exitCode ?? child.signalCode}: ${errors}`;
      };
      const shell = asClient(which, '')[1][1]?.split(';')[0];
      t.is(await next(), 'runs');
      for (const [what, ...devices] of steps) {
        t.is(await next('play'), 'plays');
        if (what === 'restart') {
          control('kill');
          t.is(await next('job'), 'ERR_DEVICE_LOST');
          control('start');
        } else {
          execFileSync('bash', ['-c', `${shell}; ${what}`], { env, stdio: 'pipe', timeout: 30_000 });
          if (what !== OTHERS) t.is(await next('job'), 'ERR_DEVICE_LOST');
        }
        t.is(await next(`expect ${devices.join(' ')}`), MOVED, what);
      }
      t.is(await next('end'), 'closed');
      child.stdin.end();
      t.is(await closed, 0);
    });
  });
}
