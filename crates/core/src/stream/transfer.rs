//! Reading and writing: between the rings and whoever waits for them.

use std::sync::atomic::Ordering::{AcqRel, Release};
use std::time::{Duration, Instant};

use super::call::{Read, Status, StreamTime, Written};
use super::core::Core;
use crate::device::PATIENCE;
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::Flags;
use crate::realtime::stream::Waiter;

/// How long a waiting thread sleeps before it looks again unasked.
const NAP: Duration = Duration::from_millis(100);

fn misuse(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, message)
}

/// Ends what waits for a device that makes no progress.
struct Patience {
    periods: u64,
    since: Instant,
}

impl Patience {
    fn new(core: &Core) -> Self {
        Self { periods: core.shared.periods(), since: Instant::now() }
    }

    fn sleep(&mut self, core: &Core) -> Result<()> {
        Waiter::sleep(NAP);
        let periods = core.shared.periods();
        if periods != self.periods {
            *self = Self { periods, since: Instant::now() };
        } else if self.since.elapsed() > PATIENCE {
            let message = format!("The device has done nothing for {} s", PATIENCE.as_secs());
            return Err(Error::new(ErrorKind::TimedOut, message));
        }
        Ok(())
    }
}

/// A write that has begun: a stop waits for it.
struct Writing<'a>(&'a Core);

impl<'a> Writing<'a> {
    fn new(core: &'a Core) -> Self {
        core.shared.writers.fetch_add(1, AcqRel);
        Self(core)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.shared.writers.fetch_sub(1, AcqRel);
    }
}

impl Core {
    fn check_input(&self, bytes: usize) -> Result<()> {
        if self.has_callback {
            return Err(misuse(ErrorKind::ReadFromCallbackStream, "Can't read from a callback stream"));
        }
        let Some(side) = &self.settings.input else {
            return Err(misuse(ErrorKind::NotSupported, "Can't read from an output only stream"));
        };
        whole_frames(bytes, side.dtype.bytes(), side.channels)
    }

    fn check_output(&self, bytes: usize) -> Result<()> {
        if self.has_callback {
            return Err(misuse(ErrorKind::WriteToCallbackStream, "Can't write to a callback stream"));
        }
        let Some(side) = &self.settings.output else {
            return Err(misuse(ErrorKind::NotSupported, "Can't write to an input only stream"));
        };
        whole_frames(bytes, side.dtype.bytes(), side.channels)
    }

    pub(crate) fn check_read(&self) -> Result<()> {
        self.check_input(0)?;
        self.running().map(drop)
    }

    pub(crate) fn check_write(&self) -> Result<()> {
        self.check_output(0)?;
        self.running().map(drop)
    }

    pub(crate) fn read_available(&self) -> Result<usize> {
        self.check_input(0)?;
        Ok(if self.is_closed() { 0 } else { self.ends.readable() })
    }

    pub(crate) fn write_available(&self) -> Result<usize> {
        self.check_output(0)?;
        Ok(if self.is_closed() { 0 } else { self.ends.writable() })
    }

    fn in_frame(&self) -> usize {
        self.settings.input.map_or(1, |side| side.dtype.bytes() * side.channels)
    }

    fn out_frame(&self) -> usize {
        self.settings.output.map_or(1, |side| side.dtype.bytes() * side.channels)
    }

    /// All of `into`, waiting for it.
    pub(crate) fn read(&self, into: &mut [u8]) -> Result<Read> {
        self.check_input(into.len())?;
        let run = self.running()?;
        let mut reader = self.ends.reader();
        let manual = self.manual_clock();
        if manual && self.ends.readable() * self.in_frame() < into.len() {
            let message = "Waiting for input on a manual clock would never end: advance the device first";
            return Err(Error::new(ErrorKind::WouldDeadlock, message));
        }
        let mut patience = Patience::new(self);
        let (mut done, mut time) = (0, None);
        self.shared.reader.register();
        let result = loop {
            if let Some(reader) = reader.as_mut() {
                time = time.or_else(|| reader.captured_at());
                done += reader.take(&mut into[done..]);
            }
            if done == into.len() {
                break Ok(());
            }
            let going = self.running().and_then(|now| if now == run { Ok(()) } else { Err(ended()) });
            if let Err(error) = going.and_then(|()| patience.sleep(self)) {
                break Err(error);
            }
        };
        self.shared.reader.leave();
        drop(reader);
        result.map(|()| self.was_read(done, time))
    }

    fn was_read(&self, bytes: usize, captured: Option<f64>) -> Read {
        let current = self.info().clock.now();
        let time = StreamTime { input_adc: captured.unwrap_or(current), current, output_dac: current };
        let status = Status(self.shared.take_read_flags().0);
        Read { frames: bytes / self.in_frame(), overflowed: status.input_overflow(), status, time }
    }

