#!/usr/bin/env bash
# npm start: makes what is not made yet, then lets the library be heard.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
setup start
npm run --silent build
exec node examples/demo.js "$@"
