//! Questions to systems that may never answer.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use crate::sync::{mpsc, thread};

/// Whom to ask. While an answer is overdue nothing more is asked, so that threads do not pile up behind a system that
/// hangs; as soon as it has come, all is as before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<AtomicUsize>);

const WAITING: u8 = 0;
const OVERDUE: u8 = 1;
const ANSWERED: u8 = 2;

/// A question under way.
pub(crate) struct Question<T> {
    asked: Asked,
    state: Arc<AtomicU8>,
    answer: mpsc::Receiver<T>,
}

impl Asked {
    /// Asks on a thread of its own. None if an earlier answer is overdue.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        thread: &str,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Question<T>> {
        if self.0.load(Ordering::Acquire) > 0 {
            return None;
        }
        let (sender, answer) = mpsc::channel();
        let state = Arc::new(AtomicU8::new(WAITING));
        let (asked, answered) = (self.clone(), Arc::clone(&state));
        let body = move || {
            let _ = sender.send(question());
            if answered.swap(ANSWERED, Ordering::AcqRel) == OVERDUE {
                asked.0.fetch_sub(1, Ordering::AcqRel);
            }
        };
        thread::Builder::new().name(thread.into()).spawn(body).ok()?;
        Some(Question { asked: self.clone(), state, answer })
    }
}

#[cfg(test)]
impl Asked {
    pub(crate) fn is_overdue(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

impl<T> Question<T> {
    /// Waits a while; none if the answer has not come yet.
    pub(crate) fn listen(&self, patience: Duration) -> Option<T> {
        self.answer.recv_timeout(patience).ok()
    }

    /// Waits for the answer; none if it does not come in time.
    pub(crate) fn wait(self, patience: Duration) -> Option<T> {
        let answer = self.listen(patience);
        if answer.is_none() {
            // Counted before it is marked, so that the thread never takes back what has not been counted.
            self.asked.0.fetch_add(1, Ordering::AcqRel);
            if self.state.swap(OVERDUE, Ordering::AcqRel) == ANSWERED {
                self.asked.0.fetch_sub(1, Ordering::AcqRel);
                return self.answer.try_recv().ok();
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn an_answer_in_time_is_handed_on() {
        let asked = Asked::default();
        assert_eq!(asked.ask("question", || 3).expect("a question").wait(LONG), Some(3));
        assert_eq!(asked.ask("question", || 4).expect("another").wait(LONG), Some(4));
    }

    #[test]
    fn nothing_is_asked_while_an_answer_is_overdue() {
        let asked = Asked::default();
        let (go, wait) = mpsc::channel::<()>();
        let late = asked.ask("question", move || wait.recv().is_ok()).expect("a question");
        assert_eq!(late.wait(Duration::ZERO), None);
        assert!(asked.ask("question", || ()).is_none());
        go.send(()).expect("the thread waits");
        while asked.is_overdue() {
            thread::yield_now();
        }
        assert_eq!(asked.ask("question", || 5).expect("again").wait(LONG), Some(5));
    }
}
