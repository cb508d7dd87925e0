import { EventEmitter } from 'node:events';
import test from 'ava';
import { OutputStream, type StreamEvents, virtual } from 'sounddevice';
import { manual, until } from './helper.js';

const COUNT = new URL('./processors/count.js', import.meta.url);
/** The next event of a kind. */
const heard = (stream: EventEmitter<StreamEvents>) =>
  new Promise<unknown>((resolve) => EventEmitter.prototype.once.call(stream, 'message', resolve));

test('a callback that loops for ever: close() comes back, and time goes on', async (t) => {
  const forever = () => () => {
    for (;;);
  };
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, processor: forever }).start();
  await stream.ready;
  const advanced = device.advance(512);
  await stream.close();
  await advanced;

  using real = virtual.createDevice({ inputs: 1, outputs: 1 });
  const other = new OutputStream({ device: real.index, processor: forever, handoff: 'sync' }).start();
  await other.ready;
  await until(() => other.xruns.outputUnderflow > 20);
  t.true(other.active);
  await other.close();
  t.true(real.played()[0]?.every((sample) => sample === 0));
});

test('late answers are silence, flagged once they are known, and the latency stays', async (t) => {
  for (const handoff of ['sync', 'pipelined'] as const) {
    using device = virtual.createDevice({ inputs: 1, outputs: 1 });
    const hold = new Int32Array(new SharedArrayBuffer(8));
    const stream = new OutputStream<'float64'>({
      device: device.index,
      dtype: 'float64',
      handoff,
      processor: ({ options, port }) => {
        const shared = options as Int32Array;
        let block = 0;
        return (output, _frames, _time, status) => {
          if (status.outputUnderflow) port.postMessage('late');
          output.fill(++block / 65536);
          while (Atomics.load(shared, 0) === 1) Atomics.store(shared, 1, 1);
        };
      },
      processorOptions: hold,
    }).start();
    const told = heard(stream);
    await stream.ready;
    await until(() => stream.time > 0);
    Atomics.store(hold, 0, 1);
    await until(() => stream.xruns.outputUnderflow > 3);
    Atomics.store(hold, 0, 0);
    t.is(await told, 'late');
    await stream.close();
    // Blocks ascend: what was late is never played.
    const [played] = device.played();
    const blocks = Array.from(played ?? []).filter((sample, n) => n % 256 === 0 && sample > 0);
    t.true(blocks.every((sample, n) => n === 0 || sample > (blocks[n - 1] as number)));
  }
});

test('real time is told where it was granted', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, processor: COUNT });
  await stream.ready;
  t.is(typeof stream.realtime, 'boolean');
  await stream.close();
  t.is(typeof stream.realtime, 'boolean');
});
