//! A client of the server, and how to talk to a server that may never answer.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::NAME;
use super::library::{Library, NO_START_SERVER, RawClient, SERVER_ERROR, SERVER_FAILED, library};
use crate::error::{Error, ErrorKind, Result};
use crate::patience::Asked;

/// How long the server may take to open a stream, start it, or check it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a server is asked that is there and refuses for the moment: servers share a register, and one that comes or goes
/// keeps the others from it.
const ATTEMPTS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(30);
/// How long it may take to let a client go.
const FAREWELL: Duration = Duration::from_millis(900);
/// The same where a device has been lost, which is to be told within a second.
const LAST_FAREWELL: Duration = Duration::from_millis(400);

/// A client of the server. Dropping it closes it, which takes as long as the server likes: see [`release`].
pub(in crate::backend) struct Client {
    pub library: &'static Library,
    pub raw: *mut RawClient,
    number: u64,
    closed: AtomicBool,
}

// SAFETY: libjack's functions may be called from any thread.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// How many servers have died under a client of this process.
static DEATHS: AtomicU64 = AtomicU64::new(0);

/// The clients of this process that are open.
static ALIVE: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
static CLOSED: Condvar = Condvar::new();

struct Entry {
    number: u64,
    name: String,
    /// [`DEATHS`] when it was opened.
    deaths: u64,
}

fn alive() -> MutexGuard<'static, Vec<Entry>> {
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a client of this name belongs to this process.
pub(super) fn is_ours(name: &str) -> bool {
    alive().iter().any(|entry| entry.name == name)
}

/// Of a client that libjack shuts down: whether its server has died, and with it all clients that are open now; else only this
/// one has been thrown out. Takes no lock: libjack tells on any thread.
pub(in crate::backend) fn server_died(status: c_int) -> bool {
    let died = status & (SERVER_FAILED | SERVER_ERROR) != 0;
    if died {
        DEATHS.fetch_add(1, Ordering::AcqRel);
    }
    died
}

unsafe extern "C" fn shut_down(status: c_int, _: *const c_char, _: *mut c_void) {
    server_died(status);
}

/// Waits until the clients of a server that has died are closed. jackd's library frees those that are left when it opens
/// the next one, and would free them again when they are closed.
fn mourn() -> Result<()> {
    let bereft = |alive: &mut Vec<Entry>| {
        let deaths = DEATHS.load(Ordering::Acquire);
        alive.iter().any(|entry| entry.deaths < deaths)
    };
    let waited = CLOSED.wait_timeout_while(alive(), PATIENCE, bereft).unwrap_or_else(PoisonError::into_inner);
    if waited.1.timed_out() {
        let message = "JACK cannot be reached while streams of a server that has died are open";
        return Err(Error::new(ErrorKind::TimedOut, message));
    }
    Ok(())
}

impl Client {
    /// Asks the server, which is never started; the server may add to the name. Only inside [`ask`].
    pub(in crate::backend) fn open(name: &str) -> Result<Self> {
        let library = library().map_err(|reason| {
            let message = "The library of JACK (libjack) cannot be loaded";
            Error::new(ErrorKind::NoLibrary, message).with_host_error(NAME, 0, reason)
        })?;
        let name = CString::new(name).unwrap_or_else(|_| c"sounddevice".into());
        // Until it stands among those that are alive nobody else opens one: if the server died meanwhile, libjack would free it.
        static OPENING: Mutex<()> = Mutex::new(());
        let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || {
            // Before each attempt: a server that is dying refuses the first one, and its death is known by the next.
            mourn()?;
            #[cfg(target_os = "linux")]
            super::database::mend();
            let deaths = DEATHS.load(Ordering::Acquire);
            let mut status: c_int = 0;
            // SAFETY: the name is terminated and the status is ours; no option needs a further argument.
            let raw = unsafe { (library.client_open)(name.as_ptr(), NO_START_SERVER, &raw mut status) };
            Ok((raw, status, deaths))
        };
        let (mut raw, mut status, mut deaths) = open()?;
        for _ in 1..ATTEMPTS {
            if !raw.is_null() || status & (SERVER_FAILED | SERVER_ERROR) != SERVER_ERROR {
                break;
            }
            thread::sleep(BETWEEN);
            (raw, status, deaths) = open()?;
        }
        if raw.is_null() {
            let error = Error::new(ErrorKind::DeviceUnavailable, "JACK does not take a new client");
            return Err(error.with_host_error(NAME, status.into(), explain(status)));
        }
        // SAFETY: the client is open, its name is terminated and stays while it is.
        let name = unsafe { CStr::from_ptr((library.get_client_name)(raw)) }.to_string_lossy().into_owned();
        // Of whatever client libjack hears first that the server has died: from then on it frees those that are left.
        // SAFETY: the client is open and not active; streams put their own in its place.
        unsafe { (library.on_info_shutdown)(raw, Some(shut_down), ptr::null_mut()) };
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        alive().push(Entry { number, name, deaths });
        Ok(Self { library, raw, number, closed: AtomicBool::new(false) })
    }

