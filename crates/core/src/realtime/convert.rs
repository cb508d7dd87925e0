//! From one sample format to another, channel by channel.

mod dither;
mod kernel;
mod sample;
#[cfg(test)]
mod test;

use crate::dtype::{Dtype, Format};
use crate::realtime::mapping::Transfer;
use dither::Dither;
use kernel::{Convert, Kernels, OnGrid};

/// Samples that could not become what they were.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Beyond the target's range: they became its limit.
    pub clipped: u64,
    /// Not a number: they became 0.
    pub nan: u64,
}

/// The user's choices.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ConvertOptions {
    /// Clips without counting.
    pub clip_off: bool,
    /// Does not dither.
    pub dither_off: bool,
}

/// Converts from one format to another.
pub(crate) struct Converter {
    from: Format,
    to: Format,
    options: ConvertOptions,
    kernels: Kernels,
    dither: Dither,
}

impl Converter {
    pub(crate) fn new(from: Format, to: Format, options: ConvertOptions) -> Self {
        let mut kernels = Kernels::of(from, to);
        if options.dither_off {
            kernels.narrowing = None;
        }
        Self { from, to, options, kernels, dither: Dither::new() }
    }

    /// Converts interleaved samples in one go if all channels need dither, or none. If they differ it says no and does
    /// nothing.
    pub(crate) fn together(
        &mut self,
        src: &[u8],
        dst: &mut [u8],
        channels: usize,
        frames: usize,
        counts: &mut Counts,
    ) -> bool {
        let (source, target) = (Lane::new(self.from, 0, 1), Lane::new(self.to, 0, 1));
        let samples = frames * channels;
        let samples = samples.min(source.frames_in(src.len())).min(target.frames_in(dst.len()));
        let (Some(src), Some(dst)) = (src.get(source.range(samples)), dst.get_mut(target.range(samples))) else {
            return true;
        };
        let convert = match self.kernels.narrowing {
            Some(narrowing) if !on_grid(narrowing, src, source) => {
                let mut lanes = (0..channels).map(|channel| Lane::new(self.from, channel, channels));
                if channels > 1
                    && lanes.any(|lane| src.get(lane.range(frames)).is_none_or(|src| on_grid(narrowing, src, lane)))
                {
                    return false;
                }
                narrowing.1
            }
            _ => self.kernels.plain,
        };
        self.apply(convert, src, source, dst, target, counts);
        true
    }

    /// Converts one channel of interleaved samples, with dither if any of them needs it. Offsets and strides are in
    /// samples. Frames that do not fit in both buffers are left out.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn channel(
        &mut self,
        src: &[u8],
        src_offset: usize,
        src_stride: usize,
        dst: &mut [u8],
        dst_offset: usize,
        dst_stride: usize,
        frames: usize,
        counts: &mut Counts,
    ) {
        let source = Lane::new(self.from, src_offset, src_stride);
        let target = Lane::new(self.to, dst_offset, dst_stride);
        let frames = frames.min(source.frames_in(src.len())).min(target.frames_in(dst.len()));
        let (Some(src), Some(dst)) = (src.get(source.range(frames)), dst.get_mut(target.range(frames))) else {
            return;
        };
        let convert = match self.kernels.narrowing {
            Some(narrowing) if !on_grid(narrowing, src, source) => narrowing.1,
            _ => self.kernels.plain,
        };
        self.apply(convert, src, source, dst, target, counts);
    }

    fn apply(&mut self, convert: Convert, src: &[u8], source: Lane, dst: &mut [u8], target: Lane, counts: &mut Counts) {
        if self.from == self.to && source.is_contiguous() && target.is_contiguous() {
            dst.copy_from_slice(src);
            return;
        }
        let mut found = Counts::default();
        // SAFETY: the kernel was chosen for this machine's instructions.
        unsafe { convert(src, source.step, dst, target.step, &mut self.dither, &mut found) };
        counts.nan += found.nan;
        if !self.options.clip_off {
            counts.clipped += found.clipped;
        }
    }
}

fn on_grid((on_grid, _): (OnGrid, Convert), src: &[u8], source: Lane) -> bool {
    // SAFETY: the kernel was chosen for this machine's instructions.
    unsafe { on_grid(src, source.step) }
}

/// One channel among interleaved ones, in bytes.
#[derive(Clone, Copy)]
struct Lane {
    start: usize,
    step: usize,
    bytes: usize,
}

impl Lane {
    fn new(format: Format, offset: usize, stride: usize) -> Self {
        let bytes = format.bytes();
        Self { start: offset * bytes, step: stride.max(1) * bytes, bytes }
    }

    fn is_contiguous(self) -> bool {
        self.step == self.bytes
    }

    /// Samples of this channel in a buffer of this length.
    fn frames_in(self, length: usize) -> usize {
        match length.checked_sub(self.start + self.bytes) {
            Some(rest) => rest / self.step + 1,
            None => 0,
        }
    }

    /// From the first to the last sample.
    fn range(self, frames: usize) -> std::ops::Range<usize> {
        match frames.checked_sub(1) {
            Some(last) => self.start..self.start + last * self.step + self.bytes,
            None => 0..0,
        }
    }
}

/// Fills one channel with silence. `offset` and `stride` are in samples.
pub(crate) fn silence_channel(format: Format, dst: &mut [u8], offset: usize, stride: usize, frames: usize) {
    let lane = Lane::new(format, offset, stride);
    let frames = frames.min(lane.frames_in(dst.len()));
    let Some(dst) = dst.get_mut(lane.range(frames)) else {
        return;
    };
    if lane.is_contiguous() {
        dst.fill(format.silence());
        return;
    }
    for frame in dst.chunks_mut(lane.step) {
        for byte in frame.iter_mut().take(lane.bytes) {
            *byte = format.silence();
        }
    }
}

/// Copies one channel to another of the same buffer.
pub(crate) fn copy_channel(format: Format, buffer: &mut [u8], from: usize, to: usize, channels: usize, frames: usize) {
    let bytes = format.bytes();
    let (from, to) = (from * bytes, to * bytes);
    if from.max(to) + bytes > channels * bytes {
        return;
    }
    for frame in buffer.chunks_exact_mut(channels * bytes).take(frames) {
        frame.copy_within(from..from + bytes, to);
    }
}

/// Converts a whole buffer of interleaved samples. Dither is decided for each channel of the whole.
pub(crate) fn convert_interleaved(
    src: &[u8],
    from: Dtype,
    dst: &mut [u8],
    to: Dtype,
    channels: usize,
    options: ConvertOptions,
) -> Counts {
    let channels = channels.max(1);
    let frames = src.len() / (from.bytes() * channels);
    let mut counts = Counts::default();
    Transfer::identity(from.into(), channels, to.into(), channels, options).run(src, dst, frames, &mut counts);
    counts
}
