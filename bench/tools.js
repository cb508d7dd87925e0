// What the benchmarks share.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Runs a program to its end; its output, or an error that says what it wrote. */
export function output(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let error = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (error += data));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${command} ended with ${code}: ${error.trim()}`)),
    );
  });
}

/** Milliseconds from start to end of a process. */
export function lifetime(command, args) {
  const began = process.hrtime.bigint();
  const { status, stderr } = spawnSync(command, args, { cwd: root });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return Number(process.hrtime.bigint() - began) / 1e6;
}

/** Python with the original installed, as the script made it. */
export const python = process.env.BENCH_PYTHON;

/** Where benchmarks keep what they build. */
export const folder = `${root}target/bench`;

/** A C program of this folder, linked with a library whose headers need not be here. */
export function compiled(name, library) {
  mkdirSync(folder, { recursive: true });
  const program = `${folder}/${name}`;
  const built = spawnSync('cc', ['-O2', `bench/${name}.c`, '-o', program, `-l:${library}`, '-lm'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(built.stderr);
  return program;
}

/** A program of the crate's benches, built. */
export function crate(bench) {
  const which = ['-p', 'sounddevice', '--features', 'portaudio', '--bench', bench];
  const built = spawnSync('cargo', ['bench', ...which, '--no-run', '--message-format=json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (built.status !== 0) throw new Error(built.stderr);
  const artifacts = built.stdout.split('\n').filter((text) => text.startsWith('{'));
  return artifacts
    .map((text) => JSON.parse(text))
    .find(({ target, executable }) => target?.name === bench && executable).executable;
}

/** What the script of the sound servers says to a command. */
export function servers(command, which, env = {}) {
  const { status, stdout, stderr } = spawnSync('bash', ['scripts/sound-servers.sh', command, which], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`sound servers: ${stderr}`);
  return stdout;
}

/** Ours and the peer, turn by turn, so that both see the same machine: their results. */
export async function alternating(turns, ours, peer) {
  const results = { ours: [], peer: [] };
  for (let turn = 0; turn < turns; turn++) {
    results.ours.push(await ours());
    results.peer.push(await peer());
  }
  return results;
}

/** One line of the report: the medians of what the results have under that name. */
export function row(what, { ours, peer }, key, unit, goal) {
  const figure = (results) => median(results.map((result) => result[key]));
  return { what, ours: figure(ours), peer: figure(peer), unit, ...goal };
}
