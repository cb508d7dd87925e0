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

/** One iteration: what has not been taken yet, or those who wait for more, in their order. */
interface Reader {
  events: DeviceEvent[];
  waiting: ((result: IteratorResult<DeviceEvent, undefined>) => void)[];
}

const DONE = { value: undefined, done: true } as const;

class Watcher extends EventEmitter<{ change: [event: DeviceEvent] }> implements DeviceWatcher {
  readonly #readers = new Set<Reader>();
  readonly #native = native(() => addon.watchDevices((event) => this.#tell(eventOf(event))));
  readonly #alive = holdProcess();
  #closed = false;

  #tell(event: DeviceEvent): void {
    if (this.#closed) return;
    for (const { events, waiting } of this.#readers) {
      const next = waiting.shift();
      if (next) next({ value: event, done: false });
      else events.push(event);
    }
    this.emit('change', event);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<DeviceEvent, undefined> {
    // From now on, not from the first `next` on: nothing that happens between them is missed.
    const reader: Reader = { events: [], waiting: [] };
    if (!this.#closed) this.#readers.add(reader);
    const { events, waiting } = reader;
    return {
      next: () =>
        new Promise((resolve) => {
          const event = events.shift();
          if (event) resolve({ value: event, done: false });
          else if (this.#readers.has(reader)) waiting.push(resolve);
          else resolve(DONE);
        }),
      return: async () => {
        events.length = 0;
        this.#forget(reader);
        return DONE;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #forget(reader: Reader): void {
    this.#readers.delete(reader);
    for (const next of reader.waiting.splice(0)) next(DONE);
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
 * Watches the list of devices and the defaults: PulseAudio, WASAPI and Core Audio tell of changes; that servers and clients of
 * JACK come and go is seen on Linux by what jackd's leave in `/dev/shm`. Elsewhere, for a PulseAudio server to come, and for
 * ports of JACK that come and go while their client stays, there is a cheap look once a second. Devices of PortAudio's are
 * watched where `defaults.backend` lists them and while no stream is open on it: they are looked at a tenth of a second after
 * those of other host APIs have changed, listed or not, and every ten seconds. When an event comes,
 * `queryDevices()` agrees with it, or is newer. What comes and goes again within some milliseconds may stay unseen. Events
 * come on this thread.
 *
 * @throws SoundDeviceError where the system has no thread for it.
 * @example
 * watchDevices().on('change', (event) => console.log(event.type, event.device?.name));
 */
export function watchDevices(): DeviceWatcher {
  return new Watcher();
}
