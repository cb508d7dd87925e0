//! Who looks after an open device: says when the run on it is over, and why.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Core;
use crate::control::Owner;
use crate::error::{Error, ErrorKind};
use crate::realtime::command::Command;
use crate::realtime::stream::Ended;
use crate::stream::Finished;

/// How long after the end of the last sound a device may take to say so, before it is released all the same.
const GRACE: Duration = Duration::from_secs(2);

/// Looks after an open device on its control thread.
pub(super) struct Keeper {
    core: Arc<Core>,
    opening: u64,
    reason: Option<Finished>,
    /// While it plays out: how many periods there had been, and since when there have been no more.
    progress: Option<(u64, Instant)>,
}

impl Keeper {
    /// Of this opening.
    pub(super) fn new(core: Arc<Core>, opening: u64) -> Self {
        Self { core, opening, reason: None, progress: None }
    }

    /// Whether a device that should play out has stopped calling.
    fn stands_still(&mut self, now: f64) -> bool {
        let periods = self.core.shared.periods();
        let (before, since) = *self.progress.get_or_insert_with(|| (periods, Instant::now()));
        if before != periods {
            self.progress = Some((periods, Instant::now()));
        }
        let heard = self.core.shared.sounds_until().is_some_and(|end| end + GRACE.as_secs_f64() < now);
        before == periods && heard && since.elapsed() > GRACE
    }

    fn reason(&mut self) -> Option<Finished> {
        let core = Arc::clone(&self.core);
        let ended = core.shared.ended().map(|ended| match ended {
            Ended::Stopped => Finished::Stopped,
            Ended::Completed => Finished::Completed,
            Ended::Aborted => Finished::AbortedByCallback,
            Ended::Panicked => {
                Finished::Failed(Error::new(ErrorKind::CallbackFailed, "The callback of the stream panicked"))
            }
        });
        if ended.is_some() {
            return ended;
        }
        match core.shared.command() {
            Command::Run => None,
            Command::Abort => Some(Finished::Aborted),
            Command::Stop => {
                let state = core.state();
                let late = !state.manual_clock && self.stands_still(state.info.clock.now());
                (late || core.idle(&state)).then_some(Finished::Stopped)
            }
        }
    }
}

impl Owner for Keeper {
    fn attend(&mut self) -> bool {
        self.reason = self.reason();
        self.reason.is_some()
    }

    fn tell(&mut self, loss: Option<Error>) {
        match (self.reason.take(), loss) {
            (Some(finished), _) => self.core.released(self.opening, finished),
            (None, Some(loss)) => self.core.lost(self.opening, loss),
            (None, None) => {}
        }
    }

    fn patience(&self) -> Option<Duration> {
        // While it plays out, in case that the device stands still.
        (self.core.shared.command() == Command::Stop).then_some(Duration::from_millis(50))
    }
}
