//! Where the frames of one direction are in time.

use super::library::TimingInfo;
use crate::backend::monotonic_seconds;

/// Seconds; a difference beyond this, or beyond a period, is a jump and no jitter.
const JUMP: f64 = 0.01;

/// Frame `n` is at `origin + n / rate`, as the server tells now and then.
#[derive(Debug)]
pub(super) struct Line {
    rate: f64,
    jump: f64,
    origin: Option<f64>,
    /// How often the server has told.
    pub(super) told: u64,
}

impl Line {
    pub(super) fn new(rate: f64, period: usize) -> Self {
        Self { rate, jump: f64::max(JUMP, period as f64 / rate), origin: None, told: 0 }
    }

    /// The server says that this frame is at this time.
    pub(super) fn tell(&mut self, time: f64, frame: u64) {
        let origin = time - frame as f64 / self.rate;
        self.origin = Some(match self.origin {
            Some(known) if (origin - known).abs() < self.jump => known + (origin - known) / 4.0,
            _ => origin,
        });
        self.told += 1;
    }

    /// What was told is true no more.
    pub(super) fn forget(&mut self) {
        self.origin = None;
    }

    pub(super) fn at(&self, frame: u64) -> Option<f64> {
        self.origin.map(|origin| origin + frame as f64 / self.rate)
    }
}

impl TimingInfo {
    /// When it was true, on the monotonic clock. The library stamps it with the time of day.
    fn time(&self) -> f64 {
        let mut day = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the clock exists and the structure is ours.
        unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut day) };
        let seconds = (day.tv_sec - self.timestamp.tv_sec) as f64;
        let age = seconds + day.tv_nsec as f64 / 1e9 - self.timestamp.tv_usec as f64 / 1e6;
        // The time of day may be set while we look.
        monotonic_seconds() - age.clamp(0.0, 1.0)
    }

    /// When the frame that is written next will be heard.
    pub(super) fn heard(&self, bytes_per_second: f64) -> Option<f64> {
        if self.write_index_corrupt != 0 || self.read_index_corrupt != 0 || self.playing == 0 {
            return None;
        }
        let queued = (self.write_index - self.read_index) as f64 / bytes_per_second;
        Some(self.time() + self.sink_usec as f64 / 1e6 + queued)
    }

    /// Whether all that is written comes too late, and is dropped.
    pub(super) fn is_behind(&self) -> bool {
        self.write_index_corrupt == 0 && self.read_index_corrupt == 0 && self.write_index < self.read_index
    }

    /// When the frame that is read next was captured. What a monitor hears has still to go through its sink.
    pub(super) fn captured(&self, bytes_per_second: f64) -> Option<f64> {
        if self.write_index_corrupt != 0 || self.read_index_corrupt != 0 {
            return None;
        }
        let waiting = (self.write_index - self.read_index) as f64 / bytes_per_second;
        Some(self.time() - self.source_usec as f64 / 1e6 + self.sink_usec as f64 / 1e6 - waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn jitter_is_smoothed_and_a_jump_is_followed() {
        let mut line = Line::new(1000.0, 4);
        assert_eq!(line.at(0), None);
        line.tell(1.0, 0);
        line.tell(2.004, 1000);
        assert!((line.at(2000).expect("told") - 3.001).abs() < 1e-12);
        line.tell(4.0, 1000);
        assert_eq!(line.at(1000), Some(4.0));
        line.forget();
        assert_eq!((line.at(0), line.told), (None, 3));
    }
}
