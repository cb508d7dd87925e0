#!/usr/bin/env bash
# Sound servers for tests, without sound hardware, in a private directory.
#
#   scripts/sound-servers.sh start  [pulse|jack|pipewire|all]   returns once the server answers; harmless when it runs
#   scripts/sound-servers.sh stop   [pulse|jack|pipewire|all]   ends what this script started, nothing else
#   scripts/sound-servers.sh kill   [pulse|jack|pipewire|all]   SIGKILL, for tests of a server's death
#   scripts/sound-servers.sh pause  [pulse|jack|pipewire|all]   SIGSTOP, and resume: SIGCONT
#   scripts/sound-servers.sh status
#   eval "$(scripts/sound-servers.sh env [pulse|jack|pipewire|all])"   makes the shell's programs clients of it
#
# PulseAudio and JACK are all; PipeWire, seen through its PulseAudio layer, only where it is named.
#
# Environment:
#   SS_DIR          the private directory; one set of servers per directory (default: .sound-servers)
#   SS_JACK_RATE    48000        SS_JACK_PERIOD  128
#   SS_JACK_LOOP    1: ports loop-system:playback_N are heard on loop-system:capture_N; 0: jackd's own silent ports
#   SS_RT           1: realtime priority where the system grants it; 0: never asked for
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${SS_DIR:-$(dirname "$here")/.sound-servers}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
# a Unix socket's path ends at 108 bytes: a checkout far down the tree keeps its servers elsewhere
if [ ${#dir} -gt 80 ]; then
  dir=${TMPDIR:-/tmp}/sound-servers-$(printf %s "$dir" | cksum | cut -d' ' -f1)
fi
rate=${SS_JACK_RATE:-48000}
period=${SS_JACK_PERIOD:-128}
loop=${SS_JACK_LOOP:-1}
want_rt=${SS_RT:-1}
jack_name=sd$(printf %s "$dir" | cksum | cut -d' ' -f1)
pulse_socket=$dir/pulse/native
pipewire_socket=$dir/run/pulse/native

# ---------------------------------------------------------------- processes

pid_of() { cat "$dir/pid/$1" 2>/dev/null; }

alive() {
  local pid state
  pid=$(pid_of "$1") && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 1
  state=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)
  [ -n "$state" ] && [ "$state" != Z ]
}

# spawn NAME COMMAND...: in a session of its own, its words in log/NAME.log
spawn() {
  local name=$1
  shift
  setsid "$@" >"$dir/log/$name.log" 2>&1 </dev/null &
  echo $! >"$dir/pid/$name"
}

signal() { local pid; pid=$(pid_of "$2") && [ -n "$pid" ] && kill "-$1" "$pid" 2>/dev/null; }

# end NAME: asks, waits up to 3 s, insists
end() {
  [ -s "$dir/pid/$1" ] || return 0
  if alive "$1"; then
    signal CONT "$1"
    signal TERM "$1"
    wait_for 3000 gone "$1" || signal KILL "$1"
  fi
  rm -f "$dir/pid/$1"
}

gone() { ! alive "$1"; }

# wait_for MILLISECONDS COMMAND...
wait_for() {
  local deadline=$(($(date +%s%N) + $1 * 1000000))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%N)" -lt "$deadline" ] || return 1
    sleep 0.02
  done
}

need() {
  local command missing=0
  for command in "$@"; do
    command -v "$command" >/dev/null || { echo "sound-servers: $command is not installed" >&2; missing=1; }
  done
  return $missing
}

# ---------------------------------------------------------------- what clients see

say() { printf 'export %s=%q\n' "$1" "$2"; }

# HOME stays as it is (cargo and npm live there): every file a client would look for below it is named here instead
print_env() {
  say XDG_RUNTIME_DIR "$dir/run"
  say XDG_CONFIG_HOME "$dir/config"
  say PULSE_RUNTIME_PATH "$dir/pulse"
  say PULSE_STATE_PATH "$dir/pulse/state"
  say PULSE_CLIENTCONFIG "$dir/pulse/client.conf"
  say PULSE_COOKIE "$dir/pulse/cookie"
  case $1 in
    pipewire)
      say PULSE_SERVER "unix:$pipewire_socket"
      say PIPEWIRE_CONFIG_DIR "$dir/pipewire"
      say PIPEWIRE_RUNTIME_DIR "$dir/run"
      say PIPEWIRE_REMOTE sound-servers ;;
    *) say PULSE_SERVER "unix:$pulse_socket" ;;
  esac
  say ALSA_CONFIG_PATH "$dir/alsa/alsa.conf"
  say JACK_NO_START_SERVER 1
  say JACK_NO_AUDIO_RESERVATION 1
  # a library that asks JACK at start-up may hang on a server that does not answer: pulse alone names none that exists
  case $1 in pulse | pipewire) say JACK_DEFAULT_SERVER none ;; *) say JACK_DEFAULT_SERVER "$jack_name" ;; esac
  say SS_DIR "$dir"
  echo 'unset DISPLAY DBUS_SESSION_BUS_ADDRESS PULSE_SINK PULSE_SOURCE'
}

