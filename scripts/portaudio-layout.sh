#!/usr/bin/env bash
# Compares crates/core/src/backend/portaudio/layout.h with PortAudio's headers, with the C compiler of this system and, where
# there is one, with MinGW's.
#
#   scripts/portaudio-layout.sh [FOLDER]   the headers of PortAudio's sources (their folder include); without one the sources
#                                          are fetched with apt-get, which has to know of any (deb-src)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

headers=${1:-}
if [ -z "$headers" ]; then
  (cd "$work" && apt-get source -qq portaudio19 >/dev/null 2>&1) ||
    { echo 'portaudio-layout: apt-get knows no sources of portaudio19; name the folder of the headers' >&2; exit 3; }
  headers=$(echo "$work"/portaudio19-*/include)
fi
[ -r "$headers/portaudio.h" ] || { echo "portaudio-layout: no portaudio.h in $headers" >&2; exit 2; }

# of Apple's headers all that pa_mac_core.h uses
mkdir -p "$work"/apple/{CoreAudio,AudioUnit,AudioToolbox}
echo '#include <stdbool.h>
typedef int SInt32; typedef unsigned AudioDeviceID;' >"$work/apple/CoreAudio/CoreAudio.h"
echo '#include <CoreAudio/CoreAudio.h>' |
  tee "$work/apple/AudioUnit/AudioUnit.h" "$work/apple/CoreAudio/AudioHardware.h" "$work/apple/AudioToolbox/AudioToolbox.h" >/dev/null

checked=0
for compiler in "${CC:-cc}" x86_64-w64-mingw32-gcc x86_64-w64-mingw32-gcc-posix; do
  command -v "$compiler" >/dev/null || continue
  "$compiler" -std=c11 -fsyntax-only -I"$headers" -I"$work/apple" crates/core/src/backend/portaudio/layout.c
  echo "portaudio-layout: as $compiler sees $headers"
  checked=$((checked + 1))
done
[ $checked != 0 ]
