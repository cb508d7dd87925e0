import { alternating, compiled, crate, folder, output, row, servers } from './tools.js';

export const title = "duplex over jackd's loopback ports, beside a C program on libjack";

const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const PERIODS = [32, 64, 128, 256, 512];
const TURNS = 3;
const STREAMS = 40;
/** Servers of its own, since the period is the server's. */
const DIR = { SS_DIR: `${folder}/jack` };

export async function* run() {
  const ours = crate('duplex');
  const peer = compiled('jack_loop', 'libjack.so.0');
  const once = async (program, device, seconds, streams) => {
    // Its names and numbers are those of the script.
    const arguments_ = [program, device, String(seconds), String(streams)];
    const script = 'eval "$(bash scripts/sound-servers.sh env jack)"; exec "$@"';
    return JSON.parse(
      await output('bash', ['-c', script, 'bash', ...arguments_], { env: { ...process.env, ...DIR } }),
    );
  };
  const both = (turns, seconds, streams = 1) =>
    alternating(
      turns,
      () => once(ours, 'jack:loopback', seconds, streams),
      () => once(peer, 'loopback', seconds, streams),
    );
  try {
    for (const period of PERIODS) {
      servers('start', 'jack', { ...DIR, SS_JACK_PERIOD: String(period) });
      const results = await both(TURNS, 3);
      yield row(`round trip at ${period}`, results, 'roundTrip', 'frames', { most: 1 });
      demand(results);
      if (period === 64) {
        const minute = await both(1, 60);
        demand(minute);
        yield row('processor time of 60 s at 64, all frames whole', minute, 'processor', 's');
      }
      if (period !== 128) continue;
      yield row(`processor time of ${SECONDS} s`, await both(TURNS, SECONDS), 'processor', 's', {
        most: 1.2,
      });
      const many = await both(1, 10, STREAMS);
      demand(many);
      yield row(`processor time of ${STREAMS} streams for 10 s`, many, 'processor', 's');
    }
  } finally {
    servers('stop', 'jack', DIR);
  }
}

/** A figure is worth nothing where frames were altered or lost. */
function demand({ ours }) {
  const bad = ours.find(({ altered, lost }) => altered + lost > 0);
  if (bad) throw new Error(`frames were altered or lost: ${JSON.stringify(bad)}`);
}
