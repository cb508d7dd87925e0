import test from 'ava';
import { type DeviceInfo, defaults, OutputStream } from 'sounddevice';
import { manual, until } from './helper.js';

for (const chosen of [undefined, [null, null], ['of the other side', null]] as const) {
  test.serial(`a stream that follows goes on after a loss, and tells where: ${chosen}`, async (t) => {
    using device = manual(1);
    defaults.device = [null, device.index];
    const stream = new OutputStream({
      ...(chosen && { device: chosen }),
      onDeviceLost: 'follow-default',
      callback: (out) => void out.fill(0.5),
    });
    defaults.reset();
    const moved: DeviceInfo[] = [];
    stream.on('device-changed', (info) => moved.push(info));
    stream.start();
    await device.advance(512);
    device.inject('lost');
    await until(() => moved.length === 1);
    t.is(moved[0]?.id, device.id);
    t.true(Object.isFrozen(moved[0]));
    t.deepEqual([stream.active, stream.device, stream.channels], [true, device.index, 1]);
    device.played();
    await device.advance(512);
    t.true(device.played()[0]?.every((sample) => sample === 0.5));
    t.true(stream.xruns.outputUnderflow > 0);
    await stream.close();
  });
}

test.serial('one that was opened on a device of its own choice does not follow', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, onDeviceLost: 'follow-default' });
  stream.start();
  const { finished } = stream;
  device.inject('lost');
  await t.throwsAsync(finished, { code: 'ERR_DEVICE_LOST' });
  await stream.close();
});
