//! What both sides of a job know: written by one, read by the other, without waiting.

use crate::realtime::Times;
use crate::realtime::command::{Command, Orders};
use crate::realtime::meters::Meters;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, fence};

#[derive(Debug)]
pub(crate) struct State {
    orders: Orders,
    pub paused: AtomicBool,
    /// The frame to go to, -1 where none is asked for.
    pub seek: AtomicI64,
    pub position: AtomicU64,
    pub recorded: AtomicU64,
    pub flags: AtomicU8,
    pub meters: Meters,
    /// Seconds as bits; NaN until known.
    sounds_until: AtomicU64,
    input_latency: AtomicU64,
    output_latency: AtomicU64,
    /// Frames; -1 until known.
    round_trip: AtomicI64,
}

impl Default for State {
    fn default() -> Self {
        let unknown = || AtomicU64::new(f64::NAN.to_bits());
        Self {
            orders: Orders::default(),
            paused: AtomicBool::new(false),
            seek: AtomicI64::new(-1),
            position: AtomicU64::new(0),
            recorded: AtomicU64::new(0),
            flags: AtomicU8::new(0),
            meters: Meters::default(),
            sounds_until: unknown(),
            input_latency: unknown(),
            output_latency: unknown(),
            round_trip: AtomicI64::new(-1),
        }
    }
}

impl State {
    pub(crate) fn command(&self) -> Command {
        self.orders.command()
    }

    /// Says what shall happen; an abort is never taken back by a stop.
    pub(crate) fn order(&self, command: Command) {
        self.orders.order(command);
    }

    pub(super) fn measure(&self, times: &Times, rate: f64) {
        self.input_latency.store((times.now - times.adc).to_bits(), Relaxed);
        self.output_latency.store((times.dac - times.now).to_bits(), Relaxed);
        // The round trip of a job is that of its first period: what `align` takes out cannot change later.
        if self.round_trip.load(Relaxed) < 0 {
            let frames = ((times.dac - times.adc) * rate).round().max(0.0);
            self.round_trip.store(frames as i64, Release);
        }
    }

    pub(crate) fn sounds_until(&self, time: f64) {
        self.sounds_until.store(time.to_bits(), Relaxed);
    }

    /// When the last frame made so far will have been heard, on the stream's clock.
    pub(crate) fn heard_until(&self) -> Option<f64> {
        known(&self.sounds_until)
    }

    /// Measured, in seconds: input, output.
    pub(crate) fn latencies(&self) -> (Option<f64>, Option<f64>) {
        (known(&self.input_latency), known(&self.output_latency))
    }

    pub(crate) fn round_trip(&self) -> Option<u64> {
        u64::try_from(self.round_trip.load(Acquire)).ok()
    }
}

fn known(bits: &AtomicU64) -> Option<f64> {
    Some(f64::from_bits(bits.load(Relaxed))).filter(|value| value.is_finite())
}

/// Tells the control side whether the audio thread is in a period. A job that was told to end may be forgotten between
/// two: the next one sees the order before it touches the job's samples.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    busy: AtomicBool,
}

impl Turn {
    pub(crate) fn begin(&self) {
        self.busy.store(true, Relaxed);
        // Pairs with that in `is_over`: either it sees this period, or this period sees the order.
        fence(SeqCst);
    }

    pub(crate) fn end(&self) {
        self.busy.store(false, Release);
    }

    /// Asked after an order has been seen.
    pub(crate) fn is_over(&self) -> bool {
        fence(SeqCst);
        !self.busy.load(Acquire)
    }
}