as_client() { ( eval "$(print_env "$1")"; shift; "$@" ); }

# ---------------------------------------------------------------- PulseAudio

sinks=(speakers surround hires hires32 cd mono unicode twin_a twin_b)
sources=(mic mic8 mic_mono mic_unicode mic_twin_a mic_twin_b silence)

# sink NAME FORMAT RATE CHANNELS DESCRIPTION [MAP]; without norewinds the first sound comes 1 to 2 s late
sink() {
  printf "load-module module-null-sink norewinds=1 sink_name=%s format=%s rate=%s channels=%s %s sink_properties=\"device.description='%s'\"\n" \
    "$1" "$2" "$3" "$4" "${6:+channel_map=$6}" "$5"
}

# microphone NAME SINK CHANNELS DESCRIPTION [MAP]: hears what the sink plays
microphone() {
  printf "load-module module-remap-source master=%s.monitor source_name=%s channels=%s remix=no %s source_properties=\"device.description='%s'\"\n" \
    "$2" "$1" "$3" "${5:+channel_map=$5 master_channel_map=$5}" "$4"
}

write_pulse() {
  local rt=no stereo=front-left,front-right
  [ "$want_rt" = 1 ] && rt=yes
  # memfd and shm: PulseAudio 16 aborts with remapped sources and small blocks (an assertion on n_imported in memblock.c)
  cat >"$dir/pulse/client.conf" <<EOF
autospawn = no
enable-memfd = no
enable-shm = no
EOF
  cat >"$dir/pulse/daemon.conf" <<EOF
daemonize = no
use-pid-file = no
exit-idle-time = -1
high-priority = $rt
nice-level = -11
realtime-scheduling = $rt
realtime-priority = 50
rlimit-rttime = -1
rlimit-nofile = 4096
resample-method = speex-float-1
avoid-resampling = no
flat-volumes = no
default-sample-format = float32le
default-sample-rate = 48000
alternate-sample-rate = 44100
default-sample-channels = 2
default-fragments = 2
default-fragment-size-msec = 2
enable-memfd = no
enable-shm = no
EOF
  # float32le carries 16 and 24 bit without loss
  {
    echo .fail
    echo "load-module module-native-protocol-unix auth-anonymous=1 socket=$pulse_socket"
    sink speakers float32le 48000 2 'Test Speakers' $stereo
    sink surround float32le 48000 8 'Surround 7.1' surround-71
    sink hires float32le 96000 2 'Hi-Res 96k'
    sink hires32 s32le 96000 2 'Hi-Res 96k s32'
    sink cd s16le 44100 2 'CD 44.1k s16'
    sink mono float32le 48000 1 'Mono Speaker' mono
    sink unicode float32le 48000 2 'Haut-parleurs é 日本語 🔊'
    sink twin_a float32le 48000 2 Twin
    sink twin_b float32le 48000 2 Twin
    microphone mic speakers 2 'Test Microphone' $stereo
    microphone mic8 surround 8 '8 Channel Interface' surround-71
    microphone mic_mono mono 1 'Mono Mic' mono
    microphone mic_unicode unicode 2 'Mikrofon — ü ñ 麦克风'
    microphone mic_twin_a twin_a 2 'Twin Mic'
    microphone mic_twin_b twin_b 2 'Twin Mic'
    echo 'load-module module-null-source source_name=silence rate=48000 channels=1 description=SilentMicrophone'
    echo 'set-default-sink speakers'
    echo 'set-default-source mic'
    echo .nofail
  } >"$dir/pulse/default.pa"
}

pulse_answers() { as_client pulse timeout 1 pactl info >/dev/null 2>&1; }
pulse_ready() { as_client pulse timeout 1 pactl list short sources | grep -q silence; }

