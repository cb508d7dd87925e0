//! The thread on which libjack tells a client of what happens.
//!
//! When jackd's library closes a client it cancels this thread, wherever it is: also where it holds a lock that libjack needs
//! for every client, as it does whenever any client of the server comes or goes. Nobody could open or close one any more. A
//! server that ends tells of each client that goes, so that just then this is likely; but once the server has gone the thread
//! ends by itself. That is to be waited for before such a client is closed.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server that has said that it ends may take for it. Other libraries than jackd's keep the thread.
const ENDING: Duration = Duration::from_millis(600);
/// How often it is looked whether the thread is still there.
const LOOK: Duration = Duration::from_millis(1);
/// How long the thread may take, after a callback, to leave what belongs to a client, where nobody sees that it ends.
const AFTER: Duration = Duration::from_millis(20);

/// Nobody knows it yet.
const UNKNOWN: i32 = 0;

/// How often it has been waited for in vain, and how often that may be for as long: a library other than jackd's keeps the
/// thread, and nobody shall wait so long each time.
static VAIN: AtomicU32 = AtomicU32::new(0);
const ENOUGH: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Teller(AtomicI32);

impl Teller {
    pub(super) const fn new() -> Self {
        Self(AtomicI32::new(UNKNOWN))
    }

    /// It is the calling thread, unless it is another one already.
    pub(super) fn is_here(&self) {
        if self.0.load(Ordering::Relaxed) == UNKNOWN {
            let _ = self.0.compare_exchange(UNKNOWN, system::this_thread(), Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// It belongs to another client from now on.
    pub(super) fn forget(&self) {
        self.0.store(UNKNOWN, Ordering::Release);
    }

    /// Waits until it has been here, as the server goes.
    pub(super) fn wait_for_word(&self) {
        if cfg!(target_os = "linux") {
            until(|| self.0.load(Ordering::Acquire) != UNKNOWN);
        }
    }

    /// Waits until it has ended, when the client has been told that its server has gone, or ends. Says whether it has.
    pub(super) fn wait_for_end(&self) -> bool {
        let thread = self.0.load(Ordering::Acquire);
        if thread == UNKNOWN {
            thread::sleep(AFTER);
            return false;
        }
        until(|| !system::is_there(thread))
    }
}

/// Waits for what comes as a server ends. Says whether it has.
fn until(come: impl Fn() -> bool) -> bool {
    let patience = if VAIN.load(Ordering::Relaxed) < ENOUGH { ENDING } else { AFTER };
    let end = Instant::now() + patience;
    while !come() {
        if Instant::now() >= end {
            VAIN.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        thread::sleep(LOOK);
    }
    true
}

#[cfg(target_os = "linux")]
mod system {
    pub(super) fn this_thread() -> i32 {
        // SAFETY: it has no arguments and cannot fail.
        unsafe { libc::gettid() }
    }

    pub(super) fn is_there(thread: i32) -> bool {
        // SAFETY: no signal is sent; it is only seen whether it could be.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, 0) == 0 }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn this_thread() -> i32 {
        super::UNKNOWN
    }

    pub(super) fn is_there(_: i32) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_end_of_the_first_thread_that_said_so_is_waited_for() {
        let teller = Arc::new(Teller::default());
        assert!(!teller.wait_for_end(), "nobody has said so");
        let (go, wait) = mpsc::channel::<()>();
        let (here, said) = mpsc::channel();
        let telling = Arc::clone(&teller);
        let thread = thread::spawn(move || {
            telling.is_here();
            here.send(()).expect("somebody listens");
            let _ = wait.recv();
        });
        said.recv().expect("it is there");
        teller.is_here();
        if cfg!(target_os = "linux") {
            drop(go);
            while !teller.wait_for_end() {}
        }
        thread.join().expect("no panic");
    }
}
