//! The client that looks around, kept for two seconds after each look.
//!
//! A client costs the server some ten milliseconds to let in and to let go, and asks all others to take notice; what it
//! then sees lies in shared memory. Whoever looks often shall not pay that each time.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, server_died};
use super::survey::{Survey, survey};
use super::teller::Teller;
use super::unlocked::give_up_locking;
use crate::error::Result;

/// Its name in the server's graph. It never has ports.
pub(super) const NAME: &str = "sounddevice-list";
/// How long it stays after a look: longer than watchers of the devices leave between looks.
const STAY: Duration = Duration::from_secs(2);

struct Kept {
    client: Client,
    used: Instant,
}

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
/// That of the one that is kept.
static TELLER: Teller = Teller::new();
/// Whether a thread waits to let it go.
static WAITING: AtomicBool = AtomicBool::new(false);

fn kept() -> MutexGuard<'static, Option<Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the server has now. Hangs where the server does: only inside [`super::client::ask`].
pub(super) fn look() -> Result<Survey> {
    let mut kept = alive();
    if kept.is_none() {
        // For good: the thread that asks is there for one question.
        give_up_locking();
        let client = Client::open(NAME)?;
        TELLER.forget();
        // SAFETY: the client is open and not active.
        unsafe { (client.library.on_info_shutdown)(client.raw, Some(shut_down), ptr::null_mut()) };
        *kept = Some(Kept { client, used: Instant::now() });
    }
    let Some(Kept { client, used }) = kept.as_mut() else {
        unreachable!("just put there");
    };
    *used = Instant::now();
    let found = survey(client);
    drop(kept);
    if !WAITING.swap(true, Ordering::AcqRel) {
        let waiting = thread::Builder::new().name("jack list".into()).spawn(let_go);
        if waiting.is_err() {
            WAITING.store(false, Ordering::Release);
            *self::kept() = None;
        }
    }
    Ok(found)
}

/// Lets it go if its server has gone: before another client is opened, whose server may be a new one.
pub(super) fn forget_the_dead() {
    drop(alive());
}

/// What is kept, if its server still answers. The shared memory stays as it was when its server has gone.
fn alive() -> MutexGuard<'static, Option<Kept>> {
    let mut kept = kept();
    if kept.as_ref().is_some_and(|kept| !answers(&kept.client)) {
        bury(&mut kept);
    }
    kept
}

/// Lets go a client whose server has gone.
fn bury(kept: &mut Option<Kept>) {
    TELLER.wait_for_word();
    TELLER.wait_for_end();
    *kept = None;
}

/// libjack's own thread, as the client has no other one, tells that the server has gone.
unsafe extern "C" fn shut_down(status: c_int, _: *const c_char, _: *mut c_void) {
    server_died(status);
    TELLER.is_here();
}

fn answers(client: &Client) -> bool {
    // SAFETY: the client is open, and its name stays while it is. What comes back is ours to free.
    unsafe {
        let name = (client.library.get_client_name)(client.raw);
        let uuid = (client.library.get_uuid_for_client_name)(client.raw, name);
        if !uuid.is_null() {
            (client.library.free)(uuid.cast());
        }
        !uuid.is_null()
    }
}

/// Waits until nobody has looked for a while.
fn let_go() {
    let mut rest = STAY;
    loop {
        thread::sleep(rest);
        let mut kept = kept();
        match kept.as_ref().map(|kept| STAY.saturating_sub(kept.used.elapsed())) {
            Some(left) if left > Duration::ZERO => rest = left,
            _ => {
                // Under the lock: whoever looks next sees that nobody waits.
                WAITING.store(false, Ordering::Release);
                if kept.as_ref().is_some_and(|kept| !answers(&kept.client)) {
                    bury(&mut kept);
                }
                *kept = None;
                return;
            }
        }
    }
}
