//! Pauses of a job, as they are heard.

/// How many beginnings and ends of pauses may be under way at a time.
const MOST: usize = 64;

/// What is played is heard a round trip later. So a recording that is aligned with it goes on for as long when a pause
/// begins, and comes back as late when it ends. Frames are counted from the beginning of the job.
pub(super) struct Pauses {
    /// As the job says.
    paused: bool,
    /// As it is heard.
    shut: bool,
    /// Frames that came in.
    heard: u64,
    /// When pauses began and ended that have not been heard yet: a ring.
    changes: [u64; MOST],
    first: usize,
    count: usize,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self { paused: false, shut: false, heard: 0, changes: [0; MOST], first: 0, count: 0 }
    }

    /// At the beginning of a period. More changes than can be under way are told when there is room again.
    pub(super) fn obey(&mut self, paused: bool) {
        if paused != self.paused && self.count < MOST {
            self.changes[(self.first + self.count) % MOST] = self.heard;
            self.count += 1;
            self.paused = paused;
        }
    }

    /// Whether the next frames are to be recorded, and how many of `frames` this holds for.
    pub(super) fn next(&mut self, delay: u64, frames: usize) -> (bool, usize) {
        while self.count > 0 && self.changes[self.first] + delay <= self.heard {
            self.shut = !self.shut;
            self.first = (self.first + 1) % MOST;
            self.count -= 1;
        }
        let until = if self.count > 0 { self.changes[self.first] + delay - self.heard } else { u64::MAX };
        let count = until.min(frames as u64);
        self.heard += count;
        (!self.shut, count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the frames are recorded, with the job paused in these periods of 4 frames.
    fn recorded(delay: u64, paused: &[bool]) -> String {
        let mut pauses = Pauses::new();
        let mut text = String::new();
        for paused in paused {
            pauses.obey(*paused);
            let mut left = 4;
            while left > 0 {
                let (open, count) = pauses.next(delay, left);
                text.push_str(&if open { "+" } else { "-" }.repeat(count));
                left -= count;
            }
        }
        text
    }

    #[test]
    fn a_pause_is_heard_as_late_as_what_is_played() {
        let paused = [false, true, true, false, false, true, false];
        assert_eq!(recorded(0, &paused), "++++--------++++++++----++++");
        assert_eq!(recorded(3, &paused), "+++++++--------++++++++----+");
        assert_eq!(recorded(10, &paused), "++++++++++++++--------++++++");
    }
}
