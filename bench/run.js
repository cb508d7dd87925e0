// npm run bench [-- NAME...]: ours beside a peer, alternating in one run, and what comes of it as ratios. Figures of a
// machine that does other things meanwhile are worth little.
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const all = readdirSync(here)
  .filter((file) => file.endsWith('.bench.js'))
  .map((file) => basename(file, '.bench.js'));
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !all.includes(name));
if (unknown) {
  console.error(`No benchmark '${unknown}': there are ${all.join(', ')}`);
  process.exit(2);
}

/** @typedef {{ what: string, ours: number, peer: number, unit: string, most?: number, least?: number }} Row */

/** @param {Row} row */
function line({ what, ours, peer, unit, most, least }) {
  const ratio = ours === 0 && peer === 0 ? 0 : ours / peer;
  const met = (most === undefined || ratio <= most) && (least === undefined || ratio >= least);
  const rounded = (number) => Number(number.toFixed(2));
  const goal = most === undefined ? (least === undefined ? '' : `≥ ${rounded(least)}`) : `≤ ${rounded(most)}`;
  const figures = [ours, peer].map((figure) => `${figure.toPrecision(4)} ${unit}`.padStart(14));
  return `${what.padEnd(44)}${figures.join('')}${ratio.toFixed(2).padStart(8)}  ${goal.padEnd(8)}${goal ? (met ? 'met' : 'MISSED') : ''}`;
}

for (const name of wanted.length > 0 ? wanted : all) {
  const { title, run } = await import(`./${name}.bench.js`);
  console.log(`\n${name}: ${title}`);
  console.log(`${''.padEnd(44)}${'ours'.padStart(14)}${'peer'.padStart(14)}${'ratio'.padStart(8)}`);
  for await (const row of run()) console.log(line(row));
}
