//! Ways through host APIs, and the servers that they lead to.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sounddevice::virtual_device::{Fault, VirtualDevice};
use sounddevice::{DeviceInfo, Devices, devices_for, virtual_host};

use super::run::until;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/sound-servers.sh");
/// WirePlumber before 0.5, whose policy the script can set.
const WIREPLUMBER: &str = "/usr/share/wireplumber/main.lua.d";
/// Names the test that this process has been started for.
const INSIDE: &str = "SOUNDDEVICE_TEST_APART";

/// A way through a host API from an output to an input that hears it, both with two channels or more at 48000 Hz.
#[derive(Clone, Copy)]
pub struct Host {
    pub name: &'static str,
    pub output: &'static str,
    pub input: &'static str,
    /// What the script calls its server, and the programs and paths that takes.
    server: Option<(&'static str, &'static [&'static str])>,
    /// Whether it cannot know of silence that its server puts in.
    pub hides_silence: bool,
    /// Whether it does not tell that its server has moved a stream to another device.
    pub hides_moves: bool,
    /// Whether there is another device to go to when one is unplugged.
    pub has_others: bool,
    /// Whether a server can be told of another default device.
    pub has_defaults: bool,
    /// One test at a time: all of them hear what is played.
    quiet: &'static Mutex<()>,
    /// One server at a time that tests may kill.
    apart: &'static Mutex<()>,
}

macro_rules! lock {
    () => {{
        static LOCK: Mutex<()> = Mutex::new(());
        &LOCK
    }};
}

pub const PULSE: Host = Host {
    name: "PulseAudio",
    output: "pulseaudio:speakers",
    input: "pulseaudio:mic",
    server: Some(("pulse", &["pulseaudio", "pactl", "bash"])),
    hides_silence: false,
    hides_moves: false,
    has_others: true,
    has_defaults: true,
    quiet: lock!(),
    apart: lock!(),
};

/// The same host API on another server.
pub const PIPEWIRE: Host = Host {
    name: "PipeWire",
    output: "pulseaudio:speakers",
    input: "pulseaudio:mic",
    server: Some(("pipewire", &["pipewire", WIREPLUMBER, "wireplumber", "pw-cli", "pw-link", "pactl", "bash"])),
    hides_silence: false,
    hides_moves: false,
    has_others: true,
    has_defaults: true,
    quiet: lock!(),
    apart: lock!(),
};

pub const JACK: Host = Host {
    name: "JACK",
    output: "jack:loop-system",
    input: "jack:loop-system",
    server: Some(("jack", &["jackd", "jack_lsp", "cc", "bash"])),
    hides_silence: false,
    hides_moves: false,
    has_others: false,
    has_defaults: false,
    quiet: lock!(),
    apart: lock!(),
};

/// Other devices of the same server than PulseAudio's own way.
pub const ALSA: Host = Host {
    name: "ALSA",
    output: "alsa:ss_unicode",
    input: "alsa:ss_mic_unicode",
    server: PULSE.server,
    hides_silence: true,
    hides_moves: true,
    has_others: false,
    has_defaults: true,
    quiet: lock!(),
    apart: lock!(),
};

pub const JACK_PORTAUDIO: Host = Host {
    name: "JACK (PortAudio)",
    output: "jack-portaudio:loop-system",
    input: "jack-portaudio:loop-system",
    // PortAudio does not tell that another client has left.
    hides_moves: true,
    ..JACK
};

pub const ALSA_PORTAUDIO: Host = Host {
    name: "ALSA (PortAudio)",
    output: "alsa-portaudio:ss_twin_a",
    input: "alsa-portaudio:ss_mic_twin_a",
    quiet: lock!(),
    apart: lock!(),
    ..ALSA
};

pub const VIRTUAL: Host = Host {
    name: "Virtual",
    output: "Contract loop",
    input: "Contract loop",
    server: None,
    hides_silence: false,
    hides_moves: false,
    has_others: false,
    has_defaults: false,
    quiet: lock!(),
    apart: lock!(),
};

impl Host {
    pub fn is_portaudio(&self) -> bool {
        self.name.contains("PortAudio")
    }

    /// What leads to the default devices of the server: only where streams that name none are not another host API's.
    pub fn default_devices(&self) -> Option<&'static str> {
        match self.name {
            "ALSA" => Some("alsa:default"),
            "ALSA (PortAudio)" => Some("alsa-portaudio:default"),
            _ => None,
        }
    }
}

/// A way that is there.
pub struct Way {
    pub host: Host,
    /// Of the virtual host.
    made: RefCell<Option<VirtualDevice>>,
    _alone: Option<MutexGuard<'static, ()>>,
}

fn lock(turn: &'static Mutex<()>) -> MutexGuard<'static, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The devices of now, with those of this host API; none where its library is not there.
pub fn listed(host: Host) -> Option<Devices> {
    let wanted = host.output.into();
    devices_for([Some(&wanted)]).ok()
}

/// Left out, with a word, unless `SOUND_SERVERS` names the host API.
pub fn skip(host: &str, why: &str) {
    let wanted = std::env::var("SOUND_SERVERS").unwrap_or_default();
    assert!(!wanted.split_whitespace().any(|wanted| wanted == host), "{host}: {why}");
    println!("skipped: {host}: {why}");
}

/// Does this with the way through this host, if its server runs.
pub fn here(host: Host, _test: &str, test: impl FnOnce(&Way)) {
    let way = Way { host, made: RefCell::new(None), _alone: Some(lock(host.quiet)) };
    if host.server.is_none() {
        way.revive();
    }
    match way.there() {
        true => test(&way),
        false => skip(
            host.name,
            &format!("no {} among\n{}", host.output, listed(host).map_or_else(String::new, |list| list.to_string())),
        ),
    }
    way.kill_virtual();
}

/// Does this in a process of its own, whose server is its own: it may be killed. `test` is the whole name of the test.
pub fn apart(host: Host, test: &str, body: impl FnOnce(&Way)) {
    let test = test.split_once("::").map_or(test, |(_, test)| test);
    if std::env::var(INSIDE).is_ok_and(|inside| inside == test) {
        let way = Way { host, made: RefCell::new(None), _alone: None };
        if host.server.is_none() {
            way.revive();
        }
        // A server that has just started may not answer in time on a machine that does other things.
        until("the device", || way.there());
        return body(&way);
    }
    if host.is_portaudio() && !cfg!(feature = "portaudio") {
        return skip(host.name, "built without PortAudio");
    }
    let _turn = lock(host.apart);
    let program = std::env::current_exe().expect("a test is a program");
    let arguments = ["--exact", test, "--nocapture", "--test-threads=1"];
    let mut child = match host.server {
        None => Command::new(program),
        Some((server, programs)) => {
            let known = |command: &str| Command::new("which").arg(command).stdout(Stdio::null()).status();
            let runs = |command: &str| known(command).is_ok_and(|status| status.success());
            if !programs.iter().all(|name| if name.starts_with('/') { Path::new(name).exists() } else { runs(name) }) {
                return skip(host.name, &format!("not all of {programs:?} are here"));
            }
            let (start, env) = (format!("start {server}"), format!("env {server}"));
            let run = format!("bash '{SCRIPT}' {start} && eval \"$(bash '{SCRIPT}' {env})\" && exec \"$0\" \"$@\"");
            let mut bash = Command::new("bash");
            bash.arg("-c").arg(run).arg(program).env("SS_DIR", directory(host));
            bash
        }
    };
    let output = child.args(arguments).env(INSIDE, test).stdin(Stdio::null()).output().expect("it starts");
    if let Some((server, _)) = host.server {
        script(&directory(host), "resume", server);
        script(&directory(host), "stop", server);
        let _ = std::fs::remove_dir_all(directory(host));
    }
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let ran = text.contains("1 passed");
    assert!(output.status.success() && ran, "{test}: {}\n{text}", output.status);
    // Without the lines of its own harness, whose counts are not ours.
    text.lines().filter(|line| line.starts_with(host.name)).for_each(|line| println!("{line}"));
}

/// The same at every run: JACK's register has little room, and one that was killed stays in it until another one of its
/// name comes.
fn directory(host: Host) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(host.name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), ""))
}

