import test from 'ava';
import { InputStream, OutputStream, Stream, virtual } from 'sounddevice';
import { manual, random, until } from './helper.js';
import { inProgram } from './in-program.js';

const WIRE = `const device = sd.virtual.createDevice({ inputs: 1, outputs: 1 });
  const open = (options) => new sd.Stream({ device: device.index, callback(i, o) { o.set(i); }, ...options });`;

test('a running stream keeps the process alive, an unreferenced one does not', async (t) => {
  t.is(
    await inProgram(`${WIRE} let n = 0; open({ callback() { if (++n === 20) throw new sd.CallbackStop(); },
    finishedCallback() { console.log('played', n); } }).start();`),
    'played 20',
  );
  t.is(await inProgram(`${WIRE} open().start().unref(); console.log('gone');`), 'gone');
  t.is(await inProgram(`${WIRE} open(); console.log('never started');`), 'never started');
});

test('process.exit and uncaught errors with running streams are clean', async (t) => {
  t.is(
    await inProgram(`${WIRE} for (let n = 0; n < 10; n++) open().start();
    new sd.OutputStream({ device: device.index }).start().write(new Float32Array(1e5));
    setTimeout(() => { console.log('bye'); process.exit(0); }, 50);`),
    'bye',
  );
  const thrown = inProgram(`${WIRE} open().start(); setTimeout(() => { throw new Error('uncaught'); }, 50);`);
  const error = await t.throwsAsync<Error & { code: number; stderr: string; signal: string | null }>(thrown);
  t.deepEqual([error?.code, error?.signal], [1, null]);
  t.regex(error?.stderr ?? '', /uncaught/);
});

test('a worker can be terminated while its streams run', async (t) => {
  const body = `import { Worker, isMainThread } from 'node:worker_threads';
    const code = \`const sd = await import('sounddevice');
      const { parentPort } = await import('node:worker_threads');
      const device = sd.virtual.createDevice({ inputs: 1, outputs: 1 });
      let calls = 0;
      new sd.Stream({ device: device.index, callback() { if (++calls === 5) parentPort.postMessage(calls); } }).start();
      new sd.InputStream({ device: device.index }).start().read(1e6).catch(() => {});\`;
    for (let n = 0; n < 5; n++) {
      const worker = new Worker(code, { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();
    }
    console.log('terminated');`;
  t.is(await inProgram(body), 'terminated');
});

test('F93 streams that nobody holds: running ones go on, others are collected', async (t) => {
  const body = `${WIRE}
    let calls = 0;
    open({ callback() { calls++; } }).start().unref();
    const kept = sd.virtual.createDevice({ clock: 'manual' });
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    for (let n = 0; n < 50; n++) {
      const stream = new sd.Stream({ device: kept.index, callback() {} });
      registry.register(stream);
      if (n % 2) { stream.start(); stream.abort(); }
    }
    const end = Date.now() + 20000;
    while ((collected < 45 || calls < 20) && Date.now() < end) { gc(); await sd.sleep(10); }
    const first = calls;
    while (calls === first && Date.now() < end) { gc(); await sd.sleep(10); }
    console.log(collected >= 45, calls > first);`;
  t.is(await inProgram(body, '--expose-gc'), 'true true');
});

test('on the real clock a wire alters nothing, and late blocks are silence, told once', async (t) => {
  using device = virtual.createDevice({ inputs: 1, outputs: 1, period: 480, loopback: false });
  const frames = 24_000;
  const sent = Float64Array.from({ length: frames }, (_, n) => (n + 1) / 1048576);
  device.feed([sent]);
  let calls = 0;
  let underflows = 0;
  let times = 0;
  const stream = new Stream({
    device: device.index,
    dtype: 'float64',
    blockSize: 240,
    latency: 0.1,
    callback(input, output, _frames, time, status) {
      calls += 1;
      output.set(input);
      if (status.outputUnderflow) underflows += 1;
      if (!status.any && time.inputBufferAdcTime <= time.currentTime) times += 1;
    },
  }).start();
  const heard: number[] = [];
  await until(() => {
    for (const sample of device.played()[0] ?? []) if (sample !== 0) heard.push(sample);
    return heard.at(-1) === sent.at(-1) || calls > frames / 200;
  });
  t.true(
    heard.every((sample, n) => n === 0 || sample > (heard[n - 1] as number)),
    'nothing twice',
  );
  if (stream.xruns.outputUnderflow === 0) t.deepEqual(Float64Array.from(heard), sent);
  t.true(times > 0 && underflows <= stream.xruns.outputUnderflow);
  const [, output] = stream.latency;
  t.true(output >= 240 / 48000, 'blocks made ahead are in it');
  // A loop that stands still: blocks come too late, and that is told once for those after it.
  const before = stream.xruns.outputUnderflow;
  const end = Date.now() + 400;
  while (Date.now() < end);
  const known = underflows;
  await until(() => underflows > known);
  t.true(stream.xruns.outputUnderflow > before);
  await stream.stop();
  await stream.close();
});

