//! What becomes of streams when their JACK server dies, stands still, or loses the device. Every test has a server of its
//! own, started by `scripts/sound-servers.sh`, and runs in a process of its own, whose environment names that server.
//! Without jackd every test says so and passes.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sounddevice::job::Job;
use sounddevice::{AudioData, ErrorKind, RecordingJob};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/sound-servers.sh");
/// Names the test that this process has been started for.
const INSIDE: &str = "SOUNDDEVICE_FAULT_TEST";
/// jackd's own driver, and a client.
const LOOPBACK: &str = "jack:loopback";
const WIDE: &str = "jack:loop-system";
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the test's body in a process of its own that is a client of a server of its own.
fn with_server(test: &str, body: impl FnOnce()) {
    if std::env::var(INSIDE).is_ok_and(|inside| inside == test) {
        return body();
    }
    // One server at a time: they share a register, and what dies there may keep others from it for a moment.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let there = |command: &str| Command::new("which").arg(command).stdout(Stdio::null()).status();
    if !["jackd", "cc", "bash"].iter().all(|command| there(command).is_ok_and(|status| status.success())) {
        return println!("skipped: no jackd");
    }
    // The same at every run: the register has little room, and one that was killed stays in it until another one of its name
    // comes.
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let run = format!("bash '{SCRIPT}' start jack && eval \"$(bash '{SCRIPT}' env jack)\" && exec \"$0\" \"$@\"");
    let program = std::env::current_exe().expect("a test is a program");
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(run).arg(program).args(["--exact", test, "--nocapture", "--test-threads=1"]);
    let status = bash.env("SS_DIR", &dir).env(INSIDE, test).status().expect("bash starts");
    control_in(&dir, "stop");
    let _ = std::fs::remove_dir_all(&dir);
    assert!(status.success(), "{test}: {status}");
}

fn control_in(dir: &std::path::Path, command: &str) {
    let status = Command::new("bash").args([SCRIPT, command, "jack"]).env("SS_DIR", dir).stdout(Stdio::null()).status();
    assert!(status.expect("bash starts").success(), "{command}");
}

/// Does this to the server of this process.
fn control(command: &str) {
    control_in(&std::path::PathBuf::from(std::env::var("SS_DIR").expect("set by the server's script")), command);
}

/// Waits for a condition.
fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn counter(frames: usize) -> AudioData<f32> {
    AudioData::from_fn(frames, 2, 48_000, |frame, channel| ((frame + 1) * 2 + channel) as f32 / 16_777_216.0)
}

/// Longer than any test.
fn long() -> AudioData<f32> {
    AudioData::from_fn(600 * 48_000, 1, 48_000, |_, _| 0.25)
}

fn listed(id: &str) -> bool {
    sounddevice::devices().expect("devices can always be listed").iter().any(|device| device.id == id)
}

/// The server is there and does what it should.
fn serves() {
    until("the server is listed", || listed(LOOPBACK) && listed(WIDE));
    let data = counter(24_000);
    let open = || sounddevice::playrec::<f32, f32>(&data).device(WIDE).channels(2).align(true).start();
    let job: RecordingJob<f32> = open().expect("it opens");
    assert!(job.wait_for(PATIENCE));
    let flags = job.flags();
    let recording = job.wait().expect("no error");
    if flags == 0 {
        assert!(recording.samples() == data.samples());
    }
}

fn play(id: &str) -> Job {
    let job = sounddevice::play(&long()).device(id).start().expect("it opens");
    until("it plays", || job.position() > 0);
    job
}

fn rec(id: &str) -> RecordingJob<f32> {
    let job = sounddevice::rec(600 * 48_000).device(id).start().expect("it opens");
    until("it records", || job.position() > 0);
    job
}

fn lost(job: &Job) {
    assert!(job.wait_for(PATIENCE), "the job ends");
    assert_eq!(job.wait().expect_err("it is lost").kind(), ErrorKind::DeviceLost);
}

#[test]
fn a_server_that_dies_ends_its_streams_and_the_next_one_serves() {
    with_server("a_server_that_dies_ends_its_streams_and_the_next_one_serves", || {
        serves();
        for death in ["kill", "stop", "kill"] {
            let (player, recorder, another) = (play(LOOPBACK), rec(WIDE), play(WIDE));
            control(death);
            [&player, &another].into_iter().for_each(lost);
            lost(&recorder);
            assert!(!listed(LOOPBACK) && listed("virtual:loopback"), "after {death}");
            let error = sounddevice::play(&counter(480)).device(LOOPBACK).start().expect_err("nobody is there");
            assert_eq!(error.kind(), ErrorKind::NoSuchDevice);
            control("start");
            serves();
        }
    });
}

#[test]
fn a_server_that_stands_still_holds_nothing_up() {
    with_server("a_server_that_stands_still_holds_nothing_up", || {
        serves();
        let (staying, aborted, stopped) = (play(LOOPBACK), play(WIDE), rec(WIDE));
        control("pause");
        let error = sounddevice::play(&counter(480)).device(LOOPBACK).start().expect_err("nobody answers");
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(listed("virtual:loopback"));
        aborted.abort();
        stopped.stop();
        assert!(aborted.wait_for(PATIENCE) && stopped.wait_for(PATIENCE), "both end");
        let position = staying.position();
        control("resume");
        until("the stream goes on", || staying.position() > position + 48_000);
        serves();
        staying.abort();
        assert!(staying.wait_for(PATIENCE));
        staying.wait().expect("no error");
        // One that is killed while it stands still, with a close under way.
        let (aborted, another) = (play(LOOPBACK), play(WIDE));
        control("pause");
        aborted.abort();
        assert!(aborted.wait_for(PATIENCE));
        control("kill");
        lost(&another);
        control("start");
        serves();
    });
}

#[test]
fn a_device_that_leaves_ends_its_streams_only() {
    with_server("a_device_that_leaves_ends_its_streams_only", || {
        serves();
        let (staying, leaving) = (play(LOOPBACK), play(WIDE));
        let dir = std::path::PathBuf::from(std::env::var("SS_DIR").expect("set by the server's script"));
        let pid = std::fs::read_to_string(dir.join("pid/jackloop")).expect("the script wrote it");
        assert!(Command::new("kill").arg(pid.trim()).status().expect("kill runs").success());
        lost(&leaving);
        let position = staying.position();
        until("the other one goes on", || staying.position() > position + 4800);
        assert!(!listed(WIDE) && listed(LOOPBACK));
        staying.abort();
        assert!(staying.wait_for(PATIENCE));
        staying.wait().expect("no error");
    });
}
