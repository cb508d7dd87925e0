//! PortAudio beside ours: what is listed when, and that what PortAudio does badly does not reach our users. Every test runs
//! in a process of its own, whose environment names servers of its own. What is not installed is left out, with a word.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sounddevice::job::Job;
use sounddevice::{
    AudioData, Backend, DeviceEvent, DeviceSpecifier, Devices, ErrorKind, Flow, Kind, Latency, Stream, check,
    choose_backend, devices, devices_for, virtual_host, watch_devices,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/sound-servers.sh");
/// Names the test that this process has been started for.
const INSIDE: &str = "SOUNDDEVICE_PORTAUDIO_TEST";
const SPEAKERS: &str = "alsa-portaudio:ss_speakers";
const MICROPHONE: &str = "alsa-portaudio:ss_mic";
const WIDE: &str = "jack-portaudio:loop-system";
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the test's body in a process of its own with these variables, beside servers of its own if it names any.
fn apart(test: &str, servers: &str, variables: &[(&str, &str)], body: impl FnOnce()) {
    if std::env::var(INSIDE).is_ok_and(|inside| inside == test) {
        return body();
    }
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let needed: &[&str] = match servers {
        "jack" => &["jackd", "cc", "bash"],
        "pulse" => &["pulseaudio", "pactl", "bash"],
        "all" => &["jackd", "cc", "pulseaudio", "pactl", "bash"],
        _ => &["bash"],
    };
    let there = |command: &&str| {
        let found = Command::new("which").arg(command).stdout(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    };
    if !needed.iter().all(there) {
        return println!("skipped: no {}", needed.join(", no "));
    }
    let named = |library: &str| libloads(library);
    if variables.iter().all(|(name, _)| *name != "SOUNDDEVICE_PORTAUDIO") && !named("libportaudio.so.2") {
        return println!("skipped: no libportaudio.so.2");
    }
    // The same for all: the register has little room, and a server that was killed stays in it until another one of its
    // name comes.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portaudio");
    let run = match servers {
        "" => "exec \"$0\" \"$@\"".to_string(),
        _ => format!(
            "bash '{SCRIPT}' start {servers} && eval \"$(bash '{SCRIPT}' env {servers})\" && exec \"$0\" \"$@\""
        ),
    };
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(run).arg(std::env::current_exe().expect("a test is a program"));
    bash.args(["--exact", test, "--nocapture", "--test-threads=1"]).env("SS_DIR", &dir).env(INSIDE, test);
    let status = bash.envs(variables.iter().copied()).status().expect("bash starts");
    if !servers.is_empty() {
        script(&dir, &["stop", servers]);
        let _ = std::fs::remove_dir_all(&dir);
    }
    assert!(status.success(), "{test}: {status}");
}

/// Whether the loader finds it.
fn libloads(library: &str) -> bool {
    let known = Command::new("sh").args(["-c", "PATH=$PATH:/sbin:/usr/sbin ldconfig -p"]).output().expect("sh runs");
    String::from_utf8_lossy(&known.stdout).contains(library)
}

fn script(dir: &Path, arguments: &[&str]) {
    let mut bash = Command::new("bash");
    let status = bash.arg(SCRIPT).args(arguments).env("SS_DIR", dir).stdout(Stdio::null()).status();
    assert!(status.expect("bash starts").success(), "{arguments:?}");
}

/// Does this to the servers of this process.
fn control(command: &str, server: &str) {
    script(&PathBuf::from(std::env::var("SS_DIR").expect("set by the script")), &[command, server]);
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn listed_with(specifier: &str) -> Devices {
    let specifier = DeviceSpecifier::from(specifier);
    devices_for([Some(&specifier)]).expect("a list")
}

fn listed(id: &str) -> bool {
    listed_with(id).iter().any(|device| device.id == id)
}

fn hosts(devices: &Devices) -> Vec<&'static str> {
    devices.host_apis().iter().map(|host| host.name).collect()
}

/// Longer than any test.
fn long() -> AudioData<f32> {
    AudioData::from_fn(600 * 48_000, 1, 48_000, |_, _| 0.25)
}

fn play(id: &str) -> Job {
    let job = sounddevice::play(&long()).device(id).start().expect("it opens");
    until("it plays", || job.position() > 0);
    job
}

/// The lag between playing a frame and hearing it, in frames of the stream, and how often it has been told.
#[derive(Default)]
struct Lag {
    frames: AtomicU64,
    heard: AtomicU64,
}

/// A duplex stream that plays a count and hears it.
fn loopback(output: &str, input: &str, latency: Latency) -> (Stream<f32, f32>, Arc<Lag>) {
    const SCALE: f32 = 16_777_216.0;
    let lag = Arc::new(Lag::default());
    let told = Arc::clone(&lag);
    let mut played = 0u64;
    let stream = Stream::duplex::<f32, f32>()
        .output_device(output)
        .input_device(input)
        .channels(1)
        .sample_rate(48_000)
        .latency(latency)
        .callback(move |io| {
            let heard = (io.input[io.frames - 1] * SCALE) as u64;
            if heard > 0 {
                told.frames.store((played + io.frames as u64).saturating_sub(heard), Ordering::Release);
                told.heard.fetch_add(1, Ordering::AcqRel);
            }
            for sample in io.output.iter_mut() {
                played += 1;
                *sample = played as f32 / SCALE;
            }
            Flow::Continue
        })
        .open()
        .expect("it opens");
    stream.start().expect("it starts");
    (stream, lag)
}

#[test]
fn without_the_library_the_rest_works_and_asking_for_it_says_so() {
    let missing = [("SOUNDDEVICE_PORTAUDIO", "/nonexistent/portaudio")];
    apart("without_the_library_the_rest_works_and_asking_for_it_says_so", "", &missing, || {
        assert!(devices().expect("a list").iter().any(|device| device.id == "virtual:loopback"));
        assert_eq!(sounddevice::portaudio_version(), None);
        let error = check(Kind::Output, Some(&SPEAKERS.into()), None, sounddevice::Dtype::F32, None);
        let error = error.expect_err("no library");
        assert_eq!(error.kind(), ErrorKind::NoLibrary);
        assert!(error.message().contains("/nonexistent/portaudio"), "{error}");
    });
}

/// Whatever is wrong with the file.
#[test]
fn a_file_that_is_no_portaudio_is_told_with_what_to_install() {
    let test = "a_file_that_is_no_portaudio_is_told_with_what_to_install";
    let garbage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-library.so");
    std::fs::write(&garbage, "no library").expect("it is written");
    let cases = [
        ("/nonexistent/portaudio", "No such file"),
        (garbage.to_str().expect("a path in UTF-8"), "file too short"),
        ("libm.so.6", "undefined symbol: Pa_"),
    ];
    for (file, why) in cases {
        // The process that it runs in again tells which one by the variable.
        if std::env::var(INSIDE).is_ok() && std::env::var("SOUNDDEVICE_PORTAUDIO").as_deref() != Ok(file) {
            continue;
        }
        apart(test, "", &[("SOUNDDEVICE_PORTAUDIO", file)], || {
            let error = devices_for([Some(&SPEAKERS.into())]).map(drop).expect_err("no library");
            assert_eq!(error.kind(), ErrorKind::NoLibrary);
            let message = error.message();
            assert!(message.starts_with("The library of PortAudio cannot be used: "), "{message}");
            assert!(message.contains(&format!("SOUNDDEVICE_PORTAUDIO names '{file}': ")), "{message}");
            assert!(message.contains(why), "{message}");
            let install = "; install libportaudio2 (Debian, Ubuntu), portaudio (Fedora, Arch), or name its file in \
                           SOUNDDEVICE_PORTAUDIO";
            assert!(message.ends_with(install), "{message}");
            assert_eq!(message.matches("libportaudio2").count(), 1, "{message}");
        });
    }
}

#[test]
fn chosen_alone_without_the_library_only_virtual_devices_can_be_used() {
    let variables = [("SOUNDDEVICE_PORTAUDIO", "/nonexistent/portaudio"), ("SOUNDDEVICE_BACKEND", "portaudio")];
    apart("chosen_alone_without_the_library_only_virtual_devices_can_be_used", "", &variables, || {
        assert_eq!(devices().expect_err("no library").kind(), ErrorKind::NoLibrary);
        assert_eq!(sounddevice::host_api(0).expect_err("no library").kind(), ErrorKind::NoLibrary);
        // Who names none of them, or nothing that is there, may mean one of PortAudio's.
        let refused = |device: Option<DeviceSpecifier>| {
            let checked = check(Kind::Output, device.as_ref(), None, sounddevice::Dtype::F32, None);
            checked.expect_err("no library").kind()
        };
        for device in [None, Some(SPEAKERS.into()), Some("speakers".into()), Some(99.into())] {
            assert_eq!(refused(device.clone()), ErrorKind::NoLibrary, "{device:?}");
        }
        assert_eq!(refused(Some(DeviceSpecifier::Index(-1))), ErrorKind::NoSuchDevice);
        virtual_devices_work();
        let twins = [(); 2].map(|()| virtual_host().device().name("twin").create().expect("a device"));
        assert_eq!(refused(Some("twin".into())), ErrorKind::AmbiguousDevice);
        for twin in twins {
            twin.remove();
        }
    });
}

#[test]
fn among_others_without_the_library_the_lists_are_theirs() {
    let variables = [("SOUNDDEVICE_PORTAUDIO", "/nonexistent/portaudio"), ("SOUNDDEVICE_BACKEND", "all")];
    apart("among_others_without_the_library_the_lists_are_theirs", "pulse", &variables, || {
        let all = devices().expect("a list");
        assert_eq!(hosts(&all), ["PulseAudio", "ALSA", "Virtual"]);
        assert_eq!(all.default_device(Kind::Output).expect("a default").host_api_name, "PulseAudio");
        assert_eq!(sounddevice::host_api(2).expect("it is there").name, "Virtual");
        assert_eq!(sounddevice::host_api(3).expect_err("no more").kind(), ErrorKind::NoSuchHostApi);
        virtual_devices_work();
        for device in [SPEAKERS, "speakers, ALSA (PortAudio)"] {
            let error = check(Kind::Output, Some(&device.into()), None, sounddevice::Dtype::F32, None);
            let error = error.expect_err("no library");
            assert_eq!(error.kind(), ErrorKind::NoLibrary);
            assert_eq!(all.find_output(device).expect_err("no library"), error);
            assert!(error.message().contains("; install "), "{error}");
        }
        let error = check(Kind::Output, Some(&"nobody".into()), None, sounddevice::Dtype::F32, None);
        assert_eq!(error.expect_err("nobody has it").kind(), ErrorKind::NoSuchDevice);
    });
}

/// The built-in one, and one that is made, by all its names.
fn virtual_devices_work() {
    let made = virtual_host().device().name("made here").manual_clock().create().expect("a device");
    let names: [DeviceSpecifier; 4] = [(&made).into(), made.id().into(), "made here".into(), "made virtual".into()];
    for device in names {
        let data = AudioData::from_fn(512, 1, 48_000, |frame, _| frame as f32 / 512.0);
        let job = sounddevice::play(&data).device(device.clone()).start().expect("it opens");
        made.advance(1024).expect("a manual clock");
        assert!(job.wait_for(PATIENCE));
        let played = made.played();
        let heard = &played[0][..512];
        assert_eq!(heard, (0..512).map(|frame| f64::from(frame) / 512.0).collect::<Vec<_>>(), "{device:?}");
    }
    made.remove();
    for device in ["virtual:loopback", "Virtual Loopback"] {
        let job = sounddevice::play(&long()).device(device).start().expect("it opens");
        until("it plays", || job.position() > 0);
    }
}

#[test]
fn by_itself_it_is_listed_where_it_is_named_and_its_indices_stay() {
    apart("by_itself_it_is_listed_where_it_is_named_and_its_indices_stay", "pulse", &[], || {
        let ours = devices().expect("a list");
        assert!(hosts(&ours).iter().all(|name| !name.contains("PortAudio")), "{ours}");
        assert_eq!(sounddevice::portaudio_version(), None);
        let all = listed_with("speakers ALSA (PortAudio)");
        assert_eq!(hosts(&all), ["PulseAudio", "ALSA", "Virtual", "ALSA (PortAudio)"]);
        let (number, text) = sounddevice::portaudio_version().expect("it is loaded");
        assert!(number >= 0x0013_0600 && text.contains("PortAudio"), "{number} {text}");
        let device = all.find_output(SPEAKERS).expect("speakers");
        assert_eq!((device.name.as_str(), device.host_api_name), ("ss_speakers", "ALSA (PortAudio)"));
        assert!(device.max_output_channels >= 2 && device.default_low_output_latency > 0.0, "{device:?}");
        let default = all.host_apis().iter().find(|host| host.name == "PulseAudio").expect("it has devices");
        assert_eq!(all.default_device(Kind::Output).map(|device| device.index), default.default_output);
        // Its index is enough from now on.
        let index = DeviceSpecifier::from(device.index);
        let found = devices_for([Some(&index)]).expect("a list");
        assert_eq!(found.find(&index, None).expect("it is there").id, SPEAKERS);
        // And that of its host API, which devices() does not list.
        assert!(devices().expect("a list").host_apis().len() <= device.host_api);
        let host = sounddevice::host_api(device.host_api as i64).expect("it is there");
        assert_eq!((host.index, host.name), (device.host_api, "ALSA (PortAudio)"));
        let of_it = found.iter().filter(|other| other.host_api == device.host_api).map(|other| other.index);
        assert_eq!(host.devices, of_it.collect::<Vec<_>>());
        let default = found.get(host.default_output.expect("a default")).expect("it is there");
        assert_eq!(default.host_api_name, "ALSA (PortAudio)");
        for nobodys in [-1, device.host_api as i64 + 1, i64::MAX] {
            let error = sounddevice::host_api(nobodys).expect_err("nobody's");
            assert_eq!(error.kind(), ErrorKind::NoSuchHostApi);
            assert_eq!(error.message(), format!("Error querying host API {nobodys}"));
        }
    });
}

#[test]
fn the_variable_chooses_it_alone_or_not_at_all() {
    let portaudio = [("SOUNDDEVICE_BACKEND", "portaudio")];
    apart("the_variable_chooses_it_alone_or_not_at_all", "pulse", &portaudio, || {
        let devices = devices().expect("a list");
        assert_eq!(hosts(&devices), ["ALSA (PortAudio)", "Virtual"]);
        assert_eq!(devices.default_device(Kind::Output).expect("a default").host_api_name, "ALSA (PortAudio)");
    });
}

#[test]
fn the_variable_can_ask_for_all_of_both() {
    apart("the_variable_can_ask_for_all_of_both", "pulse", &[("SOUNDDEVICE_BACKEND", "all")], || {
        let loopback = listed_with("virtual:loopback");
        let devices = devices().expect("a list");
        assert_eq!(hosts(&devices), ["PulseAudio", "ALSA", "ALSA (PortAudio)", "Virtual"]);
        assert_eq!(devices.iter().last().expect("a device").id, "virtual:loopback");
        let positions: Vec<_> = devices.host_apis().iter().map(|host| host.index).collect();
        assert_eq!(positions, [0, 1, 2, 3]);
        for host in devices.host_apis() {
            assert_eq!(sounddevice::host_api(host.index as i64).expect("it is there"), *host);
        }
        assert_eq!(devices.default_device(Kind::Output).expect("a default").host_api_name, "PulseAudio");
        // Indices stay with devices, wherever these stand.
        let before = loopback.find_output("virtual:loopback").expect("it is there");
        choose_backend(Some(Backend::Cpal));
        let without = sounddevice::devices().expect("a list");
        assert_eq!(hosts(&without), ["PulseAudio", "ALSA", "Virtual"]);
        assert_eq!(without.find_output("virtual:loopback").expect("it is there").index, before.index);
        choose_backend(None);
        assert!(devices.find_output(SPEAKERS).is_ok(), "{devices}");
        // Who names nothing of PortAudio's has the same list.
        assert_eq!(hosts(&listed_with("virtual:loopback")), hosts(&devices));
    });
}

#[test]
fn the_variable_can_rule_it_out() {
    apart("the_variable_can_rule_it_out", "pulse", &[("SOUNDDEVICE_BACKEND", "cpal")], || {
        assert!(hosts(&listed_with(SPEAKERS)).iter().all(|name| !name.contains("PortAudio")));
    });
}

#[test]
fn what_a_device_cannot_do_is_refused_in_portaudios_words() {
    apart("what_a_device_cannot_do_is_refused_in_portaudios_words", "pulse", &[], || {
        let specifier = SPEAKERS.into();
        let asked = |channels, rate| check(Kind::Output, Some(&specifier), channels, sounddevice::Dtype::I24, rate);
        asked(Some(2), Some(48_000.0)).expect("it can");
        let error = asked(Some(2), Some(1.0)).expect_err("no such rate");
        assert_eq!((error.kind(), error.kind().portaudio_code()), (ErrorKind::InvalidSampleRate, -9997));
        let host_error = error.host_error().expect("PortAudio's words");
        assert_eq!((host_error.code, host_error.text.as_str()), (-9997, "Invalid sample rate"));
        // An assertion of PortAudio's would end the program.
        for rate in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            assert_eq!(asked(None, Some(rate)).expect_err("no rate").kind(), ErrorKind::InvalidSampleRate);
        }
        assert_eq!(asked(Some(1000), None).expect_err("too many").kind(), ErrorKind::InvalidChannels);
        let job = sounddevice::playrec::<f32, f32>(&long()).output_device(SPEAKERS).input_device("alsa:ss_mic");
        assert_eq!(job.sample_rate(48_000).start().expect_err("two backends").kind(), ErrorKind::IncompatibleDevices);
    });
}

#[test]
fn what_was_written_is_heard_to_the_end_when_the_stream_stops() {
    apart("what_was_written_is_heard_to_the_end_when_the_stream_stops", "pulse", &[], || {
        let recording = sounddevice::rec::<i16>(5 * 48_000).channels(2).device("pulseaudio:speakers.monitor");
        let recording = recording.sample_rate(48_000).start().expect("it opens");
        until("it records", || recording.position() > 0);
        let stream = Stream::output::<i16>().device(SPEAKERS).channels(2).sample_rate(48_000);
        let stream = stream.latency(Latency::Seconds(0.4)).open().expect("it opens");
        stream.start().expect("it starts");
        let frames = 48_000;
        let samples: Vec<i16> = (0..frames).flat_map(|frame| [(frame % 30_000 + 1) as i16; 2]).collect();
        stream.write(&samples).expect("it is taken");
        stream.stop().expect("it plays out");
        let recorded = recording.wait().expect("no error");
        let last = recorded.samples().iter().rev().find(|sample| **sample != 0);
        assert_eq!(last, samples.last());
    });
}

#[test]
fn what_is_not_a_number_ends_nothing() {
    apart("what_is_not_a_number_ends_nothing", "pulse", &[], || {
        let recording = sounddevice::rec::<f32>(2 * 48_000).channels(2).device("pulseaudio:speakers.monitor");
        let recording = recording.sample_rate(48_000).start().expect("it opens");
        until("it records", || recording.position() > 0);
        let odd = [f32::NAN, 0.5, 0.5, f32::NAN];
        let stream = Stream::output::<f32>().device(SPEAKERS).channels(2).sample_rate(48_000).open().expect("it opens");
        stream.start().expect("it starts");
        stream.write(&odd.repeat(1000)).expect("it is taken");
        stream.stop().expect("it plays out");
        let recorded = recording.wait().expect("no error");
        assert_eq!(recorded.samples().iter().filter(|sample| **sample == 0.5).count(), 2000);
    });
}

#[test]
fn a_server_that_stood_still_leaves_no_delay_behind() {
    apart("a_server_that_stood_still_leaves_no_delay_behind", "pulse", &[], || {
        let (stream, lag) = loopback(SPEAKERS, MICROPHONE, Latency::Low);
        let heard = |more: u64| {
            let before = lag.heard.load(Ordering::Acquire);
            until("it hears itself", || lag.heard.load(Ordering::Acquire) > before + more);
            lag.frames.load(Ordering::Acquire)
        };
        let before = heard(500);
        control("pause", "pulse");
        std::thread::sleep(Duration::from_secs(1));
        control("resume", "pulse");
        until("it is as before", || heard(100) <= before + 512);
        stream.close();
    });
}

#[test]
fn a_killed_server_is_a_lost_device_and_the_next_one_plays() {
    apart("a_killed_server_is_a_lost_device_and_the_next_one_plays", "pulse", &[], || {
        let job = play(SPEAKERS);
        control("kill", "pulse");
        assert!(job.wait_for(PATIENCE), "nobody was told");
        assert_eq!(job.wait().expect_err("it is lost").kind(), ErrorKind::DeviceLost);
        control("start", "pulse");
        until("it is listed", || listed(SPEAKERS));
        let job = play(SPEAKERS);
        job.abort();
        assert!(job.wait_for(PATIENCE));
    });
}

/// Nothing of it is changed then, so that what cannot be done without that is not offered.
#[test]
fn a_portaudio_that_others_have_loaded_is_left_as_it_is() {
    apart("a_portaudio_that_others_have_loaded_is_left_as_it_is", "all", &[], || {
        until("JACK is there", || listed("jack:loop-system"));
        // SAFETY: it runs nothing when it is loaded.
        let theirs = unsafe { libloading::Library::new("libportaudio.so.2") }.expect("it loads");
        for _ in 0..2 {
            let all = listed_with(SPEAKERS);
            assert!(all.iter().any(|device| device.id == SPEAKERS), "{all}");
            assert!(hosts(&all).contains(&"JACK") && !hosts(&all).contains(&"JACK (PortAudio)"), "{all}");
            let job = play(SPEAKERS);
            job.abort();
            assert!(job.wait_for(PATIENCE));
        }
        control("kill", "jack");
        until("JACK is gone", || !listed("jack:loop-system"));
        let job = play(SPEAKERS);
        job.abort();
        assert!(job.wait_for(PATIENCE));
        drop(theirs);
    });
}

/// PortAudio itself ends the program there, or closes for ten minutes.
#[test]
fn a_jack_server_that_dies_ends_its_streams_and_nothing_else() {
    apart("a_jack_server_that_dies_ends_its_streams_and_nothing_else", "jack", &[], || {
        for _ in 0..2 {
            until("the server is listed", || listed(WIDE));
            let (player, another) = (play(WIDE), play("jack:loopback"));
            control("kill", "jack");
            for job in [&player, &another] {
                assert!(job.wait_for(PATIENCE), "nobody was told");
                assert_eq!(job.wait().expect_err("it is lost").kind(), ErrorKind::DeviceLost);
            }
            until("it is not listed", || !listed(WIDE) && !listed("jack:loopback"));
            control("start", "jack");
        }
        until("the next one is listed", || listed(WIDE));
        let (stream, lag) = loopback(WIDE, WIDE, Latency::Low);
        until("it hears itself", || lag.heard.load(Ordering::Acquire) > 10);
        stream.stop().expect("it stops");
    });
}

#[test]
fn a_jack_server_that_dies_between_two_looks_does_no_harm() {
    apart("a_jack_server_that_dies_between_two_looks_does_no_harm", "jack", &[], || {
        for death in ["kill", "stop", "kill"] {
            until("the server is listed", || listed(WIDE));
            control(death, "jack");
            until("it is not listed", || !listed(WIDE));
            control("start", "jack");
        }
        until("the next one is listed", || listed(WIDE) && listed("jack:loopback"));
    });
}

#[test]
fn a_jack_server_that_stands_still_holds_nothing_up() {
    apart("a_jack_server_that_stands_still_holds_nothing_up", "jack", &[], || {
        let (stays, leaves) = (play(WIDE), play("jack-portaudio:loopback"));
        control("pause", "jack");
        leaves.abort();
        assert!(leaves.wait_for(PATIENCE), "it ends");
        // PortAudio waits for the server, whoever asks it does not; what comes too late is closed.
        let error = sounddevice::play(&long()).device(WIDE).start().map(drop).expect_err("it does not answer");
        assert!([ErrorKind::TimedOut, ErrorKind::NoSuchDevice].contains(&error.kind()), "{error}");
        assert!(devices().expect("a list").iter().any(|device| device.id == "virtual:loopback"));
        let position = stays.position();
        control("resume", "jack");
        until("the other one goes on", || stays.position() > position + 48_000);
        stays.abort();
        assert!(stays.wait_for(PATIENCE));
        stays.wait().expect("no error");
        until("all is as before", || listed(WIDE));
    });
}

/// The next one of these that comes or goes before then.
fn told(events: &Receiver<DeviceEvent>, host: &str, end: Instant) -> (bool, String) {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match events.recv_timeout(left).expect("an event") {
            DeviceEvent::Added(device) if device.host_api_name == host => return (true, device.id),
            DeviceEvent::Removed(device) if device.host_api_name == host => return (false, device.id),
            _ => {}
        }
    }
}