test('on the real clock stop plays out every frame that was made', async (t) => {
  for (const latency of ['low', 'high', 0.2] as const) {
    using device = virtual.createDevice({ inputs: 0, outputs: 1, period: 256 });
    let made = 0;
    const stream = new OutputStream({
      device: device.index,
      dtype: 'float64',
      latency,
      callback(output, frames) {
        for (let n = 0; n < frames; n++) output[n] = (made + n + 1) / 1048576;
        made += frames;
      },
    }).start();
    await until(() => made > 4096);
    const lost = stream.xruns.outputUnderflow;
    await stream.stop();
    const heard = device.played()[0]?.filter((sample) => sample !== 0) ?? new Float64Array();
    t.true(heard.every((sample, n) => n === 0 || sample > (heard[n - 1] as number)));
    // Blocks that were asked for and not answered when it stopped are not made.
    if (lost === 0 && stream.xruns.outputUnderflow === 0) t.is(heard.length, made, `${latency}`);
    await stream.close();
  }
});

test('writing and reading on the real clock', async (t) => {
  using device = virtual.createDevice({ inputs: 1, outputs: 1 });
  const stream = new Stream({ device: device.index, dtype: 'float64', channels: 1 }).start();
  const data = Float64Array.from({ length: 20_000 }, (_, n) => (n + 1) / 1048576);
  const writing = stream.write(data);
  const heard: number[] = [];
  for await (const block of stream) {
    for (const sample of block.data) if (sample !== 0) heard.push(sample);
    if (heard.length >= data.length || stream.xruns.inputOverflow + stream.xruns.outputUnderflow > 1) break;
  }
  await writing;
  t.true(heard.every((sample, n) => n === 0 || sample > (heard[n - 1] as number)));
  const blocking = stream.readSync(1000);
  t.is(blocking.data.length, 1000);
  stream.writeSync(new Float64Array(1000));
  stream.stopSync();
  t.true(stream.stopped);
  stream.closeSync();
});

test('hundreds of streams come and go', async (t) => {
  using device = manual(1);
  let finished = 0;
  for (let cycle = 0; cycle < 300; cycle++) {
    const stream = new InputStream({ device: device.index, callback() {} });
    stream.on('finished', () => {
      finished += 1;
    });
    stream.start();
    if (cycle % 10 === 0) await device.advance(256);
    if (cycle % 2) await stream.stop();
    await stream.close();
  }
  t.is(finished, 300);
});

test('random orders of all methods neither hang nor crash', async (t) => {
  const next = random(7);
  for (let round = 0; round < 20; round++) {
    using device = virtual.createDevice({
      inputs: 1,
      outputs: 1,
      period: 64,
      clock: round % 2 ? 'manual' : 'real',
    });
    const callback = round % 4 < 2 ? { callback() {} } : {};
    const stream = new Stream({ device: device.index, ...callback } as never) as Stream;
    stream.on('error', (error) => t.fail(error.message));
    const quiet = (promise: Promise<unknown>) => void promise.catch(() => {});
    const acts = [
      () => stream.start(),
      () => stream.start(),
      () => quiet(stream.stop()),
      () => stream.stopSync(),
      () => stream.abort(),
      () => quiet(stream.read(100)),
      () => quiet(stream.write(new Float32Array(3000))),
      () => stream.readInto(new Float32Array(10)),
      () => quiet(stream.finished),
      () => stream.unref().ref(),
      () => (round % 2 ? quiet(device.advance(200)) : undefined),
      () => stream.latency,
    ];
    for (let step = 0; step < 60; step++) {
      try {
        acts[Math.floor(next() * acts.length)]?.();
      } catch (error) {
        t.regex((error as { code: string }).code, /STOPPED|CLOSED|CALLBACK_STREAM|WOULD_DEADLOCK/);
      }
      if (next() < 0.5) await new Promise((resolve) => setImmediate(resolve));
    }
    await stream.close();
    t.true(stream.closed && !stream.active);
    await stream.finished;
  }
});
