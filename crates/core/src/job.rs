//! Play, record, and both at once, over devices; no code of the user's runs while they sound.
//!
//! A [`Job`] is one such performance. Its samples are in any [`Dtype`](crate::Dtype): this is the untyped layer under the typed
//! functions of the crate, and what bindings to other languages build on.

mod plan;
#[cfg(any(test, fuzzing))]
mod rehearsal;
mod session;

use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

pub use plan::{JobRequest, Latency, Loop, Play, Record};
pub(crate) use plan::{check_latency, rate, side};
#[cfg(any(test, fuzzing))]
pub(crate) use rehearsal::rehearse;

use crate::device::{DeviceSpecifier, devices_for};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::command::Command;
use crate::realtime::gain::check_volume;
use crate::realtime::voices::State;
use session::Session;

/// Called once, on a control thread, when a job has ended and the device (if nothing else uses it) has been released.
pub type OnEnd = Box<dyn FnOnce(Option<Error>) + Send>;

/// A running play, record, or both. Dropping it lets it run on to its end.
#[derive(Debug, Clone)]
pub struct Job {
    core: Arc<Core>,
    session: Arc<Session>,
    total: u64,
    /// It plays and records.
    both: bool,
}

pub(crate) struct Core {
    pub state: Arc<State>,
    end: Mutex<End>,
    ended: Condvar,
    /// When it ended, on the stream's clock: what was still queued then is never heard.
    ended_at: OnceLock<f64>,
}

#[derive(Default)]
struct End {
    done: Option<Option<Error>>,
    on_end: Option<OnEnd>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Core {
    fn new(on_end: OnEnd) -> Arc<Self> {
        let end = Mutex::new(End { done: None, on_end: Some(on_end) });
        Arc::new(Self { state: Arc::default(), end, ended: Condvar::new(), ended_at: OnceLock::new() })
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, error: Option<Error>, now: Option<f64>) {
        if let Some(now) = now {
            let _ = self.ended_at.set(now);
        }
        let on_end = {
            let mut end = self.end();
            if end.done.is_some() {
                return;
            }
            end.done = Some(error.clone());
            end.on_end.take()
        };
        self.ended.notify_all();
        if let Some(on_end) = on_end {
            on_end(error);
        }
    }
}

impl Job {
    /// Opens and starts. Whatever fails before the device runs is the error; later failures come with `on_end`.
    ///
    /// # Errors
    /// Wrong arguments, devices that do not exist or refuse, a system that does not answer within five seconds.
    pub fn open(request: JobRequest, on_end: OnEnd) -> Result<Self> {
        let parts = plan::resolve(request, |named| devices_for(named))?;
        let (total, both) = (parts.total, parts.play.is_some() && parts.record.is_some());
        let core = Core::new(on_end);
        let session = session::begin(parts, Arc::clone(&core))?;
        Ok(Self { core, session, total, both })
    }

    /// Frames of the whole performance; `u64::MAX` where it loops for ever.
    pub fn frames(&self) -> u64 {
        self.total
    }

    /// Frames handed to the device, or taken from it.
    pub fn position(&self) -> u64 {
        self.core.state.position.load(Acquire)
    }

    /// The position less what is still queued.
    pub fn heard(&self) -> u64 {
        let info = self.session.info();
        let now = self.core.ended_at.get().copied().unwrap_or_else(|| info.clock.now());
        let queued = self.core.state.heard_until().map_or(0.0, |end| (end - now).max(0.0) * info.sample_rate);
        self.position().saturating_sub(queued.round() as u64)
    }

    /// Frames recorded so far.
    pub fn recorded(&self) -> u64 {
        self.core.state.recorded.load(Acquire)
    }

    /// Frames between playing and hearing, by the latencies of the first period, and by those that were opened before it;
    /// none unless it does both.
    pub fn round_trip(&self) -> Option<u64> {
        let info = self.session.info();
        let (input, output) = info.input.zip(info.output).filter(|_| self.both)?;
        let opened = || ((input.latency + output.latency) * info.sample_rate).round() as u64;
        Some(self.core.state.round_trip().unwrap_or_else(opened))
    }

    /// Seconds on the stream's clock.
    pub fn time(&self) -> f64 {
        self.session.info().clock.now()
    }

    /// Flags raised so far: 1 input underflow, 2 input overflow, 4 output underflow.
    pub fn flags(&self) -> u8 {
        self.core.state.flags.load(Acquire)
    }

    /// Samples that conversion clipped.
    pub fn clipped(&self) -> u64 {
        self.core.state.meters.counts().clipped
    }

