//! The server tells of changes.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::library::{Context, Library, Mainloop, SUBSCRIBE_DEVICES};
use super::list;
use crate::device::Poke;

/// How long a server may take to let us listen.
const PATIENCE: Duration = Duration::from_millis(900);

/// Listens until it is dropped.
struct Ear {
    library: &'static Library,
    closed: Arc<AtomicBool>,
    mainloop: Arc<Mutex<Option<Shared>>>,
}

/// The loop, while it lives; other threads may only wake it.
struct Shared(*mut Mainloop);

// SAFETY: the one function that other threads call, `pa_mainloop_wakeup`, is made for that.
unsafe impl Send for Shared {}

impl Drop for Ear {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        if let Some(Shared(mainloop)) = &*held(&self.mainloop) {
            // SAFETY: the loop lives as long as it is in there.
            unsafe { (self.library.pa_mainloop_wakeup)(*mainloop) };
        }
    }
}

fn held(mainloop: &Mutex<Option<Shared>>) -> MutexGuard<'_, Option<Shared>> {
    mainloop.lock().unwrap_or_else(PoisonError::into_inner)
}

/// None if no server lets us.
pub(super) fn listen(library: &'static Library, poke: &Poke) -> Option<Box<dyn Send>> {
    let ear = Ear { library, closed: Arc::new(AtomicBool::new(false)), mainloop: Arc::new(Mutex::new(None)) };
    let (closed, mainloop, poke) = (Arc::clone(&ear.closed), Arc::clone(&ear.mainloop), poke.clone());
    let (ready, listening) = mpsc::sync_channel(1);
    let body = move || {
        let Ok(connection) = Connection::open(library, Instant::now() + PATIENCE) else { return };
        // Before it listened something may have happened.
        let changed = AtomicBool::new(true);
        subscribe(&connection, &changed);
        *held(&mainloop) = Some(Shared(connection.mainloop));
        let _ = ready.send(());
        // Asked over the same connection, the server answers before most others could have undone what it tells of.
        let turn = || match changed.swap(false, Ordering::Relaxed) {
            true => list::ask(&connection, Instant::now() + PATIENCE).map(|listing| poke.say(listing)),
            false => connection.turn(None),
        };
        while !closed.load(Ordering::Acquire) {
            if turn().is_err() {
                poke.deafen();
                break;
            }
        }
        *held(&mainloop) = None;
    };
    thread::Builder::new().name("pulse watch".into()).spawn(body).ok()?;
    listening.recv_timeout(PATIENCE + Duration::from_millis(100)).ok()?;
    Some(Box::new(ear))
}

fn subscribe(connection: &Connection, changed: &AtomicBool) {
    let library = connection.library;
    // SAFETY: the callback fits, and is called while the loop turns only, which the caller does while the flag lives.
    let operation = unsafe {
        let to = std::ptr::from_ref(changed).cast_mut().cast();
        (library.pa_context_set_subscribe_callback)(connection.context, event, to);
        (library.pa_context_subscribe)(connection.context, SUBSCRIBE_DEVICES, std::ptr::null(), std::ptr::null_mut())
    };
    library.forget(operation);
}

unsafe extern "C" fn event(_: *mut Context, _: c_int, _: u32, changed: *mut c_void) {
    // SAFETY: the flag of `subscribe`, see there.
    unsafe { &*changed.cast::<AtomicBool>() }.store(true, Ordering::Relaxed);
}
