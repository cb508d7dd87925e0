import { mkdirSync, writeFileSync } from 'node:fs';
import { lifetime, median, root } from './tools.js';

export const title = 'the first device list in a fresh process beside an empty module';

const LIST = "import { queryDevices } from 'sounddevice'; queryDevices();\n";
const TIMES = 25;

export function* run() {
  // Files, as programs are: what --eval is given goes other ways.
  const folder = `${root}target/bench`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/empty.mjs`, '');
  writeFileSync(`${folder}/list.mjs`, LIST);
  const node = (module) => lifetime(process.execPath, [`${folder}/${module}.mjs`]);
  const ours = [];
  const peer = [];
  for (let time = 0; time < TIMES; time++) {
    peer.push(node('empty'));
    ours.push(node('list'));
  }
  yield { what: 'process, module and list', ours: median(ours), peer: median(peer), unit: 'ms', most: 1.4 };
}
