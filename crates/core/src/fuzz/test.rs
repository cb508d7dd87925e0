//! The targets over chosen and random bytes. They cost seconds here, and find in hours what they find under `cargo fuzz`.

use proptest::collection::vec;
use proptest::prelude::*;

/// A WAV file of one of the formats.
fn file(bits: u16, float: bool, channels: u16, frames: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let data = usize::from(frames) * usize::from(channels) * usize::from(bits / 8);
    bytes.extend(b"RIFF");
    bytes.extend((data as u32 + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(if float { 3u16 } else { 1 }.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(8000u32.to_le_bytes());
    bytes.extend((8000 * u32::from(channels) * u32::from(bits / 8)).to_le_bytes());
    bytes.extend((channels * (bits / 8)).to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((data as u32).to_le_bytes());
    bytes.extend((0..data).map(|byte| byte as u8));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn conversion(data in vec(any::<u8>(), 0..300)) {
        super::conversion(&data);
    }

    #[test]
    fn mapping(data in vec(any::<u8>(), 0..300)) {
        super::mapping(&data);
    }

    #[test]
    fn find(data in vec(any::<u8>(), 0..120)) {
        super::find(&data);
    }

    #[test]
    fn job(data in vec(any::<u8>(), 0..400)) {
        super::job(&data);
    }

    #[test]
    fn blocks(data in vec(any::<u8>(), 0..100)) {
        super::blocks(&data);
    }

    /// Files with a few bytes altered, and cut off.
    #[test]
    fn wav(
        (bits, float) in prop::sample::select(vec![(8, false), (16, false), (24, false), (32, false), (32, true)]),
        channels in 0..4u16,
        frames in 0..9u16,
        altered in vec((0..60usize, any::<u8>()), 0..4),
        length in 0..120usize,
    ) {
        let mut bytes = file(bits, float, channels, frames);
        for (position, byte) in altered {
            if let Some(place) = bytes.get_mut(position) {
                *place = byte;
            }
        }
        super::wav(&bytes);
        super::wav(&bytes[..length.min(bytes.len())]);
    }
}

/// It takes memory for what is there, not for what the header says.
#[test]
fn a_header_that_promises_too_much_is_refused() {
    let mut bytes = file(32, false, 1, 3);
    bytes[40..44].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    let error = crate::wav::decode(&bytes[..], "short.wav").expect_err("three samples are there");
    assert_eq!(error.kind(), crate::ErrorKind::FileFormat);
}
