//! A callback on a thread that has no time: blocks go there and come back through memory that both sides know.
//!
//! Call n of the audio thread hands over block n and plays the answer to block n − `ahead`. Whether it waits for an answer
//! that is due, and how long, says the [`Pace`]. An answer that is not there when it is due is silence, and is dropped when
//! it comes; input for which no block is free is dropped. Both are flagged with the next block.

#[cfg(all(test, not(loom)))]
mod test;
mod worker;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

pub use worker::{Wanted, Watch, Worker};

use super::call::{Flow, Status, StreamTime};
use crate::memory::Samples;
use crate::realtime::Flags;
use crate::realtime::stream::{Call, User};
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize};
#[cfg_attr(loom, allow(unused_imports))]
use crate::sync::ring::{Consumer, HeapCons, HeapProd, HeapRb, Producer, Split};
use crate::sync::{Event, Mutex, MutexGuard};

/// How long a waiting audio thread sleeps before it looks again unasked.
const NAP: Duration = Duration::from_millis(20);

/// When answers come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// So many blocks after they were asked for. Nobody waits.
    Ahead(usize),
    /// Within the period: the audio thread waits for them until half of it is left.
    Within,
    /// As with `Ahead`, but time stands still until they are there.
    Still(usize),
}

/// [`Pace`] as a number; 0 before anybody answers.
const AHEAD: u8 = 1;
const WITHIN: u8 = 2;
const STILL: u8 = 3;

/// What both sides share, without its memory: that comes with [`Handoff::attach`].
pub struct Handoff {
    /// Called on the audio thread when a block has been handed over.
    wake: Box<dyn Fn() + Send + Sync>,
    slots: Mutex<Option<Arc<Slots>>>,
    asked: Mutex<Option<HeapCons<u64>>>,
    arriving: Mutex<Option<Work>>,
    /// The audio thread has to take what has arrived.
    arrived: AtomicBool,
    /// Attached blocks belong to a run: who answers one of an earlier run is not heard.
    run: AtomicU64,
    pace: AtomicU8,
    /// Blocks.
    ahead: AtomicUsize,
    /// Of a block.
    frames: AtomicUsize,
    /// Nobody answers any more.
    over: AtomicBool,
    /// The user ends the stream at once.
    verdict: AtomicU8,
    /// The number of the block that is the last to be played, counted from 1; 0 while there is none.
    last: AtomicU64,
    answered: Event,
    /// Blocks of input that were dropped, and of output that came too late.
    lost: [AtomicU64; 2],
    /// Seconds that a block takes to be answered, once it has been taken.
    busy: AtomicU64,
}

impl std::fmt::Debug for Handoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handoff").field("ahead", &self.ahead).finish_non_exhaustive()
    }
}

/// `count` blocks of each direction behind each other.
pub struct Memory {
    /// Input; empty where there is none.
    pub input: Samples,
    /// Output; empty where there is none.
    pub output: Samples,
    /// The byte that is silence in the output.
    pub silence: u8,
}

struct Slots {
    each: Vec<Slot>,
}

/// One block. The audio thread writes it before it asks, and reads the answer after it has come.
#[derive(Default)]
struct Slot {
    /// The number of the last block that was answered, counted from 1.
    answered: AtomicU64,
    answer: AtomicU8,
    flags: AtomicU8,
    adc: AtomicU64,
    current: AtomicU64,
    dac: AtomicU64,
}

/// A block that waits for its answer.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Asked {
    run: u64,
    number: u64,
    /// Which block of the memory it is in.
    pub slot: usize,
    /// `current` is the time of asking.
    pub time: StreamTime,
    /// What went wrong since the block before.
    pub status: Status,
    taken: Instant,
}

