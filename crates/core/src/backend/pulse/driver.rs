//! The audio thread of a stream: the library's loop, and a period of the engine whenever there is something to do.
//!
//! In duplex the input drives. As soon as a period has been captured the engine is called and its output is written, so
//! many frames ahead of what is played that the round trip is always the same. The server's requests do not matter then.
//! The server drops what is written too late, so that a delay on the way costs sound but never changes the round trip.
//! Where the two devices have clocks of their own the round trip does drift: what it grows by is dropped from the input,
//! and where the output runs out silence is inserted.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::attributes::Attributes;
use super::backlog::{Remedy, Trip};
use super::connection::{Connection, Refusal};
use super::input::Input;
use super::output::Output;
use super::pipe::Pipe;
use super::stream::Shared;
use crate::backend::priority::raise_current_thread;
use crate::realtime::{Engine, Loss, Signals};

/// How long the server may take to say whether a device is still there.
const MOVING: Duration = Duration::from_millis(500);

/// In tests, allocating or freeing memory in here ends the process. (The library's own is not seen.)
#[cfg(test)]
use assert_no_alloc::assert_no_alloc as without_allocating;
#[cfg(not(test))]
fn without_allocating(work: impl FnOnce()) {
    work();
}

/// What has been opened. The streams go before the connection that they belong to.
pub(super) struct Parts {
    pub capture: Option<(Pipe, CString)>,
    pub playback: Option<(Pipe, CString)>,
    pub connection: Connection,
    pub attributes: Attributes,
    pub rate: f64,
    pub in_silence: u8,
    pub out_silence: u8,
}

pub(super) struct Driver {
    input: Option<Input>,
    output: Output,
    /// The devices' names.
    names: (Option<CString>, Option<CString>),
    trip: Trip,
    connection: Connection,
    rate: f64,
    period: usize,
    shared: Arc<Shared>,
    signals: Arc<Signals>,
    arriving: Receiver<Box<dyn Engine>>,
}

impl Driver {
    pub(super) fn new(
        parts: Parts,
        shared: Arc<Shared>,
        signals: Arc<Signals>,
        arriving: Receiver<Box<dyn Engine>>,
    ) -> Self {
        let Parts { capture, playback, connection, attributes, rate, in_silence, out_silence } = parts;
        let (capture, source) = capture.unzip();
        let (playback, sink) = playback.unzip();
        let period = attributes.period;
        let input = capture.map(|pipe| Input::new(pipe, period, rate, in_silence));
        let output = Output::new(playback, input.is_some(), attributes, rate, out_silence, Arc::clone(&signals));
        let trip = Trip::new(rate, period);
        Self { input, output, names: (source, sink), trip, connection, rate, period, shared, signals, arriving }
    }

    /// Runs until the stream is closed or lost; releases the devices and returns the engine, if it ever came.
    pub(super) fn run(mut self) -> Option<Box<dyn Engine>> {
        raise_current_thread(&self.signals, self.period as f64 / self.rate);
        let lost = loop {
            if self.connection.turn(None).is_err() {
                break Some(Loss::Server);
            }
            if self.shared.closing() {
                break None;
            }
            if !self.output.has_begun()
                && let Ok(engine) = self.arriving.try_recv()
            {
                self.begin(engine);
            }
            if let Some(loss) = self.look() {
                break Some(loss);
            }
            if self.output.has_begun() {
                without_allocating(|| {
                    if let Some(input) = &mut self.input {
                        input.pull(&mut self.output, &self.shared);
                    }
                    self.output.answer(&self.shared);
                });
            }
        };
        if let Some(loss) = lost {
            self.signals.lose(loss);
        }
        self.shared.forget();
        self.output.end()
    }

    fn begin(&mut self, engine: Box<dyn Engine>) {
        self.output.begin(engine);
        // The device finds sound when it begins.
        self.output.answer(&self.shared);
        for pipe in [self.output.pipe.as_ref(), self.input.as_ref().map(|input| &input.pipe)].into_iter().flatten() {
            pipe.run();
        }
    }

    /// What has happened to the streams.
    fn look(&mut self) -> Option<Loss> {
        let capture = self.input.as_mut().map(|input| &mut input.pipe);
        let mut moved = false;
        let mut told = false;
        for (pipe, name) in [(capture, &self.names.0), (self.output.pipe.as_mut(), &self.names.1)] {
            let (Some(pipe), Some(name)) = (pipe, name) else { continue };
            if !pipe.alive() {
                return Some(Loss::Device);
            }
            if pipe.has_moved() {
                // Somebody has moved us to another device, which is fine; or ours has gone.
                let found = self.connection.device(name, pipe.input, Instant::now() + MOVING);
                if found.err().is_some_and(|why| why != Refusal::TimedOut) {
                    return Some(Loss::Device);
                }
                pipe.line.forget();
                moved = true;
            }
            told = pipe.follow(self.rate * pipe.frame_bytes as f64);
        }
        if moved {
            self.trip.forget();
            self.output.start_anew();
        }
        if self.output.pipe.as_ref().is_some_and(Pipe::underflowed) && self.output.starve() {
            self.trip.forget();
        }
        self.output.look();
        if let (true, Some(input), Some(dac)) = (told, &mut self.input, self.output.time())
            && let Some(adc) = input.time()
        {
            match self.trip.look(dac - adc, self.output.has_starved()) {
                Remedy::None => {}
                Remedy::Drop(frames) => input.skip = frames,
                Remedy::Insert => self.output.start_anew(),
            }
        }
        None
    }
}
