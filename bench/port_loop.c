/* A duplex loop through PortAudio: numbered frames are played and the numbers that come back are looked at.
 *
 *   port_loop OUTPUT INPUT callback|blocking BLOCK SECONDS [STREAMS [TELL]]
 *
 * Devices are named by "HOST API:NAME", as far as the host API's name begins so. Streams beyond the first play silence, for
 * what they would play is added up. Prints one line of JSON, as the benchmark `streams` of the crate does; with TELL, "begun"
 * comes before it as soon as something has come back.
 * To compile it:
 *   cc -O2 port_loop.c -o port_loop -l:libportaudio.so.2
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <signal.h>
#include <unistd.h>

#include "portaudio.h"

enum { CHANNELS = 2, MOST = 64, LONGEST = 4096, SAMPLES = 4096 };
static const float unit = 1.0f / 16777216.0f;

typedef struct {
  void *self;
  int sounds;
  uint64_t read, made, last, lost, altered, trip, next;
  uint32_t trips[SAMPLES], count;
  volatile int xruns, begun;
  int rate;
} stream;

static void hear(stream *s, const float *in, unsigned long frames) {
  for (unsigned long i = 0; i < frames; i++, s->read++) {
    uint64_t number = (uint64_t)(in[2 * i] / unit);
    if (number == 0 || !s->sounds) continue;
    if (number <= s->last || in[2 * i] != in[2 * i + 1] || in[2 * i] != (float)number * unit) {
      s->altered++;
      continue;
    }
    if (s->last) s->lost += number - s->last - 1;
    s->last = number;
    s->trip = s->read + 1 - number;
    s->begun = 1;
    if (s->read >= s->next && s->count < SAMPLES) {
      s->trips[s->count++] = (uint32_t)s->trip;
      s->next = s->read + s->rate / 10;
    }
  }
}

static void make(stream *s, float *out, unsigned long frames) {
  for (unsigned long i = 0; i < frames; i++) out[2 * i] = out[2 * i + 1] = s->sounds ? (float)(++s->made) * unit : 0;
}

static int callback(const void *in, void *out, unsigned long frames, const void *time, unsigned long flags, void *user) {
  stream *s = user;
  (void)time;
  s->xruns += (flags & 15) != 0;
  hear(s, in, frames);
  make(s, out, frames);
  return 0;
}

static void fail(const char *what) {
  fprintf(stderr, "port_loop: %s\n", what);
  exit(1);
}

static void done(int number) {
  (void)number;
  _exit(0);
}

static int find(const char *name, int inputs) {
  const char *colon = strchr(name, ':');
  if (!colon) fail("devices are HOST API:NAME");
  for (int d = 0; d < Pa_GetDeviceCount(); d++) {
    const device_info *info = Pa_GetDeviceInfo(d);
    if ((inputs ? info->inputs : info->outputs) < CHANNELS || strcmp(info->name, colon + 1)) continue;
    if (!strncmp(Pa_GetHostApiInfo(info->host)->name, name, colon - name)) return d;
  }
  fail("no such device");
  return -1;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static double processor_time(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  static stream streams[MOST];
  if (argc < 6) fail("OUTPUT INPUT callback|blocking BLOCK SECONDS [STREAMS [TELL]]");
  int blocking = !strcmp(argv[3], "blocking"), count = argc > 6 ? atoi(argv[6]) : 1, tell = argc > 7;
  unsigned long block = strtoul(argv[4], NULL, 10);
  double seconds = atof(argv[5]);
  if (count < 1 || count > MOST || block > LONGEST) fail("at most 64 streams and 4096 frames");
  signal(SIGALRM, done);
  /* PortAudio and libjack are chatty */
  int out = dup(1);
  dup2(2, 1);
  if (Pa_Initialize()) fail("not initialized");
  int output = find(argv[1], 0), input = find(argv[2], 1);
  double rate = Pa_GetDeviceInfo(output)->rate;
  if (rate != 48000) rate = 48000;
  parameters in = {input, CHANNELS, 1, Pa_GetDeviceInfo(input)->low_input, NULL};
  parameters to = {output, CHANNELS, 1, Pa_GetDeviceInfo(output)->low_output, NULL};
  for (int k = 0; k < count; k++) {
    stream *s = &streams[k];
    s->sounds = k == 0;
    s->rate = (int)rate;
    int error = Pa_OpenStream(&s->self, &in, &to, rate, block, 0, blocking ? NULL : callback, s);
    if (error || (error = Pa_StartStream(s->self))) {
      fprintf(stderr, "port_loop: PortAudio's error %d\n", error);
      return 1;
    }
  }
  double before = processor_time(), began = now();
  int told = !tell;
  static float samples[LONGEST * CHANNELS];
  while (now() - began < seconds) {
    if (blocking) {
      Pa_ReadStream(streams[0].self, samples, block);
      hear(&streams[0], samples, block);
      make(&streams[0], samples, block);
      Pa_WriteStream(streams[0].self, samples, block);
    } else usleep(20000);
    if (!told && streams[0].begun) told = dprintf(out, "begun\n") > 0;
  }
  double used = processor_time() - before, wall = now() - began, load = Pa_GetStreamCpuLoad(streams[0].self);
  int xruns = 0;
  for (int k = 0; k < count; k++) xruns += streams[k].xruns;
  stream *s = &streams[0];
  dprintf(out, "{\"altered\":%llu,\"lost\":%llu,\"xruns\":%d,\"processor\":%.4f,\"seconds\":%.3f,\"load\":%.4f,\"trips\":[",
          (unsigned long long)s->altered, (unsigned long long)s->lost, xruns, used, wall, load);
  for (uint32_t n = 0; n < s->count; n++) dprintf(out, n ? ",%u" : "%u", s->trips[n]);
  qsort(s->trips, s->count, sizeof *s->trips, ascending);
  dprintf(out, "],\"roundTrip\":%ld}\n", s->count ? (long)s->trips[s->count / 2] : -1L);
  /* a server that is left without a word is deaf to others for a while; closing may hang where it was paused */
  alarm(2);
  for (int k = 0; k < count; k++) {
    Pa_AbortStream(streams[k].self);
    Pa_CloseStream(streams[k].self);
  }
  Pa_Terminate();
  _exit(0);
}
