//! The user of a stream without callback: rings that are read from and written to on other threads.

use std::sync::atomic::Ordering::Acquire;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::wrap::Wrap;
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::shared::Shared;
use crate::realtime::Flags;
use crate::realtime::command::Command;
use crate::stream::Flow;

/// Periods whose times wait with their frames. Where there are more, times are counted on from the last one known.
const MARKS: usize = 4096;

/// When a frame was captured.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    frame: u64,
    adc: f64,
}

/// The audio thread's ends.
pub(super) struct Rings {
    input: Option<(HeapProd<u8>, HeapProd<Mark>)>,
    output: Option<HeapCons<u8>>,
    in_frame: usize,
    out_frame: usize,
    pushed: u64,
    /// Input is being lost.
    full: bool,
    /// Output is missing.
    dry: bool,
}

/// The user's ends. Each run has new ones.
#[derive(Default)]
pub(crate) struct Ends {
    reader: Mutex<Option<Reader>>,
    writer: Mutex<Option<Writer>>,
    levels: Mutex<Levels>,
    /// The other ends, while no engine has them.
    kept: Mutex<Option<Rings>>,
}

/// For a look from outside while somebody reads or writes.
#[derive(Default)]
struct Levels {
    input: Option<(Arc<HeapRb<u8>>, usize)>,
    output: Option<(Arc<HeapRb<u8>>, usize)>,
}

pub(crate) struct Reader {
    samples: HeapCons<u8>,
    marks: HeapCons<Mark>,
    mark: Mark,
    /// The frame to be read next.
    next: u64,
    frame: usize,
    rate: f64,
}

pub(crate) struct Writer {
    samples: HeapProd<u8>,
    frame: usize,
}

/// What a block was for the rings.
pub(super) struct Passed {
    pub flow: Flow,
    pub flags: Flags,
    /// Frames that were not silence.
    pub made: usize,
}

/// A ring whose memory exists, so that the audio thread meets no page fault.
fn ring(bytes: usize) -> HeapRb<u8> {
    let mut ring = HeapRb::new(bytes.max(1));
    ring.push_slice(&vec![0; bytes]);
    ring.clear();
    ring
}

impl Rings {
    /// `frames` of input and output are held; the sizes of a frame are in bytes, 0 for a direction that is not there.
    pub(super) fn new(ends: &Ends, in_frame: usize, out_frame: usize, frames: (usize, usize), rate: f64) -> Self {
        let mut levels = Levels::default();
        let input = (in_frame > 0).then(|| {
            let (samples, taken) = ring(frames.0 * in_frame).split();
            let (marks, read) = HeapRb::new(MARKS).split();
            levels.input = Some((Arc::clone(taken.rb_ref()), in_frame));
            let reader = Reader { samples: taken, marks: read, mark: Mark::default(), next: 0, frame: in_frame, rate };
            *ends.reader() = Some(reader);
            (samples, marks)
        });
        let output = (out_frame > 0).then(|| {
            let (given, samples) = ring(frames.1 * out_frame).split();
            levels.output = Some((Arc::clone(given.rb_ref()), out_frame));
            *ends.writer() = Some(Writer { samples: given, frame: out_frame });
            samples
        });
        *ends.levels() = levels;
        Self { input, output, in_frame, out_frame, pushed: 0, full: false, dry: false }
    }

    /// One block. While it drains, input is not taken any more, and the last output completes.
    pub(super) fn pass(&mut self, input: &[u8], output: &mut [u8], frames: usize, adc: f64, shared: &Shared) -> Passed {
        let draining = shared.command() != Command::Run;
        let mut passed = Passed { flow: Flow::Continue, flags: Flags::default(), made: 0 };
        if let (false, Some((samples, marks))) = (draining, &mut self.input) {
            let fits = frames.min(samples.vacant_len() / self.in_frame);
            if fits > 0 {
                let _ = marks.try_push(Mark { frame: self.pushed, adc });
                samples.push_slice(&input[..fits * self.in_frame]);
                self.pushed += fits as u64;
                self.full = false;
            }
            if fits < frames && !std::mem::replace(&mut self.full, true) {
                passed.flags = passed.flags.with(Flags::INPUT_OVERFLOW);
            }
        }
        if let Some(samples) = &mut self.output {
            // Before the ring is looked at: what a writer that is gone has written is in it.
            let writers = shared.writers.load(Acquire);
            passed.made = samples.pop_slice(&mut output[..frames * self.out_frame]) / self.out_frame;
            if passed.made > 0 {
                self.dry = false;
            }
            if draining {
                if writers == 0 && samples.is_empty() {
                    passed.flow = Flow::Complete;
                }
            } else if passed.made < frames && shared.wrote.load(Acquire) && !std::mem::replace(&mut self.dry, true) {
                passed.flags = passed.flags.with(Flags::OUTPUT_UNDERFLOW);
            }
        } else if draining {
            passed.flow = Flow::Complete;
        }
        passed
    }
}

impl Ends {
    /// Held while somebody reads.
    pub(crate) fn reader(&self) -> MutexGuard<'_, Option<Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while somebody writes.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn levels(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Rings>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine has ended; another one may go on with them. On the control thread.
    pub(super) fn keep(&self, rings: Rings) {
        *self.kept() = Some(rings);
    }

    pub(crate) fn are_kept(&self) -> bool {
        self.kept().is_some()
    }

    pub(super) fn take(&self) -> Option<Rings> {
        self.kept().take()
    }

    /// Frames that can be read.
    pub(crate) fn readable(&self) -> usize {
        self.levels().input.as_ref().map_or(0, |(ring, frame)| ring.occupied_len() / frame)
    }

    /// Frames that can be written.
    pub(crate) fn writable(&self) -> usize {
        self.levels().output.as_ref().map_or(0, |(ring, frame)| ring.vacant_len() / frame)
    }

    /// Frames that have been written and not taken.
    pub(crate) fn written(&self) -> usize {
        self.levels().output.as_ref().map_or(0, |(ring, frame)| ring.occupied_len() / frame)
    }
}

impl Reader {
    /// Takes whole frames, as many as there are and fit.
    pub(crate) fn take(&mut self, into: &mut [u8]) -> usize {
        let whole = into.len() / self.frame * self.frame;
        let bytes = self.samples.pop_slice(&mut into[..whole]);
        self.next += (bytes / self.frame) as u64;
        bytes
    }

    /// When the frame to be read next was captured; none if nothing has come yet.
    pub(crate) fn captured_at(&mut self) -> Option<f64> {
        while let Some(mark) = self.marks.try_peek().copied().filter(|mark| mark.frame <= self.next) {
            self.mark = mark;
            self.marks.skip(1);
        }
        let known = self.mark.adc != 0.0 || self.mark.frame > 0 || self.next > 0;
        known.then(|| self.mark.adc + (self.next - self.mark.frame) as f64 / self.rate)
    }
}

impl Writer {
    /// Gives all of it if it fits, else nothing.
    pub(crate) fn give_all(&mut self, from: &[u8]) -> usize {
        if self.samples.vacant_len() < from.len() { 0 } else { self.samples.push_slice(from) }
    }

    /// Gives whole frames, as many as there are and fit.
    pub(crate) fn give(&mut self, from: &[u8]) -> usize {
        let room = self.samples.vacant_len().min(from.len()) / self.frame * self.frame;
        self.samples.push_slice(&from[..room])
    }
}
