/** What streams do when they are told something twice, too early, too late or from the wrong place. */
import test from 'ava';
import * as sounddevice from 'sounddevice';
import { InputStream, OutputStream, queryDevices, RawOutputStream, Stream, virtual } from 'sounddevice';
import { manual, nameOf, refusal, same, until } from './helper.js';
import { inProgram } from './in-program.js';

const CLOSED = 'SoundDeviceError ERR_STREAM_CLOSED -9988';

test('F73 starting, stopping, aborting and closing twice changes nothing; what is closed cannot be started', async (t) => {
  using device = manual(1);
  let finished = 0;
  const finishedCallback = () => {
    finished += 1;
  };
  const stream = new OutputStream({ device: device.index, finishedCallback });
  const state = () => [stream.active, stream.stopped, stream.closed];
  await stream.stop();
  stream.abort();
  stream.stopSync();
  t.deepEqual([...state(), finished], [false, true, false, 0], 'it has not been started');
  t.is(stream.start(), stream);
  const { finished: end } = stream;
  t.is(stream.start(), stream);
  t.is(stream.finished, end, 'the same run goes on');
  t.deepEqual(state(), [true, false, false]);
  await stream.stop();
  await Promise.all([stream.stop(), stream.stop()]);
  stream.stopSync();
  stream.abort();
  stream.abort();
  t.deepEqual([...state(), finished], [false, true, false, 1]);
  stream.start();
  stream.abort();
  await stream.stop();
  t.deepEqual([...state(), finished], [false, true, false, 2]);
  stream.start();
  await Promise.all([stream.close(), stream.close()]);
  await stream.close();
  stream.closeSync();
  stream[Symbol.dispose]();
  await stream[Symbol.asyncDispose]();
  await stream.stop();
  stream.abort();
  stream.stopSync();
  t.deepEqual([...state(), finished], [false, true, true, 3]);
  t.is(
    refusal(t, () => stream.start()),
    CLOSED,
  );
  t.throws(() => stream.start(), { message: /^Error starting stream: / });
  await stream.finished;
});

test('a stream may be started again by what hears of its end', async (t) => {
  using device = manual(1);
  let runs = 0;
  const stream: OutputStream = new OutputStream({
    device: device.index,
    callback(output) {
      output.fill(0.5);
      runs += 1;
      return 1;
    },
    finishedCallback() {
      if (runs === 1) stream.start();
    },
  });
  stream.on('finished', () => {
    if (runs === 2) stream.start();
  });
  stream.start();
  let turns = 0;
  while (runs < 3 || stream.active) {
    await device.advance(256);
    await new Promise((resolve) => setImmediate(resolve));
    if (++turns > 10_000) break;
  }
  t.is(runs, 3);
  t.is(device.played()[0]?.filter((sample) => sample === 0.5).length, 3 * 256);
  await stream.close();
});

test('a signal that aborts while a stream is opened rejects with its reason, and nothing stays open', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const opening = Stream.open({ device: device.index, signal: controller.signal });
  const reason = Object.assign(new Error('enough'), { code: 'MINE', paErrorCode: 1 });
  controller.abort(reason);
  t.is(await t.throwsAsync(opening), reason);
  const stream = await Stream.open({ device: device.index, signal: new AbortController().signal });
  t.false(stream.closed);
  await stream.close();
});

test('F84 a callback may take fewer arguments than it is given', async (t) => {
  using device = manual(1);
  const counts: number[] = [];
  const stream = new Stream({
    device: device.index,
    callback(...all: unknown[]) {
      counts.push(all.length);
    },
  }).start();
  const one = new OutputStream({ device: device.index, callback: () => {} }).start();
  await device.advance(512);
  t.deepEqual(counts, [5, 5]);
  t.true(one.active);
  await Promise.all([stream.close(), one.close()]);
});

