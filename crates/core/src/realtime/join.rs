//! One engine out of two streams with two callbacks: the output drives, the input follows through a ring.
//!
//! What was captured waits in the ring until the output's callback takes it. The ring holds as little as goes well:
//!
//! - The engine starts when as many frames are there as the first period takes; what is older is discarded.
//! - A shortage gives what there is, then silence, with a flag, and `keep`, what should be left over after each period,
//!   grows by what was missing. Not while the streams start or after a stall: those teach nothing. After some quiet
//!   seconds it is halved again.
//! - What was left over at least, over a quarter of a second, is pure delay: what of it exceeds `keep` is dropped, with a
//!   flag.
//!
//! Long periods are asked for by those who want safety: with them a whole period is kept, and only more than a period is
//! dropped.

use std::sync::{Arc, PoisonError};

use super::{Engine, Flags, Flow, Period, Times};
use crate::backend::{Clock, OpenSide, StreamInfo};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
#[cfg_attr(loom, allow(unused_imports))]
use crate::sync::ring::{Consumer, HeapCons, HeapProd, HeapRb, Observer, Producer, Split};

#[cfg(test)]
mod test;

/// Seconds that the ring holds.
const HELD: f64 = 1.0;
/// Seconds that captured frames wait at low latencies: three periods of 128 frames.
const WAITING: f64 = 0.008;
/// Frames of a period that the engine is given at a time.
const LONGEST: usize = 8192;
/// Periods of capture that may wait with their times.
const MARKS: usize = 1024;
/// Seconds over which the least fill is taken.
const WINDOW: f64 = 0.25;
/// Seconds after the start in which a shortage teaches nothing.
const STARTING: f64 = 0.2;
/// The same after a stall.
const RECOVERING: f64 = 0.1;
/// Seconds without shortage after which `keep` is halved.
const QUIET: f64 = 2.5;
/// Seconds that the output waits for the first input before it goes on without.
const PATIENCE: f64 = 1.0;
/// Seconds; capture periods from here on are long ones.
const LONG: f64 = 0.01;

/// Of a latency that both halves shall have together, in seconds, what the output's own buffer may have.
pub(crate) fn left_to_output(latency: f64) -> f64 {
    (latency - WAITING).max(latency / 2.0)
}

/// The two halves, capture first. The capture stream is opened first and started first.
pub(crate) fn pair(engine: Box<dyn Engine>) -> (Box<dyn Engine>, Box<dyn Engine>) {
    let shared = Arc::new(Shared { finished: AtomicBool::new(false), input: Mutex::new(None) });
    let capture = Capture { shared: Arc::clone(&shared), writer: None, pushed: 0, frame_bytes: 1, lost: false };
    (Box::new(capture), Box::new(Playback { engine, shared, joint: None }))
}

struct Shared {
    /// The engine wants no more.
    finished: AtomicBool,
    /// What the capture half leaves for the playback half, between their `prepare`s.
    input: Mutex<Option<Input>>,
}

struct Input {
    side: OpenSide,
    period: usize,
    clock: Clock,
    samples: HeapCons<u8>,
    marks: HeapCons<Mark>,
}

/// When a frame was captured, and what went wrong before it.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    frame: u64,
    adc: f64,
    flags: Flags,
}

struct Capture {
    shared: Arc<Shared>,
    writer: Option<(HeapProd<u8>, HeapProd<Mark>)>,
    /// Frames pushed so far.
    pushed: u64,
    frame_bytes: usize,
    /// Something did not fit since the last mark.
    lost: bool,
}

impl Engine for Capture {
    fn prepare(&mut self, info: &StreamInfo) {
        let Some(side) = info.input else {
            return;
        };
        self.frame_bytes = side.format.bytes() * usize::from(side.channels);
        let held = (info.sample_rate * HELD) as usize + 2 * info.period;
        let (samples, taken) = HeapRb::new(held * self.frame_bytes).split();
        let (marks, read) = HeapRb::new(MARKS).split();
        self.writer = Some((samples, marks));
        let input = Input { side, period: info.period, clock: info.clock.clone(), samples: taken, marks: read };
        *self.shared.input.lock().unwrap_or_else(PoisonError::into_inner) = Some(input);
    }

