//! A signal whose every frame says which one it is, and a judge of what has become of it.

use sounddevice::{AudioData, I24, Sample};

/// A sample type that can carry the signal.
pub trait Counter: Sample + PartialEq + std::fmt::Debug {
    /// Two channels of the frame with this number, from 1; never silent.
    fn frame(number: u32) -> [Self; 2];
    /// The number, if the frame is one of these.
    fn number(frame: &[Self]) -> Option<u32>;
}

impl Counter for i16 {
    fn frame(number: u32) -> [Self; 2] {
        [(number & 0x7fff) as i16, ((number >> 15) + 1) as i16]
    }

    fn number(frame: &[Self]) -> Option<u32> {
        let (low, high) = (u32::try_from(frame[0]).ok()?, u32::try_from(frame[1]).ok()?);
        Some((high.checked_sub(1)? << 15) + low)
    }
}

fn of_24(frame: [i32; 2]) -> Option<u32> {
    u32::try_from(frame[0]).ok().filter(|number| *number > 0 && frame[1] == -frame[0])
}

impl Counter for I24 {
    fn frame(number: u32) -> [Self; 2] {
        [number as i32, -(number as i32)].map(|sample| {
            let [low, middle, high, _] = sample.to_le_bytes();
            I24([low, middle, high])
        })
    }

    fn number(frame: &[Self]) -> Option<u32> {
        of_24([frame[0].into(), frame[1].into()])
    }
}

/// To 24 bits, which is what a server that computes in float32 keeps.
impl Counter for i32 {
    fn frame(number: u32) -> [Self; 2] {
        [(number as i32) << 8, -(number as i32) << 8]
    }

    fn number(frame: &[Self]) -> Option<u32> {
        if frame.iter().any(|sample| sample & 0xff != 0) {
            return None;
        }
        of_24([frame[0] >> 8, frame[1] >> 8])
    }
}

impl Counter for f32 {
    fn frame(number: u32) -> [Self; 2] {
        [number as f32 / 8_388_608.0, -(number as f32) / 8_388_608.0]
    }

    fn number(frame: &[Self]) -> Option<u32> {
        let scaled = [frame[0] * 8_388_608.0, frame[1] * 8_388_608.0];
        if scaled.iter().any(|sample| sample.fract() != 0.0) {
            return None;
        }
        of_24([scaled[0] as i32, scaled[1] as i32])
    }
}

/// The frames 1 to `frames`.
pub fn signal<S: Counter>(frames: usize) -> AudioData<S> {
    AudioData::from_fn(frames, 2, 48_000, |frame, channel| S::frame(frame as u32 + 1)[channel])
}

/// What has become of the signal.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict {
    /// Position of the first frame heard, and its number.
    pub first: Option<(usize, u32)>,
    /// Position and number of the last one.
    pub last: Option<(usize, u32)>,
    /// Frames that are neither silent nor one of the signal's, or that came before an earlier one.
    pub altered: usize,
    /// Frames of the signal between the first and the last one heard that are missing.
    pub lost: usize,
    /// Silent frames between the first and the last one heard.
    pub silent: usize,
}

pub fn judge<S: Counter>(samples: &[S]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut silent = 0;
    for (position, frame) in samples.chunks_exact(2).enumerate() {
        if frame.iter().all(|sample| *sample == S::SILENCE) {
            silent += 1;
            continue;
        }
        let Some(number) = S::number(frame) else {
            verdict.altered += 1;
            continue;
        };
        match verdict.last {
            Some((_, last)) if number <= last => verdict.altered += 1,
            Some((_, last)) => {
                verdict.lost += (number - last - 1) as usize;
                verdict.silent += silent;
            }
            None => verdict.first = Some((position, number)),
        }
        silent = 0;
        verdict.last = Some((position, number));
    }
    verdict
}
