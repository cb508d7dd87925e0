//! What keeps PortAudio on Linux from ending the program, or from hanging.
//!
//! PortAudio 19.6 and 19.7 have one JACK client for all streams. When its server dies, `Pa_Terminate` ends the program (an
//! assertion on what `jack_deactivate` returns), as does closing a stream, which before that waits ten minutes for a signal
//! from the client's thread, and libjack frees the client under its feet when another one opens. On ALSA, `Pa_Terminate`
//! frees the configuration that the rest of the program uses, and errors are written to the terminal. So these calls of
//! PortAudio's come here instead: see [`super::imports`].

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod active {
    use std::ffi::{CStr, c_char, c_int, c_void};
    use std::ptr;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::{Duration, Instant};

    use super::super::imports::replace;
    use super::super::stream;
    use crate::backend::jack::client::{Client, server_died};
    use crate::backend::jack::library::{RawClient, RawPort, SERVER_ERROR, SERVER_FAILED};

    /// How long JACK may take for what takes it one cycle.
    const LONGEST: Duration = Duration::from_secs(3);
    /// Nanoseconds between two looks at whether its server has died.
    const LOOK: i64 = 50_000_000;
    /// Seconds; waits that long are those for JACK.
    const LONG: i64 = 60;

    type ShutDown = unsafe extern "C" fn(*mut c_void);

    /// PortAudio's client, and whom it wants to tell when the server dies.
    struct Foreign {
        client: Client,
        shut_down: Option<(ShutDown, *mut c_void)>,
    }

    // SAFETY: PortAudio's argument may be used on any thread: libjack calls on its own.
    unsafe impl Send for Foreign {}

    static FOREIGN: Mutex<Option<Foreign>> = Mutex::new(None);
    static DOWN: AtomicBool = AtomicBool::new(false);

    fn foreign() -> MutexGuard<'static, Option<Foreign>> {
        FOREIGN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `jack_client_open`, which is variadic; what PortAudio calls it with has nothing behind the status.
    unsafe extern "C" fn client_open(_: *const c_char, _: c_int, status: *mut c_int) -> *mut RawClient {
        let opened = Client::open(&crate::backend::jack::client_name());
        let (raw, code) = match &opened {
            Ok(client) => (client.raw, 0),
            Err(_) => (ptr::null_mut(), SERVER_FAILED),
        };
        if !status.is_null() {
            // SAFETY: PortAudio's own.
            unsafe { *status = code };
        }
        if let Ok(client) = opened {
            DOWN.store(false, Ordering::Release);
            *foreign() = Some(Foreign { client, shut_down: None });
        }
        raw
    }

    /// `jack_deactivate`: what it returns says nothing that PortAudio could do anything about.
    unsafe extern "C" fn deactivate(_: *mut RawClient) -> c_int {
        if let Some(Foreign { client, .. }) = &*foreign() {
            // SAFETY: the client is open.
            unsafe { (client.library.deactivate)(client.raw) };
        }
        0
    }

    /// `jack_port_unregister`: as above.
    unsafe extern "C" fn port_unregister(_: *mut RawClient, port: *mut RawPort) -> c_int {
        if let (Some(Foreign { client, .. }), false) = (&*foreign(), DOWN.load(Ordering::Acquire)) {
            // SAFETY: the client is open, and the port its own.
            unsafe { (client.library.port_unregister)(client.raw, port) };
        }
        0
    }

    /// `jack_client_close`
    unsafe extern "C" fn client_close(_: *mut RawClient) -> c_int {
        let closing = foreign().take();
        drop(closing);
        0
    }

    /// `jack_on_shutdown`
    unsafe extern "C" fn on_shutdown(_: *mut RawClient, call: ShutDown, argument: *mut c_void) {
        if let Some(foreign) = &mut *foreign() {
            foreign.shut_down = Some((call, argument));
            // SAFETY: the client is open and not active.
            unsafe { (foreign.client.library.on_info_shutdown)(foreign.client.raw, Some(shut_down), ptr::null_mut()) };
        }
    }

    unsafe extern "C" fn shut_down(status: c_int, _: *const c_char, _: *mut c_void) {
        if status & (SERVER_FAILED | SERVER_ERROR) != 0 {
            server_died();
        }
        // Whoever waits sees it before PortAudio wakes him up.
        DOWN.store(true, Ordering::Release);
        // Not under the lock of whoever closes the client, which waits for this thread.
        let tell = FOREIGN.try_lock().ok().and_then(|foreign| foreign.as_ref().and_then(|foreign| foreign.shut_down));
        if let Some((call, argument)) = tell {
            // SAFETY: PortAudio's function with its argument, which stay while the client is open.
            unsafe { call(argument) };
        }
        stream::jack_died();
    }

    /// `pthread_cond_timedwait`: what PortAudio waits ten minutes for comes within three seconds, or at once when there is
    /// no server.
    unsafe extern "C" fn timed_wait(
        condition: *mut libc::pthread_cond_t,
        mutex: *mut libc::pthread_mutex_t,
        until: *const libc::timespec,
    ) -> c_int {
        let now = || {
            let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: the place is ours.
            unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
            now
        };
        // SAFETY: PortAudio's arguments, as it would give them to the real one.
        unsafe {
            if (*until).tv_sec - now().tv_sec < LONG {
                return libc::pthread_cond_timedwait(condition, mutex, until);
            }
            let end = Instant::now() + LONGEST;
            loop {
                if DOWN.load(Ordering::Acquire) {
                    return 0;
                }
                let mut next = now();
                next.tv_nsec += LOOK;
                next.tv_sec += next.tv_nsec / 1_000_000_000;
                next.tv_nsec %= 1_000_000_000;
                let woken = libc::pthread_cond_timedwait(condition, mutex, &raw const next);
                if woken != libc::ETIMEDOUT || Instant::now() >= end {
                    return woken;
                }
            }
        }
    }

    /// `vfprintf`, used for errors that are returned too.
    unsafe extern "C" fn print(_: *mut c_void, _: *const c_char, _: *mut c_void) -> c_int {
        0
    }

    /// `snd_config_update_free_global`
    unsafe extern "C" fn keep_configuration() -> c_int {
        0
    }

    pub(in super::super) fn guard(inside: *const c_void) -> bool {
        let replacements: [(&'static CStr, *const c_void); 8] = [
            (c"jack_client_open", client_open as *const c_void),
            (c"jack_client_close", client_close as *const c_void),
            (c"jack_deactivate", deactivate as *const c_void),
            (c"jack_port_unregister", port_unregister as *const c_void),
            (c"jack_on_shutdown", on_shutdown as *const c_void),
            (c"pthread_cond_timedwait", timed_wait as *const c_void),
            (c"vfprintf", print as *const c_void),
            (c"snd_config_update_free_global", keep_configuration as *const c_void),
        ];
        // SAFETY: the library has just been loaded and stays; the functions have the types of those they stand for.
        unsafe { replace(inside, &replacements) }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) use active::guard;

/// Nothing is known that would have to be kept from anything.
#[cfg(not(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) fn guard(_: *const std::ffi::c_void) -> bool {
    !cfg!(target_os = "linux")
}
