// An echo: what was heard `delay` seconds ago is heard again, quieter, and again. A processor; and since it is no more than
// a function that makes a callback, it renders offline too.
import { defineProcessor } from 'sounddevice';

export default defineProcessor(({ options, sampleRate, channels: [channels] }) => {
  const { delay = 0.25, feedback = 0.5 } = options ?? {};
  const line = new Float32Array(Math.max(1, Math.round(delay * sampleRate)) * channels);
  let place = 0;
  return (input, output) => {
    for (let n = 0; n < input.length; n++) {
      const sample = input[n] + feedback * line[place];
      line[place] = sample;
      output[n] = sample;
      place = place + 1 === line.length ? 0 : place + 1;
    }
  };
});
