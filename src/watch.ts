/** Devices that come and go. */
import { EventEmitter } from 'node:events';
import type { DeviceInfo } from './devices.js';
import { native } from './errors.js';
import { addon, holdProcess } from './native.js';
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
  /** No event comes after it; iterations end when they have taken what there is. */
  close(): void;
  ref(): this;
  unref(): this;
}

type NativeEvent = Parameters<Parameters<typeof addon.watchDevices>[0]>[0];

function eventOf({ type, kind, device }: NativeEvent): DeviceEvent {
  const info = device === undefined ? null : Object.freeze(device);
  return (kind === undefined ? { type, device: info } : { type, kind, device: info }) as DeviceEvent;
}

/** One iteration: what has not been taken yet, or who waits for more. */
interface Reader {
  events: DeviceEvent[];
  wake: (() => void) | undefined;
}

class Watcher extends EventEmitter<{ change: [event: DeviceEvent] }> implements DeviceWatcher {
  readonly #readers = new Set<Reader>();
  readonly #native = native(() => addon.watchDevices((event) => this.#tell(eventOf(event))));
  readonly #alive = holdProcess();
  #closed = false;

  #tell(event: DeviceEvent): void {
    if (this.#closed) return;
    for (const reader of this.#readers) {
      reader.events.push(event);
      reader.wake?.();
    }
    this.emit('change', event);
  }

  [Symbol.asyncIterator](): AsyncIterator<DeviceEvent> {
    // From now on, not from the first `next` on: nothing that happens between them is missed.
    const reader: Reader = { events: [], wake: undefined };
    if (!this.#closed) this.#readers.add(reader);
    const done = { value: undefined, done: true } as const;
    return {
      next: async () => {
        while (reader.events.length === 0) {
          if (!this.#readers.has(reader)) return done;
          await new Promise<void>((resolve) => {
            reader.wake = resolve;
          });
        }
        return { value: reader.events.shift() as DeviceEvent, done: false };
      },
      return: async () => {
        reader.events.length = 0;
        this.#forget(reader);
        return done;
      },
    };
  }

  #forget(reader: Reader): void {
    this.#readers.delete(reader);
    reader.wake?.();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#alive);
    this.#native.close();
    for (const reader of [...this.#readers]) this.#forget(reader);
  }
  [Symbol.dispose](): void {
    this.close();
  }
  ref(): this {
    this.#alive.ref();
    return this;
  }
  unref(): this {
    this.#alive.unref();
    return this;
  }
}

/**
 * Watches the list of devices and the defaults: on PulseAudio the server tells, elsewhere a cheap look once a second. When an
 * event comes, `queryDevices()` agrees with it, or is newer. What comes and goes again within some milliseconds may stay
 * unseen. Events come on this thread.
 *
 * @throws SoundDeviceError where the system has no thread for it.
 * @example
 * watchDevices().on('change', (event) => console.log(event.type, event.device?.name));
 */
export function watchDevices(): DeviceWatcher {
  return new Watcher();
}
