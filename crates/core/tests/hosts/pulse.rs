//! What only PulseAudio does.

use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::mpsc;

use sounddevice::{AudioData, DeviceEvent, Dtype, ErrorKind, I24, Kind, Latency, check, devices, watch_devices};

use super::contract::{assert_sound, judged, together};
use super::counter::{Counts, heard, signal};
use super::run::{PATIENCE, Plan, RATE, until};
use super::way::{PULSE, Way, apart, here, server_directory};

fn on_pulse(test: impl FnOnce(&Way)) {
    here(PULSE, "", test);
}

#[test]
fn devices_are_the_sinks_and_sources_under_their_descriptions() {
    on_pulse(|_| {
        let devices = devices().expect("a list");
        let pulse = &devices.host_apis()[0];
        assert_eq!(pulse.name, "PulseAudio");
        let id = |index: Option<usize>| index.and_then(|index| devices.get(index)).map(|device| device.id.clone());
        assert_eq!(id(pulse.default_output).as_deref(), Some("pulseaudio:speakers"));
        assert_eq!(id(pulse.default_input).as_deref(), Some("pulseaudio:mic"));
        let find = |id: &str| devices.iter().find(|device| device.id == id).expect("it is there");
        let surround = find("pulseaudio:surround");
        let channels = (surround.max_output_channels, surround.max_input_channels);
        assert_eq!((surround.name.as_str(), channels), ("Surround 7.1", (8, 0)));
        let cd = find("pulseaudio:cd.monitor");
        assert_eq!((cd.default_sample_rate, cd.max_input_channels, cd.is_loopback), (44_100.0, 2, true));
        assert!(!find("pulseaudio:mic8").is_loopback);
        assert!(surround.default_low_output_latency < 0.003 && surround.default_high_output_latency > 0.04);
        assert_eq!(find("pulseaudio:unicode").name, "Haut-parleurs é 日本語 🔊");
    });
}

/// From a sink to its monitor.
fn carries<S: Counts>(way: &Way, sink: &str, source: &str) {
    let data = signal::<S>(RATE as usize, 2, RATE);
    let turn = || {
        let (recording, flags) = Plan::both(&data, sink, source).align().start().end();
        let heard = heard(&recording);
        assert_sound(&heard, flags);
        (heard, flags)
    };
    judged(way, turn).into_iter().for_each(|heard| assert!(heard.start < 1_024, "{sink}: {heard:?}"));
}

#[test]
fn monitors_hear_what_is_played_bit_for_bit() {
    on_pulse(|way| {
        carries::<i16>(way, "pulseaudio:twin_a", "pulseaudio:mic_twin_a");
        carries::<I24>(way, "pulseaudio:twin_b", "pulseaudio:twin_b.monitor");
        carries::<i32>(way, "pulseaudio:twin_b", "pulseaudio:mic_twin_b");
        carries::<f32>(way, "pulseaudio:speakers", "pulseaudio:speakers.monitor");
    });
}

#[test]
fn a_sound_of_another_rate_is_heard_whole() {
    on_pulse(|way| {
        for (frames, latency, block_size) in
            [(100, Latency::Low, 0), (2_048, Latency::High, 64), (30_000, Latency::High, 0)]
        {
            let data = AudioData::from_fn(frames, 1, RATE, |frame, _| 0.25 + frame as f32 / 65_536.0);
            let turn = || {
                let recorder = Plan::<f32>::record(60 * RATE as usize, 2, "pulseaudio:hires.monitor").start();
                recorder.goes_on(0);
                let plan = Plan::play(&data, "pulseaudio:hires").latency(latency).block_size(block_size);
                let (_, flags) = plan.start().end();
                recorder.goes_on(u64::from(RATE) / 4);
                recorder.job.stop();
                let (recording, more) = recorder.end();
                (recording, flags | more)
            };
            // The sink has twice the rate: the edges are smeared.
            let counted = |recording: AudioData<f32>| {
                recording.samples().chunks_exact(2).filter(|frame| frame[0] > 0.125 && frame[0] == frame[1]).count()
            };
            if let Some(counted) = judged(way, turn).map(counted) {
                assert!(counted.abs_diff(frames) <= 1, "{counted} of {frames} heard");
            }
        }
    });
}

