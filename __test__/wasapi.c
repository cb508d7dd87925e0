/* What PortAudio looks like to who opens it on Windows: one host API, WASAPI, with one device, whose input is silent. It writes
 * how it is asked for streams into the file that STAND_IN names. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WASAPI = 13, INPUTS = 1, OUTPUTS = 2, FRAMES = 480, OTHER_SETTINGS = -9984 };

typedef struct { int version, kind; const char *name; int devices, input, output; } HostApi;
typedef struct { int version; const char *name; int host_api, inputs, outputs; double latencies[4], rate; } Device;
/* as it was up to 19.7 */
typedef struct {
  unsigned long size; int kind; unsigned long version, flags, mask; void *processors[2]; int priority, category, option;
} Settings;
typedef struct { int device, channels; unsigned long format; double latency; const Settings *settings; } Side;
typedef struct { double adc, now, dac; } Times;
typedef int (*Callback)(const void *, void *, unsigned long, const Times *, unsigned long, void *);
typedef struct { int version; double input, output, rate; } Info;
typedef struct { Callback callback; void *argument; int inputs, outputs; Info info; pthread_t thread; atomic_int runs; } Stream;

static const HostApi host_api = {1, WASAPI, "Windows WASAPI", 1, 0, 0};
static const Device device = {2, "Speakers", 0, INPUTS, OUTPUTS, {0.02, 0.02, 0.04, 0.04}, 48000};

static void tell(FILE *file, const char *name, const Side *side) {
  if (side && side->settings)
    fprintf(file, " %s %d flags %lu", name, side->channels, side->settings->flags);
  else if (side)
    fprintf(file, " %s %d", name, side->channels);
}

static int knows(const Side *side) {
  const Settings *settings = side ? side->settings : NULL;
  return !settings || (settings->size == sizeof *settings && settings->kind == WASAPI && settings->version == 1);
}

static int asked(const char *what, const Side *input, const Side *output) {
  if (!knows(input) || !knows(output)) return OTHER_SETTINGS;
  FILE *file = fopen(getenv("STAND_IN"), "a");
  if (!file) abort();
  fputs(what, file);
  tell(file, "input", input);
  tell(file, "output", output);
  fputs("\n", file);
  fclose(file);
  return 0;
}

int Pa_GetVersion(void) { return 0x130700; }
const char *Pa_GetVersionText(void) { return "PortAudio stand-in"; }
const char *Pa_GetErrorText(int error) { return error == OTHER_SETTINGS ? "Incompatible settings" : "Error"; }
int Pa_Initialize(void) { return 0; }
int Pa_Terminate(void) { return 0; }
int Pa_GetHostApiCount(void) { return 1; }
const HostApi *Pa_GetHostApiInfo(int index) { return index == 0 ? &host_api : NULL; }
int Pa_HostApiDeviceIndexToDeviceIndex(int host, int index) { return host == 0 && index == 0 ? 0 : -1; }
const Device *Pa_GetDeviceInfo(int index) { return index == 0 ? &device : NULL; }
const void *Pa_GetLastHostErrorInfo(void) { return NULL; }

int Pa_IsFormatSupported(const Side *input, const Side *output, double rate) {
  (void)rate;
  return asked("check", input, output);
}

static void *run(void *argument) {
  Stream *stream = argument;
  float input[FRAMES * INPUTS], output[FRAMES * OUTPUTS];
  while (stream->runs) {
    memset(input, 0, sizeof input);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = now.tv_sec + now.tv_nsec / 1e9;
    Times times = {seconds - 0.01, seconds, seconds + 0.01};
    stream->callback(stream->inputs ? input : NULL, stream->outputs ? output : NULL, FRAMES, &times, 0, stream->argument);
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  return NULL;
}

int Pa_OpenStream(Stream **opened, const Side *input, const Side *output, double rate, unsigned long frames,
                  unsigned long flags, Callback callback, void *argument) {
  (void)frames, (void)flags;
  int error = asked("open", input, output);
  if (error) return error;
  Stream *stream = calloc(1, sizeof *stream);
  stream->callback = callback;
  stream->argument = argument;
  stream->inputs = input ? input->channels : 0;
  stream->outputs = output ? output->channels : 0;
  stream->info = (Info){1, 0.01, 0.01, rate};
  *opened = stream;
  return 0;
}

int Pa_SetStreamFinishedCallback(Stream *stream, void *callback) { (void)stream, (void)callback; return 0; }
const Info *Pa_GetStreamInfo(Stream *stream) { return &stream->info; }

int Pa_StartStream(Stream *stream) {
  stream->runs = 1;
  return pthread_create(&stream->thread, NULL, run, stream) ? -9999 : 0;
}

int Pa_StopStream(Stream *stream) {
  if (atomic_exchange(&stream->runs, 0)) pthread_join(stream->thread, NULL);
  return 0;
}

int Pa_CloseStream(Stream *stream) {
  Pa_StopStream(stream);
  free(stream);
  return 0;
}
