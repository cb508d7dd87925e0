//! A signal that says of every frame which one it is, and what became of it on its way.

use sounddevice::{AudioData, I24, Sample};

/// A sample type that carries a count.
pub trait Counts: Sample {
    /// How many different counts there are; 0 is silence.
    const RANGE: usize;
    fn from_count(count: usize) -> Self;
    /// None if it is no count.
    fn count(self) -> Option<usize>;
}

impl Counts for i16 {
    const RANGE: usize = 1 << 15;
    fn from_count(count: usize) -> Self {
        count as i16
    }
    fn count(self) -> Option<usize> {
        usize::try_from(self).ok()
    }
}

impl Counts for I24 {
    const RANGE: usize = 1 << 23;
    fn from_count(count: usize) -> Self {
        let [low, middle, high, _] = (count as u32).to_le_bytes();
        I24([low, middle, high])
    }
    fn count(self) -> Option<usize> {
        usize::try_from(i32::from(self)).ok()
    }
}

/// In the upper 24 bits: what a server that computes in floating point keeps.
impl Counts for i32 {
    const RANGE: usize = 1 << 23;
    fn from_count(count: usize) -> Self {
        (count as i32) << 8
    }
    fn count(self) -> Option<usize> {
        usize::try_from(self >> 8).ok().filter(|_| self & 0xff == 0)
    }
}

impl Counts for f32 {
    const RANGE: usize = 1 << 23;
    fn from_count(count: usize) -> Self {
        count as f32 / Self::RANGE as f32
    }
    fn count(self) -> Option<usize> {
        let count = self * Self::RANGE as f32;
        (count >= 0.0 && count.fract() == 0.0).then_some(count as usize)
    }
}

/// `frames` frames that count from 1, every channel with its own offset, over and over where the type has fewer numbers.
pub fn signal<S: Counts>(frames: usize, channels: usize, sample_rate: u32) -> AudioData<S> {
    AudioData::from_fn(frames, channels, sample_rate, |frame, channel| S::from_count(count::<S>(frame, channel)))
}

fn count<S: Counts>(frame: usize, channel: usize) -> usize {
    (frame + 1000 * channel) % (S::RANGE - 1) + 1
}

/// What a recording of the signal shows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Heard {
    /// The first frame of the recording that is not silent.
    pub start: usize,
    /// The frame of the signal that it is, and the last one there is.
    pub first: usize,
    pub last: usize,
    /// Frames that are neither a frame of the signal nor silence.
    pub altered: usize,
    /// Frames of the signal between the first and the last one heard that are missing, or come a second time.
    pub lost: usize,
    /// Silent frames between the first and the last one.
    pub gaps: usize,
}

/// Reads a recording. The count must fit the frame to within half of the type's range.
pub fn heard<S: Counts>(recording: &AudioData<S>) -> Heard {
    let channels = recording.channels();
    let modulus = S::RANGE - 1;
    let mut heard = Heard::default();
    let mut expected: Option<usize> = None;
    let mut silent = 0;
    for (at, frame) in recording.samples().chunks_exact(channels).enumerate() {
        let counts: Vec<Option<usize>> = frame.iter().map(|sample| sample.count()).collect();
        if counts.iter().all(|count| *count == Some(0)) {
            silent += 1;
            continue;
        }
        let position = counts[0].filter(|count| *count > 0).map(|count| count - 1);
        let whole = position
            .filter(|position| (0..channels).all(|channel| counts[channel] == Some(count::<S>(*position, channel))));
        let Some(position) = whole else {
            heard.altered += 1;
            continue;
        };
        match expected {
            None => {
                heard.start = at;
                heard.first = position;
                heard.last = position;
            }
            Some(expected) => {
                // The shortest way from what should have come, forwards or back.
                let forwards = (position + modulus - expected % modulus) % modulus;
                let backwards = modulus - forwards;
                heard.gaps += silent;
                heard.lost += forwards.min(backwards);
                heard.last = if forwards <= backwards { expected + forwards } else { expected - backwards };
            }
        }
        silent = 0;
        expected = Some(heard.last + 1);
    }
    heard
}
