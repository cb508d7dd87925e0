//! The server tells of clients and ports that come and go.
//!
//! One client listens for all who watch, and is there only while somebody does. Its callbacks say no more than that there is
//! something to see, which lies in memory that the server shares. Where there is no server, it is tried once a second whether
//! one has come. All of it happens on a thread of its own, which is the only one that a server can hang.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::client::{Client, server_died};
use super::library::library;
use super::lister;
use super::survey::survey;
use super::unlocked::give_up_locking;
use crate::backend::HostListing;
use crate::backend::gate::Gate;
use crate::device::Poke;
use crate::error::{Error, ErrorKind, Result};

/// Its name in the server's graph. It never has ports.
const NAME: &str = "sounddevice-watch";
/// How often it is tried whether a server has come.
const RETRY: Duration = Duration::from_secs(1);
/// How often it is looked for what no server tells: ports of clients that are not active. Tests see what is told.
const LOOK: Duration = Duration::from_secs(if cfg!(test) { 3600 } else { 1 });
/// Whoever registers some ports, which takes some milliseconds each, is seen with all of them: once nothing has changed for so
/// long, or after so long at most.
const SETTLED: Duration = Duration::from_millis(20);
const UNSETTLED: Duration = Duration::from_millis(200);

/// Something has come or gone.
const CHANGED: u8 = 1;
/// The client has been shut down.
const DOWN: u8 = 2;
/// Somebody else watches.
const JOINED: u8 = 4;
/// Nobody watches any more. Stays.
const OVER: u8 = 8;

/// Those who watch, and the thread that listens for them.
struct Ears {
    count: u64,
    pokes: Vec<(u64, Poke)>,
    listener: Option<Arc<Listener>>,
}

fn ears() -> MutexGuard<'static, Ears> {
    static EARS: Mutex<Ears> = Mutex::new(Ears { count: 0, pokes: Vec::new(), listener: None });
    EARS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is told until it is dropped.
struct Ear(u64);

impl Drop for Ear {
    fn drop(&mut self) {
        let mut ears = ears();
        ears.pokes.retain(|(number, _)| *number != self.0);
        if ears.pokes.is_empty()
            && let Some(listener) = ears.listener.take()
        {
            listener.tell(OVER);
        }
    }
}

/// None if there is no library, or no thread for it.
pub(super) fn listen(poke: &Poke) -> Option<Box<dyn Send>> {
    library().ok()?;
    let mut ears = ears();
    let listener = match &ears.listener {
        Some(listener) => Arc::clone(listener),
        None => Listener::spawn()?,
    };
    ears.listener = Some(Arc::clone(&listener));
    ears.count += 1;
    let number = ears.count;
    ears.pokes.push((number, poke.clone()));
    listener.tell(JOINED);
    Some(Box::new(Ear(number)))
}

/// What the thread and those who wake it share.
#[derive(Default)]
struct Listener {
    news: AtomicU8,
    thread: OnceLock<Thread>,
}

impl Listener {
    fn spawn() -> Option<Arc<Self>> {
        let listener = Arc::new(Self::default());
        let itself = Arc::clone(&listener);
        let thread = thread::Builder::new().name("jack watch".into()).spawn(move || itself.run()).ok()?;
        // Whoever tells before that is followed by the first who joins.
        let _ = listener.thread.set(thread.thread().clone());
        Some(listener)
    }

