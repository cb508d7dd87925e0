//! The loops, one set for each pair of formats.

use super::Counts;
use super::dither::{BLOCK, Dither};
use super::sample::{F32, F64, I8, I16, I24, I24In32, I32, Real, Sample, U8, Value};
use crate::dtype::{Dtype, Format};

/// Converts one channel. Both buffers begin with its first sample and end with its last; steps are in bytes.
///
/// Unsafe to call only because it may be compiled for the vector instructions that [`Kernels::of`] found.
pub(super) type Convert =
    unsafe fn(src: &[u8], src_step: usize, dst: &mut [u8], dst_step: usize, &mut Dither, &mut Counts);

/// Whether all samples of a channel lie on the target's grid.
/// Unsafe as [`Convert`] is.
pub(super) type OnGrid = unsafe fn(src: &[u8], src_step: usize) -> bool;

/// What converts one format to another.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    pub plain: Convert,
    /// For pairs that lose bits of integers or round floats to integers.
    pub narrowing: Option<(OnGrid, Convert)>,
}

impl Kernels {
    pub(super) fn of(from: Format, to: Format) -> Self {
        match from {
            Format::I24In32 => Self::from_sample::<I24In32>(to),
            Format::Packed(Dtype::F64) => Self::from_sample::<F64>(to),
            Format::Packed(Dtype::F32) => Self::from_sample::<F32>(to),
            Format::Packed(Dtype::I32) => Self::from_sample::<I32>(to),
            Format::Packed(Dtype::I24) => Self::from_sample::<I24>(to),
            Format::Packed(Dtype::I16) => Self::from_sample::<I16>(to),
            Format::Packed(Dtype::I8) => Self::from_sample::<I8>(to),
            Format::Packed(Dtype::U8) => Self::from_sample::<U8>(to),
        }
    }

    fn from_sample<S: Sample>(to: Format) -> Self {
        match to {
            Format::I24In32 => Self::pair::<S, I24In32>(),
            Format::Packed(Dtype::F64) => Self::pair::<S, F64>(),
            Format::Packed(Dtype::F32) => Self::pair::<S, F32>(),
            Format::Packed(Dtype::I32) => Self::pair::<S, I32>(),
            Format::Packed(Dtype::I24) => Self::pair::<S, I24>(),
            Format::Packed(Dtype::I16) => Self::pair::<S, I16>(),
            Format::Packed(Dtype::I8) => Self::pair::<S, I8>(),
            Format::Packed(Dtype::U8) => Self::pair::<S, U8>(),
        }
    }

    fn pair<S: Sample, D: Sample>() -> Self {
        if D::BITS == 0 || (S::BITS != 0 && S::BITS <= D::BITS) {
            return Self { plain: pick::<Convert>(exact::<S, D>, exact_avx2::<S, D>), narrowing: None };
        }
        // Sums with noise need more bits than an f32 has left over.
        let dithered: Convert = pick(quantise::<f64, S, D, true>, quantise_avx2::<f64, S, D, true>);
        // An f32 holds every source value of up to 24 bits, and rounds exactly where the target is small.
        let (on_grid, plain) = if D::BITS <= 16 && S::BYTES <= 4 && S::BITS <= 24 {
            let on_grid: OnGrid = pick(on_grid::<f32, S, D>, on_grid_avx2::<f32, S, D>);
            (on_grid, pick::<Convert>(quantise::<f32, S, D, false>, quantise_avx2::<f32, S, D, false>))
        } else {
            let on_grid: OnGrid = pick(on_grid::<f64, S, D>, on_grid_avx2::<f64, S, D>);
            (on_grid, pick::<Convert>(quantise::<f64, S, D, false>, quantise_avx2::<f64, S, D, false>))
        };
        let plain = if S::BITS == 0 { plain } else { pick::<Convert>(narrow::<S, D>, narrow_avx2::<S, D>) };
        Self { plain, narrowing: Some((on_grid, dithered)) }
    }
}

/// The second on a machine that has AVX2: twice the width, and shuffles for packed 24 bits.
fn pick<T>(any: T, avx2: T) -> T {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return avx2;
    }
    let _ = avx2;
    any
}