test('what a callback throws is told, whatever it has ordered before', async (t) => {
  using device = manual(1);
  for (const order of ['stop', 'abort', 'close'] as const) {
    const told: string[] = [];
    const stream: OutputStream = new OutputStream({
      device: device.index,
      callback() {
        void stream[order]();
        throw new Error('on purpose');
      },
    }).start();
    stream.on('error', (error) => told.push(nameOf(error)));
    const end = stream.finished.then(() => 'resolved', nameOf);
    await device.advance(512);
    const failed = 'SoundDeviceError ERR_CALLBACK_FAILED';
    t.is(await end, order === 'close' ? 'resolved' : failed, order);
    t.deepEqual(told, [failed], order);
    await stream.close();
  }
});

test('a function that is thenable is a promise all the same', async (t) => {
  using device = manual(1);
  // biome-ignore lint/suspicious/noThenProperty: that is what it is about
  const thenable = Object.assign(() => {}, { then() {} });
  const stream = new OutputStream({ device: device.index, callback: (() => thenable) as never }).start();
  const { finished } = stream;
  await device.advance(512);
  t.is(nameOf(await t.throwsAsync(finished, { any: true } as never)), 'TypeError ERR_INVALID_ARG_TYPE');
  await stream.close();
});

test('a stream whose device has gone does not start, or ends at once', async (t) => {
  for (let turn = 0; turn < 40; turn++) {
    using device = manual(1);
    const stream = new OutputStream({ device: device.index });
    stream.on('error', () => {});
    if (turn % 2) await stream.start().stop();
    device.remove();
    // It may not have heard of that yet.
    const error = await t.throwsAsync(async () => stream.start().finished);
    t.regex(nameOf(error), /^SoundDeviceError ERR_DEVICE_(LOST|UNAVAILABLE) -9985$/);
    await stream.stop();
    t.deepEqual([stream.active, stream.stopped, stream.closed], [false, true, false]);
    await stream.close();
  }
});

test('neither active nor stopped after a loss, until stop, abort or close', async (t) => {
  for (const order of ['stop', 'abort', 'close'] as const) {
    using device = manual(1);
    const stream = new OutputStream({ device: device.index }).start();
    stream.on('error', () => {});
    device.inject('lost');
    await t.throwsAsync(stream.finished);
    t.deepEqual([stream.active, stream.stopped], [false, false]);
    await stream[order]();
    t.deepEqual([stream.active, stream.stopped], [false, true], order);
    await stream.close();
  }
});

test('what reading and writing hold: twice the latency, four blocks, a second at most', async (t) => {
  using device = manual(1);
  for (const [latency, blockSize, frames] of [
    ['high', 0, 4 * 256],
    [0.1, 0, 9600],
    [3, 0, 48000],
    ['low', 1000, 4000],
    [0.001, 512, 2048],
  ] as const) {
    const stream = new OutputStream({ device: device.index, latency, blockSize });
    t.is(stream.writeAvailable, frames);
    await stream.close();
  }
});

test('what would wait for a manual clock throws, and nothing is written or stopped by it', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index }).start();
  const deadlock = 'SoundDeviceError ERR_WOULD_DEADLOCK';
  t.is(
    refusal(t, () => stream.writeSync(new Float32Array(5000))),
    deadlock,
  );
  t.is(stream.writeAvailable, 1024);
  stream.writeSync(new Float32Array(1024));
  t.is(
    refusal(t, () => stream.stopSync()),
    deadlock,
  );
  t.deepEqual([stream.active, stream.stopped], [true, false]);
  await stream.close();
});

test('dispose drops what is pending', async (t) => {
  using device = manual(1);
  {
    using stream = new OutputStream({ device: device.index, latency: 0.1 }).start();
    stream.writeSync(new Float32Array(1000).fill(0.5));
  }
  await device.advance(4096);
  t.true(device.played()[0]?.every((sample) => sample === 0));
});

test('F87 more bytes than a block has are a failure of the callback, and nothing of it is heard', async (t) => {
  using device = manual(1);
  const stream = new RawOutputStream({
    device: device.index,
    dtype: 'int16',
    callback(output) {
      output.fill(64);
      output.set(new Uint8Array(output.length + 1));
    },
  }).start();
  const { finished } = stream;
  await device.advance(1024);
  const error = await t.throwsAsync(finished);
  t.is(nameOf(error), 'SoundDeviceError ERR_CALLBACK_FAILED');
  t.true(error?.cause instanceof RangeError);
  t.true(device.played()[0]?.every((sample) => sample === 0));
  await stream.close();
});

