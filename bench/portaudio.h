/* The few things of PortAudio that the programs here use, so that no header of its own is needed. */
typedef struct {
  int version; const char *name; int host, inputs, outputs; double low_input, low_output, high_input, high_output, rate;
} device_info;
typedef struct { int version, type; const char *name; int devices, input, output; } host_info;
typedef struct { int device, channels; unsigned long format; double latency; void *specific; } parameters;
typedef int stream_callback(const void *, void *, unsigned long, const void *, unsigned long, void *);

int Pa_Initialize(void);
int Pa_Terminate(void);
int Pa_GetDeviceCount(void);
const device_info *Pa_GetDeviceInfo(int);
const host_info *Pa_GetHostApiInfo(int);
const char *Pa_GetErrorText(int);
int Pa_OpenStream(void **, const parameters *, const parameters *, double, unsigned long, unsigned long, stream_callback *,
                  void *);
int Pa_StartStream(void *);
int Pa_StopStream(void *);
int Pa_AbortStream(void *);
int Pa_CloseStream(void *);
int Pa_ReadStream(void *, void *, unsigned long);
int Pa_WriteStream(void *, const void *, unsigned long);
double Pa_GetStreamCpuLoad(void *);
void PaAlsa_EnableRealtimeScheduling(void *, int);