    /// Ends its callbacks. Nothing else may be asked of it afterwards.
    pub(super) fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // SAFETY: open until now, and nobody uses it any more.
        unsafe { (self.library.client_close)(self.raw) };
        alive().retain(|entry| entry.number != self.number);
        GONE.fetch_add(1, Ordering::AcqRel);
        CLOSED.notify_all();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}

/// The bits of `jack_status_t` in words.
fn explain(status: c_int) -> String {
    const WORDS: [(c_int, &str); 12] = [
        (0x02, "invalid option"),
        (0x04, "name not unique"),
        (0x10, "cannot connect to the server"),
        (SERVER_ERROR, "communication error with the server"),
        (0x40, "no such client"),
        (0x80, "cannot load internal client"),
        (0x100, "cannot initialize client"),
        (0x200, "cannot access shared memory"),
        (0x400, "protocol version of the client does not match"),
        (0x800, "backend error"),
        (0x1000, "client zombified"),
        (0x01, "overall operation failed"),
    ];
    let said: Vec<&str> = WORDS.iter().filter(|(bit, _)| status & bit != 0).map(|(_, words)| *words).collect();
    if said.is_empty() { "no reason given".into() } else { said.join(", ") }
}

/// Asks the server for something and waits for that for three seconds. While one question hangs, others are refused at
/// once, so that a server that never answers does not collect our threads.
pub(super) fn ask<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    let question = ASKED.get_or_init(Asked::default).ask("jack control", work);
    question.and_then(|question| question.wait(PATIENCE)).unwrap_or_else(|| {
        let message = format!("JACK did not answer within {} s", PATIENCE.as_secs());
        Err(Error::new(ErrorKind::TimedOut, message))
    })
}

/// Clients that have been closed.
static GONE: AtomicU64 = AtomicU64::new(0);

/// Drops it where that cannot hang the caller: once nothing has been closed for nearly a second, it is left to a thread of
/// its own. Many that leave at once go one after the other. Whoever has something `lost` to tell waits for none of them.
pub(super) fn release(value: impl Send + 'static, lost: bool) {
    let (done, dropped) = mpsc::channel();
    let body = move || {
        drop(value);
        let _ = done.send(());
    };
    if thread::Builder::new().name("jack close".into()).spawn(body).is_ok() {
        if lost {
            let _ = dropped.recv_timeout(LAST_FAREWELL);
            return;
        }
        let mut gone = GONE.load(Ordering::Acquire);
        while let Err(RecvTimeoutError::Timeout) = dropped.recv_timeout(FAREWELL) {
            let now = GONE.load(Ordering::Acquire);
            if std::mem::replace(&mut gone, now) == now {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_in_words() {
        assert_eq!(explain(0x11), "cannot connect to the server, overall operation failed");
        assert_eq!(explain(0), "no reason given");
    }
}
