//! Reblocking: device periods of any length into user blocks of exactly so many frames, and back.
//!
//! The least possible delay: an output alone asks for a block when it needs one, an input alone gives a block when it is
//! full, and neither adds any. With both, output frame n is made from a block that ends with input frame n or later, so
//! the output starts with silence: for periods of p and blocks of b frames none if b divides p, else b − gcd(b, p). If
//! the periods' length is not known it is b − 1, and if they turn out other than they were said to be, the first one that
//! comes too early is filled up with silence, and the delay is that much longer from then on.

#[cfg(test)]
mod test;

use crate::sample::{bytes, bytes_mut};
use crate::stream::Flow as Next;

/// One block on its way through the user.
pub(crate) struct Block<'a> {
    pub frames: usize,
    /// Empty where there is no input.
    pub input: &'a [u8],
    /// Silent; empty where there is no output.
    pub output: &'a mut [u8],
    /// When the first frames were captured and will be heard.
    pub adc: f64,
    pub dac: f64,
}

/// When the first frames of a run were captured and will be heard, and how long a frame is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub adc: f64,
    pub dac: f64,
    pub frame: f64,
}

/// Bytes that are aligned for every sample type.
#[derive(Default)]
pub(crate) struct Memory(Vec<f64>);

impl Memory {
    pub(crate) fn new(bytes: usize, silence: u8) -> Self {
        let mut memory = Self(vec![0.0; bytes.div_ceil(8)]);
        // Writing makes the pages exist, so that the audio thread meets no page fault.
        memory.bytes_mut().fill(silence);
        memory
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        bytes(&self.0)
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        bytes_mut(&mut self.0)
    }
}

/// Frame sizes in bytes, 0 for a direction that is not there, and the byte that is silence.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shape {
    pub input: usize,
    pub output: usize,
    pub silence: u8,
}

pub(crate) struct Reblock {
    shape: Shape,
    /// 0 hands on what comes.
    block: usize,
    delay: usize,
    open: bool,
    /// A block that is being filled.
    incoming: Memory,
    filled: usize,
    /// When its first frame was captured.
    adc: f64,
    /// Made but not yet asked for: `queued` frames from `start`. Holds two blocks.
    outgoing: Memory,
    start: usize,
    queued: usize,
    /// Frames of silence that had to be put in.
    short: usize,
}

impl Reblock {
    /// For blocks and periods of so many frames; a period of 0 is not known beforehand.
    pub(crate) fn new(shape: Shape, block: usize, period: usize) -> Self {
        let both = shape.input > 0 && shape.output > 0 && block > 0;
        let delay = match (both, period) {
            (false, _) => 0,
            (true, 0) => block - 1,
            (true, period) => block - gcd(block, period),
        };
        let mut reblock = Self {
            shape,
            block,
            delay,
            open: true,
            incoming: Memory::new(block * shape.input, 0),
            filled: 0,
            adc: 0.0,
            outgoing: Memory::new(2 * block * shape.output, shape.silence),
            start: 0,
            queued: 0,
            short: 0,
        };
        reblock.queued = delay;
        reblock
    }

    /// Frames of input that the first one of a block waits for, at most, beyond its period.
    pub(crate) fn wait(block: usize, period: usize) -> usize {
        block - gcd(block, period.max(1))
    }

    /// Frames by which an output frame comes later than it would without blocks.
    pub(crate) fn delay(&self) -> usize {
        self.delay
    }

    /// Frames that have been made and not asked for.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// No more blocks; what is queued is still to be heard.
    pub(crate) fn close(&mut self) {
        self.open = false;
    }

    /// Whether more blocks may come.
    #[cfg(test)]
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether silence had to be put in since this was last asked.
    pub(crate) fn take_short(&mut self) -> bool {
        std::mem::take(&mut self.short) > 0
    }

    /// Before anything else: the next `lead` frames will be asked for with [`Reblock::prime`], and what of them and the
    /// delay is not whole blocks is silence that comes first.
    pub(crate) fn lead(&mut self, lead: usize) {
        self.queued = (lead + self.delay).checked_rem(self.block).unwrap_or(0);
    }

