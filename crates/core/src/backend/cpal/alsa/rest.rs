//! Rests in place of spinning.
//!
//! cpal's thread polls, and asks how much there is whenever it is woken. The plugin for PulseAudio wakes it without end where
//! it believes that there is something while less than a period has come, as after a standstill of the server: the thread
//! then takes the whole processor and, with real-time priority, keeps it from the very server that it waits for.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;
use std::time::Duration;

use alsa_sys::{snd_pcm_sframes_t, snd_pcm_t};

/// Questions with the same answer before the first rest. Wakes of hardware come at most two or three for nothing.
const PATIENT: u32 = 16;
const REST: Duration = Duration::from_micros(250);

type AvailDelay = unsafe extern "C" fn(*mut snd_pcm_t, *mut snd_pcm_sframes_t, *mut snd_pcm_sframes_t) -> c_int;

/// libasound's own `snd_pcm_avail_delay`.
static LIBRARYS: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    /// The last answer of this thread's device, and how often it has been the same.
    static LAST: Cell<(snd_pcm_sframes_t, u32)> = const { Cell::new((-1, 0)) };
}

/// Puts [`avail_delay`] before libasound's own, which is open.
pub(super) fn install() {
    let ours: AvailDelay = avail_delay;
    alsa_lazy::divert(c"snd_pcm_avail_delay", ours as *mut c_void, &LIBRARYS);
}

/// # Safety
/// As libasound's.
unsafe extern "C" fn avail_delay(
    pcm: *mut snd_pcm_t,
    available: *mut snd_pcm_sframes_t,
    delay: *mut snd_pcm_sframes_t,
) -> c_int {
    // SAFETY: stored by `install` before this is called, from libasound's symbol of this type.
    let original = unsafe { std::mem::transmute::<*mut c_void, AvailDelay>(LIBRARYS.load(Ordering::Acquire)) };
    // SAFETY: the caller's promise is libasound's.
    let status = unsafe { original(pcm, available, delay) };
    let answer = match status {
        // SAFETY: written by a call that went well.
        0 => unsafe { *available },
        error => snd_pcm_sframes_t::from(error),
    };
    if nothing_moves(answer) {
        thread::sleep(REST);
    }
    status
}

/// Whether this thread has had the same answer too often.
fn nothing_moves(answer: snd_pcm_sframes_t) -> bool {
    let (last, times) = LAST.get();
    let times = if answer == last { times.saturating_add(1) } else { 0 };
    LAST.set((answer, times));
    times >= PATIENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_that_asks_without_end_rests() {
        let spins = |times: u32| (0..times).map(|_| nothing_moves(170)).filter(|rests| *rests).count();
        assert_eq!(spins(PATIENT), 0);
        assert!(!nothing_moves(340), "something has come");
        assert_eq!(spins(PATIENT + 100), 100);
        assert!(!std::thread::spawn(|| nothing_moves(170)).join().expect("no panic"), "another thread's device");
    }
}