/// 2^`exponent`
const fn power(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// From source values to steps of the target.
const fn scale<S: Sample, D: Sample>() -> f64 {
    power(D::BITS as i32 - if S::BITS == 0 { 1 } else { S::BITS as i32 })
}

static NO_NOISE: [f64; BLOCK] = [0.0; BLOCK];

/// Up to a block of frames, with one value of `noise` for each.
#[inline(always)]
fn each<S: Sample, D: Sample>(
    src: &[u8],
    src_step: usize,
    dst: &mut [u8],
    dst_step: usize,
    noise: &[f64; BLOCK],
    mut convert: impl FnMut(S::Value, f64) -> D::Value,
) {
    // The same loop twice: with the steps known, the first becomes vector code.
    if src_step == S::BYTES && dst_step == D::BYTES {
        for ((s, d), &n) in src.chunks_exact(S::BYTES).zip(dst.chunks_exact_mut(D::BYTES)).zip(noise) {
            D::store(convert(S::load(s), n), d);
        }
    } else {
        for ((s, d), &n) in src.chunks(src_step).zip(dst.chunks_mut(dst_step)).zip(noise) {
            D::store(convert(S::load(s), n), d);
        }
    }
}

/// To a float, or to an integer that holds every source value.
#[inline(always)]
fn exact<S: Sample, D: Sample>(
    src: &[u8],
    src_step: usize,
    dst: &mut [u8],
    dst_step: usize,
    _: &mut Dither,
    _: &mut Counts,
) {
    for (src, dst) in src.chunks(BLOCK * src_step).zip(dst.chunks_mut(BLOCK * dst_step)) {
        each::<S, D>(src, src_step, dst, dst_step, &NO_NOISE, |value, _| {
            if S::BITS == 0 {
                D::Value::from_f64(value.to_f64())
            } else if D::BITS == 0 {
                D::Value::from_i32(value.to_i32(), power(1 - S::BITS as i32))
            } else {
                D::Value::from_i32(value.to_i32() << (D::BITS - S::BITS), 1.0)
            }
        });
    }
}

/// Rounded half to even and clipped. What clips is counted before the noise: it is the signal's doing.
#[inline(always)]
fn quantise<W: Real, S: Sample, D: Sample, const DITHER: bool>(
    src: &[u8],
    src_step: usize,
    dst: &mut [u8],
    dst_step: usize,
    dither: &mut Dither,
    counts: &mut Counts,
) {
    let scale = W::from_f64(const { scale::<S, D>() });
    let zero = W::from_f64(0.0);
    let half = W::from_f64(0.5);
    let (min, max) = limits::<W, D>();
    let mut noise = NO_NOISE;
    for (src, dst) in src.chunks(BLOCK * src_step).zip(dst.chunks_mut(BLOCK * dst_step)) {
        let mut clipped = 0u32;
        let mut nan = 0u32;
        if DITHER {
            dither.fill(&mut noise);
        }
        each::<S, D>(src, src_step, dst, dst_step, &noise, |value, noise| {
            let x = W::of(value) * scale;
            // Half above the maximum rounds to even, out of range; half below the minimum rounds to the minimum.
            clipped += u32::from(x >= max + half) + u32::from(x < min - half);
            let number = x.partial_cmp(&x).is_some();
            nan += u32::from(!number);
            let x = if DITHER { x + W::from_f64(noise) } else { x };
            let x = if number { x } else { zero };
            let x = if x > min { x } else { min };
            let x = if x < max { x } else { max };
            D::Value::from_i32(x.round(), 1.0)
        });
        counts.clipped += u64::from(clipped);
        counts.nan += u64::from(nan);
    }
}

/// Integers to shorter ones, rounded half to even; only at the top does that leave the target's range.
#[inline(always)]
fn narrow<S: Sample, D: Sample>(
    src: &[u8],
    src_step: usize,
    dst: &mut [u8],
    dst_step: usize,
    _: &mut Dither,
    counts: &mut Counts,
) {
    let shift = S::BITS.saturating_sub(D::BITS);
    let half = 1 << shift.saturating_sub(1);
    let max = (1 << (D::BITS - 1)) - 1;
    for (src, dst) in src.chunks(BLOCK * src_step).zip(dst.chunks_mut(BLOCK * dst_step)) {
        let mut clipped = 0u32;
        each::<S, D>(src, src_step, dst, dst_step, &NO_NOISE, |value, _| {
            let value = value.to_i32();
            let below = value >> shift;
            let rest = value & ((1 << shift) - 1);
            // The middle goes up from odd numbers only.
            let rounded = below + i32::from(rest + (below & 1) > half);
            clipped += u32::from(rounded > max);
            D::Value::from_i32(rounded.min(max), 1.0)
        });
        counts.clipped += u64::from(clipped);
    }
}

/// Least and greatest value of the target.
#[inline(always)]
fn limits<W: Real, D: Sample>() -> (W, W) {
    let full = power(D::BITS as i32 - 1);
    (W::from_f64(-full), W::from_f64(full - 1.0))
}

#[inline(always)]
fn on_grid<W: Real, S: Sample, D: Sample>(src: &[u8], src_step: usize) -> bool {
    let scale = W::from_f64(const { scale::<S, D>() });
    let (min, max) = limits::<W, D>();
    let fits = |bytes: &[u8]| {
        let x = W::of(S::load(bytes)) * scale;
        (x >= min) & (x <= max) & ((x + W::MAGIC) - W::MAGIC == x)
    };
    // Blocks without a branch inside, but no further than the first that does not fit.
    src.chunks(64 * src_step).all(|block| {
        if src_step == S::BYTES {
            block.chunks_exact(S::BYTES).fold(true, |all, sample| all & fits(sample))
        } else {
            block.chunks(src_step).fold(true, |all, sample| all & fits(sample))
        }
    })
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn exact_avx2<S: Sample, D: Sample>(
    src: &[u8],
    src_step: usize,
    dst: &mut [u8],
    dst_step: usize,
    dither: &mut Dither,
    counts: &mut Counts,
) {
    exact::<S, D>(src, src_step, dst, dst_step, dither, counts);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn quantise_avx2<W: Real, S: Sample, D: Sample, const DITHER: bool>(
    src: &[u8],
    src_step: usize,
    dst: &mut [u8],
    dst_step: usize,
    dither: &mut Dither,
    counts: &mut Counts,
) {
    quantise::<W, S, D, DITHER>(src, src_step, dst, dst_step, dither, counts);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn narrow_avx2<S: Sample, D: Sample>(
    src: &[u8],
    src_step: usize,
    dst: &mut [u8],
    dst_step: usize,
    dither: &mut Dither,
    counts: &mut Counts,
) {
    narrow::<S, D>(src, src_step, dst, dst_step, dither, counts);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn on_grid_avx2<W: Real, S: Sample, D: Sample>(src: &[u8], src_step: usize) -> bool {
    on_grid::<W, S, D>(src, src_step)
}