#[test]
fn align_puts_a_sound_within_a_block_of_where_it_was_played() {
    on_pulse(|way| {
        for block in [64, 256, 1024] {
            let data = signal::<f32>(24_000, 2, RATE);
            let turn = || {
                let plan = Plan::both(&data, "pulseaudio:hires32", "pulseaudio:hires32.monitor").latency(Latency::Low);
                let (recording, flags) = plan.block_size(block).align().start().end();
                let onset = recording.samples().chunks_exact(2).position(|frame| frame[0] != 0.0);
                (onset.expect("something is heard"), flags)
            };
            judged(way, turn).into_iter().for_each(|onset| assert!(onset <= block as usize, "{onset} of {block}"));
        }
    });
}

#[test]
fn channels_go_where_they_are_sent() {
    on_pulse(|way| {
        // Three of eight channels.
        let data = AudioData::from_fn(9_600, 3, RATE, |_, channel| (channel as f32 + 1.0) / 8.0);
        let turn = || {
            let recorder = Plan::<f32>::record(60 * RATE as usize, 8, "pulseaudio:surround.monitor").start();
            recorder.goes_on(0);
            let (_, flags) = Plan::play(&data, "pulseaudio:surround").start().end();
            recorder.goes_on(u64::from(RATE) / 4);
            recorder.job.stop();
            let (recording, more) = recorder.end();
            let loudest = |channel: usize| recording.channel(channel).into_iter().fold(0.0, f32::max);
            ((0..8).map(loudest).collect::<Vec<f32>>(), flags | more)
        };
        let expected = [0.125, 0.25, 0.375, 0.0, 0.0, 0.0, 0.0, 0.0];
        judged(way, turn).into_iter().for_each(|found| assert_eq!(found, expected));
    });
}

#[test]
fn six_streams_at_once_do_not_hear_each_other() {
    on_pulse(|way| {
        let data = AudioData::from_fn(RATE as usize, 1, RATE, |frame, _| f32::of(frame, 0));
        let turn = || {
            let plan = Plan::both(&data, "pulseaudio:surround", "pulseaudio:surround.monitor").align();
            together((3..9).map(|channel| plan.on_channel(channel)))
        };
        judged(way, turn).into_iter().flatten().for_each(|heard| assert!(heard.frames > 0, "nothing is heard"));
    });
}

#[test]
fn any_rate_is_converted_but_those_that_the_server_cannot_write_down() {
    on_pulse(|_| {
        let speakers = "pulseaudio:speakers".into();
        for dtype in Dtype::ALL {
            for rate in [8_000.0, 44_100.0, 192_000.0] {
                check(Kind::Output, Some(&speakers), Some(1), dtype, Some(rate)).expect("the server converts");
            }
        }
        for rate in [0.5, 44_100.5, 1e7, 1e12] {
            let error =
                check(Kind::Output, Some(&speakers), Some(2), Dtype::F32, Some(rate)).expect_err("no such rate");
            assert_eq!(error.kind(), ErrorKind::InvalidSampleRate, "{error}");
            assert!(error.message().contains(&rate.to_string()), "{error}");
        }
    });
}

#[test]
fn a_sink_that_is_removed_is_a_lost_device() {
    apart(PULSE, concat!(module_path!(), "::a_sink_that_is_removed_is_a_lost_device"), |_| {
        let data = AudioData::<f32>::zeros(600 * RATE as usize, 2, RATE);
        let (sink, monitor) = ("pulseaudio:speakers", "pulseaudio:speakers.monitor");
        let plans =
            [Plan::play(&data, sink), Plan::record(data.frames(), 2, monitor), Plan::both(&data, sink, monitor)];
        let runs = plans.map(|plan| {
            let run = plan.start();
            run.goes_on(0);
            run
        });
        let staying = Plan::play(&data, "pulseaudio:twin_a").start();
        let modules = Command::new("pactl").args(["list", "short", "modules"]).output().expect("pactl").stdout;
        let modules = String::from_utf8_lossy(&modules).into_owned();
        let line = modules.lines().find(|line| line.contains("sink_name=speakers")).expect("the module of the sink");
        let index = line.split_whitespace().next().expect("its index");
        assert!(Command::new("pactl").args(["unload-module", index]).status().expect("pactl").success());
        for run in runs {
            assert!(run.job.wait_for(PATIENCE), "nobody was told");
            assert_eq!(run.job.wait().expect_err("it is lost").kind(), ErrorKind::DeviceLost);
        }
        staying.goes_on(4_800);
        let _ = staying.abort();
    });
}