fn script(directory: &Path, command: &str, server: &str) -> bool {
    let mut bash = Command::new("bash");
    bash.args([SCRIPT, command, server]).env("SS_DIR", directory).stdout(Stdio::null()).stderr(Stdio::null());
    bash.status().expect("bash starts").success()
}

/// The directory of the server that this process is a client of.
pub fn server_directory() -> PathBuf {
    PathBuf::from(std::env::var("SS_DIR").expect("set by the server's script"))
}

/// Unloads the module of PulseAudio with this in its arguments.
fn unload(argument: &str) {
    let list = Command::new("pactl").args(["list", "short", "modules"]).output().expect("pactl").stdout;
    let list = String::from_utf8_lossy(&list).into_owned();
    let line = list.lines().find(|line| line.contains(argument)).unwrap_or_else(|| panic!("{argument} in\n{list}"));
    let module = line.split_whitespace().next().expect("a number");
    assert!(Command::new("pactl").args(["unload-module", module]).status().expect("pactl").success());
}

impl Way {
    /// Whether both devices are listed.
    pub fn there(&self) -> bool {
        listed(self.host).is_some_and(|devices| {
            devices.find_output(self.host.output).is_ok() && devices.find_input(self.host.input).is_ok()
        })
    }

    /// Whether there is no server behind it, but a clock of this process.
    pub fn is_virtual(&self) -> bool {
        self.host.server.is_none()
    }

