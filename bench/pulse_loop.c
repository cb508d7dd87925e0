/* A loop through PulseAudio as a good C program makes it: two streams of libpulse joined in one callback.
 *
 *   cc -O2 -o pulse_loop pulse_loop.c -l:libpulse.so.0 && ./pulse_loop SINK SOURCE [BLOCK [SECONDS]]
 *
 * The server asks for output; as many frames of input as it wants are taken from what has been captured, numbered frames
 * are written, and the numbers that come back tell the round trip. Prints one line of JSON, as benches/duplex.rs does.
 * The declarations are here, so that it builds without libpulse's headers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include <sched.h>

typedef struct pa_threaded_mainloop pa_threaded_mainloop;
typedef struct pa_context pa_context;
typedef struct pa_stream pa_stream;
typedef struct { int format; uint32_t rate; uint8_t channels; } pa_sample_spec;
typedef struct { uint32_t maxlength, tlength, prebuf, minreq, fragsize; } pa_buffer_attr;

pa_threaded_mainloop *pa_threaded_mainloop_new(void);
int pa_threaded_mainloop_start(pa_threaded_mainloop *);
void pa_threaded_mainloop_lock(pa_threaded_mainloop *);
void pa_threaded_mainloop_unlock(pa_threaded_mainloop *);
void pa_threaded_mainloop_wait(pa_threaded_mainloop *);
void pa_threaded_mainloop_signal(pa_threaded_mainloop *, int);
void *pa_threaded_mainloop_get_api(pa_threaded_mainloop *);
pa_context *pa_context_new(void *, const char *);
int pa_context_connect(pa_context *, const char *, int, const void *);
int pa_context_get_state(const pa_context *);
void pa_context_set_state_callback(pa_context *, void (*)(pa_context *, void *), void *);
pa_stream *pa_stream_new(pa_context *, const char *, const pa_sample_spec *, const void *);
int pa_stream_get_state(const pa_stream *);
void pa_stream_set_state_callback(pa_stream *, void (*)(pa_stream *, void *), void *);
void pa_stream_set_write_callback(pa_stream *, void (*)(pa_stream *, size_t, void *), void *);
void pa_stream_set_read_callback(pa_stream *, void (*)(pa_stream *, size_t, void *), void *);
int pa_stream_connect_playback(pa_stream *, const char *, const pa_buffer_attr *, int, const void *, pa_stream *);
int pa_stream_connect_record(pa_stream *, const char *, const pa_buffer_attr *, int);
int pa_stream_write(pa_stream *, const void *, size_t, void (*)(void *), int64_t, int);
int pa_stream_peek(pa_stream *, const void **, size_t *);
int pa_stream_drop(pa_stream *);

enum { FLOAT32LE = 5, CONTEXT_READY = 4, CONTEXT_FAILED = 5, STREAM_READY = 2, STREAM_FAILED = 3 };
enum { ADJUST_LATENCY = 0x2000, FRAME = 2 * sizeof(float), RATE = 48000, HELD = 1 << 16 };
static const float unit = 1.0f / 8388608.0f;

static pa_threaded_mainloop *loop;
static float held[HELD * 2];
static uint64_t captured, taken, made, last, lost, altered, trips;
static uint32_t *trip;
static uint64_t most;
static int raised;

static void news(pa_context *c, void *u) { (void)c; (void)u; pa_threaded_mainloop_signal(loop, 0); }
static void stream_news(pa_stream *s, void *u) { (void)s; (void)u; pa_threaded_mainloop_signal(loop, 0); }

static void capture(pa_stream *s, size_t bytes, void *u) {
  const void *data;
  (void)u;
  while (pa_stream_peek(s, &data, &bytes) >= 0 && bytes > 0) {
    const float *samples = data;
    for (size_t i = 0; i < bytes / FRAME; i++, captured++)
      for (int c = 0; c < 2; c++) held[captured % HELD * 2 + c] = samples ? samples[2 * i + c] : 0;
    pa_stream_drop(s);
  }
}

/* the one callback for both directions */
static void callback(const float *in, float *out, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    uint64_t position = made + i, number = (uint64_t)(in[2 * i] / unit);
    if (number > 0) {
      if (number <= last || in[2 * i] != in[2 * i + 1] || in[2 * i] != (float)number * unit) altered++;
      else {
        if (last) lost += number - last - 1;
        last = number;
        if (trips < most) trip[trips++] = (uint32_t)(position + 1 - number);
      }
    }
    out[2 * i] = out[2 * i + 1] = (float)(position + 1) * unit;
  }
  made += frames;
}

