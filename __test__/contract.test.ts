import { readFileSync } from 'node:fs';
import test from 'ava';
import * as sounddevice from 'sounddevice';
import { refusal } from './helper.js';

// ava runs in the folder of the package
const contract = readFileSync('__test__/types/contract.d.ts', 'utf8');

const declared = (what: string) =>
  Array.from(
    contract.matchAll(new RegExp(`export declare (?:${what}) (\\w+)`, 'g')),
    ([, name]) => name as string,
  );
const NOMINAL = ['AsioSettings', 'CallbackFlags', 'CoreAudioSettings', 'WasapiSettings'];

test('what the contract names exists, and nothing else', (t) => {
  const names = [...new Set([...declared('class|const|function'), ...NOMINAL])].sort();
  t.deepEqual(Object.keys(sounddevice).sort(), names);
  t.true(names.length > 50);
});

test('functions are functions, classes are classes of their own name', (t) => {
  const all = sounddevice as unknown as Record<string, { name: string }>;
  for (const name of declared('function')) t.is(typeof all[name], 'function', name);
  for (const name of [...declared('class'), ...NOMINAL, 'AudioData']) {
    t.is(typeof all[name], 'function', name);
    t.is(all[name]?.name, name);
  }
  t.deepEqual([sounddevice.CONTINUE, sounddevice.COMPLETE, sounddevice.ABORT], [0, 1, 2]);
});

test('require() loads the same module', async (t) => {
  const { createRequire } = await import('node:module');
  t.is(createRequire(import.meta.url)('sounddevice').play, sounddevice.play);
});

test('factories of processors are returned as they are', (t) => {
  const { defineProcessor, defineInputProcessor, defineOutputProcessor } = sounddevice;
  type Define = (factory: unknown) => unknown;
  for (const define of [defineProcessor, defineInputProcessor, defineOutputProcessor] as Define[]) {
    const factory = () => () => {};
    t.is(define(factory), factory);
    t.is(
      refusal(t, () => define({})),
      'TypeError ERR_INVALID_ARG_TYPE',
    );
  }
});
