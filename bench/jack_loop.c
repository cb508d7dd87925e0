/*
 * jack_loop DEVICE SECONDS [STREAMS]: duplex on libjack alone, as little as it takes. Every stream is a client with one process
 * callback and two channels; it plays a counter on DEVICE's ports and records what they capture. Streams beyond the first play
 * silence, for what they would play is added up.
 *
 * Prints one line of JSON: the round trip in frames, how many frames were altered or lost, seconds of processor time.
 *
 * The few functions of libjack are declared here, so that no header is needed to compile this:
 *   cc -O2 jack_loop.c -o jack_loop -l:libjack.so.0
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef struct client client;
typedef struct port port;
enum { NO_START_SERVER = 0x01 };
enum { IS_INPUT = 0x01, IS_OUTPUT = 0x02 };

client *jack_client_open(const char *name, int options, int *status, ...);
int jack_client_close(client *);
int jack_activate(client *);
int jack_deactivate(client *);
int jack_connect(client *, const char *from, const char *to);
port *jack_port_register(client *, const char *name, const char *type, unsigned long flags, unsigned long size);
const char *jack_port_name(const port *);
int jack_port_connected(const port *);
void *jack_port_get_buffer(port *, uint32_t frames);
uint32_t jack_get_sample_rate(client *);
int jack_set_process_callback(client *, int (*)(uint32_t, void *), void *);
int jack_set_xrun_callback(client *, int (*)(void *), void *);

enum { CHANNELS = 2, MOST = 64 };
#define SCALE 16777216.0f

typedef struct {
  client *self;
  port *input[CHANNELS], *output[CHANNELS];
  /* interleaved, as a caller would hold it */
  float *played, *recorded;
  size_t frames, done;
  int live;
  volatile int finished, xruns;
} stream;

static int process(uint32_t frames, void *argument) {
  stream *s = argument;
  float *out[CHANNELS], *in[CHANNELS];
  int connected = 1;
  for (int c = 0; c < CHANNELS; c++) {
    out[c] = jack_port_get_buffer(s->output[c], frames);
    in[c] = jack_port_get_buffer(s->input[c], frames);
    if (!s->live) connected = connected && jack_port_connected(s->output[c]) && jack_port_connected(s->input[c]);
  }
  s->live = connected;
  size_t left = s->live ? s->frames - s->done : 0, count = frames < left ? frames : left;
  for (size_t n = 0; n < count; n++)
    for (int c = 0; c < CHANNELS; c++) {
      s->recorded[(s->done + n) * CHANNELS + c] = in[c][n];
      out[c][n] = s->played[(s->done + n) * CHANNELS + c];
    }
  for (int c = 0; c < CHANNELS; c++) memset(out[c] + count, 0, (frames - count) * sizeof(float));
  s->done += count;
  if (s->done == s->frames) s->finished = 1;
  return 0;
}

static int xrun(void *argument) {
  ((stream *)argument)->xruns++;
  return 0;
}

static double processor_time(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what) {
  fprintf(stderr, "jack_loop: %s\n", what);
  exit(1);
}

static void open_stream(stream *s, const char *device, double seconds, int sounds) {
  char name[300];
  s->self = jack_client_open("jack_loop", NO_START_SERVER, NULL);
  if (!s->self) fail("no server");
  s->frames = (size_t)(seconds * jack_get_sample_rate(s->self));
  s->played = calloc(s->frames * CHANNELS, sizeof(float));
  s->recorded = malloc(s->frames * CHANNELS * sizeof(float));
  if (!s->played || !s->recorded) fail("no memory");
  /* a page that is touched for the first time in the callback would cost time there */
  memset(s->recorded, 1, s->frames * CHANNELS * sizeof(float));
  for (size_t n = 0; sounds && n < s->frames * CHANNELS; n++) s->played[n] = (float)(n / CHANNELS + 1) / SCALE;
  for (int c = 0; c < CHANNELS; c++) {
    snprintf(name, sizeof name, "input_%d", c + 1);
    s->input[c] = jack_port_register(s->self, name, "32 bit float mono audio", IS_INPUT, 0);
    snprintf(name, sizeof name, "output_%d", c + 1);
    s->output[c] = jack_port_register(s->self, name, "32 bit float mono audio", IS_OUTPUT, 0);
    if (!s->input[c] || !s->output[c]) fail("no port");
  }
  jack_set_process_callback(s->self, process, s);
  jack_set_xrun_callback(s->self, xrun, s);
  if (jack_activate(s->self)) fail("not activated");
  for (int c = 0; c < CHANNELS; c++) {
    snprintf(name, sizeof name, "%s:capture_%d", device, c + 1);
    if (jack_connect(s->self, name, jack_port_name(s->input[c]))) fail("not connected");
    snprintf(name, sizeof name, "%s:playback_%d", device, c + 1);
    if (jack_connect(s->self, jack_port_name(s->output[c]), name)) fail("not connected");
  }
}

int main(int argc, char **argv) {
  static stream streams[MOST];
  if (argc < 3) fail("DEVICE SECONDS [STREAMS]");
  int count = argc > 3 ? atoi(argv[3]) : 1;
  if (count < 1 || count > MOST) fail("between 1 and 64 streams");
  for (int k = 0; k < count; k++) open_stream(&streams[k], argv[1], atof(argv[2]), k == 0);
  double before = processor_time();
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  for (int k = 0; k < count; k++)
    while (!streams[k].finished) usleep(20000);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  int xruns = 0;
  for (int k = 0; k < count; k++) {
    xruns += streams[k].xruns;
    jack_deactivate(streams[k].self);
    jack_client_close(streams[k].self);
  }
  double used = processor_time() - before;

  /* what the first one heard */
  stream *s = &streams[0];
  long round_trip = -1, altered = 0, lost = 0, expected = 0;
  for (size_t n = 0; n < s->frames; n++) {
    float *frame = s->recorded + n * CHANNELS;
    if (frame[0] == 0 && frame[1] == 0 && round_trip < 0) continue;
    long number = (long)(frame[0] * SCALE) - 1;
    if (number < 0 || frame[0] != (number + 1) / SCALE || frame[1] != frame[0]) {
      altered++;
      continue;
    }
    if (round_trip < 0) round_trip = (long)n - number;
    else lost += labs(number - expected);
    expected = number + 1;
  }
  double wall = (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) / 1e9;
  printf("{\"roundTrip\":%ld,\"altered\":%ld,\"lost\":%ld,\"xruns\":%d,\"processor\":%.4f,\"seconds\":%.3f}\n",
         round_trip, altered, lost, xruns, used, wall);
  return 0;
}
