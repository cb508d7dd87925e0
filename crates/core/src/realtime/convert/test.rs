use super::*;
use Dtype::{F32, F64, I8, I16, I24, I32, U8};

const PLAIN: ConvertOptions = ConvertOptions { clip_off: false, dither_off: true };
const DITHERED: ConvertOptions = ConvertOptions { clip_off: false, dither_off: false };

/// Bits of an integer format.
fn bits(format: Format) -> Option<i32> {
    match format {
        Format::Packed(F64 | F32) => None,
        Format::Packed(I32) => Some(32),
        Format::Packed(I24) | Format::I24In32 => Some(24),
        Format::Packed(I16) => Some(16),
        Format::Packed(I8 | U8) => Some(8),
    }
}

/// Full scale ±1; exact.
fn decode(format: Format, b: &[u8]) -> f64 {
    let integer = match format {
        Format::Packed(F64) => return f64::from_ne_bytes(b.try_into().unwrap()),
        Format::Packed(F32) => return f64::from(f32::from_ne_bytes(b.try_into().unwrap())),
        Format::Packed(I32) => i32::from_ne_bytes(b.try_into().unwrap()),
        Format::Packed(I24) => i32::from(b[0]) | i32::from(b[1]) << 8 | i32::from(b[2] as i8) << 16,
        Format::I24In32 => (i32::from_ne_bytes(b.try_into().unwrap()) & 0xFF_FFFF ^ 0x80_0000) - 0x80_0000,
        Format::Packed(I16) => i32::from(i16::from_ne_bytes(b.try_into().unwrap())),
        Format::Packed(I8) => i32::from(b[0] as i8),
        Format::Packed(U8) => i32::from(b[0]) - 128,
    };
    f64::from(integer) / 2f64.powi(bits(format).unwrap() - 1)
}

/// What `value` must become, without dither.
fn encode(format: Format, value: f64, counts: &mut Counts) -> Vec<u8> {
    let Some(bits) = bits(format) else {
        return match format {
            Format::Packed(F64) => value.to_ne_bytes().to_vec(),
            _ => (value as f32).to_ne_bytes().to_vec(),
        };
    };
    let full = 2f64.powi(bits - 1);
    let rounded = (value * full).round_ties_even();
    counts.nan += u64::from(value.is_nan());
    counts.clipped += u64::from(rounded > full - 1.0 || rounded < -full);
    let integer = if value.is_nan() { 0 } else { rounded.clamp(-full, full - 1.0) as i32 };
    match format {
        Format::Packed(I24) => integer.to_le_bytes()[..3].to_vec(),
        Format::Packed(I16) => (integer as i16).to_ne_bytes().to_vec(),
        Format::Packed(I8) => vec![integer as u8],
        Format::Packed(U8) => vec![(integer + 128) as u8],
        _ => integer.to_ne_bytes().to_vec(),
    }
}

fn floats() -> Vec<f64> {
    let mut values = vec![0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -1e-310, 1e-40];
    values.extend([f64::MAX, f64::MIN, f64::from(f32::MAX), 1.5, -1.5, 0.999_999_99, -0.999_999_99, 1e9, -1e9]);
    for bits in [8, 16, 24, 32] {
        let full = 2f64.powi(bits - 1);
        for whole in [0.0, 1.0, 2.0, 3.0, 100.0, full / 2.0, full - 2.0, full - 1.0, full, full + 1.0] {
            for part in [-0.5, -0.499, -0.25, 0.0, 0.25, 0.499, 0.5, 0.501] {
                values.extend([(whole + part) / full, -(whole + part) / full]);
            }
        }
    }
    values
}

