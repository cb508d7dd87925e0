//! Sound through a real PulseAudio server, compared frame by frame. Skipped where none answers.
//!
//! `eval "$(scripts/sound-servers.sh env pulse)"` makes this a client of the project's own server, whose null sinks need
//! no hardware and whose microphones hear them.
#![cfg(target_os = "linux")]

#[path = "signal/counter.rs"]
mod counter;
#[path = "signal/run.rs"]
mod run;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use counter::{Counter, Verdict, judge, signal};
use run::Spec;
use sounddevice::job::{Job, Latency};
use sounddevice::{AudioData, Dtype, ErrorKind, Kind, check, devices};

/// Underflow or overflow of either side.
const LOSS: u8 = 1 | 2 | 4;

/// Whether the project's server is there.
fn server() -> bool {
    let found = devices().expect("a list").iter().any(|device| device.id == "pulseaudio:twin_b");
    if !found {
        println!("skipped: no sound server of scripts/sound-servers.sh at PULSE_SERVER");
    }
    found
}

/// The sink with eight channels is one test's at a time.
fn surround() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was lost must have been told; nothing may be altered.
fn assert_sound(job: &Job, verdict: &Verdict) {
    assert_eq!(verdict.altered, 0, "{verdict:?}");
    assert!(verdict.lost + verdict.silent == 0 || job.flags() & LOSS != 0, "lost in silence: {verdict:?}");
}

/// Ten seconds around the loop.
fn counts<S: Counter>(sink: &str, source: &str) {
    if !server() {
        return;
    }
    let frames = 480_000;
    let data = signal::<S>(frames);
    let spec = Spec {
        play: Some((&data, sink)),
        record: Some((frames, source)),
        latency: Latency::High,
        block_size: 0,
        align: true,
    };
    let (job, recorded) = spec.start().end();
    let verdict = judge(&recorded);
    println!("{} {sink} {source}: {verdict:?}, flags {}, round trip {:?}", S::DTYPE, job.flags(), job.round_trip());
    assert_sound(&job, &verdict);
    assert!(verdict.lost < frames / 10, "{verdict:?}");
    let (first, _) = verdict.first.expect("something is heard");
    assert!(first < 1024, "the beginning is missing: {verdict:?}");
}

#[test]
fn ten_seconds_of_int16_come_back_bit_for_bit() {
    counts::<i16>("twin_a", "mic_twin_a");
}

#[test]
fn ten_seconds_of_int24_come_back_bit_for_bit() {
    counts::<sounddevice::I24>("twin_b", "twin_b.monitor");
}

#[test]
fn ten_seconds_of_float32_come_back_bit_for_bit() {
    counts::<f32>("speakers", "mic");
}

#[test]
fn ten_seconds_of_int32_come_back_to_24_bits() {
    counts::<i32>("unicode", "unicode.monitor");
}

#[test]
fn a_sound_is_heard_from_its_first_frame_to_its_last() {
    if !server() {
        return;
    }
    // Shorter than what is queued, as long, and longer.
    for frames in [1, 100, 2048, 30_000] {
        for (latency, block_size) in [(Latency::High, 0), (Latency::Low, 0), (Latency::High, 64)] {
            let spec = Spec::<f32> {
                play: None,
                record: Some((frames + 24_000, "hires.monitor")),
                latency: Latency::High,
                block_size: 0,
                align: false,
            };
            let recording = spec.start();
            while recording.job.recorded() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            let data = AudioData::from_fn(frames, 1, 48_000, |frame, _| 0.25 + frame as f32 / 65_536.0);
            let play = Some((&data, "hires"));
            let spec = Spec { play, record: None, latency, block_size, align: false };
            let (playing, _) = spec.start().end();
            let (_, recorded) = recording.end();
            // The sink has twice the rate: the edges are smeared.
            let heard = recorded.chunks_exact(2).filter(|frame| frame[0] > 0.125 && frame[0] == frame[1]).count();
            let lost = playing.flags() & LOSS != 0;
            assert!(heard.abs_diff(frames) <= 1 || lost, "{frames} {latency:?} {block_size}: {heard} heard");
        }
    }
}

#[test]
fn align_puts_a_sound_within_a_block_of_where_it_was_played() {
    if !server() {
        return;
    }
    for block in [64usize, 256, 1024] {
        let data = signal::<f32>(24_000);
        let (play, record) = (Some((&data, "hires32")), Some((24_000, "hires32.monitor")));
        let spec = Spec { play, record, latency: Latency::Low, block_size: block as u32, align: true };
        let (job, recorded) = spec.start().end();
        let onset = recorded.chunks_exact(2).position(|frame| frame[0] != 0.0).expect("something is heard");
        println!("block {block}: onset at {onset}, round trip {:?}", job.round_trip());
        assert!(onset <= block, "{onset}");
    }
}

