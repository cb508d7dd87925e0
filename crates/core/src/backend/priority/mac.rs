//! Time constraints of macOS: its only real-time priority.

use std::mem::zeroed;

pub(super) fn prepare() {}

/// `mach_timebase_info_data_t`: nanoseconds per tick as a fraction.
#[repr(C)]
#[derive(Default)]
struct Timebase {
    numer: u32,
    denom: u32,
}

unsafe extern "C" {
    // That of the `libc` crate is deprecated in favour of a crate for it alone.
    fn mach_timebase_info(info: *mut Timebase) -> i32;
}

type Policy = libc::thread_time_constraint_policy_data_t;

/// Core Audio's own threads have it from the system.
pub(super) fn has() -> bool {
    // SAFETY: all numbers; the policy has the size that its count says; both live through the call.
    unsafe {
        let mut policy: Policy = zeroed();
        let mut count = libc::THREAD_TIME_CONSTRAINT_POLICY_COUNT;
        // Set where the thread has another policy than the one asked for.
        let mut default = 0;
        let status = libc::thread_policy_get(
            libc::pthread_mach_thread_np(libc::pthread_self()),
            libc::THREAD_TIME_CONSTRAINT_POLICY as u32,
            (&raw mut policy).cast(),
            &raw mut count,
            &raw mut default,
        );
        status == 0 && default == 0
    }
}

/// For a thread that works every `seconds`: for at most half of that time, done before its end.
pub(super) fn raise(seconds: f64) -> bool {
    // SAFETY: all numbers; the policy has the size that its count says; both live through the calls.
    unsafe {
        let mut base = Timebase::default();
        if mach_timebase_info(&raw mut base) != 0 || base.numer == 0 {
            return false;
        }
        // The system takes computations from 50 µs to 50 ms.
        let ticks = |seconds: f64| (seconds * 1e9 * f64::from(base.denom) / f64::from(base.numer)) as u32;
        let period = seconds.clamp(0.000_1, 0.1);
        let mut policy: Policy = zeroed();
        policy.period = ticks(period);
        policy.computation = ticks(period / 2.0);
        policy.constraint = ticks(period);
        policy.preemptible = 1;
        let status = libc::thread_policy_set(
            libc::pthread_mach_thread_np(libc::pthread_self()),
            libc::THREAD_TIME_CONSTRAINT_POLICY as u32,
            (&raw mut policy).cast(),
            libc::THREAD_TIME_CONSTRAINT_POLICY_COUNT,
        );
        status == 0
    }
}

/// As audio threads have it: the system knows no order among them.
pub(super) fn raise_helper(seconds: f64) -> bool {
    raise(seconds)
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
