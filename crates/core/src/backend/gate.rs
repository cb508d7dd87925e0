//! Between callbacks of a system and whoever takes away what they use.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long it is waited for that a callback returns.
const LEAVING: Duration = Duration::from_millis(900);

/// Lets callbacks in until it is closed.
#[derive(Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    inside: AtomicU32,
}

impl Gate {
    /// Whether the caller may go in; whoever does calls `leave`.
    pub(crate) fn enter(&self) -> bool {
        // Either the one who closes sees us inside, or we see that it is closed.
        self.inside.fetch_add(1, Ordering::SeqCst);
        let open = !self.closed.load(Ordering::SeqCst);
        if !open {
            self.leave();
        }
        open
    }

    pub(crate) fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// Lets nobody in any more. Says whether nobody is inside.
    pub(crate) fn close(&self) -> bool {
        self.closed.store(true, Ordering::SeqCst);
        let end = Instant::now() + LEAVING;
        while self.inside.load(Ordering::SeqCst) > 0 {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        true
    }
}
