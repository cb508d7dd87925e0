// node rounds.js KIND ROUNDS: starts a stream with a processor so many times, and lets it end in one way. Prints the
// milliseconds of the longest round and how many threads are left over (-1 where nobody says). Also run by Bun and Deno.
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { Stream, virtual } from 'sounddevice';

const [kind, rounds] = process.argv.slice(2);

const copy = () => (input, output) => {
  output.set(input);
};
const fails = (code) => async (stream) => {
  stream.start();
  const error = await stream.finished.then(
    () => undefined,
    (reason) => reason,
  );
  if (error?.code !== code) throw new Error(`ended with ${error?.code}, not ${code}`);
};
const KINDS = {
  /** Runs, and is closed. */
  start: [copy, (stream) => stream.start().ready],
  /** Closed while its thread starts. */
  early: [copy, (stream) => stream.start()],
  /** Its thread is ended in the middle of a block that never ends. */
  terminate: [
    () => () => {
      for (;;);
    },
    async (stream) => {
      await stream.start().ready;
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  ],
  /** Its thread ends itself. */
  exit: [
    () => () => {
      process.exit(1);
    },
    fails('ERR_PROCESSOR'),
  ],
  /** Its callback throws. */
  crash: [
    () => () => {
      throw new Error('on purpose');
    },
    fails('ERR_CALLBACK_FAILED'),
  ],
  /** Something else in its thread throws. */
  timer: [
    () => {
      setTimeout(() => {
        throw new Error('on purpose');
      });
      return () => {};
    },
    fails('ERR_PROCESSOR'),
  ],
};

const [processor, use] = KINDS[kind] ?? [];
const device = virtual.createDevice({ inputs: 1, outputs: 1, period: 64 });
const threads = () => readdirSync('/proc/self/task').length;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const OWNER = `
  const { parentPort } = require('node:worker_threads');
  import(${JSON.stringify(import.meta.resolve('sounddevice'))}).then(async ({ OutputStream, virtual }) => {
    const device = virtual.createDevice({ inputs: 0, outputs: 1, period: 64 });
    await new OutputStream({ device: device.index, processor: () => () => {} }).start().ready;
    parentPort.postMessage('runs');
    setInterval(() => {}, 1000);
  });`;

/** The thread that opened the stream is ended, with the processor's. */
async function owner() {
  const began = performance.now();
  const worker = new Worker(OWNER, { eval: true });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  return performance.now() - began;
}

async function round() {
  if (kind === 'owner') return owner();
  const began = performance.now();
  const stream = new Stream({ device: device.index, channels: 1, processor });
  stream.on('error', () => {});
  await use(stream);
  await stream.close();
  return performance.now() - began;
}

// What the first ones leave behind for all others.
for (let n = 0; n < 3; n++) await round();
await pause(500);
let before;
try {
  before = threads();
} catch {}
let longest = 0;
for (let n = 0; n < Number(rounds); n++) longest = Math.max(longest, await round());
for (let n = 0; n < 100 && threads() > before; n++) await pause(50);
const left = before === undefined ? -1 : Math.max(0, threads() - before);
console.log(JSON.stringify({ longest, left }));
device.remove();
