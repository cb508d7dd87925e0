//! The state machine of a stream. Slow calls are made outside its lock, so that looking never waits.

mod follow;
mod keeper;
mod latency;
mod opening;

use std::sync::atomic::Ordering::Acquire;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::call::Finished;
use super::handoff::Handoff;
use super::plan::{Parts, Request, Target};
use crate::backend::StreamInfo;
use crate::control::Handle;
use crate::device::{DeviceInfo, DeviceWatcher};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::Signals;
use crate::realtime::command::Command;
use crate::realtime::stream::{Callback, Ended, Ends, Home, OnPeriod, Settings, Shared, inside};

pub(crate) type OnFinished = Arc<dyn Fn(Finished) + Send + Sync>;
/// Told on which device a stream goes on.
pub(crate) type OnMoved = Arc<dyn Fn(&DeviceInfo) + Send + Sync>;

pub(crate) struct Core {
    target: Mutex<Target>,
    pub settings: Settings,
    pub has_callback: bool,
    /// Where the callback is on another thread; whether it makes as many blocks ahead as the latency allows.
    handoff: Option<(Arc<Handoff>, bool)>,
    pub shared: Arc<Shared>,
    pub ends: Arc<Ends>,
    home: Arc<Home>,
    state: Mutex<State>,
    changed: Condvar,
    on_finished: Option<OnFinished>,
    on_period: Option<OnPeriod>,
    on_moved: Option<OnMoved>,
    /// What was asked for, where it moves when the device is lost.
    follow: Option<Request>,
    /// While it runs and follows the default device.
    watcher: Mutex<Option<DeviceWatcher>>,
    /// The default devices, by direction, that could not be opened for it: they are not tried again.
    refused: Mutex<[Option<usize>; 2]>,
}

/// Who is called, and when.
#[derive(Default)]
pub(crate) struct Hooks {
    pub callback: Option<Callback>,
    pub handoff: Option<(Arc<Handoff>, bool)>,
    pub on_finished: Option<OnFinished>,
    pub on_period: Option<OnPeriod>,
    pub on_moved: Option<OnMoved>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Open and not started.
    Ready,
    /// Being opened.
    Opening,
    Running,
    /// To be played out.
    Stopping,
    /// To be released at once.
    Aborting,
    /// Released, as ordered.
    Stopped,
    /// Released, because the callback or the device ended it.
    Ended,
}

struct State {
    phase: Phase,
    closed: bool,
    /// Counts openings, and those whose end has been told.
    opened: u64,
    told: u64,
    /// Counts runs: one may have several openings.
    run: u64,
    /// While it moves: until when, and how many periods there had been.
    moving: Option<(Instant, u64)>,
    handle: Option<Arc<Handle>>,
    info: StreamInfo,
    manual_clock: bool,
    /// Of the last opening.
    signals: Arc<Signals>,
    /// Why the last run failed.
    error: Option<Error>,
    /// The end of this opening is not to be told: it never started.
    quiet: bool,
}

fn closed() -> Error {
    Error::new(ErrorKind::StreamClosed, "The stream is closed")
}

fn deadlock(what: &str) -> Error {
    let message = format!("{what} on a manual clock would never end: advance the device instead");
    Error::new(ErrorKind::WouldDeadlock, message)
}

