// node subject.js HOME DEVICE FRAMES SECONDS LOAD: plays a counter from a processor ('auto', 'sync', 'pipelined') or from a
// 'callback', while the main thread is idle or busy, and prints what became of it.
import { OutputStream, virtual } from 'sounddevice';
import { NativeStream } from '../../index.js';
import makeCount from './count.js';

const [home, name, frames, seconds, load] = process.argv.slice(2);
const blockSize = Number(frames);
const own = name === 'virtual' && virtual.createDevice({ period: blockSize, inputs: 0, outputs: 1 });

// How long blocks waited for their thread is known to the addon alone.
let handle;
const { start } = NativeStream.prototype;
Object.defineProperty(NativeStream.prototype, 'start', {
  value(...blocks) {
    handle = this;
    return start.apply(this, blocks);
  },
});

const rss = () => process.memoryUsage.rss();
const before = rss();
const options = { device: own ? own.index : name, channels: 1, blockSize, latency: 'low' };
const stream = new OutputStream(
  home === 'callback'
    ? { ...options, callback: makeCount({ port: { on() {} } }) }
    : { ...options, processor: new URL('./count.js', import.meta.url), handoff: home },
);
stream.start();
await stream.ready;
console.log('ready');

const answer = () =>
  new Promise((resolve) => {
    stream.once('message', resolve);
    stream.postMessage('?');
  });
// What is compiled late, and collected in idle time, is no garbage of blocks.
if (load === 'steady') await new Promise((resolve) => setTimeout(resolve, 8000));
if (load === 'steady') await answer();
const heapBefore = home === 'callback' ? undefined : await answer();
const grown = rss() - before;
handle.takeWaits();
const late = { ...stream.xruns };

const end = performance.now() + Number(seconds) * 1000;
let garbage = [];
/** 20 ms of work that leaves garbage, 5 ms of rest. */
function burst() {
  const until = performance.now() + 20;
  while (performance.now() < until) {
    for (let n = 0; n < 200; n++) garbage.push({ n, text: `x${n}`, pair: [n, n] });
    if (garbage.length > 20000) garbage = [];
  }
  if (performance.now() < end) setTimeout(burst, 5);
}
if (load === 'busy') burst();
/** Bytes and calls of stretches without a collection. */
const grew = { bytes: 0, calls: 0 };
let last = heapBefore;
while (performance.now() < end) {
  const left = end - performance.now();
  await new Promise((resolve) => setTimeout(resolve, load === 'steady' ? Math.min(2500, left) : left));
  if (load !== 'steady') continue;
  const now = await answer();
  if (now.heap > last.heap) {
    grew.bytes += now.heap - last.heap;
    grew.calls += now.calls - last.calls;
  }
  last = now;
}

const waits = handle.takeWaits();
const total = waits.reduce((sum, value, n) => (n % 2 ? sum + value : sum), 0);
/** Microseconds that this part of all blocks did not exceed. */
const percentile = (part) => {
  let count = 0;
  for (let n = 0; n < waits.length; n += 2) {
    count += waits[n + 1];
    if (count >= part * total) return waits[n] * 1e6;
  }
};
const heap = home === 'callback' ? undefined : await answer();
const calls = heap && heap.calls - heapBefore.calls;
const result = {
  realtime: stream.realtime,
  latency: Math.round(stream.latency * stream.sampleRate),
  underflows: stream.xruns.outputUnderflow - late.outputUnderflow,
  calls,
  heap: grew.calls > 0 ? grew.bytes / grew.calls : undefined,
  wake: total > 0 ? [0.5, 0.99, 0.999].map(percentile) : undefined,
  rss: grown,
};
await stream.close();
console.log(JSON.stringify(result));
