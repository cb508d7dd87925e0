//! Flags: each is told once, with the next call, read or write.

use std::sync::mpsc;

use sounddevice::virtual_device::Fault;
use sounddevice::{ErrorKind, Flow, Stream};

use super::*;

const FAULTS: [(Fault, u8); 4] =
    [(Fault::InputUnderflow, 1), (Fault::InputOverflow, 2), (Fault::OutputUnderflow, 4), (Fault::OutputOverflow, 8)];

#[test]
fn a_fault_is_one_flag_at_the_right_callback() {
    for (block, never_drop) in [(0, true), (0, false), (64, false), (512, false), (100, false)] {
        let device = manual(1, 256);
        let (seen, calls) = mpsc::channel();
        let stream = Stream::duplex::<f32, f32>()
            .device(&device)
            .block_size(block)
            .never_drop_input(never_drop)
            .callback(move |io| {
                seen.send(io.status.bits()).expect("the test listens");
                Flow::Continue
            })
            .open()
            .expect("it opens");
        stream.start().expect("it starts");
        let mut counted = [0; 4];
        for (fault, bit) in FAULTS {
            let told = if fault == Fault::OutputOverflow && !never_drop { 0 } else { bit };
            device.advance(2 * 256).expect("a manual clock");
            assert!(calls.try_iter().all(|status| status == 0));
            device.inject(fault);
            device.advance(4 * 256).expect("a manual clock");
            let statuses: Vec<u8> = calls.try_iter().collect();
            assert_eq!(statuses[0], told, "{fault:?} in blocks of {block}");
            assert!(statuses[1..].iter().all(|status| *status == 0));
            if told > 0 {
                counted[bit.trailing_zeros() as usize] += 1;
            }
            assert_eq!(stream.xruns(), counted);
        }
    }
}

#[test]
fn a_direction_has_only_its_own_flags() {
    for (input, expected) in [(true, 2), (false, 4)] {
        let device = manual(1, 256);
        let (seen, calls) = mpsc::channel();
        let builder = if input {
            Stream::raw(Some(sounddevice::Dtype::F32), None)
        } else {
            Stream::raw(None, Some(sounddevice::Dtype::F32))
        };
        let stream = builder
            .device(&device)
            .callback(move |io| {
                seen.send((io.status.bits(), io.status.to_string())).expect("the test listens");
                Flow::Continue
            })
            .open()
            .expect("it opens");
        stream.start().expect("it starts");
        FAULTS.iter().for_each(|(fault, _)| device.inject(*fault));
        device.advance(256).expect("a manual clock");
        let text = if input { "input overflow" } else { "output underflow" };
        assert_eq!(calls.try_recv().expect("a call"), (expected, text.to_owned()));
    }
}

#[test]
fn several_flags_print_in_order() {
    let device = manual(1, 256);
    let (seen, calls) = mpsc::channel();
    let stream = Stream::duplex::<f32, f32>()
        .device(&device)
        .never_drop_input(true)
        .callback(move |io| {
            seen.send(io.status.to_string()).expect("the test listens");
            Flow::Continue
        })
        .open()
        .expect("it opens");
    stream.start().expect("it starts");
    FAULTS.iter().for_each(|(fault, _)| device.inject(*fault));
    device.advance(512).expect("a manual clock");
    let texts: Vec<String> = calls.try_iter().collect();
    assert_eq!(texts, ["input overflow, input underflow, output overflow, output underflow", "no flags set"]);
}

#[test]
fn never_drop_input_is_for_duplex_callbacks_without_block_size() {
    let device = manual(1, 256);
    let refused = |error: sounddevice::Error| (error.kind(), error.kind().portaudio_code());
    let without_callback = Stream::duplex::<f32, f32>().device(&device).never_drop_input(true).open();
    assert_eq!(refused(without_callback.expect_err("refused")), (ErrorKind::InvalidFlag, -9995));
    let with_block = Stream::duplex::<f32, f32>().device(&device).never_drop_input(true).block_size(64);
    assert_eq!(
        refused(with_block.callback(|_| Flow::Continue).open().expect_err("refused")),
        (ErrorKind::InvalidFlag, -9995)
    );
    let input = Stream::input::<f32>().device(&device).never_drop_input(true).callback(|_| Flow::Continue);
    assert_eq!(refused(input.open().expect_err("refused")), (ErrorKind::InvalidFlag, -9995));
}
