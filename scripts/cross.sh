#!/usr/bin/env bash
# Checks the crates for systems that this one is not, by compiling them without linking.
#
#   scripts/cross.sh setup              Debian and Ubuntu, as root: a compiler with the sources of its standard library (about 100 MB)
#   scripts/cross.sh check [TARGET...]  clippy for these; by default one of Windows and one of macOS. Exits with 3 where nothing
#                                       can be checked here
#   scripts/cross.sh check all          every target that packages are meant for
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usual=(x86_64-pc-windows-gnu aarch64-apple-darwin)
all=(x86_64-pc-windows-gnu x86_64-pc-windows-msvc aarch64-pc-windows-msvc x86_64-apple-darwin aarch64-apple-darwin)

setup() {
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo 'cross: needs apt-get and root' >&2
    return 1
  fi
  local packages=(rustc-web cargo-web rust-web-src rust-web-clippy)
  dpkg -s "${packages[@]}" >/dev/null 2>&1 && return 0
  export DEBIAN_FRONTEND=noninteractive
  # never at the price of a compiler that is there already
  apt-get install -y -qq --no-install-recommends --no-remove "${packages[@]}" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends --no-remove "${packages[@]}" >/dev/null; }
}

# Whether the usual compiler has the standard library of a target: rustup's targets
has_target() { compgen -G "$(rustc --print target-libdir --target "$1" 2>/dev/null)/libstd-*" >/dev/null; }

# Whether the system's compiler can make it from its sources
has_sources() {
  [ -x /usr/bin/cargo-clippy ] && [ -x /usr/bin/rustc ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std" ]
}

check() {
  local target checked=0
  # the addon's build script looks for Node's library, which only linking would need
  local node=$PWD/target/cross/node
  mkdir -p "$node" && : >"$node/libnode.dll"
  # a false alarm of clippy 1.96 where thread-local variables are not the compiler's own
  local clippy=(--locked --workspace --target-dir target/cross -- -D warnings -A clippy::missing_const_for_thread_local)
  for target; do
    if has_target "$target" && command -v cargo-clippy >/dev/null; then
      echo "cross: $target"
      LIBNODE_PATH=$node cargo clippy --target "$target" "${clippy[@]}" || return 1
    elif has_sources; then
      echo "cross: $target, with a standard library made for it"
      env PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc LIBNODE_PATH="$node" \
        /usr/bin/cargo-clippy clippy -Zbuild-std=std,panic_abort --target "$target" "${clippy[@]}" || return 1
    else
      echo "cross: $target skipped: neither 'rustup target add $target' nor 'scripts/cross.sh setup' has been run"
      continue
    fi
    checked=$((checked + 1))
  done
  [ $checked != 0 ] || return 3
}

case ${1:-} in
  setup) setup ;;
  check)
    shift
    [ $# != 0 ] || set -- "${usual[@]}"
    [ "$1" != all ] || set -- "${all[@]}"
    check "$@"
    ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 2 ;;
esac
