//! Sample types: the seven formats as Rust types.

use crate::dtype::Dtype;

/// A packed 24-bit sample: three little-endian bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct I24(pub [u8; 3]);

impl From<I24> for i32 {
    /// From −8388608 to 8388607.
    fn from(sample: I24) -> Self {
        let [low, middle, high] = sample.0;
        i32::from_le_bytes([0, low, middle, high]) >> 8
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A type that samples can have: `f64`, `f32`, `i32`, [`I24`], `i16`, `i8`, `u8`.
///
/// Every bit pattern is a sample, and no type has padding: what lets buffers be seen as bytes.
pub trait Sample: sealed::Sealed + Copy + Send + Sync + std::fmt::Debug + 'static {
    /// The format of this type.
    const DTYPE: Dtype;
    /// A silent sample.
    const SILENCE: Self;
}

macro_rules! samples {
    ($($type:ty = $dtype:ident, $silence:expr;)*) => {
        $(impl sealed::Sealed for $type {}
        impl Sample for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            const SILENCE: Self = $silence;
        })*
    };
}

samples! {
    f64 = F64, 0.0;
    f32 = F32, 0.0;
    i32 = I32, 0;
    I24 = I24, I24([0; 3]);
    i16 = I16, 0;
    i8 = I8, 0;
    u8 = U8, 128;
}

/// Samples as their bytes.
pub(crate) fn bytes<S: Sample>(samples: &[S]) -> &[u8] {
    // SAFETY: no sample type has padding, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(samples.as_ptr().cast(), size_of_val(samples)) }
}

/// The same for writing.
pub(crate) fn bytes_mut<S: Sample>(samples: &mut [S]) -> &mut [u8] {
    // SAFETY: as above, and every bit pattern is a sample.
    unsafe { std::slice::from_raw_parts_mut(samples.as_mut_ptr().cast(), size_of_val(samples)) }
}

/// Bytes as samples. They are aligned for it: what is not would be left out.
pub(crate) fn samples<S: Sample>(bytes: &[u8]) -> &[S] {
    // SAFETY: every bit pattern is a sample.
    let (before, samples, _) = unsafe { bytes.align_to() };
    debug_assert!(before.is_empty());
    samples
}

/// The same for writing.
pub(crate) fn samples_mut<S: Sample>(bytes: &mut [u8]) -> &mut [S] {
    // SAFETY: every bit pattern is a sample, and no sample type has padding.
    let (before, samples, _) = unsafe { bytes.align_to_mut() };
    debug_assert!(before.is_empty());
    samples
}