start_pulse() {
  need pulseaudio pactl setsid || return 1
  alive pulse && pulse_answers && return 0
  stop_pulse
  write_pulse
  write_alsa
  (
    eval "$(print_env pulse)"
    unset PULSE_SERVER
    export HOME=$dir/home PULSE_CONFIG=$dir/pulse/daemon.conf
    spawn pulse pulseaudio -n -F "$dir/pulse/default.pa" --log-target=stderr --log-level=notice --disallow-exit=no
  )
  wait_for 5000 pulse_ready || { tail -5 "$dir/log/pulse.log" >&2; return 1; }
  # the daemon's main thread moves every stream's data, and is never raised by the daemon itself
  [ "$want_rt" = 1 ] && chrt -r -p 45 "$(pid_of pulse)" 2>/dev/null
  return 0
}

stop_pulse() { end pulse; rm -f "$pulse_socket"; }

# ---------------------------------------------------------------- ALSA, as a client of PulseAudio

# alsa_pulse NAME DEVICE DESCRIPTION
alsa_pulse() { echo "pcm.$1 { type pulse device \"$2\" hint { show on description \"$3\" } }"; }

write_alsa() {
  local name stock=/usr/share/alsa/alsa.conf
  [ -r $stock ] || return 0
  {
    # the stock file without its @hooks: neither /etc/alsa nor ~/.asoundrc is read
    awk '/^@hooks \[/ { skip = 1 } !skip { print } skip && /^\]/ { skip = 0 }' $stock
    cat <<EOF
pcm.!default { type pulse hint { show on description "Default (sound server)" } }
ctl.!default { type pulse }
pcm.!pulse { type pulse hint { show on description "PulseAudio Sound Server" } }
ctl.!pulse { type pulse }
EOF
    for name in "${sinks[@]}"; do
      alsa_pulse "ss_$name" "$name" "sink $name"
      alsa_pulse "ss_${name}_mon" "$name.monitor" "monitor of $name"
    done
    for name in "${sources[@]}"; do alsa_pulse "ss_$name" "$name" "source $name"; done
    alsa_pulse ss_missing no_such_device 'Always fails to open'
    cat <<EOF
pcm.ss_duplex { type asym playback.pcm ss_speakers capture.pcm ss_mic hint { show on description "Duplex: speakers + mic" } }
pcm.ss_duplex8 { type asym playback.pcm ss_surround capture.pcm ss_mic8 hint { show on description "Duplex 8 channels" } }
pcm.ss_plug { type plug slave.pcm ss_duplex hint { show on description "Duplex through plug" } }
pcm.ss_null { type null hint { show on description "Null, no clock" } }
pcm.ss_nohint { type null }
pcm.ss_file { type file slave.pcm ss_null file "$dir/tmp/file.raw" infile "$dir/tmp/silence.raw" format raw perm 0644 hint { show on description "File, no clock" } }
pcm.ss_file_rt { type file slave.pcm ss_duplex file "$dir/tmp/file_rt.raw" format raw perm 0644 hint { show on description "File, paced by the server" } }
EOF
  } >"$dir/alsa/alsa.conf"
  [ -s "$dir/tmp/silence.raw" ] || head -c 4000000 /dev/zero >"$dir/tmp/silence.raw"
}

# ---------------------------------------------------------------- JACK

jack_answers() { as_client jack timeout 2 jack_lsp >/dev/null 2>&1; }
jack_socket() { [ -S "/dev/shm/jack_${jack_name}_$(id -u)_0" ]; }
loop_ready() { as_client jack timeout 2 jack_lsp | grep -q loop-system:capture_8; }
loop_alive() { [ "$loop" != 1 ] || alive jackloop; }

start_jack() {
  need jackd jack_lsp setsid || return 1
  [ "$loop" != 1 ] || build_jackloop || return 1
  if alive jack && loop_alive && [ "$(cat "$dir/jack/params" 2>/dev/null)" = "$rate $period $loop" ] && jack_answers; then
    return 0
  fi
  write_alsa
  # after a jackd's unclean death the next one may never answer; the one after does
  forget_the_dead
  start_jackd || start_jackd || { sleep 0.3 && start_jackd; } ||
    { tail -5 "$dir/log/jack.log" >&2; return 1; }
  echo "$rate $period $loop" >"$dir/jack/params"
}

# Servers that were killed keep their places in a register of eight, and locks in a database of properties. Where none runs both
# can go; else only the places of our dead: their number, then "jack-USER:" and their name.
forget_the_dead() {
  local register=/dev/shm/jack-shm-registry place pid name
  [ -w $register ] || return 0
  if ! pgrep -x jackd >/dev/null && ! pgrep -x jackdbus >/dev/null; then
    rm -rf $register "/dev/shm/jack_db-$(id -u)"
    return 0
  fi
  for place in {0..7}; do
    pid=$(od -An -t d4 -j $((24 + 264 * place)) -N 4 $register | tr -d ' ')
    name=$(tail -c +$((29 + 264 * place)) $register | head -c 260 | tr -d '\0')
    case $name in "jack-$(id -u):sd"[0-9]*) ;; *) continue ;; esac
    # a server that has just been killed is there until somebody has waited for it
    grep -qs '^State:[^Z]*$' "/proc/$pid/status" ||
      head -c 264 /dev/zero | dd of=$register bs=1 seek=$((24 + 264 * place)) conv=notrunc status=none
  done
}

