//! What keeps a duplex stream's delay what it was: late input is recognised, and so is a round trip that changes.

/// Input is late from so many seconds on, and no fewer than so many periods.
const STALL: (f64, f64) = (0.1, 8.0);
/// Seconds, and no less than half a period: the jitter of input that is not late.
const JITTER: f64 = 0.001;
/// Seconds after which late input that does not catch up is what there is.
const RESIGNED: f64 = 0.05;
/// Seconds per second by which the device's clock may differ from ours, at most.
const DRIFT: f64 = 0.0005;
/// How often output may run out before more is queued; once in so many seconds is forgotten; how often more is queued.
const BEARABLE: f64 = 3.0;
const FADING: f64 = 2.0;
const MOST_STEPS: u32 = 4;
/// Arrivals in a row, none of them earlier than ever before, after which input is not behind.
const STEADY: u32 = 2;
/// Arrivals over which the usual lateness is taken.
const USUAL: f64 = 64.0;
/// Times that the server has told after the start before the round trip is taken for what it should be.
const LEARNING: u32 = 6;
/// Times in a row that the round trip has to be wrong.
const SURE: u32 = 2;
/// Seconds by which it may be too long at least.
const LENIENT: f64 = 0.003;

/// Tells late input, which is to be dropped, from timely input.
pub(super) struct Backlog {
    rate: f64,
    stall: f64,
    jitter: f64,
    frames: u64,
    last: f64,
    /// The least so far of the time at which frames came, less their own time.
    least: f64,
    /// How much later it usually is.
    usual: f64,
    /// While late input comes: the least since it does, and when that was.
    late: Option<(f64, f64)>,
    /// How often in a row input has come no earlier than ever before.
    paced: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    Timely,
    Late,
    /// The newest of them is timely, the older ones may be late.
    TimelyAgain,
    /// The same, but what should have come before has never been captured.
    Missed,
}

impl Backlog {
    pub(super) fn new(rate: f64, period: usize) -> Self {
        let period = period as f64 / rate;
        Self {
            rate,
            stall: STALL.0.max(STALL.1 * period),
            jitter: JITTER.max(period / 2.0),
            frames: 0,
            last: 0.0,
            least: f64::INFINITY,
            usual: 0.0,
            late: None,
            paced: 0,
        }
    }

    /// So many frames have come now.
    pub(super) fn come(&mut self, now: f64, frames: usize) -> Arrival {
        self.frames += frames as u64;
        let offset = now - self.frames as f64 / self.rate;
        let known = self.least + (now - self.last).min(self.stall) * DRIFT;
        self.paced = if offset < known - self.jitter { 0 } else { self.paced + 1 };
        self.least = known.min(offset);
        self.last = now;
        let behind = offset - self.least;
        match self.late {
            None if behind <= self.stall => {
                self.usual += (behind - self.usual) / USUAL;
                return Arrival::Timely;
            }
            None => self.late = Some((offset, now)),
            Some(_) if behind <= self.jitter => {
                self.late = None;
                return Arrival::TimelyAgain;
            }
            Some((least, _)) if offset < least - self.jitter => self.late = Some((offset, now)),
            // No faster than time goes by.
            Some((_, since)) if now - since > RESIGNED => {
                (self.late, self.least) = (None, offset);
                return Arrival::Missed;
            }
            Some(_) => {}
        }
        Arrival::Late
    }

    /// Whether it has turned out right now that all input so far was late.
    pub(super) fn has_caught_up(&self) -> bool {
        self.paced == 0
    }

    /// Whether input comes as fast as it is captured: nothing waits anywhere.
    pub(super) fn is_steady(&self) -> bool {
        self.paced >= STEADY
    }

    /// By how many frames the newest input that has come is later than it usually is.
    pub(super) fn behind(&self) -> usize {
        let offset = self.last - self.frames as f64 / self.rate;
        ((offset - self.least - self.usual).max(0.0) * self.rate).round() as usize
    }
}

/// Tells when the output runs out so often that more has to be queued.
#[derive(Default)]
pub(super) struct Strain {
    /// How often, fading.
    often: f64,
    last: f64,
    steps: u32,
}

impl Strain {
    /// The output has run out now: is more to be queued from now on?
    pub(super) fn grows(&mut self, now: f64) -> bool {
        self.often = (self.often - (now - self.last) / FADING).max(0.0) + 1.0;
        self.last = now;
        let grows = self.often > BEARABLE && self.steps < MOST_STEPS;
        if grows {
            (self.often, self.steps) = (0.0, self.steps + 1);
        }
        grows
    }
}

