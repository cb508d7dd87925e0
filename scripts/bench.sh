#!/usr/bin/env bash
# npm run bench [-- NAME...]: sets up, builds, starts the sound servers and runs the benchmarks of bench/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
setup test
# the peer of the benchmarks: the original, in an environment of its own
venv=target/bench-python
if [ ! -x $venv/bin/python ] || ! $venv/bin/python -c 'import numpy, sounddevice' 2>/dev/null; then
  echo 'setup: Python with the original sounddevice'
  [ "$(id -u)" = 0 ] && apt-get install -y -qq --no-install-recommends python3-venv libportaudio2 >/dev/null
  python3 -m venv $venv && $venv/bin/pip install -q numpy sounddevice
fi
export BENCH_PYTHON=$PWD/$venv/bin/python PATH=$PWD/node_modules/.bin:$PATH
npm run --silent build:native && npm run --silent build:ts
trap 'bash scripts/sound-servers.sh stop >/dev/null 2>&1' EXIT
bash scripts/sound-servers.sh start all
eval "$(bash scripts/sound-servers.sh env all)"
node bench/run.js "$@"
