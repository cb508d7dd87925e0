//! What runs on the audio thread. The law of this folder: no allocation, no lock, no log, no system call but a futex
//! wake, no panic. Everything is decided before the first period.

use std::sync::OnceLock;

use crate::backend::StreamInfo;
use crate::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use crate::sync::thread::{self, Thread};

pub(crate) mod block;
pub(crate) mod command;
pub(crate) mod convert;
pub(crate) mod gain;
pub(crate) mod join;
pub(crate) mod mapping;
pub(crate) mod meters;
pub(crate) mod mix;
pub(crate) mod stream;
pub(crate) mod voices;

/// What a backend calls once per period on the device's thread.
pub(crate) trait Engine: Send {
    /// Told once, on a control thread, before the first period: the place to allocate.
    fn prepare(&mut self, info: &StreamInfo);

    /// One period. Whatever it leaves of `period.output` unwritten is undefined, so it writes all of it.
    fn process(&mut self, period: &mut Period<'_>) -> Flow;

    /// A period before the first one, of `left` frames that are still to come before it: asked for by backends that put
    /// silence there otherwise, which is what `period.output` holds. Its input is empty.
    fn prime(&mut self, period: &mut Period<'_>, left: usize) {
        let _ = (period, left);
    }

    /// Whether input that waits too long is to be given with an output that is dropped, instead of being lost.
    fn never_drops_input(&self) -> bool {
        false
    }

    /// The clock has moved on to `now` and there is nothing to make: has everything been heard? For backends that know
    /// the end of a period before the next one comes.
    fn tick(&mut self, now: f64) -> Flow {
        let _ = now;
        Flow::Continue
    }
}

/// One period of a device: interleaved samples in the device's format, both directions of the same length.
pub(crate) struct Period<'a> {
    pub frames: usize,
    /// Empty where there is no input.
    pub input: &'a [u8],
    /// Empty where there is no output.
    pub output: &'a mut [u8],
    pub times: Times,
    pub flags: Flags,
}

/// Seconds on the stream's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Times {
    /// When the first frame of the input was captured.
    pub adc: f64,
    /// When the first frame of the output will be heard.
    pub dac: f64,
    pub now: f64,
}

/// What the engine wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    /// Everything has been heard: the backend plays silence and does not call again.
    Finished,
}

/// What went wrong in a period: PortAudio's bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub u8);

impl Flags {
    pub(crate) const INPUT_UNDERFLOW: Self = Self(1);
    pub(crate) const INPUT_OVERFLOW: Self = Self(2);
    pub(crate) const OUTPUT_UNDERFLOW: Self = Self(4);
    pub(crate) const OUTPUT_OVERFLOW: Self = Self(8);

    pub(crate) const PRIMING: Self = Self(16);

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Why a stream ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Loss {
    /// The device is gone.
    Device = 1,
    /// The server behind the device is gone.
    Server = 2,
    /// The host reports errors without end.
    Host = 3,
    /// The user does not let this program hear.
    Permission = 4,
}

/// News from a stream to the control thread that owns it. Raising any is safe on the audio thread: one atomic and a futex wake.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    lost: AtomicU8,
    raised: AtomicU32,
    attended: AtomicU32,
    /// Audio threads of the stream, and those that have real-time priority.
    threads: AtomicU32,
    real: AtomicU32,
    /// The priority of the audio thread, where priorities are numbers; else 0.
    priority: AtomicU32,
    /// Threads, by their number in the system, whose wish for priority was refused: a service may grant it.
    refused: [AtomicU32; 2],
    owner: OnceLock<Thread>,
}

impl Signals {
    /// The calling thread is the one to wake. Said once, before the stream opens.
    pub(crate) fn own(&self) {
        let _ = self.owner.set(thread::current());
    }

    /// The device is lost. The first reason stays.
    pub(crate) fn lose(&self, loss: Loss) {
        let _ = self.lost.compare_exchange(0, loss as u8, Ordering::AcqRel, Ordering::Acquire);
        self.wake();
    }

    pub(crate) fn lost(&self) -> Option<Loss> {
        match self.lost.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Loss::Device),
            2 => Some(Loss::Server),
            3 => Some(Loss::Host),
            _ => Some(Loss::Permission),
        }
    }

    /// Something has ended that the control side should look at.
    pub(crate) fn attend(&self) {
        self.raised.fetch_add(1, Ordering::AcqRel);
        self.wake();
    }

    /// How often `attend` has been called: to be given to `attended` when all of it has been looked at.
    pub(crate) fn raised(&self) -> u32 {
        self.raised.load(Ordering::Acquire)
    }

    pub(crate) fn attended(&self, raised: u32) {
        self.attended.store(raised, Ordering::Release);
    }

    /// Whether nothing waits to be looked at.
    pub(crate) fn settled(&self) -> bool {
        self.attended.load(Ordering::Acquire) == self.raised.load(Ordering::Acquire)
    }

    /// An audio thread tells, once, whether it has real-time priority; if not, under which number (not 0) to ask for it.
    pub(crate) fn has_thread(&self, real: bool, number: u32) {
        self.threads.fetch_add(1, Ordering::AcqRel);
        if real {
            self.thread_was_raised();
        } else if number != 0 {
            let free =
                |slot: &&AtomicU32| slot.compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if self.refused.iter().any(|slot| free(&slot)) {
                self.wake();
            }
        }
    }

    /// An audio thread tells its priority.
    pub(crate) fn tell_priority(&self, priority: u32) {
        self.priority.store(priority, Ordering::Release);
    }

    /// That of the audio thread that has told it last; 0 where that is not known.
    pub(crate) fn priority(&self) -> u32 {
        self.priority.load(Ordering::Acquire)
    }

    /// One of the audio threads has real-time priority.
    pub(crate) fn thread_was_raised(&self) {
        self.real.fetch_add(1, Ordering::AcqRel);
    }

    /// A thread that was refused, given once.
    pub(crate) fn refused(&self) -> Option<u32> {
        self.refused.iter().map(|slot| slot.swap(0, Ordering::AcqRel)).find(|number| *number != 0)
    }

    /// Whether there are audio threads and all of them have real-time priority.
    pub(crate) fn realtime(&self) -> bool {
        let threads = self.threads.load(Ordering::Acquire);
        threads > 0 && self.real.load(Ordering::Acquire) >= threads
    }

    pub(crate) fn wake(&self) {
        if let Some(thread) = self.owner.get() {
            thread.unpark();
        }
    }
}