build_jackloop() {
  [ "$dir/jack/jackloop" -nt "$here/jackloop.c" ] && return 0
  need "${CC:-cc}" || return 1
  "${CC:-cc}" -O2 -o "$dir/jack/jackloop" "$here/jackloop.c" -l:libjack.so.0
}

start_jackd() {
  local ports=2 scheduling=(-r)
  stop_jack
  [ "$loop" = 1 ] && ports=0
  [ "$want_rt" = 1 ] && scheduling=(-R -P 60)
  (
    eval "$(print_env jack)"
    unset JACK_DEFAULT_SERVER
    export HOME=$dir/home
    spawn jack jackd --name "$jack_name" "${scheduling[@]}" --timeout 2000 --port-max 1024 --sync --silent -L 2 \
      -d dummy -r "$rate" -p "$period" -C $ports -P $ports
  )
  wait_for 1500 jack_socket && wait_for 2000 jack_answers || return 1
  [ "$loop" = 1 ] || return 0
  ( eval "$(print_env jack)"; spawn jackloop "$dir/jack/jackloop" loop-system 8 )
  wait_for 2000 loop_ready
}

stop_jack() {
  # without its server the loop would wait in libjack for ever
  alive jack || signal KILL jackloop
  end jackloop
  end jack
  rm -f "$dir/jack/params"
  rm -rf "/dev/shm/jack_${jack_name}_"* "/dev/shm/jack-$(id -u)/$jack_name" "/dev/shm/jack_sem.$(id -u)_${jack_name}_"*
}

# ---------------------------------------------------------------- PipeWire, seen through its PulseAudio layer

# null_node NAME CLASS DESCRIPTION CHANNELS POSITIONS
null_node() {
  printf '{ factory = adapter args = { factory.name = support.null-audio-sink node.name = %s media.class = %s node.description = "%s" audio.channels = %s audio.position = [ %s ] audio.rate = 48000 monitor.channel-volumes = false object.linger = true session.suspend-timeout-seconds = 0 } }\n' \
    "$1" "$2" "$3" "$4" "$5"
}

