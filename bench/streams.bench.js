// Streams, beside PortAudio in C and the original: round trips, processor time, many at once, a paused server, memory.
import { spawn } from 'node:child_process';
import { compiled, crate, folder, median, output, python, root, servers } from './tools.js';

export const title = 'duplex streams, beside PortAudio in C and the original on top of it';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const TURNS = Number(process.env.BENCH_TURNS ?? 3);
/** Names of parts, such as "jack,memory": all of them without. */
const PARTS = process.env.BENCH_PARTS?.split(',');
const WAYS = {
  jack: { ours: ['jack:loop-system', 'jack:loop-system'], peer: ['JACK:loop-system', 'JACK:loop-system'] },
  pulse: { ours: ['pulseaudio:speakers', 'pulseaudio:mic'], peer: ['ALSA:ss_speakers', 'ALSA:ss_mic'] },
};

/** Servers of its own, since the period is the server's. */
const DIR = { SS_DIR: `${folder}/servers` };
const server = (command, which, period = 128) =>
  servers(command, which, { ...DIR, SS_JACK_PERIOD: String(period) });

/** A program as a client of them. */
const client = (command, args) => {
  const script = 'eval "$(bash scripts/sound-servers.sh env all)"; exec "$@"';
  return [
    'bash',
    ['-c', script, 'bash', command, ...args.map(String)],
    { cwd: root, env: { ...process.env, ...DIR } },
  ];
};
const once = async (command, args) => JSON.parse(await output(...client(command, args)));

const build = () => ({ ours: crate('streams'), peer: compiled('port_loop', 'libportaudio.so.2') });

/** Alternating, so that both see the same machine. */
async function both(programs, way, rest, turns = TURNS) {
  const results = { ours: [], peer: [] };
  for (let turn = 0; turn < turns; turn++)
    for (const who of ['ours', 'peer'])
      results[who].push(await once(programs[who], [...WAYS[way][who], ...rest]));
  return results;
}
const row = (what, { ours, peer }, key, unit, rest = {}, scale = 1) => {
  const figure = (results) => median(results.map((result) => result[key])) * scale;
  return { what, ours: figure(ours), peer: figure(peer), unit, ...rest };
};
/** Round trips are worth nothing where frames were altered, or lost without anybody having been told. */
function demand({ ours }) {
  const bad = ours.find(
    ({ altered, lost, xruns, blocking }) => altered > 0 || (lost > 0 && xruns === 0 && !blocking),
  );
  if (bad) throw new Error(`frames were altered or lost: ${JSON.stringify(bad)}`);
}

async function* jack() {
  const programs = build();
  try {
    for (const period of [64, 128, 256, 512]) {
      server('start', 'jack', period);
      const called = await both(programs, 'jack', ['callback', 128, 2]);
      demand(called);
      yield row(`round trip, blocks of 128, period ${period}`, called, 'roundTrip', 'frames', { most: 1 });
      if (period === 128) {
        const read = await both(programs, 'jack', ['blocking', 128, 2]);
        yield row('round trip, read and write of 128, period 128', read, 'roundTrip', 'frames', { most: 1 });
        const long = await both(programs, 'jack', ['callback', 128, SECONDS], 1);
        demand(long);
        yield row(
          'processor time of 60 s in native code',
          long,
          'processor',
          's',
          { most: 1.3 },
          60 / SECONDS,
        );
      }
      server('stop', 'jack');
    }
  } finally {
    server('stop', 'jack');
  }
}

