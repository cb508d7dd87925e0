//! How the native threads of all streams of an environment wake JavaScript: through one thread, which is there as long as there
//! are streams, once for all that there is to see.

use std::cell::RefCell;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status, sys};
use napi_derive::napi;
use sounddevice::stream::bell::Bell;
use sounddevice::stream::handoff::{Watch, Worker};

use crate::error::throw;

/// There is something to see.
const RUNG: u8 = 1;
/// There is more than blocks, input and room: the end of a run, or another device.
const NEWS: u8 = 2;

/// How often threads that answer are watched.
const WATCHED: Duration = Duration::from_millis(150);

// Weak: it is the facade that says whether a stream keeps the process alive.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

#[derive(Default)]
struct Hub {
    bell: Bell,
    streams: Mutex<Streams>,
}

#[derive(Default)]
struct Streams {
    all: Vec<Entry>,
    /// The last one has left, and the thread with it.
    closed: bool,
}

struct Entry {
    number: u32,
    rung: Arc<AtomicU8>,
    /// Who answers its blocks, where that is a thread of its own.
    worker: Option<(Arc<Worker>, Watch)>,
}

/// A stream's place: from where it wakes JavaScript.
pub struct Place {
    hub: Arc<Hub>,
    number: u32,
    rung: Arc<AtomicU8>,
}

thread_local! {
    /// That of each environment of this thread.
    static HUBS: RefCell<Vec<(sys::napi_env, Weak<Hub>)>> = const { RefCell::new(Vec::new()) };
}

impl Hub {
    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing if its thread has ended.
    fn enter(self: &Arc<Self>, worker: Option<Arc<Worker>>, number: u32) -> Option<Place> {
        let mut streams = self.streams();
        if streams.closed {
            return None;
        }
        let rung = Arc::new(AtomicU8::new(0));
        let worker = worker.map(|worker| (worker, Watch::default()));
        streams.all.push(Entry { number, rung: Arc::clone(&rung), worker });
        Some(Place { hub: Arc::clone(self), number, rung })
    }

    /// Until something is rung for; where threads with real-time priority answer, for a while only.
    fn sleep(&self) {
        let watched = |entry: &Entry| entry.worker.as_ref().is_some_and(|(worker, _)| worker.realtime());
        if !self.streams().all.iter().any(watched) {
            return thread::park();
        }
        thread::park_timeout(WATCHED);
        for (worker, watch) in self.streams().all.iter_mut().filter_map(|entry| entry.worker.as_mut()) {
            worker.watch(watch);
        }
    }

    fn start(self: Arc<Self>, wake: Wake) -> std::io::Result<()> {
        let body = move || {
            let wake = || {
                wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            };
            self.bell.dispatch(wake, || self.sleep());
        };
        thread::Builder::new().name("sound wake".into()).stack_size(1 << 17).spawn(body).map(drop)
    }
}

fn hub_of(env: &Env) -> Option<Arc<Hub>> {
    let this = env.raw();
    HUBS.with_borrow(|all| all.iter().find(|(env, _)| *env == this).and_then(|(_, hub)| hub.upgrade()))
}

impl Place {
    /// A place for one more stream. `wake` is the same for all of an environment; `worker` answers its blocks, if there is one.
    pub fn new(env: &Env, wake: &Function<'_, (), ()>, worker: Option<Arc<Worker>>) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Relaxed);
        if let Some(place) = hub_of(env).and_then(|hub| hub.enter(worker.clone(), number)) {
            return Ok(place);
        }
        let wake: Wake = wake.build_threadsafe_function().weak::<true>().build()?;
        let hub = Arc::<Hub>::default();
        let place = hub.enter(worker, number);
        Arc::clone(&hub).start(wake).map_err(|error| {
            let message = format!("No thread for the stream: {error}");
            throw(env, sounddevice::Error::new(sounddevice::ErrorKind::Host, message))
        })?;
        HUBS.with_borrow_mut(|all| {
            all.retain(|(other, hub)| *other != env.raw() && hub.strong_count() > 0);
            all.push((env.raw(), Arc::downgrade(&hub)));
        });
        Ok(place.expect("nobody has closed it"))
    }

    /// By this number the facade knows the stream.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// There is something to see. Callable on the audio thread.
    pub fn ring(&self) {
        self.rung.fetch_or(RUNG, Release);
        self.hub.bell.ring();
    }

    /// The run has ended, or goes on with another device.
    pub fn tell(&self) {
        self.rung.fetch_or(RUNG | NEWS, Release);
        self.hub.bell.ring();
    }

    /// JavaScript looks: whatever comes from now on wakes it again.
    pub fn begin(&self) {
        self.rung.swap(0, AcqRel);
    }

    /// Nothing more to see. With the last stream the thread ends.
    pub fn leave(&self) {
        let mut streams = self.hub.streams();
        streams.all.retain(|entry| entry.number != self.number);
        if streams.all.is_empty() {
            streams.closed = true;
            self.hub.bell.close();
        }
    }
}

/// JavaScript has been woken and begins to look: of the streams that have something to show, twice their number, and 1 more
/// where that is the end of a run, or another device.
#[napi]
pub fn rung_streams(env: Env) -> Vec<u32> {
    let Some(hub) = hub_of(&env) else { return Vec::new() };
    hub.bell.begin();
    let streams = hub.streams();
    let shown = |entry: &Entry| match entry.rung.swap(0, AcqRel) {
        0 => None,
        bits => Some(entry.number * 2 + u32::from(bits & NEWS != 0)),
    };
    streams.all.iter().filter_map(shown).collect()
}