impl Asked {
    /// The number of its run.
    pub fn run(&self) -> u64 {
        self.run
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handoff {
    /// `wake` is called on the audio thread: it must do no more than wake another one.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            wake: Box::new(wake),
            slots: Mutex::default(),
            asked: Mutex::default(),
            arriving: Mutex::default(),
            arrived: AtomicBool::new(false),
            run: AtomicU64::new(0),
            pace: AtomicU8::new(0),
            ahead: AtomicUsize::new(0),
            frames: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            verdict: AtomicU8::new(0),
            last: AtomicU64::new(0),
            answered: Event::default(),
            lost: [AtomicU64::new(0), AtomicU64::new(0)],
            busy: AtomicU64::new(0),
        })
    }

    /// The audio thread's side.
    pub(crate) fn user(self: &Arc<Self>) -> Caller {
        Caller { handoff: Arc::clone(self), work: None }
    }

    /// Before each start, while nothing sounds: `count` blocks of `frames` frames.
    ///
    /// # Safety
    /// The memory stays until the stream is closed, and nobody else touches a block between asking and answering.
    pub unsafe fn attach(&self, memory: Memory, count: usize, frames: usize) {
        let slots = Arc::new(Slots { each: (0..count).map(|_| Slot::default()).collect() });
        let (asks, asked) = HeapRb::new(count).split();
        let published = vec![0; count];
        let (number, ahead, pending, due) = (0, 0, 0, 0);
        self.frames.store(frames, Relaxed);
        let work = Work { slots: Arc::clone(&slots), asks, memory, number, published, ahead, pending, due };
        // Together, for who still answers a block of the run before.
        let (mut asked_before, mut slots_before) = (lock(&self.asked), lock(&self.slots));
        *asked_before = Some(asked);
        *slots_before = Some(slots);
        self.run.fetch_add(1, AcqRel);
        self.over.store(false, Release);
        self.verdict.store(0, Release);
        self.last.store(0, Release);
        self.busy.store(0, Relaxed);
        *lock(&self.arriving) = Some(work);
        self.arrived.store(true, Release);
    }

    /// From now on blocks are answered; until then it is silent and nothing is asked. Said once, before or after the start.
    pub fn begin(&self, pace: Pace) {
        let (pace, ahead) = match pace {
            Pace::Ahead(blocks) => (AHEAD, blocks),
            Pace::Within => (WITHIN, 0),
            Pace::Still(blocks) => (STILL, blocks),
        };
        self.ahead.store(ahead, Relaxed);
        self.pace.store(pace, Release);
    }

    /// While nothing sounds: it is silent again until somebody else begins to answer.
    pub fn forget(&self) {
        self.pace.store(0, Release);
    }

    /// Whether somebody answers.
    pub fn has_begun(&self) -> bool {
        self.pace.load(Acquire) != 0
    }

    /// Blocks between asking and playing, once somebody answers.
    pub(super) fn ahead(&self) -> Option<usize> {
        self.has_begun().then(|| self.ahead.load(Relaxed))
    }

    /// Whether the audio thread may be waiting for an answer.
    fn is_waited_for(&self) -> bool {
        self.pace.load(Acquire) > AHEAD
    }

    /// The next block to be answered.
    pub fn next(&self) -> Option<Asked> {
        let mut asked = lock(&self.asked);
        let number = asked.as_mut()?.try_pop()?;
        let (slots, run) = (lock(&self.slots).clone()?, self.run.load(Acquire));
        drop(asked);
        let index = (number % slots.each.len() as u64) as usize;
        let slot = &slots.each[index];
        let seconds = |bits: &AtomicU64| f64::from_bits(bits.load(Relaxed));
        let time = StreamTime {
            input_adc: seconds(&slot.adc),
            current: seconds(&slot.current),
            output_dac: seconds(&slot.dac),
        };
        Some(Asked { run, number, slot: index, time, status: Status(slot.flags.load(Relaxed)), taken: Instant::now() })
    }

    /// Gives a block back. `Complete`: it is the last to be played. `Abort`: the stream ends at once.
    pub fn answer(&self, asked: &Asked, flow: Flow) {
        let slots = lock(&self.slots);
        let Some(slots) = slots.as_ref().filter(|_| self.run.load(Acquire) == asked.run) else {
            return;
        };
        if flow != Flow::Continue {
            self.verdict.fetch_max(flow as u8, AcqRel);
        }
        if flow == Flow::Complete {
            let _ = self.last.compare_exchange(0, asked.number + 1, AcqRel, Acquire);
        }
        let (busy, before) = (asked.taken.elapsed().as_secs_f64(), self.busy());
        self.busy.store((before + (busy - before) / 16.0).to_bits(), Relaxed);
        let slot = &slots.each[asked.slot];
        slot.answer.store(flow as u8, Relaxed);
        slot.answered.store(asked.number + 1, Release);
        if self.is_waited_for() {
            self.answered.signal();
        }
    }

    /// Nobody will answer any more: an audio thread that waits goes on.
    pub fn end(&self) {
        self.over.store(true, Release);
        self.answered.signal();
    }

    /// Seconds that a block of this run takes to be answered once it has been taken, smoothed.
    pub fn busy(&self) -> f64 {
        f64::from_bits(self.busy.load(Relaxed))
    }

    /// Blocks of input that were dropped, and of output that came too late.
    pub fn lost(&self) -> [u64; 2] {
        [self.lost[0].load(Relaxed), self.lost[1].load(Relaxed)]
    }
}

/// The audio thread's side.
pub(crate) struct Caller {
    handoff: Arc<Handoff>,
    work: Option<Work>,
}

struct Work {
    slots: Arc<Slots>,
    asks: HeapProd<u64>,
    memory: Memory,
    /// The number of the next block, and the numbers of the last ones that were handed over, counted from 1.
    number: u64,
    published: Vec<u64>,
    /// Blocks ahead.
    ahead: u64,
    /// Flags to be told with the next block.
    pending: u8,
    /// The next answer to be played.
    due: u64,
}

