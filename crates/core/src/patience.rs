//! Questions to systems that may never answer.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Mutex, MutexGuard, mpsc, thread};

/// Whom to ask. While an answer is overdue nothing more is asked, so that threads do not pile up behind a system that
/// hangs; as soon as it has come, all is as before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<Overdue>>);

/// The answers that nobody waits for any more.
#[derive(Debug, Default)]
struct Overdue {
    count: usize,
    /// When the first of them was asked for.
    since: Option<Instant>,
}

const WAITING: u8 = 0;
const OVERDUE: u8 = 1;
const ANSWERED: u8 = 2;

/// How often it is looked whether an overdue answer has come.
const LOOK: Duration = Duration::from_millis(2);

/// A question under way.
pub(crate) struct Question<T> {
    asked: Asked,
    begun: Instant,
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
        if self.overdue().count > 0 {
            return None;
        }
        let (sender, answer) = mpsc::channel();
        let state = Arc::new(AtomicU8::new(WAITING));
        let (asked, answered) = (self.clone(), Arc::clone(&state));
        let body = move || {
            let _ = sender.send(question());
            if answered.swap(ANSWERED, Ordering::AcqRel) == OVERDUE {
                asked.came();
            }
        };
        let begun = Instant::now();
        thread::Builder::new().name(thread.into()).spawn(body).ok()?;
        Some(Question { asked: self.clone(), begun, state, answer })
    }

    /// Waits until nothing is overdue, as long as if the overdue question had been the caller's. False if it stays overdue:
    /// who has been silent for longer is not waited for again.
    pub(crate) fn settled(&self, patience: Duration) -> bool {
        loop {
            match self.overdue().since {
                None => return true,
                Some(since) if since.elapsed() >= patience => return false,
                Some(_) => std::thread::sleep(LOOK),
            }
        }
    }

    fn overdue(&self) -> MutexGuard<'_, Overdue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came(&self) {
        let mut overdue = self.overdue();
        overdue.count -= 1;
        if overdue.count == 0 {
            overdue.since = None;
        }
    }
}

#[cfg(test)]
impl Asked {
    pub(crate) fn is_overdue(&self) -> bool {
        self.overdue().count > 0
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
            let mut overdue = self.asked.overdue();
            overdue.count += 1;
            overdue.since.get_or_insert(self.begun);
            drop(overdue);
            if self.state.swap(OVERDUE, Ordering::AcqRel) == ANSWERED {
                self.asked.came();
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

    #[test]
    fn an_overdue_answer_is_waited_for_as_long_as_if_one_had_asked_for_it() {
        let asked = Asked::default();
        assert!(asked.settled(Duration::ZERO), "nothing is overdue");
        let (go, wait) = mpsc::channel::<()>();
        let late = asked.ask("question", move || wait.recv().is_ok()).expect("a question");
        assert_eq!(late.wait(Duration::ZERO), None);
        assert!(!asked.settled(Duration::ZERO), "silent for longer than that");
        let waiting = {
            let asked = asked.clone();
            thread::spawn(move || asked.settled(LONG))
        };
        go.send(()).expect("the thread waits");
        assert!(waiting.join().expect("no panic"));
        assert!(asked.ask("question", || ()).is_some());
    }
}
