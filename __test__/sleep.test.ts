import test from 'ava';
import { play, sleep, sleepSync } from 'sounddevice';
import { manual, refusal } from './helper.js';

test('sleep never wakes early, and takes fractions', async (t) => {
  const start = performance.now();
  await sleep(20.5);
  t.true(performance.now() - start >= 20.5);
});

test('sleepSync blocks the thread meanwhile', (t) => {
  let fired = false;
  setTimeout(() => {
    fired = true;
  }, 0);
  const start = performance.now();
  sleepSync(20);
  t.true(performance.now() - start >= 20);
  t.false(fired);
});

test('nothing, and less, is no time', async (t) => {
  t.is(await sleep(0), undefined);
  t.is(await sleep(-5), undefined);
  t.is(sleepSync(-5), undefined);
});

test('only finite numbers are times', (t) => {
  for (const call of [sleep, sleepSync] as ((time: never) => unknown)[]) {
    for (const time of ['1', undefined, null, {}, 1n]) {
      t.is(
        refusal(t, () => call(time as never)),
        'TypeError ERR_INVALID_ARG_TYPE',
      );
    }
    for (const time of [NaN, Infinity, -Infinity]) {
      t.is(
        refusal(t, () => call(time as never)),
        'RangeError ERR_INVALID_ARG_VALUE',
      );
    }
  }
});

test.serial('a job goes on while somebody sleeps', async (t) => {
  using device = manual(1);
  const job = play(new Float32Array(100), { device: device.index });
  const slept = sleep(1);
  await device.advance(256);
  await job;
  t.is(await slept, undefined);
});