test('F92 there is nothing to initialise: devices come and go while streams run', async (t) => {
  t.false(Object.keys(sounddevice).some((name) => /initiali|terminate/i.test(name)));
  using device = manual(1);
  const stream = new InputStream({ device: device.index }).start();
  const another = manual(1);
  t.true(queryDevices().some(({ id }) => id === another.id));
  another.remove();
  t.false(queryDevices().some(({ id }) => id === another.id));
  t.true(stream.active);
  await device.advance(256);
  t.is(stream.readAvailable, 256);
  await stream.close();
});

test('clipOff and ditherOff of streams', async (t) => {
  for (const clipOff of [false, true]) {
    for (const ditherOff of [false, true]) {
      using device = manual(1, { dtype: 'int16' });
      const stream = new OutputStream({ device: device.index, dtype: 'float64', clipOff, ditherOff }).start();
      await stream.write(Float64Array.from({ length: 256 }, (_, n) => (n % 2 ? 3.3 / 32768 : 2)));
      await device.advance(256);
      const played = device.played()[0] ?? new Float64Array();
      const [loud, quiet] = [0, 1].map((odd) => played.filter((_, n) => n % 2 === odd));
      t.true(Math.max(...(loud ?? [])) === 32767 / 32768, 'it saturates in any case');
      if (ditherOff) same(t, quiet, new Float64Array(128).fill(3 / 32768));
      else t.true(new Set(quiet).size > 1 && quiet?.every((sample) => Math.abs(sample * 32768 - 3.3) < 2));
      t.is(stream.clipped, clipOff ? 0 : 128);
      t.is(stream.nan, 0);
      await stream.close();
    }
  }
});

test('neverDropInput: a thread that is busy for a second hears everything afterwards', async (t) => {
  using device = virtual.createDevice({ inputs: 1, outputs: 1, period: 480, loopback: false });
  const sent = Float64Array.from({ length: 96_000 }, (_, n) => (n + 1) / 1048576);
  const heard: number[] = [];
  const stream = new Stream({
    device: device.index,
    dtype: 'float64',
    neverDropInput: true,
    callback(input) {
      for (const sample of input) if (sample !== 0) heard.push(sample);
    },
  }).start();
  device.feed([sent]);
  await until(() => heard.length > 0);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  await until(() => heard.at(-1) === sent.at(-1));
  same(t, heard, sent);
  t.is(stream.xruns.inputOverflow, 0);
  await stream.close();
});

test('the load is that of the callback too', async (t) => {
  using device = virtual.createDevice({ inputs: 0, outputs: 1, period: 480 });
  const stream = new OutputStream({
    device: device.index,
    blockSize: 480,
    callback() {
      // Half of a block.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    },
  }).start();
  await until(() => stream.cpuLoad > 0.25);
  await stream.close();
  t.is(stream.cpuLoad, 0);
});

test('a thousand streams leave no thread and nothing that waits behind', async (t) => {
  if (process.platform !== 'linux') return t.pass('skipped: threads are counted on Linux only');
  const body = `
    import { readdirSync } from 'node:fs';
    const device = sd.virtual.createDevice({ clock: 'manual' });
    const threads = () => readdirSync('/proc/self/task').length;
    const some = async (count) => {
      for (let n = 0; n < count; n++) {
        const stream = n % 2 ? new sd.Stream({ device: device.index, callback() {} }) : new sd.Stream({ device: device.index });
        stream.start();
        await stream.stop();
        await stream.close();
      }
    };
    await some(10);
    const rests = async (most) => {
      const end = Date.now() + 30000;
      while (threads() > most && Date.now() < end) await sd.sleep(5);
      return threads();
    };
    // Those of the first streams may still be on their way out.
    let before = threads();
    for (let n = 0; n < 20; n++) { await sd.sleep(5); before = Math.min(before, threads()); }
    await some(1000);
    console.log((await rests(before)) <= before, process.getActiveResourcesInfo().filter((one) => one !== 'PipeWrap' && one !== 'Timeout'));`;
  t.is(await inProgram(body), 'true []');
});
