// node watch.js DEVICE PERIOD SECONDS: hears what a subject plays, and counts the periods of a server that were lost (time that
// passed without them) or broken (silent, repeated, torn).
import { rec } from 'sounddevice';

const [device, period, seconds] = process.argv.slice(2);
const size = Number(period);
const periods = Math.round((Number(seconds) * 48000) / size);
const job = rec(periods * size, { device, channels: 1, sampleRate: 48000, blockSize: size, latency: 'low' });
while (job.position === 0) await new Promise((resolve) => setTimeout(resolve, 1));
const began = performance.now();
const from = job.position;
const { data } = await job;
const took = (performance.now() - began) / 1000;
let [broken, last] = [0, 0];
for (let k = 0; k < periods; k++) {
  const block = data.subarray(k * size, (k + 1) * size);
  const first = Math.round(block[0] * 16777216);
  const whole = first > last && block.every((sample, n) => sample === (first + n) / 16777216);
  if (whole) last = first + size - 1;
  else broken++;
}
const lost = Math.max(0, Math.round((took - (periods * size - from) / 48000) * (48000 / size)));
console.log(JSON.stringify({ periods, broken, lost }));
