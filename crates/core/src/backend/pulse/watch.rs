//! The server tells of changes.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::{Connection, Refusal};
use super::library::{
    Context, EVENT_CHANGE, EVENT_FACILITY, EVENT_TYPE, Library, Mainloop, SUBSCRIBE_DEVICES, SUBSCRIBE_STREAMS,
};
use super::list;
use crate::device::Poke;

/// How long a server may take to let us listen.
const PATIENCE: Duration = Duration::from_millis(900);
/// How long what a server tells may come in pieces.
const SETTLING: Duration = Duration::from_millis(300);

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
        let Ok(mut server) = Subscription::open(library, false) else { return };
        *held(&mainloop) = Some(Shared(server.connection.mainloop));
        let _ = ready.send(());
        while !closed.load(Ordering::Acquire) {
            if server.turn(&poke).is_err() {
                poke.deafen();
                break;
            }
            if server.is_doubtful() {
                match Subscription::open(library, server.is_pipewire) {
                    Ok(fresh) => {
                        *held(&mainloop) = Some(Shared(fresh.connection.mainloop));
                        server = fresh;
                    }
                    Err(_) => server.trust_until = Some(Instant::now() + SETTLING),
                }
            }
        }
        *held(&mainloop) = None;
    };
    thread::Builder::new().name("pulse watch".into()).spawn(body).ok()?;
    listening.recv_timeout(PATIENCE + Duration::from_millis(100)).ok()?;
    Some(Box::new(ear))
}

/// A connection over which the server tells.
///
/// PipeWire tells those who are connected nothing of another default device when it changes while somebody else is just
/// connecting: it is told to that one alone (`metadata_property` in its module-metadata), and what the others ask is answered
/// with the default device of before, for as long as they are connected. Nor are such moments rare: whoever follows the default
/// source connects anew just when the default sink of the same headset is set. But whoever moves streams to another default
/// device tells of the streams, so what such a connection says is not trusted for long once anything has changed.
struct Subscription {
    connection: Connection,
    news: Box<News>,
    is_pipewire: bool,
    /// Whether it has been asked what there is.
    asked: bool,
    /// What it says of the default devices may be out of date from then on.
    trust_until: Option<Instant>,
}

/// What the library's callback leaves to be looked at after it.
#[derive(Default)]
struct News {
    devices: Cell<bool>,
    streams: Cell<bool>,
}

impl Subscription {
    fn open(library: &'static Library, is_pipewire: bool) -> Result<Self, Refusal> {
        let connection = Connection::open(library, Instant::now() + PATIENCE)?;
        let server = Self { connection, news: Box::default(), is_pipewire, asked: false, trust_until: None };
        server.subscribe();
        // Before it listened something may have happened.
        server.news.devices.set(true);
        Ok(server)
    }

    fn subscribe(&self) {
        let Connection { library, context, .. } = self.connection;
        let what = if self.is_pipewire { SUBSCRIBE_DEVICES | SUBSCRIBE_STREAMS } else { SUBSCRIBE_DEVICES };
        // SAFETY: the callback fits, and is called while the loop turns only, which is while this lives; the news are on the heap.
        let operation = unsafe {
            let to = std::ptr::from_ref::<News>(&self.news).cast_mut().cast();
            (library.pa_context_set_subscribe_callback)(context, event, to);
            (library.pa_context_subscribe)(context, what, std::ptr::null(), std::ptr::null_mut())
        };
        library.forget(operation);
    }

    /// Says what has changed, or waits for news.
    fn turn(&mut self, poke: &Poke) -> Result<(), Refusal> {
        if self.news.devices.take() {
            // Asked over the same connection, the server answers before most others could have undone what it tells of.
            let found = list::ask(&self.connection, Instant::now() + PATIENCE)?;
            poke.say(found.listing);
            // What it says first is true.
            if std::mem::replace(&mut self.asked, true) {
                self.news.streams.set(true);
            }
            if found.is_pipewire && !self.is_pipewire {
                self.is_pipewire = true;
                self.subscribe();
            }
            return Ok(());
        }
        if self.news.streams.take() && self.is_pipewire && self.trust_until.is_none() {
            self.trust_until = Some(Instant::now() + SETTLING);
        }
        let left = self.trust_until.map(|until| until.saturating_duration_since(Instant::now()));
        self.connection.turn(left)
    }

    fn is_doubtful(&self) -> bool {
        self.trust_until.is_some_and(|until| until <= Instant::now())
    }
}

unsafe extern "C" fn event(_: *mut Context, event: c_int, _: u32, news: *mut c_void) {
    // SAFETY: those of `subscribe`, see there.
    let news = unsafe { &*news.cast::<News>() };
    match 1 << (event & EVENT_FACILITY) {
        facility if facility & SUBSCRIBE_STREAMS == 0 => news.devices.set(true),
        _ if event & EVENT_TYPE == EVENT_CHANGE => news.streams.set(true),
        _ => {}
    }
}
