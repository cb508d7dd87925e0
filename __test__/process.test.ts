import { spawn } from 'node:child_process';
import test from 'ava';

const START = `
  import { play, playrec, rec, virtual } from '${import.meta.resolve('sounddevice')}';
  const device = virtual.createDevice({ inputs: 1, outputs: 1 });
  const still = virtual.createDevice({ inputs: 1, outputs: 1, clock: 'manual' });
  const data = new Float32Array(9600);
  const options = { device: device.index };
  const say = (...words) => console.log(...words);
`;

/** Runs a module in a process of its own, which has the functions and a device; says how it ended. */
async function run(script: string): Promise<{ out: string; code: number | null; signal: string | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', START + script], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ out: out.trim(), code, signal }));
  });
}

const well = (out: string, code = 0) => ({ out, code, signal: null });
/** A timer that does not hold the process shows whether something else does: of one that is to end it says so only late. */
const timer = (ms: number) => `setTimeout(() => { say('still here'); process.exit(); }, ${ms}).unref();`;
const STILL = timer(200);
const ENDS = timer(60_000);

test('a process stays until what it plays has ended, also if nobody waits for that', async (t) => {
  const script = `
    const job = play(data, options);
    process.on('exit', () => say(job.active, job.position, job.heard));`;
  t.deepEqual(await run(script), well('false 9600 9600'));
});

test('a process stays until what it records has ended', async (t) => {
  const script = `
    const jobs = [rec(4800, { ...options, channels: 1 })];
    jobs[0].then((heard) => {
      say(heard.frames);
      return playrec(data, { ...options, channels: 1 });
    }).then((heard) => say(heard.frames));`;
  t.deepEqual(await run(script), well('4800\n9600'));
});

test('a job that never ends holds the process, one that was let go does not', async (t) => {
  const forever = `play(data, { ...options, loop: true })`;
  t.deepEqual(await run(`${STILL} ${forever};`), well('still here'));
  t.deepEqual(await run(`${ENDS} ${forever}.unref();`), well(''));
  t.deepEqual(await run(`${STILL} ${forever}.unref().ref();`), well('still here'));
  t.deepEqual(await run(`${ENDS} ${forever}.ref().unref();`), well(''));
});

test('a job on a clock that stands still holds the process too', async (t) => {
  const recording = `rec(10, { device: still.index, channels: 1 })`;
  t.deepEqual(await run(`${STILL} ${recording};`), well('still here'));
  t.deepEqual(await run(`${ENDS} ${recording}.unref();`), well(''));
});

test('a job that has ended, was stopped or aborted holds nothing', async (t) => {
  const ends = [
    `const job = play(data, { ...options, loop: true }); job.abort();`,
    `const job = play(data, { ...options, loop: true }); job.stop();`,
    `await play(data, options);`,
    `const controller = new AbortController();
     play(data, { ...options, loop: true, signal: controller.signal });
     controller.abort();`,
    `play(data, { ...options, loop: true }); device.remove();`,
    `play([], options);`,
  ];
  for (const end of ends)
    t.deepEqual(await run(`${end} process.on('exit', () => say('gone'));`), well('gone'), end);
});

test('devices hold nothing', async (t) => {
  t.deepEqual(await run(`${ENDS} await still.advance(1000); say('made');`), well('made'));
});

test('leaving while something sounds is clean', async (t) => {
  const sounds = `
    play(data, { ...options, loop: true });
    rec(1e6, { device: still.index, channels: 1 });
    playrec(data, { ...options, channels: 1 });
    play(data, { ...options, overlap: true, loop: true });`;
  t.deepEqual(await run(`${sounds} process.exit(3);`), well('', 3));
  t.deepEqual(await run(`${sounds} setTimeout(() => process.exit(4), 50);`), well('', 4));
  t.deepEqual(await run(`${sounds} setTimeout(() => { throw new Error('on purpose'); }, 20);`), well('', 1));
});

test('a job that fails unheard is no unhandled rejection', async (t) => {
  const script = `
    play(data, { ...options, loop: true });
    rec(10, { device: still.index, channels: 1 });
    play(data, { ...options, overlap: true, loop: true });
    device.remove();
    still.remove();
    const controller = new AbortController();
    play(data, { device: 'virtual loopback, virtual', signal: controller.signal });
    controller.abort(new Error('unheard'));
    setTimeout(() => say('well'), 100);`;
  t.deepEqual(await run(script), well('well'));
});