    /// What is there, without waiting; also what a stopped stream has left.
    pub(crate) fn try_read(&self, into: &mut [u8]) -> Result<Read> {
        self.check_input(into.len())?;
        self.check_open()?;
        let mut reader = self.ends.reader();
        let (mut done, mut time) = (0, None);
        if let Some(reader) = reader.as_mut() {
            time = reader.captured_at();
            done = reader.take(into);
        }
        drop(reader);
        if done == 0 && !into.is_empty() {
            self.running()?;
        }
        Ok(self.was_read(done, time))
    }

    /// All of `from`, waiting for room.
    pub(crate) fn write(&self, from: &[u8]) -> Result<Written> {
        self.check_output(from.len())?;
        // Before looking: who orders a stop after this sees that a write has begun.
        let _writing = Writing::new(self);
        let run = self.running()?;
        self.write_in(run, from)
    }

    /// The rest of a write that has begun, waiting for room.
    pub(crate) fn finish_write(&self, from: &[u8]) -> Result<Written> {
        self.check_output(from.len())?;
        let run = self.draining().map_or_else(|| self.running(), Ok)?;
        self.write_in(run, from)
    }

    fn write_in(&self, run: u64, from: &[u8]) -> Result<Written> {
        let mut writer = self.ends.writer();
        // Nearly always there is room: then nobody waits, and nobody has to be registered.
        let mut done = writer.as_mut().map_or(0, |writer| writer.give_all(from));
        if done == from.len() {
            if done > 0 {
                self.shared.wrote.store(true, Release);
            }
            return Ok(self.was_written(done));
        }
        let manual = self.manual_clock();
        if manual && self.ends.writable() * self.out_frame() < from.len() {
            let message = "Waiting for room on a manual clock would never end: advance the device first";
            return Err(Error::new(ErrorKind::WouldDeadlock, message));
        }
        let mut patience = Patience::new(self);
        self.shared.writer.register();
        let result = loop {
            if let Some(writer) = writer.as_mut() {
                done += writer.give(&from[done..]);
            }
            if done > 0 {
                self.shared.wrote.store(true, Release);
            }
            if done == from.len() {
                break Ok(());
            }
            // While it plays out it still takes what this call has begun to write.
            if self.draining() != Some(run) {
                break Err(self.running().err().unwrap_or_else(ended));
            }
            if let Err(error) = patience.sleep(self) {
                break Err(error);
            }
        };
        self.shared.writer.leave();
        drop(writer);
        result.map(|()| self.was_written(done))
    }

    /// A write that goes on for longer than one call begins: a stop waits for its end.
    pub(crate) fn begin_write(&self) -> Result<()> {
        self.check_output(0)?;
        self.shared.writers.fetch_add(1, AcqRel);
        self.running().map(drop).inspect_err(|_| self.end_write())
    }

    /// As much of it as there is room for.
    pub(crate) fn go_on_writing(&self, from: &[u8]) -> Result<Written> {
        if self.draining().is_none() {
            return Err(self.running().err().unwrap_or_else(ended));
        }
        let done = self.ends.writer().as_mut().map_or(0, |writer| writer.give(from));
        if done > 0 {
            self.shared.wrote.store(true, Release);
        }
        Ok(self.was_written(done))
    }

    pub(crate) fn end_write(&self) {
        self.shared.writers.fetch_sub(1, AcqRel);
        self.wake();
    }

    /// As much as there is room for, without waiting.
    pub(crate) fn try_write(&self, from: &[u8]) -> Result<Written> {
        self.check_output(from.len())?;
        let _writing = Writing::new(self);
        self.running()?;
        let done = self.ends.writer().as_mut().map_or(0, |writer| writer.give(from));
        if done > 0 {
            self.shared.wrote.store(true, Release);
        }
        Ok(self.was_written(done))
    }

    fn was_written(&self, bytes: usize) -> Written {
        let underflowed = self.shared.take_write_flags().0 & Flags::OUTPUT_UNDERFLOW.0 != 0;
        Written { frames: bytes / self.out_frame(), underflowed }
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::StreamStopped, "The stream was stopped meanwhile")
}

fn whole_frames(bytes: usize, sample: usize, channels: usize) -> Result<()> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidArgValue, message));
    if !bytes.is_multiple_of(sample) {
        return invalid(format!("Expected whole samples of {sample} bytes, got {bytes} bytes"));
    }
    if !bytes.is_multiple_of(sample * channels) {
        return invalid(format!("Expected whole frames of {channels} samples, got {} samples", bytes / sample));
    }
    Ok(())
}
