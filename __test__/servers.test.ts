/** Through real servers and back, where they run; those that SOUND_SERVERS names have to. */
import { spawn } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { AudioData, checkOutputSettings, playrec, queryDevices, type SoundDeviceError } from 'sounddevice';
import { until } from './helper.js';
import { aloneOnServers, asClient, besideServer, installed, wanted, wholly } from './servers-alone.js';

aloneOnServers(test);

const WAYS = {
  PulseAudio: ['pulseaudio:mic', 'pulseaudio:speakers'],
  JACK: ['jack:loop-system', 'jack:loop-system'],
  ALSA: ['alsa:ss_mic', 'alsa:ss_speakers'],
  'JACK (PortAudio)': ['jack-portaudio:loop-system', 'jack-portaudio:loop-system'],
  'ALSA (PortAudio)': ['alsa-portaudio:ss_mic', 'alsa-portaudio:ss_speakers'],
} as const;

const RATE = 48000;

/** Stereo that counts: n + 1 on the left, −n − 1 on the right. Silence comes after it. */
const counter = (frames: number, silence: number) =>
  new AudioData(
    Int16Array.from({ length: 2 * (frames + silence) }, (_, n) =>
      n < 2 * frames ? (n % 2 ? -1 : 1) * ((n >> 1) + 1) : 0,
    ),
    { channels: 2, sampleRate: RATE },
  );

/** All of it has to come, in one piece; frames that nobody sent fail the test. */
function arrived(t: ExecutionContext, { data }: AudioData<'int16'>, frames: number) {
  let count = 0;
  let altered = 0;
  for (let n = 0; n < data.length; n += 2) {
    const [left = 0, right = 0] = data.subarray(n, n + 2);
    if (left === 0 && right === 0) continue;
    if (left !== -right || left < 1 || left > frames) altered++;
    else count++;
  }
  t.is(altered, 0);
  return { whole: count === frames, heard: { count } };
}

function isThere(id: string): boolean {
  try {
    return queryDevices(id, 'input').id === id;
  } catch {
    return false;
  }
}

for (const [host, device] of Object.entries(WAYS)) {
  const there = wanted(host) || isThere(device[0]);
  const tried = there ? test.serial : test.serial.skip;

  const through = (t: ExecutionContext, frames: number, meanwhile: () => void) =>
    wholly(t, async (latency) => {
      // On its way it is late by what either side buffers.
      const data = counter(frames, RATE / 2 + 3 * latency * RATE);
      const job = playrec(data, { device, channels: 2, latency });
      await until(() => job.position > 0);
      meanwhile();
      const recording = await job;
      return { ...arrived(t, recording, frames), flagged: job.status.any };
    });

  tried(`F19 ${host} has no rates that nobody means`, (t) => {
    for (const sampleRate of [0, -1, 1, 999, 1e6, Infinity]) {
      const error = t.throws<SoundDeviceError>(() =>
        checkOutputSettings({ device: device[1], channels: 2, sampleRate }),
      );
      t.deepEqual([error?.code, error?.paErrorCode], ['ERR_INVALID_SAMPLE_RATE', -9997], String(sampleRate));
    }
  });

  tried(`what is played through ${host} comes back as it was, to the last frame`, async (t) => {
    await through(t, 24000, () => {});
  });

  tried(`a main thread that is blocked for two seconds changes nothing on ${host}`, async (t) => {
    const blocked = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    await through(t, 32000, blocked);
  });
}

const LOSS = `
  import { play, playrec, queryDevices } from '${import.meta.resolve('sounddevice')}';
  const data = new Float32Array(48000 * 60);
  for (const device of JSON.parse(process.env.WAYS)) {
    const job = playrec(data, 48000, { device, channels: 1 });
    while (job.position === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log('kill');
    console.log(await job.then(() => 'no error', (error) => error.code), String(queryDevices()).includes('speakers'));
    console.log('restart');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    await play(data.subarray(0, 4800), 48000, { device });
    console.log('played');
  }
  process.exit();
`;

/** Those of PulseAudio's that this program can choose. */
const MORTAL = (
  process.env.SOUNDDEVICE_BACKEND === 'portaudio' ? ['ALSA (PortAudio)'] : ['PulseAudio', 'ALSA']
) as (keyof typeof WAYS)[];

const mortal = installed('pulseaudio') ? test.serial : test.serial.skip;
mortal(
  'a server that is killed ends what sounds with ERR_DEVICE_LOST, and the next one serves',
  async (t) => {
    const ways = MORTAL.map((host) => WAYS[host]);
    await besideServer('pulse', async (private_, control) => {
      const [command, args] = asClient('pulse', LOSS);
      const env = { ...private_, WAYS: JSON.stringify(ways) };
      const child = spawn(command, args, { env, timeout: 100_000 });
      const lines: string[] = [];
      let errors = '';
      child.stderr.on('data', (text) => {
        errors += text;
      });
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.trim().split('\n')) {
          lines.push(line);
          if (line === 'kill') control('kill');
          if (line === 'restart') {
            control('start');
            child.stdin.write('\n');
          }
        }
      });
      const code = await new Promise((resolve) => child.on('close', resolve));
      const turn = ['kill', 'ERR_DEVICE_LOST false', 'restart', 'played'];
      t.deepEqual(
        lines,
        ways.flatMap(() => turn),
        errors,
      );
      t.is(code, 0, errors);
    });
  },
);
