//! A duplex stream that hears itself: `cargo bench --bench loopback -- OUTPUT INPUT BLOCK SECONDS`, at the devices' low latencies,
//! in blocks of so many frames or as they come (0).
//!
//! Prints `runs` once the stream runs, and one line of JSON at the end: the round trip in frames, as the median of the first
//! third and of the last one; how many frames were altered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sounddevice::{Flow, Latency, Result, Stream};

#[path = "tools/arguments.rs"]
mod arguments;

const RATE: u32 = 48_000;
const UNIT: f32 = 1.0 / 8_388_608.0;

fn main() {
    let arguments = arguments::all();
    let [output, input, block, seconds] = &arguments[..] else {
        return println!("loopback: skipped, no OUTPUT INPUT BLOCK SECONDS");
    };
    if let Err(error) = run(output, input, arguments::number(block) as u32, arguments::number(seconds)) {
        arguments::fail(error.message());
    }
}

fn run(output: &str, input: &str, block: u32, seconds: f64) -> Result<()> {
    let most = (seconds * f64::from(RATE) / 16.0) as usize;
    let heard = Arc::new(Mutex::new((Vec::with_capacity(most), 0)));
    // Held by the callback alone while the stream runs.
    let held = Arc::clone(&heard);
    let mut frames = 0i64;
    let stream = Stream::duplex::<f32, f32>()
        .output_device(output)
        .input_device(input)
        .channels(2)
        .sample_rate(RATE)
        .latency(Latency::Low)
        .block_size(block)
        .callback(move |io| {
            for (frame, samples) in io.output.chunks_exact_mut(2).enumerate() {
                samples.fill((frames + frame as i64 + 1) as f32 * UNIT);
            }
            if let (Ok(mut heard), [left, right, ..]) = (held.try_lock(), io.input) {
                let number = (left / UNIT) as i64;
                if number > 0 && (*left != number as f32 * UNIT || left != right) {
                    heard.1 += 1;
                } else if number > 0 && heard.0.len() < most {
                    heard.0.push(frames + 1 - number);
                }
            }
            frames += io.frames as i64;
            Flow::Continue
        })
        .open()?;
    stream.start()?;
    println!("runs");
    std::thread::sleep(Duration::from_secs_f64(seconds));
    stream.close();
    let Ok(heard) = heard.lock() else { arguments::fail("the callback has panicked") };
    let (trips, altered) = &*heard;
    let median = |range: std::ops::Range<usize>| {
        let mut sorted = trips[range].to_vec();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(-1)
    };
    let count = trips.len();
    let (first, last) = (median(count / 12..count / 3), median(count - count / 3..count));
    println!(r#"{{"roundTrip":{first},"after":{last},"altered":{altered}}}"#);
    Ok(())
}
