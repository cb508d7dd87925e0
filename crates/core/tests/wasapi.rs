//! Windows' own host API, on whatever devices there are. Under Wine frames get lost and clocks are off: what is looked at
//! is what there is, what is refused, and that everything ends.
#![cfg(windows)]

use std::time::Duration;

use sounddevice::{AudioData, Dtype, ErrorKind, Flow, Kind, Stream, WasapiSettings, devices};

const HOST: &str = "Windows WASAPI";
const PATIENCE: Duration = Duration::from_secs(20);

/// The id of the default device, if there is one.
fn default(kind: Kind) -> Option<String> {
    let list = devices().expect("a list");
    let host = list.host_apis().iter().find(|host| host.name == HOST)?;
    let index = match kind {
        Kind::Input => host.default_input,
        Kind::Output => host.default_output,
    };
    let found = list.iter().find(|device| Some(device.index) == index);
    if found.is_none() {
        println!("skipped: no {kind} here");
    }
    found.map(|device| device.id.clone())
}

fn tone(frames: usize) -> AudioData<f32> {
    AudioData::from_fn(frames, 2, 48_000, |frame, _| (frame as f32 * 0.05).sin() * 0.1)
}

#[test]
fn the_list_has_outputs_and_each_of_them_as_a_loopback_under_ids_that_stay() {
    let (once, again) = (devices().expect("a list"), devices().expect("a list"));
    println!("{once}");
    let ids = |list: &sounddevice::Devices| list.iter().map(|device| device.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&once), ids(&again));
    let ours: Vec<_> = once.iter().filter(|device| device.host_api_name == HOST).collect();
    for output in ours.iter().filter(|device| device.max_output_channels > 0) {
        assert_eq!((output.max_input_channels, output.is_loopback), (0, false));
        assert!(output.default_low_output_latency > 0.0 && output.default_sample_rate >= 8000.0);
        let loopback =
            ours.iter().find(|device| device.is_loopback && device.name == format!("{} [Loopback]", output.name));
        let loopback = loopback.expect("what it plays");
        assert_eq!(loopback.max_input_channels, output.max_output_channels);
    }
    let host = once.host_apis().iter().find(|host| host.name == HOST);
    let Some(output) = host.and_then(|host| host.default_output) else {
        return println!("skipped: no output here");
    };
    assert!(ours.iter().any(|device| device.index == output && device.max_output_channels > 0));
}

#[test]
fn what_a_device_cannot_do_is_refused_with_a_word_for_it() {
    let Some(output) = default(Kind::Output) else { return };
    let check =
        |channels, rate| sounddevice::check(Kind::Output, Some(&output.as_str().into()), channels, Dtype::I16, rate);
    check(None, None).expect("its own settings");
    check(Some(1), Some(48_000.0)).expect("one channel of it");
    assert_eq!(check(Some(500), None).expect_err("too many").kind(), ErrorKind::InvalidChannels);
    assert_eq!(check(None, Some(48_000.5)).expect_err("half a Hertz").kind(), ErrorKind::InvalidSampleRate);
    let gone = sounddevice::play(&tone(48)).device("wasapi:nothing").start().expect_err("nobody");
    assert_eq!(gone.kind(), ErrorKind::NoSuchDevice);
}

#[test]
fn a_device_for_one_program_alone_is_portaudios_business() {
    let Some(output) = default(Kind::Output) else { return };
    let alone = WasapiSettings { exclusive: true, ..WasapiSettings::default() };
    let job = sounddevice::play(&tone(48)).device(output.as_str()).settings(alone).start();
    let error = job.expect_err("not without it");
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.message().contains("'Windows WASAPI (PortAudio)'"), "{error}");
}

#[test]
fn every_format_plays_to_its_end() {
    let Some(output) = default(Kind::Output) else { return };
    let job = sounddevice::play(&tone(9600)).device(output.as_str()).start().expect("to start");
    assert!(job.wait_for(PATIENCE), "it ends");
    job.wait().expect("no error");
    assert_eq!(job.position(), 9600);
    for dtype in Dtype::ALL {
        sounddevice::check(Kind::Output, Some(&output.as_str().into()), Some(2), dtype, None).expect("a format for it");
    }
}

#[test]
fn inputs_and_loopbacks_record() {
    let list = devices().expect("a list");
    let inputs = list.iter().filter(|device| device.host_api_name == HOST && device.max_input_channels > 0);
    for device in inputs {
        let rate = device.default_sample_rate;
        for channels in [1, usize::from(device.max_input_channels)] {
            let take = sounddevice::rec::<f32>(4800).device(device.id.as_str()).channels(channels).sample_rate(rate);
            let job = match take.start() {
                Ok(job) => job,
                // Wine cannot hear all of its outputs.
                Err(error) if device.is_loopback => {
                    println!("skipped: {}: {error}", device.name);
                    continue;
                }
                Err(error) => panic!("{}: {error}", device.name),
            };
            if device.is_loopback && !job.wait_for(Duration::from_secs(5)) {
                println!("skipped: {} hears nothing", device.name);
                job.abort();
                continue;
            }
            assert!(job.wait_for(PATIENCE), "{} ends", device.name);
            let take = job.wait().expect("no error");
            assert_eq!((take.frames(), take.channels()), (4800, channels), "{}", device.name);
        }
    }
}

#[test]
fn a_stream_in_both_directions_calls_back_in_real_time_and_stops() {
    let (Some(input), Some(output)) = (default(Kind::Input), default(Kind::Output)) else { return };
    let (told, heard) = std::sync::mpsc::channel();
    let stream = Stream::duplex::<f32, f32>()
        .input_device(input.as_str())
        .output_device(output.as_str())
        .channels(2)
        .sample_rate(48_000)
        .callback(move |io| {
            io.output.fill(0.0);
            let _ = told.send(io.output.len());
            Flow::Continue
        })
        .open()
        .expect("a stream");
    stream.start().expect("to start");
    for _ in 0..20 {
        assert!(heard.recv_timeout(PATIENCE).expect("a callback") > 0);
    }
    assert!(stream.realtime());
    stream.stop().expect("to stop");
    stream.close();
}

/// Wine takes the default device from its registry, and tells when that changes. Nobody looks: WASAPI tells.
#[test]
fn who_watches_is_told_of_another_default_device() {
    const KEY: &str = r"HKCU\Software\Wine\Drivers\winepulse.drv";
    let reg = |arguments: &[&str]| {
        std::process::Command::new("reg").args(arguments).output().is_ok_and(|o| o.status.success())
    };
    if std::env::var_os("WINEPREFIX").is_none() {
        return println!("skipped: not Wine");
    }
    let list = devices().expect("a list");
    let Some(before) = default(Kind::Output) else { return };
    let other = list
        .iter()
        .find(|device| device.host_api_name == HOST && device.max_output_channels > 0 && device.id != before);
    let Some(other) = other else { return println!("skipped: one output only") };
    let (sender, events) = std::sync::mpsc::channel();
    let watcher = sounddevice::watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
    let (_, key) = other.id.split_once(':').expect("a host API");
    assert!(reg(&["add", KEY, "/v", "DefaultOutput", "/d", key, "/f"]));
    let told = events.recv_timeout(PATIENCE);
    assert!(reg(&["delete", KEY, "/v", "DefaultOutput", "/f"]));
    match told.expect("an event") {
        sounddevice::DeviceEvent::DefaultChanged { kind: Kind::Output, device: Some(device) } => {
            assert_eq!(device.id, other.id);
        }
        event => panic!("{event:?}"),
    }
    drop(watcher);
    while events.recv_timeout(PATIENCE).is_ok() {}
}
