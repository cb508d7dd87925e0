//! What both sides of a stream know: written by one, read by the other, without waiting.

use std::sync::PoisonError;
use std::time::Duration;

use crate::realtime::Flags;
use crate::realtime::command::{Command, Orders};
use crate::realtime::meters::Meters;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence};
use crate::sync::thread::{self, Thread};
use crate::sync::{Mutex, park_timeout};

/// How the engine has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As ordered.
    Stopped = 1,
    /// The callback said so; all has been heard.
    Completed = 2,
    /// The callback said so.
    Aborted = 3,
    /// The callback panicked.
    Panicked = 4,
}

/// Counters of one stream, over all of its runs, and the state of the current run.
#[derive(Debug)]
pub(crate) struct Shared {
    orders: Orders,
    ended: AtomicU8,
    /// A period is being made.
    busy: AtomicBool,
    /// More was made than has been asked for.
    pending: AtomicBool,
    /// When all that was made will have been heard. Seconds as bits, as below.
    sounds_until: AtomicU64,
    input_latency: AtomicU64,
    output_latency: AtomicU64,
    pub meters: Meters,
    /// To be told with the next read and write.
    read_flags: AtomicU8,
    write_flags: AtomicU8,
    periods: AtomicU64,
    /// Frames of a block where the first device's period chose it; 0 before that.
    block: AtomicUsize,
    /// Something has been written: from now on silence is an underflow.
    pub wrote: AtomicBool,
    /// Writes that have begun and not ended.
    pub writers: AtomicU32,
    pub reader: Waiter,
    pub writer: Waiter,
}

impl Default for Shared {
    fn default() -> Self {
        let unknown = || AtomicU64::new(f64::NAN.to_bits());
        Self {
            orders: Orders::default(),
            ended: AtomicU8::new(0),
            busy: AtomicBool::new(false),
            pending: AtomicBool::new(false),
            sounds_until: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            input_latency: unknown(),
            output_latency: unknown(),
            meters: Meters::default(),
            read_flags: AtomicU8::new(0),
            write_flags: AtomicU8::new(0),
            periods: AtomicU64::new(0),
            block: AtomicUsize::new(0),
            wrote: AtomicBool::new(false),
            writers: AtomicU32::new(0),
            reader: Waiter::default(),
            writer: Waiter::default(),
        }
    }
}

impl Shared {
    /// Before a run, while no engine has it.
    pub(crate) fn begin(&self) {
        self.orders.forget();
        self.ended.store(0, Release);
        self.busy.store(false, Release);
        self.pending.store(false, Release);
        self.sounds_until.store(f64::NEG_INFINITY.to_bits(), Release);
        for bits in [&self.input_latency, &self.output_latency] {
            bits.store(f64::NAN.to_bits(), Relaxed);
        }
        self.meters.begin();
        self.read_flags.store(0, Relaxed);
        self.write_flags.store(0, Relaxed);
        self.wrote.store(false, Relaxed);
    }

    /// The run goes on with another engine, while none has it.
    pub(crate) fn go_on(&self) {
        self.busy.store(false, Release);
        self.sounds_until.store(f64::NEG_INFINITY.to_bits(), Release);
        for bits in [&self.input_latency, &self.output_latency] {
            bits.store(f64::NAN.to_bits(), Relaxed);
        }
    }

    /// The block that the first period chose: the same in all runs.
    pub(crate) fn fixed_block(&self, period: usize) -> usize {
        match self.block.compare_exchange(0, period, AcqRel, Acquire) {
            Ok(_) => period,
            Err(block) => block,
        }
    }

    pub(crate) fn command(&self) -> Command {
        self.orders.command()
    }

    /// Says what shall happen; an abort is never taken back by a stop.
    pub(crate) fn order(&self, command: Command) {
        self.orders.order(command);
        self.reader.wake();
        self.writer.wake();
    }

    pub(crate) fn end(&self, ended: Ended) {
        let _ = self.ended.compare_exchange(0, ended as u8, AcqRel, Acquire);
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        match self.ended.load(Acquire) {
            0 => None,
            1 => Some(Ended::Stopped),
            2 => Some(Ended::Completed),
            3 => Some(Ended::Aborted),
            _ => Some(Ended::Panicked),
        }
    }