const OURS = `
import { Stream } from 'sounddevice';
const [out, input, block, seconds, count] = process.argv.slice(1);
let late = 0, calls = 0;
const callback = (input, output, frames, time, status) => { calls++; if (status.any) late++; output.set(input); };
const rest = (input, output, frames, time, status) => { calls++; if (status.any) late++; output.fill(0); };
const streams = Array.from({ length: Number(count) }, (_, n) => new Stream({
  device: [input, out], channels: 2, dtype: 'float32', sampleRate: 48000, blockSize: Number(block), callback: n ? rest : callback }).start());
await new Promise((resolve) => setTimeout(resolve, 500));
const before = process.cpuUsage(), [early, began] = [late, calls];
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const used = process.cpuUsage(before);
console.log(JSON.stringify({ processor: (used.user + used.system) / 1e6, late: late - early, calls: calls - began }));
process.exit();
`;
const PEER = `
import json, os, sys, time, sounddevice
out, input, block, seconds, count = sys.argv[1:]
late = calls = 0
def callback(indata, outdata, frames, time, status):
    global late, calls
    calls += 1
    late += bool(status)
    outdata[:] = indata
def rest(indata, outdata, frames, time, status):
    global late, calls
    calls += 1
    late += bool(status)
    outdata.fill(0)
def find(name, kind):
    api, name = name.split(':')
    for info in sounddevice.query_devices():
        if info['name'] == name and info['max_' + kind + '_channels'] and sounddevice.query_hostapis(info['hostapi'])['name'].startswith(api):
            return info['index']
device = find(input, 'input'), find(out, 'output')
streams = [sounddevice.Stream(device=device, channels=2, dtype='float32', samplerate=48000, blocksize=int(block),
    callback=rest if n else callback) for n in range(int(count))]
for stream in streams: stream.start()
time.sleep(0.5)
before, early, began = time.process_time(), late, calls
time.sleep(float(seconds))
print(json.dumps({'processor': time.process_time() - before, 'late': late - early, 'calls': calls - began}), flush=True)
threading = __import__('threading'); threading.Timer(5, lambda: os._exit(0)).start()
for stream in streams: stream.close()
sounddevice._terminate()
os._exit(0)
`;

async function languages(way, block, seconds, count, turns) {
  const results = { ours: [], peer: [] };
  for (let turn = 0; turn < turns; turn++) {
    const { ours, peer } = WAYS[way];
    results.ours.push(
      await once(process.execPath, ['--input-type=module', '-e', OURS, ...ours, block, seconds, count]),
    );
    results.peer.push(await once(python, ['-c', PEER, ...peer, block, seconds, count]));
  }
  for (const result of [...results.ours, ...results.peer])
    result.share = (result.late + 1) / (result.calls + 1);
  return results;
}

async function* javascript() {
  try {
    server('start', 'all');
    const one = await languages('jack', 512, SECONDS / 2, 1, 3);
    yield row('processor time of 60 s, callback at 512', one, 'processor', 's', { most: 1.5 }, 120 / SECONDS);
    for (const [way, count, block] of [
      ['pulse', 12, 512],
      ['jack', 40, 512],
    ]) {
      const many = await languages(way, block, 5, count, 1);
      yield row(`${count} streams (${way}): processor time of 5 s`, many, 'processor', 's');
      yield row(`${count} streams (${way}): calls`, many, 'calls', '', { least: 0.95 });
      yield row(`${count} streams (${way}): flagged calls`, many, 'late', '', {}, 1);
    }
  } finally {
    server('stop', 'all');
  }
}

/** The server stands still for two seconds; how the stream does from one second after that on. */
async function paused(program, devices) {
  const [command, args, options] = client(program, [...devices, 'callback', 256, 7, 1, 'tell']);
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data) => {
    if (text === '' && data.startsWith('begun')) {
      setTimeout(() => server('pause', 'pulse'), 1000);
      setTimeout(() => server('resume', 'pulse'), 3000);
    }
    text += data;
  });
  await new Promise((resolve) => child.on('close', resolve));
  const result = JSON.parse(text.slice(text.indexOf('{')));
  const { trips } = result;
  return { ...result, grown: median(trips.slice(-15)) - median(trips.slice(2, 9)) };
}

async function* pause() {
  const programs = build();
  try {
    server('start', 'pulse');
    const ours = await paused(programs.ours, WAYS.pulse.ours);
    server('stop', 'pulse');
    server('start', 'pulse');
    const peer = await paused(programs.peer, WAYS.pulse.peer);
    const blocks = ({ grown }) => Math.max(0, grown) / 256;
    yield {
      what: 'round trip grown 1 s after a pause, blocks (+1)',
      ours: blocks(ours) + 1,
      peer: 2,
      unit: '',
      most: 1,
    };
    yield { what: 'the same, the peer grown', ours: blocks(ours) + 1, peer: blocks(peer) + 1, unit: '' };
    yield {
      what: 'processor time of 7 s with a pause',
      ours: ours.processor,
      peer: peer.processor,
      unit: 's',
      most: 1,
    };
  } finally {
    server('stop', 'pulse');
  }
}

