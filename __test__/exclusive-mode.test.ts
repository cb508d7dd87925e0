/** How the wish to have a device alone reaches WASAPI, through a stand-in for PortAudio as it is on Windows. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { inProgram } from './in-program.js';

const folder = mkdtempSync(join(tmpdir(), 'exclusive-mode-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const library = join(folder, 'portaudio.so');
const told = join(folder, 'told');
const source = fileURLToPath(new URL('../../__test__/wasapi.c', import.meta.url));
const compiled = () => {
  const made = spawnSync('cc', ['-shared', '-fPIC', '-pthread', '-o', library, source], { encoding: 'utf8' });
  if (made.status !== 0) console.log(`skipped: no C compiler for a stand-in ${made.stderr ?? made.error}`);
  return made.status === 0;
};
const tried = process.platform === 'linux' && compiled() ? test.serial : test.serial.skip;

/** What a program prints, and how PortAudio was asked in the meantime. */
async function asked(body: string): Promise<{ printed: string; told: string[] }> {
  writeFileSync(told, '');
  Object.assign(process.env, { SOUNDDEVICE_PORTAUDIO: library, STAND_IN: told });
  const printed = await inProgram(`sd.defaults.backend = 'portaudio';\n${body}`);
  return { printed, told: readFileSync(told, 'utf8').split('\n').slice(0, -1) };
}

tried('exclusiveMode of speakers and microphones reaches WASAPI, and nothing does without it', async (t) => {
  const result = await asked(`
    const speaker = sd.defaultSpeaker();
    const microphone = sd.defaultMicrophone();
    console.log(String(speaker), sd.queryHostApis().map(({ name }) => name).join());
    const sampleRate = 48000;
    for (const exclusiveMode of [true, false]) {
      await speaker.play(new Float32Array(480), { sampleRate, exclusiveMode });
      const take = await microphone.record({ frames: 960, sampleRate, channels: 1, exclusiveMode });
      if (take.frames !== 960 || take.data.some((sample) => sample !== 0)) throw new Error('it hears silence');
      const player = speaker.player({ sampleRate, channels: 1, exclusiveMode });
      const recorder = microphone.recorder({ sampleRate, exclusiveMode });
      await player.play(new Float32Array(10));
      await Promise.all([player.close(), recorder.close()]);
    }
  `);
  t.is(result.printed, '<Speaker Speakers (2 channels)> Windows WASAPI (PortAudio),Virtual');
  t.deepEqual(result.told, [
    'open output 2 flags 1',
    'open input 1 flags 1',
    'open output 1 flags 1',
    'open input 1 flags 1',
    'open output 2',
    'open input 1',
    'open output 1',
    'open input 1',
  ]);
});

tried('WasapiSettings of streams, jobs and checks reach WASAPI, each direction its own', async (t) => {
  const result = await asked(`
    const alone = new sd.WasapiSettings({ exclusive: true });
    const all = new sd.WasapiSettings({ exclusive: true, autoConvert: true, explicitSampleFormat: true });
    sd.checkOutputSettings({ extraSettings: alone });
    sd.checkInputSettings({ extraSettings: all });
    sd.checkOutputSettings();
    new sd.Stream({ channels: [1, 2], extraSettings: [alone, all] }).closeSync();
    new sd.Stream({ channels: [1, 2], extraSettings: [null, alone] }).closeSync();
    sd.play(new Float32Array(10), { extraSettings: alone, blocking: true });
    sd.defaults.extraSettings = [all, null];
    sd.rec(10, { channels: 1, blocking: true });
    new sd.OutputStream().closeSync();
  `);
  t.deepEqual(result.told, [
    'check output 2 flags 1',
    'check input 1 flags 97',
    'check output 2',
    'open input 1 flags 1 output 2 flags 97',
    'open input 1 output 2 flags 1',
    'open output 2 flags 1',
    'open input 1 flags 97',
    'open output 2',
  ]);
});
