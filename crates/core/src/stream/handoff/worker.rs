//! A thread that does nothing but answer: it sleeps until a block comes, or somebody else wants it.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::{Asked, Handoff, Pace};
use crate::backend::priority;
use crate::stream::Flow;
use crate::sync::Event;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};

/// How long an answer may take before the thread's priority is taken from it.
const STUCK: Duration = Duration::from_millis(300);

/// What the thread is to do next.
#[derive(Debug)]
pub enum Wanted {
    /// To answer a block.
    Block(Asked),
    /// To look after its other duties: somebody called, or the time is up.
    Turn,
    /// No run goes on: to wait elsewhere for the next one.
    Rest,
    /// There will be none.
    End,
}

/// What the thread and those who want something of it share.
#[derive(Debug)]
pub struct Worker {
    handoff: OnceLock<Arc<Handoff>>,
    called: Arc<Event>,
    /// A run goes on.
    running: AtomicBool,
    /// Somebody wants the thread to look after its other duties.
    nudged: AtomicBool,
    closed: AtomicBool,
    raised: AtomicBool,
    /// Number of the thread.
    thread: AtomicU32,
    /// The audio thread's priority, once known in this run; at least 1.
    below: AtomicU32,
    /// Flags of blocks since somebody asked.
    flags: AtomicU8,
    /// Blocks taken and answered: odd while one is being answered.
    steps: AtomicU64,
    /// Its priority has been taken from it.
    lowered: AtomicBool,
    /// How long blocks waited before they were begun.
    waits: [AtomicU32; WAITS],
}

/// So many classes, of which each is a fifth longer than the one before it; the first one ends at a microsecond.
const WAITS: usize = 80;
const LONGER: f64 = 1.2;

impl Worker {
    /// With the hand-off that it answers.
    pub fn new() -> (Arc<Self>, Arc<Handoff>) {
        let called = Arc::new(Event::default());
        let worker = Arc::new(Self {
            handoff: OnceLock::new(),
            called: Arc::clone(&called),
            running: AtomicBool::new(false),
            nudged: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            raised: AtomicBool::new(false),
            thread: AtomicU32::new(0),
            below: AtomicU32::new(0),
            flags: AtomicU8::new(0),
            steps: AtomicU64::new(0),
            lowered: AtomicBool::new(false),
            waits: std::array::from_fn(|_| AtomicU32::new(0)),
        });
        let handoff = Handoff::new(move || called.signal());
        let _ = worker.handoff.set(Arc::clone(&handoff));
        (worker, handoff)
    }

    fn handoff(&self) -> &Handoff {
        self.handoff.get().expect("`new` sets it")
    }

    /// On the thread itself, before it begins: asks for real-time priority. It will have something to do every `seconds`.
    pub fn raise(&self, seconds: f64) -> bool {
        let raised = priority::raise_helper(seconds);
        self.thread.store(priority::current_thread(), Release);
        self.raised.store(raised, Release);
        raised
    }

    /// Whether the thread has real-time priority.
    pub fn realtime(&self) -> bool {
        self.raised.load(Acquire)
    }

    /// The thread is ready.
    pub fn begin(&self, pace: Pace) {
        self.handoff().begin(pace);
    }

    /// On the thread: sleeps until something is wanted of it, or until `end`. `audio` is the priority of the audio thread.
    pub fn wait(&self, end: Instant, audio: impl Fn() -> u32) -> Wanted {
        loop {
            let seen = self.called.seen();
            if self.closed.load(Acquire) {
                return Wanted::End;
            }
            if self.nudged.swap(false, AcqRel) {
                return Wanted::Turn;
            }
            if let Some(asked) = self.handoff().next() {
                self.keep_below(audio);
                self.steps.fetch_add(1, Release);
                self.flags.fetch_or(asked.status.bits(), AcqRel);
                return Wanted::Block(asked);
            }
            if !self.running.load(Acquire) {
                return Wanted::Rest;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Wanted::Turn;
            }
            self.called.wait(seen, left);
        }
    }

    /// On the thread: a block is begun so many seconds after it was asked for.
    pub fn waited(&self, seconds: f64) {
        let class = (seconds * 1e6).max(1.0).log(LONGER).ceil() as usize;
        self.waits[class.min(WAITS - 1)].fetch_add(1, Relaxed);
    }

    /// How many blocks waited how long at most, in seconds, since this was last asked.
    pub fn take_waits(&self) -> Vec<(f64, u32)> {
        let class = |(class, count): (usize, &AtomicU32)| (LONGER.powi(class as i32) * 1e-6, count.swap(0, Relaxed));
        self.waits.iter().enumerate().map(class).collect()
    }

    /// On the thread: gives a block back.
    pub fn answer(&self, asked: &Asked, flow: Flow) {
        self.handoff().answer(asked, flow);
        self.steps.fetch_add(1, Release);
    }

    fn keep_below(&self, audio: impl Fn() -> u32) {
        if !self.raised.load(Relaxed) {
            return;
        }
        if self.lowered.swap(false, AcqRel) {
            priority::raise_helper(0.0);
            self.below.store(0, Relaxed);
        }
        // Once per run: the audio thread has told before it asks.
        if self.below.load(Relaxed) == 0 {
            let audio = audio();
            self.below.store(audio.max(1), Relaxed);
            if audio > 0 {
                priority::below(audio);
            }
        }
    }

    /// Anybody: the thread is to look after its other duties as soon as it has answered what it has.
    pub fn nudge(&self) {
        self.nudged.store(true, Release);
        self.called.signal();
    }

    /// Before a run.
    pub fn run(&self) {
        self.below.store(0, Relaxed);
        self.running.store(true, Release);
    }

    /// A run is over.
    pub fn rest(&self) {
        self.running.store(false, Release);
        self.called.signal();
    }

    /// For good. A thread that does not come back is in nobody's way.
    pub fn close(&self) {
        self.closed.store(true, Release);
        self.called.signal();
        if !self.steps.load(Acquire).is_multiple_of(2) {
            self.lower();
        }
    }

    /// The thread ends: its number may soon be another's.
    pub fn leave(&self) {
        self.thread.store(0, Release);
    }

    fn lower(&self) {
        let thread = self.thread.load(Acquire);
        if thread != 0 && self.raised.load(Acquire) && !self.lowered.swap(true, AcqRel) {
            priority::lower(thread);
        }
    }

    /// Flags of the blocks since this was last asked.
    pub fn take_flags(&self) -> u8 {
        self.flags.swap(0, AcqRel)
    }

    /// Now and then, on a thread without priority: takes its own from a thread that never comes back, so that the program
    /// stays controllable. The thread gets it back with the next block that it takes.
    pub fn watch(&self, watch: &mut Watch) {
        let steps = self.steps.load(Acquire);
        if steps != watch.steps || steps.is_multiple_of(2) {
            *watch = Watch { steps, since: Instant::now() };
        } else if watch.since.elapsed() > STUCK {
            self.lower();
        }
    }
}

/// What a watching thread remembers.
#[derive(Debug)]
pub struct Watch {
    steps: u64,
    since: Instant,
}

impl Default for Watch {
    fn default() -> Self {
        Self { steps: 0, since: Instant::now() }
    }
}
