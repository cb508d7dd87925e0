//! What only ALSA does: devices that the configuration makes up, some without a clock.

use std::time::{Duration, Instant};

use sounddevice::{AudioData, Dtype, ErrorKind, Kind, Latency, Stream, check, devices};

use super::counter::{heard, signal};
use super::run::{Plan, RATE};
use super::way::{ALSA, Way, apart, here, server_directory};

fn on_alsa(test: impl FnOnce(&Way)) {
    here(ALSA, "", test);
}

#[test]
fn devices_are_those_of_the_configuration_that_can_be_opened() {
    on_alsa(|_| {
        let devices = devices().expect("a list");
        let find = |id: &str| devices.iter().find(|device| device.id == id);
        for id in ["alsa:ss_speakers", "alsa:ss_mic", "alsa:ss_duplex", "alsa:ss_plug", "alsa:ss_null", "alsa:ss_file"]
        {
            let device = find(id).unwrap_or_else(|| panic!("no {id} in\n{devices}"));
            assert!(device.max_output_channels > 0 && device.max_input_channels > 0, "{device:?}");
        }
        // The plugin of the JACK host is left to that host.
        assert!(devices.iter().filter(|device| device.host_api_name == "ALSA").all(|device| device.id != "alsa:jack"));
    });
}

#[test]
fn a_device_that_always_fails_is_refused_every_time() {
    on_alsa(|way| {
        for _ in 0..3 {
            let output = Stream::output::<f32>().device("alsa:ss_missing").channels(2).open().expect_err("it fails");
            let input = Stream::input::<f32>().device("alsa:ss_missing").channels(2).open().expect_err("it fails");
            let checked = check(Kind::Output, Some(&"alsa:ss_missing".into()), Some(2), Dtype::F32, None);
            let checked = checked.expect_err("it fails");
            for error in [output, input, checked] {
                let refused = [ErrorKind::NoSuchDevice, ErrorKind::DeviceUnavailable, ErrorKind::Host];
                assert!(refused.contains(&error.kind()), "{:?}: {error}", error.kind());
                let host_error = error.host_error().filter(|host_error| host_error.text.contains("I/O error"));
                assert!(host_error.is_none_or(|host_error| host_error.code == -5), "{host_error:?}");
            }
        }
        way.carries::<f32>(4_800);
    });
}

/// Seconds that this takes, at the least: a machine may always take longer.
fn lasts(least: f64, act: impl FnOnce()) {
    let began = Instant::now();
    act();
    assert!(began.elapsed() >= Duration::from_secs_f64(least), "over after {:?}, not {least} s", began.elapsed());
}

#[test]
fn devices_without_a_clock_are_kept_to_that_of_the_system() {
    on_alsa(|_| {
        let data = signal::<f32>(2 * RATE as usize, 2, RATE);
        // What is buffered at 'high' may run ahead.
        for id in ["alsa:ss_null", "alsa:ss_file"] {
            for latency in [Latency::Low, Latency::High] {
                lasts(1.5, || drop(Plan::play(&data, id).latency(latency).start().end()));
                lasts(1.5, || {
                    let plan = Plan::<f32>::record(data.frames(), 2, id).latency(latency);
                    let (recording, _) = plan.start().end();
                    assert_eq!(recording.frames(), data.frames());
                    assert!(recording.samples().iter().all(|sample| *sample == 0.0));
                });
                lasts(1.5, || {
                    let (recording, _) = Plan::both(&data, id, id).latency(latency).start().end();
                    assert!(recording.samples().iter().all(|sample| *sample == 0.0));
                });
            }
        }
    });
}

#[test]
fn a_file_gets_every_frame() {
    apart(ALSA, concat!(module_path!(), "::a_file_gets_every_frame"), |_| {
        let frames = RATE as usize / 2 + 11;
        let data = signal::<i16>(frames, 2, RATE);
        let _ = Plan::play(&data, "alsa:ss_file").start().end();
        let written = std::fs::read(server_directory().join("tmp/file.raw")).expect("the plugin wrote it");
        let samples = written.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect();
        let heard = heard(&AudioData::new(samples, 2, RATE).expect("whole frames"));
        assert!((heard.frames, heard.first, heard.last) == (frames, 0, frames - 1) && heard.whole(), "{heard:?}");
    });
}

#[test]
fn devices_without_a_clock_outlive_the_server() {
    apart(ALSA, concat!(module_path!(), "::devices_without_a_clock_outlive_the_server"), |way| {
        let data = AudioData::<f32>::zeros(600 * RATE as usize, 2, RATE);
        let staying = Plan::both(&data, "alsa:ss_null", "alsa:ss_null").start();
        let lost = Plan::both(&data, way.host.output, way.host.input).start();
        [&staying, &lost].into_iter().for_each(|run| run.goes_on(0));
        way.kill();
        assert!(lost.job.wait_for(super::run::PATIENCE), "nobody was told");
        assert_eq!(lost.job.wait().expect_err("it is lost").kind(), ErrorKind::DeviceLost);
        staying.goes_on(u64::from(RATE));
        let _ = staying.abort();
    });
}
