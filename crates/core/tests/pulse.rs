//! Sound through a real PulseAudio server, compared frame by frame. Skipped where none answers.
//!
//! `eval "$(scripts/sound-servers.sh env pulse)"` makes this a client of the project's own server, whose null sinks need
//! no hardware and whose microphones hear them.
#![cfg(target_os = "linux")]

#[path = "signal/counter.rs"]
mod counter;

use std::time::Duration;

use counter::{Counter, Verdict, judge, signal};
use sounddevice::job::{Job, JobRequest, Latency, Play, Record};
use sounddevice::{AudioData, DeviceSpecifier, Sample, Samples, devices};

/// Underflow or overflow of either side.
const LOSS: u8 = 1 | 2 | 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the project's server is there.
fn server() -> bool {
    let found = devices().expect("a list").iter().any(|device| device.id == "pulseaudio:twin_b");
    if !found {
        println!("skipped: no sound server of scripts/sound-servers.sh at PULSE_SERVER");
    }
    found
}

struct Run<S> {
    job: Job,
    memory: Option<*const [S]>,
}

/// Plays `data` and records `frames` frames of two channels, either of them if asked for.
struct Spec<'a, S> {
    play: Option<(&'a AudioData<S>, &'a str)>,
    record: Option<(usize, &'a str)>,
    latency: Latency,
    block_size: u32,
    align: bool,
}

impl<S: Sample> Spec<'_, S> {
    fn start(self) -> Run<S> {
        let device = |name: &str| Some(DeviceSpecifier::from(format!("pulseaudio:{name}").as_str()));
        let play = self.play.map(|(data, name)| Play {
            samples: Samples::copied(bytes(data.samples())),
            dtype: S::DTYPE,
            channels: data.channels(),
            device: device(name),
            mapping: None,
            latency: self.latency,
            repeat: None,
        });
        let mut memory = None;
        let record = self.record.map(|(frames, name)| {
            // Leaked: it outlives whatever goes wrong.
            let samples = vec![S::SILENCE; frames * 2].leak();
            // SAFETY: looked at only after the job has ended.
            let foreign = unsafe { Samples::foreign(samples.as_mut_ptr().cast(), size_of_val(samples)) };
            memory = Some(std::ptr::from_ref::<[S]>(samples));
            Record {
                samples: foreign,
                dtype: S::DTYPE,
                channels: 2,
                device: device(name),
                mapping: None,
                latency: self.latency,
            }
        });
        let request = JobRequest {
            play,
            record,
            sample_rate: Some(48_000.0),
            block_size: self.block_size,
            clip_off: false,
            dither_off: false,
            overlap: false,
            align: self.align,
        };
        Run { job: Job::open(request, Box::new(|_| ())).expect("a job"), memory }
    }
}

impl<S: Sample> Run<S> {
    /// What was recorded.
    fn end(self) -> (Job, Vec<S>) {
        assert!(self.job.wait_for(PATIENCE), "the job goes on for ever");
        self.job.wait().expect("the job ends well");
        // SAFETY: leaked, and the job has ended.
        let recorded = self.memory.map(|memory| unsafe { &(&*memory)[..self.job.recorded() as usize * 2] }.to_vec());
        (self.job, recorded.unwrap_or_default())
    }
}

fn bytes<S: Sample>(samples: &[S]) -> &[u8] {
    // SAFETY: samples have no padding.
    unsafe { std::slice::from_raw_parts(samples.as_ptr().cast(), size_of_val(samples)) }
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
