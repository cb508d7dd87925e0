/** Speakers and microphones on a real server, where it runs; `SOUND_TURNS` says how often each is done. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import {
  AudioData,
  allMicrophones,
  allSpeakers,
  defaultMicrophone,
  defaultSpeaker,
  getMicrophone,
  getName,
  getSpeaker,
  type Microphone,
  type Speaker,
  setName,
} from 'sounddevice';
import { aloneOnServers, asClient, besideServer, wanted } from './servers-alone.js';

aloneOnServers(test);

const RATE = 48000;
const BURST = 1024;
const ids = allSpeakers().map(({ id }) => id);
const there =
  wanted('PulseAudio') || (ids.includes('pulseaudio:twin_a') && ids.includes('pulseaudio:surround'));
const on = there ? test.serial : test.serial.skip;
const TURNS = Number(process.env.SOUND_TURNS ?? 1);

type Map = readonly (number | string)[] | number;
const monitor = (sink: string) => getMicrophone(`pulseaudio:${sink}.monitor`, { includeLoopback: true });

/** ±1 in turn on the columns, in frames that are loud on all of them. */
const burst = (columns: number) =>
  new AudioData(
    Float32Array.from({ length: BURST * columns }, (_, n) => ((n % columns) % 2 ? -1 : 1)),
    { channels: columns },
  );

/** Plays a burst, and the frames of it that are heard; what is heard is silent otherwise. */
async function loop(
  speaker: Speaker,
  microphone: Microphone,
  { out, into, columns = 2 }: { out?: Map; into?: Map; columns?: number },
): Promise<number[][]> {
  const options = (channels: Map | undefined) => ({
    sampleRate: RATE,
    ...(channels === undefined ? {} : { channels }),
  });
  await using recorder = microphone.recorder(options(into));
  await using player = speaker.player(options(out));
  await recorder.record(480);
  await player.play(burst(columns));
  const frames: number[][] = [];
  for (let rest = 10; rest > 0 && frames.length <= BURST; ) {
    const { data, channels } = await recorder.record(2400);
    for (let n = 0; n < data.length; n += channels) {
      const frame = Array.from(data.subarray(n, n + channels));
      if (frame.some((sample) => sample !== 0)) frames.push(frame);
    }
    if (frames.length >= BURST) rest -= 5;
    else rest -= frames.length > 0 ? 2 : 0.25;
  }
  return frames;
}

/** All frames of the burst, each as it was sent. A machine that is busy may lose some: then it is tried again. */
async function heard(
  t: ExecutionContext,
  expected: number[],
  way: Parameters<typeof loop>[2],
  sink = 'twin_a',
): Promise<void> {
  let lost = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    let frames: number[][] = [];
    for (let attempt = 0; attempt < 5 && frames.length !== BURST; attempt++) {
      frames = await loop(getSpeaker(`pulseaudio:${sink}`), monitor(sink), way);
      lost += Number(frames.length !== BURST);
      for (const frame of frames) if (String(frame) !== String(expected)) t.deepEqual(frame, expected);
    }
    t.is(frames.length, BURST);
  }
  if (TURNS > 1) t.log(`${TURNS} bursts heard to the last sample, ${lost} more with samples lost`);
}

on('every card has a name, an id and channels, and the defaults play and record', async (t) => {
  const cards = [...allSpeakers(), ...allMicrophones({ includeLoopback: true })];
  for (const { id, name, channels } of cards) {
    t.is(typeof name, 'string');
    t.true(id.includes(':') && channels > 0, id);
  }
  t.is(String(defaultSpeaker()), '<Speaker Test Speakers (2 channels)>');
  t.is(String(defaultMicrophone()), '<Microphone Test Microphone (2 channels)>');
  t.is(String(monitor('surround')), '<Loopback Monitor of Surround 7.1 (8 channels)>');
  t.false(allMicrophones().some(({ isLoopback }) => isLoopback));
  t.is(getSpeaker('Haut-parleurs é').id, 'pulseaudio:unicode');
  t.is(getSpeaker('S7.1').id, 'pulseaudio:surround');
  const error = t.throws(() => getSpeaker('Hi-Res'), { code: 'ERR_AMBIGUOUS_DEVICE' });
  t.true(error?.message.includes('Hi-Res 96k s32'));
  await defaultSpeaker().play(new Float32Array(480), { sampleRate: RATE });
  const taken = await defaultMicrophone().record({ frames: 1024, sampleRate: RATE });
  t.deepEqual([taken.frames, taken.channels], [1024, 2]);
  await using recorder = defaultMicrophone().recorder({ sampleRate: RATE, blockSize: 256 });
  t.true((await recorder.record()).frames > 0);
});

on('a burst is heard to the last sample, on the channels that the maps say', async (t) => {
  await heard(t, [1, -1], {});
  await heard(t, [-1, 1], { into: [1, 0] });
  await heard(t, [-1, 1], { out: [1, 0] });
  await heard(t, [-1, 1], { out: ['right', 'left'] });
  await heard(t, [1, 0], { out: [0], columns: 1 });
  await heard(t, [1, 1], { columns: 1 });
  await heard(t, [1], { into: [0] });
  await heard(t, [-1], { into: ['right'] });
});

