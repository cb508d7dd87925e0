//! What keeps PortAudio on Linux from ending the program, or from hanging.
//!
//! PortAudio 19.6 and 19.7 have one JACK client for all streams. When its server dies, `Pa_Terminate` ends the program (an
//! assertion on what `jack_deactivate` returns), as does closing a stream, which before that waits ten minutes for a signal
//! from the client's thread; after ten minutes it frees what the client's thread still uses. libjack frees the client under
//! its feet when another one opens. On ALSA, `Pa_Terminate` frees the configuration that the rest of the program uses, and
//! errors are written to the terminal. There is no function, option or variable of PortAudio's that would change any of this,
//! and a process of its own for PortAudio would cost what the backend is there for. So these calls of PortAudio's come here
//! instead: see [`super::imports`].
//!
//! That is done only where it is sure to fit: the library was not loaded by others before, its libjack is the one that we
//! use too, and every call was found. Where not (another processor, another C library, a PortAudio with JACK linked in, a
//! system that does not let the table be changed), PortAudio's JACK is not offered, and PortAudio is never terminated:
//! its list of devices is then that of the first look. See [`Guarded`].

use std::ffi::c_int;

use super::library::{ALSA, JACK};

/// Which of PortAudio's host APIs cannot end the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guarded {
    pub jack: bool,
    pub alsa: bool,
}

impl Guarded {
    pub(super) fn covers(self, kind: c_int) -> bool {
        match kind {
            JACK => self.jack,
            ALSA => self.alsa,
            _ => true,
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod active {
    use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
    use std::ptr;
    use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
    use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::super::imports::replace;
    use super::super::stream;
    use super::Guarded;
    use crate::backend::jack::client::{Client, server_died};
    use crate::backend::jack::library::{self, RawClient, RawPort, SERVER_FAILED};

    /// How long the end of the program may wait for the server.
    const FAREWELL: Duration = Duration::from_millis(500);
    /// Nanoseconds between two looks at whether its server has died.
    const LOOK: i64 = 50_000_000;
    /// Seconds; waits that long are those for JACK.
    const LONG: i64 = 60;

    type ShutDown = unsafe extern "C" fn(*mut c_void);

    /// PortAudio's client, and whom it wants to tell when the server dies.
    struct Foreign {
        client: Client,
        shut_down: Option<(ShutDown, *mut c_void)>,
        active: bool,
    }

    impl Foreign {
        /// Takes part in no more cycles.
        fn rest(&mut self) {
            if std::mem::take(&mut self.active) {
                // SAFETY: the client is open.
                unsafe { (self.client.library.deactivate)(self.client.raw) };
            }
        }
    }

    // SAFETY: PortAudio's argument may be used on any thread: libjack calls on its own.
    unsafe impl Send for Foreign {}

    static FOREIGN: Mutex<Option<Foreign>> = Mutex::new(None);
    /// Whether the program ends.
    static LEAVING: AtomicBool = AtomicBool::new(false);
    /// Whether its server is gone.
    static DOWN: AtomicBool = AtomicBool::new(false);
    /// What PortAudio has taken for granted and was not so: a text of its own.
    static FAILED: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());

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
            *foreign() = Some(Foreign { client, shut_down: None, active: false });
            static AT_EXIT: Once = Once::new();
            AT_EXIT.call_once(|| {
                // SAFETY: the function may be called at the end. Where there is no room for it, it is not called.
                let _ = unsafe { libc::atexit(leave) };
            });
        }
        raw
    }

    /// The program ends, whatever PortAudio is doing: a server that is left by an active client may be deaf to others from
    /// then on. The client itself stays, for PortAudio's thread may be using it.
    extern "C" fn leave() {
        LEAVING.store(true, Ordering::Release);
        let (done, left) = mpsc::channel();
        let body = move || {
            if let Some(foreign) = &mut *foreign() {
                foreign.rest();
            }
            let _ = done.send(());
        };
        if thread::Builder::new().name("portaudio exit".into()).spawn(body).is_ok() {
            let _ = left.recv_timeout(FAREWELL);
        }
    }

    /// `jack_activate`: only when there is a stream, see [`wake`].
    unsafe extern "C" fn activate(_: *mut RawClient) -> c_int {
        0
    }

    /// Lets PortAudio's client take part in the server's cycles, which PortAudio wants of it as soon as it is initialised.
    /// What only looks at the devices is no burden for the server this way, and does it no harm when it is killed.
    pub(in super::super) fn wake() {
        let mut foreign = foreign();
        if let Some(Foreign { client, active, .. }) = &mut *foreign
            && !*active
            && !LEAVING.load(Ordering::Acquire)
        {
            // SAFETY: the client is open and not active.
            *active = unsafe { (client.library.activate)(client.raw) } == 0;
        }
    }

