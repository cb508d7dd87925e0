/** Counts frames, from 1, in units of 2^-16, on all channels alike; tells what it was given. */
import { defineOutputProcessor } from 'sounddevice';

export default defineOutputProcessor<unknown, 'float64'>(({ port, ...told }) => {
  let frame = 0;
  port.postMessage(told);
  port.on('message', (value) => {
    if (typeof value === 'number') frame = value;
    else port.postMessage({ back: value });
  });
  return (output, frames) => {
    for (let n = 0; n < output.length; n++) {
      output[n] = (frame + 1 + Math.floor((n * frames) / output.length)) / 65536;
    }
    frame += frames;
  };
});
