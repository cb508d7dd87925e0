/*
 * jackloop NAME CHANNELS: a JACK client that looks like a sound card whose outputs are wired to its inputs.
 *
 * What arrives at NAME:playback_N leaves NAME:capture_N in the same cycle. Both are physical and terminal,
 * so clients take them for hardware; the server runs player, then jackloop, then recorder. So the ports have no
 * latency of their own: a client that does both hears itself one period later, which is the server's doing.
 *
 * The few functions of libjack are declared here, so that no header is needed to compile this:
 *   cc -O2 jackloop.c -o jackloop -l:libjack.so.0
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct client client;
typedef struct port port;
typedef struct { uint32_t min, max; } latency_range;
enum { NO_START_SERVER = 0x01, USE_EXACT_NAME = 0x02 };
enum { IS_INPUT = 0x01, IS_OUTPUT = 0x02, IS_PHYSICAL = 0x04, IS_TERMINAL = 0x10 };

client *jack_client_open(const char *name, int options, int *status, ...);
int jack_client_close(client *);
int jack_activate(client *);
port *jack_port_register(client *, const char *name, const char *type, unsigned long flags, unsigned long size);
void *jack_port_get_buffer(port *, uint32_t frames);
void jack_port_set_latency_range(port *, int mode, latency_range *);
int jack_set_process_callback(client *, int (*)(uint32_t, void *), void *);
int jack_set_latency_callback(client *, void (*)(int, void *), void *);
void jack_on_shutdown(client *, void (*)(void *), void *);

enum { MAX_CHANNELS = 64 };
static port *playback[MAX_CHANNELS], *capture[MAX_CHANNELS];
static int channels = 2;
static volatile sig_atomic_t leaving;

static int process(uint32_t frames, void *unused) {
  (void)unused;
  for (int i = 0; i < channels; i++)
    memcpy(jack_port_get_buffer(capture[i], frames), jack_port_get_buffer(playback[i], frames), frames * sizeof(float));
  return 0;
}

/* Without this, libjack would pass on to one side what is connected to the other one. */
static void set_latency(int mode, void *unused) {
  (void)unused;
  latency_range none = {0, 0};
  for (int i = 0; i < channels; i++) {
    jack_port_set_latency_range(playback[i], mode, &none);
    jack_port_set_latency_range(capture[i], mode, &none);
  }
}

static void on_signal(int number) { (void)number; leaving = 1; }
static void on_shutdown(void *unused) { (void)unused; leaving = 1; }

static port *add_port(client *self, const char *kind, int number, unsigned long direction) {
  char name[32];
  snprintf(name, sizeof name, "%s_%d", kind, number);
  return jack_port_register(self, name, "32 bit float mono audio", direction | IS_PHYSICAL | IS_TERMINAL, 0);
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "loop-system";
  if (argc > 2) channels = atoi(argv[2]);
  if (channels < 1 || channels > MAX_CHANNELS) {
    fprintf(stderr, "jackloop: between 1 and %d channels, not %s\n", MAX_CHANNELS, argv[2]);
    return 2;
  }

  client *self = jack_client_open(name, NO_START_SERVER | USE_EXACT_NAME, NULL);
  if (!self) return 1;
  for (int i = 0; i < channels; i++) {
    playback[i] = add_port(self, "playback", i + 1, IS_INPUT);
    capture[i] = add_port(self, "capture", i + 1, IS_OUTPUT);
    if (!playback[i] || !capture[i]) return 1;
  }
  jack_set_process_callback(self, process, NULL);
  jack_set_latency_callback(self, set_latency, NULL);
  jack_on_shutdown(self, on_shutdown, NULL);
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  if (jack_activate(self)) return 1;
  while (!leaving) usleep(50000);
  jack_client_close(self);
  return 0;
}
