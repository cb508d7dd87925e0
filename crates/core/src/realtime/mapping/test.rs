use super::*;
use crate::dtype::Dtype::{self, F32, I8, I16, I32, U8};
use assert_no_alloc::assert_no_alloc;
use proptest::prelude::*;

const ON: ConvertOptions = ConvertOptions { clip_off: false, dither_off: false };

fn routes() -> impl Strategy<Value = (usize, usize, Vec<(usize, usize)>)> {
    (1..7usize, 1..7usize)
        .prop_flat_map(|(from, to)| (Just(from), Just(to), prop::collection::vec((0..from + 1, 0..to + 1), 0..8)))
}

proptest! {
    /// On the grid nothing is dithered, so a naive router must agree exactly.
    #[test]
    fn routes_as_told((from, to, routes) in routes(), values in prop::collection::vec(any::<i8>(), 0..600)) {
        let frames = values.len() / from;
        let src: Vec<u8> = values.iter().flat_map(|v| (f32::from(*v) / 128.0).to_ne_bytes()).collect();
        let mut expected = vec![128u8; frames * to];
        for &(source, destination) in routes.iter().filter(|(source, destination)| *source < from && *destination < to) {
            for frame in 0..frames {
                expected[frame * to + destination] = values[frame * from + source] as u8 ^ 0x80;
            }
        }
        let mut dst = vec![1u8; frames * to];
        let mut counts = Counts::default();
        Transfer::new(F32.into(), from, U8.into(), to, routes, ON).run(&src, &mut dst, frames, &mut counts);
        prop_assert_eq!(dst, expected);
        prop_assert_eq!(counts, Counts::default());
    }

    #[test]
    fn never_panics(from in 0..5usize, to in 0..5usize, src in 0..200usize, dst in 0..200usize, frames in 0..100usize) {
        let mut buffer = vec![1; dst];
        Transfer::identity(F32.into(), from, Dtype::I24.into(), to, ON)
            .run(&vec![3; src], &mut buffer, frames, &mut Counts::default());
    }
}

#[test]
fn spread_channels_are_equal() {
    let src: Vec<u8> = (0..1000).flat_map(|i| (i as f32 * 0.01).sin().to_ne_bytes()).collect();
    let mut dst = vec![0; 1000 * 3];
    let routes = vec![(0, 0), (0, 1), (0, 2)];
    Transfer::new(F32.into(), 1, I8.into(), 3, routes, ON).run(&src, &mut dst, 1000, &mut Counts::default());
    assert!(dst.chunks(3).all(|frame| frame[0] == frame[1] && frame[1] == frame[2]));
    assert!(dst.iter().any(|byte| *byte != 0));
}

#[test]
fn a_spread_channel_clips_once() {
    let src = 2f32.to_ne_bytes();
    let mut dst = [0; 4];
    let mut counts = Counts::default();
    Transfer::new(F32.into(), 1, I16.into(), 2, vec![(0, 0), (0, 1)], ON).run(&src, &mut dst, 1, &mut counts);
    assert_eq!(counts, Counts { clipped: 1, nan: 0 });
}

#[test]
fn missing_source_frames_are_silent() {
    let mut dst = [1; 6];
    Transfer::identity(I8.into(), 2, U8.into(), 2, ON).run(&[5, 6, 7], &mut dst, 3, &mut Counts::default());
    assert_eq!(dst, [133, 134, 128, 128, 128, 128]);
}

#[test]
fn nothing_is_allocated() {
    let src: Vec<u8> = (0..1024).flat_map(|i| (i as f32 * 0.01).sin().to_ne_bytes()).collect();
    let mut dst = vec![0; 512 * 4 * 4];
    for to in Dtype::ALL.map(Format::from).into_iter().chain([Format::I24In32]) {
        let mut whole = Transfer::identity(F32.into(), 2, to, 2, ON);
        let mut mapped = Transfer::new(F32.into(), 2, to, 4, vec![(1, 0), (1, 3), (0, 2)], ON);
        let mut back = Transfer::identity(I32.into(), 2, to, 1, ON);
        assert_no_alloc(|| {
            let mut counts = Counts::default();
            whole.run(&src, &mut dst, 512, &mut counts);
            mapped.run(&src, &mut dst, 512, &mut counts);
            back.run(&src, &mut dst, 512, &mut counts);
        });
    }
}

// In a release build the check is nothing but the call.
#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
