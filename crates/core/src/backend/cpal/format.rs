//! Which of a device's sample formats to open.

use ::cpal::SampleFormat;

use crate::dtype::{Dtype, Format};

/// Formats for a user's samples, best first: the same one, then those that hold it exactly, narrow ones first, then the
/// widest of the others. uint8 goes as something wider where it can: the way from float32 to 8 bits that PulseAudio takes
/// alters some samples, and on a card nothing is gained by it.
pub(super) fn preferred(dtype: Dtype) -> &'static [SampleFormat] {
    use SampleFormat::{F32, F64, I8, I16, I24, I32, U8};
    match dtype {
        Dtype::F64 => &[F64, F32, I32, I24, I16, I8, U8],
        Dtype::F32 => &[F32, F64, I32, I24, I16, I8, U8],
        Dtype::I32 => &[I32, F64, F32, I24, I16, I8, U8],
        Dtype::I24 => &[I24, I32, F32, F64, I16, I8, U8],
        Dtype::I16 => &[I16, I24, I32, F32, F64, I8, U8],
        Dtype::I8 => &[I8, I16, I24, I32, F32, F64, U8],
        Dtype::U8 => &[I16, I24, I32, F32, F64, U8, I8],
    }
}

/// How its samples lie in memory; none for formats that `preferred` never names.
pub(super) fn layout(format: SampleFormat) -> Option<Format> {
    Some(match format {
        SampleFormat::F64 => Dtype::F64.into(),
        SampleFormat::F32 => Dtype::F32.into(),
        SampleFormat::I32 => Dtype::I32.into(),
        SampleFormat::I24 => Format::I24In32,
        SampleFormat::I16 => Dtype::I16.into(),
        SampleFormat::I8 => Dtype::I8.into(),
        SampleFormat::U8 => Dtype::U8.into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_that_may_be_chosen_has_a_layout_and_its_own_dtype_comes_first() {
        for dtype in Dtype::ALL {
            let formats = preferred(dtype);
            assert_eq!(formats.len(), 7, "{dtype}");
            for (position, format) in formats.iter().enumerate() {
                assert!(!formats[..position].contains(format), "{dtype}: {format} twice");
                assert_eq!(layout(*format).map(Format::bytes), Some(format.sample_size()), "{format}");
            }
            let own = layout(formats[0]);
            let expected = match dtype {
                Dtype::I24 => Format::I24In32,
                Dtype::U8 => Format::Packed(Dtype::I16),
                _ => Format::Packed(dtype),
            };
            assert_eq!(own, Some(expected));
        }
        assert_eq!(layout(SampleFormat::DsdU8), None);
    }
}
