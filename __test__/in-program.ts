import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program of its own, in which `sd` is the package; resolves with what it printed. */
export async function inProgram(body: string, ...flags: string[]): Promise<string> {
  const program = `import * as sd from 'sounddevice';\n${body}`;
  const args = [...flags, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  return stdout.trim();
}
