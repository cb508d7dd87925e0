import { spawn, spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { output, python, root } from './tools.js';

export const title =
  'a counter played by JavaScript on a real-time thread, beside python-sounddevice and our own callback';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 8);
const PERIODS = (process.env.BENCH_PERIODS ?? '64,128').split(',').map(Number);
const LOADS = (process.env.BENCH_LOADS ?? 'idle,busy').split(',');
const TURNS = Number(process.env.BENCH_TURNS ?? 2);
/** Programs with their arguments, such as `node,bun,deno run -A`. */
const RUNTIMES = (process.env.BENCH_RUNTIMES ?? process.execPath).split(',');
const KINDS = ['start', 'early', 'terminate', 'exit', 'crash', 'timer', 'owner'];
/** Deno cannot end a thread that loops for ever, nor always the thread of a thread. */
const ENDLESS = ['terminate', 'owner'];
const DIR = join(root, 'target/bench/processors');
const SUBJECT = ['bench/processors/subject.js'];
const DEVICE = 'loop-system, JACK';

/** Servers of its own, since the period is the server's. */
function server(command, period) {
  const env = { ...process.env, SS_DIR: DIR, SS_JACK_PERIOD: String(period) };
  const run = () => spawnSync('bash', ['scripts/sound-servers.sh', command, 'jack'], { cwd: root, env });
  if (run().status !== 0 && run().status !== 0) throw new Error('jackd does not start');
}

const client = (...command) => [
  'bash',
  ['-c', 'eval "$(bash scripts/sound-servers.sh env jack)"; exec "$@"', 'bash', ...command],
  { cwd: root, env: { ...process.env, SS_DIR: DIR } },
];

/** Runs a subject, and hears it meanwhile where there is a server. */
async function trial(subject, period, { seconds = SECONDS, watched = true } = {}) {
  const [command, args, options] = client(...subject);
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, error] = ['', ''];
  child.stderr.on('data', (data) => (error += data));
  const ended = new Promise((resolve) => child.on('close', resolve));
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      out += data;
      if (out.includes('ready')) resolve();
    });
    ended.then(() => reject(new Error(`${subject.join(' ')}: ${error}`)));
  });
  const watch = () =>
    output(...client(process.execPath, 'bench/processors/watch.js', DEVICE, period, seconds - 2));
  const heard = watched ? JSON.parse(await watch()) : undefined;
  await ended;
  const last = out.trim().split('\n').at(-1);
  return { ...heard, ...(last.startsWith('{') ? JSON.parse(last) : {}) };
}

/** What several runs of a subject had: sums of what was counted, the last one's figures. */
const together = (results) => {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  return { ...results.at(-1), periods: sum('periods'), broken: sum('broken'), lost: sum('lost') };
};

const ours = (home, device, period, seconds, load) =>
  [process.execPath, ...SUBJECT, home, device, period, seconds, load].map(String);

export async function* run() {
  const per = ({ periods, broken, lost }) => ((broken + lost) / periods) * 10_000;
  try {
    for (const period of PERIODS) {
      server('start', period);
      const trip = async (home) => {
        const command = client(
          process.execPath,
          'bench/processors/round-trip.js',
          home,
          DEVICE,
          String(period),
        );
        return JSON.parse(await output(...command)).frames;
      };
      const [sync, later, native] = [await trip('sync'), await trip('pipelined'), await trip('native')];
      yield row(`${period} frames: round trip, sync beside none (playrec)`, sync, native, 'frames', 1);
      yield row(`${period} frames: round trip, pipelined beside sync`, later, sync, 'frames');
      for (const load of LOADS) {
        const subjects = {
          peer: [python, 'bench/processors/subject.py', 'loop-system', period, SECONDS, load].map(String),
          auto: ours('auto', DEVICE, period, SECONDS, load),
          pipelined: ours('pipelined', DEVICE, period, SECONDS, load),
          callback: ours('callback', DEVICE, period, SECONDS, load),
        };
        const turns = { peer: [], auto: [], pipelined: [], callback: [] };
        for (let turn = 0; turn < TURNS; turn++) {
          for (const [home, subject] of Object.entries(subjects))
            turns[home].push(await trial(subject, period));
        }
        const results = Object.fromEntries(
          Object.entries(turns).map(([home, each]) => [home, together(each)]),
        );
        const { auto, pipelined, callback, peer } = results;
        const where = `${period} frames, ${load}`;
        const most = load === 'busy' ? 0.1 : 1;
        yield row(`${where}: bad periods of 10,000 (sync)`, per(auto), per(peer), '', most);
        yield row(
          `${where}: those that were broken, not lost (sync)`,
          (auto.broken / auto.periods) * 10_000,
          (peer.broken / peer.periods) * 10_000,
          '',
        );
        yield row(`${where}: the same (pipelined)`, per(pipelined), per(peer), '', most);
        yield row(`${where}: sync beside our callback`, per(auto), per(callback), '', most);
        yield row(`${where}: wake-up p99, of 300 µs`, auto.wake[1], 300, 'µs', 1);
        yield row(`${where}: wake-up p50, of 300 µs`, auto.wake[0], 300, 'µs');
      }
    }
    if (process.env.BENCH_SHORT) return;
    server('start', 16);
    const short = await trial(ours('auto', DEVICE, 16, SECONDS, 'idle'), 16);
    yield row('16 frames on JACK: bad periods of 10,000', per(short), 10_000, '');
    yield row('16 frames on JACK: wake-up p99, of 300 µs', short.wake[1], 300, 'µs');
    const free = await trial(ours('auto', 'virtual', 16, SECONDS, 'idle'), 16, { watched: false });
    yield row('16 frames, virtual: late of 10,000', (free.underflows / free.calls) * 10_000, 10_000, '');
    // A collection of the young generation comes after 1.6 MB.
    const block = await trial(ours('auto', 'virtual', 128, 2 * SECONDS, 'steady'), 128, { watched: false });
    yield row('collections per million callbacks of 128', block.heap / 1.6, 5, '', 1);
    yield row('memory of a processor', block.rss / 1e6, 100, 'MB');
    for (const runtime of RUNTIMES) {
      const [command, ...args] = runtime.split(' ');
      const name = basename(command);
      for (const kind of KINDS.filter((one) => name !== 'deno' || !ENDLESS.includes(one))) {
        const found = await output(command, [...args, 'bench/processors/rounds.js', kind, '200']);
        const { longest, left } = JSON.parse(found);
        yield row(`${name}, 200 times ${kind}: longest, of a second`, longest, 1000, 'ms');
        yield row(`${name}, 200 times ${kind}: threads left over`, left, 1, '', 0);
      }
    }
  } finally {
    server('stop');
  }
}

/** A processor beside a peer, or a figure beside its goal. */
const row = (what, figure, other, unit, most) => ({
  what,
  ours: figure,
  peer: other,
  unit,
  ...(most === undefined ? {} : { most }),
});
