import { inspect } from 'node:util';
import test from 'ava';
import {
  AsioSettings,
  CoreAudioSettings,
  checkInputSettings,
  checkOutputSettings,
  defaults,
  type ExtraSettings,
  play,
  playrec,
  rec,
  WasapiSettings,
} from 'sounddevice';
import { manual, refusal, wrong } from './helper.js';

test.afterEach(defaults.reset);

const TYPE = 'TypeError ERR_INVALID_ARG_TYPE';
const VALUE = 'RangeError ERR_INVALID_ARG_VALUE';
const RANGE = 'RangeError ERR_OUT_OF_RANGE';
const UNKNOWN = 'TypeError ERR_UNKNOWN_OPTION';
const FOREIGN = 'SoundDeviceError ERR_INCOMPATIBLE_SETTINGS -9984';

test('settings print as what they are', (t) => {
  const print = (settings: object) => inspect(settings, { breakLength: Infinity });
  t.is(
    print(new AsioSettings({ channelSelectors: [12, 0] })),
    'AsioSettings { channelSelectors: [ 12, 0 ] }',
  );
  t.is(
    print(new WasapiSettings({ exclusive: true })),
    'WasapiSettings { exclusive: true, autoConvert: false, explicitSampleFormat: false }',
  );
  t.is(
    print(new CoreAudioSettings({ channelMap: [-1, 0], conversionQuality: 'HIGH' as never })),
    "CoreAudioSettings { channelMap: [ -1, 0 ], changeDeviceParameters: false, failIfConversionRequired: false, conversionQuality: 'high' }",
  );
  t.regex(print(new CoreAudioSettings()), /channelMap: null, .* conversionQuality: 'max' \}$/);
});

test('F91 channel selectors of ASIO are a list of channels from 0', (t) => {
  const refused = (options: unknown) => refusal(t, () => new AsioSettings(options as never));
  t.is(refused(undefined), TYPE);
  t.is(refused({}), TYPE);
  t.is(refused(1), TYPE);
  t.is(refused([0, 1]), TYPE);
  t.is(refused({ channelSelectors: 1 }), TYPE);
  t.is(refused({ channelSelectors: [] }), TYPE);
  t.is(refused({ channelSelectors: ['0'] }), TYPE);
  t.is(refused({ channelSelectors: [0.5] }), VALUE);
  t.is(refused({ channelSelectors: [NaN] }), VALUE);
  t.is(refused({ channelSelectors: [Infinity] }), VALUE);
  t.is(refused({ channelSelectors: [-1] }), RANGE);
  t.is(refused({ channelSelectors: [1e300] }), RANGE);
  t.is(refused({ channelSelectors: [0], channels: 1 }), UNKNOWN);
});

test('F91 the channel map of Core Audio may have -1, its quality is a word', (t) => {
  const refused = (options: unknown) => refusal(t, () => new CoreAudioSettings(options as never));
  t.is(refused({ channelMap: 1 }), TYPE);
  t.is(refused({ channelMap: [] }), TYPE);
  t.is(refused({ channelMap: [-2] }), RANGE);
  t.is(refused({ channelMap: [1.5] }), VALUE);
  t.is(refused({ conversionQuality: 'x' }), VALUE);
  t.is(refused({ conversionQuality: 1 }), TYPE);
  t.is(refused({ changeDeviceParameters: 1 }), TYPE);
  t.is(refused({ failIfConversionRequired: 'yes' }), TYPE);
  for (const conversionQuality of ['min', 'low', 'medium', 'high', 'max'] as const) {
    t.regex(inspect(new CoreAudioSettings({ conversionQuality })), new RegExp(`'${conversionQuality}'`));
  }
  t.throws(() => new CoreAudioSettings({ conversionQuality: 'best' as never }), {
    message: "conversionQuality must be one of min, low, medium, high, max, got 'best'",
  });
});

