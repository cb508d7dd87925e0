//! A duplex stream over devices that hear each other:
//! `cargo bench --bench streams -- OUTPUT INPUT callback|blocking BLOCK SECONDS [STREAMS [TELL]]`.
//!
//! Numbered frames are played and the numbers that come back are looked at. Streams beyond the first play silence, for what
//! they would play is added up. Prints one line of JSON: frames that were altered or lost, callbacks that were told of it,
//! seconds of processor time, and the round trip in frames, ten times a second and in the middle. With TELL, "begun" comes
//! before it as soon as something has come back.

use std::process::exit;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sounddevice::{Flow, Latency, Result, Stream};

#[path = "tools/arguments.rs"]
mod arguments;
#[path = "tools/used.rs"]
mod used;

const CHANNELS: usize = 2;
const RATE: u64 = 48_000;
const UNIT: f32 = 1.0 / 16_777_216.0;

#[derive(Default)]
struct Counter {
    sounds: bool,
    read: u64,
    made: u64,
    last: u64,
    lost: u64,
    altered: u64,
    next: u64,
    trips: Vec<u64>,
    xruns: u64,
}

impl Counter {
    fn new(sounds: bool) -> Self {
        Self { sounds, trips: Vec::with_capacity(4096), ..Self::default() }
    }

    fn hear(&mut self, input: &[f32]) {
        for frame in input.chunks_exact(CHANNELS) {
            let (position, number) = (self.read, (frame[0] / UNIT) as u64);
            self.read += 1;
            if number == 0 || !self.sounds {
                continue;
            }
            if number <= self.last || frame[0] != frame[1] || frame[0] != number as f32 * UNIT {
                self.altered += 1;
                continue;
            }
            self.lost += if self.last == 0 { 0 } else { number - self.last - 1 };
            self.last = number;
            if position >= self.next && self.trips.len() < self.trips.capacity() {
                self.trips.push(position + 1 - number.min(position + 1));
                self.next = position + RATE / 10;
            }
        }
    }

    fn make(&mut self, output: &mut [f32]) {
        for frame in output.chunks_exact_mut(CHANNELS) {
            self.made += 1;
            frame.fill(if self.sounds { self.made as f32 * UNIT } else { 0.0 });
        }
    }
}

fn main() {
    let arguments = arguments::all();
    let [output, input, mode, block, seconds, rest @ ..] = &arguments[..] else {
        return println!("streams: skipped, no OUTPUT INPUT callback|blocking BLOCK SECONDS [STREAMS [TELL]]");
    };
    let plan = Plan {
        devices: (output, input),
        blocking: mode == "blocking",
        block: arguments::number(block) as usize,
        seconds: arguments::number(seconds),
        streams: rest.first().map_or(1, |count| arguments::number(count) as usize).max(1),
        tell: rest.len() > 1,
    };
    if let Err(error) = plan.run() {
        arguments::fail(error.message());
    }
    // What is still open would only take time.
    exit(0);
}

struct Plan<'a> {
    devices: (&'a str, &'a str),
    blocking: bool,
    block: usize,
    seconds: f64,
    streams: usize,
    tell: bool,
}

type Shared = Arc<Mutex<Counter>>;

impl Plan<'_> {
    fn open(&self, counter: &Shared) -> Result<Stream<f32, f32>> {
        let mut builder = Stream::duplex::<f32, f32>()
            .output_device(self.devices.0)
            .input_device(self.devices.1)
            .sample_rate(RATE as f64)
            .channels(CHANNELS)
            .latency(Latency::Low)
            .block_size(self.block as u32);
        if !self.blocking {
            let counter = Arc::clone(counter);
            builder = builder.callback(move |io| {
                // Nobody else wants it while it runs, but for a moment now and then.
                let Ok(mut counter) = counter.try_lock() else {
                    return Flow::Continue;
                };
                counter.xruns += u64::from(io.status.any());
                counter.hear(io.input);
                counter.make(io.output);
                Flow::Continue
            });
        }
        builder.open()
    }

    fn run(&self) -> Result<()> {
        let counters: Vec<Shared> =
            (0..self.streams).map(|number| Arc::new(Mutex::new(Counter::new(number == 0)))).collect();
        let streams = counters.iter().map(|counter| self.open(counter)).collect::<Result<Vec<_>>>()?;
        streams.iter().try_for_each(Stream::start)?;
        let lock = |counter: &Shared| counter.lock().unwrap_or_else(PoisonError::into_inner).last;
        let (before, began) = (used::processor_time(), Instant::now());
        let mut told = !self.tell;
        let mut samples = vec![0.0; self.block * CHANNELS];
        while began.elapsed().as_secs_f64() < self.seconds {
            if self.blocking {
                streams[0].read(&mut samples)?;
                let mut counter = counters[0].lock().unwrap_or_else(PoisonError::into_inner);
                counter.hear(&samples);
                counter.make(&mut samples);
                drop(counter);
                streams[0].write(&samples)?;
            } else {
                sleep(Duration::from_millis(20));
            }
            // Only where somebody asked: for the callback it may cost a block.
            if !told && lock(&counters[0]) > 0 {
                told = true;
                println!("begun");
            }
        }
        let (used, wall) = (used::processor_time() - before, began.elapsed().as_secs_f64());
        let load = streams[0].cpu_load();
        streams.iter().for_each(Stream::abort);
        let xruns: u64 =
            counters.iter().map(|counter| counter.lock().unwrap_or_else(PoisonError::into_inner).xruns).sum();
        let counter = counters[0].lock().unwrap_or_else(PoisonError::into_inner);
        let mut middle = counter.trips.clone();
        middle.sort_unstable();
        println!(
            r#"{{"altered":{},"lost":{},"xruns":{xruns},"processor":{used:.4},"seconds":{wall:.3},"load":{load:.4},"trips":{:?},"roundTrip":{}}}"#,
            counter.altered,
            counter.lost,
            counter.trips,
            middle.get(middle.len() / 2).map_or(-1, |trip| *trip as i64),
        );
        Ok(())
    }
}
