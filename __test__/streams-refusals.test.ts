import test from 'ava';
import {
  createReadStream,
  createWriteStream,
  defaults,
  InputStream,
  OutputStream,
  queryDevices,
  RawInputStream,
  RawOutputStream,
  RawStream,
  Stream,
  WasapiSettings,
} from 'sounddevice';
import { nameOf, refusal, wrong } from './helper.js';

test.afterEach(defaults.reset);

const TYPE = 'TypeError ERR_INVALID_ARG_TYPE';
const VALUE = 'RangeError ERR_INVALID_ARG_VALUE';
const UNKNOWN = 'TypeError ERR_UNKNOWN_OPTION';
const FLAG = 'SoundDeviceError ERR_INVALID_FLAG -9995';
/** As far as options go, nothing is wrong: it opens, or only the device, or what is not built yet, stands against it. */
const FINE = 'fine';
const OTHERS =
  /NO_SUCH_DEVICE|AMBIGUOUS_DEVICE|INVALID_CHANNELS|INVALID_SAMPLE_RATE|INCOMPATIBLE_SETTINGS|NOT_SUPPORTED|HOST|UNAVAILABLE/;

/** How opening is refused, if it is. */
function outcome(open: () => object): string {
  try {
    const stream = open() as { closeSync?(): void; destroy?(): void };
    stream.closeSync?.();
    stream.destroy?.();
    return FINE;
  } catch (error) {
    return OTHERS.test((error as { code: string }).code) ? FINE : nameOf(error);
  }
}

type Opener = { new (options: never): object; open(options?: never): Promise<object> };
const CLASSES: Record<string, Opener> = {
  Stream,
  InputStream,
  OutputStream,
  RawStream,
  RawInputStream,
  RawOutputStream,
};
const DUPLEX = ['Stream', 'RawStream'];
const INPUT = ['InputStream', 'RawInputStream'];
const callback = () => {};