    pub fn devices(&self) -> Devices {
        listed(self.host).expect("a list")
    }

    pub fn device(&self) -> DeviceInfo {
        self.devices().find_output(self.host.output).expect("the output").clone()
    }

    fn control(&self, command: &str) {
        let (server, _) = self.host.server.expect("a server");
        assert!(script(&server_directory(), command, server), "{command} {server}");
    }

    /// Kills the server, or unplugs the virtual device.
    pub fn kill(&self) {
        if self.is_virtual() { self.kill_virtual() } else { self.control("kill") }
    }

    fn kill_virtual(&self) {
        if let Some(device) = self.made.take() {
            device.remove();
        }
    }

    /// Asks the server to end, or unplugs the virtual device.
    pub fn stop(&self) {
        match self.host.server {
            None => return self.kill_virtual(),
            // The script ends the loop first, which may take seconds to leave: that would be the loss of a device.
            Some(("jack", _)) => self.signal("TERM", "jack"),
            Some(_) => {}
        }
        self.control("stop");
    }

    fn signal(&self, signal: &str, program: &str) {
        let number = std::fs::read_to_string(server_directory().join("pid").join(program)).expect("it runs");
        let status = Command::new("kill").args([&format!("-{signal}"), number.trim()]).status();
        assert!(status.expect("kill").success());
    }

    /// The devices go, and their server stays.
    pub fn unplug(&self) {
        match self.host.server {
            None => self.kill_virtual(),
            Some(("jack", _)) => self.signal("KILL", "jackloop"),
            Some(("pipewire", _)) => {
                for id in [self.host.input, self.host.output] {
                    let (_, name) = id.split_once(':').expect("an id");
                    let status = Command::new("pw-cli").args(["destroy", name]).stdout(Stdio::null()).status();
                    assert!(status.expect("pw-cli").success());
                }
            }
            Some(_) => {
                for (kind, id) in [("source_name", self.host.input), ("sink_name", self.host.output)] {
                    let (_, name) = id.split_once(':').expect("an id");
                    unload(&format!("{kind}={} ", name.trim_start_matches("ss_")));
                }
            }
        }
    }

    /// Makes these the default devices of the server.
    pub fn choose_defaults(&self, source: &str, sink: &str) {
        for arguments in [["set-default-source", source], ["set-default-sink", sink]] {
            assert!(Command::new("pactl").args(arguments).status().expect("pactl").success());
        }
    }

    /// Brings it back.
    pub fn revive(&self) {
        if self.is_virtual() {
            let device = virtual_host().device().name(self.host.output).create().expect("a device");
            *self.made.borrow_mut() = Some(device);
        } else {
            self.control("start");
        }
        // A server that has just started may take its devices away once more.
        let stays = || {
            (0..4).all(|_| {
                std::thread::sleep(std::time::Duration::from_millis(25));
                self.there()
            })
        };
        until("the device", stays);
    }

    /// Nothing moves for two seconds.
    pub fn stand_still(&self) {
        match &*self.made.borrow() {
            Some(device) => device.inject(Fault::Stall),
            None => {
                self.pause();
                std::thread::sleep(std::time::Duration::from_secs(2));
                self.resume();
            }
        }
    }

    pub fn pause(&self) {
        self.control("pause");
    }

    pub fn resume(&self) {
        self.control("resume");
    }

    /// Lets the virtual device tell of a loss that there was none of.
    pub fn pretend_loss(&self) {
        if let Some(device) = &*self.made.borrow() {
            device.inject(Fault::OutputUnderflow);
        }
    }
}
