//! How a device is opened and started, for the first time or again.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::keeper::Keeper;
use super::{Core, Phase, closed, deadlock};
use crate::control::{self, Handle};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::Signals;
use crate::realtime::command::Command;
use crate::realtime::stream::{Streaming, inside};
use crate::stream::plan::Target;

/// How long the engine of the last run may take to come back from a system that is slow to close.
const RETURNING: Duration = Duration::from_secs(2);

impl Core {
    /// Only while the phase is `Opening`, or to go on elsewhere with the run there is.
    pub(super) fn open_device(self: &Arc<Self>, target: &Target, goes_on: bool) -> Result<Arc<Handle>> {
        let returned = || match self.has_callback {
            true => self.home.lock().unwrap_or_else(PoisonError::into_inner).is_some(),
            false => !goes_on || self.ends.are_kept(),
        };
        let end = Instant::now() + RETURNING;
        while !returned() {
            if Instant::now() > end {
                let message = "The system has not yet released the device of the last run";
                return Err(Error::new(ErrorKind::DeviceUnavailable, message));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        match goes_on {
            true => self.shared.go_on(),
            false => self.shared.begin(),
        }
        let signals = Arc::new(Signals::default());
        let engine = Streaming::new(
            self.settings,
            Arc::clone(&self.shared),
            Arc::clone(&signals),
            Arc::clone(&self.ends),
            Arc::clone(&self.home),
            self.on_period.clone(),
        )
        .routed(target.routes.clone())
        .going_on(goes_on);
        let opening = {
            let mut state = self.state();
            state.opened += 1;
            state.opened
        };
        let keeper = Keeper::new(Arc::clone(self), opening);
        let opened = control::open(target.plan.clone(), Box::new(engine), Arc::clone(&signals), Box::new(keeper));
        let mut state = self.state();
        match opened {
            Ok(handle) => {
                let handle = Arc::new(handle);
                state.info = handle.info.clone();
                state.manual_clock = handle.manual_clock;
                state.signals = signals;
                // The device may have been lost by now.
                if state.told < opening {
                    state.handle = Some(Arc::clone(&handle));
                }
                Ok(handle)
            }
            Err(error) => {
                // A run that goes on has an end to tell yet.
                if !goes_on {
                    state.told = opening;
                }
                Err(error)
            }
        }
    }

    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        let mut state = self.state();
        let reopen = loop {
            if state.closed {
                return Err(Error::new(ErrorKind::StreamClosed, "Error starting stream: the stream is closed"));
            }
            match state.phase {
                Phase::Running => return Ok(()),
                Phase::Ready => break state.handle.is_none(),
                Phase::Opening if inside(&self.shared) => return Ok(()),
                Phase::Stopping | Phase::Aborting if inside(&self.shared) => {
                    let message = "The stream cannot be started again from inside its callback while it ends";
                    return Err(Error::new(ErrorKind::WouldDeadlock, message));
                }
                Phase::Stopping if state.manual_clock => return Err(deadlock("Starting while output is pending")),
                Phase::Stopped | Phase::Ended => break true,
                _ => state = self.wait(state),
            }
        };
        state.phase = Phase::Opening;
        state.error = None;
        state.quiet = false;
        let ready = state.handle.clone();
        drop(state);
        let handle = match ready {
            Some(handle) if !reopen => Ok(handle),
            _ => self.open_device(&self.target(), false),
        };
        let handle = match handle {
            Ok(handle) => handle,
            Err(error) => {
                self.state().phase = Phase::Stopped;
                self.changed.notify_all();
                return Err(error);
            }
        };
        let mut state = self.state();
        let opening = state.opened;
        if state.told >= opening {
            // Lost already.
            state.phase = Phase::Stopped;
            let error = state.error.clone();
            drop(state);
            self.changed.notify_all();
            return Err(error.unwrap_or_else(closed));
        }
        state.phase = Phase::Running;
        state.run += 1;
        state.moving = None;
        drop(state);
        self.changed.notify_all();
        self.watch_default();
        let started = handle.start();
        if let Err(error) = started {
            let mut state = self.state();
            if state.opened == opening && state.told < opening {
                state.quiet = true;
                state.phase = Phase::Aborting;
                self.shared.order(Command::Abort);
                handle.wake();
                while state.told < opening {
                    state = self.wait(state);
                }
            }
            // A control thread that has gone says why.
            let lost = state.error.clone().filter(|_| error.kind() == ErrorKind::StreamClosed && !state.closed);
            return Err(lost.unwrap_or(error));
        }
        Ok(())
    }
}