/// The round trip of a duplex stream, and what it should be.
pub(super) struct Trip {
    rate: f64,
    period: f64,
    nominal: f64,
    told: u32,
    wrong: u32,
    /// It was too long when it was last looked at, and should become shorter.
    dropping: bool,
}

/// What a round trip needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Remedy {
    None,
    /// Input frames to drop; not the rest of those before.
    Drop(usize),
    /// Play further ahead again.
    Insert,
}

impl Trip {
    pub(super) fn new(rate: f64, period: usize) -> Self {
        Self { rate, period: period as f64, nominal: 0.0, told: 0, wrong: 0, dropping: false }
    }

    /// Learns anew what it should be.
    pub(super) fn forget(&mut self) {
        (self.told, self.wrong, self.dropping) = (0, 0, false);
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
        if long && starved && self.dropping {
            // What is said to be queued is not there: PipeWire miscounts what passes while it cannot keep up.
            self.forget();
            return Remedy::Drop(0);
        }
        self.dropping &= long;
        let short = starved && excess < -0.25 * self.period;
        self.wrong = if long || short { self.wrong + 1 } else { 0 };
        if self.wrong < SURE {
            return Remedy::None;
        }
        (self.wrong, self.dropping) = (0, long);
        if long { Remedy::Drop(excess as usize) } else { Remedy::Insert }
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival::{self, Late, Missed, Timely, TimelyAgain};
    use super::{Backlog, Remedy, Strain, Trip};

    /// Frames that come every four milliseconds up to this time, in seconds.
    fn pace(backlog: &mut Backlog, from: u32, to: u32, expected: Arrival) {
        for now in (from..to).step_by(4) {
            assert_eq!(backlog.come(f64::from(now) / 1000.0, 4), expected, "{now}");
        }
    }

    #[test]
    fn after_a_standstill_input_is_late_until_it_has_caught_up() {
        let mut backlog = Backlog::new(1000.0, 4);
        pace(&mut backlog, 1000, 2000, Timely);
        assert_eq!(backlog.come(2.09, 90), Timely);
        // The server begins slowly, then two seconds come in a burst.
        pace(&mut backlog, 4000, 4040, Late);
        assert_eq!(backlog.come(4.041, 1000), Late);
        assert_eq!(backlog.come(4.042, 800), Late);
        assert_eq!(backlog.come(4.050, 124), TimelyAgain);
        assert!(backlog.behind() <= 2);
        pace(&mut backlog, 4054, 5000, Timely);
    }

    #[test]
    fn input_that_is_late_from_the_start_is_told_by_its_catching_up() {
        let mut backlog = Backlog::new(1000.0, 4);
        assert!(!backlog.is_steady());
        // A second stands still before anything comes.
        backlog.come(2.0, 4);
        backlog.come(2.001, 500);
        assert!(backlog.has_caught_up() && !backlog.is_steady());
        backlog.come(2.002, 496);
        assert!(backlog.has_caught_up());
        pace(&mut backlog, 2006, 2012, Timely);
        assert!(!backlog.has_caught_up() && backlog.is_steady());
        pace(&mut backlog, 2014, 3000, Timely);
        assert!(backlog.is_steady());
    }

    #[test]
    fn input_that_was_never_captured_is_not_waited_for() {
        let mut backlog = Backlog::new(1000.0, 4);
        pace(&mut backlog, 1000, 2000, Timely);
        pace(&mut backlog, 4000, 4052, Late);
        assert_eq!(backlog.come(4.052, 4), Missed);
        pace(&mut backlog, 4056, 5000, Timely);
    }

    #[test]
    fn more_is_queued_where_the_output_runs_out_again_and_again_but_not_for_ever() {
        let mut strain = Strain::default();
        assert!((1..100).all(|second| !strain.grows(f64::from(second) * 2.5)));
        let grown = (0..100).filter(|step| strain.grows(300.0 + f64::from(*step) / 10.0)).count();
        assert_eq!(grown, 4);
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

    #[test]
    fn a_round_trip_that_is_told_wrong_is_taken_for_what_it_is_told_to_be() {
        let mut trip = Trip::new(1000.0, 4);
        assert!((0..20).all(|_| trip.look(0.010, false) == Remedy::None));
        assert_eq!(trip.look(0.310, true), Remedy::None);
        assert_eq!(trip.look(0.310, false), Remedy::Drop(300));
        // The output runs out although three hundred frames are said to be queued.
        assert_eq!(trip.look(0.309, true), Remedy::Drop(0));
        assert!((0..20).all(|_| trip.look(0.310, false) == Remedy::None));
    }
}