const MEMORY = `
import { Stream, virtual } from 'sounddevice';
const period = 64, at = 1000;
const device = virtual.createDevice({ inputs: 2, outputs: 2, period, clock: 'manual', loopback: false });
let calls = 0;
const stream = new Stream({ device: device.index, dtype: 'float32', callback(input, output) { calls++; output.set(input); } }).start();
const some = async (count) => { while (calls < count) { await device.advance(period * at); device.played(); } };
const used = () => { gc(); gc(); const { rss, heapUsed } = process.memoryUsage(); return [rss, heapUsed]; };
await some(100000);
const before = used();
const began = process.hrtime.bigint();
await some(1100000);
const each = Number(process.hrtime.bigint() - began) / 1e6;
const after = used();
console.log(JSON.stringify({ rss: after[0] - before[0], heap: after[1] - before[1], each }));
process.exit();
`;

const CYCLES = `
import { Stream, virtual } from 'sounddevice';
const device = virtual.createDevice({ clock: 'manual' });
const some = async (count) => {
  for (let n = 0; n < count; n++) {
    const stream = new Stream({ device: device.index, callback() {} }).start();
    await stream.stop();
    await stream.close();
    if (n % 50 === 0) gc();
  }
  gc();
  return process.memoryUsage.rss();
};
const before = await some(1000);
console.log(JSON.stringify({ grown: (await some(1000)) - before }));
process.exit();
`;

async function* memory() {
  const { grown } = JSON.parse(
    await output(process.execPath, ['--expose-gc', '--input-type=module', '-e', CYCLES]),
  );
  const { rss, heap, each } = JSON.parse(
    await output(process.execPath, ['--expose-gc', '--input-type=module', '-e', MEMORY]),
  );
  const mega = (bytes) => Math.max(0, bytes) / 2 ** 20;
  yield { what: 'resident memory grown in 10^6 calls, most', ours: mega(rss), peer: 4, unit: 'MiB', most: 1 };
  yield {
    what: 'resident memory grown in 1000 streams, most',
    ours: mega(grown),
    peer: 4,
    unit: 'MiB',
    most: 1,
  };
  yield { what: 'heap grown in 10^6 calls, most', ours: mega(heap), peer: 0.5, unit: 'MiB', most: 1 };
  yield { what: 'a call on the manual clock, beside 50 µs', ours: each / 1000, peer: 50, unit: 'µs' };
}

const WRITE = `
import { OutputStream, virtual } from 'sounddevice';
import { NativeStream } from './index.js';
const device = virtual.createDevice({ inputs: 0, outputs: 1, clock: 'manual', period: 4096 });
const stream = new OutputStream({ device: device.index, channels: 1, latency: 0.4 }).start();
// A method of the addon that only looks at a flag, as it is.
let handle;
const { closed } = NativeStream.prototype;
NativeStream.prototype.closed = function () { handle = this; return closed.call(this); };
void stream.closed;
NativeStream.prototype.closed = closed;
const data = new Float32Array(256);
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const [write, bare] = [[], []];
for (let round = 0; round < 400; round++) {
  const count = Math.floor(stream.writeAvailable / 256);
  let began = process.hrtime.bigint();
  for (let n = 0; n < count; n++) stream.writeSync(data);
  let ended = process.hrtime.bigint();
  if (round > 100) write.push(Number(ended - began) / count);
  began = process.hrtime.bigint();
  for (let n = 0; n < count; n++) handle.closed();
  ended = process.hrtime.bigint();
  if (round > 100) bare.push(Number(ended - began) / count);
  await device.advance(4096 * 8);
}
console.log(JSON.stringify({ write: median(write), bare: median(bare) }));
process.exit();
`;

async function* write() {
  const { write, bare } = JSON.parse(await output(process.execPath, ['--input-type=module', '-e', WRITE]));
  yield { what: 'writeSync of 256 floats, beside a bare call', ours: write, peer: bare, unit: 'ns', most: 2 };
}

export async function* run() {
  const parts = { write, memory, jack, pause, javascript };
  for (const [name, part] of Object.entries(parts)) if (!PARTS || PARTS.includes(name)) yield* part();
}