    /// Samples that conversion found not to be numbers.
    pub fn nan(&self) -> u64 {
        self.core.state.meters.counts().nan
    }

    /// The part of real time that the last periods of its stream took to make, 0 once it has ended.
    pub fn cpu_load(&self) -> f64 {
        if self.active() { self.core.state.meters.load() } else { 0.0 }
    }

    /// Input underflows, input overflows, output underflows and output overflows so far.
    pub fn xruns(&self) -> [u64; 4] {
        self.core.state.meters.xruns()
    }

    /// How loud it is: 1 leaves the samples as they are.
    pub fn volume(&self) -> f64 {
        self.core.state.meters.volume()
    }

    /// Makes what it plays louder or softer by this factor, from the next period on and in a straight line over 20 ms; other jobs
    /// in its stream stay as they are.
    ///
    /// # Errors
    /// `OutOfRange` unless it is finite and at least 0; `NotSupported` where nothing is played; `StreamClosed` once it has ended.
    pub fn set_volume(&self, volume: f64) -> Result<()> {
        check_volume(volume, self.session.info().output.is_some())?;
        if !self.active() {
            return Err(Error::new(ErrorKind::StreamClosed, "The stream of the job is closed"));
        }
        self.core.state.meters.set_volume(volume);
        Ok(())
    }

    /// Whether it has not ended.
    pub fn active(&self) -> bool {
        self.core.end().done.is_none()
    }

    /// From the next period on: silence, and nothing recorded.
    pub fn pause(&self) {
        self.core.state.paused.store(true, Release);
    }

    /// Goes on where `pause` came.
    pub fn resume(&self) {
        self.core.state.paused.store(false, Release);
    }

    /// Goes on playing at this frame; while paused, when it resumes.
    pub fn seek(&self, frame: u64) {
        self.core.state.seek.store(i64::try_from(frame).unwrap_or(i64::MAX), Release);
    }

    /// Makes and records no more, and ends when the device has played what it has: at once where that is nothing.
    pub fn stop(&self) {
        self.core.state.order(Command::Stop);
        self.session.wake();
    }

    /// Ends at once and drops what the device still has.
    pub fn abort(&self) {
        self.core.state.order(Command::Abort);
        self.session.wake();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// What ended it early, such as `DeviceLost`; `WouldDeadlock` on a manual clock, which this thread could not advance.
    pub fn wait(&self) -> Result<()> {
        let mut end = self.core.end();
        loop {
            if let Some(error) = &end.done {
                return error.clone().map_or(Ok(()), Err);
            }
            if self.session.manual_clock() && !self.is_ending() {
                let message = "Waiting for a job on a manual clock would never end: advance the device instead";
                return Err(Error::new(ErrorKind::WouldDeadlock, message));
            }
            end = self.core.ended.wait(end).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether it ends without any time passing.
    fn is_ending(&self) -> bool {
        let state = &self.core.state;
        match state.command() {
            Command::Run => false,
            Command::Stop => self.session.is_silent(state),
            Command::Abort => true,
        }
    }

    /// Whether time passes only when the device is advanced, so that waiting would never end.
    pub fn manual_clock(&self) -> bool {
        self.session.manual_clock()
    }

    /// Waits for the end at most this long; says whether it came. Never too long where the clock is a manual one.
    pub fn wait_for(&self, patience: Duration) -> bool {
        let end = self.core.end();
        let waited = self.core.ended.wait_timeout_while(end, patience, |end| end.done.is_none());
        waited.is_ok_and(|(end, _)| end.done.is_some())
    }

    /// What was opened.
    pub fn stream(&self) -> JobStream {
        let info = self.session.info();
        let (input, output) = self.core.state.latencies();
        let (heard, played) = self.session.channels();
        JobStream {
            sample_rate: info.sample_rate,
            realtime: self.session.realtime(),
            input: info.input.map(|side| (self.session.devices().0, heard, input.unwrap_or(side.latency))),
            output: info.output.map(|side| (self.session.devices().1, played, output.unwrap_or(side.latency))),
        }
    }
}

/// The stream of a job: per direction the device's index, the channels that were asked for, the latency in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct JobStream {
    /// Hertz.
    pub sample_rate: f64,
    /// Whether its audio threads have real-time priority.
    pub realtime: bool,
    /// Device, channels, latency.
    pub input: Option<(usize, u16, f64)>,
    /// Device, channels, latency.
    pub output: Option<(usize, u16, f64)>,
}

/// A device for a side, or the default one.
pub type Where = Option<DeviceSpecifier>;
