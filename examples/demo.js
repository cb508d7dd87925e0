// What `npm start` shows: the devices, a spoken sentence played and recorded back, and how that went.
import { AudioData, play, playrec, queryDevices } from 'sounddevice';

console.log(`${queryDevices()}\n`);

const sentence = await AudioData.load(new URL('./data/hello.wav', import.meta.url));
/** Plays, and records what is heard where there is an input. */
function start() {
  try {
    return playrec(sentence, { channels: 1, align: true });
  } catch (error) {
    console.log(`not recorded: ${error.message}`);
    return play(sentence);
  }
}
const job = start();
const progress = setInterval(() => {
  const part = job.position / job.frames;
  process.stdout.write(
    `\rplaying ${'#'.repeat(Math.round(part * 40)).padEnd(40, '.')} ${Math.round(part * 100)} %`,
  );
}, 100);
const heard = await job;
clearInterval(progress);
const recorded = heard instanceof AudioData ? `, recorded ${heard.frames}` : '';
console.log(`\rplayed ${sentence.frames} frames at ${sentence.sampleRate} Hz${recorded}${' '.repeat(30)}\n`);

const show = (name, audio) => {
  const samples = audio.convert('float32').channel(0);
  const columns = 72;
  const size = Math.max(1, Math.floor(samples.length / columns));
  const peaks = Array.from({ length: columns }, (_, column) =>
    samples
      .subarray(column * size, (column + 1) * size)
      .reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0),
  );
  const peak = Math.max(...peaks);
  const level = peak > 0 ? `${(20 * Math.log10(peak)).toFixed(1)} dB` : 'silence';
  const bars = peaks.map((value) => ' ▁▂▃▄▅▆▇█'[Math.ceil((value / (peak || 1)) * 8)]);
  console.log(`${name.padEnd(9)} peak ${level}\n${bars.join('')}\n`);
};
show('played', sentence);
if (heard instanceof AudioData) show('recorded', heard);
if (job.status.any) console.log(`flags: ${job.status}`);
