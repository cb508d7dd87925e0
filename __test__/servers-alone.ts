/** What test files that play on real servers share. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext, TestFn } from 'ava';

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

/** What a turn has lost, and whether it was told. */
export interface Turn {
  whole: boolean;
  flagged: boolean;
  /** What was heard, for whoever has to find out why. */
  heard: unknown;
}

/**
 * A machine that is busy may lose frames, as long as they are flagged: then it is tried again, and more is buffered each time.
 * One that has no time even for that is no fault of what is tested.
 */
export async function wholly(t: ExecutionContext, turn: (latency: number) => Promise<Turn>): Promise<void> {
  for (const latency of [0.1, 0.1, 0.2, 0.4, 0.8, 1.6]) {
    const { whole, flagged, heard } = await turn(latency);
    if (whole) return;
    t.true(flagged, `lost without a flag, with a latency of ${latency}: ${JSON.stringify(heard)}`);
  }
  t.log('judged apart: this machine loses frames every time');
}

const SCRIPT = fileURLToPath(new URL('../../scripts/sound-servers.sh', import.meta.url));

/** Whether a program can be found. */
export function installed(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a server that nobody else uses, and ends it after use. `control` says something else to the script. Always in one
 * place: jackd has eight for all servers of a machine, of which one that was killed keeps its own until the next of its name.
 */
export async function besideServer(
  which: string,
  use: (env: NodeJS.ProcessEnv, control: (what: string) => void) => Promise<void>,
): Promise<void> {
  const dir = join(tmpdir(), `sound-${process.env.JACK_DEFAULT_SERVER ?? 'tests'}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const env = { ...process.env, SS_DIR: dir };
  const control = (what: string) => void execFileSync('bash', [SCRIPT, what, which], { env, stdio: 'pipe' });
  try {
    control('start');
    await use(env, control);
  } finally {
    control('stop');
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The command that runs a program as a client of it. */
export const asClient = (which: string, program: string): [command: string, args: string[]] => [
  'bash',
  [
    '-c',
    `eval "$(bash '${SCRIPT}' env ${which})"; exec "$0" --input-type=module -e "$1"`,
    process.execPath,
    program,
  ],
];
