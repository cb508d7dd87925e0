//! What the control side wants of an engine.

use crate::sync::atomic::AtomicU8;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Release};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Run,
    /// Make no more; end when what was made has been heard.
    Stop,
    /// End at once.
    Abort,
}

/// The strongest command so far: an abort is never taken back by a stop.
#[derive(Debug)]
pub(crate) struct Orders(AtomicU8);

impl Default for Orders {
    fn default() -> Self {
        Self(AtomicU8::new(Command::Run as u8))
    }
}

impl Orders {
    pub(crate) fn command(&self) -> Command {
        match self.0.load(Acquire) {
            0 => Command::Run,
            1 => Command::Stop,
            _ => Command::Abort,
        }
    }

    pub(crate) fn order(&self, command: Command) {
        self.0.fetch_max(command as u8, AcqRel);
    }

    /// For a new run.
    pub(crate) fn forget(&self) {
        self.0.store(Command::Run as u8, Release);
    }
}
