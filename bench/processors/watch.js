// node watch.js DEVICE PERIOD SECONDS: hears what a subject plays, and counts the periods of a server that were lost (time that
// passed without them) or broken (silent, repeated, torn).
import { rec } from 'sounddevice';

const [device, period, seconds] = process.argv.slice(2);
const size = Number(period);
const periods = Math.round((Number(seconds) * 48000) / size);
const job = rec(periods * size, { device, channels: 1, sampleRate: 48000, blockSize: size, latency: 'low' });
let heard;
job.then(({ data }) => {
  heard = data;
});

// By how many periods time is ahead of what was heard: the least of every 50 ms, since a look can only come late.
const ahead = [];
let [least, turn] = [Infinity, performance.now() + 50];
while (!heard) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  const { position } = job;
  const now = performance.now();
  if (position > 0 && position < periods * size) least = Math.min(least, (now * 48 - position) / size);
  if (now < turn) continue;
  if (least < Infinity) ahead.push(least);
  [least, turn] = [Infinity, now + 50];
}
const steps = ahead.slice(1).map((value, n) => value - ahead[n]);
// A server's clock is off by some of a million, as the step says that half of all do not exceed.
const drift = [...steps].sort((one, other) => one - other)[steps.length >> 1];
const lost = Math.max(0, Math.round(steps.reduce((sum, step) => sum + step - drift, 0)));

let [broken, last] = [0, 0];
for (let k = 0; k < periods; k++) {
  const block = heard.subarray(k * size, (k + 1) * size);
  const first = Math.round(block[0] * 16777216);
  const whole = first > last && block.every((sample, n) => sample === (first + n) / 16777216);
  if (whole) last = first + size - 1;
  else broken++;
}
console.log(JSON.stringify({ periods, broken, lost }));
