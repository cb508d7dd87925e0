/** Streams through real servers and back, where they run; those that SOUND_SERVERS names have to. */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { InputStream, OutputStream, queryDevices, Stream } from 'sounddevice';
import { until } from './helper.js';
import {
  aloneOnServers,
  asClient,
  besideServer,
  installed,
  possible,
  type Turn,
  wanted,
  wholly,
} from './servers-alone.js';

aloneOnServers(test);

const WAYS = {
  PulseAudio: ['pulseaudio:mic', 'pulseaudio:speakers'],
  JACK: ['jack:loop-system', 'jack:loop-system'],
  ALSA: ['alsa:ss_mic', 'alsa:ss_speakers'],
} as const;
const RATE = 48000;
const FRAMES = 24000;
/** What it takes them to come back at the most. */
const PATIENCE = 12 * FRAMES;

/** It ends with its test, also where that fails: others would hear it. */
function ending<S extends { close(): Promise<void> }>(t: ExecutionContext, stream: S): S {
  t.teardown(() => stream.close());
  return stream;
}

/** Stereo that counts from 1: n on the left, −n on the right. */
function fill(output: Int16Array, from: number, frames: number): void {
  for (let n = 0; n < frames; n++) {
    const number = from + n <= FRAMES ? from + n : 0;
    output[2 * n] = number;
    output[2 * n + 1] = -number;
  }
}

/** What comes back: frames that nobody sent are altered; gaps and repetitions are lost. */
class Ear {
  heard = 0;
  last = 0;
  altered = 0;
  lost = 0;

  hear(input: Int16Array): void {
    for (let n = 0; n < input.length; n += 2) {
      const [left = 0, right = 0] = [input[n], input[n + 1]];
      if (left === 0 && right === 0) continue;
      if (left !== -right || left < 1 || left > FRAMES) this.altered += 1;
      else {
        this.lost += Math.abs(left - this.last - 1);
        this.last = left;
        this.heard += 1;
      }
    }
  }

  /** Nothing is altered, and every frame has to come, once and in order. */
  turn(t: ExecutionContext, flagged: boolean): Turn {
    t.is(this.altered, 0);
    return { whole: this.heard === FRAMES && this.lost === 0, flagged, heard: this };
  }
}

const misses = ({ xruns }: Pick<Stream, 'xruns'>) =>
  Object.values(xruns).reduce((sum, count) => sum + count, 0);

for (const [host, device] of Object.entries(WAYS)) {
  const there = wanted(host) || [...queryDevices()].some(({ id }) => id === device[0]);
  if (!there) console.log(`${host}: skipped, it does not run`);
  const tried = there ? test.serial : test.serial.skip;
  const options = { device, channels: 2, dtype: 'int16', sampleRate: RATE } as const;

  for (const blockSize of [0, 128, 480]) {
    tried(`${host}: what a callback with blockSize ${blockSize} makes comes back as it was`, async (t) => {
      await wholly(t, async (latency) => {
        const ear = new Ear();
        let made = 0;
        let after = 0;
        const sizes = new Set<number>();
        const callback = (input: Int16Array, output: Int16Array, frames: number) => {
          sizes.add(frames);
          ear.hear(input);
          fill(output, made + 1, frames);
          made += frames;
          after = ear.last === FRAMES ? after + frames : 0;
        };
        const stream = ending(t, new Stream({ ...options, blockSize, latency, callback })).start();
        await until(() => after > 0 || made > PATIENCE);
        const flagged = misses(stream) > 0;
        await stream.stop();
        await stream.close();
        if (blockSize > 0) t.deepEqual([...sizes], [blockSize]);
        return ear.turn(t, flagged);
      });
    });
  }

  tried(`${host}: what is written is read`, async (t) => {
    await wholly(t, async (latency) => {
      const ear = new Ear();
      const stream = ending(t, new Stream({ ...options, latency })).start();
      const data = new Int16Array(2 * PATIENCE);
      fill(data, 1, PATIENCE);
      const writing = stream.write(data).catch(() => {});
      let previous = 0;
      let read = 0;
      while (ear.last < FRAMES && read < PATIENCE) {
        const { data, time } = await stream.read(441);
        t.is(data.length, 882);
        t.true(time.inputBufferAdcTime > previous);
        previous = time.inputBufferAdcTime;
        read += 441;
        ear.hear(data);
      }
      const flagged = misses(stream) > 0;
      stream.abort();
      await writing;
      await stream.close();
      return ear.turn(t, flagged);
    });
  });

  tried(`${host}: readSync and writeSync wait, and nothing is lost`, async (t) => {
    await wholly(t, async (latency) => {
      const ear = new Ear();
      const stream = ending(t, new Stream({ ...options, latency })).start();
      const block = new Int16Array(2 * 480);
      for (let made = 0; ear.last < FRAMES && made < PATIENCE; made += 480) {
        ear.hear(stream.readSync(480).data);
        fill(block, made + 1, 480);
        stream.writeSync(block);
      }
      const flagged = misses(stream) > 0;
      stream.stopSync();
      stream.closeSync();
      return ear.turn(t, flagged);
    });
  });

  tried(`${host}: stop plays every frame that was written, and iteration hears them`, async (t) => {
    await wholly(t, async (latency) => {
      const ear = new Ear();
      const input = ending(t, new InputStream({ ...options, device: device[0], latency })).start();
      const output = ending(t, new OutputStream({ ...options, device: device[1], latency })).start();
      const hearing = (async () => {
        for await (const { data } of input) ear.hear(data);
      })();
      const data = new Int16Array(2 * FRAMES);
      fill(data, 1, FRAMES);
      void output.write(data);
      let finished = 0;
      output.on('finished', () => {
        finished += 1;
      });
      await output.stop();
      t.is(finished, 1);
      const flagged = () => misses(input) + misses(output) > 0;
      // What was played may still be on its way into the input.
      await until(() => ear.last === FRAMES || flagged(), 5000).catch(() => {});
      const told = flagged();
      await input.stop();
      await hearing;
      await Promise.all([input.close(), output.close()]);
      return ear.turn(t, told);
    });
  });
}

