// Plays samples from shared memory through the echo, then lets it fade for `tail` frames.
import { COMPLETE, defineOutputProcessor } from 'sounddevice';
import makeEcho from './echo.js';

export default defineOutputProcessor((context) => {
  const { options, channels } = context;
  const samples = new Float32Array(options.shared);
  const end = samples.length + options.tail * channels;
  const echo = makeEcho({ ...context, channels: [channels, channels] });
  const input = new Float32Array(context.blockSize * channels);
  let place = 0;
  return (output) => {
    input.fill(0).set(samples.subarray(place, place + output.length));
    echo(input, output);
    place += output.length;
    return place < end ? undefined : COMPLETE;
  };
});
