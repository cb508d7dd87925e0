import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { AudioData, COMPLETE, OutputStream, Stream } from 'sounddevice';
import { manual, refusal, same, whole, wrong } from './helper.js';
import { modules } from './modules.js';

const { folder, module } = modules(test);
const examples = new URL('../../examples/', import.meta.url);

test('methods, generators of names, and text of compilers are functions too', async (t) => {
  const methods = {
    processor() {
      const named = __name(() => 0.5, 'named');
      return (output: Float32Array) => {
        output.fill(named());
      };
    },
  };
  function processor() {
    return (output: Float32Array) => {
      output.fill(0.5);
    };
  }
  for (const one of [methods.processor, processor]) {
    using device = manual(1);
    const stream = new OutputStream({ device: device.index, processor: one }).start();
    await stream.ready;
    await device.advance(256);
    same(t, device.played()[0], new Float64Array(256).fill(0.5));
    await stream.close();
  }
});

/** As compilers put it around functions whose names they keep. */
declare function __name<F>(called: F, name: string): F;

test('functions without a text, and options that cannot be copied, are refused before anything opens', (t) => {
  using device = manual(1);
  const opened = (options: object) =>
    refusal(t, () => new OutputStream(wrong({ device: device.index, ...options })));
  const TYPE = 'TypeError ERR_INVALID_ARG_TYPE';
  t.is(opened({ processor: (() => {}).bind(null) }), TYPE);
  t.is(opened({ processor: Math.max }), TYPE);
  t.is(opened({ processor: () => () => {}, processorOptions: { f: () => {} } }), TYPE);
  t.is(opened({ processor: () => () => {}, processorOptions: Symbol('x') }), TYPE);
});

test('CommonJS modules and text in data: URLs are modules too', async (t) => {
  for (const url of [
    module('module.exports = () => (output) => { output.fill(0.5); };', 'cjs'),
    module('exports.__esModule = true; exports.default = () => (output) => { output.fill(0.5); };', 'cjs'),
    new URL('data:text/javascript,export default () => (output) => { output.fill(0.5); };'),
  ]) {
    using device = manual(1);
    const stream = new OutputStream({ device: device.index, processor: url }).start();
    await stream.ready;
    await device.advance(256);
    same(t, device.played()[0], new Float64Array(256).fill(0.5));
    await stream.close();
  }
});

test("what Electron's archive leaves out is found beside it", async (t) => {
  mkdirSync(join(folder, 'app.asar.unpacked'));
  writeFileSync(
    join(folder, 'app.asar.unpacked', 'half.mjs'),
    'export default () => (output) => { output.fill(0.5); };',
  );
  using device = manual(1);
  const processor = new URL('./app.asar/half.mjs', pathToFileURL(`${folder}/`));
  const stream = new OutputStream({ device: device.index, processor }).start();
  await stream.ready;
  await device.advance(256);
  same(t, device.played()[0], new Float64Array(256).fill(0.5));
  await stream.close();
});

test('an effect on a file is what the same code renders offline', async (t) => {
  const { default: makeEcho } = await import(new URL('processors/echo.js', examples).href);
  const file = (await AudioData.load(new URL('data/hello.wav', examples))).convert('float32');
  const { data, frames, sampleRate, channels } = file;
  const options = { delay: 0.05, feedback: 0.5 };
  const rendered = new Float32Array(data.length);
  makeEcho({ options, sampleRate, channels: [channels, channels] })(data, rendered, frames);
  for (const handoff of ['sync', 'pipelined'] as const) {
    using device = manual(channels, { sampleRate: sampleRate as number });
    device.feed(file.planar());
    const stream = new Stream({
      device: device.index,
      channels,
      blockSize: 128,
      processor: new URL('processors/echo.js', examples),
      processorOptions: options,
      handoff,
    }).start();
    await stream.ready;
    const late = handoff === 'sync' ? 0 : 128;
    await device.advance(whole(frames + late));
    same(t, device.played()[0]?.subarray(late, late + frames), Float64Array.from(rendered), handoff);
    await stream.close();
  }
});

test('a tone follows what is written into shared memory', async (t) => {
  using device = manual(1);
  const shared = new SharedArrayBuffer(16);
  const wanted = new Float64Array(shared);
  wanted.set([480, 0.5]);
  const stream = new OutputStream({
    device: device.index,
    channels: 1,
    processor: new URL('processors/tone.js', examples),
    processorOptions: { shared },
  }).start();
  await stream.ready;
  /** Rising zero crossings in a tenth of a second. */
  const pitch = async () => {
    await device.advance(256);
    device.played();
    await device.advance(4864);
    const [played = new Float64Array()] = device.played();
    return played.filter((sample, n) => n > 0 && sample >= 0 && (played[n - 1] as number) < 0).length;
  };
  t.true(Math.abs((await pitch()) - 48) <= 1);
  wanted[0] = 960;
  t.true(Math.abs((await pitch()) - 97) <= 1);
  await stream.close();
});

test('its end comes with COMPLETE from a function too', async (t) => {
  t.is(COMPLETE, 1);
  using device = manual(1);
  const stream = new OutputStream({ device: device.index, processor: () => () => 1 as const }).start();
  await stream.ready;
  await device.advance(512);
  await stream.finished;
  t.false(stream.active);
  await stream.close();
});
