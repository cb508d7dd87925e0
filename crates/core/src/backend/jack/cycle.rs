//! When a cycle of the server began, on our clock.

use crate::realtime::Times;

/// How much faster than ours the server's clock may run; any more is taken for a late reading.
const DRIFT: f64 = 1e-4;

/// Follows the server's clock. Both clocks are monotonic, and mostly the same one but for its origin.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    /// Ours less theirs, in seconds: the smallest difference seen, for a reading can only be late.
    offset: Option<f64>,
    last: f64,
}

/// The two clocks at one moment and what the server says of the cycle, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Our clock, read after theirs.
    pub now: f64,
    pub theirs: f64,
    /// When the cycle began, on their clock; none where the server does not know yet.
    pub begun: Option<f64>,
    pub period: f64,
    pub capture_latency: f64,
    /// At least the period.
    pub playback_latency: f64,
}

impl Cycles {
    /// The times of a cycle's first frame. They ascend, and ADC ≤ now ≤ DAC, by moving the cycle: the distance between
    /// ADC and DAC is always that of the latencies.
    pub(super) fn times(&mut self, reading: Reading) -> Times {
        let Reading { now, theirs, begun, period, capture_latency, playback_latency } = reading;
        let seen = now - theirs;
        let offset = self.offset.map_or(seen, |offset| (offset + DRIFT * period).min(seen));
        self.offset = Some(offset);
        // A cycle that begins later than now is the server's smoothing; one that was over long ago is an xrun.
        let begun = begun.map_or(now, |begun| begun + offset).min(now).max(now - playback_latency);
        self.last = begun.max(self.last).min(now);
        Times { adc: self.last - capture_latency, dac: self.last + playback_latency, now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: f64 = 0.01;

    fn reading(cycle: u32, delay: f64, late_reading: f64) -> Reading {
        let begun = f64::from(cycle) * PERIOD;
        let theirs = begun + delay;
        let (capture_latency, playback_latency) = (PERIOD, PERIOD);
        let now = 100.0 + theirs + late_reading;
        Reading { now, theirs, begun: Some(begun), period: PERIOD, capture_latency, playback_latency }
    }

    #[test]
    fn late_callbacks_and_late_readings_move_no_time() {
        let mut cycles = Cycles::default();
        for (cycle, (delay, late)) in [(0.001, 0.0), (0.008, 0.0), (0.0, 0.0005), (0.002, 0.0)].into_iter().enumerate()
        {
            let times = cycles.times(reading(cycle as u32, delay, late));
            let begun = 100.0 + cycle as f64 * PERIOD;
            assert!((times.adc - (begun - PERIOD)).abs() < 5e-6, "{cycle} {times:?}");
            assert!((times.dac - (begun + PERIOD)).abs() < 5e-6, "{cycle} {times:?}");
        }
    }

    #[test]
    fn whatever_the_server_says_times_ascend_around_now() {
        let mut cycles = Cycles::default();
        let mut last = Times { adc: f64::MIN, dac: f64::MIN, now: f64::MIN };
        let mut state = 1u32;
        for cycle in 0..10_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let random = f64::from(state >> 8) / f64::from(1 << 24);
            let mut reading = reading(cycle, PERIOD * 0.999 * random, 0.0);
            reading.begun = match state % 5 {
                0 => None,
                1 => Some(reading.theirs + 1.0),
                2 => Some(0.0),
                _ => reading.begun,
            };
            let times = cycles.times(reading);
            assert!(times.adc <= times.now && times.now <= times.dac + 1e-12, "{times:?}");
            assert!(times.adc >= last.adc && times.dac >= last.dac, "{last:?} {times:?}");
            assert!((times.dac - times.adc - 2.0 * PERIOD).abs() < 1e-9);
            last = times;
        }
    }
}
