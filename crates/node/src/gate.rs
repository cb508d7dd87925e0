//! What a stream and JavaScript tell each other.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sounddevice::{DeviceInfo, Finished};

use crate::hub::Place;

/// How long a clock that waits for JavaScript sleeps before it looks again unasked.
const NAP: Duration = Duration::from_millis(50);

/// What both sides know.
pub struct Gate {
    place: Place,
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
    pub fn new(place: Place) -> Arc<Self> {
        Arc::new(Self {
            place,
            interested: AtomicBool::new(false),
            manual: AtomicBool::new(false),
            over: AtomicBool::new(false),
            finished: Mutex::default(),
            moved: Mutex::default(),
            looks: AtomicU64::new(0),
            look: Mutex::default(),
            looked: Condvar::new(),
        })
    }

    /// By this number the facade knows the stream.
    pub fn number(&self) -> u32 {
        self.place.number()
    }

    /// There is something to see. Callable on the audio thread.
    pub fn ask(&self) {
        self.place.ring();
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
        self.place.tell();
    }

    pub fn moved(&self, device: &DeviceInfo) {
        lock(&self.moved).push(device.clone());
        self.place.tell();
    }

    /// What has not been told yet.
    pub fn take_moved(&self) -> Vec<DeviceInfo> {
        std::mem::take(&mut *lock(&self.moved))
    }

    /// JavaScript looks: whatever comes from now on wakes it again.
    pub fn begin_look(&self) -> Option<Finished> {
        self.place.begin();
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

    /// There will be nothing more to tell.
    pub fn close(&self) {
        self.end();
        self.place.leave();
    }
}
