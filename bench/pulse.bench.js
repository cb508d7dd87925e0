import { setTimeout as sleep } from 'node:timers/promises';
import { alternating, compiled, crate, median, output, row, servers } from './tools.js';

export const title = 'duplex through PulseAudio, beside a C program that joins two streams of libpulse';

const SECONDS = 5;
const BLOCKS = [64, 128, 256, 512];
const TURNS = 3;
const STREAMS = 24;

export async function* run() {
  const ours = crate('duplex');
  const peer = compiled('pulse_loop', 'libpulse.so.0');
  const once = async (program, ...rest) => JSON.parse(await output(program, rest.map(String)));
  const looped = (seconds, streams, block) =>
    once(ours, 'pulseaudio:speakers', seconds, streams, 'pulseaudio:mic', ...(block ? [block] : []));
  for (const block of BLOCKS) {
    const results = await alternating(
      TURNS,
      () => looped(SECONDS, 1, block),
      () => once(peer, 'speakers', 'mic', block, SECONDS),
    );
    yield row(`round trip at ${block}`, results, 'median', 'frames', { most: 1 });
    yield row(`processor time at ${block}, ${SECONDS} s`, results, 'processor', 's', { most: 1.3 });
  }
  // What had been played before is what is heard at first afterwards: the peer of the end is the beginning.
  const running = looped(12, 1, 128);
  await sleep(5_000);
  servers('pause', 'pulse');
  await sleep(2_000);
  servers('resume', 'pulse');
  const { eachSecond } = await running;
  const before = median(eachSecond.slice(1, 4));
  const after = eachSecond.at(-1);
  yield {
    what: 'round trip at 128 after a standstill, before it',
    ours: after,
    peer: before,
    unit: 'frames',
    most: 1 + 128 / before,
  };
  const many = await looped(10, STREAMS);
  yield {
    what: `${STREAMS} streams for 10 s, the clock`,
    ours: many.seconds,
    peer: 10,
    unit: 's',
    most: 1.05,
  };
}
