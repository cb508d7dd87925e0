//! The scheduler of Linux.

use super::rtkit;

/// Below the sound servers', which usually have 20 and more, and above everything that is not real time.
pub(super) const PRIORITY: i32 = 10;

/// Nothing has to be loaded.
pub(super) fn prepare() {}

/// Whether a thread, 0 for the calling one, has real-time priority.
pub(super) fn thread_has(thread: u32) -> bool {
    // SAFETY: only asks; a thread that has gone is an error.
    let policy = unsafe { libc::sched_getscheduler(thread.cast_signed()) };
    policy >= 0 && matches!(policy & !libc::SCHED_RESET_ON_FORK, libc::SCHED_FIFO | libc::SCHED_RR)
}

pub(super) fn has() -> bool {
    thread_has(0)
}

/// Threads that work for audio threads.
const HELPER: i32 = PRIORITY - 1;

fn raise_to(priority: i32) -> bool {
    let parameter = libc::sched_param { sched_priority: priority };
    // SAFETY: the parameter lives through the call; 0 is the calling thread. A refusal changes nothing.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &parameter) == 0 }
}

pub(super) fn raise(_: f64) -> bool {
    raise_to(PRIORITY)
}

pub(super) fn raise_helper(_: f64) -> bool {
    raise_to(HELPER) || rtkit::raise(current(), HELPER) && has()
}

/// That of the calling thread; 0 without real-time priority.
pub(super) fn priority() -> u32 {
    let mut parameter = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameter lives through the call; 0 is the calling thread.
    unsafe { libc::sched_getparam(0, &mut parameter) };
    parameter.sched_priority.cast_unsigned()
}

/// Where that is refused, the thread stays what it is.
pub(super) fn below(priority: u32) {
    let wanted = priority.saturating_sub(1).max(1);
    if has() && self::priority() != wanted {
        raise_to(wanted.cast_signed());
    }
}

pub(super) fn lower(thread: u32) {
    let parameter = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameter lives through the call; a thread that has gone is an error without effect.
    unsafe { libc::sched_setscheduler(thread.cast_signed(), libc::SCHED_OTHER, &parameter) };
}

/// The number of the calling thread.
pub(super) fn current() -> u32 {
    // SAFETY: takes and returns a number.
    unsafe { libc::gettid() }.cast_unsigned()
}

pub(super) fn ask(thread: u32) -> bool {
    rtkit::raise(thread, PRIORITY) && thread_has(thread)
}
