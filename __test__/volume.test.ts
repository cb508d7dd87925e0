import test from 'ava';
import { InputStream, OutputStream, Stream } from 'sounddevice';
import { manual, refusal, same } from './helper.js';

const RAMP = 960;
/** The factor of the frame so many frames after a change. */
const moving = (from: number, to: number, frame: number) =>
  frame + 1 >= RAMP ? to : from + ((to - from) * (frame + 1)) / RAMP;

test('the volume of a stream moves in a straight line of 20 ms, sample for sample', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, callback: (out) => void out.fill(0.5) });
  t.is(stream.volume, 1);
  stream.volume = 0.25;
  stream.start();
  await device.advance(512);
  same(t, device.played()[0], new Float64Array(512).fill(0.125), 'as it was set before the start');
  stream.volume = 1;
  t.is(stream.volume, 1);
  await device.advance(1280);
  same(
    t,
    device.played()[0],
    Array.from({ length: 1280 }, (_, n) => 0.5 * moving(0.25, 1, n)),
  );
  await stream.close();
});

test('only outputs have a volume, from 0 up', (t) => {
  using device = manual(1);
  using input = new InputStream({ device: device.index });
  t.is(input.volume, 1);
  t.is(
    refusal(t, () => {
      input.volume = 0.5;
    }),
    'SoundDeviceError ERR_NOT_SUPPORTED',
  );
  using both = new Stream({ device: device.index });
  for (const volume of [-0.1, Number.NaN, Infinity, -Infinity]) {
    const set = () => {
      both.volume = volume;
    };
    t.is(refusal(t, set), 'RangeError ERR_OUT_OF_RANGE');
    t.throws(set, { message: `volume must be finite and at least 0, got ${volume}` });
  }
  t.is(
    refusal(t, () => {
      both.volume = '1' as never;
    }),
    'TypeError ERR_INVALID_ARG_TYPE',
  );
  t.is(both.volume, 1);
});

test('a closed stream keeps the volume that it had and takes no other', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index });
  stream.volume = 0.5;
  const set = (volume: unknown) => () => {
    stream.volume = volume as number;
  };
  await stream.close();
  t.is(refusal(t, set(0.25)), 'SoundDeviceError ERR_STREAM_CLOSED -9988');
  // Wrong is wrong before it is looked where it goes.
  t.is(refusal(t, set(-1)), 'RangeError ERR_OUT_OF_RANGE');
  t.is(refusal(t, set('1')), 'TypeError ERR_INVALID_ARG_TYPE');
  t.is(stream.volume, 0.5);
});
