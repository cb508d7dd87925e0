import { pathToFileURL } from 'node:url';
import test from 'ava';
import { OutputStream, type SoundDeviceError } from 'sounddevice';
import { manual, same } from './helper.js';
import { modules } from './modules.js';

const { folder, module } = modules(test);

const outside = 1;

const FAILURES: [what: string, processor: () => unknown, code: string, message: RegExp, cause: RegExp][] = [
  [
    'is missing',
    () => new URL('./none.mjs', pathToFileURL(`${folder}/`)),
    'ERR_PROCESSOR',
    /Cannot find module/,
    /none\.mjs/,
  ],
  ['cannot be read', () => module('export default ('), 'ERR_PROCESSOR', /Unexpected end/, /SyntaxError/],
  [
    'throws',
    () => module('function inner() { throw new RangeError("own"); }\ninner();'),
    'ERR_PROCESSOR',
    /own/,
    /RangeError: own\n.*at inner .*mjs:1/s,
  ],
  [
    'exports nothing',
    () => module('export const a = 1;'),
    'ERR_PROCESSOR',
    /default export .*must be a function .*got undefined/,
    /TypeError/,
  ],
  [
    'exports a number',
    () => module('export default 1;'),
    'ERR_PROCESSOR',
    /default export .*got number/,
    /TypeError/,
  ],
  [
    'makes no callback',
    () => module('export default () => ({});'),
    'ERR_PROCESSOR',
    /return a callback, got object/,
    /TypeError/,
  ],
  [
    'makes a promise',
    () => module('export default async () => () => {};'),
    'ERR_PROCESSOR',
    /got a promise/,
    /TypeError/,
  ],
  [
    'fails at the start',
    () => module('export default function make() { null.x; }'),
    'ERR_PROCESSOR',
    /null/,
    /at make .*mjs/,
  ],
  [
    'uses what is around it',
    () => () => outside && (() => {}),
    'ERR_PROCESSOR',
    /'outside' from around it.*processorOptions/,
    /ReferenceError/,
  ],
  [
    'uses it in a block',
    () => () => () => void outside,
    'ERR_PROCESSOR',
    /'outside' from around it/,
    /ReferenceError/,
  ],
  [
    'assigns to it',
    () => new Function('return () => () => { other = 1; }')(),
    'ERR_PROCESSOR',
    /'other' from around it/,
    /ReferenceError/,
  ],
  [
    'fails in a block',
    () =>
      module('export default () => function call() { throw Object.assign(new Error("b"), { code: "C" }); };'),
    'ERR_CALLBACK_FAILED',
    /failed: b/,
    /Error: b\n.*at call .*mjs/s,
  ],
  [
    'throws no error',
    () => module('export default () => () => { throw "text"; };'),
    'ERR_CALLBACK_FAILED',
    /text/,
    /^text$/,
  ],
  [
    'throws what has no text',
    () => module('export default () => () => { throw Object.create(null); };'),
    'ERR_CALLBACK_FAILED',
    /failed: object without a text/,
    /^object without a text$/,
  ],
  [
    'throws what has no text at the start',
    () => module('export default () => { throw Object.create(null); };'),
    'ERR_PROCESSOR',
    /failed: object without a text/,
    /^object without a text$/,
  ],
  [
    'returns a promise',
    () => module('export default () => async () => {};'),
    'ERR_INVALID_ARG_TYPE',
    /promise/,
    /undefined/,
  ],
  [
    'leaves',
    () => module('export default () => () => { process.exit(7); };'),
    'ERR_PROCESSOR',
    /ended by itself, with code 7/,
    /undefined/,
  ],
  [
    'fails in a timer',
    () => module('export default () => { setTimeout(() => { throw new Error("t"); }); return () => {}; };'),
    'ERR_PROCESSOR',
    /thread failed: t/,
    /Error: t\n.*mjs/s,
  ],
];

for (const [what, processor, code, message, cause] of FAILURES) {
  test(`a processor that ${what} ends the stream with ${code}`, async (t) => {
    using device = manual(1);
    const events: string[] = [];
    const stream = new OutputStream({
      device: device.index,
      processor: processor() as never,
      finishedCallback: () => events.push('callback'),
    });
    let failure: (Error & { code?: string; cause?: unknown }) | undefined;
    stream.on('error', (error) => {
      failure = error;
      events.push('error');
    });
    stream.on('finished', () => events.push('finished'));
    stream.start();
    const runs = await stream.ready.then(
      () => true,
      () => false,
    );
    const advanced = runs ? device.advance(512) : undefined;
    const reason = await t.throwsAsync(stream.finished);
    t.true(reason === failure);
    t.is(failure?.code, code);
    t.regex(failure?.message ?? '', message);
    const inner = failure?.cause as Error | string | undefined;
    t.regex(String(inner instanceof Error ? inner.stack : inner), cause);
    t.deepEqual(events, ['error', 'finished', 'callback']);
    t.deepEqual([stream.active, stream.stopped], [false, false]);
    await advanced;
    if (!runs) t.is(((await t.throwsAsync(stream.ready)) as SoundDeviceError).code, 'ERR_PROCESSOR');
    await stream.close();
    t.true(stream.closed);
  });
}

test('what was thrown keeps its name and code', async (t) => {
  using device = manual(1);
  const stream = new OutputStream({
    device: device.index,
    processor: () => {
      throw Object.assign(new RangeError('no'), { code: 'OWN' });
    },
  }).start();
  const { cause } = (await t.throwsAsync(stream.finished)) as { cause: Error & { code: string } };
  t.deepEqual([cause.name, cause.code, cause.message], ['RangeError', 'OWN', 'no']);
  await stream.close();
});

test('a stream whose processor failed can be started again, with a new one', async (t) => {
  using device = manual(1);
  const first = new Int32Array(new SharedArrayBuffer(4));
  const stream = new OutputStream({
    device: device.index,
    processor: ({ options }) => {
      if (Atomics.add(options as Int32Array, 0, 1) === 0) throw new Error('the first time');
      return (output) => {
        output.fill(0.5);
      };
    },
    processorOptions: first,
  }).start();
  await t.throwsAsync(stream.finished, { message: /first time/ });
  stream.start();
  await stream.ready;
  device.played();
  await device.advance(256);
  same(t, device.played()[0], new Float64Array(256).fill(0.5));
  await stream.close();
});

test('COMPLETE and ABORT, CallbackStop and CallbackAbort end it as those of a callback', async (t) => {
  const own = import.meta.resolve('sounddevice');
  const ends: Record<string, number> = {
    'return 1;': 256,
    'return 2;': 0,
    'throw new CallbackStop();': 256,
    'throw new CallbackAbort();': 0,
  };
  for (const [end, frames] of Object.entries(ends)) {
    using device = manual(1);
    const stream = new OutputStream({
      device: device.index,
      processor: module(`
        import { CallbackAbort, CallbackStop } from '${own}';
        export default () => (output) => { output.fill(0.5); ${end} };`),
    }).start();
    await stream.ready;
    await device.advance(1024);
    await stream.finished;
    const [played = new Float64Array()] = device.played();
    same(t, played, new Float64Array(played.length).fill(0.5, 0, frames), end);
    t.true(played.length >= frames);
    await stream.close();
  }
});
