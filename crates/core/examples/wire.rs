//! Plays what it hears, for some seconds: `wire [SECONDS]`, 5 unless told otherwise.
use std::time::Duration;

use sounddevice::{Flow, Latency, Stream};

fn main() -> sounddevice::Result<()> {
    let seconds: f64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let stream = Stream::duplex::<f32, f32>()
        .channels(1)
        .latency(Latency::Low)
        .callback(|io| {
            io.output.copy_from_slice(io.input);
            Flow::Continue
        })
        .open()?;
    stream.start()?;
    println!("{:.1} ms late", (stream.input_latency() + stream.output_latency()) * 1e3);
    std::thread::sleep(Duration::from_secs_f64(seconds.max(0.0)));
    stream.stop()
}