impl Caller {
    fn take(&mut self) {
        if !self.handoff.arrived.load(Acquire) {
            return;
        }
        // Nobody holds it: memory is attached while nothing sounds.
        let Ok(mut arriving) = self.handoff.arriving.try_lock() else {
            return;
        };
        if let Some(work) = arriving.take() {
            self.work = Some(work);
        }
        self.handoff.arrived.store(false, Release);
    }
}

impl User for Caller {
    fn prepare(&mut self) {
        // On the control thread: what the last run used is freed here.
        self.work = None;
    }

    fn ahead(&self) -> usize {
        self.handoff.frames.load(Relaxed) * self.handoff.ahead.load(Relaxed)
    }

    fn pending(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.ahead > 0 && work.is_there(work.due))
    }

    fn call(&mut self, call: Call<'_>) -> Flow {
        self.take();
        let Some(work) = &mut self.work else {
            return Flow::Continue;
        };
        let handoff = &*self.handoff;
        let pace = handoff.pace.load(Acquire);
        if pace == 0 {
            return Flow::Continue;
        }
        work.ahead = handoff.ahead.load(Relaxed) as u64;
        if handoff.verdict.load(Acquire) == Flow::Abort as u8 {
            return Flow::Abort;
        }
        let number = work.number;
        work.number += 1;
        if !call.draining {
            work.ask(number, &call, handoff);
            if pace > AHEAD {
                work.wait(number, (pace == WITHIN).then_some(call.half), handoff);
            }
        }
        let verdict = handoff.verdict.load(Acquire);
        if verdict == Flow::Abort as u8 {
            return Flow::Abort;
        }
        if call.output.is_empty() {
            return if verdict == Flow::Complete as u8 { Flow::Complete } else { Flow::Continue };
        }
        if number < work.ahead {
            return Flow::Continue;
        }
        work.play(call.output, call.draining, handoff)
    }
}

impl Work {
    fn slot(&self, number: u64) -> (usize, &Slot) {
        let index = (number % self.slots.each.len() as u64) as usize;
        (index, &self.slots.each[index])
    }

    /// Whether this block was handed over and has been answered.
    fn is_there(&self, number: u64) -> bool {
        let (index, slot) = self.slot(number);
        self.published[index] == number + 1 && slot.answered.load(Acquire) == number + 1
    }

    /// Hands a block over if one is free.
    fn ask(&mut self, number: u64, call: &Call<'_>, handoff: &Handoff) {
        let index = (number % self.slots.each.len() as u64) as usize;
        let slot = &self.slots.each[index];
        let free = slot.answered.load(Acquire) == self.published[index];
        let flags = call.status.0 | std::mem::take(&mut self.pending);
        if !free {
            self.pending = flags;
            if !call.input.is_empty() {
                self.pending |= Flags::INPUT_OVERFLOW.0;
                handoff.lost[0].fetch_add(1, Relaxed);
            }
            return;
        }
        slot.flags.store(flags, Relaxed);
        slot.adc.store(call.time.input_adc.to_bits(), Relaxed);
        slot.current.store(call.time.current.to_bits(), Relaxed);
        slot.dac.store(call.time.output_dac.to_bits(), Relaxed);
        let Memory { input, output, silence } = &mut self.memory;
        let bytes = call.input.len();
        input.bytes_mut()[index * bytes..(index + 1) * bytes].copy_from_slice(call.input);
        let bytes = call.output.len();
        output.bytes_mut()[index * bytes..(index + 1) * bytes].fill(*silence);
        self.published[index] = number + 1;
        // There is room: no more blocks are under way than there are slots.
        let _ = self.asks.try_push(number);
        (handoff.wake)();
    }

    /// Until it is answered, or nobody will, or it is late.
    fn wait(&self, number: u64, end: Option<Instant>, handoff: &Handoff) {
        let slot = self.slot(number).1;
        loop {
            let seen = handoff.answered.seen();
            if slot.answered.load(Acquire) == number + 1 || handoff.over.load(Acquire) {
                return;
            }
            let left = end.map_or(NAP, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return;
            }
            handoff.answered.wait(seen, left);
        }
    }

    fn play(&mut self, output: &mut [u8], draining: bool, handoff: &Handoff) -> Flow {
        let due = self.due;
        self.due += 1;
        // It came too late to be played.
        if (1..=due).contains(&handoff.last.load(Acquire)) {
            return Flow::Complete;
        }
        if !self.is_there(due) {
            if draining || handoff.over.load(Acquire) {
                return Flow::Continue;
            }
            self.pending |= Flags::OUTPUT_UNDERFLOW.0;
            handoff.lost[1].fetch_add(1, Relaxed);
            return Flow::Continue;
        }
        let (index, slot) = self.slot(due);
        let answer = slot.answer.load(Relaxed);
        // It may have come since the verdict was looked at.
        if answer == Flow::Abort as u8 {
            return Flow::Abort;
        }
        let bytes = output.len();
        output.copy_from_slice(&self.memory.output.bytes()[index * bytes..(index + 1) * bytes]);
        if answer == Flow::Complete as u8 { Flow::Complete } else { Flow::Continue }
    }
}
