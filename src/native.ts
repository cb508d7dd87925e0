/** The addon, and that nothing of it outlives the program. */
import * as addon from '../index.js';

export { addon };

const running = new Set<{ abort(): void }>();

/** Remembers what has to end before the process does. */
export function keep(job: { abort(): void }): () => void {
  running.add(job);
  return () => running.delete(job);
}

// Environment clean-up hooks do not run on process.exit().
process.on('exit', () => {
  for (const job of running) job.abort();
});
