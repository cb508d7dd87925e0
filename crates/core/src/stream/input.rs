//! What streams with an input have: reading, and what it was opened with.

use super::{Present, Raw, Read, Stream};
use crate::dtype::Dtype;
use crate::error::Result;

/// Of the input.
impl<I: Present, O> Stream<I, O> {
    /// Waits until `into` is full, which is whole frames. Several threads take turns.
    ///
    /// # Errors
    /// `InvalidArgValue` for a part of a frame; `ReadFromCallbackStream`; `StreamClosed`, `StreamStopped`, `DeviceLost`,
    /// also while it waits, and what it had read by then is gone; `TimedOut` after five seconds without a period;
    /// `WouldDeadlock` where it had to wait on a manual clock, and nothing is lost.
    pub fn read(&self, into: &mut [I::Item]) -> Result<Read> {
        self.core.read(I::bytes_mut(into))
    }

    /// Reads what there is, without waiting. A stopped stream gives what it has left.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn try_read(&self, into: &mut [I::Item]) -> Result<Read> {
        self.core.try_read(I::bytes_mut(into))
    }

    /// Says what reading would, whatever there is to read.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[doc(hidden)]
    pub fn check_read(&self) -> Result<()> {
        self.core.check_read()
    }

    /// Frames that can be read without waiting.
    ///
    /// # Errors
    /// `ReadFromCallbackStream`.
    pub fn read_available(&self) -> Result<usize> {
        self.core.read_available()
    }

    /// Channels of the input.
    pub fn input_channels(&self) -> usize {
        self.core.settings.input.map_or(0, |side| side.channels)
    }

    /// Index of the input device, of now.
    pub fn input_device(&self) -> usize {
        self.core.devices().0
    }

    /// Format of the input.
    pub fn input_dtype(&self) -> Dtype {
        self.core.settings.input.map_or(Dtype::F32, |side| side.dtype)
    }

    /// Seconds from the input to the callback, blocks included: measured once it runs, an estimate before.
    pub fn input_latency(&self) -> f64 {
        self.core.input_latency()
    }
}

impl<O> Stream<Raw, O> {
    /// Bytes of a sample of the input.
    pub fn input_sample_size(&self) -> usize {
        self.core.settings.input.map_or(0, |side| side.dtype.bytes())
    }
}

impl Stream<Raw, ()> {
    /// Bytes per sample.
    pub fn sample_size(&self) -> usize {
        self.input_sample_size()
    }
}
