import { pipeline } from 'node:stream/promises';
import test from 'ava';
import {
  AudioData,
  createReadStream,
  createWriteStream,
  InputStream,
  OutputStream,
  RawInputStream,
  RawOutputStream,
  RawStream,
  Stream,
} from 'sounddevice';
import { manual, nameOf, PERIOD, RATE, refusal, same, until } from './helper.js';

/** Samples that no other frame has; never 0. */
const counted = (frames: number, from = 0) =>
  Float64Array.from({ length: frames }, (_, n) => (n + from + 1) / 1048576);
const sounding = (samples: Float64Array | undefined) => samples?.filter((sample) => sample !== 0) ?? [];

const STOPPED = 'SoundDeviceError ERR_STREAM_STOPPED -9983';
const CLOSED = 'SoundDeviceError ERR_STREAM_CLOSED -9988';

test('F74 reading and writing before the start, after the end and with a callback', async (t) => {
  using device = manual(1);
  const stream = new Stream({ device: device.index });
  const block = new Float32Array(10);
  const calls: (() => unknown)[] = [
    () => stream.read(10),
    () => stream.readSync(10),
    () => stream.readSync(0),
    () => stream.readInto(block),
    () => stream.write(block),
    () => stream.writeSync(block),
    () => stream.writeSync(new Float32Array(0)),
  ];
  for (const call of calls) t.is(refusal(t, call), STOPPED, `${call}`);
  t.deepEqual([stream.readAvailable, stream.writeAvailable], [0, 1024]);
  stream.start();
  await stream.stop();
  for (const call of calls) t.is(refusal(t, call), STOPPED, `${call}`);
  await stream.close();
  for (const call of calls) t.is(refusal(t, call), CLOSED, `${call}`);
  t.deepEqual([stream.readAvailable, stream.writeAvailable], [0, 0]);
  const called = new Stream({ device: device.index, callback() {} }).start();
  const read = 'SoundDeviceError ERR_CALLBACK_STREAM -9977';
  const write = 'SoundDeviceError ERR_CALLBACK_STREAM -9976';
  t.is(
    refusal(t, () => called.read(1)),
    read,
  );
  t.is(
    refusal(t, () => called.readSync(1)),
    read,
  );
  t.is(
    refusal(t, () => called.readInto(block)),
    read,
  );
  t.is(
    refusal(t, () => called.readAvailable),
    read,
  );
  t.is(
    refusal(t, () => called.write(block)),
    write,
  );
  t.is(
    refusal(t, () => called.writeSync(block)),
    write,
  );
  t.is(
    refusal(t, () => called.writeAvailable),
    write,
  );
  called.closeSync();
});

test('F75 an input cannot write and an output cannot read', (t) => {
  for (const name of ['write', 'writeSync', 'writeAvailable', 'writable']) {
    t.false(name in InputStream.prototype || name in RawInputStream.prototype);
    t.true(name in OutputStream.prototype && name in RawStream.prototype && name in Stream.prototype);
  }
  for (const name of ['read', 'readSync', 'readInto', 'readAvailable', 'readable', Symbol.asyncIterator]) {
    t.false(name in OutputStream.prototype || name in RawOutputStream.prototype);
    t.true(name in InputStream.prototype && name in RawStream.prototype && name in Stream.prototype);
  }
});

