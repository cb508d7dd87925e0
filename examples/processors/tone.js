// A tone that is moved while it sounds: frequency and loudness are read from shared memory at every block, and reached
// within it, without a click.
import { defineOutputProcessor } from 'sounddevice';

export default defineOutputProcessor(({ options, sampleRate, channels }) => {
  const wanted = new Float64Array(options.shared); // Hertz, loudness
  let [frequency, loudness] = [wanted[0], 0];
  let phase = 0;
  return (output, frames) => {
    const turn = (wanted[0] - frequency) / frames;
    const swell = (wanted[1] - loudness) / frames;
    for (let n = 0; n < frames; n++) {
      frequency += turn;
      loudness += swell;
      phase = (phase + frequency / sampleRate) % 1;
      const sample = loudness * Math.sin(2 * Math.PI * phase);
      for (let channel = 0; channel < channels; channel++) output[n * channels + channel] = sample;
    }
  };
});
