/** What streams promise about their promises and events, and about the clock of a virtual device. */
import test from 'ava';
import { InputStream, OutputStream, Stream } from 'sounddevice';
import { manual, nameOf, PERIOD, refusal, same } from './helper.js';

const LOST = 'SoundDeviceError ERR_DEVICE_LOST -9985';

test('a loss is told in order: error, finished, finishedCallback, then the promises', async (t) => {
  using device = manual(1);
  const told: string[] = [];
  const stream = new Stream({ device: device.index, finishedCallback: () => told.push('finishedCallback') });
  stream.on('error', (error) => told.push(nameOf(error)));
  stream.on('finished', () => told.push(`finished ${stream.active} ${stream.stopped}`));
  stream.start();
  stream.finished.catch(() => told.push('rejected'));
  const read = stream.read(10);
  const write = stream.write(new Float32Array(5000));
  device.inject('lost');
  const ends = await Promise.allSettled([read, write, stream.finished]);
  t.deepEqual(
    ends.map((end) => end.status === 'rejected' && nameOf(end.reason)),
    [LOST, LOST, LOST],
  );
  t.deepEqual(told, [LOST, 'finished false false', 'finishedCallback', 'rejected']);
  t.is(nameOf(await t.throwsAsync(stream.finished)), LOST, 'of the last run');
  await stream.close();
});

test('finished is of the run that goes on, else of the last one, else of the first one to come', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index });
  const first = stream.finished;
  stream.start();
  t.is(stream.finished, first);
  await stream.stop();
  t.is(stream.finished, first);
  await first;
  stream.start();
  const second = stream.finished;
  t.not(second, first);
  await stream.close();
  t.is(stream.finished, second);
  await second;
  const never = new OutputStream({ device: device.index });
  const { finished } = never;
  never.closeSync();
  await finished;
});

test.serial('an error of a listener is uncaught only after everybody has been told', async (t) => {
  using device = manual(1);
  const told: string[] = [];
  const stream = new OutputStream({
    device: device.index,
    callback() {
      throw new Error('on purpose');
    },
    finishedCallback: () => told.push('finishedCallback'),
  });
  stream.on('error', () => {
    throw new Error('of a listener');
  });
  stream.on('finished', () => told.push('finished'));
  // ava listens too, and would end the process.
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const uncaught = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  stream.start();
  await device.advance(PERIOD);
  t.is((await uncaught).message, 'of a listener');
  for (const other of others) process.on('uncaughtException', other);
  t.deepEqual(told, ['finished', 'finishedCallback']);
  await stream.close();
});

test('an aborted signal rejects writes as well, ends iterations, and the next start throws its reason', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const stream = new Stream({ device: device.index, signal: controller.signal }).start();
  const write = stream.write(new Float32Array(5000));
  const iterate = async () => {
    let frames = 0;
    for await (const block of stream) frames += block.frames;
    return frames;
  };
  const iterating = iterate();
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(write), reason);
  t.is(await iterating, 0);
  await stream.finished;
  const calls = [
    () => stream.start(),
    () => stream.read(1),
    () => stream.readSync(1),
    () => stream.readInto(new Float32Array(1)),
    () => stream.write(new Float32Array(1)),
    () => stream.writeSync(new Float32Array(1)),
  ];
  for (const call of calls) t.is(t.throws(call), reason, `${call}`);
  await t.throwsAsync(stream.writable.getWriter().write(new Float32Array(1)), { is: reason });
  await stream.close();
});

test('without a processor a stream is ready at once, and takes no messages', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index });
  await stream.ready;
  t.is(
    refusal(t, () => stream.postMessage(1)),
    'SoundDeviceError ERR_NOT_SUPPORTED',
  );
  await stream.close();
});

test('devices of different rates need one of them to be said', (t) => {
  using slow = manual(1, { name: 'Slow', sampleRate: 44100 });
  using fast = manual(1, { name: 'Fast', sampleRate: 48000 });
  const open = (options = {}) => new Stream({ device: [slow.index, fast.index], ...options });
  t.is(
    refusal(t, () => open()),
    'SoundDeviceError ERR_INVALID_SAMPLE_RATE -9997',
  );
  t.throws(() => open(), { message: /'Slow' has 44100 Hz, 'Fast' has 48000 Hz/ });
});

test('a remainder smaller than a period is kept for the next advance', async (t) => {
  using device = manual(1);
  let calls = 0;
  const stream = new InputStream({
    device: device.index,
    callback: () => {
      calls += 1;
    },
  }).start();
  for (const [frames, expected] of [
    [PERIOD - 1, 0],
    [1, 1],
    [PERIOD + 100, 2],
    [2 * PERIOD - 100, 4],
  ] as const) {
    await device.advance(frames);
    t.is(calls, expected);
  }
  await stream.close();
});

test('a device that stalls calls nobody for a second of its clock, and nothing is flagged', async (t) => {
  using device = manual(1, { period: 480 });
  let calls = 0;
  const stream = new OutputStream({
    device: device.index,
    callback: (_output, _frames, _time, status) => {
      t.false(status.any);
      calls += 1;
    },
  }).start();
  await device.advance(480);
  device.inject('stall');
  await device.advance(48_000);
  t.is(calls, 1);
  await device.advance(960);
  t.is(calls, 3);
  await stream.close();
});

test('without priming, what comes before the first frame is silence that nobody is asked for', async (t) => {
  using device = manual(1);
  const flags: number[] = [];
  const stream = new OutputStream({
    device: device.index,
    dtype: 'float64',
    latency: 0.05,
    callback(output, _frames, _time, status) {
      flags.push(status.valueOf());
      output.fill(0.5);
    },
  }).start();
  await device.advance(12 * PERIOD);
  t.deepEqual(flags, new Array(12).fill(0));
  // 0.05 s are 9.375 periods, 8 of them before the first frame.
  const [played] = device.played();
  same(t, played?.subarray(0, 8 * PERIOD), new Float64Array(8 * PERIOD));
  same(t, played?.subarray(8 * PERIOD), new Float64Array(4 * PERIOD).fill(0.5));
  await stream.close();
});

test.serial('an error that a waiting read, write or iteration tells is no warning besides', async (t) => {
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  process.on('warning', hear);
  const waits: Record<string, (stream: Stream) => Promise<unknown>> = {
    read: (stream) => stream.read(100_000),
    write: (stream) => stream.write(new Float32Array(500_000)),
    iteration: (stream) => stream[Symbol.asyncIterator]().next(),
    nothing: async () => {},
  };
  for (const [what, wait] of Object.entries(waits)) {
    using device = manual(1);
    const stream = new Stream({ device: device.index }).start();
    const over = new Promise<void>((resolve) => stream.once('finished', resolve));
    const waiting = wait(stream);
    device.inject('lost');
    if (what !== 'nothing') t.is(nameOf(await t.throwsAsync(waiting)), LOST, what);
    await over;
    await new Promise(setImmediate);
    t.is(warnings.splice(0).length, what === 'nothing' ? 1 : 0, what);
    await stream.close();
  }
  process.off('warning', hear);
});

test('a stream whose signal aborts before it starts has finished', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const stream = new Stream({ device: device.index, signal: controller.signal });
  const { finished } = stream;
  controller.abort();
  t.is(await finished, undefined);
  t.is(await stream.finished, undefined);
  await stream.close();
});