/// Clients of JACK come and go faster than PortAudio would be looked at by itself.
fn clients_come_and_go(others_are_listed: bool) {
    const CLIENT: &str = "jack-portaudio:guest";
    until("the server is listed", || listed(WIDE));
    let (sender, events) = mpsc::channel();
    let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
    let directory = PathBuf::from(std::env::var("SS_DIR").expect("set by the script"));
    let end = Instant::now() + 2 * PATIENCE;
    let mut ours = 0;
    for _ in 0..6 {
        let mut client = Command::new(directory.join("jack/jackloop"));
        let mut client = client.args(["guest", "2"]).stdout(Stdio::null()).spawn().expect("it starts");
        assert_eq!(told(&events, "JACK (PortAudio)", end), (true, CLIENT.into()));
        assert!(listed(CLIENT));
        let pid = client.id().to_string();
        assert!(Command::new("kill").arg(pid).status().expect("kill runs").success());
        client.wait().expect("it ends");
        assert_eq!(told(&events, "JACK (PortAudio)", end), (false, CLIENT.into()));
        assert!(!listed(CLIENT));
        ours += usize::from(devices().expect("a list").host_apis().iter().any(|host| host.name == "JACK"));
    }
    drop(watcher);
    assert_eq!(ours > 0, others_are_listed);
}

