//! What a stream says of its latency before it runs is what is measured then.

use sounddevice::job::Latency;
use sounddevice::stream::handoff::{Handoff, Memory, Pace};
use sounddevice::virtual_device::VirtualDevice;
use sounddevice::{Dtype, Flow, Raw, Samples, Stream};

use super::*;

const LATENCIES: [Latency; 3] = [Latency::Low, Latency::High, Latency::Seconds(0.2)];
const DIRECTIONS: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

/// Input, output, in frames.
fn latencies(stream: &Stream<Raw, Raw>) -> [f64; 2] {
    [stream.input_latency() * RATE, stream.output_latency() * RATE]
}

fn assert_same(estimate: [f64; 2], measured: [f64; 2], what: &str) {
    let near = estimate.iter().zip(measured).all(|(estimate, measured)| (estimate - measured).abs() < 1e-3);
    assert!(near, "{what}: {estimate:?} was said, {measured:?} measured");
}

fn builder(device: &VirtualDevice, hears: bool, plays: bool) -> StreamBuilder<Raw, Raw> {
    Stream::raw(hears.then_some(Dtype::F32), plays.then_some(Dtype::F32)).device(device).channels(1)
}

#[test]
fn the_estimate_has_what_blocks_and_the_device_take() {
    for period in [256, 441] {
        for block in [0, 64, 100, 256, 1000] {
            for (latency, (hears, plays)) in LATENCIES.into_iter().zip(DIRECTIONS) {
                let device = manual(1, period);
                let builder = builder(&device, hears, plays).latency(latency).block_size(block);
                let stream = builder.callback(|_| Flow::Continue).open().expect("it opens");
                let estimate = latencies(&stream);
                stream.start().expect("it starts");
                assert_same(latencies(&stream), estimate, "started");
                device.advance(period).expect("a manual clock");
                assert_same(estimate, latencies(&stream), &format!("{block} over {period}"));
                drop(stream);
                device.remove();
            }
        }
    }
}

/// With memory for so many blocks.
fn attach(handoff: &Handoff, count: usize, frames: usize, (hears, plays): (bool, bool)) {
    let memory = |wanted: bool| Samples::copied(&vec![0; if wanted { count * frames * 4 } else { 0 }]);
    let memory = Memory { input: memory(hears), output: memory(plays), silence: 0 };
    // SAFETY: the memory is owned, and blocks are touched by nobody here.
    unsafe { handoff.attach(memory, count, frames) };
}

#[test]
fn blocks_that_are_made_ahead_count_before_the_first_of_them_is_asked_for() {
    for block in [0, 100, 1000] {
        for latency in LATENCIES {
            for (hears, plays) in DIRECTIONS {
                let device = real(256);
                let handoff = Handoff::new(|| ());
                let builder = builder(&device, hears, plays).latency(latency).block_size(block);
                let stream = builder.handoff(&handoff, true).open().expect("it opens");
                let estimate = latencies(&stream);
                let (blocks, ahead) = stream.handoff_blocks();
                attach(&handoff, blocks, stream.block(), (hears, plays));
                handoff.begin(Pace::Ahead(ahead));
                stream.start().expect("it starts");
                until("a period", || stream.periods() > 0);
                assert_same(estimate, latencies(&stream), &format!("{block}, {latency:?}, {hears} {plays}"));
                stream.abort();
                assert_same(estimate, latencies(&stream), "after the end");
            }
        }
    }
}

#[test]
fn the_first_block_is_told_when_it_will_be_heard() {
    let device = manual(1, 256);
    let handoff = Handoff::new(|| ());
    let stream = builder(&device, true, true).block_size(64).handoff(&handoff, false).open().expect("it opens");
    assert_same(latencies(&stream), [256.0, 0.0], "as long as nobody answers");
    handoff.begin(Pace::Ahead(3));
    assert_same(latencies(&stream), [256.0, 192.0], "once somebody does");
    attach(&handoff, 8, 64, (true, true));
    stream.start().expect("it starts");
    device.advance(256).expect("a manual clock");
    assert_same(latencies(&stream), [256.0, 192.0], "measured");
    for block in 0..4 {
        let time = handoff.next().expect("a block").time;
        let frames = [time.input_adc, time.output_dac].map(|seconds| (seconds * RATE).round() as i64);
        assert_eq!(frames, [64 * block - 256, 64 * (block + 3)], "{block}");
    }
}