for (const [name, Class] of Object.entries(CLASSES)) {
  const opened = (_: unknown, options: object) => outcome(() => new Class(wrong(options)));

  test(`${name} takes every option in every form that it may have`, (t) => {
    const forms = {
      sampleRate: [44100, 44100.5, undefined, null],
      blockSize: [0, 1, 256],
      device: [0, 'x', [1, null], [undefined, 'y'], ''],
      channels: [1, [1, 2], [null, 2]],
      dtype: ['float64', 'int24', ['int16', 'float32'], [null, 'int8'], null],
      latency: [0, 0.1, 'low', 'high', [0.01, 'high']],
      extraSettings: [new WasapiSettings(), [null, new WasapiSettings()]],
      finishedCallback: [callback],
      clipOff: [true, false],
      ditherOff: [true, false],
      resample: [false],
      onDeviceLost: ['error', 'follow-default'],
      signal: [new AbortController().signal],
      callback: [callback],
      processor: [callback, new URL('file:///processor.js')],
    };
    for (const [option, values] of Object.entries(forms)) {
      for (const value of values) t.is(opened(t, { [option]: value }), FINE, option);
    }
    for (const handoff of ['auto', 'sync', 'pipelined']) {
      t.is(opened(t, { processor: callback, processorOptions: { gain: 2 }, handoff }), FINE);
    }
  });

  test(`${name} refuses options of the wrong kind`, (t) => {
    const wrongs = {
      sampleRate: ['48000', true, {}],
      blockSize: ['256', [256]],
      device: [true, {}, [{}, 1]],
      channels: ['2', {}, [1, '2']],
      dtype: [16, {}],
      latency: [true, {}],
      extraSettings: [{}, 1, new Date()],
      finishedCallback: [1, 'x', {}],
      clipOff: [1, 'yes'],
      ditherOff: [0, {}],
      resample: [1],
      onDeviceLost: [1],
      signal: [{}, new AbortController()],
      callback: [1, 'x', {}],
      processor: [1, './processor.js', {}],
    };
    for (const [option, values] of Object.entries(wrongs)) {
      for (const value of values) t.is(opened(t, { [option]: value }), TYPE, option);
    }
    t.is(opened(t, { processor: callback, handoff: 1 }), TYPE);
  });

  test(`${name} refuses words that it does not know`, (t) => {
    for (const option of [
      { dtype: 'float16' },
      { latency: 'medium' },
      { resample: 'x' },
      { onDeviceLost: 'x' },
    ]) {
      t.is(opened(t, option), VALUE);
    }
    t.is(opened(t, { processor: callback, handoff: 'async' }), VALUE);
    t.is(opened(t, { device: [1, 2, 3] }), VALUE);
    t.is(opened(t, { foo: 1 }), UNKNOWN);
    t.is(opened(t, { mapping: [1] }), UNKNOWN);
    t.is(
      refusal(t, () => new Class(1 as never)),
      TYPE,
    );
  });

  test(`${name} has one home: callback, processor or neither`, (t) => {
    t.is(opened(t, { callback, processor: callback }), TYPE);
    t.is(opened(t, { callback, handoff: 'sync' }), UNKNOWN);
    t.is(opened(t, { handoff: 'sync' }), UNKNOWN);
    t.is(opened(t, { processorOptions: {} }), UNKNOWN);
  });

  test.serial(`${name}: neverDropInput is for duplex, a callback and blockSize 0`, (t) => {
    const duplex = DUPLEX.includes(name);
    t.is(opened(t, { callback, neverDropInput: true }), duplex ? FINE : FLAG);
    t.is(opened(t, { neverDropInput: true }), FLAG);
    t.is(opened(t, { callback, blockSize: 256, neverDropInput: true }), FLAG);
    t.is(opened(t, { neverDropInput: false }), FINE);
    defaults.neverDropInput = true;
    t.is(opened(t, {}), FLAG);
    t.is(opened(t, { neverDropInput: false }), FINE);
    t.is(opened(t, { callback }), duplex ? FINE : FLAG);
    defaults.blockSize = 64;
    t.is(opened(t, { callback }), FLAG);
  });

  test.serial(`${name}: priming is for an output with a callback`, (t) => {
    const primed = { primeOutputBuffersUsingStreamCallback: true };
    t.is(opened(t, { ...primed, callback }), INPUT.includes(name) ? FLAG : FINE);
    t.is(opened(t, { ...primed, processor: callback }), INPUT.includes(name) ? FLAG : FINE);
    t.is(opened(t, primed), FLAG);
    defaults.primeOutputBuffersUsingStreamCallback = true;
    t.is(opened(t, {}), FINE);
  });

  test(`${name}: a signal that is aborted already is thrown`, async (t) => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    t.is(
      t.throws(() => new Class(wrong({ signal }))),
      reason,
    );
    t.is(opened(t, { signal, foo: 1 }), UNKNOWN);
    t.is(await t.throwsAsync(Class.open(wrong({ signal }))), reason);
    t.is(nameOf(await t.throwsAsync(Class.open(wrong({ foo: 1 })))), UNKNOWN);
  });
}

test('Node streams take the options of streams that are read and written', (t) => {
  for (const create of [createReadStream, createWriteStream]) {
    const created = (options: object) => outcome(() => create(wrong(options)));
    t.is(created({ dtype: 'int16', channels: 1, device: 'x', sampleRate: 8000, latency: 'low' }), FINE);
    t.is(created({ callback }), UNKNOWN);
    t.is(created({ processor: callback }), UNKNOWN);
    t.is(created({ neverDropInput: true }), UNKNOWN);
    t.is(created({ dtype: 'x' }), VALUE);
    t.is(created({ channels: '1' }), TYPE);
    const reason = new Error('enough');
    t.is(
      t.throws(() => create({ signal: AbortSignal.abort(reason) })),
      reason,
    );
  }
});

test('who gives a device for its id is told so', (t) => {
  const [device] = queryDevices();
  for (const given of [device, new Date()]) {
    const open = () => new OutputStream(wrong({ device: given }));
    const hint = given === device ? ', got Object: its id is what is wanted' : ', got Date';
    t.is(refusal(t, open), TYPE);
    t.throws(open, { message: `device must be an index, an id or parts of a name${hint}` });
  }
});
