import test, { type ExecutionContext } from 'ava';
import {
  ABORT,
  CallbackAbort,
  CallbackStop,
  COMPLETE,
  CONTINUE,
  InputStream,
  OutputStream,
  RawStream,
  Stream,
  type VirtualDevice,
  virtual,
} from 'sounddevice';
import { manual, nameOf, RATE, same, until } from './helper.js';

const BLOCKS = [1, 2, 7, 16, 100, 1000, 4096];
const PERIODS = [1, 64, 441, 512];

/** Samples that no other frame has; never 0. */
const counted = (frames: number, from = 0) =>
  Float64Array.from({ length: frames }, (_, n) => (n + from + 1) / 1048576);
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

for (const period of PERIODS) {
  test(`a wire over periods of ${period} is exact, as late as theory says`, async (t) => {
    for (const block of period === 1 ? BLOCKS.filter((frames) => frames > 1) : BLOCKS) {
      using device = manual(1, { period });
      const frames = Math.ceil((2 * block + 1500) / period) * period;
      const sent = counted(frames);
      device.feed([sent]);
      const calls: number[] = [];
      const stream = new Stream({
        device: device.index,
        dtype: 'float64',
        blockSize: block,
        callback(input, output, count, _time, status) {
          output.set(input);
          calls.push(count, input.length, output.length, status.valueOf());
        },
      }).start();
      await device.advance(frames);
      const [played] = device.played();
      const delay = period % block === 0 ? 0 : block - gcd(block, period);
      same(t, played?.subarray(0, delay), new Float64Array(delay), `${block}`);
      same(t, played?.subarray(delay), sent.subarray(0, frames - delay), `${block}`);
      t.is(calls.length, 4 * Math.floor(frames / block));
      t.true(calls.every((value, index) => value === (index % 4 === 3 ? 0 : block)));
      const [input, output] = stream.latency;
      t.true(Math.abs((input + output) * RATE - period - block + gcd(block, period)) < 1e-6, `${block}`);
      await stream.close();
    }
  });
}

test('F85 blocks have the dtypes, channels and frames that were asked for', async (t) => {
  using device = manual(3);
  const seen: unknown[] = [];
  const stream = new Stream({
    device: device.index,
    dtype: ['int16', 'int24'],
    channels: [3, 2],
    blockSize: 64,
    callback(input, output, frames, time, status) {
      seen.push(input.constructor, input.length, output.constructor, output.length, frames);
      t.true(types(time) && !status.any);
    },
  }).start();
  t.deepEqual(stream.dtype, ['int16', 'int24']);
  t.deepEqual(stream.channels, [3, 2]);
  t.deepEqual(stream.sampleSize, [2, 3]);
  await device.advance(256);
  t.deepEqual(seen.slice(0, 5), [Int16Array, 192, Uint8Array, 384, 64]);
  t.is(seen.length, 20);
  await stream.close();
});

const types = (time: object) =>
  ['inputBufferAdcTime', 'currentTime', 'outputBufferDacTime'].every(
    (name) => typeof time[name as never] === 'number',
  );

test('the same time, status and memory come again', async (t) => {
  using device = manual(1);
  const times = new Set();
  const flags = new Set();
  const memory = new Set<unknown>();
  const stream = new OutputStream({
    device: device.index,
    callback(output, _frames, time, status) {
      t.true(
        output.every((sample) => sample === 0),
        'silent at first',
      );
      output.fill(0.5);
      times.add(time);
      flags.add(status);
      memory.add(output.buffer);
    },
  }).start();
  await device.advance(20 * 256);
  t.deepEqual([times.size, flags.size, memory.size], [1, 1, 1]);
  t.true([...memory].every((buffer) => buffer instanceof SharedArrayBuffer));
  await stream.close();
});

test('F86 times ascend, ADC <= current <= DAC, and DAC - ADC is the round trip', async (t) => {
  using device = manual(1, { period: 100 });
  const times: number[][] = [];
  const stream = new Stream({
    device: device.index,
    latency: 0.05,
    blockSize: 64,
    callback(_i, _o, _frames, time) {
      times.push([time.inputBufferAdcTime, time.currentTime, time.outputBufferDacTime]);
    },
  }).start();
  await device.advance(2000);
  const [input, output] = stream.latency;
  for (const [index, [adc = 0, now = 0, dac = 0]] of times.entries()) {
    t.true(adc <= now && now <= dac, `${index}`);
    t.true(Math.abs(dac - adc - input - output) < 1e-9, `${index}: ${dac - adc}, ${input + output}`);
    t.true(Math.abs(adc - (64 * index - 100) / RATE) < 1e-9);
  }
  t.is(times.length, 31);
  await stream.close();
});

