// What all subjects play: frame n is (n + 1) / 2^24. A processor.
export default ({ options, port }) => {
  let frame = 0;
  let calls = 0;
  port.on('message', () => port.postMessage({ calls, heap: process.memoryUsage().heapUsed }));
  const silent = options?.silent;
  return (output, frames) => {
    calls++;
    if (silent) return;
    for (let n = 0; n < frames; n++) output[n] = ++frame / 16777216;
  };
};
