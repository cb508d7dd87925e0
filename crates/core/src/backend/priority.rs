//! Real-time priority of audio threads: what the system grants by itself, and what a service grants on request.
//!
//! Linux: `SCHED_FIFO` where the limits allow it, else RealtimeKit over D-Bus. Windows: the multimedia class scheduler.
//! macOS: time constraints, which Core Audio's own threads have already. Nothing here ever fails: a thread that is refused
//! goes on as it is, and says so.

#[cfg(target_os = "linux")]
mod bus;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod mac;
#[cfg(target_os = "linux")]
mod rtkit;
#[cfg(target_os = "windows")]
mod windows;

use std::sync::Arc;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(target_os = "macos")]
use self::mac as system;
#[cfg(target_os = "windows")]
use self::windows as system;
use crate::realtime::Signals;

/// Other systems grant nothing.
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
mod system {
    pub(super) fn prepare() {}

    pub(super) fn has() -> bool {
        false
    }

    pub(super) fn raise(_: f64) -> bool {
        false
    }

    pub(super) fn raise_helper(_: f64) -> bool {
        false
    }

    pub(super) fn priority() -> u32 {
        0
    }

    pub(super) fn below(_: u32) {}

    pub(super) fn lower(_: u32) {}

    pub(super) fn current() -> u32 {
        0
    }

    pub(super) fn ask(_: u32) -> bool {
        false
    }
}

/// Loads what raising needs, on a control thread.
pub(crate) fn prepare() {
    system::prepare();
}

/// Asks for real-time priority for the calling thread, which does something every `seconds`, and tells the answer. To be
/// called once in the thread's life: a few system calls, on Linux no allocation. What a service may still grant is asked
/// for by the control thread: see [`request`].
pub(crate) fn raise_current_thread(signals: &Signals, seconds: f64) {
    let raised = system::has() || system::raise(seconds);
    signals.tell_priority(system::priority());
    signals.has_thread(raised, system::current());
}

/// Tells whether the calling thread, which others have made, has real-time priority.
pub(crate) fn tell_current_thread(signals: &Signals) {
    signals.tell_priority(system::priority());
    signals.has_thread(system::has(), 0);
}

/// As [`raise_current_thread`], for a thread that can wait for the answer of a service.
pub(crate) fn raise_and_wait(seconds: f64) -> bool {
    system::has() || system::raise(seconds) || system::ask(system::current())
}

/// Asks for real-time priority for the calling thread, which makes something for an audio thread every `seconds`: just below
/// what we give to audio threads. Waits for the answer of a service.
pub(crate) fn raise_helper(seconds: f64) -> bool {
    system::has() || system::raise_helper(seconds)
}

/// Moves the calling thread, which has been raised as a helper, just below an audio thread of this priority, where priorities
/// are numbers.
pub(crate) fn below(priority: u32) {
    system::below(priority);
}

/// The number of the calling thread, for [`lower`].
pub(crate) fn current_thread() -> u32 {
    system::current()
}

/// Takes the priority from a thread that has not paused for too long, so that others can run.
pub(crate) fn lower(thread: u32) {
    system::lower(thread);
}

/// Asks the system's service for a thread that has been refused, on a thread that nobody waits for.
pub(crate) fn request(thread: u32, signals: Arc<Signals>) {
    let ask = move || {
        if system::ask(thread) {
            signals.thread_was_raised();
        }
    };
    let _ = std::thread::Builder::new().name("sound priority".into()).spawn(ask);
}