impl Core {
    /// Opens the device, without starting it.
    pub(crate) fn open(parts: Parts, hooks: Hooks, follow: Option<Request>) -> Result<Arc<Self>> {
        let Hooks { callback, handoff, on_finished, on_period, on_moved } = hooks;
        let has_callback = callback.is_some();
        let rate = parts.target.plan.sample_rate;
        let clock = crate::backend::Clock::monotonic();
        let info = StreamInfo { sample_rate: rate, period: 0, tail: 0.0, input: None, output: None, clock };
        let state = State {
            phase: Phase::Opening,
            closed: false,
            opened: 0,
            told: 0,
            run: 0,
            moving: None,
            handle: None,
            info,
            manual_clock: false,
            signals: Arc::default(),
            error: None,
            quiet: false,
        };
        let core = Arc::new(Self {
            target: Mutex::new(parts.target),
            settings: parts.settings,
            has_callback,
            handoff,
            shared: Arc::default(),
            ends: Arc::default(),
            home: Arc::new(Mutex::new(callback)),
            state: Mutex::new(state),
            changed: Condvar::new(),
            on_finished,
            on_period,
            on_moved,
            follow,
            watcher: Mutex::default(),
            refused: Mutex::default(),
        });
        core.open_device(&core.target(), false)?;
        core.state().phase = Phase::Ready;
        Ok(core)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn target(&self) -> Target {
        self.target.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Indices; input, output.
    pub(crate) fn devices(&self) -> (usize, usize) {
        let target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let index = |device: &Option<DeviceInfo>| device.as_ref().map_or(0, |device| device.index);
        (index(&target.input), index(&target.output))
    }

    /// Orders the end of the run. Says which opening will have ended then, if there is one to wait for.
    fn order(&self, command: Command, close: bool) -> Option<u64> {
        let mut state = self.state();
        while state.phase == Phase::Opening && !inside(&self.shared) {
            state = self.wait(state);
        }
        state.closed |= close;
        match (state.phase, command) {
            (Phase::Running, Command::Stop) => state.phase = Phase::Stopping,
            (Phase::Running | Phase::Stopping, Command::Abort) => state.phase = Phase::Aborting,
            (Phase::Ready, _) if close && state.handle.is_some() => {
                state.quiet = true;
                state.phase = Phase::Aborting;
            }
            (Phase::Ended, _) => {
                state.phase = Phase::Stopped;
                state.error = None;
            }
            _ => {}
        }
        if !matches!(state.phase, Phase::Stopping | Phase::Aborting) {
            return None;
        }
        self.shared.order(command);
        if let Some(handle) = &state.handle {
            handle.wake();
        }
        Some(state.opened)
    }

    fn wait_told(&self, opening: Option<u64>) {
        let Some(opening) = opening.filter(|_| !inside(&self.shared)) else {
            return;
        };
        let mut state = self.state();
        while state.told < opening {
            state = self.wait(state);
        }
    }

    /// Orders to play out.
    pub(crate) fn begin_stop(&self) {
        self.order(Command::Stop, false);
    }

    pub(crate) fn stop(&self) -> Result<()> {
        {
            let state = self.state();
            let sounding = matches!(state.phase, Phase::Running | Phase::Stopping);
            if sounding && state.manual_clock && !inside(&self.shared) && !self.idle(&state) {
                return Err(deadlock("Stopping while output is pending"));
            }
        }
        let opening = self.order(Command::Stop, false);
        self.wait_told(opening);
        Ok(())
    }

    /// Orders to end at once.
    pub(crate) fn begin_abort(&self) {
        self.order(Command::Abort, false);
    }

    pub(crate) fn abort(&self) {
        let opening = self.order(Command::Abort, false);
        self.wait_told(opening);
    }

    /// Orders to end at once, for good.
    pub(crate) fn begin_close(&self) {
        self.order(Command::Abort, true);
    }

    pub(crate) fn close(&self) {
        let opening = self.order(Command::Abort, true);
        self.wait_told(opening);
    }

    /// Waits, at most this long, until no run goes on any more; says whether that is so.
    pub(crate) fn wait_finished(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.state();
        loop {
            let going = matches!(state.phase, Phase::Running | Phase::Stopping | Phase::Aborting | Phase::Opening);
            if !going && (state.told == state.opened || state.phase == Phase::Ready) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether everything that was made or written has been heard, as far as can be told.
    fn idle(&self, state: &State) -> bool {
        if self.shared.writers.load(Acquire) > 0 || self.ends.written() > 0 {
            return false;
        }
        let info = &state.info;
        let now = info.clock.now() + 0.5 / info.sample_rate;
        self.shared.sounds_until().is_some_and(|end| end + info.tail <= now)
    }

    pub(crate) fn active(&self) -> bool {
        matches!(self.state().phase, Phase::Running | Phase::Stopping)
    }

    pub(crate) fn stopping(&self) -> bool {
        self.state().phase == Phase::Stopping
    }

    pub(crate) fn stopped(&self) -> bool {
        matches!(self.state().phase, Phase::Ready | Phase::Opening | Phase::Stopped | Phase::Aborting)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.is_closed() { Err(closed()) } else { Ok(()) }
    }

    pub(crate) fn manual_clock(&self) -> bool {
        self.state().manual_clock
    }

    pub(crate) fn realtime(&self) -> bool {
        self.state().signals.realtime()
    }

    pub(crate) fn audio_priority(&self) -> u32 {
        self.state().signals.priority()
    }

    /// The user ends the run, not waiting for a period to say so in.
    pub(crate) fn fail(&self) {
        let state = self.state();
        if matches!(state.phase, Phase::Running | Phase::Stopping) {
            self.shared.end(Ended::Aborted);
            if let Some(handle) = &state.handle {
                handle.wake();
            }
        }
    }

    pub(crate) fn info(&self) -> StreamInfo {
        self.state().info.clone()
    }

    pub(crate) fn now(&self) -> Result<f64> {
        let clock = {
            let state = self.state();
            if state.closed {
                return Err(Error::new(ErrorKind::StreamClosed, "Error getting stream time: the stream is closed"));
            }
            state.info.clock.clone()
        };
        Ok(clock.now())
    }

    /// Makes the control thread look whether the end has come.
    pub(crate) fn wake(&self) {
        if let Some(handle) = &self.state().handle {
            handle.wake();
        }
    }

    /// Whether reading or writing can go on; the run it belongs to.
    pub(crate) fn running(&self) -> Result<u64> {
        let state = self.state();
        if state.closed {
            return Err(closed());
        }
        match state.phase {
            Phase::Running => Ok(state.run),
            _ => Err(state.error.clone().unwrap_or_else(|| {
                Error::new(ErrorKind::StreamStopped, "The stream is stopped: start it before reading or writing")
            })),
        }
    }

    /// The run that is being played out, if that is what goes on: what has been written is still taken.
    pub(crate) fn draining(&self) -> Option<u64> {
        let state = self.state();
        matches!(state.phase, Phase::Running | Phase::Stopping).then_some(state.run)
    }

    /// The device of this opening has been released.
    fn released(&self, opening: u64, finished: Finished) {
        let ran = {
            let mut state = self.state();
            if state.opened != opening {
                return;
            }
            let ran = matches!(state.phase, Phase::Running | Phase::Stopping | Phase::Aborting) && !state.quiet;
            state.handle = None;
            let by_order = matches!(finished, Finished::Stopped | Finished::Aborted);
            state.error = match &finished {
                Finished::Failed(error) => Some(error.clone()),
                _ => None,
            };
            state.phase = match state.phase {
                // The opening thread finds out by itself.
                Phase::Opening => {
                    state.told = opening;
                    return;
                }
                Phase::Ready | Phase::Aborting | Phase::Stopped => Phase::Stopped,
                _ if by_order || state.closed => Phase::Stopped,
                _ => Phase::Ended,
            };
            ran
        };
        *self.watcher() = None;
        self.shared.reader.wake();
        self.shared.writer.wake();
        // `running` says no by now, and start() works again: the user may do anything here.
        if let (true, Some(on_finished)) = (ran, &self.on_finished) {
            on_finished(finished);
        }
        let mut state = self.state();
        state.told = state.told.max(opening);
        drop(state);
        self.changed.notify_all();
    }
}