    /// `jack_deactivate`: what it returns says nothing that PortAudio could do anything about.
    unsafe extern "C" fn deactivate(_: *mut RawClient) -> c_int {
        if let Some(foreign) = &mut *foreign() {
            foreign.rest();
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
        server_died(status);
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

    /// `pthread_cond_timedwait`: what PortAudio waits ten minutes for comes with JACK's next cycle, or never when there is
    /// no server any more. It must not give up while there is one: it would free what the client's thread uses when the
    /// server goes on. Those who ask PortAudio wait for seconds at most.
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
            while !DOWN.load(Ordering::Acquire) {
                let mut next = now();
                next.tv_nsec += LOOK;
                next.tv_sec += next.tv_nsec / 1_000_000_000;
                next.tv_nsec %= 1_000_000_000;
                let woken = libc::pthread_cond_timedwait(condition, mutex, &raw const next);
                if woken != libc::ETIMEDOUT {
                    return woken;
                }
            }
        }
        0
    }

    /// `__assert_fail`, which does not return: neither does this, but the rest of the program goes on.
    unsafe extern "C" fn assertion_failed(
        assertion: *const c_char,
        _: *const c_char,
        _: c_uint,
        _: *const c_char,
    ) -> ! {
        FAILED.store(assertion.cast_mut(), Ordering::Release);
        loop {
            // SAFETY: waits for a signal.
            unsafe { libc::pause() };
        }
    }

    pub(in super::super) fn failure() -> Option<String> {
        let assertion = FAILED.load(Ordering::Acquire);
        // SAFETY: null, or a terminated text of the library's, which stays.
        (!assertion.is_null()).then(|| unsafe { CStr::from_ptr(assertion) }.to_string_lossy().into_owned())
    }

    /// `vfprintf`, used for errors that are returned too.
    unsafe extern "C" fn print(_: *mut c_void, _: *const c_char, _: *mut c_void) -> c_int {
        0
    }

    /// `snd_config_update_free_global`
    unsafe extern "C" fn keep_configuration() -> c_int {
        0
    }

    /// What JACK's host API calls; without one of these it is not guarded.
    const JACKS: [&CStr; 7] = [
        c"jack_client_open",
        c"jack_client_close",
        c"jack_activate",
        c"jack_deactivate",
        c"jack_port_unregister",
        c"jack_on_shutdown",
        c"pthread_cond_timedwait",
    ];
    const CONFIGURATION: &CStr = c"snd_config_update_free_global";

    /// For a library that is used by nobody yet, and that knows `inside`. `its_jack` is the function of this name that it
    /// calls, if it calls any.
    pub(in super::super) fn guard(inside: *const c_void, its_jack: Option<*const c_void>) -> Guarded {
        let mut replacements = vec![
            (c"vfprintf", print as *const c_void),
            (c"__vfprintf_chk", print as *const c_void),
            (c"__assert_fail", assertion_failed as *const c_void),
            (CONFIGURATION, keep_configuration as *const c_void),
        ];
        // A client of one libjack means nothing to another one.
        let same =
            |its: *const c_void| library::library().is_ok_and(|ours| ptr::eq(ours.client_open as *const c_void, its));
        if its_jack.is_some_and(same) {
            let ours = [
                client_open as *const c_void,
                client_close as *const c_void,
                activate as *const c_void,
                deactivate as *const c_void,
                port_unregister as *const c_void,
                on_shutdown as *const c_void,
                timed_wait as *const c_void,
            ];
            replacements.extend(JACKS.into_iter().zip(ours));
        }
        // SAFETY: as demanded, and it stays loaded; the functions have the types of those they stand for.
        let replaced = unsafe { replace(inside, &replacements) }.unwrap_or_default();
        Guarded { jack: JACKS.iter().all(|name| replaced.contains(name)), alsa: replaced.contains(&CONFIGURATION) }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) use active::{failure, guard, wake};

#[cfg(not(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod inactive {
    use std::ffi::c_void;

    use super::Guarded;

    /// Elsewhere than on Linux nothing is known that would have to be kept from anything.
    pub(in super::super) fn guard(_: *const c_void, _: Option<*const c_void>) -> Guarded {
        let unneeded = !cfg!(target_os = "linux");
        Guarded { jack: unneeded, alsa: unneeded }
    }

    pub(in super::super) fn failure() -> Option<String> {
        None
    }

    pub(in super::super) fn wake() {}
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) use inactive::{failure, guard, wake};