#[test]
fn who_watches_it_alone_is_told_of_it_as_soon_as_others_see_a_change() {
    let variables = [("SOUNDDEVICE_BACKEND", "portaudio")];
    apart("who_watches_it_alone_is_told_of_it_as_soon_as_others_see_a_change", "jack", &variables, || {
        clients_come_and_go(false);
    });
}

#[test]
fn who_watches_it_among_others_is_told_of_it_as_soon_as_they_see_a_change() {
    let variables = [("SOUNDDEVICE_BACKEND", "all")];
    apart("who_watches_it_among_others_is_told_of_it_as_soon_as_they_see_a_change", "jack", &variables, || {
        clients_come_and_go(true);
    });
}

#[test]
fn who_watches_is_told_what_another_choice_changes() {
    apart("who_watches_is_told_what_another_choice_changes", "pulse", &[], || {
        let (sender, events) = mpsc::channel();
        let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
        let choices = [(Backend::PortAudio, 1), (Backend::All, 2), (Backend::Cpal, 0), (Backend::PortAudio, 1)];
        let mut before = devices().expect("a list");
        for (choice, expected) in choices {
            choose_backend(Some(choice));
            let now = devices().expect("a list");
            let count = |host: &str| now.iter().filter(|device| device.host_api_name == host).count();
            let of_each = [count("PulseAudio") > 0, count("ALSA (PortAudio)") > 0];
            assert_eq!(of_each, [[true, false], [false, true], [true, true]][expected], "{now}");
            let ids = |list: &Devices| list.iter().map(|device| device.id.clone()).collect::<Vec<_>>();
            let (old, new) = (ids(&before), ids(&now));
            let without = |these: &[String], those: &[String]| -> Vec<String> {
                these.iter().filter(|id| !those.contains(id)).cloned().collect()
            };
            let next = || events.recv_timeout(PATIENCE).expect("an event");
            for id in without(&old, &new) {
                let event = next();
                assert!(matches!(&event, DeviceEvent::Removed(device) if device.id == id), "{event:?}, not {id}");
            }
            for id in without(&new, &old) {
                let event = next();
                assert!(matches!(&event, DeviceEvent::Added(device) if device.id == id), "{event:?}, not {id}");
            }
            for kind in [Kind::Input, Kind::Output] {
                let [old, new] = [&before, &now].map(|list| list.default_device(kind).map(|device| device.id.clone()));
                if old == new {
                    continue;
                }
                let DeviceEvent::DefaultChanged { kind: of, device } = next() else { panic!("another default {kind}") };
                assert_eq!((of, device.map(|device| device.id)), (kind, new));
            }
            before = now;
        }
        drop(watcher);
        assert!(events.iter().next().is_none(), "nothing else has changed");
    });
}