#[test]
fn channels_go_where_they_are_sent() {
    if !server() {
        return;
    }
    let _alone = surround();
    // Three of eight channels.
    let data = AudioData::from_fn(9_600, 3, 48_000, |_, channel| (channel as f32 + 1.0) / 8.0);
    let recording =
        sounddevice::rec::<f32>(24_000).channels(8).device("pulseaudio:surround.monitor").start().expect("a job");
    while recording.recorded() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    sounddevice::play(&data).device("pulseaudio:surround").start().expect("a job").wait().expect("the end");
    let recorded = recording.wait().expect("a recording");
    let loudest = |channel: usize| recorded.channel(channel).into_iter().fold(0.0, f32::max);
    let found: Vec<f32> = (0..8).map(loudest).collect();
    assert_eq!(found, [0.125, 0.25, 0.375, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn six_streams_at_once_do_not_hear_each_other() {
    if !server() {
        return;
    }
    let _alone = surround();
    let data = AudioData::from_fn(48_000, 1, 48_000, |frame, _| f32::frame(frame as u32 + 1)[0]);
    let start = |channel: u32| {
        sounddevice::playrec::<f32, f32>(&data)
            .device("Surround 7.1, PulseAudio")
            .align(true)
            .output_mapping([channel])
            .input_mapping([channel])
            .start()
            .expect("a job")
    };
    let runs: Vec<_> = (3..9).map(start).collect();
    for run in runs {
        assert!(run.wait_for(Duration::from_secs(30)), "it goes on for ever");
        let flags = run.flags();
        let recorded = run.wait().expect("a recording").into_samples();
        let pairs: Vec<f32> = recorded.into_iter().flat_map(|sample| [sample, -sample]).collect();
        let verdict = judge(&pairs);
        assert_eq!(verdict.altered, 0, "{verdict:?}");
        assert!(verdict.lost + verdict.silent == 0 || flags & LOSS != 0, "lost in silence: {verdict:?}");
        assert!(verdict.first.is_some(), "nothing is heard");
    }
}

#[test]
fn what_cannot_be_opened_is_refused_in_so_many_words() {
    if !server() {
        return;
    }
    let speakers = "pulseaudio:speakers".into();
    for dtype in Dtype::ALL {
        for rate in [8_000.0, 44_100.0, 192_000.0] {
            check(Kind::Output, Some(&speakers), Some(1), dtype, Some(rate)).expect("the server converts");
        }
    }
    let refused =
        |rate| check(Kind::Output, Some(&speakers), Some(2), Dtype::F32, Some(rate)).expect_err("no such rate");
    for rate in [0.5, 44_100.5, 1e7, 1e12] {
        let error = refused(rate);
        assert_eq!(error.kind(), ErrorKind::InvalidSampleRate, "{error}");
        assert!(error.message().contains(&rate.to_string()), "{error}");
    }
}

#[test]
fn devices_are_the_sinks_and_sources_under_their_descriptions() {
    if !server() {
        return;
    }
    let devices = devices().expect("a list");
    let pulse = &devices.host_apis()[0];
    assert_eq!(pulse.name, "PulseAudio");
    let default = |index: Option<usize>| index.and_then(|index| devices.get(index)).map(|device| device.id.clone());
    assert_eq!(default(pulse.default_output).as_deref(), Some("pulseaudio:speakers"));
    assert_eq!(default(pulse.default_input).as_deref(), Some("pulseaudio:mic"));
    let find = |id: &str| devices.iter().find(|device| device.id == id).expect("it is there");
    let surround = find("pulseaudio:surround");
    assert_eq!(
        (surround.name.as_str(), surround.max_output_channels, surround.max_input_channels),
        ("Surround 7.1", 8, 0)
    );
    let cd = find("pulseaudio:cd.monitor");
    assert_eq!((cd.default_sample_rate, cd.max_input_channels, cd.is_loopback), (44_100.0, 2, true));
    assert!(!find("pulseaudio:mic8").is_loopback);
    assert!(surround.default_low_output_latency < 0.003 && surround.default_high_output_latency > 0.04);
    assert_eq!(find("pulseaudio:unicode").name, "Haut-parleurs é 日本語 🔊");
}