    /// Takes no lock: libjack tells too.
    fn tell(&self, news: u8) {
        self.news.fetch_or(news, Ordering::AcqRel);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// All news until now.
    fn take(&self) -> u8 {
        self.news.fetch_and(OVER, Ordering::AcqRel)
    }

    /// Waits for news. Parking may end for those that have been taken already.
    fn wait(&self, patience: Duration) {
        let begun = Instant::now();
        while self.news.load(Ordering::Acquire) == 0 && begun.elapsed() < patience {
            thread::park_timeout(patience.saturating_sub(begun.elapsed()));
        }
    }

    /// Waits until nothing changes any more, or something else happens.
    fn settle(&self) {
        let begun = Instant::now();
        let mut changed = begun;
        while changed.elapsed() < SETTLED && begun.elapsed() < UNSETTLED {
            thread::park_timeout(SETTLED);
            match self.news.fetch_and(!CHANGED, Ordering::AcqRel) {
                0 => {}
                CHANGED => changed = Instant::now(),
                _ => return,
            }
        }
    }

    fn run(self: &Arc<Self>) {
        // It only looks.
        give_up_locking();
        // What has been told last; none if somebody has not heard it.
        let mut told = None;
        let mut refused = false;
        loop {
            match self.hear(&mut told) {
                Ok(()) => refused = false,
                // A server refuses for a moment while a client leaves it: once is nothing.
                Err(error) if error.kind() == ErrorKind::DeviceUnavailable => {
                    if std::mem::replace(&mut refused, true) {
                        self.say(HostListing::default(), &mut told);
                    }
                }
                Err(_) => {}
            }
            self.wait(RETRY);
            match self.take() {
                news if news & OVER != 0 => return,
                news if news & JOINED != 0 => told = None,
                _ => {}
            }
        }
    }

    /// As long as a server lives and somebody watches.
    fn hear(self: &Arc<Self>, told: &mut Option<HostListing>) -> Result<()> {
        lister::forget_the_dead();
        let member = Member::join(self)?;
        loop {
            let news = self.take();
            if news & OVER != 0 {
                return Ok(());
            }
            if news & DOWN != 0 {
                if member.context().died.load(Ordering::Acquire) {
                    // Before anything else: whatever leaving may take, its devices have gone.
                    self.say(HostListing::default(), told);
                }
                return Ok(());
            }
            if news & JOINED != 0 {
                *told = None;
            }
            if news & CHANGED != 0 {
                self.settle();
            }
            self.say(survey(&member.client).listing(), told);
            self.wait(LOOK);
        }
    }

    /// Tells all who watch, unless they know it.
    fn say(self: &Arc<Self>, listing: HostListing, told: &mut Option<HostListing>) {
        if told.as_ref() == Some(&listing) {
            return;
        }
        let ears = ears();
        // Where nobody watches any more, others may have begun, who have a listener of their own.
        if ears.listener.as_ref().is_some_and(|listener| Arc::ptr_eq(listener, self)) {
            ears.pokes.iter().for_each(|(_, poke)| poke.say(listing.clone()));
        }
        *told = Some(listing);
    }
}

/// What libjack is given.
struct Context {
    listener: Arc<Listener>,
    gate: Gate,
    down: AtomicBool,
    /// The server has died, and not this client alone.
    died: AtomicBool,
}

/// A client that is told.
struct Member {
    client: Client,
    /// Freed once the client has left.
    context: NonNull<Context>,
    active: bool,
}

impl Member {
    fn join(listener: &Arc<Listener>) -> Result<Self> {
        let client = Client::open(NAME)?;
        let context = Context {
            listener: Arc::clone(listener),
            gate: Gate::default(),
            down: AtomicBool::new(false),
            died: AtomicBool::new(false),
        };
        let mut member = Self { client, context: NonNull::from(Box::leak(Box::new(context))), active: false };
        let (library, raw) = (member.client.library, member.client.raw);
        let argument = member.context.as_ptr().cast::<c_void>();
        // SAFETY: the client is open and not active; the context outlives it.
        let refused = unsafe {
            (library.on_info_shutdown)(raw, Some(shut_down), argument);
            (library.set_client_registration_callback)(raw, Some(client_registered), argument)
                | (library.set_port_registration_callback)(raw, Some(port_registered), argument)
        };
        // SAFETY: the client is open and its callbacks are set. Without one for its periods it takes no part in cycles.
        member.active = refused == 0 && unsafe { (library.activate)(raw) } == 0;
        match member.active {
            true => Ok(member),
            false => Err(Error::new(ErrorKind::Host, "JACK does not let a client listen")),
        }
    }

