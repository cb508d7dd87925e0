// Speakers and microphones: what is demanded of them stands where others have a peer. How late a loss is told, at worst, and
// how exactly a loopback that hears nothing keeps time.
import { folder, output, root, servers } from './tools.js';

export const title = 'losses and silence, beside what is demanded';

const TURNS = Number(process.env.BENCH_TURNS ?? 20);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 60);
/** Names of parts, such as "jack,silence": all of them without. */
const PARTS = process.env.BENCH_PARTS?.split(',');
/** Milliseconds until whoever uses a device has been told that it is lost, or has closed it. */
const LIMIT = 1000;

/** Servers of its own, since they die. */
const DIR = { SS_DIR: `${folder}/cards` };
const DEVICES = {
  pulse: { speaker: 'pulseaudio:speakers', microphone: 'pulseaudio:mic' },
  jack: { speaker: 'jack:loop-system', microphone: 'jack:loop-system' },
  pipewire: { speaker: 'pulseaudio:speakers', microphone: 'pulseaudio:mic' },
};

/** A script of Node as a client of a server. */
const client = async (which, text, args) => {
  const script = `eval "$(bash scripts/sound-servers.sh env ${which})"; exec "$@"`;
  const node = [process.execPath, '--input-type=module', '-e', text, ...args.map(String)];
  const options = { cwd: root, env: { ...process.env, ...DIR } };
  return JSON.parse(await output('bash', ['-c', script, 'bash', ...node], options));
};

/** Players, recorders, jobs, callbacks and a watcher; the server gets the signal, and all are told. */
const LOSS = `
import { readFileSync } from 'node:fs';
import { getMicrophone, getSpeaker, play, Stream, watchDevices } from 'sounddevice';
const [server, signal, output, input] = process.argv.slice(1);
const watcher = watchDevices();
const sampleRate = 48000;
const wires = [256, 0].map((blockSize) => new Stream({ device: [input, output], channels: 2, sampleRate, blockSize,
  callback: (heard, out) => out.fill(0) }).start());
const recorders = [1, 2].map(() => getMicrophone(input).recorder({ sampleRate }));
const player = getSpeaker(output).player({ sampleRate });
const job = play(new Float32Array(600 * sampleRate), { sampleRate, device: output, blocking: false });
for (const recorder of recorders) await recorder.record(sampleRate / 10);
const patients = [...wires.map(({ finished }) => finished), ...recorders.map((recorder) => recorder.record(60 * sampleRate)),
  player.play(new Float32Array(2 * 60 * sampleRate)), job];
const pid = Number(readFileSync(process.env.SS_DIR + '/pid/' + server, 'utf8'));
const began = performance.now();
const told = patients.map((patient) => patient.then(() => { throw new Error('it ended well'); }, (error) => {
  if (error.code !== 'ERR_DEVICE_LOST') throw error;
  return performance.now() - began;
}));
process.kill(pid, signal);
const times = await Promise.all(told);
const closing = performance.now();
await Promise.all([...wires, ...recorders, player].map((stream) => stream.close()));
watcher.close();
console.log(JSON.stringify({ told: Math.max(...times), closed: performance.now() - closing }));
process.exit();
`;

async function* losses(which, process_ = which) {
  const { speaker, microphone } = DEVICES[which];
  try {
    for (const signal of ['SIGTERM', 'SIGKILL']) {
      const worst = { told: 0, closed: 0 };
      for (let turn = 0; turn < TURNS; turn++) {
        servers('start', which, DIR);
        const times = await client(which, LOSS, [process_, signal, speaker, microphone]);
        for (const key of ['told', 'closed']) worst[key] = Math.max(worst[key], times[key]);
        if (process.env.BENCH_VERBOSE) console.log(which, signal, times);
        servers('stop', which, DIR);
      }
      const name = `${which}: ${signal} of its server`;
      yield { what: `${name}, told at the latest`, ours: worst.told, peer: LIMIT, unit: 'ms', most: 1 };
      yield { what: `${name}, closed`, ours: worst.closed, peer: LIMIT, unit: 'ms', most: 1 };
    }
  } finally {
    servers('stop', which, DIR);
  }
}

const SILENCE = `
import { getMicrophone } from 'sounddevice';
const [seconds] = process.argv.slice(1).map(Number);
const recorder = getMicrophone('pulseaudio:speakers.monitor', { includeLoopback: true }).recorder({ sampleRate: 48000 });
await recorder.record(48000);
const began = performance.now();
let [frames, loud, gap, last] = [0, 0, 0, began];
while (frames < seconds * 48000) {
  const { data, frames: more } = await recorder.record(4800);
  frames += more;
  loud += data.filter((sample) => sample !== 0).length;
  [gap, last] = [Math.max(gap, performance.now() - last), performance.now()];
}
await recorder.close();
console.log(JSON.stringify({ frames: frames / 48000, time: (last - began) / 1000, loud, gap }));
`;

async function* silence() {
  for (const which of ['pulse', 'pipewire']) {
    try {
      servers('start', which, DIR);
      const { frames, time, loud, gap } = await client(which, SILENCE, [SECONDS]);
      if (loud > 0) throw new Error(`${loud} samples are no silence`);
      yield {
        what: `${which}: frames of ${SECONDS} s of silence`,
        ours: frames,
        peer: SECONDS,
        unit: 's',
        least: 1,
      };
      yield { what: `${which}: the time that takes`, ours: time, peer: SECONDS, unit: 's', most: 1.01 };
      yield { what: `${which}: longest wait for 100 ms`, ours: gap, peer: 100, unit: 'ms', most: 2 };
    } finally {
      servers('stop', which, DIR);
    }
  }
}

const ALL = {
  jack: () => losses('jack'),
  pulse: () => losses('pulse'),
  pipewire: () => losses('pipewire', 'pwpulse'),
  silence,
};

export async function* run() {
  for (const [name, part] of Object.entries(ALL)) if (PARTS?.includes(name) ?? true) yield* part();
}
