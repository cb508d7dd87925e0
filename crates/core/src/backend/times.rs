//! Times of periods, from what hosts tell.

/// Makes a steady line out of times that jitter: periods follow each other without gaps, and the difference to what the
/// host tells is taken out slowly, or at once where it is longer than a period or 20 ms.
#[derive(Debug, Default)]
pub(crate) struct Smoothed {
    /// The last time, and the one that should follow.
    last: Option<(f64, f64)>,
}

impl Smoothed {
    /// The time of a period that the host says is `told`, and which lasts `duration`. It goes forward by half of that at least:
    /// what is behind is caught up with, and no later frame comes before an earlier one.
    pub(crate) fn next(&mut self, told: f64, duration: f64) -> f64 {
        let time = match self.last {
            None => told,
            Some((_, expected)) if (told - expected).abs() <= duration.max(0.02) => expected + (told - expected) / 16.0,
            Some((last, _)) => told.max(last + duration / 2.0),
        };
        self.last = Some((time, time + duration));
        time
    }
}

#[cfg(test)]
mod tests {
    use super::Smoothed;

    #[test]
    fn jitter_is_smoothed_and_a_jump_is_followed_at_once() {
        let mut times = Smoothed::default();
        assert_eq!(times.next(1.0, 0.01), 1.0);
        let second = times.next(1.018, 0.01);
        assert!((second - 1.0105).abs() < 1e-12, "{second}");
        assert_eq!(times.next(2.0, 0.01), 2.0);
        // Backwards: half as fast, until it is there.
        assert_eq!(times.next(1.0, 0.01), 2.005);
        let mut told = 1.99;
        let caught_up = (0..100).map(|_| {
            told += 0.01;
            (times.next(told, 0.01) - told).abs()
        });
        assert!(caught_up.last().is_some_and(|behind| behind < 0.001));
    }
}
