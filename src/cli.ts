#!/usr/bin/env node
/** `npx sounddevice`: the table of devices. */
import { getVersions, queryDevices } from './index.js';

const HELP = `usage: sounddevice [--help | --version]

Prints the devices, one per line: index, name, host API, channels.
The default input is marked with >, the default output with <, both with *.

  -h, --help     this text
  -v, --version  the version

Exit status: 0, 1 where there is no answer or it cannot be written, 2 for an argument that is not one of these.`;

const ANSWERS: Record<string, () => string> = {
  '-h': () => HELP,
  '--help': () => HELP,
  '-v': () => getVersions().sounddevice,
  '--version': () => getVersions().sounddevice,
};

const [first, ...rest] = process.argv.slice(2);
const answer =
  first === undefined ? () => String(queryDevices()) : Object.hasOwn(ANSWERS, first) && ANSWERS[first];
const failed = (error: unknown) => {
  console.error(`sounddevice: ${(error as Error).message}`);
  process.exitCode = 1;
};
if (answer && rest.length === 0) {
  // Whoever reads may stop when they have enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => error.code === 'EPIPE' || failed(error));
  try {
    process.stdout.write(`${answer()}\n`);
  } catch (error) {
    failed(error);
  }
} else {
  console.error(`sounddevice: unexpected argument '${answer ? rest[0] : first}'\n\n${HELP}`);
  process.exitCode = 2;
}
