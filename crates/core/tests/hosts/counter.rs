//! A signal whose every frame says which one it is, on any channels and in any format, and what becomes of it on its way.

use sounddevice::{AudioData, I24, Sample};

/// A sample type that carries the signal.
pub trait Counts: Sample + PartialEq {
    /// How many frames there can be.
    const MOST: usize;

    /// The sample of a frame, counted from 0, on a channel; never silent.
    fn of(frame: usize, channel: usize) -> Self;

    /// Which frame these samples of these channels are, if they are one.
    fn frame(samples: &[Self], channels: &[usize]) -> Option<usize>;
}

/// Channels that the formats of 24 bits and more tell apart.
const CHANNELS: usize = 16;
const WIDE: usize = (1 << 23) / CHANNELS - 1;

/// The formats of 24 bits and more carry frame and channel in each sample, in their upper 24 bits: what a server that
/// computes in float32 keeps.
macro_rules! wide {
    ($($type:ty: $to:expr, $from:expr;)*) => {$(
        impl Counts for $type {
            const MOST: usize = WIDE;

            fn of(frame: usize, channel: usize) -> Self {
                let to: fn(i32) -> Self = $to;
                to(((frame + 1) * CHANNELS + channel) as i32)
            }

            fn frame(samples: &[Self], channels: &[usize]) -> Option<usize> {
                let from: fn(Self) -> Option<i32> = $from;
                let frame = (usize::try_from(from(samples[0])?).ok()? / CHANNELS).checked_sub(1)?;
                let whole = samples.iter().zip(channels).all(|(sample, channel)| *sample == Self::of(frame, *channel));
                whole.then_some(frame)
            }
        }
    )*};
}

const SCALE: f64 = 8_388_608.0;

wide! {
    f64: |level| f64::from(level) / SCALE, |sample| Some((sample * SCALE) as i32);
    f32: |level| level as f32 / SCALE as f32, |sample| Some((sample * SCALE as f32) as i32);
    i32: |level| level << 8, |sample| (sample & 0xff == 0).then_some(sample >> 8);
    I24: |level| { let [low, middle, high, _] = level.to_le_bytes(); I24([low, middle, high]) }, |sample| Some(sample.into());
}

/// The narrow ones need two channels: a low and a high digit, whose values are all levels but silence and the lowest one.
macro_rules! narrow {
    ($($type:ty: $half:literal, $to:expr, $from:expr;)*) => {$(
        impl Counts for $type {
            const MOST: usize = 4 * $half * $half;

            fn of(frame: usize, channel: usize) -> Self {
                assert!(channel < 2, "narrow formats count on two channels");
                let digit = [frame % (2 * $half), frame / (2 * $half)][channel] as i32;
                let to: fn(i32) -> Self = $to;
                to(if digit < $half { digit + 1 } else { $half - 1 - digit })
            }

            fn frame(samples: &[Self], channels: &[usize]) -> Option<usize> {
                assert_eq!(channels, [0, 1], "narrow formats count on two channels");
                let digit = |sample: Self| {
                    let from: fn(Self) -> i32 = $from;
                    match from(sample) {
                        level @ 1..=$half => usize::try_from(level - 1).ok(),
                        level if (-$half..0).contains(&level) => usize::try_from($half - 1 - level).ok(),
                        _ => None,
                    }
                };
                Some(digit(samples[0])? + 2 * $half * digit(samples[1])?)
            }
        }
    )*};
}

narrow! {
    i16: 32_767, |level| level as i16, i32::from;
    i8: 127, |level| level as i8, i32::from;
    u8: 127, |level| (level + 128) as u8, |sample| i32::from(sample) - 128;
}

/// The first frames of the signal, on the first channels.
pub fn signal<S: Counts>(frames: usize, channels: usize, sample_rate: u32) -> AudioData<S> {
    assert!(frames <= S::MOST, "{frames} frames in {}", S::DTYPE);
    AudioData::from_fn(frames, channels, sample_rate, S::of)
}

