import { EventEmitter } from 'node:events';
import test from 'ava';
import {
  InputStream,
  OutputStream,
  RawInputStream,
  RawOutputStream,
  RawStream,
  Stream,
  type StreamEvents,
} from 'sounddevice';
import { manual, nameOf, ramp, refusal, same, until } from './helper.js';

const COUNT = new URL('./processors/count.js', import.meta.url);
const counted = (frames: number, first = 1) =>
  Float64Array.from({ length: frames }, (_, n) => (n + first) / 65536);
/** The next event of a kind. */
const heard = (stream: EventEmitter<StreamEvents>) =>
  new Promise<unknown>((resolve) => EventEmitter.prototype.once.call(stream, 'message', resolve));

for (const [handoff, late] of [
  ['auto', 0],
  ['sync', 0],
  ['pipelined', 1],
] as const) {
  for (const blockSize of [0, 100, 256, 1000]) {
    test(`${handoff}, blocks of ${blockSize}: every frame is played, ${late} blocks late`, async (t) => {
      using device = manual(1);
      const stream = new OutputStream({
        device: device.index,
        dtype: 'float64',
        blockSize,
        processor: COUNT,
        handoff,
      }).start();
      await stream.ready;
      await device.advance(4096);
      const delay = late * (blockSize || 256);
      const [played] = device.played();
      same(t, played?.subarray(0, delay), new Float64Array(delay));
      same(t, played?.subarray(delay), counted(4096 - delay));
      t.is(Math.round(stream.latency * 48000), delay);
      t.deepEqual(
        { ...stream.xruns },
        { inputOverflow: 0, inputUnderflow: 0, outputUnderflow: 0, outputOverflow: 0 },
      );
      await stream.close();
    });
  }
}

test('it is silent until the module runs, and that is no underflow', async (t) => {
  using device = manual(1);
  const go = new Int32Array(new SharedArrayBuffer(4));
  const stream = new OutputStream({
    device: device.index,
    processor: ({ options }) => {
      Atomics.wait(options as Int32Array, 0, 0);
      return (output) => {
        output.fill(0.5);
      };
    },
    processorOptions: go,
  });
  stream.start();
  await device.advance(1024);
  same(t, device.played()[0], new Float64Array(1024));
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  await stream.ready;
  await device.advance(256);
  same(t, device.played()[0], new Float64Array(256).fill(0.5));
  t.is(stream.xruns.outputUnderflow, 0);
  await stream.close();
});

test('the context says what the stream is, of each class', async (t) => {
  using device = manual(3);
  const tell = ({ port, ...told }: { port: { postMessage(value: unknown): void } }) => {
    port.postMessage(told);
    return () => {};
  };
  const common = {
    device: device.index,
    blockSize: 64,
    processor: tell,
    processorOptions: { a: [1n, new Date(0)] },
  };
  const both = { channels: [3, 2], dtype: ['int16', 'int24'] } as const;
  const told = { options: { a: [1n, new Date(0)] }, sampleRate: 48000, blockSize: 64 };
  type Any = { start(): unknown; close(): Promise<void> } & EventEmitter<StreamEvents>;
  const open: [() => Any | Promise<Any>, object][] = [
    [() => new Stream({ ...common, ...both }), both],
    [() => new RawStream({ ...common, ...both }), both],
    [() => new InputStream({ ...common, channels: 2, dtype: 'int8' }), { channels: 2, dtype: 'int8' }],
    [() => new RawInputStream({ ...common, channels: 2, dtype: 'int8' }), { channels: 2, dtype: 'int8' }],
    [() => new OutputStream({ ...common, channels: 1, dtype: 'uint8' }), { channels: 1, dtype: 'uint8' }],
    [() => new RawOutputStream({ ...common, dtype: 'uint8' }), { channels: 3, dtype: 'uint8' }],
    [() => Stream.open({ ...common, ...both }), both],
  ];
  for (const [make, own] of open) {
    const stream = await make();
    // A stream that runs holds the process meanwhile.
    stream.start();
    t.deepEqual(await heard(stream), { ...told, ...own });
    await stream.close();
  }
});

test('a duplex processor hears and plays; blocks are as in a callback', async (t) => {
  using device = manual(2);
  const input = [ramp(1024), ramp(1024, 100)];
  device.feed(input);
  const stream = new Stream({
    device: device.index,
    dtype: ['float64', 'float32'],
    blockSize: 128,
    processor: ({ port }) => {
      const times = new Set();
      const flags = new Set();
      let calls = 0;
      return (heard: Float64Array, played: Float32Array, frames, time, status) => {
        times.add(time);
        flags.add(status);
        played.set(heard);
        if (++calls === 8) {
          const { inputBufferAdcTime: adc, currentTime: now, outputBufferDacTime: dac } = time;
          const shared = heard.buffer instanceof SharedArrayBuffer;
          port.postMessage([
            times.size,
            flags.size,
            frames,
            String(status),
            adc <= now && now <= dac,
            shared,
          ]);
        }
      };
    },
  }).start();
  await stream.ready;
  const told = heard(stream);
  await device.advance(1024);
  const played = device.played();
  same(t, played[0], Float64Array.from(input[0] as Float32Array));
  same(t, played[1], Float64Array.from(input[1] as Float32Array));
  t.deepEqual(await told, [1, 1, 128, '', true, true]);
  await stream.close();
});

