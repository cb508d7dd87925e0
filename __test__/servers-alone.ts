/** What test files that play on real servers share. */
import { createServer, type Server } from 'node:net';
import type { TestFn } from 'ava';

/** Whether the servers of a host API have to be there: where one backend is chosen, the others have no devices. */
export function wanted(host: string): boolean {
  return possible(host) && (process.env.SOUND_SERVERS?.split(' ').includes(host) ?? false);
}

/** Whether devices of a host API can be listed at all. */
export function possible(host: string): boolean {
  const chosen = process.env.SOUNDDEVICE_BACKEND;
  return !chosen || host.includes('PortAudio') === (chosen === 'portaudio');
}

/** One test file at a time: all of them hear what is played. A name that belongs to the process goes with it. */
export function aloneOnServers(test: TestFn): void {
  let held: Server | undefined;
  const listen = (path: string) =>
    new Promise<Server | undefined>((resolve) => {
      const server = createServer().unref();
      server.once('error', () => resolve(undefined));
      server.listen(path, () => resolve(server));
    });
  test.before(async (t) => {
    t.timeout(1_200_000, 'another file uses the sound servers');
    if (process.platform !== 'linux') return;
    const path = `\0sounddevice tests ${process.env.PULSE_SERVER} ${process.env.JACK_DEFAULT_SERVER}`;
    while (!held) {
      held = await listen(path);
      if (!held) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  test.after.always(() => {
    held?.close();
  });
}
