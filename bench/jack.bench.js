import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { median, output, root } from './tools.js';

export const title = "duplex over jackd's loopback ports, beside a C program on libjack";

const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const PERIODS = [32, 64, 128, 256, 512];
const TURNS = 3;
const STREAMS = 40;
const DIR = join(root, 'target/bench');

/** Servers of its own, since the period is the server's. */
function server(command, period = 128) {
  const env = { ...process.env, SS_DIR: join(DIR, 'jack'), SS_JACK_PERIOD: String(period) };
  const { status, stdout, stderr } = spawnSync('bash', ['scripts/sound-servers.sh', command, 'jack'], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`jackd: ${stderr}`);
  return stdout;
}

function build() {
  mkdirSync(DIR, { recursive: true });
  const peer = join(DIR, 'jack_loop');
  const compiled = spawnSync('cc', ['-O2', 'bench/jack_loop.c', '-o', peer, '-l:libjack.so.0'], {
    cwd: root,
  });
  const arguments_ = ['bench', '-p', 'sounddevice', '--bench', 'duplex', '--no-run', '--message-format=json'];
  const built = spawnSync('cargo', arguments_, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (compiled.status !== 0 || built.status !== 0) throw new Error(`${compiled.stderr}${built.stderr}`);
  const artifacts = built.stdout.split('\n').filter((text) => text.startsWith('{'));
  const ours = artifacts
    .map((text) => JSON.parse(text))
    .find(({ target }) => target?.name === 'duplex').executable;
  return { ours, peer };
}

export async function* run() {
  const programs = build();
  const once = async (program, device, seconds, streams = 1) => {
    // Its names and numbers are those of the script.
    const arguments_ = [program, device, String(seconds), String(streams)];
    const script = 'eval "$(bash scripts/sound-servers.sh env jack)"; exec "$@"';
    const env = { ...process.env, SS_DIR: join(DIR, 'jack') };
    return JSON.parse(await output('bash', ['-c', script, 'bash', ...arguments_], { env }));
  };
  /** Alternating, so that both see the same machine. */
  const both = async (seconds, turns, streams) => {
    const results = { ours: [], peer: [] };
    for (let turn = 0; turn < turns; turn++) {
      results.ours.push(await once(programs.ours, 'jack:loopback', seconds, streams));
      results.peer.push(await once(programs.peer, 'loopback', seconds, streams));
    }
    return results;
  };
  const row = (what, { ours, peer }, key, unit, rest) => {
    const figure = (results) => median(results.map((result) => result[key]));
    return { what, ours: figure(ours), peer: figure(peer), unit, ...rest };
  };
  try {
    for (const period of PERIODS) {
      server('start', period);
      const results = await both(3, TURNS);
      yield row(`round trip at ${period}`, results, 'roundTrip', 'frames', { most: 1 });
      demand(results);
      if (period !== 128) continue;
      yield row(`processor time of ${SECONDS} s`, await both(SECONDS, TURNS), 'processor', 's', {
        most: 1.2,
      });
      const many = await both(10, 1, STREAMS);
      demand(many);
      yield row(`processor time of ${STREAMS} streams for 10 s`, many, 'processor', 's');
    }
  } finally {
    server('stop');
  }
}

/** A figure is worth nothing where frames were altered or lost. */
function demand({ ours }) {
  const bad = ours.find(({ altered, lost }) => altered + lost > 0);
  if (bad) throw new Error(`frames were altered or lost: ${JSON.stringify(bad)}`);
}
