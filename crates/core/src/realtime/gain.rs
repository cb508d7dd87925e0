//! How loud: a factor that moves in a straight line to where it is wanted.

use crate::error::{Error, ErrorKind, Result};

/// Seconds that a change takes.
pub(crate) const RAMP: f64 = 0.02;

/// Whether something that plays, or does not, can be that loud.
pub(crate) fn check_volume(volume: f64, plays: bool) -> Result<()> {
    if !plays {
        return Err(Error::new(ErrorKind::NotSupported, "An input only stream has no volume"));
    }
    if !(volume.is_finite() && volume >= 0.0) {
        let message = format!("volume must be finite and at least 0, got {volume}");
        return Err(Error::new(ErrorKind::OutOfRange, message));
    }
    Ok(())
}

#[derive(Debug)]
pub(crate) struct Gain {
    from: f64,
    to: f64,
    /// Frames of a ramp, and of the one that is under way, how many have passed.
    frames: u32,
    passed: u32,
    begun: bool,
}

impl Gain {
    pub(crate) fn new(rate: f64) -> Self {
        let frames = (RAMP * rate).round().clamp(1.0, 1e6) as u32;
        Self { from: 1.0, to: 1.0, frames, passed: frames, begun: false }
    }

    /// From the next frame on, moves to `gain`; the first time it is there at once.
    pub(crate) fn follow(&mut self, gain: f64) {
        let begun = std::mem::replace(&mut self.begun, true);
        if gain != self.to {
            self.from = self.now();
            self.to = gain;
            self.passed = if begun { 0 } else { self.frames };
        }
    }

    fn now(&self) -> f64 {
        match self.passed >= self.frames {
            true => self.to,
            false => self.from + (self.to - self.from) * f64::from(self.passed) / f64::from(self.frames),
        }
    }

    /// The factor of the next frame.
    pub(crate) fn step(&mut self) -> f64 {
        self.passed = self.passed.saturating_add(1).min(self.frames);
        self.now()
    }

    /// Whether samples stay as they are.
    pub(crate) fn is_unity(&self) -> bool {
        self.passed >= self.frames && self.to == 1.0
    }

    /// Multiplies interleaved samples. All channels of a frame get the same factor.
    pub(crate) fn apply(&mut self, samples: &mut [f64], channels: usize) {
        for frame in samples.chunks_exact_mut(channels.max(1)) {
            let gain = self.step();
            for sample in frame {
                *sample *= gain;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_straight_line_that_ends_exactly() {
        let mut gain = Gain::new(200.0);
        gain.follow(0.5);
        let mut samples = [1.0];
        gain.apply(&mut samples, 1);
        assert_eq!(samples, [0.5]);
        gain.follow(1.0);
        gain.apply(&mut [0.0; 4], 1);
        assert!(gain.is_unity());
        gain.follow(0.0);
        assert!(!gain.is_unity());
        let mut samples = [1.0, -1.0].repeat(6);
        gain.apply(&mut samples[..4], 2);
        gain.apply(&mut samples[4..], 2);
        let expected = [0.75, 0.5, 0.25, 0.0, 0.0, 0.0];
        assert_eq!(samples, expected.map(|value| [value, -value]).concat());
        // Turned round on the way, it begins where it was.
        gain.follow(1.0);
        let mut samples = [1.0; 2];
        gain.apply(&mut samples[..1], 1);
        gain.follow(0.0);
        gain.apply(&mut samples[1..], 1);
        assert_eq!(samples, [0.25, 0.1875]);
        gain.follow(1.0);
        gain.apply(&mut [1.0; 4], 1);
        assert!(gain.is_unity());
    }
}
