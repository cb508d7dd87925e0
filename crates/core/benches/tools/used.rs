//! What a process has used.

/// Seconds of processor time that this process has used.
#[cfg(unix)]
pub fn processor_time() -> f64 {
    let mut used = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the structure is ours, and zero where nothing is written.
    let used = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, used.as_mut_ptr());
        used.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(used.ru_utime) + seconds(used.ru_stime)
}

/// Nobody knows.
#[cfg(not(unix))]
pub fn processor_time() -> f64 {
    f64::NAN
}
