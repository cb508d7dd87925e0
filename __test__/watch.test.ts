import test from 'ava';
import { type DeviceEvent, queryDevices, virtual, watchDevices } from 'sounddevice';
import { until } from './helper.js';

const ours = ({ device }: DeviceEvent) => device?.name.startsWith('Watched') ?? false;

test.serial('a device that comes and goes is told by events, and the list agrees', async (t) => {
  using watcher = watchDevices();
  const seen: string[] = [];
  watcher.on('change', (event) => {
    if (!ours(event)) return;
    const listed = [...queryDevices()].some(({ id }) => id === event.device?.id);
    seen.push(`${event.type} ${event.device?.name} ${listed}`);
  });
  const device = virtual.createDevice({ name: 'Watched one' });
  await until(() => seen.length === 1);
  device.remove();
  await until(() => seen.length === 2);
  t.deepEqual(seen, ['added Watched one true', 'removed Watched one false']);
});

test.serial('events are iterated from the moment the iteration is made, to the close', async (t) => {
  const watcher = watchDevices();
  const events = watcher[Symbol.asyncIterator]();
  const device = virtual.createDevice({ name: 'Watched two' });
  const next = async () => {
    for (;;) {
      const { value, done } = await events.next();
      if (done || ours(value)) return value;
    }
  };
  const added = (await next()) as DeviceEvent;
  t.is(added.type, 'added');
  t.is(added.device?.index, device.index);
  t.true(Object.isFrozen(added.device));
  device.remove();
  t.is(((await next()) as DeviceEvent).type, 'removed');
  const waiting = next();
  watcher.close();
  t.is(await waiting, undefined);
  t.is(await next(), undefined);
  for await (const _ of watcher) t.fail('nothing comes after the close');
  watcher.close();
});

test.serial('an iteration that is left takes nothing with it', async (t) => {
  const watcher = watchDevices();
  const device = virtual.createDevice({ name: 'Watched three' });
  for await (const event of watcher) if (ours(event)) break;
  let seen = 0;
  watcher.on('change', (event) => {
    seen += Number(ours(event));
  });
  device.remove();
  await until(() => seen === 1);
  watcher.close();
  t.pass();
});

test.serial('those who wait for the next event together get one each, in their order', async (t) => {
  const watcher = watchDevices();
  const events = watcher[Symbol.asyncIterator]();
  const waiting = Array.from({ length: 4 }, () => events.next());
  const [first, second] = [1, 2].map((number) =>
    virtual.createDevice({ name: `Watched together ${number}` }),
  );
  const told = async (from: number, to: number) => {
    const results = await Promise.all(waiting.slice(from, to));
    return results.map(({ value }) => `${value?.type} ${value?.device?.name}`);
  };
  t.deepEqual(await told(0, 2), ['added Watched together 1', 'added Watched together 2']);
  second?.remove();
  t.deepEqual(await told(2, 3), ['removed Watched together 2']);
  first?.remove();
  t.deepEqual(await told(3, 4), ['removed Watched together 1']);
  const rest = [events.next(), events.next()];
  watcher.close();
  t.deepEqual(
    (await Promise.all(rest)).map(({ done }) => done),
    [true, true],
  );
  t.is((await events.return?.())?.done, true);
});
