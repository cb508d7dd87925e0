//! Thread priority of audio threads.

/// Asks for real-time priority for the calling thread; where the system refuses, it stays as it is.
pub(crate) fn raise_current_thread() {
    #[cfg(target_os = "linux")]
    {
        // Below the sound servers', which usually have 20 and more, and above everything that is not real time.
        let parameter = libc::sched_param { sched_priority: 10 };
        // SAFETY: the parameter lives through the call; 0 is the calling thread. A refusal changes nothing.
        unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &parameter) };
    }
}