    /// Frames before the first one; the user sees `silence` as its input, which is one block, or `frames` without blocks.
    pub(crate) fn prime(
        &mut self,
        silence: &[u8],
        output: &mut [u8],
        frames: usize,
        place: Place,
        user: &mut impl FnMut(Block<'_>) -> Next,
    ) -> usize {
        let mut done = 0;
        while done < frames && self.open {
            if self.block == 0 {
                let output = &mut output[done * self.shape.output..frames * self.shape.output];
                let input = &silence[..(frames - done) * self.shape.input];
                done = self.direct(input, output, frames - done, place, user).map_or(done, |()| frames);
                continue;
            }
            if self.queued == 0 {
                let dac = place.dac + done as f64 * place.frame;
                let input = &silence[..self.block * self.shape.input];
                call(&mut self.outgoing, &mut self.start, &mut self.queued, self.shape, self.block, |output| {
                    user(Block { frames: self.block, input, output, adc: place.adc, dac })
                })
                .unwrap_or_else(|next| self.end(next));
            }
            done += self.pull(output, done, frames - done);
        }
        self.rest(output, done, frames)
    }

    /// So many frames in and as many out. Returns where in `output` the last frame that was made lies; after it comes
    /// silence.
    pub(crate) fn run(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        frames: usize,
        place: Place,
        user: &mut impl FnMut(Block<'_>) -> Next,
    ) -> usize {
        let Shape { input: in_frame, output: out_frame, .. } = self.shape;
        let mut done = 0;
        while done < frames && self.open {
            let left = frames - done;
            let at = Place {
                adc: place.adc + done as f64 * place.frame,
                dac: place.dac + done as f64 * place.frame,
                ..place
            };
            let block = if self.block == 0 { left } else { self.block };
            if self.filled == 0 && self.queued == 0 && left >= block {
                let input = &input[done * in_frame..(done + block) * in_frame];
                let output = &mut output[done * out_frame..(done + block) * out_frame];
                if self.direct(input, output, block, at, user).is_some() {
                    done += block;
                }
                continue;
            }
            if in_frame > 0 {
                let count = left.min(block - self.filled);
                if self.filled == 0 {
                    self.adc = at.adc;
                }
                let to = self.filled * in_frame..(self.filled + count) * in_frame;
                self.incoming.bytes_mut()[to].copy_from_slice(&input[done * in_frame..(done + count) * in_frame]);
                self.filled += count;
                if self.filled == block {
                    self.filled = 0;
                    let dac = at.dac + self.queued as f64 * place.frame;
                    let (input, adc) = (&self.incoming.bytes()[..block * in_frame], self.adc);
                    call(&mut self.outgoing, &mut self.start, &mut self.queued, self.shape, block, |output| {
                        user(Block { frames: block, input, output, adc, dac })
                    })
                    .unwrap_or_else(|next| self.end(next));
                    if !self.open {
                        break;
                    }
                }
                if out_frame > 0 {
                    let pulled = self.pull(output, done, count);
                    if pulled < count {
                        output[(done + pulled) * out_frame..(done + count) * out_frame].fill(self.shape.silence);
                        self.short += count - pulled;
                        self.delay += count - pulled;
                    }
                }
                done += count;
            } else {
                if self.queued == 0 {
                    call(&mut self.outgoing, &mut self.start, &mut self.queued, self.shape, block, |output| {
                        user(Block { frames: block, input: &[], output, adc: at.adc, dac: at.dac })
                    })
                    .unwrap_or_else(|next| self.end(next));
                }
                done += self.pull(output, done, left);
            }
        }
        self.rest(output, done, frames)
    }

    /// A block that lies in the period as a whole. None if it is not to be heard.
    fn direct(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        frames: usize,
        at: Place,
        user: &mut impl FnMut(Block<'_>) -> Next,
    ) -> Option<()> {
        output.fill(self.shape.silence);
        match user(Block { frames, input, output, adc: at.adc, dac: at.dac }) {
            Next::Continue => Some(()),
            Next::Complete => {
                self.open = false;
                Some(())
            }
            Next::Abort => {
                self.end(Next::Abort);
                None
            }
        }
    }

    /// After the last block: `Abort` forgets what is queued.
    fn end(&mut self, next: Next) {
        self.open = false;
        if next == Next::Abort {
            self.queued = 0;
        }
    }

    /// What is queued, then silence.
    fn rest(&mut self, output: &mut [u8], done: usize, frames: usize) -> usize {
        if self.shape.output == 0 {
            return frames;
        }
        let end = done + self.pull(output, done, frames - done);
        output[end * self.shape.output..frames * self.shape.output].fill(self.shape.silence);
        end
    }

    /// Moves up to `count` queued frames to frame `at` of `output`; returns how many.
    fn pull(&mut self, output: &mut [u8], at: usize, count: usize) -> usize {
        let (count, frame) = (count.min(self.queued), self.shape.output);
        let from = &self.outgoing.bytes()[self.start * frame..(self.start + count) * frame];
        output[at * frame..(at + count) * frame].copy_from_slice(from);
        self.start += count;
        self.queued -= count;
        if self.queued == 0 {
            self.start = 0;
        }
        count
    }
}

/// Lets the user write a block behind what is queued. An error is what ends the stream.
fn call(
    outgoing: &mut Memory,
    start: &mut usize,
    queued: &mut usize,
    shape: Shape,
    block: usize,
    user: impl FnOnce(&mut [u8]) -> Next,
) -> Result<(), Next> {
    let frame = shape.output;
    let memory = outgoing.bytes_mut();
    if *start > 0 && (*start + *queued + block) * frame > memory.len() {
        memory.copy_within(*start * frame..(*start + *queued) * frame, 0);
        *start = 0;
    }
    let tail = (*start + *queued) * frame;
    let output = &mut memory[tail..tail + block * frame];
    output.fill(shape.silence);
    let next = user(output);
    if next != Next::Abort && frame > 0 {
        *queued += block;
    }
    if next == Next::Continue { Ok(()) } else { Err(next) }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