test('raw callbacks get buffers', async (t) => {
  using device = manual(2);
  device.feed([new Float64Array(256).fill(0.5), new Float64Array(256).fill(-1)]);
  const heard: number[][] = [];
  const stream = new RawStream({
    device: device.index,
    dtype: ['int24', 'uint8'],
    callback(input, output, frames) {
      t.true(Buffer.isBuffer(input) && Buffer.isBuffer(output));
      t.deepEqual([input.length, output.length, frames], [256 * 6, 512, 256]);
      t.true(output.every((byte) => byte === 128));
      heard.push([...input.subarray(0, 6)]);
      output.fill(192);
    },
  }).start();
  await device.advance(256);
  t.deepEqual(heard, [[0, 0, 0x40, 0, 0, 0x80]]);
  same(t, device.played()[1], new Float64Array(256).fill(0.5));
  await stream.close();
});

const FAULTS = {
  'input-underflow': 'input underflow',
  'input-overflow': 'input overflow',
  'output-underflow': 'output underflow',
  'output-overflow': 'output overflow',
} as const;

for (const neverDropInput of [false, true]) {
  test(`every fault is one flag at the right callback, neverDropInput ${neverDropInput}`, async (t) => {
    using device = manual(1);
    let statuses: string[] = [];
    const events: string[] = [];
    const stream = new Stream({
      device: device.index,
      neverDropInput,
      callback(_i, _o, _frames, _time, status) {
        statuses.push(`${status}`);
      },
    }).start();
    stream.on('xrun', (status) => events.push(`${status}`));
    for (const [fault, text] of Object.entries(FAULTS)) {
      const told = fault === 'output-overflow' && !neverDropInput ? '' : text;
      await device.advance(512);
      statuses = [];
      device.inject(fault as keyof typeof FAULTS);
      await device.advance(512);
      t.deepEqual(statuses, [told, '']);
    }
    const all = Object.values(FAULTS).filter((text) => neverDropInput || text !== 'output overflow');
    t.deepEqual(events, all);
    const { outputOverflow, ...others } = stream.xruns;
    t.deepEqual(others, { inputOverflow: 1, inputUnderflow: 1, outputUnderflow: 1 });
    t.is(outputOverflow, neverDropInput ? 1 : 0);
    await stream.close();
  });
}

test('priming calls come before the first input, flagged and with silence', async (t) => {
  using device = manual(1);
  device.feed([new Float64Array(8192).fill(0.5)]);
  const calls: [boolean, number][] = [];
  let made = 0;
  const stream = new Stream({
    device: device.index,
    dtype: 'float64',
    latency: 0.05,
    blockSize: 100,
    primeOutputBuffersUsingStreamCallback: true,
    callback(input, output, frames, _time, status) {
      t.throws(() => Object.assign(status, { primingOutput: false }));
      calls.push([status.primingOutput, input[0] as number]);
      output.set(counted(frames, made));
      made += frames;
    },
  }).start();
  await device.advance(16 * 256);
  const primed = calls.filter(([priming]) => priming).length;
  // 0.05 s are 9.375 periods, 8 of them before the first frame, and 96 frames for blocks of 100.
  t.is(primed, Math.floor((8 * 256 + 96) / 100));
  t.true(calls.every(([priming, input]) => input === (priming ? 0 : 0.5)));
  const [played] = device.played();
  const silent = (8 * 256 + 96) % 100;
  same(t, played?.subarray(silent), counted(16 * 256 - silent));
  await stream.close();
});

/** What the fifth call does, what is heard of it, and what becomes of the stream. */
const ENDS: [string, () => unknown, blocks: number][] = [
  [
    'CallbackStop',
    () => {
      throw new CallbackStop();
    },
    5,
  ],
  ['COMPLETE', () => COMPLETE, 5],
  [
    'CallbackAbort',
    () => {
      throw new CallbackAbort();
    },
    4,
  ],
  ['ABORT', () => ABORT, 4],
];

const DROPS: Record<string, (stream: OutputStream<'float64'>, controller: AbortController) => unknown> = {
  'abort()': (stream) => stream.abort(),
  'close()': (stream) => void stream.close(),
  'closeSync()': (stream) => stream.closeSync(),
  'its signal': (_, controller) => controller.abort(),
};
for (const [name, end] of Object.entries(DROPS)) {
  test(`${name} inside the callback drops the block that it is making, each time`, async (t) => {
    for (let turn = 0; turn < 20; turn++) {
      using device = manual(1);
      const controller = new AbortController();
      const seen: number[] = [];
      const stream = new OutputStream({
        device: device.index,
        dtype: 'float64',
        signal: controller.signal,
        callback(output) {
          seen.push(...(device.played()[0] ?? []));
          output.fill(calls++ / 1024);
          if (calls === 5) end(stream, controller);
        },
      });
      let calls = 0;
      const { finished } = stream.start();
      await device.advance(8 * 256);
      await finished;
      seen.push(...(device.played()[0] ?? []));
      t.is(calls, 5);
      t.false(seen.includes(4 / 1024), `turn ${turn}`);
      await stream.close();
    }
  });
}

