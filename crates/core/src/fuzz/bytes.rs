//! Choices read from bytes.

/// Zeros follow after the end.
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Less than `end`, which is at most 256.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub(super) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// Any double, the strange ones often.
    pub(super) fn number(&mut self) -> f64 {
        match self.below(10) {
            0 => 0.0,
            1 => -1.0,
            2 => f64::NAN,
            3 => f64::INFINITY,
            4 => f64::MAX,
            5 => 48_000.0,
            6 => f64::from(self.byte()),
            _ => f64::from_bits(self.take(8).iter().fold(0, |all, byte| all << 8 | u64::from(*byte))),
        }
    }

    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// A short text of few different characters, so that texts meet; some change their length with their case.
    pub(super) fn text(&mut self) -> String {
        let characters = ['a', 'A', 'b', ' ', ',', 'ß', 'İ', 'ẞ', 'l', 's', 'v', ':', '0', '\u{3000}', '😀', 'K'];
        (0..self.below(12)).map(|_| self.one_of(&characters)).collect()
    }
}
