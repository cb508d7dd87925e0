# Sourced by start.sh and test.sh, in the root of the repository.
#   setup start   what building and running needs
#   setup test    and what the tests need: sound servers, valgrind
# Returns non-zero only where going on makes no sense; whatever else is missing is said.

need_tool() {
  command -v "$1" >/dev/null && return 0
  echo "setup: $1 is not here. $2" >&2
  return 1
}

check_languages() {
  need_tool cargo 'Install Rust 1.88 or newer: https://rustup.rs' || return 1
  need_tool node 'Install Node 20.19 or newer: https://nodejs.org' || return 1
  need_tool npm 'It usually comes with Node: https://nodejs.org' || return 1
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' || {
    echo "setup: Node $(node --version) is too old; 20.19 or newer is needed" >&2
    return 1
  }
}

install_node_modules() {
  local installed=node_modules/.package-lock.json
  [ -e $installed ] && [ ! package-lock.json -nt $installed ] && return 0
  echo 'setup: npm ci'
  npm ci --no-audit --no-fund && touch $installed
}

has_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep "$1" >/dev/null; }

# Prints what is missing, one a line: a Debian package, and what goes without it
missing_packages() {
  local asound=libasound2
  [ "$(uname -s)" = Linux ] || return 0
  # since Debian 13 and Ubuntu 24.04 it has another name
  apt-cache show libasound2t64 >/dev/null 2>&1 && asound=libasound2t64
  has_library 'libasound\.so\.2' || echo "$asound ALSA devices"
  compgen -G '/usr/lib*/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null ||
    compgen -G '/usr/lib*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null || echo 'libasound2-plugins ALSA through PulseAudio'
  command -v cc >/dev/null || echo 'gcc everything: Rust links with it'
  [ "$1" = test ] || return 0
  command -v pulseaudio >/dev/null || echo 'pulseaudio tests on a PulseAudio server'
  command -v pactl >/dev/null || echo 'pulseaudio-utils tests on a PulseAudio server'
  command -v jackd >/dev/null || echo 'jackd2 tests on a JACK server'
  command -v pipewire >/dev/null || echo 'pipewire tests on a PipeWire server'
  command -v wireplumber >/dev/null || echo 'wireplumber tests on a PipeWire server'
  has_library 'libportaudio\.so\.2' || echo 'libportaudio2 tests of the second backend'
  command -v valgrind >/dev/null || echo 'valgrind tests of memory'
  command -v nm >/dev/null || echo "binutils the check of the addon's imports"
}

install_packages() {
  local missing packages line
  missing=$(missing_packages "$1")
  [ -n "$missing" ] || return 0
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    packages=$(cut -d' ' -f1 <<<"$missing" | tr '\n' ' ')
    echo "setup: apt-get install $packages"
    # the word list is split on purpose
    # shellcheck disable=SC2086
    (
      export DEBIAN_FRONTEND=noninteractive
      apt-get install -y -qq --no-install-recommends $packages ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; }
    ) >/dev/null
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
  fi
  while read -r line; do
    echo "setup: ${line%% *} is missing; skipped without it: ${line#* }" >&2
  done <<<"$missing"
}

setup() {
  check_languages && install_node_modules && install_packages "$1"
}
