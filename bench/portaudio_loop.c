/*
 * portaudio_loop HOST_API OUTPUT INPUT BLOCK SECONDS: duplex on PortAudio alone, as a C program makes it: one stream with one
 * callback and two channels of float32, the devices' low latencies, BLOCK frames or as they come (0). It plays a counter and
 * hears it. HOST_API is PortAudio's number: 8 ALSA, 12 JACK.
 *
 * Prints "runs" once the stream runs, and one line of JSON at the end: the round trip in frames, as the median of the first
 * third and of the last one; how many frames were altered.
 *
 * To compile it:
 *   cc -O2 portaudio_loop.c -o portaudio_loop -l:libportaudio.so.2
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "portaudio.h"

enum { CHANNELS = 2, RATE = 48000, FLOAT32 = 1, ALSA = 8 };
static const float UNIT = 1.0f / 8388608.0f;

static struct {
  int32_t *trips;
  size_t most;
  volatile size_t count;
  uint64_t frames;
  long altered;
} loop;

static int process(const void *input, void *output, unsigned long frames, const void *t, unsigned long f, void *u) {
  const float *in = input;
  float *out = output;
  (void)t, (void)f, (void)u;
  for (unsigned long n = 0; n < frames; n++)
    out[2 * n] = out[2 * n + 1] = (float)(loop.frames + n + 1) * UNIT;
  /* one frame of each block is enough to know the round trip */
  long number = in ? (long)(in[0] / UNIT) : 0;
  if (number > 0 && (in[0] != (float)number * UNIT || in[1] != in[0])) loop.altered++;
  else if (number > 0 && loop.count < loop.most) {
    loop.trips[loop.count] = (int32_t)(loop.frames + 1 - (uint64_t)number);
    loop.count++;
  }
  loop.frames += frames;
  return 0;
}

static void check(int code, const char *what) {
  if (code >= 0) return;
  fprintf(stderr, "portaudio_loop: %s: %s\n", what, Pa_GetErrorText(code));
  exit(1);
}

static int find(int host, const char *name) {
  for (int n = 0; n < Pa_GetDeviceCount(); n++) {
    const device_info *device = Pa_GetDeviceInfo(n);
    if (Pa_GetHostApiInfo(device->host)->type == host && strcmp(device->name, name) == 0) return n;
  }
  fprintf(stderr, "portaudio_loop: no %s\n", name);
  exit(1);
}

static int order(const void *a, const void *b) { return *(const int32_t *)a - *(const int32_t *)b; }

static int32_t median(size_t from, size_t to) {
  if (from >= to) return -1;
  int32_t *sorted = malloc((to - from) * sizeof *sorted);
  memcpy(sorted, loop.trips + from, (to - from) * sizeof *sorted);
  qsort(sorted, to - from, sizeof *sorted, order);
  int32_t middle = sorted[(to - from) / 2];
  free(sorted);
  return middle;
}

int main(int argc, char **argv) {
  if (argc < 6) return fputs("usage: portaudio_loop HOST_API OUTPUT INPUT BLOCK SECONDS\n", stderr), 2;
  int host = atoi(argv[1]);
  double seconds = atof(argv[5]);
  /* the library talks much */
  if (!freopen("/dev/null", "w", stderr)) return 1;
  check(Pa_Initialize(), "initialize");
  int output = find(host, argv[2]), input = find(host, argv[3]);
  parameters out = { output, CHANNELS, FLOAT32, Pa_GetDeviceInfo(output)->low_output, NULL };
  parameters in = { input, CHANNELS, FLOAT32, Pa_GetDeviceInfo(input)->low_input, NULL };
  loop.most = (size_t)(seconds * RATE / 16) + 1;
  loop.trips = malloc(loop.most * sizeof *loop.trips);
  memset(loop.trips, 1, loop.most * sizeof *loop.trips);
  void *stream;
  check(Pa_OpenStream(&stream, &in, &out, RATE, strtoul(argv[4], NULL, 10), 0, process, NULL), "open");
  if (host == ALSA) PaAlsa_EnableRealtimeScheduling(stream, 1);
  check(Pa_StartStream(stream), "start");
  puts("runs");
  fflush(stdout);
  usleep((useconds_t)(seconds * 1e6));
  size_t count = loop.count;
  printf("{\"roundTrip\":%d,\"after\":%d,\"altered\":%ld}\n", median(count / 12, count / 3), median(count - count / 3, count),
         loop.altered);
  fflush(stdout);
  Pa_StopStream(stream);
  Pa_CloseStream(stream);
  Pa_Terminate();
  return 0;
}
