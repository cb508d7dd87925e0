//! The capture side: fragments into periods.

use super::backlog::{Arrival, Backlog};
use super::output::Output;
use super::pipe::Pipe;
use super::stream::Shared;
use crate::backend::monotonic_seconds;
use crate::realtime::Flags;

pub(super) struct Input {
    pub(super) pipe: Pipe,
    /// A period being filled, and how many bytes of it are.
    block: Vec<u8>,
    filled: usize,
    silence: u8,
    backlog: Backlog,
    /// Frames to be dropped.
    pub(super) skip: usize,
}

impl Input {
    pub(super) fn new(pipe: Pipe, period: usize, rate: f64, silence: u8) -> Self {
        Self {
            block: vec![silence; period * pipe.frame_bytes],
            pipe,
            filled: 0,
            silence,
            backlog: Backlog::new(rate, period),
            skip: 0,
        }
    }

    /// When the first frame of the period being filled was captured, as far as is known. Between fragments only.
    pub(super) fn time(&self) -> Option<f64> {
        self.pipe.line.at(self.pipe.frames - (self.filled / self.pipe.frame_bytes) as u64)
    }

    /// Takes what there is; calls for output with each period.
    pub(super) fn pull(&mut self, output: &mut Output, shared: &Shared) {
        let readable = self.pipe.readable();
        if readable == 0 {
            return;
        }
        if self.pipe.frames == 0 {
            self.pipe.ask_timing();
        }
        let arrival = self.backlog.come(monotonic_seconds(), readable);
        output.pace(&self.backlog);
        // Where nothing is played, everything is welcome whenever it comes.
        let late = arrival == Arrival::Late && output.plays();
        if late {
            self.filled = 0;
        }
        if late || arrival == Arrival::Missed {
            output.flag(Flags::INPUT_OVERFLOW);
        }
        if output.plays() && matches!(arrival, Arrival::TimelyAgain | Arrival::Missed) {
            self.skip = readable.saturating_sub(self.block.len() / self.pipe.frame_bytes);
            output.resume();
        }
        let mut waiting = readable + self.backlog.behind();
        while !shared.closing()
            && let Some(fragment) = self.pipe.read()
        {
            let bytes = fragment.bytes;
            let mut done = if late { bytes } else { bytes.min(self.skip * self.pipe.frame_bytes) };
            if !late && (done > 0 || fragment.samples.is_none()) {
                self.skip -= done / self.pipe.frame_bytes;
                output.flag(Flags::INPUT_OVERFLOW);
            }
            while done < bytes {
                let count = (bytes - done).min(self.block.len() - self.filled);
                let into = &mut self.block[self.filled..self.filled + count];
                match fragment.samples {
                    Some(samples) => into.copy_from_slice(&samples[done..done + count]),
                    None => into.fill(self.silence),
                }
                done += count;
                self.filled += count;
                if self.filled == self.block.len() {
                    self.filled = 0;
                    let taken = self.pipe.frames as usize + done / self.pipe.frame_bytes;
                    let first = taken - self.block.len() / self.pipe.frame_bytes;
                    let waiting = waiting.saturating_sub(done / self.pipe.frame_bytes);
                    output.captured(&self.block, self.pipe.line.at(first as u64), waiting);
                }
            }
            waiting = waiting.saturating_sub(bytes / self.pipe.frame_bytes);
            self.pipe.release(bytes);
        }
    }
}
