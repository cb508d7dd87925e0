/** Devices that come and go. */
import type { EventEmitter } from 'node:events';
import type { DeviceInfo } from './devices.js';
import { notSupported } from './errors.js';
import type { Kind } from './options.js';

/** What happened to the list of devices. */
export type DeviceEvent =
  | { type: 'added' | 'removed'; device: DeviceInfo }
  | { type: 'default-changed'; kind: Kind; device: DeviceInfo | null };

/** Tells by the event 'change', or by iteration. Keeps the process alive until `close()` or `unref()`. */
export interface DeviceWatcher
  extends EventEmitter<{ change: [event: DeviceEvent] }>,
    AsyncIterable<DeviceEvent>,
    Disposable {
  close(): void;
  ref(): this;
  unref(): this;
}

/**
 * Watches the list of devices and the defaults.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED`: not built yet.
 * @example
 * watchDevices().on('change', (event) => console.log(event.type, event.device?.name));
 */
export function watchDevices(): DeviceWatcher {
  throw notSupported('watchDevices');
}