/// The signal, and so much silence after it.
pub fn signal_and_silence<S: Counts>(frames: usize, channels: usize, silence: usize, sample_rate: u32) -> AudioData<S> {
    assert!(frames <= S::MOST, "{frames} frames in {}", S::DTYPE);
    let value = |frame, channel| if frame < frames { S::of(frame, channel) } else { S::SILENCE };
    AudioData::from_fn(frames + silence, channels, sample_rate, value)
}

/// What a recording of the signal shows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Heard {
    /// Frames of the signal.
    pub frames: usize,
    /// Where in the recording the first and the last one are.
    pub start: usize,
    pub end: usize,
    /// Which frames of the signal they are.
    pub first: usize,
    pub last: usize,
    /// Frames that are neither one of the signal's nor silent, or that come after a later one.
    pub altered: usize,
    /// Frames of the signal between the first and the last one heard that are missing.
    pub lost: usize,
    /// Silent frames between the first and the last one.
    pub silent: usize,
}

impl Heard {
    /// Frames between playing and hearing the first one, and the last one, where both began together.
    pub fn trips(&self) -> (i64, i64) {
        let trip = |at: usize, frame: usize| at as i64 - frame as i64;
        (trip(self.start, self.first), trip(self.end, self.last))
    }

    /// Whether nothing is missing from the first to the last one.
    pub fn whole(&self) -> bool {
        self.altered + self.lost + self.silent == 0
    }
}

/// Reads a recording of the first channels.
pub fn heard<S: Counts>(recording: &AudioData<S>) -> Heard {
    heard_on(recording, &(0..recording.channels()).collect::<Vec<_>>())
}

/// Reads a recording of these channels of the signal.
pub fn heard_on<S: Counts>(recording: &AudioData<S>, channels: &[usize]) -> Heard {
    let mut heard = Heard::default();
    let mut silent = 0;
    for (at, samples) in recording.samples().chunks_exact(channels.len()).enumerate() {
        if samples.iter().all(|sample| *sample == S::SILENCE) {
            silent += 1;
            continue;
        }
        let Some(frame) = S::frame(samples, channels) else {
            heard.altered += 1;
            continue;
        };
        if heard.frames == 0 {
            (heard.start, heard.first) = (at, frame);
        } else if frame <= heard.last {
            heard.altered += 1;
            continue;
        } else {
            heard.lost += frame - heard.last - 1;
            heard.silent += silent;
        }
        silent = 0;
        (heard.end, heard.last) = (at, frame);
        heard.frames += 1;
    }
    heard
}

#[test]
fn every_format_tells_its_frames_and_channels_and_what_became_of_them() {
    fn check<S: Counts>() {
        let frames = S::MOST.min(100_000);
        let data = signal_and_silence::<S>(frames, 2, 10, 48_000);
        let all = Heard { frames, end: frames - 1, last: frames - 1, ..Heard::default() };
        assert_eq!(heard(&data), all, "{}", S::DTYPE);
        let damaged = |damage: fn(&mut Vec<S>)| {
            let mut samples = data.samples()[..2000].to_vec();
            damage(&mut samples);
            heard(&AudioData::new(samples, 2, 48_000).expect("frames"))
        };
        let part = Heard { frames: 1000, end: 999, last: 999, ..Heard::default() };
        assert_eq!(damaged(|_| ()), part);
        let gap = damaged(|samples| samples[200..220].fill(S::SILENCE));
        assert_eq!(gap, Heard { frames: 990, lost: 10, silent: 10, ..part });
        let hole = damaged(|samples| drop(samples.drain(200..220)));
        assert_eq!(hole, Heard { frames: 990, lost: 10, end: 989, ..part });
        let swapped = damaged(|samples| samples[200..204].rotate_left(2));
        assert_eq!((swapped.altered, swapped.lost), (1, 1), "{}", S::DTYPE);
    }
    check::<f64>();
    check::<f32>();
    check::<i32>();
    check::<I24>();
    check::<i16>();
    check::<i8>();
    check::<u8>();
    let scaled = AudioData::from_fn(100, 1, 48_000, |frame, channel| f32::of(frame, channel) * 0.999);
    assert_eq!(heard(&scaled).altered, 100);
}
