//! What keeps a duplex stream's delay what it was: late input is recognised, and so is a round trip that changes.

/// Seconds without input after which what then comes is late, and no fewer than so many periods.
const STALL: (f64, f64) = (0.1, 8.0);
/// Seconds over which late input is compared with the time at least.
const SPAN: f64 = 0.002;
/// Times that the server has told after the start before the round trip is taken for what it should be.
const LEARNING: u32 = 6;
/// Times in a row that the round trip has to be wrong.
const SURE: u32 = 2;
/// Seconds by which it may be too long at least.
const LENIENT: f64 = 0.003;

/// Late input, which is dropped until it comes no faster than time goes by.
pub(super) struct Backlog {
    last: f64,
    stall: f64,
    span: f64,
    rate: f64,
    /// While late input comes: the beginning of a span, and frames since.
    late: Option<(f64, usize)>,
}

impl Backlog {
    pub(super) fn new(rate: f64, period: usize) -> Self {
        let period = period as f64 / rate;
        Self { last: f64::INFINITY, stall: STALL.0.max(STALL.1 * period), span: period.max(SPAN), rate, late: None }
    }

    /// So many frames have come now: are they late?
    pub(super) fn is_late(&mut self, now: f64, frames: usize) -> bool {
        let gap = now - std::mem::replace(&mut self.last, now);
        self.late = match self.late {
            None if gap <= self.stall => None,
            None => Some((now, 0)),
            Some((since, before)) if now - since < self.span => Some((since, before + frames)),
            Some((since, before)) if (before + frames) as f64 <= 2.0 * (now - since) * self.rate => None,
            Some(_) => Some((now, 0)),
        };
        self.late.is_some()
    }
}

/// The round trip of a duplex stream, and what it should be.
pub(super) struct Trip {
    rate: f64,
    period: f64,
    nominal: f64,
    told: u32,
    wrong: u32,
}

/// What a round trip needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Remedy {
    None,
    /// Input frames to drop.
    Drop(usize),
    /// Play further ahead again.
    Insert,
}

impl Trip {
    pub(super) fn new(rate: f64, period: usize) -> Self {
        Self { rate, period: period as f64, nominal: 0.0, told: 0, wrong: 0 }
    }

    /// Learns anew what it should be.
    pub(super) fn forget(&mut self) {
        (self.told, self.wrong) = (0, 0);
    }

    /// The server has told the time: the round trip takes so many seconds. `starved`: the output has run out since it was
    /// last told.
    pub(super) fn look(&mut self, seconds: f64, starved: bool) -> Remedy {
        if self.told < LEARNING {
            self.told += 1;
            self.nominal = if self.told == 1 { seconds } else { self.nominal + (seconds - self.nominal) / 2.0 };
            return Remedy::None;
        }
        let excess = (seconds - self.nominal) * self.rate;
        let long = excess > self.period.max(LENIENT * self.rate);
        let short = starved && excess < -0.25 * self.period;
        self.wrong = if long || short { self.wrong + 1 } else { 0 };
        if self.wrong < SURE {
            return Remedy::None;
        }
        self.wrong = 0;
        if long { Remedy::Drop(excess as usize) } else { Remedy::Insert }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, Remedy, Trip};

    #[test]
    fn after_a_standstill_input_is_late_until_it_comes_no_faster_than_time() {
        let mut backlog = Backlog::new(1000.0, 4);
        assert!(!backlog.is_late(1.0, 4));
        assert!(!backlog.is_late(1.09, 100));
        // Two seconds of it come at once, the rest at the pace of time.
        assert!(backlog.is_late(3.1, 1000));
        assert!(backlog.is_late(3.101, 500));
        assert!(backlog.is_late(3.105, 500));
        assert!(backlog.is_late(3.107, 2));
        assert!(!backlog.is_late(3.110, 3));
        assert!(!backlog.is_late(3.114, 4));
    }

    #[test]
    fn a_round_trip_that_stays_too_long_or_starves_is_put_right() {
        let mut trip = Trip::new(1000.0, 4);
        assert!((0..20).all(|_| trip.look(0.010, false) == Remedy::None));
        assert_eq!(trip.look(0.020, false), Remedy::None);
        assert_eq!(trip.look(0.010, false), Remedy::None);
        assert_eq!(trip.look(0.020, false), Remedy::None);
        assert!(matches!(trip.look(0.0205, false), Remedy::Drop(10)));
        // Short is well, as long as the output does not run out.
        assert!((0..20).all(|_| trip.look(0.008, false) == Remedy::None));
        assert_eq!(trip.look(0.008, true), Remedy::None);
        assert_eq!(trip.look(0.008, true), Remedy::Insert);
        trip.forget();
        assert!((0..20).all(|_| trip.look(0.020, false) == Remedy::None));
    }
}
