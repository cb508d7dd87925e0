#!/usr/bin/env bash
# npm test: every check there is. Each step runs to its end even when one before it failed;
# the last line counts the tests that passed and failed, a step without tests of its own counting as one.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

passed=0
failed=0
failures=()
unsteady=()
output=$(mktemp)
trap 'bash scripts/sound-servers.sh stop >/dev/null 2>&1; rm -f "$output"' EXIT
trap 'exit 130' INT TERM

announce() { printf '\n== %s\n' "$1"; }

fail() {
  echo "-- failed: $1"
  failures+=("$1")
}

# step NAME COMMAND...: one check
step() {
  local name=$1
  shift
  announce "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    fail "$name"
  fi
}

# total PATTERN: adds up the numbers that stand in what it reads where the pattern has \1
total() { sed -nE "s/$1/\\1/p" | awk '{ total += $1 } END { print total + 0 }'; }

# tests NAME PASSED FAILED COMMAND...: a test runner, its counts read from its output by two patterns
tests() {
  local name=$1 passed_pattern=$2 failed_pattern=$3 status ok bad
  shift 3
  announce "$name"
  "$@" 2>&1 | tee "$output" | ${again:-cat} ${again:+first}
  status=${PIPESTATUS[0]}
  ok=$(total "$passed_pattern" <"$output")
  bad=$(total "$failed_pattern" <"$output")
  if [ "$bad" != 0 ] && [ -n "${again:-}" ] && second_turn "$name"; then
    ok=$((ok + count))
    bad=0
  # a runner that could not even begin, or died, has failed once
  elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
    bad=1
  fi
  passed=$((passed + ok))
  failed=$((failed + bad))
  if [ "$bad" != 0 ]; then fail "$name ($bad)"; fi
}

# Real servers keep time, for which a busy machine may have none. Where tests that play on them are all that failed, they have
# a second turn, on fresh servers and with nothing beside them; it is what counts, and the first one is said at the end. Until
# then "not at first" stands in the output for what failed.
second_turn() {
  local names line
  names=$($again names <"$output" | sort -u)
  if ! turn_again "$1" "$names"; then
    $again failed <<<"$names"
    return 1
  fi
  while read -r line; do unsteady+=("$1: $line"); done <<<"$names"
}

# turn_again NAME TESTS: whether they pass this time; count is their number
turn_again() {
  [ -n "$2" ] && [ -n "${SOUND_SERVERS:-}" ] || return 1
  count=$(wc -l <<<"$2")
  announce "$1: a second turn for $count"
  bash scripts/sound-servers.sh stop >/dev/null 2>&1
  bash scripts/sound-servers.sh start "$servers" || return 1
  $again run "$2" 2>&1 | tee "$output"
  [ "$($again passed <"$output")" = "$count" ]
}

cargo_again() {
  local names
  case $1 in
    first) sed -uE 's/^(test .* \.\.\.|test result:) FAILED/\1 not at first/' ;;
    names) sed -nE 's/^test (.*) \.\.\. FAILED$/\1/p' ;;
    run)
      mapfile -t names <<<"$2"
      cargo test --workspace --test hosts --test portaudio --test watch --no-fail-fast -- --exact --test-threads=1 "${names[@]}"
      ;;
    passed) total '^test result: ok\. ([0-9]+) passed;.*' ;;
    failed) sed -E 's/.+/test & ... FAILED/' ;;
  esac
}

# Names are "FILE › TITLE"; of other files' tests none is found, and so the second turn fails too.
ava_again() {
  local line
  case $1 in
    first) sed -uE 's/^not ok ([0-9]+) /# not at first: \1 /; s/^# fail ([1-9])/# not at first: \1/' ;;
    names) sed -nE 's/^not ok [0-9]+ - (.*)/\1/p' ;;
    run)
      while read -r line; do
        case ${line%% › *} in
          *servers | *faults | portaudio) ava --tap "build/__test__/${line%% › *}.test.js" --match="${line#* › }" </dev/null ;;
        esac
      done <<<"$2"
      ;;
    passed) total '^# pass ([0-9]+)$' ;;
    failed) sed -E 's/.+/not ok - &/' ;;
  esac
}

documentation() { RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps; }

# The crates, as compilers for Windows and macOS see them. What that takes is large: only CI fetches it by itself.
other_systems() {
  local status=0
  if [ -n "${CI:-}" ]; then bash scripts/cross.sh setup || true; fi
  bash scripts/cross.sh check || status=$?
  if [ $status = 3 ]; then
    echo 'other systems: skipped, scripts/cross.sh setup fetches what it takes'
    return 0
  fi
  return $status
}