test('F91 settings of WASAPI are booleans', (t) => {
  const refused = (options: unknown) => refusal(t, () => new WasapiSettings(options as never));
  for (const name of ['exclusive', 'autoConvert', 'explicitSampleFormat']) {
    t.is(refused({ [name]: 1 }), TYPE);
    t.is(refused({ [name]: 'true' }), TYPE);
  }
  t.throws(() => new WasapiSettings({ auto_convert: true } as never), {
    code: 'ERR_UNKNOWN_OPTION',
    message: /'auto_convert', did you mean 'autoConvert'\?/,
  });
});

test('settings cannot be changed afterwards', (t) => {
  const channelSelectors = [1, 2];
  const settings = new AsioSettings({ channelSelectors });
  channelSelectors[0] = 7;
  t.regex(inspect(settings), /\[ 1, 2 \]/);
  t.throws(() => Object.assign(settings, { foo: 1 }), { instanceOf: TypeError });
});

const ALL: [string, ExtraSettings][] = [
  ['AsioSettings', new AsioSettings({ channelSelectors: [0] })],
  ['CoreAudioSettings', new CoreAudioSettings()],
  ['WasapiSettings', new WasapiSettings()],
];

for (const [name, extraSettings] of ALL) {
  test.serial(`${name} are refused by a device of another host API, and what plays goes on`, async (t) => {
    using device = manual(1);
    const on = { device: device.index };
    const playing = play(new Float32Array(600).fill(0.5), on);
    const refused = (call: () => unknown) => refusal(t, call);
    t.is(
      refused(() => checkInputSettings({ ...on, extraSettings })),
      FOREIGN,
    );
    t.is(
      refused(() => checkOutputSettings({ ...on, extraSettings })),
      FOREIGN,
    );
    t.is(
      refused(() => play([0.5], { ...on, extraSettings })),
      FOREIGN,
    );
    t.is(
      refused(() => rec(1, { ...on, channels: 1, extraSettings: [extraSettings, null] })),
      FOREIGN,
    );
    t.is(
      refused(() => playrec([0.5], { ...on, channels: 1, extraSettings: [null, extraSettings] })),
      FOREIGN,
    );
    defaults.extraSettings = extraSettings;
    t.is(
      refused(() => play([0.5], on)),
      FOREIGN,
    );
    t.is(
      refused(() => checkInputSettings(on)),
      FOREIGN,
    );
    defaults.extraSettings = null;
    t.throws(() => play([0.5], { ...on, extraSettings }), {
      message: `Incompatible settings: expected settings for Virtual, the host API of '${device.name}', got ${name}`,
    });
    t.true(playing.active);
    await device.advance(768);
    await playing;
    t.deepEqual(device.played()[0]?.slice(0, 600), new Float64Array(600).fill(0.5));
  });
}

test.serial('settings for the other direction do not matter', async (t) => {
  using device = manual(1);
  const settings = new WasapiSettings();
  const job = play(new Float32Array(1), { device: device.index, extraSettings: [settings, null] });
  await device.advance(256);
  t.false((await job).any);
});

test.serial('only settings are settings', (t) => {
  using device = manual(1);
  const forged = Object.create(WasapiSettings.prototype);
  for (const extraSettings of [{}, new Date(), { exclusive: true }, 1, 'x', [1, null], forged]) {
    t.is(
      refusal(t, () => play([0.5], wrong({ device: device.index, extraSettings }))),
      TYPE,
    );
  }
  t.is(
    refusal(t, () => checkInputSettings(wrong({ device: device.index, extraSettings: {} }))),
    TYPE,
  );
  t.throws(() => Object.assign(defaults, { extraSettings: {} }), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.deepEqual([...defaults.extraSettings], [null, null]);
});

test.serial('defaults keep settings, on one side or both', (t) => {
  const settings = new WasapiSettings({ exclusive: true });
  defaults.extraSettings = [null, settings];
  t.deepEqual([defaults.extraSettings.input, defaults.extraSettings.output === settings], [null, true]);
  defaults.extraSettings.input = settings;
  t.true([...defaults.extraSettings].every((one) => one === settings));
});
