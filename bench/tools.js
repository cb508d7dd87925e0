// What the benchmarks share.
import { spawn, spawnSync } from 'node:child_process';
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