write_pipewire() {
  local conf=$dir/pipewire policy=$dir/pipewire/policy file
  local libraries='context.spa-libs = { audio.convert.* = audioconvert/libspa-audioconvert support.* = support/libspa-support }'
  mkdir -p "$policy/main.lua.d" "$policy/policy.lua.d" "$dir/run/pulse"
  cp /usr/share/pipewire/client.conf /usr/share/pipewire/client-rt.conf "$conf/"
  {
    cat <<EOF
context.properties = {
  core.daemon = true core.name = sound-servers support.dbus = false log.level = 2
  default.clock.rate = 48000 default.clock.quantum = 256 default.clock.min-quantum = 32
}
$libraries
context.modules = [
EOF
    [ "$want_rt" = 1 ] && echo '{ name = libpipewire-module-rt args = { rt.prio = 60 } flags = [ ifexists nofail ] }'
    for file in protocol-native profiler metadata spa-device-factory spa-node-factory client-node client-device access \
      adapter link-factory session-manager; do
      echo "{ name = libpipewire-module-$file }"
    done
    echo ']'
    echo 'context.objects = ['
    echo '{ factory = spa-node-factory args = { factory.name = support.node.driver node.name = Driver node.group = pipewire.dummy priority.driver = 20000 } }'
    null_node speakers Audio/Sink 'Test Speakers' 2 'FL FR'
    null_node surround Audio/Sink 'Surround 7.1' 8 'FL FR FC LFE RL RR SL SR'
    null_node twin_a Audio/Sink Twin 2 'FL FR'
    null_node mono Audio/Sink 'Mono Speaker' 1 MONO
    null_node mic Audio/Source/Virtual 'Test Microphone' 2 'FL FR'
    null_node mic_twin_a Audio/Source/Virtual 'Twin Mic' 2 'FL FR'
    null_node mic_mono Audio/Source/Virtual 'Mono Mic' 1 MONO
    echo ']'
  } >"$conf/pipewire.conf"
  cat >"$conf/pipewire-pulse.conf" <<EOF
context.properties = { support.dbus = false log.level = 2 }
$libraries
context.modules = [
{ name = libpipewire-module-protocol-native } { name = libpipewire-module-client-node }
{ name = libpipewire-module-adapter } { name = libpipewire-module-metadata }
{ name = libpipewire-module-protocol-pulse args = {
  server.address = [ "unix:$pipewire_socket" ]
  pulse.min.req = 32/48000 pulse.min.frag = 32/48000 pulse.min.quantum = 32/48000
} }
]
EOF
  # the session manager decides who plays where; it is to look for no hardware and no session bus
  for file in 00-functions 20-default-access 40-device-defaults 40-stream-defaults 50-default-access-config; do
    cp "/usr/share/wireplumber/main.lua.d/$file.lua" "$policy/main.lua.d/"
  done
  cp /usr/share/wireplumber/policy.lua.d/*.lua "$policy/policy.lua.d/"
  cat >"$policy/main.lua.d/90-enable-all.lua" <<EOF
load_module("metadata")
default_access.properties["enable-flatpak-portal"] = false
default_access.enable()
device_defaults.enable()
stream_defaults.enable()
load_script("intended-roles.lua")
EOF
  sed -e '/bluetooth.lua/d' -e '/api\.\(alsa\|bluez5\|v4l2\|libcamera\)/d' /usr/share/wireplumber/wireplumber.conf \
    >"$policy/wireplumber.conf"
}

pipewire_parts=(pwpulse wireplumber pipewire)
pipewire_answers() { as_client pipewire timeout 1 pactl info >/dev/null 2>&1; }
pipewire_ready() { as_client pipewire timeout 1 pactl list short sources | grep -q mic_twin_a; }

start_pipewire() {
  need pipewire wireplumber pw-link pactl setsid || return 1
  alive pipewire && alive wireplumber && alive pwpulse && pipewire_answers && return 0
  stop_pipewire
  write_pipewire
  (
    eval "$(print_env pipewire)"
    unset PULSE_SERVER
    export HOME=$dir/home WIREPLUMBER_CONFIG_DIR=$dir/pipewire/policy
    ( unset PIPEWIRE_REMOTE; spawn pipewire pipewire -c pipewire.conf )
    wait_for 3000 test -S "$dir/run/sound-servers" || exit 1
    spawn wireplumber wireplumber -c wireplumber.conf
    spawn pwpulse pipewire -c pipewire-pulse.conf
  ) && wait_for 5000 pipewire_ready || { tail -5 "$dir"/log/{pipewire,wireplumber,pwpulse}.log >&2; return 1; }
  local side
  for side in FL FR; do
    wait_for 2000 as_client pipewire pw-link "speakers:monitor_$side" "mic:input_$side"
    wait_for 2000 as_client pipewire pw-link "twin_a:monitor_$side" "mic_twin_a:input_$side"
  done
  as_client pipewire pactl set-default-sink speakers && as_client pipewire pactl set-default-source mic
}

stop_pipewire() {
  local part
  for part in "${pipewire_parts[@]}"; do end "$part"; done
  rm -f "$dir/run/sound-servers"* "$pipewire_socket"
}

# ---------------------------------------------------------------- commands

usage() { sed -n '2,/^set -u/{/^set -u/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2; }

command=${1:-}
case ${2:-all} in
  all) servers=(pulse jack) ;;
  pulse | jack | pipewire) servers=("$2") ;;
  *) usage ;;
esac
# the processes of the servers that are meant
processes() {
  local server
  for server in "${servers[@]}"; do
    case $server in pipewire) echo "${pipewire_parts[@]}" ;; *) echo "$server" ;; esac
  done
}
mkdir -p "$dir"/{home,config,run,pulse/state,pipewire,jack,alsa,log,pid,tmp}
chmod 700 "$dir/run" "$dir/pulse"

failed=0
case $command in
  start)
    for server in "${servers[@]}"; do
      if "start_$server"; then echo "$server runs"; else echo "$server does not start" >&2; failed=1; fi
    done ;;
  stop) for server in "${servers[@]}"; do "stop_$server"; done ;;
  kill) for process in $(processes); do signal KILL "$process" || failed=1; rm -f "$dir/pid/$process"; done ;;
  pause) for process in $(processes); do signal STOP "$process" || failed=1; done ;;
  resume) for process in $(processes); do signal CONT "$process" || failed=1; done ;;
  env) print_env "${2:-all}" ;;
  status)
    for process in pulse jack jackloop "${pipewire_parts[@]}"; do
      if alive $process; then echo "$process runs (pid $(pid_of $process))"; else echo "$process is stopped"; fi
    done ;;
  *) usage ;;
esac
exit $failed
