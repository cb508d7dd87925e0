//! Sample conversion: float → int × 2^(n−1), rounded half to even, clipped; int → float ÷ 2^(n−1); narrowing dithered
//! where the samples do not lie on the target's grid already.

use crate::dtype::{Dtype, Format};

/// What conversion found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Samples beyond full scale.
    pub clipped: u64,
    /// Samples that were not numbers and became silence.
    pub nan: u64,
}

/// How to convert to integers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConvertOptions {
    /// Do not count samples that are clipped; they saturate all the same.
    pub clip_off: bool,
    /// Do not dither.
    pub dither_off: bool,
}

/// One channel of interleaved samples: the first one's place, and how far apart they are, in samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    pub offset: usize,
    pub stride: usize,
}

/// From one format to another.
#[derive(Debug, Clone)]
pub(crate) struct Converter {
    from: Format,
    to: Format,
    options: ConvertOptions,
    random: u64,
}

impl Converter {
    pub(crate) fn new(from: Format, to: Format, options: ConvertOptions) -> Self {
        Self {
            from,
            to,
            options,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Whether samples may have to be rounded, and so be dithered.
    pub(crate) fn needs_dither(&self) -> bool {
        let fine = |format| match format {
            Format::Packed(Dtype::F64 | Dtype::F32) => 64,
            other => bits(other),
        };
        !self.options.dither_off && !is_float(self.to) && fine(self.from) > bits(self.to)
    }

    /// Converts `frames` samples of one channel.
    pub(crate) fn channel(
        &mut self,
        src: &[u8],
        from: Lane,
        dst: &mut [u8],
        to: Lane,
        frames: usize,
        counts: &mut Counts,
    ) {
        let (size, out_size) = (self.from.bytes(), self.to.bytes());
        let place =
            |lane: Lane, frame: usize, bytes: usize| (lane.offset + frame * lane.stride) * bytes;
        if self.from == self.to {
            for frame in 0..frames {
                let (s, d) = (place(from, frame, size), place(to, frame, size));
                dst[d..d + size].copy_from_slice(&src[s..s + size]);
            }
            return;
        }
        let sample = |frame: usize| load(self.from, &src[place(from, frame, size)..][..size]);
        if is_float(self.to) {
            for frame in 0..frames {
                store_float(
                    self.to,
                    &mut dst[place(to, frame, out_size)..][..out_size],
                    sample(frame),
                );
            }
            return;
        }
        let scale = f64::from(2u32.pow(bits(self.to) - 1));
        let (low, high) = (-scale, scale - 1.0);
        let on_grid = |value: f64| {
            let scaled = value * scale;
            scaled.round_ties_even() == scaled && (low..=high).contains(&scaled)
        };
        let dither = self.needs_dither() && !(0..frames).all(|frame| on_grid(sample(frame)));
        let mut random = self.random;
        for frame in 0..frames {
            let value = sample(frame);
            let noise = if dither {
                uniform(&mut random) + uniform(&mut random)
            } else {
                0.0
            };
            let whole = if value.is_nan() {
                counts.nan += 1;
                0.0
            } else {
                let scaled = value * scale;
                // Dither that pushes full scale over the edge is not the user's clipping.
                counts.clipped += u64::from(
                    !self.options.clip_off && !(low - 0.5..=high + 0.5).contains(&scaled),
                );
                (scaled + noise).round_ties_even().clamp(low, high)
            };
            store_int(
                self.to,
                &mut dst[place(to, frame, out_size)..][..out_size],
                whole as i32,
            );
        }
        self.random = random;
    }
}

fn is_float(format: Format) -> bool {
    matches!(format, Format::Packed(Dtype::F64 | Dtype::F32))
}

fn bits(format: Format) -> u32 {
    match format {
        Format::I24In32 | Format::Packed(Dtype::I24) => 24,
        Format::Packed(Dtype::I32) => 32,
        Format::Packed(Dtype::I16) => 16,
        Format::Packed(Dtype::I8 | Dtype::U8) => 8,
        Format::Packed(Dtype::F64 | Dtype::F32) => 53,
    }
}

/// From −0.5 up to 0.5, evenly: xorshift64 (Marsaglia 2003), its upper 53 bits.
fn uniform(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

/// Any sample as a double, which holds all of them exactly.
fn load(format: Format, bytes: &[u8]) -> f64 {
    let word = |bytes: &[u8]| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) << 8;
    match (format, bytes) {
        (Format::Packed(Dtype::F64), &[a, b, c, d, e, f, g, h]) => {
            f64::from_ne_bytes([a, b, c, d, e, f, g, h])
        }
        (Format::Packed(Dtype::F32), &[a, b, c, d]) => f64::from(f32::from_ne_bytes([a, b, c, d])),
        (Format::Packed(Dtype::I32), &[a, b, c, d]) => {
            f64::from(i32::from_ne_bytes([a, b, c, d])) / 2f64.powi(31)
        }
        (Format::Packed(Dtype::I24), bytes) => f64::from(word(bytes)) / 2f64.powi(31),
        (Format::I24In32, &[a, b, c, d]) => {
            f64::from(i32::from_ne_bytes([a, b, c, d]) << 8) / 2f64.powi(31)
        }
        (Format::Packed(Dtype::I16), &[a, b]) => {
            f64::from(i16::from_ne_bytes([a, b])) / 2f64.powi(15)
        }
        (Format::Packed(Dtype::I8), &[a]) => f64::from(a as i8) / 128.0,
        (Format::Packed(Dtype::U8), &[a]) => f64::from(i16::from(a) - 128) / 128.0,
        _ => 0.0,
    }
}

fn store_float(format: Format, bytes: &mut [u8], value: f64) {
    match format {
        Format::Packed(Dtype::F64) => bytes.copy_from_slice(&value.to_ne_bytes()),
        _ => bytes.copy_from_slice(&(value as f32).to_ne_bytes()),
    }
}

fn store_int(format: Format, bytes: &mut [u8], value: i32) {
    match format {
        Format::Packed(Dtype::I24) => bytes.copy_from_slice(&value.to_le_bytes()[..3]),
        Format::Packed(Dtype::I16) => bytes.copy_from_slice(&(value as i16).to_ne_bytes()),
        Format::Packed(Dtype::I8) => bytes[0] = value as u8,
        Format::Packed(Dtype::U8) => bytes[0] = (value + 128) as u8,
        _ => bytes.copy_from_slice(&value.to_ne_bytes()),
    }
}
