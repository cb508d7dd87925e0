# python subject.py DEVICE FRAMES SECONDS LOAD: as subject.js does, with the original.
import sys, threading, time
import numpy, sounddevice

device, frames, seconds, load = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
place = 0


def callback(output, count, _time, _status):
    global place
    output[:, 0] = numpy.arange(place + 1, place + count + 1, dtype='float32') / 16777216
    place += count


stream = sounddevice.OutputStream(device=device, channels=1, blocksize=frames, latency='low', callback=callback)
with stream:
    print('ready', flush=True)
    end = time.monotonic() + seconds
    garbage = []
    if load == 'busy':
        while time.monotonic() < end:
            until = time.monotonic() + 0.02
            while time.monotonic() < until:
                for n in range(200):
                    garbage.append({'n': n, 'text': f'x{n}', 'pair': [n, n]})
                if len(garbage) > 20000:
                    garbage = []
            time.sleep(0.005)
    else:
        time.sleep(seconds)