    fn process(&mut self, period: &mut Period<'_>) -> Flow {
        if self.shared.finished.load(Ordering::Acquire) {
            return Flow::Finished;
        }
        let Some((samples, marks)) = &mut self.writer else {
            return Flow::Continue;
        };
        let room = samples.vacant_len() / self.frame_bytes;
        let frames = period.frames.min(room);
        let overflow = if self.lost { Flags::INPUT_OVERFLOW } else { Flags::default() };
        let mark = Mark { frame: self.pushed, adc: period.times.adc, flags: period.flags.with(overflow) };
        self.lost = marks.try_push(mark).is_err() && mark.flags != Flags::default();
        samples.push_slice(&period.input[..frames * self.frame_bytes]);
        self.pushed += frames as u64;
        self.lost |= frames < period.frames;
        Flow::Continue
    }
}

struct Playback {
    engine: Box<dyn Engine>,
    shared: Arc<Shared>,
    joint: Option<Joint>,
}

/// The reading side of the ring, with the rules above.
struct Joint {
    input: Input,
    rate: f64,
    frame_bytes: usize,
    silence: u8,
    out_frame_bytes: usize,
    out_silence: u8,
    clock: Clock,
    /// One period of input.
    block: Vec<u8>,
    /// The newest mark at or before the frame to be read next, and that frame.
    mark: Mark,
    next: u64,
    /// Frames that should be left over after a period.
    keep: usize,
    base: usize,
    primed: bool,
    /// The least that was left over in this window.
    low: usize,
    window: f64,
    last: f64,
    shortage: f64,
    /// Until then shortages teach nothing.
    learns_from: f64,
    first: Option<f64>,
    /// Where input is never dropped: frames that are to be given without an output, and where that output goes.
    excess: usize,
    dropped: Vec<u8>,
}

impl Joint {
    fn new(input: Input, info: &StreamInfo, never_drops: bool) -> Self {
        let (side, rate) = (input.side, info.sample_rate);
        let frame_bytes = side.format.bytes() * usize::from(side.channels);
        let long = input.period as f64 / rate >= LONG;
        let base = if long { input.period } else { 0 };
        let (out_frame_bytes, out_silence) = info
            .output
            .map_or((1, 0), |side| (side.format.bytes() * usize::from(side.channels), side.format.silence()));
        Self {
            rate,
            frame_bytes,
            silence: side.format.silence(),
            out_frame_bytes,
            out_silence,
            clock: info.clock.clone(),
            block: vec![side.format.silence(); LONGEST * frame_bytes],
            mark: Mark::default(),
            next: 0,
            keep: base,
            base,
            primed: false,
            low: usize::MAX,
            window: 0.0,
            last: 0.0,
            shortage: 0.0,
            learns_from: 0.0,
            first: None,
            excess: 0,
            dropped: if never_drops { vec![out_silence; LONGEST * out_frame_bytes] } else { Vec::new() },
            input,
        }
    }

    fn fill(&self) -> usize {
        self.input.samples.occupied_len() / self.frame_bytes
    }

    fn discard(&mut self, frames: usize) {
        let skipped = self.input.samples.skip(frames * self.frame_bytes) / self.frame_bytes;
        self.next += skipped as u64;
    }

    /// Whether the engine can start: `frames` and what should be kept are there. What is older goes.
    fn prime(&mut self, frames: usize, times: &Times) -> bool {
        let first = *self.first.get_or_insert(times.now);
        let fill = self.fill();
        let wanted = frames + self.keep;
        if fill < wanted && times.now - first < PATIENCE {
            return false;
        }
        self.discard(fill.saturating_sub(wanted));
        // Whatever was lost before the beginning is nobody's loss.
        let _ = self.flags();
        self.primed = true;
        self.window = times.now;
        self.last = times.now;
        self.shortage = times.now;
        self.learns_from = times.now + STARTING;
        true
    }

