/* Does not compile where layout.h is wrong: see there. */
#include <stddef.h>
#include "portaudio.h"
#if __has_include("pa_asio.h")
#include "pa_asio.h"
#endif
/* Wants headers of Apple's, of which scripts/portaudio-layout.sh has what it takes. */
#if __has_include("pa_mac_core.h") && __has_include(<AudioToolbox/AudioToolbox.h>)
#include "pa_mac_core.h"
#endif
#if __has_include("pa_win_wasapi.h")
#include "pa_win_wasapi.h"
#endif

#define EXPECTED(wide, narrow) (sizeof(long) == sizeof(void *) ? (wide) : (narrow))
#define SIZE(type, wide, narrow) _Static_assert(sizeof(type) == EXPECTED(wide, narrow), #type);
#define OFFSET(type, member, wide, narrow) \
  _Static_assert(offsetof(type, member) == EXPECTED(wide, narrow), #type "." #member);
#include "layout.h"

#define VALUE(name, value) _Static_assert((name) == (value), #name);
VALUE(paNoDevice, -1)
VALUE(paUnanticipatedHostError, -9999)
VALUE(paIncompatibleHostApiSpecificStreamInfo, -9984)
VALUE(paFloat32, 0x01)
VALUE(paInt32, 0x02)
VALUE(paInt24, 0x04)
VALUE(paInt16, 0x08)
VALUE(paClipOff | paDitherOff, 0x03)
VALUE(paContinue, 0)
VALUE(paAbort, 2)
VALUE(paALSA, 8)
VALUE(paJACK, 12)
VALUE(paASIO, 3)
VALUE(paCoreAudio, 5)
VALUE(paWASAPI, 13)
#ifdef PA_ASIO_H
VALUE(paAsioUseChannelSelectors, 0x01)
#endif
#ifdef PA_MAC_CORE_H
VALUE(paMacCoreChangeDeviceParameters, 0x01)
VALUE(paMacCoreFailIfConversionRequired, 0x02)
VALUE(paMacCoreConversionQualityMin, 0x0100)
VALUE(paMacCoreConversionQualityMedium, 0x0200)
VALUE(paMacCoreConversionQualityLow, 0x0300)
VALUE(paMacCoreConversionQualityHigh, 0x0400)
VALUE(paMacCoreConversionQualityMax, 0x0000)
#endif
#ifdef PA_WIN_WASAPI_H
VALUE(paWinWasapiExclusive, 1 << 0)
#endif
#ifdef paWinWasapiExplicitSampleFormat
VALUE(paWinWasapiExplicitSampleFormat, 1 << 5)
VALUE(paWinWasapiAutoConvert, 1 << 6)
#endif
