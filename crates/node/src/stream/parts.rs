//! What belongs to a stream on the native side, and how it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sounddevice::Raw;
use sounddevice::stream::handoff::{Handoff, Worker};

use crate::gate::Gate;
use crate::running::Ends;

pub(super) type Stream = sounddevice::Stream<Raw, Raw>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream, and how it reaches JavaScript.
pub struct Parts {
    /// Always there, until it is dropped.
    pub(super) stream: Option<Stream>,
    pub(super) gate: Arc<Gate>,
    pub(super) handoff: Option<Arc<Handoff>>,
    /// Who answers, where that is not the thread that opened it.
    pub(super) worker: Option<Arc<Worker>>,
    /// Why that one has failed, in the facade's words.
    pub(super) failure: Mutex<Option<String>>,
}

impl Parts {
    pub fn stream(&self) -> &Stream {
        self.stream.as_ref().expect("only `drop` takes it")
    }

    pub fn worker(&self) -> Option<&Arc<Worker>> {
        self.worker.as_ref()
    }

    /// Lets JavaScript look.
    pub fn ask(&self) {
        self.gate.ask();
    }

    /// Who answers has failed.
    pub fn failed(&self, failure: String) {
        *lock(&self.failure) = Some(failure);
        self.gate.ask();
    }

    /// The run ends at once.
    pub fn fail(&self) {
        self.let_go();
        self.stream().fail();
    }

    /// Nothing waits for JavaScript any more, and nobody will answer.
    pub(super) fn end(&self) {
        self.let_go();
        if let Some(worker) = &self.worker {
            worker.close();
        }
    }

    /// Nothing waits for JavaScript any more.
    pub(super) fn let_go(&self) {
        if let Some(handoff) = &self.handoff {
            handoff.end();
        }
        self.gate.end();
    }
}

impl Drop for Parts {
    /// The collector must not wait.
    fn drop(&mut self) {
        self.end();
        self.gate.close();
        if let Some(stream) = self.stream.take() {
            stream.leave();
        }
    }
}

/// Not kept from being collected.
pub(super) struct Known(pub Weak<Parts>);

impl Ends for Known {
    fn may_sound(&self) -> bool {
        let released = |parts: &Parts| parts.stream().closed() && parts.stream().wait(Duration::ZERO);
        self.0.upgrade().is_some_and(|parts| !released(&parts))
    }

    fn end(&self) {
        if let Some(parts) = self.0.upgrade() {
            parts.end();
            parts.stream().begin_close();
        }
    }

    fn wait(&self, patience: Duration) {
        if let Some(parts) = self.0.upgrade() {
            parts.stream().wait(patience);
            // Deno never collects what a terminated worker had: the thread that wakes it would stay.
            parts.gate.close();
        }
    }
}
