#!/usr/bin/env node
/** `npx sounddevice`: the table of devices. */
import { getVersions, queryDevices } from './devices.js';

const HELP = `usage: sounddevice [--help] [--version]

Prints the devices: > default input, < default output, * both.`;

const [option, ...rest] = process.argv.slice(2);
if (option === undefined) console.log(String(queryDevices()));
else if (rest.length === 0 && (option === '--help' || option === '-h')) console.log(HELP);
else if (rest.length === 0 && option === '--version') console.log(getVersions().sounddevice);
else {
  console.error(`sounddevice: unknown option '${option}'\n\n${HELP}`);
  process.exitCode = 2;
}
