// node examples/effect.js [in.wav [out.raw]]: hears a file through an effect in real time, or renders it with the same code.
import { writeFileSync } from 'node:fs';
import { AudioData, OutputStream } from 'sounddevice';
import makeEcho from './processors/echo.js';

const [from = new URL('./data/hello.wav', import.meta.url), to] = process.argv.slice(2);
const { data, channels, frames, sampleRate } = (await AudioData.load(from)).convert('float32');
const tail = 2 * sampleRate;
const options = { delay: 0.2, feedback: 0.4 };

if (to) {
  const input = new Float32Array((frames + tail) * channels);
  input.set(data);
  const output = new Float32Array(input.length);
  const context = { options, sampleRate, channels: [channels, channels], dtype: ['float32', 'float32'] };
  makeEcho(context)(input, output, frames + tail);
  writeFileSync(to, Buffer.from(output.buffer));
  console.log(
    `${to}: ${frames + tail} frames of ${channels} channels, raw 32-bit floats at ${sampleRate} Hz`,
  );
} else {
  // The file goes over in shared memory.
  const shared = new SharedArrayBuffer(data.byteLength);
  new Float32Array(shared).set(data);
  const stream = new OutputStream({
    channels,
    sampleRate,
    processor: new URL('./processors/play-echo.js', import.meta.url),
    processorOptions: { ...options, shared, tail },
  });
  stream.start();
  await stream.finished;
  await stream.close();
}
