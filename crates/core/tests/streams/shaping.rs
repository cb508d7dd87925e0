//! Channel maps, volume, and how much is held.

use sounddevice::{Channel, Dtype, ErrorKind, Stream};

use super::*;

/// Frames that a change of volume takes.
const RAMP: usize = 960;

#[test]
fn columns_are_played_on_the_channels_of_the_map() {
    let device = manual(8, 64);
    let cases: [(&[Channel], [f64; 8]); 5] = [
        (&[7.into(), 2.into()], [0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0, 0.5]),
        (&["right".into(), "left".into()], [0.25, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        // Where the system tells no places, by number.
        (&["lfe".into(), "rear-left".into()], [0.0, 0.0, 0.0, 0.0, 0.25, 0.0, 0.5, 0.0]),
        (&[Channel::All, 0.into()], [0.75, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
        (&[1.into(), 1.into()], [0.0, 0.75, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ];
    for (map, expected) in cases {
        let stream = Stream::output::<f32>().device(&device).output_map(map.to_vec()).open().expect("it opens");
        assert_eq!(stream.output_channels(), 2);
        stream.start().expect("it starts");
        device.played();
        stream.write(&[0.5, 0.25].repeat(64)).expect("there is room");
        device.advance(64).expect("a manual clock");
        let played = device.played();
        let found: Vec<f64> = played.iter().map(|channel| channel[63]).collect();
        assert_eq!(found, expected, "{map:?}");
        assert!(played.iter().all(|channel| channel.iter().all(|sample| *sample == channel[0])));
    }
}

#[test]
fn columns_are_recorded_from_the_channels_of_the_map() {
    let device = manual(4, 64);
    let sides: Vec<Vec<f64>> = (0..4).map(|channel| vec![f64::from(1 << channel) / 16.0; 64]).collect();
    let cases: [(&[Channel], &[f32]); 4] = [
        (&[3.into(), 0.into()], &[0.5, 0.0625]),
        (&["mono".into()], &[0.234_375]),
        (&[1.into(), Channel::All, 1.into()], &[0.125, 0.234_375, 0.125]),
        (&["center".into()], &[0.25]),
    ];
    for (map, expected) in cases {
        device.feed(&sides);
        let stream = Stream::input::<f32>().device(&device).input_map(map.to_vec()).open().expect("it opens");
        stream.start().expect("it starts");
        device.advance(64).expect("a manual clock");
        let mut heard = vec![0.0; 64 * map.len()];
        stream.read(&mut heard).expect("it is there");
        assert!(heard.chunks_exact(map.len()).all(|frame| frame == expected), "{map:?}: {:?}", &heard[..map.len()]);
    }
}

#[test]
fn a_map_that_the_device_does_not_have_is_refused() {
    let device = manual(2, 64);
    let refused = |map: Vec<Channel>| {
        let opened = Stream::output::<f32>().device(&device).output_map(map).open();
        opened.map(drop).expect_err("refused").kind()
    };
    assert_eq!(refused(vec![2.into()]), ErrorKind::InvalidChannels);
    assert_eq!(refused(vec![]), ErrorKind::InvalidChannels);
    assert_eq!(refused(vec!["center".into()]), ErrorKind::InvalidChannels);
    assert_eq!(refused(vec!["left".into(), "foo".into()]), ErrorKind::InvalidArgValue);
}

/// The factor of a frame so many frames after the change began, 0 being the first one.
fn ramp(from: f64, to: f64, frame: usize) -> f64 {
    if frame + 1 >= RAMP { to } else { from + (to - from) * (frame + 1) as f64 / RAMP as f64 }
}

#[test]
fn volume_moves_in_a_straight_line_and_stays_with_the_stream() {
    let device = manual(2, 256);
    let stream = Stream::output::<f32>()
        .device(&device)
        .callback(|io| {
            io.output.chunks_exact_mut(2).for_each(|frame| frame.copy_from_slice(&[0.5, -0.25]));
            sounddevice::Flow::Continue
        })
        .open()
        .expect("it opens");
    assert_eq!(stream.volume(), 1.0);
    stream.set_volume(0.5).expect("an output");
    stream.start().expect("it starts");
    device.advance(256).expect("a manual clock");
    assert!(device.played()[0].iter().all(|sample| *sample == 0.25), "it begins with what is wanted");
    stream.set_volume(2.0).expect("an output");
    device.advance(512).expect("a manual clock");
    // Turned round on the way.
    stream.set_volume(0.0).expect("an output");
    device.advance(2048).expect("a manual clock");
    let turned = ramp(0.5, 2.0, 511);
    let gain = |frame: usize| if frame < 512 { ramp(0.5, 2.0, frame) } else { ramp(turned, 0.0, frame - 512) };
    let played = device.played();
    let expected = |sample: f64| (0..2560).map(|frame| sample * gain(frame)).collect::<Vec<_>>();
    assert_eq!(played, [expected(0.5), expected(-0.25)]);
    stream.set_volume(1.0).expect("an output");
    device.advance(1024).expect("a manual clock");
    device.played();
    device.advance(256).expect("a manual clock");
    assert!(device.played()[1].iter().all(|sample| *sample == -0.25), "untouched again");
    assert_eq!(stream.set_volume(-0.5).expect_err("not a volume").kind(), ErrorKind::OutOfRange);
    assert_eq!(stream.set_volume(f64::NAN).expect_err("not a volume").kind(), ErrorKind::OutOfRange);
    assert_eq!(stream.volume(), 1.0);
    let input = Stream::raw(Some(Dtype::F32), None).device(&device).open().expect("it opens");
    assert_eq!(input.set_volume(0.5).expect_err("it plays nothing").kind(), ErrorKind::NotSupported);
    stream.close();
    assert_eq!(stream.set_volume(0.5).expect_err("it plays nothing any more").kind(), ErrorKind::StreamClosed);
    assert_eq!(stream.volume(), 1.0);
}

#[test]
fn volume_of_whole_numbers_is_applied_before_they_are_rounded() {
    let device = virtual_host().device().inputs(0).outputs(1).period(64).dtype(Dtype::I16).manual_clock();
    let device = device.create().expect("a device");
    let builder = Stream::output::<i16>().device(&device).dither_off(true);
    let stream = builder.open().expect("it opens");
    stream.set_volume(0.5).expect("an output");
    stream.start().expect("it starts");
    stream.write(&[101, -32_768, 3, 32_767].repeat(16)).expect("there is room");
    device.advance(64).expect("a manual clock");
    let expected = [50.0, -16_384.0, 2.0, 16_384.0].map(|sample| sample / 32_768.0).repeat(16);
    assert_eq!(device.played()[0], expected, "half to even");
    stream.set_volume(4.0).expect("an output");
    device.advance(1024).expect("a manual clock");
    stream.write(&[10_000; 64]).expect("there is room");
    device.advance(64).expect("a manual clock");
    assert_eq!(device.played()[0][1087], 32_767.0 / 32_768.0);
    assert_eq!(stream.clipped(), 64);
}

#[test]
fn a_buffer_holds_as_many_seconds_as_it_was_told() {
    let device = manual(1, 256);
    let opened = |seconds| Stream::duplex::<f64, f64>().device(&device).channels(1).buffer(seconds).open();
    let stream = opened(2.0).expect("it opens");
    stream.start().expect("it starts");
    assert_eq!(stream.write_available().expect("no callback"), 96_000);
    device.advance(97_280).expect("a manual clock");
    assert_eq!(stream.read_available().expect("no callback"), 96_000);
    assert_eq!(stream.xruns(), [0, 1, 0, 0]);
    for seconds in [-1.0, f64::NAN, 61.0] {
        assert_eq!(opened(seconds).map(drop).expect_err("not a time").kind(), ErrorKind::OutOfRange);
    }
}
