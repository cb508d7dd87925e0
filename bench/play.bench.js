import { output, python, root } from './tools.js';

export const title = 'processor time of a play, both through ALSA to PulseAudio';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 60);
const DEVICE = 'ss_speakers, ALSA';

// Each counts the time of the play alone, without that of loading itself.
const OURS = `
import { play } from 'sounddevice';
const data = new Float32Array(48000 * ${SECONDS}).map((_, n) => Math.sin(n * 0.05) * 0.2);
const before = process.cpuUsage();
await play(data, { sampleRate: 48000, device: '${DEVICE}' });
const used = process.cpuUsage(before);
console.log((used.user + used.system) / 1e6);
`;
const PEER = `
import numpy, sounddevice, time
data = (numpy.sin(numpy.arange(48000 * ${SECONDS}) * 0.05) * 0.2).astype('float32')
before = time.process_time()
sounddevice.play(data, 48000, device='${DEVICE}')
sounddevice.wait()
print(time.process_time() - before)
`;

export async function* run() {
  const used = async (command, args) => Number(await output(command, args, { cwd: root }));
  // Both at once: the same seconds on the same machine.
  const [ours, peer] = await Promise.all([
    used(process.execPath, ['--input-type=module', '-e', OURS]),
    used(python, ['-c', PEER]),
  ]);
  yield { what: `play, ${SECONDS} s`, ours, peer, unit: 's', most: 1 };
}