static void playback(pa_stream *s, size_t bytes, void *u) {
  static float in[HELD * 2], out[HELD * 2];
  size_t frames = bytes / FRAME;
  (void)u;
  if (!raised) {
    struct sched_param p = {.sched_priority = 10};
    raised = 1;
    sched_setscheduler(0, SCHED_FIFO, &p);
  }
  if (frames > HELD) frames = HELD;
  for (size_t i = 0; i < frames; i++, taken += taken < captured)
    for (int c = 0; c < 2; c++) in[2 * i + c] = taken < captured ? held[taken % HELD * 2 + c] : 0;
  /* what has waited longer than two requests is only delay */
  if (captured - taken > 2 * frames) taken = captured - frames;
  callback(in, out, frames);
  pa_stream_write(s, out, frames * FRAME, NULL, 0, 0);
}

static double cpu(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void opened(pa_stream *s) {
  int state;
  while ((state = pa_stream_get_state(s)) != STREAM_READY) {
    if (state >= STREAM_FAILED) exit((fputs("no stream\n", stderr), 1));
    pa_threaded_mainloop_wait(loop);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return fputs("usage: pulse_loop SINK SOURCE [BLOCK [SECONDS]]\n", stderr), 2;
  uint32_t block = argc > 3 ? (uint32_t)atoi(argv[3]) : 128, none = UINT32_MAX;
  double seconds = argc > 4 ? atof(argv[4]) : 5;
  most = (uint64_t)(seconds * RATE * 2);
  trip = malloc(most * sizeof *trip);
  loop = pa_threaded_mainloop_new();
  pa_context *context = pa_context_new(pa_threaded_mainloop_get_api(loop), "pulse_loop");
  pa_context_set_state_callback(context, news, NULL);
  double before = cpu();
  pa_threaded_mainloop_lock(loop);
  pa_threaded_mainloop_start(loop);
  pa_context_connect(context, NULL, 1, NULL);
  for (int state; (state = pa_context_get_state(context)) != CONTEXT_READY;) {
    if (state >= CONTEXT_FAILED) return fputs("no server\n", stderr), 1;
    pa_threaded_mainloop_wait(loop);
  }
  pa_sample_spec spec = {FLOAT32LE, RATE, 2};
  pa_buffer_attr in = {none, none, none, none, block * FRAME}, out = {none, 2 * block * FRAME, none, block * FRAME, none};
  pa_stream *record = pa_stream_new(context, "capture", &spec, NULL), *play = pa_stream_new(context, "playback", &spec, NULL);
  pa_stream_set_state_callback(record, stream_news, NULL);
  pa_stream_set_state_callback(play, stream_news, NULL);
  pa_stream_set_read_callback(record, capture, NULL);
  pa_stream_set_write_callback(play, playback, NULL);
  pa_stream_connect_record(record, argv[2], &in, ADJUST_LATENCY);
  opened(record);
  pa_stream_connect_playback(play, argv[1], &out, ADJUST_LATENCY, NULL, NULL);
  opened(play);
  pa_threaded_mainloop_unlock(loop);
  usleep((useconds_t)(seconds * 1e6));
  pa_threaded_mainloop_lock(loop);
  double used = cpu() - before;
  qsort(trip, trips, sizeof *trip, ascending);
  printf("{\"median\":%u,\"lost\":%llu,\"altered\":%llu,\"processor\":%.4f}\n", trips ? trip[trips / 2] : 0,
         (unsigned long long)lost, (unsigned long long)altered, used);
  fflush(stdout);
  _exit(0);
}