    /// A period begins. An order given after this is seen by the next one; who gave it sees that this one is being made.
    pub(crate) fn enter(&self) {
        self.busy.store(true, Relaxed);
        // Pairs with that in `sounds_until`: either it sees this period, or this period sees the order.
        fence(SeqCst);
    }

    pub(crate) fn leave(&self) {
        self.busy.store(false, Release);
        self.periods.fetch_add(1, Release);
    }

    /// When all that was made will have been heard; none while more is being made, or has been and waits.
    pub(crate) fn sounds_until(&self) -> Option<f64> {
        fence(SeqCst);
        let more = self.busy.load(Acquire) || self.pending.load(Acquire);
        if more { None } else { Some(f64::from_bits(self.sounds_until.load(Acquire))) }
    }

    pub(super) fn pending(&self, pending: bool) {
        self.pending.store(pending, Release);
    }

    pub(crate) fn will_sound_until(&self, time: f64) {
        self.sounds_until.store(time.to_bits(), Release);
    }

    /// Periods made so far: what waiting ones see progress by.
    pub(crate) fn periods(&self) -> u64 {
        self.periods.load(Acquire)
    }

    pub(super) fn measured(&self, input: f64, output: f64) {
        self.input_latency.store(input.to_bits(), Relaxed);
        self.output_latency.store(output.to_bits(), Relaxed);
    }

    /// Measured, in seconds, input and output; none before the first period.
    pub(crate) fn latencies(&self) -> (Option<f64>, Option<f64>) {
        let known = |bits: &AtomicU64| Some(f64::from_bits(bits.load(Relaxed))).filter(|value| value.is_finite());
        (known(&self.input_latency), known(&self.output_latency))
    }

    /// To be told with the next read and the next write.
    pub(super) fn tell(&self, read: Flags, write: Flags) {
        self.read_flags.fetch_or(read.0, AcqRel);
        self.write_flags.fetch_or(write.0, AcqRel);
    }

    pub(crate) fn take_read_flags(&self) -> Flags {
        take(&self.read_flags)
    }

    pub(crate) fn take_write_flags(&self) -> Flags {
        take(&self.write_flags)
    }
}

/// There are nearly always none, and looking costs less than taking.
fn take(flags: &AtomicU8) -> Flags {
    Flags(if flags.load(Acquire) == 0 { 0 } else { flags.swap(0, AcqRel) })
}

/// One thread that waits for the audio thread. Who wakes while somebody else holds the place leaves a wish there, and
/// whoever holds it sees to that when it lets go: waking never waits.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    state: AtomicU8,
    /// Only touched by who holds the place, so that its lock is always free.
    thread: Mutex<Option<Thread>>,
}

/// Somebody holds the place; somebody wants it woken.
const HELD: u8 = 1;
const WANTED: u8 = 2;

impl Waiter {
    fn set(&self, thread: Option<Thread>) {
        while self.state.fetch_or(HELD, AcqRel) & HELD != 0 {
            // For as long as a futex wake takes.
            thread::yield_now();
        }
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = thread;
        // A wish needs no wake: who has registered looks whether there is something to wait for, and sees what was done
        // before the wish.
        self.state.swap(0, AcqRel);
    }

    /// The calling thread is to be woken from now on.
    pub(crate) fn register(&self) {
        self.set(Some(thread::current()));
    }

    pub(crate) fn leave(&self) {
        self.set(None);
    }

    /// Sleeps until woken, or this long.
    pub(crate) fn sleep(patience: Duration) {
        park_timeout(patience);
    }

    /// Callable on the audio thread: a futex wake. It goes round again only for those that came meanwhile.
    pub(crate) fn wake(&self) {
        if self.state.fetch_or(HELD | WANTED, AcqRel) & HELD != 0 {
            return;
        }
        loop {
            self.state.swap(HELD, AcqRel);
            if let Ok(thread) = self.thread.try_lock()
                && let Some(thread) = thread.as_ref()
            {
                thread.unpark();
            }
            if self.state.compare_exchange(HELD, 0, AcqRel, Acquire).is_ok() {
                return;
            }
        }
    }
}