for (const [name, act, blocks] of ENDS) {
  test(`F84 ${name} at the fifth call ends the stream, and it starts again without stop`, async (t) => {
    using device = manual(1);
    let calls = 0;
    let finished = 0;
    const stream = new OutputStream({
      device: device.index,
      dtype: 'float64',
      callback(output) {
        calls += 1;
        output.fill(calls / 1024);
        return (calls % 5 === 0 ? act() : CONTINUE) as never;
      },
      finishedCallback: () => {
        finished += 1;
      },
    });
    stream.on('error', () => t.fail('this is no error'));
    for (const run of [1, 2]) {
      stream.start();
      await device.advance(20 * 256);
      await stream.finished;
      t.deepEqual([calls, finished, stream.active, stream.stopped], [5 * run, run, false, false]);
      const heard = Array.from(
        { length: blocks * 256 },
        (_, n) => (5 * run - 4 + Math.floor(n / 256)) / 1024,
      );
      const [played] = device.played();
      same(
        t,
        played?.filter((sample) => sample !== 0),
        heard,
        name,
      );
    }
    await stream.stop();
    t.true(stream.stopped);
    await stream.close();
  });
}

test('what is returned otherwise is ignored', async (t) => {
  using device = manual(1);
  let calls = 0;
  const stream = new OutputStream({
    device: device.index,
    callback: (() => [3, 'stop', true, null, {}, -1, 1.5][calls++]) as never,
  }).start();
  await device.advance(20 * 256);
  t.is(calls, 20);
  await stream.close();
});

const FAILURES: [string, unknown][] = [
  ['an error', new RangeError('on purpose')],
  ['something else', 'a string'],
];
for (const [name, thrown] of FAILURES) {
  test(`F83 ${name} that is thrown ends the stream, is told once, and it starts again`, async (t) => {
    using device = manual(1);
    let calls = 0;
    const told: string[] = [];
    const stream = new Stream({
      device: device.index,
      callback() {
        calls += 1;
        throw thrown;
      },
      finishedCallback: () => told.push('finishedCallback'),
    });
    stream.on('error', (error) => told.push(nameOf(error)));
    stream.on('finished', () => told.push('finished'));
    for (const run of [1, 2]) {
      stream.start();
      const { finished } = stream;
      finished.catch(() => told.push('rejected'));
      await device.advance(10 * 256);
      const error = await t.throwsAsync(finished);
      t.is(nameOf(error), 'SoundDeviceError ERR_CALLBACK_FAILED');
      t.is(error?.cause, thrown);
      t.deepEqual([calls, stream.active, stream.stopped], [run, false, false]);
      t.deepEqual(told.splice(0), [
        'SoundDeviceError ERR_CALLBACK_FAILED',
        'finished',
        'finishedCallback',
        'rejected',
      ]);
    }
    await stream.close();
  });
}

test('a promise that is returned ends the stream with a TypeError', async (t) => {
  using device = manual(1);
  const stream = new InputStream({
    device: device.index,
    callback: (async () => {
      throw new Error('nobody waits for this');
    }) as never,
  }).start();
  const { finished } = stream;
  await device.advance(512);
  t.is(nameOf(await t.throwsAsync(finished, { any: true } as never)), 'TypeError ERR_INVALID_ARG_TYPE');
  await stream.close();
});

test.serial('F83 an error that nobody hears is one process warning', async (t) => {
  using device = manual(1);
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  process.on('warning', hear);
  const stream = new InputStream({
    device: device.index,
    callback() {
      throw new Error('nobody hears this');
    },
  }).start();
  await device.advance(512);
  await until(() => warnings.length > 0);
  process.off('warning', hear);
  t.deepEqual(
    warnings.map((warning) => warning.message),
    ['The callback failed: nobody hears this'],
  );
  await stream.close();
});

