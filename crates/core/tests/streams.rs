//! Streams on virtual devices: exact to the sample on the manual clock.

#[path = "streams/callbacks.rs"]
mod callbacks;
#[path = "streams/ends.rs"]
mod ends;
#[path = "streams/flags.rs"]
mod flags;
#[path = "streams/follow.rs"]
mod follow;
#[path = "streams/latency.rs"]
mod latency;
#[path = "streams/shaping.rs"]
mod shaping;
#[path = "streams/threads.rs"]
mod threads;
#[path = "streams/transfer.rs"]
mod transfer;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use sounddevice::virtual_device::VirtualDevice;
use sounddevice::{Finished, StreamBuilder, virtual_host};

const RATE: f64 = 48_000.0;
const PATIENCE: Duration = Duration::from_secs(20);

fn manual(channels: u16, period: usize) -> VirtualDevice {
    let device = virtual_host().device().inputs(channels).outputs(channels).period(period);
    device.manual_clock().create().expect("a device")
}

fn real(period: usize) -> VirtualDevice {
    virtual_host().device().inputs(1).outputs(1).period(period).create().expect("a device")
}

/// Samples that no other frame has; never 0.
fn counted(frames: std::ops::Range<usize>) -> Vec<f64> {
    frames.map(|frame| (frame + 1) as f64 / 1_048_576.0).collect()
}

/// Tells the ends of the runs.
fn told<I: sounddevice::stream::Direction, O: sounddevice::stream::Direction>(
    builder: StreamBuilder<I, O>,
) -> (StreamBuilder<I, O>, mpsc::Receiver<Finished>) {
    let (sender, receiver) = mpsc::channel();
    (builder.on_finished(move |reason| drop(sender.send(reason))), receiver)
}

fn end(ends: &mpsc::Receiver<Finished>) -> Finished {
    ends.recv_timeout(PATIENCE).expect("the end is told")
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what} does not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}
