//! How the native threads of a stream wake JavaScript: through a thread of its own, once for all that there is to see.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use napi::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use sounddevice::stream::bell::Bell;
use sounddevice::stream::handoff::{Watch, Worker};
use sounddevice::{DeviceInfo, Finished, Result};

/// How long a clock that waits for JavaScript sleeps before it looks again unasked.
const NAP: Duration = Duration::from_millis(50);

/// How often a thread that answers is watched.
const WATCHED: Duration = Duration::from_millis(150);

// Weak: it is the facade that says whether a stream keeps the process alive.
pub type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// What both sides know.
#[derive(Default)]
pub struct Gate {
    bell: Bell,
    /// JavaScript waits for input or for room.
    interested: AtomicBool,
    /// Time waits for JavaScript.
    manual: AtomicBool,
    /// It does not any more.
    over: AtomicBool,
    finished: Mutex<Vec<Finished>>,
    /// Devices on which it goes on.
    moved: Mutex<Vec<DeviceInfo>>,
    /// How often JavaScript has looked at everything.
    looks: AtomicU64,
    look: Mutex<()>,
    looked: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// Starts the thread that wakes JavaScript, and watches the one that answers, if there is one.
    pub fn new(wake: Wake, worker: Option<Arc<Worker>>) -> Result<Arc<Self>> {
        let gate = Arc::new(Self::default());
        let own = Arc::clone(&gate);
        let body = move || {
            let mut watch = Watch::default();
            let wake = || {
                wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            };
            own.bell.dispatch(wake, || match worker.as_ref().filter(|worker| worker.realtime()) {
                Some(worker) => {
                    thread::park_timeout(WATCHED);
                    worker.watch(&mut watch);
                }
                None => thread::park(),
            });
        };
        thread::Builder::new().name("sound wake".into()).stack_size(1 << 17).spawn(body).map_err(|error| {
            sounddevice::Error::new(sounddevice::ErrorKind::Host, format!("No thread for the stream: {error}"))
        })?;
        Ok(gate)
    }

    /// There is something to see. Callable on the audio thread.
    pub fn ask(&self) {
        self.bell.ring();
    }

    /// After each period, on the audio thread. A clock that only JavaScript moves lets it look before it goes on.
    pub fn period(&self) {
        if !self.interested.load(Acquire) {
            return;
        }
        let before = self.looks.load(Acquire);
        self.ask();
        if !self.manual.load(Acquire) {
            return;
        }
        let mut look = lock(&self.look);
        let waits = || self.looks.load(Acquire) == before && self.interested.load(Acquire) && !self.over.load(Acquire);
        while waits() {
            look = self.looked.wait_timeout(look, NAP).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub fn finished(&self, finished: Finished) {
        lock(&self.finished).push(finished);
        self.ask();
    }

    pub fn moved(&self, device: &DeviceInfo) {
        lock(&self.moved).push(device.clone());
        self.ask();
    }

    /// What has not been told yet.
    pub fn take_moved(&self) -> Vec<DeviceInfo> {
        std::mem::take(&mut *lock(&self.moved))
    }

    /// JavaScript looks: whatever comes from now on wakes it again.
    pub fn begin_look(&self) -> Option<Finished> {
        self.bell.begin();
        let mut finished = lock(&self.finished);
        if finished.is_empty() { None } else { Some(finished.remove(0)) }
    }

    /// JavaScript has seen everything, and waits for more or does not.
    pub fn end_look(&self, interested: bool) {
        self.interested.store(interested, Release);
        self.looks.fetch_add(1, AcqRel);
        let _look = lock(&self.look);
        self.looked.notify_all();
    }

    /// Before a run.
    pub fn begin(&self, manual: bool) {
        self.manual.store(manual, Release);
        self.over.store(false, Release);
    }

    /// Nobody will look any more in this run: a clock that waits goes on.
    pub fn end(&self) {
        self.over.store(true, Release);
        let _look = lock(&self.look);
        self.looked.notify_all();
    }

    /// The thread ends.
    pub fn close(&self) {
        self.end();
        self.bell.close();
    }
}