on('a mono loopback is the mean of all channels', async (t) => {
  await heard(t, [0.5], { out: [0], columns: 1, into: ['mono'] });
  await heard(t, [0.125], { out: [5], columns: 1, into: [-1] }, 'surround');
});

on('each of eight channels is where its number and its name say', async (t) => {
  const names = [
    'front-left',
    'front-right',
    'rear-left',
    'rear-right',
    'front-center',
    'lfe',
    'side-left',
    'side-right',
  ];
  for (const [channel, name] of names.entries()) {
    const expected = names.map((_, other) => Number(other === channel));
    await heard(t, expected, { out: [channel], columns: 1 }, 'surround');
    await heard(t, [1, 0], { out: [name], columns: 1, into: [name, (channel + 1) % 8] }, 'surround');
  }
  await heard(t, [-1, 0, 1], { out: [2, 0], into: [0, 1, 2] }, 'surround');
});

on('a loopback that hears nothing gives silence, steadily', async (t) => {
  const seconds = Number(process.env.SOUND_SECONDS ?? 2);
  const microphone = monitor('twin_b');
  await using recorder = microphone.recorder({ sampleRate: RATE });
  await recorder.record(480);
  const start = performance.now();
  let frames = 0;
  while (frames < seconds * RATE) {
    const { data, frames: more } = await recorder.record(4800);
    frames += more;
    if (data.some((sample) => sample !== 0)) t.fail('something is heard');
  }
  const late = (performance.now() - start) / 1000 - seconds;
  t.log(`${frames} frames, the last one ${Math.round(late * 1000)} ms after its time`);
  t.is(frames, seconds * RATE);
});

on('the mixer shows the name that was set', async (t) => {
  const before = getName();
  setName('Name of a test');
  await using player = getSpeaker('pulseaudio:twin_b').player({ sampleRate: RATE });
  t.is(player.channels, 2);
  const shown = execFileSync('pactl', ['list', 'sink-inputs'], { encoding: 'utf8' });
  t.true(shown.includes('application.name = "Name of a test"'), shown);
  setName(before);
});

const jack = wanted('JACK') || ids.includes('jack:loopback') ? test.serial : test.serial.skip;
jack('JACK shows the name that was set, as far as it has the letters', async (t) => {
  const before = getName();
  setName('Name: of a test that is long');
  await using player = getSpeaker('jack:loopback').player({ sampleRate: RATE, channels: 1 });
  t.is(player.channels, 1);
  const shown = execFileSync('jack_lsp', { encoding: 'utf8' });
  t.true(shown.includes('Name- of a test that is lon:output_1'), shown);
  setName(before);
});

/** Prints what is told of sinks that come and go, and what should be; ends when nothing stays of them. */
const SINKS = `
  import { execFileSync } from 'node:child_process';
  import { readdirSync } from 'node:fs';
  import { getSpeaker, watchDevices } from 'sounddevice';
  const pactl = (...args) => execFileSync('pactl', args, { encoding: 'utf8' }).trim();
  const until = async (holds) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const count = (what) => readdirSync('/proc/self/' + what).length;
  const player = getSpeaker('pulseaudio:twin_b').player({ sampleRate: ${RATE} });
  let plays = true;
  const playing = (async () => {
    while (plays) await player.play(new Float32Array(${RATE} / 10));
  })();
  const told = [];
  const expected = [];
  const watched = async (numbers) => {
    const watcher = watchDevices().on('change', ({ type, device }) => {
      if (device?.id.includes('passing_')) told.push(type + ' ' + device.id);
    });
    const both = async (type, sink) => {
      expected.push(type + ' ' + sink, type + ' ' + sink + '.monitor');
      await until(() => told.length >= expected.length);
    };
    for (let number = 0; number < numbers; number++) {
      const sink = 'pulseaudio:passing_' + number;
      const module = pactl('load-module', 'module-null-sink', 'sink_name=passing_' + number);
      await both('added', sink);
      if (getSpeaker(sink).channels !== 2) throw new Error('a speaker has two channels');
      pactl('unload-module', module);
      await both('removed', sink);
    }
    watcher.close();
  };
  await watched(1);
  // what stays for the process is there by now, and what stays for two seconds has gone
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = { fd: count('fd'), task: count('task') };
  await watched(100);
  await until(() => count('fd') <= before.fd && count('task') <= before.task);
  plays = false;
  await playing;
  await player.close();
  process.stdout.write(JSON.stringify({ told, expected }));
`;

on('a hundred sinks come and go while a player plays: each is told once, and leaves nothing', async (t) => {
  await besideServer('pulse', async (env) => {
    const [command, args] = asClient('pulse', SINKS);
    const { stdout } = await promisify(execFile)(command, args, { env, timeout: 100_000 });
    const { told, expected } = JSON.parse(stdout) as Record<'told' | 'expected', string[]>;
    // the two of a sink come in any order
    const pairs = (list: string[]) => list.flatMap((_, n) => (n % 2 ? [] : [list.slice(n, n + 2).sort()]));
    t.is(expected.length, 404);
    t.deepEqual(pairs(told), pairs(expected));
  });
});
