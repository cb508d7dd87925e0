//! `playrec` over a loop, what is played being heard again:
//! `cargo bench --bench duplex -- OUTPUT SECONDS [STREAMS [INPUT [BLOCK]]]`. INPUT is OUTPUT where it is not given, and a BLOCK
//! asks for the least latency with it. Streams beyond the first play silence, for what they would play is added up.
//!
//! Prints one line of JSON: the round trip in frames (at first, the median, and in each second), how many frames were altered
//! or lost, seconds of processor time.

use std::time::{Duration, Instant};

use sounddevice::job::Latency;
use sounddevice::{AudioData, RecordingJob, Result};

#[path = "tools/arguments.rs"]
mod arguments;
#[path = "tools/used.rs"]
mod used;

const CHANNELS: usize = 2;
const SCALE: f32 = 16_777_216.0;

fn main() {
    let arguments = arguments::all();
    let [output, seconds, rest @ ..] = &arguments[..] else {
        return println!("duplex: skipped, no OUTPUT SECONDS [STREAMS [INPUT [BLOCK]]]");
    };
    let loop_ = Loop {
        output,
        input: rest.get(1).unwrap_or(output),
        seconds: arguments::number(seconds),
        streams: rest.first().map_or(1.0, |count| arguments::number(count)) as usize,
        block: rest.get(2).map(|block| arguments::number(block) as u32),
    };
    if let Err(error) = run(&loop_) {
        arguments::fail(error.message());
    }
}

struct Loop<'a> {
    output: &'a str,
    input: &'a str,
    seconds: f64,
    streams: usize,
    block: Option<u32>,
}

fn run(of: &Loop) -> Result<()> {
    let devices = sounddevice::devices()?;
    let rate = devices.find_output(of.output)?.default_sample_rate as u32;
    let frames = (of.seconds * f64::from(rate)) as usize;
    let open = |sounds: bool| -> Result<RecordingJob<f32>> {
        let value = |frame: usize, _| if sounds { (frame + 1) as f32 / SCALE } else { 0.0 };
        let job = sounddevice::playrec(&AudioData::from_fn(frames, CHANNELS, rate, value))
            .input_device(of.input)
            .output_device(of.output)
            .channels(CHANNELS);
        match of.block {
            Some(block) => job.block_size(block).latency(Latency::Seconds(0.0)),
            None => job,
        }
        .start()
    };
    let jobs = (0..of.streams.max(1)).map(|stream| open(stream == 0)).collect::<Result<Vec<_>>>()?;
    let (before, began) = (used::processor_time(), Instant::now());
    for job in &jobs {
        if !job.wait_for(Duration::from_secs_f64(of.seconds * 2.0 + 60.0)) {
            arguments::fail("a stream does not end");
        }
    }
    let (used, wall) = (used::processor_time() - before, began.elapsed().as_secs_f64());
    let flagged = jobs.iter().filter(|job| job.flags() != 0).count();
    let mut recordings = jobs.into_iter().map(RecordingJob::wait).collect::<Result<Vec<_>>>()?;
    let heard = hear(&recordings.swap_remove(0));
    let each_second: Vec<usize> = heard.trips.chunks(rate as usize).map(median).collect();
    println!(
        r#"{{"roundTrip":{},"median":{},"eachSecond":{each_second:?},"altered":{},"lost":{},"xruns":{flagged},"processor":{used:.4},"seconds":{wall:.3}}}"#,
        heard.trips.first().map_or(-1, |frames| *frames as i64),
        median(&heard.trips),
        heard.altered,
        heard.lost,
    );
    Ok(())
}

fn median(trips: &[usize]) -> usize {
    let mut trips = trips.to_vec();
    trips.sort_unstable();
    trips.get(trips.len() / 2).copied().unwrap_or(0)
}

#[derive(Default)]
struct Heard {
    /// Of each frame that came back.
    trips: Vec<usize>,
    altered: usize,
    lost: usize,
}

fn hear(recording: &AudioData<f32>) -> Heard {
    let mut heard = Heard::default();
    let mut expected = 0;
    for (position, frame) in recording.samples().chunks_exact(CHANNELS).enumerate() {
        let silent = frame.iter().all(|sample| *sample == 0.0);
        if silent && heard.trips.is_empty() {
            continue;
        }
        let number = (frame[0] * SCALE) as usize;
        if number == 0 || frame.iter().any(|sample| *sample != number as f32 / SCALE) {
            heard.altered += 1;
            continue;
        }
        if !heard.trips.is_empty() {
            heard.lost += number.abs_diff(expected);
        }
        heard.trips.push((position + 1).saturating_sub(number));
        expected = number + 1;
    }
    heard
}