/// Samples of this format: all there are up to 16 bits, the edges and some between of wider ones.
fn samples(format: Format) -> Vec<u8> {
    let mut random = 1u32;
    let words: Vec<i32> = (0..3000)
        .map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random as i32
        })
        .collect();
    match format {
        Format::Packed(F64) => floats().iter().flat_map(|v| v.to_ne_bytes()).collect(),
        Format::Packed(F32) => floats().iter().flat_map(|v| (*v as f32).to_ne_bytes()).collect(),
        Format::Packed(I8 | U8) => (0..=255).collect(),
        Format::Packed(I16) => (0..=u16::MAX).flat_map(u16::to_ne_bytes).collect(),
        Format::Packed(I24) => (words.iter().copied())
            .chain([i32::MIN, -8_388_607 << 8, -1 << 8, 0, 1 << 8, i32::MAX, 0x7F_FFFE << 8, 128 << 8, 384 << 8])
            .flat_map(|v| (v >> 8).to_le_bytes()[..3].to_vec())
            .collect(),
        _ => (words.iter().copied())
            .chain([i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX, i32::MAX - 1, 0x7F_FFFF, -0x80_0000, 0x8000, 0x1_8000])
            .flat_map(i32::to_ne_bytes)
            .collect(),
    }
}

fn convert(from: Format, to: Format, options: ConvertOptions, src: &[u8]) -> (Vec<u8>, Counts) {
    let frames = src.len() / from.bytes();
    let mut dst = vec![0xA5; frames * to.bytes()];
    let mut counts = Counts::default();
    Converter::new(from, to, options).channel(src, 0, 1, &mut dst, 0, 1, frames, &mut counts);
    (dst, counts)
}

#[test]
fn every_pair_is_as_the_reference() {
    for from in Format::ALL {
        let src = samples(from);
        for to in Format::ALL.into_iter().filter(|to| *to != from) {
            let mut expected = Counts::default();
            let naive: Vec<Vec<u8>> =
                src.chunks(from.bytes()).map(|sample| encode(to, decode(from, sample), &mut expected)).collect();
            let (dst, counts) = convert(from, to, PLAIN, &src);
            for ((wanted, got), sample) in naive.iter().zip(dst.chunks(to.bytes())).zip(src.chunks(from.bytes())) {
                let nan = decode(from, sample).is_nan() && bits(to).is_none();
                assert!(wanted == got || nan, "{from:?} {to:?} {sample:?}: {got:?}, not {wanted:?}");
            }
            assert_eq!(counts, expected, "{from:?} {to:?}");
            // The strided loop does the same, and touches nothing else.
            let frames = naive.len();
            let mut wide = vec![0xA5; frames * to.bytes() * 3];
            let mut again = Counts::default();
            Converter::new(from, to, PLAIN).channel(&src, 0, 1, &mut wide, 1, 3, frames, &mut again);
            assert_eq!(again, expected);
            for (frame, sample) in wide.chunks(to.bytes() * 3).zip(dst.chunks(to.bytes())) {
                assert_eq!(&frame[to.bytes()..2 * to.bytes()], sample);
                assert!(frame[..to.bytes()].iter().chain(&frame[2 * to.bytes()..]).all(|byte| *byte == 0xA5));
            }
        }
    }
}

#[test]
fn the_same_format_is_a_copy() {
    for format in Format::ALL {
        let src = samples(format);
        assert_eq!(convert(format, format, DITHERED, &src), (src, Counts::default()));
    }
}

#[test]
fn clipping_uncounted_still_clips() {
    let src: Vec<u8> = [2.0f32, 1.0, -1.0, -3.0, f32::NAN].iter().flat_map(|v| v.to_ne_bytes()).collect();
    let off = ConvertOptions { clip_off: true, dither_off: true };
    let (dst, counts) = convert(F32.into(), I16.into(), off, &src);
    let values: Vec<i16> = dst.chunks(2).map(|b| i16::from_ne_bytes([b[0], b[1]])).collect();
    assert_eq!(values, [32767, 32767, -32768, -32768, 0]);
    assert_eq!(counts, Counts { clipped: 0, nan: 1 });
    assert_eq!(convert(F32.into(), I16.into(), PLAIN, &src).1, Counts { clipped: 3, nan: 1 });
}

#[test]
fn round_trips_are_exact_with_dither_on() {
    for (format, through) in [(I16, F32), (I24, F32), (I32, F64), (I8, I16), (U8, F32), (I16, I32), (I24, I32)] {
        let src = samples(format.into());
        let (there, _) = convert(format.into(), through.into(), DITHERED, &src);
        assert_eq!(convert(through.into(), format.into(), DITHERED, &there), (src, Counts::default()));
    }
}

