/** Iterations, web streams and Node streams: how they begin, how they are left, and what they tell of failures. */
import type { EventEmitter } from 'node:events';
import test from 'ava';
import { createReadStream, createWriteStream, InputStream, OutputStream, Stream } from 'sounddevice';
import { manual, nameOf, PERIOD, RATE, refusal, same, until } from './helper.js';

/** Samples that no other frame has; never 0. */
const counted = (frames: number, from = 0) =>
  Float64Array.from({ length: frames }, (_, n) => (n + from + 1) / 1048576);

const STOPPED = 'SoundDeviceError ERR_STREAM_STOPPED -9983';
const CLOSED = 'SoundDeviceError ERR_STREAM_CLOSED -9988';
const LOST = 'SoundDeviceError ERR_DEVICE_LOST -9985';

/** What an emitter tells, in order. */
function told(emitter: EventEmitter, ...names: string[]): string[] {
  const events: string[] = [];
  for (const name of names) emitter.on(name, (error) => events.push(error ? nameOf(error) : name));
  return events;
}

test('what was never started, is closed, or has a callback cannot be iterated', async (t) => {
  using device = manual(1);
  const begin = (stream: InputStream) => refusal(t, () => stream[Symbol.asyncIterator]());
  const read = (stream: InputStream) => stream.readable.getReader().read();
  const stream = new InputStream({ device: device.index });
  t.is(begin(stream), STOPPED);
  t.is(nameOf(await t.throwsAsync(read(stream))), STOPPED);
  await stream.close();
  t.is(begin(stream), CLOSED);
  t.is(nameOf(await t.throwsAsync(read(stream))), CLOSED);
  const called = new InputStream({ device: device.index, callback() {} }).start();
  t.is(begin(called), 'SoundDeviceError ERR_CALLBACK_STREAM -9977');
  await called.close();
});

test('iterating a stopped stream gives what is left, and ends', async (t) => {
  using device = manual(1);
  device.feed([counted(2 * PERIOD)]);
  const stream = new InputStream({ device: device.index, dtype: 'float64' }).start();
  await device.advance(2 * PERIOD);
  await stream.stop();
  const heard: number[] = [];
  for await (const { data } of stream) heard.push(...data);
  same(t, heard, counted(2 * PERIOD));
  for await (const _ of stream) t.fail('nothing is left');
  await stream.close();
});

test('two iterations take turns', async (t) => {
  using device = manual(1);
  device.feed([counted(4 * PERIOD)]);
  const stream = new InputStream({ device: device.index, dtype: 'float64', blockSize: 128 }).start();
  const heard: number[] = [];
  const counts: [number, number] = [0, 0];
  const iterate = async (which: 0 | 1) => {
    for await (const { data } of stream) {
      heard.push(...data);
      counts[which] += 1;
    }
  };
  const both = [iterate(0), iterate(1)];
  await device.advance(4 * PERIOD);
  await stream.stop();
  await Promise.all(both);
  same(t, heard, counted(4 * PERIOD));
  t.deepEqual(counts, [4, 4]);
  await stream.close();
});

test('an iteration that is left while it waits takes nothing from who reads later', async (t) => {
  for (const blockSize of [0, 100]) {
    using device = manual(1);
    device.feed([counted(4 * PERIOD)]);
    const stream = new InputStream({ device: device.index, dtype: 'float64', blockSize }).start();
    const iterator = stream[Symbol.asyncIterator]();
    const next = iterator.next();
    t.deepEqual(await iterator.return?.(), { done: true, value: undefined });
    t.deepEqual(await next, { done: true, value: undefined });
    t.deepEqual(await iterator.next(), { done: true, value: undefined });
    const reader = stream.readable.getReader();
    const pulled = reader.read();
    await reader.cancel();
    t.deepEqual(await pulled, { done: true, value: undefined });
    const read = stream.read(300);
    await device.advance(2 * PERIOD);
    same(t, (await read).data, counted(300));
    await stream.close();
  }
});

/** An iteration that has begun to collect a block of 1000 with the first period, and is left. */
async function half(device: ReturnType<typeof manual>, signal?: AbortSignal) {
  device.feed([counted(8 * PERIOD)]);
  const options = { device: device.index, dtype: 'float64', blockSize: 1000 } as const;
  const stream = new InputStream({ ...options, ...(signal && { signal }) }).start();
  const iterator = stream[Symbol.asyncIterator]();
  const next = iterator.next();
  await device.advance(PERIOD);
  await until(() => stream.readAvailable === 0);
  const leave = async () => {
    await iterator.return?.();
    return next;
  };
  return { stream, next, leave };
}