    fn context(&self) -> &Context {
        // SAFETY: it lives until this is dropped.
        unsafe { self.context.as_ref() }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.context().gate.close();
        self.client.leave(self.active, self.context().down.load(Ordering::Acquire));
        // SAFETY: it came from a box, and the client's callbacks have ended.
        drop(unsafe { Box::from_raw(self.context.as_ptr()) });
    }
}

impl Context {
    /// Unless the client is leaving.
    fn tell(&self, news: u8) {
        if self.gate.enter() {
            self.listener.tell(news);
            self.gate.leave();
        }
    }
}

/// # Safety
/// JACK calls it with the context of a client that is open.
unsafe extern "C" fn port_registered(_: u32, _: c_int, context: *mut c_void) {
    // SAFETY: the context outlives the client.
    unsafe { &*context.cast::<Context>() }.tell(CHANGED);
}

/// Ports of a client that has not been active, or is no longer, are told of by nothing else than its leaving.
///
/// # Safety
/// As [`port_registered`].
unsafe extern "C" fn client_registered(_: *const c_char, registered: c_int, context: *mut c_void) {
    // Who comes has no ports yet.
    if registered == 0 {
        // SAFETY: the context outlives the client.
        unsafe { &*context.cast::<Context>() }.tell(CHANGED);
    }
}

/// # Safety
/// As [`port_registered`].
unsafe extern "C" fn shut_down(status: c_int, _: *const c_char, context: *mut c_void) {
    // Also where the client is leaving: whoever opens the next one has to wait for that.
    let died = server_died(status);
    // SAFETY: the context outlives the client.
    let context = unsafe { &*context.cast::<Context>() };
    context.died.store(died, Ordering::Release);
    context.down.store(true, Ordering::Release);
    context.tell(DOWN);
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::sync::mpsc::{self, Receiver};

    use super::super::library::{AUDIO, Library, NO_START_SERVER, PORT_IS_INPUT, PORT_IS_OUTPUT, RawClient, RawPort};
    use super::*;
    use crate::{DeviceEvent, DeviceInfo, watch_devices};

    const PATIENCE: Duration = Duration::from_secs(30);
    const TURNS: u32 = 20;

    /// A client of somebody else's.
    struct Other {
        library: &'static Library,
        raw: *mut RawClient,
    }

    impl Other {
        /// None where there is no server.
        fn open(name: &str) -> Option<Self> {
            let library = library().ok()?;
            let name = CString::new(name).expect("no zero in it");
            // SAFETY: the name is terminated.
            let raw = unsafe { (library.client_open)(name.as_ptr(), NO_START_SERVER, std::ptr::null_mut()) };
            (!raw.is_null()).then_some(Self { library, raw })
        }

        fn activate(&self) {
            // SAFETY: the client is open.
            assert_eq!(unsafe { (self.library.activate)(self.raw) }, 0);
        }

        fn register(&self, name: &str, flags: c_int) -> *mut RawPort {
            let name = CString::new(name).expect("no zero in it");
            // SAFETY: the client is open, the names are terminated.
            let port = unsafe { (self.library.port_register)(self.raw, name.as_ptr(), AUDIO.as_ptr(), flags as _, 0) };
            assert!(!port.is_null());
            port
        }

        fn unregister(&self, port: *mut RawPort) {
            // SAFETY: the client is open and the port its own.
            assert_eq!(unsafe { (self.library.port_unregister)(self.raw, port) }, 0);
        }

        fn close(self) {
            // SAFETY: the client is open, and not used any more.
            unsafe {
                (self.library.deactivate)(self.raw);
                (self.library.client_close)(self.raw);
            }
        }
    }

    /// The next event about this device: it as it comes, or nothing as it goes.
    fn told(events: &Receiver<DeviceEvent>, name: &str) -> Option<DeviceInfo> {
        loop {
            match events.recv_timeout(PATIENCE).expect("an event") {
                DeviceEvent::Added(device) if device.name == name => return Some(device),
                DeviceEvent::Removed(device) if device.name == name => return None,
                // Servers are for other tests too.
                _ => {}
            }
        }
    }

    /// Nobody looks here: see [`LOOK`].
    #[test]
    fn ports_and_clients_that_come_and_go_are_told_at_once_and_once() {
        let name = "passing";
        let Some(other) = Other::open(name) else {
            return println!("skipped: no JACK server");
        };
        let (sender, events) = mpsc::channel();
        let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
        let (second, heard) = mpsc::channel();
        let beside = watch_devices(move |event| drop(second.send(event))).expect("another watcher");
        other.activate();
        let mut slowest = Duration::ZERO;
        let mut next = || {
            let since = Instant::now();
            let device = told(&events, name);
            slowest = slowest.max(since.elapsed());
            assert_eq!(told(&heard, name).is_some(), device.is_some(), "both are told the same");
            device
        };
        for _ in 0..TURNS {
            let ports = ["in", "also", "out"]
                .map(|port| other.register(port, if port == "out" { PORT_IS_OUTPUT } else { PORT_IS_INPUT }));
            let device = next().expect("it comes");
            let listed = crate::devices().expect("a list");
            assert!(listed.iter().any(|other| (&other.id, other.index) == (&device.id, device.index)));
            // It stays as long as it has one port.
            ports.into_iter().for_each(|port| other.unregister(port));
            assert_eq!(next(), None);
        }
        other.register("out", PORT_IS_OUTPUT);
        assert_eq!(next().map(|device| (device.max_input_channels, device.max_output_channels)), Some((1, 0)));
        other.close();
        assert_eq!(next(), None);
        // Ports that are there before their client is active.
        let early = Other::open(name).expect("it was there just now");
        for number in 0..8 {
            early.register(&number.to_string(), PORT_IS_INPUT);
        }
        early.activate();
        assert!(next().is_some());
        early.close();
        assert_eq!(next(), None);
        drop((watcher, beside));
        println!("JACK: told within {} ms", slowest.as_millis());
        // Both threads end, and with them what they tell to; nothing more has been told.
        for events in [events, heard] {
            while let Ok(event) = events.recv_timeout(PATIENCE) {
                assert!(
                    !matches!(event, DeviceEvent::Added(device) | DeviceEvent::Removed(device) if device.name == name)
                );
            }
            assert_eq!(events.recv().err(), Some(mpsc::RecvError));
        }
    }
}