test('F88 finishedCallback is called for every end, also without callback; its exception is only reported', async (t) => {
  using device = manual(1);
  const ends: [string, (stream: OutputStream, of: VirtualDevice) => unknown][] = [
    ['stop', (stream) => stream.stop()],
    ['stopSync', (stream) => stream.stopSync()],
    ['abort', (stream) => stream.abort()],
    ['close', (stream) => stream.close()],
    ['closeSync', (stream) => stream.closeSync()],
    ['lost', (_, of) => of.inject('lost')],
  ];
  for (const callback of [undefined, () => {}]) {
    for (const [name, end] of ends) {
      let called = 0;
      const stream = new OutputStream({
        device: device.index,
        ...(callback ? { callback } : {}),
        finishedCallback() {
          called += 1;
          throw new Error(`${name}: only a warning`);
        },
      } as never);
      stream.on('error', () => {});
      stream.start();
      await device.advance(256);
      await end(stream, device);
      await stream.finished.catch(() => {});
      await stream.close();
      t.is(called, 1, name);
    }
  }
});

test('methods are legal inside the callback', async (t) => {
  for (const [name, act] of [
    ['stop', (stream: Stream) => stream.stop()],
    ['abort', (stream: Stream) => stream.abort()],
    ['close', (stream: Stream) => stream.close()],
    ['closeSync', (stream: Stream) => stream.closeSync()],
    ['start', (stream: Stream) => stream.start()],
  ] as const) {
    using device = manual(1);
    let calls = 0;
    const stream: Stream = new Stream({
      device: device.index,
      callback() {
        calls += 1;
        t.true(stream.time >= 0 && stream.latency.length === 2 && stream.cpuLoad >= 0);
        device.inject('input-overflow');
        if (calls === 3) act(stream);
      },
    }).start();
    await device.advance(10 * 256);
    t.is(calls, name === 'start' ? 10 : 3, name);
    t.is(stream.active, name === 'start', name);
    if (name !== 'start') await stream.finished;
    await stream.close();
  }
});

async function deadlock(t: ExecutionContext, act: (stream: Stream, device: VirtualDevice) => unknown) {
  using device = manual(1);
  const stream: Stream = new Stream({
    device: device.index,
    callback: () => act(stream, device) as never,
  }).start();
  const { finished } = stream;
  await device.advance(256);
  const error = await t.throwsAsync(finished);
  t.is(nameOf(error?.cause), 'SoundDeviceError ERR_WOULD_DEADLOCK');
  await stream.close();
}

test('advance inside a callback throws', deadlock, (_: Stream, device: VirtualDevice) => device.advance(1));
test('stopSync inside a callback on a manual clock throws', deadlock, (stream: Stream) => stream.stopSync());

test('what a callback throws may be something without a text', async (t) => {
  using device = manual(1);
  const thrown = Object.create(null);
  const stream = new OutputStream({
    device: device.index,
    callback: () => {
      throw thrown;
    },
  }).start();
  const { finished } = stream;
  await device.advance(256);
  const error = await t.throwsAsync(finished, { message: /object without a text/ });
  t.true((error as Error & { cause: unknown }).cause === thrown);
  await stream.close();
});

test('latency before the start is what is measured, blocks made ahead and reblocking included', async (t) => {
  for (const blockSize of [0, 100, 1000]) {
    for (const latency of ['low', 'high', 0.2] as const) {
      using device = virtual.createDevice();
      const options = { device: device.index, channels: 1, blockSize, latency };
      const callback = () => {};
      const streams = [
        new InputStream({ ...options, callback }),
        new OutputStream({ ...options, callback }),
        new Stream({ ...options, callback }),
        new OutputStream({ ...options, processor: () => () => {}, handoff: 'pipelined' }),
      ];
      for (const stream of streams) {
        await stream.ready;
        const frames = () => [stream.latency].flat().map((seconds) => Math.round(seconds * RATE));
        const estimate = frames();
        stream.start();
        t.deepEqual(frames(), estimate);
        await until(() => stream.cpuLoad > 0); // the first period is over
        t.deepEqual(frames(), estimate, `${blockSize}, ${latency}`);
        stream.abort();
        await stream.close();
      }
    }
  }
});

test('a last block that comes too late ends the stream all the same', async (t) => {
  using device = virtual.createDevice({ inputs: 1, outputs: 1 });
  for (const act of [
    () => COMPLETE,
    () => {
      throw new CallbackStop();
    },
  ]) {
    let calls = 0;
    const stream = new Stream({
      device: device.index,
      callback() {
        calls += 1;
        if (calls < 20) return CONTINUE;
        // Longer than all that is made ahead.
        const end = Date.now() + 300;
        while (Date.now() < end);
        return act() as never;
      },
    }).start();
    await stream.finished;
    t.deepEqual([calls, stream.active], [20, false]);
    await stream.close();
  }
});
