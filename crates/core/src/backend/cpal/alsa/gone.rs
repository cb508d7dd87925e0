//! Devices that go without a word.
//!
//! cpal's thread sleeps until its device wakes it, and asks for the device's state when that takes too long. For plugins
//! libasound answers with what it saw last. Whether there still is a server behind them they say when they are asked what woke
//! the thread: that opens no connection and waits for nobody, so that a server that stands still is not taken for a dead one,
//! nor a new one for that which has died.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use alsa_sys::{
    SND_PCM_STATE_DISCONNECTED, snd_pcm_poll_descriptors, snd_pcm_poll_descriptors_revents, snd_pcm_state_t, snd_pcm_t,
};

/// More than any device has.
const MOST: usize = 16;

type State = unsafe extern "C" fn(*mut snd_pcm_t) -> snd_pcm_state_t;

/// libasound's own `snd_pcm_state`.
static LIBRARYS: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());

/// Puts [`state`] before libasound's own, which is open.
pub(super) fn install() {
    let ours: State = state;
    alsa_lazy::divert(c"snd_pcm_state", ours as *mut c_void, &LIBRARYS);
}

/// # Safety
/// As libasound's.
unsafe extern "C" fn state(pcm: *mut snd_pcm_t) -> snd_pcm_state_t {
    // SAFETY: the device is open, says the caller.
    if says_it_is_gone(unsafe { events(pcm) }) {
        return SND_PCM_STATE_DISCONNECTED;
    }
    // SAFETY: stored by `install` before this is called, from libasound's symbol of this type.
    let original = unsafe { std::mem::transmute::<*mut c_void, State>(LIBRARYS.load(Ordering::Acquire)) };
    // SAFETY: the caller's promise is libasound's.
    unsafe { original(pcm) }
}

/// Asks what has happened to the device; a negative errno where that cannot be told.
///
/// # Safety
/// The device is open.
unsafe fn events(pcm: *mut snd_pcm_t) -> c_int {
    let mut descriptors = [libc::pollfd { fd: -1, events: 0, revents: 0 }; MOST];
    let mut events = 0;
    // SAFETY: there is room for as many as is said, and no more are passed on than have been filled in.
    unsafe {
        let count = snd_pcm_poll_descriptors(pcm, descriptors.as_mut_ptr(), MOST as _);
        match u32::try_from(count) {
            Ok(count) => snd_pcm_poll_descriptors_revents(pcm, descriptors.as_mut_ptr(), count, &raw mut events),
            Err(_) => 0,
        }
    }
}

/// What the plugin for PulseAudio answers from then on, and a card that has been pulled out.
fn says_it_is_gone(status: c_int) -> bool {
    [-libc::EIO, -libc::EBADFD, -libc::ENODEV].contains(&status)
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use alsa_sys::{SND_PCM_STATE_OPEN, snd_pcm_close, snd_pcm_open};

    use super::*;
    use crate::backend::cpal::alsa::ready;

    #[test]
    fn errors_of_a_dead_connection_are_told_from_others() {
        for (status, gone) in [(0, false), (1, false), (-libc::EPIPE, false), (-libc::EINVAL, false)]
            .into_iter()
            .chain([libc::EIO, libc::EBADFD, libc::ENODEV].map(|errno| (-errno, true)))
        {
            assert_eq!(says_it_is_gone(status), gone, "{status}");
        }
    }

    #[test]
    fn a_device_that_is_there_has_its_own_state() {
        let mut pcm = ptr::null_mut();
        // SAFETY: the pointer is written on success, and used until it is closed.
        unsafe {
            if ready().is_err() || snd_pcm_open(&raw mut pcm, c"null".as_ptr(), 0, 0) < 0 {
                return println!("skipped: ALSA has no null device here");
            }
            assert_eq!(alsa_sys::snd_pcm_state(pcm), SND_PCM_STATE_OPEN);
            assert_eq!(state(pcm), SND_PCM_STATE_OPEN);
            snd_pcm_close(pcm);
        }
    }
}