test('what an iteration has begun to collect is read first by who reads next, however that is done', async (t) => {
  const adc = (frame: number) => (frame - PERIOD) / RATE;
  for (const how of ['read', 'waiting read', 'readSync', 'readInto', 'iteration', 'readable'] as const) {
    using device = manual(1);
    const { stream, leave } = await half(device);
    const waiting = how === 'waiting read' ? stream.read(300) : undefined;
    t.deepEqual(await leave(), { done: true, value: undefined });
    if (!waiting) t.is(stream.readAvailable, PERIOD, how);
    let heard: Float64Array;
    if (how === 'read') {
      heard = (await stream.read(100)).data;
      await device.advance(PERIOD);
      t.is(stream.readAvailable, 2 * PERIOD - 100);
      const { data, time, overflowed } = await stream.read(200);
      t.false(overflowed);
      t.true(Math.abs(time.inputBufferAdcTime - adc(100)) < 1e-9);
      t.true(time.inputBufferAdcTime <= time.currentTime);
      heard = Float64Array.of(...heard, ...data);
    } else if (waiting) {
      await device.advance(PERIOD);
      const { data, time } = await waiting;
      t.true(Math.abs(time.inputBufferAdcTime - adc(0)) < 1e-9);
      heard = data;
    } else if (how === 'readSync') {
      const error = t.throws(() => stream.readSync(PERIOD + 1), undefined, 'nothing is lost by it');
      t.is(nameOf(error), 'SoundDeviceError ERR_WOULD_DEADLOCK');
      t.is(stream.readAvailable, PERIOD);
      await device.advance(PERIOD);
      const { data, time } = stream.readSync(300);
      t.true(Math.abs(time.inputBufferAdcTime - adc(0)) < 1e-9);
      heard = data;
    } else if (how === 'readInto') {
      heard = new Float64Array(300);
      t.deepEqual(stream.readInto(heard), { frames: PERIOD, overflowed: false });
      await device.advance(PERIOD);
      t.deepEqual(stream.readInto(heard.subarray(PERIOD)), { frames: 300 - PERIOD, overflowed: false });
    } else if (how === 'iteration') {
      const again = stream[Symbol.asyncIterator]().next();
      await device.advance(4 * PERIOD);
      const { data, time } = (await again).value;
      t.true(Math.abs(time.inputBufferAdcTime - adc(0)) < 1e-9);
      heard = data;
    } else {
      const again = stream.readable.getReader().read();
      await device.advance(4 * PERIOD);
      heard = (await again).value as Float64Array;
    }
    same(t, heard, counted(heard.length), how);
    await stream.close();
  }
});

test('a block that is there, and that a cancelled readable has not given, is read by who reads next', async (t) => {
  using device = manual(1);
  device.feed([counted(2 * PERIOD)]);
  const stream = new InputStream({ device: device.index, dtype: 'float64', blockSize: 200 }).start();
  await device.advance(2 * PERIOD);
  const reader = stream.readable.getReader();
  const read = reader.read();
  await reader.cancel();
  t.true((await read).done);
  same(t, (await stream.read(2 * PERIOD)).data, counted(2 * PERIOD));
  await stream.close();
});

test('what a waiting read has collected when the stream is stopped is left to iterations, not to another run', async (t) => {
  using device = manual(1);
  device.feed([counted(8 * PERIOD)]);
  const stream = new InputStream({ device: device.index, dtype: 'float64', blockSize: 100 }).start();
  const start = async () => {
    stream.start();
    const read = stream.read(1000);
    await device.advance(PERIOD);
    await until(() => stream.readAvailable === 0);
    await stream.stop();
    t.is(nameOf(await t.throwsAsync(read)), STOPPED);
    t.is(stream.readAvailable, PERIOD);
  };
  await start();
  const heard: number[] = [];
  for await (const { data } of stream) heard.push(...data);
  same(t, heard, counted(PERIOD));
  await start();
  stream.start();
  t.is(stream.readAvailable, 0);
  const read = stream.read(100);
  await device.advance(PERIOD);
  same(t, (await read).data, counted(100, 2 * PERIOD));
  await stream.close();
  t.is(stream.readAvailable, 0);
});

test('an aborted signal ends an iteration as abort does, whether it waits or not', async (t) => {
  for (const ends of ['signal', 'abort']) {
    using device = manual(1);
    const controller = new AbortController();
    const { stream, next } = await half(device, controller.signal);
    const later = stream[Symbol.asyncIterator]();
    if (ends === 'signal') controller.abort();
    else stream.abort();
    same(t, (await next).value.data, counted(PERIOD), 'what it had begun to collect');
    t.deepEqual(await later.next(), { done: true, value: undefined });
    t.deepEqual(await stream.readable.getReader().read(), { done: true, value: undefined });
    for await (const _ of stream) t.fail('it has been aborted');
    await stream.finished;
    await stream.close();
  }
});

