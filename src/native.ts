/** The addon, and that nothing of it outlives the program. */
import { basename, dirname, extname } from 'node:path';
import * as addon from '../index.js';

export { addon };

interface Running {
  abort(): void;
  /** Sees to what native threads have to tell. */
  pump?(): void;
}

const running = new Set<Running>();

/** Remembers what has to end before the process does. */
export function keep(job: Running): () => void {
  running.add(job);
  return () => running.delete(job);
}

/** Lets everything that runs see what has happened: for those who waited for it in another way. */
export function pumpAll(): void {
  for (const job of running) job.pump?.();
}

/** Holds the process, which the addon's own references never do, until it is cleared or let go. */
export const holdProcess = (): NodeJS.Timeout => setInterval(() => {}, 2 ** 31 - 1);

/** What mixers call this program, since its executable is the runtime: the main file, or its folder if that is just 'index'. */
function mainFile(): string | undefined {
  const file = process.argv[1];
  if (file === undefined || file === '' || file.startsWith('-') || file.startsWith('[')) return undefined;
  const name = basename(file, extname(file));
  const folder = basename(dirname(file));
  return /^(index|main)$/.test(name) && folder !== '' ? folder : name || undefined;
}

const program = mainFile();
try {
  if (program !== undefined) addon.setProgramName(program);
} catch {
  // where no system shows such names
}

// Environment clean-up hooks do not run on process.exit().
process.on('exit', () => {
  for (const job of running) job.abort();
  addon.endAll();
});