# executable ARGUMENTS...: what cargo built, the path of its one test program
executable() { cargo "$1" --message-format=json "${@:2}" | sed -nE 's/.*"executable":"([^"]+)".*/\1/p'; }

# The flag is for the crate alone: everything underneath stays as it was built.
models() {
  local program
  program=$(executable rustc -p sounddevice --lib --profile test -- --cfg loom) && "$program" sync::models
}

# Tests on the manual clock and others that take no longer when everything is slow. Leaks are not counted: libraries that were
# loaded stay loaded.
memory() {
  local check=(valgrind --quiet --error-exitcode=99 --leak-check=no --fair-sched=yes)
  local libtest jobs streams
  libtest=$(executable test -p sounddevice --lib --no-run) || return 1
  jobs=$(executable test -p sounddevice --test jobs --no-run) || return 1
  streams=$(executable test -p sounddevice --test streams --no-run) || return 1
  export PROPTEST_CASES=20
  "${check[@]}" "$libtest" --skip backend:: --skip ends_the_process &&
    "${check[@]}" "$jobs" --skip real_clock &&
    "${check[@]}" "$streams" --skip real_clock --skip threads:: --skip what_theory_gives
}

drift() {
  git ls-files --error-unmatch index.js index.d.ts >/dev/null && git diff --exit-code -- index.js index.d.ts
}

# start_servers pulse|all HOSTS: SOUND_SERVERS names the host APIs whose tests must not be left out
start_servers() {
  servers=$1
  bash scripts/sound-servers.sh start "$1" && eval "$(bash scripts/sound-servers.sh env "$1")" && export SOUND_SERVERS="$2"
}

announce 'set-up'
if ! setup test; then
  printf '\nset-up failed, nothing was tested\n0 passed, 1 failed\n'
  exit 1
fi

export PATH=$PWD/node_modules/.bin:$PATH
rm -rf dist build

step 'rustfmt' cargo fmt --all --check
step 'clippy' cargo clippy --workspace --all-targets -- -D warnings
step 'documentation of the crates' documentation
step 'clippy for Windows and macOS' other_systems
step 'build of the addon' npm run --silent build:native
step 'index.js and index.d.ts are as committed' drift
step "imports of the addon" node scripts/check-addon.js
step 'build of the TypeScript' npm run --silent build:ts
step 'build of the tests' npm run --silent build:test
step 'lint' npm run --silent lint
step 'types' npm run --silent test:types
step 'package (publint)' publint --strict
step 'package (types)' attw --pack . --profile esm-only

if command -v pulseaudio >/dev/null && command -v pactl >/dev/null; then
  if command -v jackd >/dev/null; then
    step 'sound servers' start_servers all 'PulseAudio JACK ALSA'
  else
    announce 'JACK: skipped, jackd is not installed'
    step 'sound server' start_servers pulse 'PulseAudio ALSA'
  fi
  # its tests start servers of their own, whose policy is WirePlumber's before 0.5
  if command -v pipewire >/dev/null && command -v wireplumber >/dev/null && [ -d /usr/share/wireplumber/main.lua.d ]; then
    export SOUND_SERVERS="${SOUND_SERVERS:-} PipeWire"
  else
    announce 'PipeWire: skipped, it is not installed, or not with WirePlumber 0.4'
  fi
else
  announce 'sound server: skipped, PulseAudio is not installed'
fi
again=cargo_again tests 'cargo test' '^test result: .* ([0-9]+) passed;.*' '^test result: .* ([0-9]+) failed;.*' \
  cargo test --workspace --no-fail-fast
tests 'models of what threads share (loom)' '^test result: .* ([0-9]+) passed;.*' '^test result: .* ([0-9]+) failed;.*' models
if command -v valgrind >/dev/null; then
  tests 'memory (valgrind)' '^test result: .* ([0-9]+) passed;.*' '^test result: .* ([0-9]+) failed;.*' memory
else
  announce 'memory: skipped, valgrind is not installed'
fi
again=ava_again tests 'ava' '^# pass ([0-9]+)$' '^# fail ([0-9]+)$' ava --tap
if has_library 'libportaudio\.so\.2'; then
  again=ava_again tests 'ava, with PortAudio as the backend' '^# pass ([0-9]+)$' '^# fail ([0-9]+)$' \
    env SOUNDDEVICE_BACKEND=portaudio ava --tap
else
  announce 'ava, with PortAudio as the backend: skipped, libportaudio2 is not installed'
fi

if [ "${#unsteady[@]}" != 0 ]; then
  printf '\npassed in their second turn only:\n'
  printf '  %s\n' "${unsteady[@]}"
fi
if [ "$failed" != 0 ]; then
  printf '\nfailed:\n'
  printf '  %s\n' "${failures[@]}"
fi
printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
