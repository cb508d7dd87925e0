//! Keeps devices that have no clock of their own (ALSA's `null` and `file`) to that of the system.

use std::time::Duration;

/// Seconds that a device may run ahead of the clock, beyond its buffer: more, and it may have none.
const AHEAD: f64 = 0.05;
/// From so many periods on that each let us wait, it has one: a thread that is kept from running waits now and then.
const WAITS: u32 = 3;

pub(super) struct Pace {
    /// When the first frame was due.
    began: Option<f64>,
    frames: u64,
    /// Seconds that its buffer holds, and `AHEAD`.
    slack: f64,
    /// When the last period ended, rest included.
    ended: Option<f64>,
    /// Periods in a row that let us wait.
    waits: u32,
    /// Whether what was missed in a stall is still asked for: what was captured meanwhile comes all at once, and held up
    /// here it would stay late for ever.
    catches_up: bool,
}

impl Pace {
    /// For a device whose buffer holds `seconds`.
    pub(super) fn new(seconds: f64) -> Self {
        Self { began: None, frames: 0, slack: seconds + AHEAD, ended: None, waits: 0, catches_up: false }
    }

    /// The same for a direction that catches up with stalls, or not.
    pub(super) fn catching_up(self, catches_up: bool) -> Self {
        Self { catches_up, ..self }
    }

    /// Time to rest after a period of so many frames that was asked for at `called` and has been made by `now`; who rests tells
    /// when that was over, since it may have taken longer.
    pub(super) fn rest(&mut self, called: f64, now: f64, frames: usize, rate: f64) -> Option<Duration> {
        let period = frames as f64 / rate;
        let waited = self.ended.is_some_and(|ended| called - ended > period / 2.0);
        self.waits = if waited { self.waits.saturating_add(1) } else { 0 };
        let began = *self.began.get_or_insert(now);
        self.frames += frames as u64;
        let ahead = began + self.frames as f64 / rate - self.slack - now;
        self.ended = Some(now);
        if ahead < -1.0 && !self.catches_up {
            // A second behind is a stall, which is not to be caught up with.
            self.began = Some(began - ahead);
        } else if ahead > -AHEAD / 2.0 && self.waits >= WAITS {
            // Its clock is faster than ours.
            self.began = Some(began - ahead - AHEAD);
        } else if ahead > 0.0 {
            return Some(Duration::from_secs_f64(ahead));
        }
        None
    }

    /// The rest was over at `now`.
    pub(super) fn rested(&mut self, now: f64) {
        self.ended = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a device without a clock has made so many periods of 10 ms, each rest taking `late` seconds longer.
    fn over(periods: u32, late: f64) -> f64 {
        let mut pace = Pace::new(0.02);
        let mut now = 5.0;
        for _ in 0..periods {
            let rest = pace.rest(now, now + 0.000_1, 480, 48_000.0);
            now += 0.000_1;
            if let Some(rest) = rest {
                now += rest.as_secs_f64() + late;
                pace.rested(now);
            }
        }
        now
    }

    #[test]
    fn a_device_without_a_clock_is_kept_to_ours() {
        // What its buffer would hold comes at once.
        assert!((over(1000, 0.0) - (5.0 + 10.0 - 0.07)).abs() < 0.001);
    }

    #[test]
    fn rests_that_take_too_long_are_no_clock() {
        for late in [0.004, 0.006, 0.02, 0.06] {
            let now = over(1000, late);
            assert!((5.0 + 10.0 - 0.071..5.0 + 10.0).contains(&now), "{now} at {late}");
        }
    }

    #[test]
    fn a_device_with_a_faster_clock_never_waits() {
        let mut pace = Pace::new(0.02);
        let mut now = 5.0;
        // 200 ppm for an hour, with a period that comes late and one that is made up for at once.
        for period in 0..360_000 {
            now += 0.01 / 1.0002;
            let called = if period % 1000 == 999 { now - 0.01 / 1.0002 } else { now };
            assert_eq!(pace.rest(called, called + 0.001, 480, 48_000.0), None, "period {period}");
        }
    }

    #[test]
    fn a_stall_is_not_caught_up_with() {
        let mut pace = Pace::new(0.02);
        assert_eq!(pace.rest(1.0, 1.0, 480, 48_000.0), None);
        assert_eq!(pace.rest(4.0, 4.0, 480, 48_000.0), None);
        let rests = (0..20).filter(|_| pace.rest(4.0, 4.0, 480, 48_000.0).is_some()).count();
        assert!(rests >= 12, "{rests} of 20 rested after 3 s of standing still");
    }
}
