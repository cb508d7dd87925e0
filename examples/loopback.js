// Records what a speaker plays: node examples/loopback.js [part of the speaker's name]
import { allMicrophones, defaultSpeaker, getSpeaker } from 'sounddevice';

const speaker = process.argv[2] ? getSpeaker(process.argv[2]) : defaultSpeaker();
const loopback = allMicrophones({ includeLoopback: true }).find(
  ({ isLoopback, name }) => isLoopback && name.includes(speaker.name),
);
if (!loopback) {
  console.log(`Nothing here hears ${speaker}`);
  process.exit(1);
}
console.log(`${speaker} is heard by ${loopback}`);

const sampleRate = 48000;
const tone = Float32Array.from({ length: sampleRate / 2 }, (_, n) => 0.2 * Math.sin(n * 0.05));
const recorder = loopback.recorder({ sampleRate, channels: ['mono'] });
await speaker.play(tone, { sampleRate });
const { data, duration } = recorder.flush();
await recorder.close();
const peak = data.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
console.log(`${duration.toFixed(2)} s, peak ${peak.toFixed(3)}`);
