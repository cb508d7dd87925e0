//! What streams with an output have: writing, the volume, and what it was opened with.

use super::{Present, Raw, Stream, Written};
use crate::dtype::Dtype;
use crate::error::Result;
use crate::realtime::gain::check_volume;

/// Of the output.
impl<I, O: Present> Stream<I, O> {
    /// Waits until all of `from`, which is whole frames, has been taken; it will be heard later. Several threads take
    /// turns.
    ///
    /// # Errors
    /// As [`read`](Self::read), with `WriteToCallbackStream`. A stop does not end a write that has begun.
    pub fn write(&self, from: &[O::Item]) -> Result<Written> {
        self.core.write(O::bytes(from))
    }

    /// Writes as much as there is room for, without waiting.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn try_write(&self, from: &[O::Item]) -> Result<Written> {
        self.core.try_write(O::bytes(from))
    }

    /// Says what writing would, whatever room there is.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[doc(hidden)]
    pub fn check_write(&self) -> Result<()> {
        self.core.check_write()
    }

    /// Begins a write that goes on for longer than one call: a stop waits until [`end_write`](Self::end_write).
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[doc(hidden)]
    pub fn begin_write(&self) -> Result<()> {
        self.core.begin_write()
    }

    /// As [`try_write`](Self::try_write), also while the stream plays out.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[doc(hidden)]
    pub fn go_on_writing(&self, from: &[O::Item]) -> Result<Written> {
        self.core.go_on_writing(O::bytes(from))
    }

    /// As [`write`](Self::write), also while the stream plays out.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[doc(hidden)]
    pub fn finish_write(&self, from: &[O::Item]) -> Result<Written> {
        self.core.finish_write(O::bytes(from))
    }

    /// Ends what [`begin_write`](Self::begin_write) began.
    #[doc(hidden)]
    pub fn end_write(&self) {
        self.core.end_write();
    }

    /// Frames that can be written without waiting.
    ///
    /// # Errors
    /// `WriteToCallbackStream`.
    pub fn write_available(&self) -> Result<usize> {
        self.core.write_available()
    }

    /// How loud it is: 1 leaves the samples as they are.
    pub fn volume(&self) -> f64 {
        self.core.shared.meters.volume()
    }

    /// Makes the output louder or softer by this factor, from the next period on and in a straight line over 20 ms; a run
    /// begins with the volume that it has by then. Made on the audio thread; what the device has by now keeps its volume.
    ///
    /// # Errors
    /// `OutOfRange` unless it is finite and at least 0; `NotSupported` where there is no output after all; `StreamClosed`.
    pub fn set_volume(&self, volume: f64) -> Result<()> {
        check_volume(volume, self.core.settings.output.is_some())?;
        self.core.check_open()?;
        self.core.shared.meters.set_volume(volume);
        Ok(())
    }

    /// Channels of the output.
    pub fn output_channels(&self) -> usize {
        self.core.settings.output.map_or(0, |side| side.channels)
    }

    /// Index of the output device, of now.
    pub fn output_device(&self) -> usize {
        self.core.devices().1
    }

    /// Format of the output.
    pub fn output_dtype(&self) -> Dtype {
        self.core.settings.output.map_or(Dtype::F32, |side| side.dtype)
    }

    /// Seconds from the callback to the output, blocks that are made ahead and what was written included: measured once it
    /// runs, an estimate before.
    pub fn output_latency(&self) -> f64 {
        self.core.output_latency() + self.core.ends.written() as f64 / self.core.info().sample_rate
    }
}

impl<I> Stream<I, Raw> {
    /// Bytes of a sample of the output.
    pub fn output_sample_size(&self) -> usize {
        self.core.settings.output.map_or(0, |side| side.dtype.bytes())
    }
}

impl Stream<(), Raw> {
    /// Bytes per sample.
    pub fn sample_size(&self) -> usize {
        self.output_sample_size()
    }
}
