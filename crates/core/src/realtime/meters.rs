//! What is counted and set while audio runs: written by one side, read by the other.

use std::time::Instant;

use super::Flags;
use super::convert::Counts;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;

/// The part of real time that a period of so many frames took to make, which has been going on since `began`.
pub(super) fn load_since(began: Instant, frames: usize, rate: f64) -> f64 {
    began.elapsed().as_secs_f64() * rate / frames.max(1) as f64
}

/// Of one stream over all of its runs, or of one job.
#[derive(Debug)]
pub(crate) struct Meters {
    /// An f64's bits, as the volume's.
    load: AtomicU64,
    /// How loud the output is wanted.
    volume: AtomicU64,
    /// By the bit of the flag.
    xruns: [AtomicU64; 4],
    clipped: AtomicU64,
    nan: AtomicU64,
}

impl Default for Meters {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            load: zero(),
            volume: AtomicU64::new(1f64.to_bits()),
            xruns: [zero(), zero(), zero(), zero()],
            clipped: zero(),
            nan: zero(),
        }
    }
}

impl Meters {
    /// A run begins: the load is that of its own periods.
    pub(super) fn begin(&self) {
        self.load.store(0, Relaxed);
    }

    /// A period took this part of real time to make.
    pub(super) fn loaded(&self, load: f64) {
        let before = self.load();
        self.load.store((before + (load - before) / 16.0).to_bits(), Relaxed);
    }

    pub(crate) fn load(&self) -> f64 {
        f64::from_bits(self.load.load(Relaxed))
    }

    /// How loud the output is wanted, in this run and the next ones.
    pub(crate) fn volume(&self) -> f64 {
        f64::from_bits(self.volume.load(Relaxed))
    }

    pub(crate) fn set_volume(&self, volume: f64) {
        self.volume.store(volume.to_bits(), Relaxed);
    }

    pub(super) fn count(&self, counts: Counts) {
        if counts != Counts::default() {
            self.clipped.fetch_add(counts.clipped, Relaxed);
            self.nan.fetch_add(counts.nan, Relaxed);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts { clipped: self.clipped.load(Relaxed), nan: self.nan.load(Relaxed) }
    }

    pub(super) fn xrun(&self, flags: Flags) {
        for (bit, counter) in self.xruns.iter().enumerate() {
            if flags.0 & 1 << bit != 0 {
                counter.fetch_add(1, Relaxed);
            }
        }
    }

    /// Input underflows, input overflows, output underflows, output overflows.
    pub(crate) fn xruns(&self) -> [u64; 4] {
        std::array::from_fn(|bit| self.xruns[bit].load(Relaxed))
    }
}
