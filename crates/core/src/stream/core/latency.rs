//! How late a stream is, and how much of that is for blocks that are made ahead.

use super::Core;
use crate::realtime::block::Reblock;

impl Core {
    /// Seconds from the input to the callback: measured once it runs, an estimate before. 0 where there is none.
    pub(crate) fn input_latency(&self) -> f64 {
        let info = self.info();
        let Some(side) = info.input else {
            return 0.0;
        };
        let opened = || {
            let block = if self.has_callback { self.settings.blocks(info.period, &self.shared) } else { 0 };
            let waits = if block > 0 { Reblock::wait(block, info.period) } else { 0 };
            side.latency + waits as f64 / info.sample_rate
        };
        self.shared.latencies().0.unwrap_or_else(opened)
    }

    /// Seconds from the callback to the output: measured once it runs, an estimate before. 0 where there is none. Not what
    /// was written and waits.
    pub(crate) fn output_latency(&self) -> f64 {
        let info = self.info();
        let Some(side) = info.output else {
            return 0.0;
        };
        let opened = || side.latency + (self.ahead() * self.block()) as f64 / info.sample_rate;
        self.shared.latencies().1.unwrap_or_else(opened)
    }

    /// Frames of a block: as asked for, else those of a period of the device, as far as that is known.
    pub(crate) fn block(&self) -> usize {
        let period = self.info().period;
        let block = if self.has_callback { self.settings.blocks(period, &self.shared) } else { self.settings.block };
        if block == 0 { period } else { block }
    }

    /// Blocks that another thread makes ahead, or will.
    fn ahead(&self) -> usize {
        let Some((handoff, most)) = &self.handoff else {
            return 0;
        };
        let planned = || if *most { self.handoff_blocks().1 } else { 0 };
        handoff.ahead().unwrap_or_else(planned)
    }

    /// For a callback on another thread: how many blocks there should be, and how many of them are made ahead at most, as
    /// the latency allows; none where time waits for them.
    pub(crate) fn handoff_blocks(&self) -> (usize, usize) {
        /// Bytes that blocks may take together, and seconds for which input waits for a thread that is busy: longer where
        /// none is to be dropped.
        const MEMORY: usize = 1 << 26;
        const BUSY: f64 = 0.25;
        const PATIENT: f64 = 2.0;
        const MOST: usize = 256;
        if self.manual_clock() {
            return (2, 0);
        }
        let (info, block) = (self.info(), self.block().max(1));
        let target = self.settings.output.map_or(0.0, |side| side.latency);
        let opened = info.output.map_or(0.0, |side| side.latency);
        let seconds = block as f64 / info.sample_rate;
        let ahead = (((target - opened) / seconds).round() as usize).clamp(1, MOST);
        let sides = [self.settings.input, self.settings.output].into_iter().flatten();
        let bytes: usize = sides.map(|side| side.channels * side.dtype.bytes() * block).sum();
        let (busy, most) = if self.settings.never_drop_input { (PATIENT, 4 * MOST) } else { (BUSY, MOST) };
        let count = ((busy / seconds).ceil() as usize).clamp(ahead + 4, most.max(ahead + 4));
        (count.min((MEMORY / bytes.max(1)).max(ahead + 2)), ahead)
    }
}
