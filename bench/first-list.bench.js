import { lifetime, median } from './tools.js';

export const title = 'the first device list in a fresh process beside an empty module';

const LIST = "import { queryDevices } from 'sounddevice'; queryDevices();";
const TIMES = 25;

export function* run() {
  const node = (code) => lifetime(process.execPath, ['--input-type=module', '-e', code]);
  const ours = [];
  const peer = [];
  for (let time = 0; time < TIMES; time++) {
    peer.push(node(''));
    ours.push(node(LIST));
  }
  yield { what: 'process, module and list', ours: median(ours), peer: median(peer), unit: 'ms', most: 1.4 };
}