const IMPORT = `import * as sd from '${import.meta.resolve('sounddevice')}';`;

const SERVERS = {
  pulse: ['pulseaudio', 'pulseaudio:mic', 'pulseaudio:speakers'],
  jack: ['jackd', 'jack:loop-system', 'jack:loop-system'],
};
for (const [which, [program = '', input, output]] of Object.entries(SERVERS)) {
  const device = `const device = ['${input}', '${output}'];`;
  // Many at once, and the server serves the next ones.
  const leaving = `${IMPORT} ${device}
    const streams = Array.from({ length: 12 }, () => new sd.Stream({ device, channels: 2, callback() {} }).start());
    while (streams.some((stream) => stream.cpuLoad === 0)) await sd.sleep(5);
    console.log('runs');
    process.exit(3);`;
  const bereft = `${IMPORT} ${device}
    const open = (options) => new sd.Stream({ device, channels: 2, ...options });
    const streams = [open(), open(), open({ callback(i, o) { o.set(i); } })];
    const ends = [];
    for (const stream of streams) {
      stream.on('error', (error) => ends.push('error ' + error.code));
      stream.on('finished', () => ends.push('finished'));
      stream.start();
    }
    const code = (promise) => promise.then(() => 'none', (error) => error.code);
    await streams[0].read(100);
    const iterate = async () => { for await (const _ of streams[1]); };
    const waiting = [streams[0].read(1e7), streams[0].write(new Float32Array(2e6)), iterate(), ...streams.map((s) => s.finished)];
    const told = Promise.all(waiting.map(code));
    console.log('kill');
    console.log(String(await told));
    console.log(String(ends.sort()), String(streams.map((s) => s.active || s.stopped)));
    console.log(await code((async () => streams[0].read(1))()));
    await Promise.all(streams.map((s) => s.close()));
    console.log('closed');
    process.exit();`;

  const mortal = possible(which) && installed(program) ? test.serial : test.serial.skip;
  // One server for both: jackd keeps a place for each that was killed, and has few.
  mortal(`${which}: streams end cleanly with their process, and with their server`, async (t) => {
    await besideServer(which, async (env, control) => {
      for (let turn = 0; turn < 2; turn++) {
        const [command, args] = asClient(which, leaving);
        const error = await t.throwsAsync<Error & { code: number; stdout: string; stderr: string }>(
          promisify(execFile)(command, args, { env, timeout: 60_000 }),
        );
        t.deepEqual([error?.code, error?.stdout.trim()], [3, 'runs'], error?.stderr);
      }
      const [command, args] = asClient(which, bereft);
      const child = spawn(command, args, { env, timeout: 60_000 });
      let text = '';
      let errors = '';
      child.stderr.on('data', (data) => {
        errors += data;
      });
      child.stdout.setEncoding('utf8').on('data', (data: string) => {
        if (data.includes('kill')) control('kill');
        text += data;
      });
      await new Promise((resolve) => child.on('close', resolve));
      const lost = 'ERR_DEVICE_LOST';
      const all = Array(6).fill(lost).join();
      const told = [...Array(3).fill(`error ${lost}`), 'finished', 'finished', 'finished'].join();
      const lines = ['kill', all, `${told} false,false,false`, lost, 'closed'];
      t.deepEqual(text.trim().split('\n'), lines, errors);
    });
  });
}
