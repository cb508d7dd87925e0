// Checks what the built addon asks of its host:
// - no external ArrayBuffers, which Electron and other hosts with a memory cage refuse;
// - no sound library at load time: all of them are opened at run time, so that the addon loads where they are absent.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const forbiddenSymbol = /^(napi_create_external_(arraybuffer|buffer)|(snd|jack|pa)_\w+)$/;
const forbiddenLibrary = /^lib(asound|pulse|pulse-simple|jack|portaudio)\.so/;

/** The forbidden names in the output of `nm -D --undefined-only`. */
function badSymbols(listing) {
  return [...listing.matchAll(/^\s*[Uwv] ([^\s@]+)/gm)]
    .map((match) => match[1])
    .filter((name) => forbiddenSymbol.test(name));
}

/** The forbidden libraries in the output of `readelf -d`. */
function badLibraries(listing) {
  return [...listing.matchAll(/\(NEEDED\).*\[(.+)\]/g)]
    .map((match) => match[1])
    .filter((name) => forbiddenLibrary.test(name));
}

// The check itself has to be able to fail.
assert.deepEqual(
  badSymbols(
    [
      '                 U malloc@GLIBC_2.2.5',
      '                 U napi_create_arraybuffer',
      '                 U napi_create_external_arraybuffer',
      '                 U napi_create_external_buffer',
      '                 w snd_pcm_open@ALSA_0.9',
      '                 U __snd_harmless',
    ].join('\n'),
  ),
  ['napi_create_external_arraybuffer', 'napi_create_external_buffer', 'snd_pcm_open'],
);
assert.deepEqual(
  badLibraries(
    [
      ' 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]',
      ' 0x0000000000000001 (NEEDED)             Shared library: [libasound.so.2]',
      ' 0x0000000000000001 (NEEDED)             Shared library: [libjack.so.0]',
      ' 0x000000000000000e (SONAME)             Library soname: [libpulse.so.0]',
    ].join('\n'),
  ),
  ['libasound.so.2', 'libjack.so.0'],
);

const root = fileURLToPath(new URL('..', import.meta.url));
const addons = readdirSync(root).filter((name) => /^sounddevice\.linux-.*\.node$/.test(name));
if (process.platform !== 'linux') {
  console.log('only Linux addons are looked at');
} else if (addons.length === 0) {
  console.error('no sounddevice.linux-*.node here: run `npm run build:native` first');
  process.exitCode = 1;
}

for (const addon of addons) {
  const run = (command, ...args) => execFileSync(command, [...args, root + addon], { encoding: 'utf8' });
  const symbols = run('nm', '-D', '--undefined-only');
  // napi's feature "dyn-symbols" looks everything up at run time: then there is nothing to see here, and nothing is proved
  if (!/\bU napi_/.test(symbols)) {
    console.error(`${addon} imports no napi_ function: build it without napi's feature "dyn-symbols"`);
    process.exitCode = 1;
    continue;
  }
  const bad = [...badSymbols(symbols), ...badLibraries(run('readelf', '-d', '-W'))];
  if (bad.length > 0) {
    console.error(`${addon} must not import ${bad.join(', ')}`);
    process.exitCode = 1;
  } else {
    console.log(`${addon}: imports are clean`);
  }
}