    /// The flags of everything up to the next frame.
    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(mark) = self.input.marks.try_peek().copied().filter(|mark| mark.frame <= self.next) {
            flags = flags.with(mark.flags);
            self.mark = mark;
            self.input.marks.skip(1);
        }
        flags
    }

    /// Before anything is taken: notices stalls, and what is pure delay. A stall does not end the window: where one comes
    /// in every window, on a machine that is too busy, what piles up must go all the same.
    fn attend(&mut self, frames: usize, times: &Times) -> Flags {
        let duration = frames as f64 / self.rate;
        if times.now - self.last > (4.0 * duration).max(0.03) {
            self.learns_from = times.now + RECOVERING;
        }
        self.last = times.now;
        self.trim(frames, times.now)
    }

    /// Fills the block with the next `frames` frames; returns their flags and when the first was captured.
    fn take(&mut self, frames: usize, times: &Times) -> (Flags, f64) {
        // Before the marks are looked at: those of the frames that are there by now are there too.
        let fill = self.fill();
        let mut flags = self.flags();
        let adc = self.captured_at(times);
        let there = frames.min(fill);
        let bytes = there * self.frame_bytes;
        self.input.samples.pop_slice(&mut self.block[..bytes]);
        self.next += there as u64;
        if there < frames {
            self.block[bytes..frames * self.frame_bytes].fill(self.silence);
            flags = flags.with(Flags::INPUT_UNDERFLOW);
            if times.now > self.learns_from {
                self.keep = (self.keep + frames - there).min(self.base + 2 * frames.max(64));
            }
            self.shortage = times.now;
            self.low = 0;
        } else {
            self.low = self.low.min(fill - frames);
        }
        (flags, adc)
    }

    /// At the end of a window: drops what is pure delay.
    fn trim(&mut self, frames: usize, now: f64) -> Flags {
        if now - self.window <= WINDOW {
            return Flags::default();
        }
        let excess = if self.low == usize::MAX { 0 } else { self.low.saturating_sub(self.keep) };
        let tolerated = if self.base == 0 { frames / 8 } else { frames + self.base };
        self.low = usize::MAX;
        self.window = now;
        if now - self.shortage > QUIET && self.keep > self.base {
            self.keep -= (self.keep - self.base).div_ceil(2);
            self.shortage = now;
        }
        if excess <= tolerated {
            return Flags::default();
        }
        if self.dropped.is_empty() {
            self.discard(excess);
            return Flags::INPUT_OVERFLOW;
        }
        self.excess = excess;
        Flags::default()
    }

    /// Gives input that came too late to be answered; what is made of it is dropped.
    fn late(&mut self, engine: &mut dyn Engine, times: &Times) -> Flow {
        let frames = self.excess.min(LONGEST);
        self.excess -= frames;
        let (captured, adc) = self.take(frames, times);
        engine.process(&mut Period {
            frames,
            input: &self.block[..frames * self.frame_bytes],
            output: &mut self.dropped[..frames * self.out_frame_bytes],
            times: Times { adc, ..*times },
            flags: captured.with(Flags::OUTPUT_OVERFLOW),
        })
    }

    /// When the next frame was captured, on the output's clock.
    fn captured_at(&self, times: &Times) -> f64 {
        let adc = self.mark.adc + (self.next as f64 - self.mark.frame as f64) / self.rate;
        let shift = if self.clock.same(&self.input.clock) { 0.0 } else { times.now - self.input.clock.now() };
        (adc + shift).min(times.now)
    }
}

impl Engine for Playback {
    fn prepare(&mut self, info: &StreamInfo) {
        let input = self.shared.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        let info = StreamInfo { input: input.as_ref().map(|input| input.side), ..info.clone() };
        self.joint = input.map(|input| Joint::new(input, &info, self.engine.never_drops_input()));
        self.engine.prepare(&info);
    }

    fn process(&mut self, period: &mut Period<'_>) -> Flow {
        let Some(joint) = &mut self.joint else {
            return Flow::Continue;
        };
        if !joint.primed && !joint.prime(period.frames.min(LONGEST), &period.times) {
            period.output.fill(joint.out_silence);
            return Flow::Continue;
        }
        let mut done = 0;
        let mut flags = period.flags;
        while done < period.frames {
            let frames = (period.frames - done).min(LONGEST);
            let later = done as f64 / joint.rate;
            let times = &period.times;
            let trimmed = joint.attend(frames, times);
            while joint.excess > 0 {
                if joint.late(&mut *self.engine, times) == Flow::Finished {
                    period.output[done * joint.out_frame_bytes..].fill(joint.out_silence);
                    self.shared.finished.store(true, Ordering::Release);
                    return Flow::Finished;
                }
            }
            let (captured, adc) = joint.take(frames, times);
            let output = &mut period.output[done * joint.out_frame_bytes..][..frames * joint.out_frame_bytes];
            let mut part = Period {
                frames,
                input: &joint.block[..frames * joint.frame_bytes],
                output,
                times: Times { adc, dac: period.times.dac + later, now: period.times.now },
                flags: flags.with(captured).with(trimmed),
            };
            if self.engine.process(&mut part) == Flow::Finished {
                period.output[(done + frames) * joint.out_frame_bytes..].fill(joint.out_silence);
                self.shared.finished.store(true, Ordering::Release);
                return Flow::Finished;
            }
            flags = Flags::default();
            done += frames;
        }
        Flow::Continue
    }

    fn tick(&mut self, now: f64) -> Flow {
        self.engine.tick(now)
    }
}
