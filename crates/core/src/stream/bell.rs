//! How native threads wake a slow one, once for all that there is to see.
//!
//! Whoever has news rings, from any thread, the audio thread too. A dispatcher, which sleeps meanwhile, hands that on. The
//! slow thread looks at everything in one go: whatever comes from the moment on at which it began to look rings again.

use std::sync::OnceLock;

use crate::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};
use crate::sync::atomic::{AtomicBool, fence};
use crate::sync::thread::{self, Thread};

/// Between those that ring, one dispatcher and one that looks.
#[derive(Debug, Default)]
pub struct Bell {
    dispatcher: OnceLock<Thread>,
    /// There is something to see.
    asked: AtomicBool,
    /// The slow thread has been woken and has not begun to look.
    woken: AtomicBool,
    closed: AtomicBool,
}

impl Bell {
    /// The dispatcher's work, until `close`: calls `wake` whenever the slow thread should look.
    pub fn dispatch(&self, mut wake: impl FnMut()) {
        let _ = self.dispatcher.set(thread::current());
        // Pairs with those in `ring` and `close`, which find nobody to wake before this.
        fence(SeqCst);
        while !self.closed.load(Acquire) {
            if self.asked.swap(false, AcqRel) && !self.woken.swap(true, AcqRel) {
                wake();
            }
            thread::park();
        }
    }

    /// There is something to see. Callable on the audio thread: a store and a futex wake.
    pub fn ring(&self) {
        self.asked.store(true, Release);
        // Pairs with that in `begin`: either this sees that somebody looks, or that one sees what it was rung for.
        fence(SeqCst);
        if let (false, Some(thread)) = (self.woken.load(Acquire), self.dispatcher.get()) {
            thread.unpark();
        }
    }

    /// The slow thread begins to look.
    pub fn begin(&self) {
        // Takes over what the dispatcher has seen: it has been rung for that.
        self.woken.swap(false, AcqRel);
        fence(SeqCst);
    }

    /// The slow thread has seen everything.
    pub fn end(&self) {
        if self.asked.load(Acquire) {
            self.ring();
        }
    }

    /// The dispatcher ends.
    pub fn close(&self) {
        self.closed.store(true, Release);
        fence(SeqCst);
        if let Some(thread) = self.dispatcher.get() {
            thread.unpark();
        }
    }
}