test('F76 reading', async (t) => {
  using device = manual(2);
  device.feed([counted(4096), counted(4096, 5000)]);
  const stream = new InputStream({ device: device.index, dtype: 'float64', latency: 0.1 }).start();
  t.is(
    refusal(t, () => stream.read(-1)),
    'RangeError ERR_OUT_OF_RANGE',
  );
  t.is(
    refusal(t, () => stream.read(1.5)),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  t.is(
    refusal(t, () => stream.read(null as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
  t.is((await stream.read(0)).data.length, 0);
  t.is(
    refusal(t, () => stream.readSync(1)),
    'SoundDeviceError ERR_WOULD_DEADLOCK',
  );
  await device.advance(1024);
  const first = await stream.read(100);
  same(
    t,
    first.data.filter((_, n) => n % 2 === 0),
    counted(100),
  );
  same(
    t,
    first.data.filter((_, n) => n % 2 === 1),
    counted(100, 5000),
  );
  t.is(first.overflowed, false);
  t.is(first.time.inputBufferAdcTime, -PERIOD / RATE);
  const second = stream.readSync(200);
  same(
    t,
    second.data.filter((_, n) => n % 2 === 0),
    counted(200, 100),
  );
  t.true(Math.abs(second.time.inputBufferAdcTime - (100 - PERIOD) / RATE) < 1e-9);
  const into = new Float64Array(2000);
  t.deepEqual(stream.readInto(into), { frames: 724, overflowed: false });
  same(
    t,
    into.subarray(0, 1448).filter((_, n) => n % 2 === 0),
    counted(724, 300),
  );
  t.deepEqual(stream.readInto(into), { frames: 0, overflowed: false });
  t.is(
    refusal(t, () => stream.readInto(new Float32Array(2) as never)),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
  t.is(
    refusal(t, () => stream.readInto(new Float64Array(3))),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  // More than the buffer holds, in turn with others.
  const reads = [stream.read(2000), stream.read(72), stream.read(1000)];
  await device.advance(3072);
  const [long, short, last] = await Promise.all(reads);
  same(
    t,
    long?.data.filter((_, n) => n % 2 === 0),
    counted(2000, 1024),
  );
  same(
    t,
    short?.data.filter((_, n) => n % 2 === 0),
    counted(72, 3024),
  );
  same(
    t,
    last?.data.filter((_, n) => n % 2 === 0),
    counted(1000, 3096),
  );
  await stream.close();
});

test('F77 what can be written', async (t) => {
  using device = manual(2);
  const stream = new OutputStream({ device: device.index, dtype: 'float32' }).start();
  const wrong = (data: unknown) => [
    refusal(t, () => stream.write(data as never)),
    refusal(t, () => stream.writeSync(data as never)),
  ];
  const both = (name: string) => [name, name];
  for (const data of [
    new Float64Array(2),
    new Int16Array(2),
    [0, 0],
    'ab',
    null,
    undefined,
    new ArrayBuffer(8),
  ]) {
    t.deepEqual(wrong(data), both('TypeError ERR_INVALID_ARG_TYPE'));
  }
  const int16 = new AudioData(new Int16Array(2), { channels: 2 });
  t.deepEqual(wrong(int16), both('TypeError ERR_INVALID_ARG_TYPE'));
  const mono = new AudioData(new Float32Array(2), { channels: 1 });
  for (const data of [new Float32Array(3), mono, [new Float32Array(2)]]) {
    t.deepEqual(wrong(data), both('RangeError ERR_INVALID_ARG_VALUE'));
  }
  const uneven = [new Float32Array(2), new Float32Array(3)];
  t.deepEqual(wrong(uneven), both('RangeError ERR_INVALID_ARG_VALUE'));
  t.false(stream.writeSync(new Float32Array(0)));
  t.false(await stream.write(new Float32Array(0)));
  t.false(stream.writeSync(Float32Array.of(0.25, 0.5)));
  t.false(await stream.write(new AudioData(Float32Array.of(0.125, 0.75), { channels: 2 })));
  t.false(stream.writeSync([Float32Array.of(0.375, -0.5), Float32Array.of(1, -1)]));
  await device.advance(PERIOD);
  const [left, right] = device.played();
  same(t, left?.subarray(0, 5), [0.25, 0.125, 0.375, -0.5, 0]);
  same(t, right?.subarray(0, 5), [0.5, 0.75, 1, -1, 0]);
  await stream.close();
});

test('int24 is bytes', async (t) => {
  using device = manual(1);
  device.feed([new Float64Array(PERIOD).fill(-0.5)]);
  const stream = new Stream({ device: device.index, dtype: 'int24' }).start();
  stream.writeSync(Uint8Array.of(0, 0, 0x40));
  stream.writeSync(new AudioData(Uint8Array.of(0, 0, 0xc0), { channels: 1, dtype: 'int24' }));
  t.is(
    refusal(t, () => stream.writeSync(new Uint8Array(4))),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  await device.advance(PERIOD);
  same(t, device.played()[0]?.subarray(0, 3), [0.5, -0.5, 0]);
  t.deepEqual((await stream.read(2)).data, Uint8Array.of(0, 0, 0xc0, 0, 0, 0xc0));
  await stream.close();
});

test('F78 an underflow is told with the next write, silence before the first one is none', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index }).start();
  const events: string[] = [];
  stream.on('xrun', (status) => events.push(`${status}`));
  await device.advance(10 * PERIOD);
  t.false(await stream.write(new Float32Array(100)));
  await device.advance(10 * PERIOD);
  t.is(stream.xruns.outputUnderflow, 1);
  t.true(await stream.write(new Float32Array(100)));
  t.false(stream.writeSync(new Float32Array(100)));
  t.deepEqual(events, ['output underflow']);
  await stream.close();
});

test('what is not read in time is lost, is told, and the times show the gap', async (t) => {
  using device = manual(1);
  device.feed([counted(4096)]);
  const stream = new InputStream({ device: device.index, dtype: 'float64' }).start();
  await device.advance(6 * PERIOD);
  t.is(stream.readAvailable, 4 * PERIOD);
  const first = await stream.read(4 * PERIOD);
  t.true(first.overflowed);
  const next = stream.read(100);
  await device.advance(PERIOD);
  const { data, overflowed, time } = await next;
  t.false(overflowed);
  same(t, data, counted(100, 6 * PERIOD));
  t.true(Math.abs(time.inputBufferAdcTime - (5 * PERIOD) / RATE) < 1e-9);
  await stream.close();
});

test('F79 raw streams read and write bytes', async (t) => {
  using device = manual(2);
  const stream = new RawStream({ device: device.index, dtype: ['int24', 'int16'] }).start();
  t.deepEqual(stream.sampleSize, [3, 2]);
  t.is(
    refusal(t, () => stream.writeSync(new Uint8Array(401))),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  t.is(
    refusal(t, () => stream.writeSync(new Uint8Array(402))),
    'RangeError ERR_INVALID_ARG_VALUE',
  );
  for (const data of [[0, 0, 0, 0], 'abcd', 4, null]) {
    t.is(
      refusal(t, () => stream.writeSync(data as never)),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
  stream.writeSync(Buffer.from([0, 0x40, 0, 0xc0]));
  stream.writeSync(new DataView(Uint8Array.of(9, 0, 0x20, 0, 0x10).buffer, 1));
  stream.writeSync(Int16Array.of(0x1000, 0x2000).buffer);
  await stream.write(new SharedArrayBuffer(4));
  stream.writeSync(Float32Array.of(0));
  await device.advance(PERIOD);
  const [left, right] = device.played();
  same(t, left?.subarray(0, 4), [0.5, 0.25, 0.125, 0]);
  same(t, right?.subarray(0, 4), [-0.5, 0.125, 0.25, 0]);
  const { data } = await stream.read(100);
  t.true(Buffer.isBuffer(data));
  t.is(data.length, 600);
  await stream.close();
});

test('F80 using starts nothing, closes at the end, also when something is thrown', async (t) => {
  using device = manual(1);
  let seen: OutputStream | undefined;
  t.throws(
    () => {
      using stream = new OutputStream({ device: device.index }).start();
      seen = stream;
      t.true(stream.active);
      throw new Error('inside');
    },
    { message: 'inside' },
  );
  t.true(seen?.closed && !seen.active);
  t.is(
    refusal(t, () => seen?.start()),
    CLOSED,
  );
});

test('await using plays out first', async (t) => {
  using device = manual(1);
  const play = async () => {
    await using stream = new OutputStream({ device: device.index, dtype: 'float64', latency: 0.1 }).start();
    await stream.write(counted(1000));
  };
  const done = play();
  await device.advance(100 * PERIOD);
  await done;
  same(t, sounding(device.played()[0]), counted(1000));
});

test('F82 stop plays out everything, also what a write still holds', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, dtype: 'float64' }).start();
  let written = false;
  const write = stream.write(counted(5000)).then((underflowed) => {
    written = !underflowed;
  });
  const stop = stream.stop();
  t.true(stream.active && !stream.stopped);
  t.is(
    refusal(t, () => stream.write(counted(1))),
    STOPPED,
  );
  await device.advance(4000);
  t.true(stream.active);
  await device.advance(4096);
  await Promise.all([write, stop]);
  t.true(written && !stream.active && stream.stopped);
  same(t, device.played()[0]?.subarray(0, 5000), counted(5000));
  t.is(stream.xruns.outputUnderflow, 0);
  await stream.close();
});

test('F81 waiting reads and writes end with the stream', async (t) => {
  using device = manual(1);
  const names = async (...waiting: Promise<unknown>[]) => {
    const ends = await Promise.allSettled(waiting);
    return ends.map((end) => (end.status === 'rejected' ? nameOf(end.reason) : 'fulfilled'));
  };
  const open = () => new Stream({ device: device.index }).start();
  const wait = (stream: Stream) =>
    [stream.read(100), stream.write(new Float32Array(5000)), stream.read(1)] as const;
  let stream = open();
  let waiting = names(...wait(stream));
  stream.abort();
  t.deepEqual(await waiting, [STOPPED, STOPPED, STOPPED]);
  await stream.close();
  stream = open();
  waiting = names(...wait(stream));
  await stream.close();
  t.deepEqual(await waiting, [CLOSED, CLOSED, CLOSED]);
  stream = open();
  waiting = names(...wait(stream));
  stream.closeSync();
  t.deepEqual(await waiting, [CLOSED, CLOSED, CLOSED]);
  stream = open();
  waiting = names(stream.read(100));
  await stream.stop();
  t.deepEqual(await waiting, [STOPPED]);
  await stream.close();
  stream = open();
  stream.on('error', () => {});
  waiting = names(...wait(stream));
  device.inject('lost');
  const lost = 'SoundDeviceError ERR_DEVICE_LOST -9985';
  t.deepEqual(await waiting, [lost, lost, lost]);
  t.deepEqual([stream.active, stream.stopped], [false, false]);
  t.is(nameOf(await t.throwsAsync(stream.finished)), lost);
  stream.start();
  t.true(stream.active);
  await stream.close();
});

test('a signal ends the stream as abort does; reads reject with its reason', async (t) => {
  using device = manual(1);
  const controller = new AbortController();
  const stream = new Stream({ device: device.index, signal: controller.signal }).start();
  stream.on('error', () => t.fail('this is no error'));
  const read = stream.read(100);
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(read), reason);
  await stream.finished;
  t.deepEqual([stream.active, stream.stopped], [false, true]);
  await stream.close();
  t.is(
    t.throws(() => new Stream({ device: device.index, signal: controller.signal })),
    reason,
  );
});

test('iteration gives blocks, the rest when it stops, and ends', async (t) => {
  for (const blockSize of [0, 100]) {
    using device = manual(1);
    device.feed([counted(4 * PERIOD)]);
    const stream = new InputStream({ device: device.index, dtype: 'float64', blockSize }).start();
    const blocks: { data: Float64Array; frames: number; adc: number }[] = [];
    const iterate = async () => {
      for await (const { data, frames, time, status } of stream) {
        blocks.push({ data, frames, adc: time.inputBufferAdcTime });
        t.false(status.any);
        t.is(data.length, frames);
      }
    };
    const iterating = iterate();
    await device.advance(4 * PERIOD);
    await stream.stop();
    await iterating;
    same(t, Float64Array.from(blocks.flatMap(({ data }) => [...data])), counted(4 * PERIOD));
    const sizes = blocks.map(({ frames }) => frames);
    if (blockSize > 0) t.deepEqual(sizes, [...new Array(10).fill(100), 24]);
    let frame = 0;
    for (const { adc, frames } of blocks) {
      t.true(Math.abs(adc - (frame - PERIOD) / RATE) < 1e-9);
      frame += frames;
    }
    await stream.close();
  }
});

test('leaving an iteration does not stop the stream', async (t) => {
  using device = manual(1);
  const stream = new Stream({ device: device.index });
  const iterate = async () => {
    for await (const block of stream) return block.frames;
  };
  stream.start();
  const first = iterate();
  await device.advance(PERIOD);
  t.is(await first, PERIOD);
  t.true(stream.active);
  const second = iterate();
  // Writing beside it.
  await stream.write(new Float32Array(10).fill(0.5));
  await device.advance(2 * PERIOD);
  t.is(await second, PERIOD);
  t.is(sounding(device.played()[0]).length, 10);
  await stream.close();
});

test('an iteration throws when the device is lost', async (t) => {
  using device = manual(1);
  const stream = new InputStream({ device: device.index }).start();
  const iterate = async () => {
    for await (const _ of stream);
  };
  const { finished } = stream;
  const iterating = iterate();
  device.inject('lost');
  t.is(nameOf(await t.throwsAsync(iterating)), 'SoundDeviceError ERR_DEVICE_LOST -9985');
  await t.throwsAsync(finished);
  await stream.close();
});

test('readable and writable', async (t) => {
  using device = manual(1);
  device.feed([counted(3 * PERIOD)]);
  const stream = new Stream({ device: device.index, dtype: 'float64' }).start();
  t.is(stream.readable, stream.readable);
  const heard: number[] = [];
  const read = async () => {
    for await (const data of stream.readable) heard.push(...data);
  };
  const reading = read();
  const writer = stream.writable.getWriter();
  await writer.write(counted(300));
  await device.advance(3 * PERIOD);
  const closing = writer.close();
  await device.advance(PERIOD);
  await Promise.all([closing, reading]);
  t.true(stream.closed);
  same(t, heard.slice(0, 3 * PERIOD), counted(3 * PERIOD));
  same(t, sounding(device.played()[0]), counted(300));
});

test('Node streams: finish comes when the last frame has been played', async (t) => {
  using device = manual(1);
  const bytes = Buffer.from(counted(3000).buffer);
  // Chunks that end within frames.
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += 1001) yield bytes.subarray(at, at + 1001);
  }
  let over = false;
  const writable = createWriteStream({ device: device.index, dtype: 'float64' });
  const done = pipeline(chunks(), writable).then(() => {
    over = true;
  });
  await until(() => writable.writableLength > 0 || writable.writableNeedDrain);
  for (let periods = 0; periods < 11; periods++) await device.advance(PERIOD);
  t.false(over);
  await device.advance(4 * PERIOD);
  await done;
  same(t, sounding(device.played()[0]), counted(3000));

  device.feed([counted(1000)]);
  const readable = createReadStream({ device: device.index, dtype: 'float64' });
  const heard: Buffer[] = [];
  readable.on('data', (chunk: Buffer) => heard.push(chunk));
  // It starts when it is read, a tick later.
  await new Promise((resolve) => setTimeout(resolve));
  await device.advance(4 * PERIOD);
  await until(() => Buffer.concat(heard).length === 4 * PERIOD * 8);
  const samples = Buffer.concat(heard);
  same(t, new Float64Array(samples.buffer, samples.byteOffset, 1000), counted(1000));
  readable.destroy();
  await until(() => readable.closed);
  t.throws(() => createReadStream({ callback() {} } as never));
});
