import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { compiled, crate, folder, median, root, servers } from './tools.js';

export const title =
  'duplex through PortAudio and ALSA, beside a C program on PortAudio; round trips in frames at 48000 Hz';

const PERIODS = [32, 64, 128, 256, 512];
const SECONDS = 2;
const JACK = { number: 12, output: 'loopback', input: 'loopback', prefix: 'jack-portaudio' };
const ALSA = { number: 8, output: 'ss_speakers', input: 'ss_mic' };
/** Ours reaches ALSA in two ways. */
const ALSAS = { 'ALSA → Pulse': 'alsa', 'ALSA (PortAudio) → Pulse': 'alsa-portaudio' };

/** Servers of its own: the period is JACK's, and they stand still for a while. */
const DIR = { SS_DIR: `${folder}/portaudio` };
const server = (command, which, period = 128) =>
  servers(command, which, { ...DIR, SS_JACK_PERIOD: String(period) });

/** Runs one of the two, and does something while it runs. */
async function once(program, arguments_, which, meanwhile = async () => {}) {
  const script = `eval "$(bash scripts/sound-servers.sh env ${which})"; exec "$@"`;
  const env = { ...process.env, ...DIR };
  const child = spawn('bash', ['-c', script, 'bash', program, ...arguments_.map(String)], { cwd: root, env });
  let out = '';
  let error = '';
  let busy;
  child.stderr.on('data', (data) => (error += data));
  child.stdout.on('data', (data) => {
    out += data;
    if (out.startsWith('runs')) busy ??= meanwhile();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  await busy;
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${error}`);
  const result = JSON.parse(out.trim().split('\n').at(-1));
  if (result.altered > 0) throw new Error(`frames were altered: ${JSON.stringify(result)}`);
  return result;
}

export async function* run() {
  const ours = crate('loopback');
  const peer = compiled('portaudio_loop', 'libportaudio.so.2');
  /** Alternating, so that both see the same machine. */
  const both = async (way, which, turns, seconds, meanwhile) => {
    const results = { ours: [], peer: [] };
    const { number, output, input, prefix } = way;
    for (let turn = 0; turn < turns; turn++) {
      const own = [`${prefix}:${output}`, `${prefix}:${input}`, 0, seconds];
      results.ours.push(await once(ours, own, which, meanwhile));
      results.peer.push(await once(peer, [number, output, input, 0, seconds], which, meanwhile));
    }
    return results;
  };
  const trips = (results, key) => results.map((result) => result[key]);
  try {
    for (const period of PERIODS) {
      server('start', 'jack', period);
      const results = await both(JACK, 'jack', 3, SECONDS);
      const [own, theirs] = [
        median(trips(results.ours, 'roundTrip')),
        median(trips(results.peer, 'roundTrip')),
      ];
      yield { what: `JACK at ${period}`, ours: own, peer: theirs, unit: 'frames', most: 1 };
    }
    server('stop', 'jack');
    server('start', 'pulse');
    const pause = async () => {
      await sleep(2500);
      server('pause', 'pulse');
      await sleep(1000);
      server('resume', 'pulse');
    };
    for (const [name, prefix] of Object.entries(ALSAS)) {
      const way = { ...ALSA, prefix };
      const results = await both(way, 'pulse', 5, SECONDS);
      const own = median(trips(results.ours, 'roundTrip'));
      // Its own two streams begin in one of several states, of which this is the best.
      const best = Math.min(...trips(results.peer, 'roundTrip'));
      yield { what: `${name}, best of the peer`, ours: own, peer: best, unit: 'frames', most: 1 };
      const usual = median(trips(results.peer, 'roundTrip'));
      yield { what: `${name}, median of both`, ours: own, peer: usual, unit: 'frames' };
      const stalled = await both(way, 'pulse', 2, 7, pause);
      const before = median(trips(stalled.ours, 'roundTrip'));
      const [late, theirs] = [median(trips(stalled.ours, 'after')), median(trips(stalled.peer, 'after'))];
      yield { what: `${name}, after a standstill of 1 s`, ours: late, peer: theirs, unit: 'frames', most: 1 };
      yield {
        what: `${name}, ours after and before it`,
        ours: late,
        peer: before,
        unit: 'frames',
        most: 1.25,
      };
    }
  } finally {
    server('stop', 'all');
  }
}
