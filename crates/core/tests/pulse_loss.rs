//! What becomes of streams when their PulseAudio server does not go on as it should. A server of its own, which these
//! tests stop and kill; skipped where PulseAudio is not installed.
#![cfg(target_os = "linux")]

#[path = "signal/counter.rs"]
mod counter;
#[path = "signal/run.rs"]
mod run;

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use counter::{judge, signal};
use run::{Run, Spec};
use sounddevice::job::Latency;
use sounddevice::{AudioData, Dtype, ErrorKind, Kind, Sample, check, devices};

const INPUT_OVERFLOW: u8 = 2;
const OUTPUT_UNDERFLOW: u8 = 4;

/// The server, used by one test at a time, running.
struct Server {
    directory: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Server {
    fn start() -> Option<Self> {
        static ONE: Mutex<()> = Mutex::new(());
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = std::env::temp_dir().join(format!("sounddevice-loss-{}", std::process::id()));
        let server = Self { directory, _alone: alone };
        if Command::new("pulseaudio").arg("--version").output().is_err() {
            println!("skipped: PulseAudio is not installed");
            return None;
        }
        let started = server.script("start");
        assert!(started.status.success(), "{started:?}");
        server.become_client();
        Some(server)
    }

    fn script(&self, command: &str) -> Output {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/sound-servers.sh");
        let mut bash = Command::new("bash");
        bash.args([script, command, "pulse"]).env("SS_DIR", &self.directory).output().expect("bash runs")
    }

    fn become_client(&self) {
        let lines = String::from_utf8(self.script("env").stdout).expect("text");
        for line in lines.lines() {
            if let Some((name, value)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
                // SAFETY: one test at a time, and no stream is open.
                unsafe { std::env::set_var(name, value) };
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.script("resume");
        self.script("stop");
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn spec<'a, S>(play: Option<&'a AudioData<S>>, record: Option<usize>, block_size: u32) -> Spec<'a, S> {
    let (play, record) = (play.map(|data| (data, "speakers")), record.map(|frames| (frames, "speakers.monitor")));
    Spec { play, record, latency: Latency::Low, block_size, align: false }
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "{what} never came");
        thread::sleep(Duration::from_millis(2));
    }
}

fn one_each<S: Sample>(data: &AudioData<S>) -> [Run<S>; 3] {
    let frames = data.frames();
    let runs = [spec(Some(data), None, 0), spec(None, Some(frames), 0), spec(Some(data), Some(frames), 128)];
    let runs = runs.map(Spec::start);
    for run in &runs {
        wait_for("sound", || run.job.position() > 4800);
    }
    runs
}

fn assert_lost<S>(runs: [Run<S>; 3]) {
    for run in runs {
        assert!(run.job.wait_for(Duration::from_secs(5)), "nobody was told");
        let error = run.job.wait().expect_err("the device is lost");
        assert_eq!(error.kind(), ErrorKind::DeviceLost, "{error}");
    }
}

#[test]
fn a_killed_server_is_a_lost_device_and_the_next_one_plays() {
    let Some(server) = Server::start() else { return };
    let data = signal::<f32>(48_000 * 30);
    let runs = one_each(&data);
    assert!(server.script("kill").status.success());
    assert_lost(runs);
    assert!(devices().expect("a list").iter().all(|device| device.host_api_name != "PulseAudio"));
    assert!(server.script("start").status.success());
    let (job, recorded) = spec(Some(&signal::<f32>(4800)), Some(4800), 128).start().end();
    assert!(job.flags() != 0 || judge(&recorded).first.is_some());
}

#[test]
fn a_sink_that_is_removed_is_a_lost_device() {
    let Some(_server) = Server::start() else { return };
    let data = signal::<f32>(48_000 * 30);
    let runs = one_each(&data);
    let modules = Command::new("pactl").args(["list", "short", "modules"]).output().expect("pactl").stdout;
    let modules = String::from_utf8_lossy(&modules).into_owned();
    let line = modules.lines().find(|line| line.contains("sink_name=speakers")).expect("the module of the sink");
    let index = line.split_whitespace().next().expect("its index");
    assert!(Command::new("pactl").args(["unload-module", index]).status().expect("pactl").success());
    assert_lost(runs);
}

#[test]
fn after_a_standstill_of_the_server_the_round_trip_is_what_it_was() {
    let Some(server) = Server::start() else { return };
    let data = signal::<f32>(48_000 * 5);
    let run = spec(Some(&data), Some(data.frames()), 128).start();
    wait_for("sound", || run.job.position() > 48_000);
    assert!(server.script("pause").status.success());
    thread::sleep(Duration::from_secs(2));
    assert!(server.script("resume").status.success());
    let (job, recorded) = run.end();
    let verdict = judge(&recorded);
    println!("{verdict:?} flags {}", job.flags());
    assert_eq!(verdict.altered, 0, "{verdict:?}");
    let lost = INPUT_OVERFLOW | OUTPUT_UNDERFLOW;
    assert_eq!(job.flags() & lost, lost, "{verdict:?}");
    let trip = |(position, number): (usize, u32)| position as i64 + 1 - i64::from(number);
    let (before, after) = (trip(verdict.first.expect("a beginning")), trip(verdict.last.expect("an end")));
    // One block for jitter, one for what is queued more where a busy machine lets output run out again and again. What it
    // stood still for is 750 blocks.
    assert!((after - before).abs() <= 2 * 128, "{before} frames before, {after} after");
    // What it stood still for is not played or recorded twice, and little else is lost.
    assert!(verdict.lost < 24_000, "{verdict:?}");
}

#[test]
fn a_sound_survives_a_standstill_of_the_server() {
    let Some(server) = Server::start() else { return };
    let data = signal::<f32>(48_000);
    let recording = Spec { latency: Latency::High, ..spec::<f32>(None, Some(48_000 * 4), 0) }.start();
    wait_for("a recording", || recording.job.recorded() > 0);
    let run = Spec { latency: Latency::High, ..spec(Some(&data), None, 0) }.start();
    // The whole sound has been made, some of it is still queued.
    wait_for("the end", || run.job.position() == 48_000);
    assert!(server.script("pause").status.success());
    thread::sleep(Duration::from_secs(2));
    assert!(server.script("resume").status.success());
    let _ = run.end();
    let (_, recorded) = recording.end();
    let verdict = judge(&recorded);
    assert_eq!((verdict.altered, verdict.last.map(|(_, number)| number)), (0, Some(48_000)), "{verdict:?}");
}

#[test]
fn streams_of_a_server_that_stands_still_close_at_once() {
    let Some(server) = Server::start() else { return };
    let data = signal::<f32>(48_000 * 30);
    let runs = one_each(&data);
    assert!(server.script("pause").status.success());
    for run in runs {
        run.job.abort();
        assert!(run.job.wait_for(Duration::from_secs(5)), "it hangs");
    }
    assert!(server.script("resume").status.success());
}

#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    let Some(server) = Server::start() else { return };
    let path = server.directory.join("deaf");
    let listener = UnixListener::bind(&path).expect("a socket");
    let accepting = thread::spawn(move || listener.incoming().take(3).collect::<Vec<_>>());
    // SAFETY: one test at a time, and no stream is open.
    unsafe { std::env::set_var("PULSE_SERVER", format!("unix:{}", path.display())) };
    assert!(devices().expect("a list").iter().all(|device| device.host_api_name != "PulseAudio"));
    let error = check(Kind::Output, Some(&"pulseaudio:speakers".into()), None, Dtype::F32, None).expect_err("deaf");
    assert_eq!(error.kind(), ErrorKind::NoSuchDevice, "{error}");
    server.become_client();
    drop(accepting);
}

#[test]
fn a_hundred_streams_one_after_the_other_leave_nothing_behind() {
    let Some(_server) = Server::start() else { return };
    let data = AudioData::<i16>::zeros(48, 2, 48_000);
    let open = || drop(spec(Some(&data), Some(48), 64).start().end());
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).expect("proc").count();
    open();
    let (descriptors, threads) = (count("fd"), count("task"));
    (0..100).for_each(|_| open());
    // Threads end a moment after they have said so.
    wait_for("rest", || count("task") <= threads && count("fd") <= descriptors);
}
