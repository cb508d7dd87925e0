//! `playrec` over a device that hears itself: `cargo bench --bench duplex -- DEVICE SECONDS [STREAMS]`. Streams beyond the first
//! play silence, for what they would play is added up.
//!
//! Prints one line of JSON: the round trip in frames, how many frames were altered or lost, seconds of processor time.

use std::process::exit;
use std::time::{Duration, Instant};

use sounddevice::{AudioData, RecordingJob, Result};

#[path = "tools/used.rs"]
mod used;

const CHANNELS: usize = 2;
const SCALE: f32 = 16_777_216.0;

fn main() {
    // Cargo adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [device, seconds, streams @ ..] = &arguments[..] else {
        return println!("duplex: skipped, no DEVICE SECONDS [STREAMS]");
    };
    let number = |text: &String| text.parse::<f64>().unwrap_or_else(|_| fail("not a number"));
    let streams = streams.first().map_or(1.0, number) as usize;
    if let Err(error) = run(device, number(seconds), streams) {
        fail(error.message());
    }
}

fn fail(what: &str) -> ! {
    eprintln!("duplex: {what}");
    exit(1)
}

fn run(device: &str, seconds: f64, streams: usize) -> Result<()> {
    let devices = sounddevice::devices()?;
    let rate = devices.find_output(device)?.default_sample_rate as u32;
    let frames = (seconds * f64::from(rate)) as usize;
    let open = |sounds: bool| -> Result<RecordingJob<f32>> {
        let value = |frame: usize, _| if sounds { (frame + 1) as f32 / SCALE } else { 0.0 };
        sounddevice::playrec(&AudioData::from_fn(frames, CHANNELS, rate, value))
            .device(device)
            .channels(CHANNELS)
            .start()
    };
    let jobs = (0..streams.max(1)).map(|stream| open(stream == 0)).collect::<Result<Vec<_>>>()?;
    let (before, began) = (used::processor_time(), Instant::now());
    for job in &jobs {
        if !job.wait_for(Duration::from_secs_f64(seconds * 2.0 + 60.0)) {
            fail("a stream does not end");
        }
    }
    let (used, wall) = (used::processor_time() - before, began.elapsed().as_secs_f64());
    let flagged = jobs.iter().filter(|job| job.flags() != 0).count();
    let mut recordings = jobs.into_iter().map(RecordingJob::wait).collect::<Result<Vec<_>>>()?;
    let heard = hear(&recordings.swap_remove(0));
    println!(
        r#"{{"roundTrip":{},"altered":{},"lost":{},"xruns":{flagged},"processor":{used:.4},"seconds":{wall:.3}}}"#,
        heard.round_trip.map_or(-1, |frames| frames as i64),
        heard.altered,
        heard.lost,
    );
    Ok(())
}

#[derive(Default)]
struct Heard {
    round_trip: Option<usize>,
    altered: usize,
    lost: usize,
}

fn hear(recording: &AudioData<f32>) -> Heard {
    let mut heard = Heard::default();
    let mut expected = 0;
    for (position, frame) in recording.samples().chunks_exact(CHANNELS).enumerate() {
        let silent = frame.iter().all(|sample| *sample == 0.0);
        if silent && heard.round_trip.is_none() {
            continue;
        }
        let number = (frame[0] * SCALE) as usize;
        if number == 0 || frame.iter().any(|sample| *sample != number as f32 / SCALE) {
            heard.altered += 1;
            continue;
        }
        match heard.round_trip {
            None => heard.round_trip = Some(position + 1 - number),
            Some(_) => heard.lost += number.abs_diff(expected),
        }
        expected = number + 1;
    }
    heard
}