test('raw processors get buffers, input processors hear', async (t) => {
  using device = manual(1);
  device.feed([new Float64Array(256).fill(0.5)]);
  const stream = new RawInputStream({
    device: device.index,
    dtype: 'int24',
    processor:
      ({ port }) =>
      (input, frames) => {
        port.postMessage([Buffer.isBuffer(input), input.length, frames, [...input.subarray(0, 6)]]);
      },
  }).start();
  await stream.ready;
  const told = heard(stream);
  await device.advance(256);
  t.deepEqual(await told, [true, 768, 256, [0, 0, 64, 0, 0, 64]]);
  await stream.close();
});

test('messages go both ways; one that was posted before a block is heard before it', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, dtype: 'float64', processor: COUNT });
  await stream.ready;
  stream.postMessage('before the start');
  stream.start();
  const messages: unknown[] = [];
  stream.on('message', (value) => messages.push(value));
  const bytes = Uint8Array.of(1, 2, 3).buffer;
  stream.postMessage({ bytes }, [bytes]);
  t.is(bytes.byteLength, 0);
  await device.advance(256);
  stream.postMessage(1000);
  await device.advance(256);
  const [played] = device.played();
  same(t, played?.subarray(0, 256), counted(256));
  same(t, played?.subarray(256), counted(256, 1001));
  await until(() => messages.length === 3);
  t.deepEqual((messages[0] as { blockSize: number }).blockSize, 256);
  t.deepEqual(messages[1], { back: 'before the start' });
  t.deepEqual(messages[2], { back: { bytes: Uint8Array.of(1, 2, 3).buffer } });
  for (const [value, transfer] of [
    [() => {}, []],
    [1, [1]],
  ] as const) {
    const error = t.throws<TypeError>(() => stream.postMessage(value, transfer as never));
    t.is(nameOf(error), 'TypeError ERR_INVALID_ARG_TYPE');
    t.true(error?.cause instanceof Error);
  }
  await stream.close();
  t.is(
    refusal(t, () => stream.postMessage(1)),
    'SoundDeviceError ERR_STREAM_CLOSED -9988',
  );
});

test('what is posted while the module starts waits for who listens when it is ready, in order', async (t) => {
  using device = manual(1);
  const messages: unknown[] = [];
  const stream = new OutputStream({
    device: device.index,
    processor: ({ port }) => {
      for (let n = 0; n < 3; n++) port.postMessage(n);
      const wait = new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(wait, 0, 0, 200);
      port.postMessage(3);
      return () => {};
    },
  });
  await stream.ready;
  stream.on('message', (value) => messages.push(value));
  await until(() => messages.length === 4);
  t.deepEqual(messages, [0, 1, 2, 3]);
  await stream.close();
});

test('without a processor there is nobody to post to', (t) => {
  using device = manual(1);
  using stream = new OutputStream({ device: device.index, callback: () => {} });
  t.is(
    refusal(t, () => stream.postMessage(1)),
    'SoundDeviceError ERR_NOT_SUPPORTED',
  );
});

test('shared memory in the options is shared', async (t) => {
  using device = manual(1);
  const level = new Float64Array(new SharedArrayBuffer(8));
  const stream = new OutputStream<'float64'>({
    device: device.index,
    dtype: 'float64',
    processor: ({ options }) => {
      const [shared] = options as [Float64Array];
      return (output) => {
        output.fill(shared[0] as number);
      };
    },
    processorOptions: [level],
  }).start();
  await stream.ready;
  for (const wanted of [0.25, 0.5]) {
    level[0] = wanted;
    await device.advance(256);
    same(t, device.played()[0], new Float64Array(256).fill(wanted));
  }
  await stream.close();
});

test('runs follow each other: the callback goes on where it was', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, dtype: 'float64', processor: COUNT });
  await stream.ready;
  for (let run = 0; run < 3; run++) {
    stream.start();
    await device.advance(512);
    const stopped = stream.stop();
    await device.advance(512);
    await stopped;
    same(t, device.played()[0]?.subarray(0, 512), counted(512, 1 + 512 * run));
    device.played();
  }
  await stream.close();
});

test('what a pipelined processor has made is played out', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({
    device: device.index,
    dtype: 'float64',
    processor: COUNT,
    handoff: 'pipelined',
  }).start();
  await stream.ready;
  await device.advance(512);
  const stopped = stream.stop();
  await device.advance(1024);
  await stopped;
  same(t, device.played()[0]?.subarray(256, 768), counted(512));
  await stream.close();
});

test('flags of the device reach the processor and the listener', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({
    device: device.index,
    processor:
      ({ port }) =>
      (_output, _frames, _time, status) => {
        if (status.any) port.postMessage(String(status));
      },
  }).start();
  await stream.ready;
  const told = [
    heard(stream),
    new Promise((resolve) => stream.once('xrun', (status) => resolve(String(status)))),
  ];
  device.inject('output-underflow');
  await device.advance(512);
  t.deepEqual(await Promise.all(told), ['output underflow', 'output underflow']);
  t.is(stream.xruns.outputUnderflow, 1);
  await stream.close();
});