/** Ends workers, one after the other, as soon as this has run in them with the package as `sd`. */
const workers = (body: string) => `
  import { Worker } from 'node:worker_threads';
  const source = \`
    import('${import.meta.resolve('sounddevice')}').then(async (sd) => {
      ${body}
      require('node:worker_threads').parentPort.postMessage('plays');
    });
    setInterval(() => {}, 1000);\`;
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(source, { eval: true, execArgv: [] });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  await play(data, options);
  say('played');`;

test('a worker may end while it plays, and the process goes on', async (t) => {
  const script = workers(`
      const device = sd.virtual.createDevice({ inputs: 1, outputs: 1 });
      sd.play(new Float32Array(100), { device: device.index, loop: true });
      sd.rec(1e6, { device: device.index, channels: 1 });
      sd.play(new Float32Array(100), { device: device.index, loop: true, overlap: true });`);
  t.deepEqual(await run(script), well('played'));
});

test('nothing is kept of jobs that have ended', async (t) => {
  const script = `
    const some = async () => {
      for (let round = 0; round < 500; round++) {
        const job = play(data.subarray(0, 256), { device: still.index });
        await still.advance(512);
        await job;
      }
      return process.memoryUsage.rss();
    };
    const before = await some();
    const grown = ((await some()) - before) / 500;
    say(grown < 25_000 ? 'little' : grown);`;
  t.deepEqual(await run(script), well('little'));
});

const PROCESSOR = `
  import { Stream } from '${import.meta.resolve('sounddevice')}';
  const gain = () => (input, output) => { output.set(input); };
  const forever = () => () => { for (;;); };
  const open = (processor) => new Stream({ device: device.index, channels: 1, blockSize: 64, processor });
`;

test('leaving while a processor runs, or never comes back, is clean', async (t) => {
  for (const processor of ['gain', 'forever']) {
    const start = `${PROCESSOR} const stream = open(${processor}).start();`;
    t.deepEqual(await run(`${start} process.exit(3);`), well('', 3));
    t.deepEqual(
      await run(`${start} await stream.ready; setTimeout(() => process.exit(4), 50);`),
      well('', 4),
    );
    const thrown = `setTimeout(() => { throw new Error('on purpose'); }, 50);`;
    t.deepEqual(await run(`${start} await stream.ready; ${thrown}`), well('', 1));
  }
});

test('a processor holds the process while it is loaded and while its stream runs', async (t) => {
  const start = `${PROCESSOR} const stream = open(gain);`;
  t.deepEqual(await run(`${start} await stream.ready; say('ready');`), well('ready'));
  t.deepEqual(await run(`${start} await stream.ready; ${STILL} stream.start();`), well('still here'));
  t.deepEqual(await run(`${start} await stream.ready; ${ENDS} stream.start().unref();`), well(''));
  t.deepEqual(await run(`${start} await stream.start().close(); say('closed');`), well('closed'));
});

test('a worker may end while a processor of its own runs', async (t) => {
  const script = workers(`
      const device = sd.virtual.createDevice({ inputs: 1, outputs: 1 });
      const streams = [() => () => {}, () => () => { for (;;); }].map((processor) =>
        new sd.OutputStream({ device: device.index, processor }).start());
      await Promise.all(streams.map(({ ready }) => ready));`);
  t.deepEqual(await run(script), well('played'));
});

test('the thread of a stream that nobody has any more ends', async (t) => {
  if (process.platform !== 'linux') return t.pass('skipped: threads are counted on Linux only');
  const script = `${PROCESSOR}
    import { readdirSync } from 'node:fs';
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    const threads = () => readdirSync('/proc/self/task').length;
    const use = async () => { await open(gain).ready; };
    const before = threads();
    await use();
    await use();
    const running = threads();
    const end = Date.now() + 30_000;
    while (threads() > before && Date.now() < end) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    say(running > before, threads() <= before);`;
  t.deepEqual(await run(script), well('true true'));
});
