// A synthesizer: the letter keys are its keys, from a to k; space is silence, + and - move an octave, Ctrl-C ends it.
// The main thread only writes two numbers into shared memory. It may be as busy as it likes.
import { OutputStream } from 'sounddevice';

const shared = new SharedArrayBuffer(16);
const wanted = new Float64Array(shared);
wanted.set([220, 0]);

const stream = new OutputStream({
  latency: 'low',
  processor: new URL('./processors/tone.js', import.meta.url),
  processorOptions: { shared },
});
stream.on('error', (error) => console.error(error));
stream.start();
await stream.ready;
console.log(`a w s e d f t g y h u j k: play, space: silence, + -: octave (real time: ${stream.realtime})`);

const KEYS = 'awsedftgyhujk';
let octave = 0;
process.stdin.setRawMode?.(true);
process.stdin.setEncoding('utf8').on('data', async (text) => {
  for (const key of text) {
    if (key === '\u0003' || key === 'q') {
      wanted[1] = 0;
      await stream.stop();
      await stream.close();
      process.stdin.destroy();
    } else if (key === '+' || key === '-') {
      octave += key === '+' ? 1 : -1;
      wanted[0] *= key === '+' ? 2 : 0.5;
    } else if (key === ' ') {
      wanted[1] = 0;
    } else if (KEYS.includes(key)) {
      wanted[0] = 220 * 2 ** (octave + KEYS.indexOf(key) / 12);
      wanted[1] = 0.2;
    }
  }
});
