import { readFileSync } from 'node:fs';
import { output, root } from './tools.js';

export const title =
  'conversion in samples per second, beside a copy of as many bytes as are read or written, whichever is more';

const BYTES = { float64: 8, float32: 4, int32: 4, int24: 3, int16: 2, int8: 1, uint8: 1 };
const SAMPLES = 2 ** 22;

/** Millions of samples a second. */
function speed(group, name) {
  const file = `${root}target/criterion/${group}/${name}/new/estimates.json`;
  return (SAMPLES / JSON.parse(readFileSync(file, 'utf8')).median.point_estimate) * 1e3;
}

export async function* run() {
  await output('cargo', ['bench', '-p', 'sounddevice', '--bench', 'convert']);
  for (const from of Object.keys(BYTES)) {
    for (const to of Object.keys(BYTES)) {
      const integers = from.includes('int') && to.includes('int');
      for (const group of ['plain', 'dithered']) {
        // Nothing is dithered that keeps all its bits.
        if (group === 'dithered' && ((BYTES[to] >= BYTES[from] && integers) || !to.includes('int'))) continue;
        const ours = speed(group, `${from}-${to}`);
        const peer = speed('copy', `${from}-${to}`);
        const least = group === 'dithered' ? 0.05 : integers && BYTES[from] === BYTES[to] ? 0.8 : 0.25;
        yield {
          what: `${from} to ${to}${group === 'plain' ? '' : ', dithered'}`,
          ours,
          peer,
          unit: 'M/s',
          least,
        };
      }
    }
  }
}
