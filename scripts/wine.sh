#!/usr/bin/env bash
# Builds the core for Windows and runs its tests under Wine, whose WASAPI plays into a PulseAudio of its own: those of jobs on
# the virtual host, and those of WASAPI.
#
#   scripts/wine.sh        needs scripts/cross.sh setup, and the packages wine64, gcc-mingw-w64-x86-64-posix and pulseaudio
#
# Wine's capture loses frames and its clock is no clock: what is looked at is what there is and that it ends, not when.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=x86_64-pc-windows-gnu
dir=$PWD/target/wine
wine=$(command -v wine64 || compgen -G '/usr/lib/wine/wine64' || command -v wine || true)
if [ -z "$wine" ] || ! command -v x86_64-w64-mingw32-gcc >/dev/null || ! [ -x /usr/bin/rustc ]; then
  sed -n "5p" "${BASH_SOURCE[0]}" | sed 's/^#  */wine: /' >&2
  exit 3
fi
sources=$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library
mkdir -p "$dir/start"
tests=(--test wasapi --test jobs)

build() {
  # what a Rust program for this target begins and ends with is not among the sources' crates
  local part
  for part in rsbegin rsend; do
    RUSTC_BOOTSTRAP=1 /usr/bin/rustc --target $target --emit=obj --crate-type=lib -Cpanic=abort \
      -o "$dir/start/$part.o" "$(readlink -f "$sources")/rtstartup/$part.rs"
  done
  env PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTFLAGS="-L native=$dir/start" \
    CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc \
    /usr/bin/cargo test --locked --no-run -p sounddevice "${tests[@]}" -Zbuild-std=std,panic_unwind,test \
    --target $target --target-dir "$dir/build" --message-format=json-render-diagnostics >"$dir/build.json"
}

prefix() {
  export WINEPREFIX=$dir/prefix WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
  if [ ! -e "$WINEPREFIX/ready" ]; then
    "$wine" wineboot -i
    "$wine" reg add 'HKCU\Software\Wine' /v Version /d win10 /f
    "$wine" reg add 'HKCU\Software\Wine\Drivers' /v Audio /d pulse /f
    # missing in Wine 8, and the standard library takes its random numbers from there
    printf 'LIBRARY bcryptprimitives.dll\nEXPORTS\n  ProcessPrng=advapi32.SystemFunction036\n' >"$dir/random.def"
    local library="$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll"
    [ -e "$library" ] || echo 'int DllMain(void *a, unsigned b, void *c) { return 1; }' |
      x86_64-w64-mingw32-gcc -shared -xc - -xnone "$dir/random.def" -o "$library"
    touch "$WINEPREFIX/ready"
  fi >/dev/null 2>&1 </dev/null
}

build
export SS_DIR=${SS_DIR:-$dir/servers} SS_RT=0
trap 'bash scripts/sound-servers.sh stop pulse >/dev/null 2>&1' EXIT
bash scripts/sound-servers.sh start pulse
eval "$(bash scripts/sound-servers.sh env pulse)"
prefix
failed=0
for program in $(sed -n 's/.*"executable":"\([^"]*\.exe\)".*/\1/p' "$dir/build.json"); do
  echo "wine: $(basename "$program")"
  # a console of Wine's would wait for input that never comes
  timeout 300 "$wine" "$program" --nocapture --test-threads=1 >"$dir/output" 2>&1 </dev/null || failed=1
  tr -d '\r' <"$dir/output"
done
exit $failed