#[test]
fn silence_stays_silent() {
    for from in Format::ALL {
        for to in Format::ALL {
            let src = vec![from.silence(); from.bytes() * 1000];
            let (dst, _) = convert(from, to, DITHERED, &src);
            assert!(dst.iter().all(|byte| *byte == to.silence()), "{from:?} {to:?}");
        }
    }
}

#[test]
fn dither_is_triangular_and_without_bias() {
    let frames = 100_000;
    for to in Format::ALL.into_iter().filter(|to| bits(*to).is_some()) {
        let full = 2f64.powi(bits(to).unwrap() - 1);
        let value = 10.3 / full;
        let src: Vec<u8> = std::iter::repeat_n(value.to_ne_bytes(), frames).flatten().collect();
        let (dst, counts) = convert(F64.into(), to, DITHERED, &src);
        assert_eq!(counts, Counts::default());
        let errors: Vec<f64> = dst.chunks(to.bytes()).map(|b| decode(to, b) * full - 10.3).collect();
        assert!(errors.iter().all(|error| error.abs() <= 1.5 + 1e-6));
        let mean = errors.iter().sum::<f64>() / frames as f64;
        let power = errors.iter().map(|error| error * error).sum::<f64>() / frames as f64;
        let neighbours = errors.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / frames as f64;
        assert!(mean.abs() < 0.01, "{to:?} {mean}");
        // Triangular noise of ±1 and rounding: 1/6 + 1/12.
        assert!((power - 0.25).abs() < 0.01, "{to:?} {power}");
        assert!(neighbours.abs() < 0.01, "{to:?} {neighbours}");
    }
}

#[test]
fn integers_are_dithered_when_they_lose_bits() {
    let src: Vec<u8> = std::iter::repeat_n(300i16.to_ne_bytes(), 10_000).flatten().collect();
    let (dst, _) = convert(I16.into(), I8.into(), DITHERED, &src);
    let mean = dst.iter().map(|byte| f64::from(*byte as i8)).sum::<f64>() / 10_000.0;
    assert!((mean - 300.0 / 256.0).abs() < 0.03, "{mean}");
    assert!(convert(I16.into(), I8.into(), PLAIN, &src).0.iter().all(|byte| *byte == 1));
}

#[test]
fn dither_is_decided_for_each_channel() {
    // The first channel is on the grid but for its last frame, the second is all along.
    let mut values: Vec<f32> = (0..2000).map(|i| f32::from((i % 100) as u8) / 128.0).collect();
    let (exact, _) = convert_floats(&values, 2);
    assert!(exact.iter().zip(&values).all(|(got, value)| f32::from(*got) == value * 128.0));
    values[1998] = 0.1234;
    let (dst, _) = convert_floats(&values, 2);
    assert!(dst.iter().zip(&values).skip(1).step_by(2).all(|(got, value)| f32::from(*got) == value * 128.0));
    assert!(dst.iter().zip(&values).step_by(2).any(|(got, value)| f32::from(*got) != value * 128.0));
}

fn convert_floats(values: &[f32], channels: usize) -> (Vec<i8>, Counts) {
    let src: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    let mut dst = vec![0; values.len()];
    let counts = convert_interleaved(&src, F32, &mut dst, I8, channels, DITHERED);
    (dst.iter().map(|byte| *byte as i8).collect(), counts)
}

#[test]
fn what_does_not_fit_is_left_out() {
    let mut counts = Counts::default();
    let mut converter = Converter::new(F32.into(), I16.into(), DITHERED);
    let mut dst = [7; 5];
    converter.channel(&[0; 11], 0, 1, &mut dst, 0, 1, 100, &mut counts);
    assert_eq!(dst, [0, 0, 0, 0, 7]);
    converter.channel(&[], 3, 4, &mut dst, 9, 2, 100, &mut counts);
    silence_channel(U8.into(), &mut dst, 3, 0, 9);
    assert_eq!(dst, [0, 0, 0, 128, 128]);
}
