//! What a job plays.

use crate::memory::Samples;
use crate::realtime::convert::Counts;
use crate::realtime::mapping::Transfer;

/// A range that is heard several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// The first frame of the range.
    pub start: u64,
    /// The frame after its last one.
    pub end: u64,
    /// How often it is heard; `u64::MAX` is for ever.
    pub count: u64,
}

pub(crate) struct Source {
    samples: Samples,
    frame_bytes: usize,
    out_frame_bytes: usize,
    mixed_frame_bytes: usize,
    frames: u64,
    repeat: Option<Repeat>,
    /// Frames of the whole performance, repetitions included; `u64::MAX` is for ever.
    total: u64,
    /// On the same count.
    position: u64,
    stopped: bool,
    /// Frames made in the period that is being made.
    made: usize,
    ends_at: f64,
    to_device: Transfer,
    to_mix: Transfer,
}

/// Frames of a performance: the data once, and its repeated range as often again.
pub(crate) fn total(frames: u64, repeat: Option<Repeat>) -> u64 {
    repeat.map_or(frames, |repeat| {
        let again = (repeat.end - repeat.start).saturating_mul(repeat.count.saturating_sub(1));
        if repeat.count == u64::MAX { u64::MAX } else { frames.saturating_add(again) }
    })
}

impl Source {
    pub(crate) fn new(
        samples: Samples,
        frame_bytes: usize,
        device_frame_bytes: usize,
        mixed_channels: usize,
        repeat: Option<Repeat>,
        to_device: Transfer,
        to_mix: Transfer,
    ) -> Self {
        let frames = (samples.len() / frame_bytes.max(1)) as u64;
        Self {
            samples,
            frame_bytes,
            out_frame_bytes: device_frame_bytes,
            mixed_frame_bytes: mixed_channels * 8,
            frames,
            repeat,
            total: total(frames, repeat),
            position: 0,
            stopped: false,
            made: 0,
            ends_at: f64::NEG_INFINITY,
            to_device,
            to_mix,
        }
    }

    /// The frame of the data at a position of the performance, and how many follow it without a jump.
    fn place(&self, position: u64) -> (u64, u64) {
        let Some(Repeat { start, end, count }) = self.repeat else {
            return (position, self.frames - position);
        };
        if position < end {
            return (position, end - position);
        }
        let (after, length) = (position - end, end - start);
        if after / length < count.saturating_sub(1) {
            let inside = after % length;
            (start + inside, length - inside)
        } else {
            let rest = end + (after - (count - 1) * length);
            (rest, self.frames - rest)
        }
    }

    /// Writes up to `frames` frames in the device's format; returns how many there were.
    pub(super) fn play(&mut self, output: &mut [u8], frames: usize, counts: &mut Counts) -> usize {
        self.write(output, frames, counts, false)
    }

    /// The same as doubles.
    pub(super) fn play_mixed(&mut self, output: &mut [u8], frames: usize, counts: &mut Counts) -> usize {
        self.write(output, frames, counts, true)
    }

    fn write(&mut self, output: &mut [u8], frames: usize, counts: &mut Counts, mixed: bool) -> usize {
        let mut done = 0;
        while done < frames && self.position < self.total {
            let (from, until_jump) = self.place(self.position);
            let count = (frames - done).min(usize::try_from(until_jump).unwrap_or(usize::MAX));
            let from = from as usize * self.frame_bytes;
            let data = &self.samples.bytes()[from..from + count * self.frame_bytes];
            let (transfer, bytes) = match mixed {
                true => (&mut self.to_mix, self.mixed_frame_bytes),
                false => (&mut self.to_device, self.out_frame_bytes),
            };
            transfer.run(data, &mut output[done * bytes..(done + count) * bytes], count, counts);
            done += count;
            self.position += count as u64;
        }
        self.made += done;
        done
    }

    /// Notes when the frames of this period are heard.
    pub(super) fn heard_from(&mut self, dac: f64, rate: f64) {
        if self.made > 0 {
            self.ends_at = dac + self.made as f64 / rate;
            self.made = 0;
        }
    }

    pub(super) fn seek(&mut self, frame: u64) {
        self.position = frame.min(self.total);
    }

    /// May be called again: only the first time counts, or the end would move on with the clock.
    pub(super) fn stop(&mut self, now: f64) {
        if !self.stopped {
            self.stopped = true;
            self.ends_at = self.ends_at.max(now);
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.stopped || self.position >= self.total
    }

    pub(super) fn ends_at(&self) -> f64 {
        self.ends_at
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::{Dtype, Format};
    use crate::realtime::convert::ConvertOptions;

    #[test]
    fn a_stop_that_is_seen_again_in_later_periods_does_not_move_the_end() {
        let transfer =
            || Transfer::identity(Format::from(Dtype::F32), 1, Format::from(Dtype::F32), 1, ConvertOptions::default());
        let mut source = Source::new(Samples::copied(&[0; 4000]), 4, 4, 1, None, transfer(), transfer());
        source.play(&mut [0; 400], 100, &mut Counts::default());
        source.heard_from(1.0, 100.0);
        for period in 0..50 {
            source.stop(1.5 + f64::from(period));
            assert!(source.ended());
            assert_eq!(source.ends_at(), 2.0, "a second of sound that is heard from 1.0");
        }
    }
}
