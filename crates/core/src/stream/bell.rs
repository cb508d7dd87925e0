//! How native threads wake a slow one, once for all that there is to see.
//!
//! Whoever has news rings, from any thread, the audio thread too. A dispatcher, which sleeps meanwhile, hands that on. The
//! slow thread looks at everything in one go: whatever comes from the moment on at which it began to look rings again.

use std::sync::OnceLock;

use crate::sync::atomic::AtomicU8;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use crate::sync::thread::{self, Thread};

/// There is something to see.
const RUNG: u8 = 1;
/// The slow thread has been woken and has not begun to look.
const WOKEN: u8 = 2;
const CLOSED: u8 = 4;

/// Between those that ring, one dispatcher and one that looks. Every step changes the one state, so that each of them sees
/// what was done before those that came earlier.
#[derive(Debug, Default)]
pub struct Bell {
    state: AtomicU8,
    dispatcher: OnceLock<Thread>,
}

impl Bell {
    /// The dispatcher's work, until `close`: calls `wake` whenever the slow thread should look, and `sleep` in between, which
    /// parks the thread, for ever or for a while.
    pub fn dispatch(&self, mut wake: impl FnMut(), mut sleep: impl FnMut()) {
        let _ = self.dispatcher.set(thread::current());
        // Changes nothing, but whoever comes after it finds the dispatcher.
        while self.state.fetch_or(0, AcqRel) & CLOSED == 0 {
            if self.state.compare_exchange(RUNG, WOKEN, AcqRel, Acquire).is_ok() {
                wake();
            }
            sleep();
        }
    }

    fn unpark(&self) {
        if let Some(thread) = self.dispatcher.get() {
            thread.unpark();
        }
    }

    /// There is something to see. Callable on the audio thread: a futex wake, or less.
    pub fn ring(&self) {
        if self.state.fetch_or(RUNG, AcqRel) & (RUNG | WOKEN) == 0 {
            self.unpark();
        }
    }

    /// The slow thread begins to look: what is rung for from now on wakes it again.
    pub fn begin(&self) {
        self.state.fetch_and(CLOSED, AcqRel);
    }

    /// The dispatcher ends.
    pub fn close(&self) {
        self.state.fetch_or(CLOSED, Release);
        self.unpark();
    }
}