#[test]
fn a_hundred_sinks_that_come_and_go_are_told_once_each_and_in_order() {
    let name = concat!(module_path!(), "::a_hundred_sinks_that_come_and_go_are_told_once_each_and_in_order");
    apart(PULSE, name, |_| {
        let data = AudioData::<f32>::zeros(600 * RATE as usize, 2, RATE);
        let player = Plan::play(&data, "pulseaudio:speakers").start();
        let pactl = |arguments: &[&str]| {
            let output = Command::new("pactl").args(arguments).output().expect("pactl");
            assert!(output.status.success(), "{arguments:?}");
            String::from_utf8_lossy(&output.stdout).trim().to_string()
        };
        let (sender, events) = mpsc::channel();
        let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
        let told = || match events.recv_timeout(PATIENCE).expect("an event") {
            DeviceEvent::Added(device) => (true, device.id),
            DeviceEvent::Removed(device) => (false, device.id),
            other => panic!("{other:?}"),
        };
        let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).map_or(0, Iterator::count);
        let mut before = (0, 0);
        for number in 0..100 {
            let (sink, argument) = (format!("pulseaudio:passing_{number}"), format!("sink_name=passing_{number}"));
            let module = pactl(&["load-module", "module-null-sink", &argument]);
            let mut added = [told(), told()];
            added.sort();
            assert_eq!(added, [(true, sink.clone()), (true, format!("{sink}.monitor"))]);
            assert!(devices().expect("a list").find_output(sink.as_str()).is_ok());
            pactl(&["unload-module", &module]);
            let mut removed = [told(), told()];
            removed.sort();
            assert_eq!(removed, [(false, sink.clone()), (false, format!("{sink}.monitor"))]);
            if number == 9 {
                before = (count("fd"), count("task"));
            }
        }
        assert!(events.try_recv().is_err());
        until("rest", || count("fd") <= before.0 && count("task") <= before.1);
        player.goes_on(4_800);
        drop(watcher);
        let _ = player.abort();
    });
}

#[test]
fn a_sound_that_is_queued_survives_a_standstill_of_the_server() {
    apart(PULSE, concat!(module_path!(), "::a_sound_that_is_queued_survives_a_standstill_of_the_server"), |way| {
        let frames = RATE as usize;
        let data = signal::<f32>(frames, 2, RATE);
        let turn = || {
            let recorder = Plan::<f32>::record(60 * frames, 2, way.host.input).start();
            recorder.goes_on(0);
            let run = Plan::play(&data, way.host.output).start();
            // The whole sound has been made, some of it is still queued.
            until("the end", || run.job.position() == frames as u64);
            let flags = run.job.flags();
            way.stand_still();
            let _ = run.end();
            recorder.goes_on(frames as u64 / 2);
            recorder.job.stop();
            let heard = heard(&recorder.end().0);
            assert_eq!(heard.altered, 0, "{heard:?}");
            (heard, flags)
        };
        judged(way, turn).into_iter().for_each(|heard| assert_eq!(heard.last, frames - 1, "{heard:?}"));
    });
}

#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    apart(PULSE, concat!(module_path!(), "::a_server_that_never_answers_is_not_waited_for"), |way| {
        let path = server_directory().join("deaf");
        let listener = UnixListener::bind(&path).expect("a socket");
        let accepting = std::thread::spawn(move || listener.incoming().take(3).collect::<Vec<_>>());
        let server = std::env::var("PULSE_SERVER").expect("set by the server's script");
        // SAFETY: nobody else reads the environment: no stream is open, and this process runs this test alone.
        unsafe { std::env::set_var("PULSE_SERVER", format!("unix:{}", path.display())) };
        assert!(devices().expect("a list").iter().all(|device| device.host_api_name != "PulseAudio"));
        let output = way.host.output.into();
        let error = check(Kind::Output, Some(&output), None, Dtype::F32, None).expect_err("deaf");
        assert!(matches!(error.kind(), ErrorKind::NoSuchDevice | ErrorKind::TimedOut), "{error}");
        // SAFETY: as above.
        unsafe { std::env::set_var("PULSE_SERVER", server) };
        drop(accepting);
        until("the other server", || way.there());
        way.carries::<f32>(4_800);
    });
}
