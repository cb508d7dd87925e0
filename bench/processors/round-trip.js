// node round-trip.js HOME DEVICE FRAMES: frames from playing to hearing, in a duplex stream whose input hears its output: of a
// processor, or, as 'native', of playrec.
import { playrec, Stream } from 'sounddevice';

const [home, device, frames] = process.argv.slice(2);
const blockSize = Number(frames);
const options = { device, channels: 1, blockSize, latency: 'low' };

if (home === 'native') {
  const data = Float32Array.from({ length: 24000 }, (_, n) => (n + 1) / 16777216);
  const heard = (await playrec(data, { ...options, sampleRate: 48000 })).data;
  const first = heard.findIndex((sample) => sample > 0);
  console.log(JSON.stringify({ frames: first + 1 - Math.round(heard[first] * 16777216) }));
} else {
  const processor = ({ port }) => {
    let frame = 0;
    const trips = new Map();
    return (input, output, count) => {
      for (let n = 0; n < count; n++) {
        output[n] = (frame + n + 1) / 16777216;
        if (input[n] > 0) {
          const trip = frame + n + 1 - Math.round(input[n] * 16777216);
          trips.set(trip, (trips.get(trip) ?? 0) + 1);
        }
      }
      frame += count;
      if (frame >= 48000 && frame - count < 48000) port.postMessage([...trips]);
    };
  };
  const stream = new Stream({ ...options, processor, handoff: home }).start();
  const trips = await new Promise((resolve) => stream.once('message', resolve));
  await stream.close();
  // The one that most frames had.
  const [[most]] = trips.sort((one, other) => other[1] - one[1]);
  console.log(JSON.stringify({ frames: most }));
}