test('a readable that was cancelled, or has ended, is followed by another', async (t) => {
  using device = manual(1);
  device.feed([counted(8 * PERIOD)]);
  const stream = new InputStream({ device: device.index, dtype: 'float64' }).start();
  const first = stream.readable;
  await first.cancel();
  const second = stream.readable;
  t.not(second, first);
  t.is(stream.readable, second);
  const reader = second.getReader();
  const one = reader.read();
  await device.advance(PERIOD);
  same(t, (await one).value, counted(PERIOD));
  await stream.stop();
  t.true((await reader.read()).done);
  stream.start();
  const next = stream.readable.getReader().read();
  await device.advance(PERIOD);
  same(t, (await next).value, counted(PERIOD, PERIOD));
  await stream.close();
});

test('a writable that has failed is followed by another', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, dtype: 'float64' });
  const failed = stream.writable;
  const error = await t.throwsAsync(failed.getWriter().write(counted(10)));
  t.is(nameOf(error), STOPPED);
  stream.start();
  t.not(stream.writable, failed);
  await stream.writable.getWriter().write(counted(10));
  await device.advance(PERIOD);
  same(t, device.played()[0]?.subarray(0, 10), counted(10));
  await stream.close();
});

test('aborting a writable does not wait for room, and closing it tells of a loss', async (t) => {
  using device = manual(1);
  const aborted = new OutputStream({ device: device.index, dtype: 'float64' }).start();
  const writer = aborted.writable.getWriter();
  const write = writer.write(counted(5000));
  const reason = new Error('enough');
  await writer.abort(reason);
  t.is(await t.throwsAsync(write), reason);
  t.true(aborted.closed);
  t.is(aborted.finished, aborted.finished);
  await aborted.finished;
  const lost = new OutputStream({ device: device.index, dtype: 'float64' }).start();
  lost.on('error', () => {});
  const other = lost.writable.getWriter();
  await other.write(counted(10));
  device.inject('lost');
  await t.throwsAsync(lost.finished);
  t.is(nameOf(await t.throwsAsync(other.close())), LOST);
  t.true(lost.closed);
});

test('a signal that stays keeps no stream, and is not listened to after close', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const { signal } = controller;
  const streams = [0, 1].map(() => new Stream({ device: device.index, signal }).start());
  await streams[0]?.close();
  controller.abort();
  await Promise.all(streams.map((stream) => stream.finished));
  t.deepEqual(
    streams.map(({ closed, stopped }) => [closed, stopped]),
    [
      [true, true],
      [false, true],
    ],
  );
  await streams[1]?.close();
});

test('Node streams are destroyed with the error when the device is lost, written or not, ended or not', async (t) => {
  using device = manual(1);
  const readable = createReadStream({ device: device.index, dtype: 'float64' });
  const heard = told(readable, 'end', 'error', 'close');
  readable.once('data', () => device.inject('lost'));
  while (heard.length < 2) {
    await device.advance(PERIOD);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.deepEqual(heard, [LOST, 'close']);
  const writable = createWriteStream({ device: device.index, dtype: 'float64' });
  const played = told(writable, 'finish', 'error', 'close');
  await new Promise((resolve) => writable.write(Buffer.from(counted(100).buffer), resolve));
  device.inject('lost');
  await until(() => played.length === 2);
  t.deepEqual(played, [LOST, 'close']);
});

test('destroying a Node stream that waits is no end, and its signal destroys it with the reason', async (t) => {
  using device = manual(1);
  const reason = Object.assign(new Error('enough'), { code: 'MINE' });
  for (const [reads, expected] of [
    [false, 'close'],
    [true, 'close'],
  ] as const) {
    const controller = new AbortController();
    const options = { device: device.index, dtype: 'float64', signal: controller.signal } as const;
    const stream = reads ? createReadStream(options) : createWriteStream(options);
    const events = told(stream, 'end', 'finish', 'error', 'close');
    if ('read' in stream) stream.resume();
    else stream.write(Buffer.alloc(80_000));
    await new Promise((resolve) => setImmediate(resolve));
    stream.destroy();
    await until(() => events.includes('close'));
    t.deepEqual(events, [expected]);
    const another = reads ? createReadStream(options) : createWriteStream(options);
    const told2 = told(another, 'end', 'finish', 'error', 'close');
    if ('read' in another) another.resume();
    else await new Promise((resolve) => another.write(Buffer.alloc(800), resolve));
    controller.abort(reason);
    await until(() => told2.includes('close'));
    t.deepEqual(told2, ['Error MINE', 'close']);
    t.is(another.errored, reason);
  }
});

test('nothing written is finished at once; a part of a frame at the end is an error', async (t) => {
  using device = manual(1);
  const events: string[][] = [];
  for (const bytes of [0, 801]) {
    const writable = createWriteStream({ device: device.index, dtype: 'float64' });
    const one = told(writable, 'finish', 'error', 'close');
    writable.end(Buffer.alloc(bytes));
    await until(() => one.includes('close'));
    events.push(one);
  }
  t.deepEqual(events, [
    ['finish', 'close'],
    ['RangeError ERR_INVALID_ARG_VALUE', 'close'],
  ]);
});
