//! Audio with its shape.

use crate::convert::{ConvertOptions, convert};
use crate::error::{Error, ErrorKind, Result};
use crate::sample::{Sample, bytes, bytes_mut};

/// Interleaved samples with their channels and rate.
///
/// ```
/// use sounddevice::AudioData;
/// let beep: AudioData<f32> = AudioData::from_fn(480, 2, 48_000, |frame, _| (frame as f32 * 0.05).sin());
/// assert_eq!((beep.frames(), beep.channels(), beep.duration()), (480, 2, 0.01));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AudioData<S> {
    samples: Vec<S>,
    channels: usize,
    sample_rate: f64,
}

impl<S: Sample> AudioData<S> {
    /// Interleaved samples, `frames × channels`; the rate is in Hertz.
    ///
    /// # Errors
    /// `InvalidArgValue` where they are not whole frames of at least one channel.
    pub fn new(samples: Vec<S>, channels: usize, sample_rate: impl Into<f64>) -> Result<Self> {
        if channels == 0 || !samples.len().is_multiple_of(channels) {
            let message =
                format!("Expected whole frames of {channels} channels, at least 1, got {} samples", samples.len());
            return Err(Error::new(ErrorKind::InvalidArgValue, message));
        }
        Ok(Self { samples, channels, sample_rate: sample_rate.into() })
    }

    /// Silence. No channels count as one.
    pub fn zeros(frames: usize, channels: usize, sample_rate: impl Into<f64>) -> Self {
        let channels = channels.max(1);
        Self { samples: vec![S::SILENCE; frames * channels], channels, sample_rate: sample_rate.into() }
    }

    /// A function of the frame and the channel, both from 0.
    pub fn from_fn(
        frames: usize,
        channels: usize,
        sample_rate: impl Into<f64>,
        mut sample: impl FnMut(usize, usize) -> S,
    ) -> Self {
        let channels = channels.max(1);
        let samples = (0..frames * channels).map(|position| sample(position / channels, position % channels)).collect();
        Self { samples, channels, sample_rate: sample_rate.into() }
    }

    /// The samples, interleaved.
    pub fn samples(&self) -> &[S] {
        &self.samples
    }

    /// The samples, interleaved, without a copy.
    pub fn into_samples(self) -> Vec<S> {
        self.samples
    }

    /// One channel, from 0; empty where there is none of that number.
    pub fn channel(&self, channel: usize) -> Vec<S> {
        self.samples.iter().skip(channel).step_by(self.channels).copied().collect()
    }

    /// Frames: samples per channel.
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// At least 1.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Hertz.
    pub fn sample_rate(&self) -> f64 {
        self.sample_rate
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.frames() as f64 / self.sample_rate
    }

    /// The same in another format, clipped and dithered as [`convert`] does.
    pub fn convert<T: Sample>(&self, options: ConvertOptions) -> AudioData<T> {
        let mut samples = vec![T::SILENCE; self.samples.len()];
        let (from, to) = (bytes(&self.samples), bytes_mut(&mut samples));
        // The lengths agree by construction, which is all that it could refuse.
        let _ = convert(from, S::DTYPE, to, T::DTYPE, self.channels, options);
        AudioData { samples, channels: self.channels, sample_rate: self.sample_rate }
    }
}
