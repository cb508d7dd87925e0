import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const CLI = fileURLToPath(import.meta.resolve('#dist/cli.js'));
const { version } = JSON.parse(
  readFileSync(fileURLToPath(import.meta.resolve('sounddevice/package.json')), 'utf8'),
) as { version: string };

/** Runs the command to its end. */
async function run(...given: string[]) {
  const child = spawn(process.execPath, [CLI, ...given], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { stdout, stderr, code, signal };
}

for (const option of ['--version', '-v']) {
  test(`${option} prints the version of the package`, async (t) => {
    t.like(await run(option), { stdout: `${version}\n`, code: 0 });
  });
}

for (const option of ['--help', '-h']) {
  test(`${option} says how it is used and what the marks and exit codes mean`, async (t) => {
    const { stdout, code } = await run(option);
    t.is(code, 0);
    t.regex(stdout, /^usage: sounddevice \[--help \| --version\]\n/);
    t.regex(stdout, /default input is marked with >, the default output with <, both with \*/);
    t.regex(stdout, /Exit status: 0, 1 where there is no answer or it cannot be written, 2 for an argument/);
  });
}

test('an unknown argument is named, and the exit code is 2', async (t) => {
  for (const given of [['--foo'], ['foo', '--help'], ['']]) {
    const { stdout, stderr, code } = await run(...given);
    t.is(stdout, '');
    t.is(code, 2);
    t.true(stderr.startsWith(`sounddevice: unexpected argument '${given[0]}'\n\nusage: sounddevice`), stderr);
  }
  const { stderr, code } = await run('--help', 'more');
  t.is(code, 2);
  t.regex(stderr, /^sounddevice: unexpected argument 'more'\n/);
});

test('where there is no answer, it is said why, and the exit code is 1', async (t) => {
  const env = { ...process.env, SOUNDDEVICE_BACKEND: 'foo' };
  const child = spawn(process.execPath, [CLI], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  t.is(stderr, "sounddevice: SOUNDDEVICE_BACKEND must be cpal, portaudio or all, got 'foo'\n");
  t.is(code, 1);
});

test('a reader that goes away is no error', async (t) => {
  const child = spawn(process.execPath, [CLI, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  t.deepEqual([stderr, code, signal], ['', 0, null]);
});

test('the table can be cut by its reader', async (t) => {
  const child = spawn(process.execPath, [CLI], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  t.notRegex(stderr, /EPIPE|Error/);
  t.deepEqual([code, signal], [0, null]);
});

test('Ctrl-C ends it at once, also after the sound system has been asked', async (t) => {
  // what is loaded before the command keeps the process alive; nothing of the library may take the signal away from it
  const preload = `data:text/javascript,${encodeURIComponent('setInterval(() => {}, 1000)')}`;
  const child = spawn(process.execPath, ['--import', preload, CLI], { stdio: ['ignore', 'pipe', 'ignore'] });
  let printed = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    printed += chunk;
    if (printed.endsWith('\n')) child.kill('SIGINT');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  t.regex(printed, /Virtual Loopback, Virtual \(2 in, 2 out\)\n$/);
  t.is(child.signalCode, 'SIGINT');
});
