//! Callbacks: what they get, and where what they make is heard.

use std::sync::mpsc;

use sounddevice::job::Latency;
use sounddevice::{Dtype, Flow, I24, Stream, StreamTime};

use super::*;

const BLOCKS: [usize; 7] = [1, 2, 7, 16, 100, 1000, 4096];
const PERIODS: [usize; 4] = [1, 64, 441, 512];

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn a_wire_is_exact_and_late_by_what_theory_gives() {
    for period in PERIODS {
        for block in BLOCKS {
            let device = manual(1, period);
            let frames = 10_000 / period * period;
            let sent = counted(0..frames);
            device.feed(std::slice::from_ref(&sent));
            let (seen, calls) = mpsc::channel();
            let stream = Stream::duplex::<f64, f64>()
                .device(&device)
                .block_size(block as u32)
                .callback(move |io| {
                    io.output.copy_from_slice(io.input);
                    seen.send((io.frames, io.input.len(), io.output.len(), io.status)).expect("the test listens");
                    Flow::Continue
                })
                .open()
                .expect("it opens");
            stream.start().expect("it starts");
            device.advance(frames).expect("a manual clock");
            let played = &device.played()[0];
            let delay = if period % block == 0 { 0 } else { block - gcd(block, period) };
            assert!(played[..delay].iter().all(|sample| *sample == 0.0), "{block} over {period}");
            assert_eq!(played[delay..], sent[..frames - delay], "{block} over {period}");
            let calls: Vec<_> = calls.try_iter().collect();
            assert_eq!(calls.len(), frames / block);
            assert!(calls.iter().all(|call| *call == (block, block, block, sounddevice::Status::default())));
            assert_eq!(stream.xruns(), [0; 4]);
            let expected = (period + if block > 0 { block - gcd(block, period) } else { 0 }) as f64 / RATE;
            let trip = stream.input_latency() + stream.output_latency();
            assert!((trip - expected).abs() < 1e-9, "{block} over {period}: {trip}, expected {expected}");
            drop(stream);
            device.remove();
        }
    }
}

#[test]
fn without_block_size_each_period_is_one_call() {
    let device = manual(2, 256);
    let (seen, calls) = mpsc::channel();
    let stream = Stream::input::<f32>()
        .device(&device)
        .callback(move |io| {
            seen.send((io.frames, io.input.len(), io.output.len())).expect("the test listens");
            Flow::Continue
        })
        .open()
        .expect("it opens");
    stream.start().expect("it starts");
    device.advance(3 * 256).expect("a manual clock");
    assert_eq!(calls.try_iter().collect::<Vec<_>>(), [(256, 512, 0); 3]);
}

#[test]
fn each_direction_has_its_own_format_and_channels() {
    let device = manual(3, 64);
    device.feed(&[vec![0.5; 64], vec![-0.25; 64], vec![0.125; 64]]);
    let stream = Stream::duplex::<i16, I24>()
        .device(&device)
        .input_channels(3)
        .output_channels(2)
        .callback(|io| {
            assert_eq!((io.input.len(), io.output.len()), (3 * 64, 2 * 64));
            for (frame, out) in io.input.chunks(3).zip(io.output.chunks_mut(2)) {
                // The third channel goes to the first one, the first one is negated.
                out[0] = I24([0, frame[2] as u8, (frame[2] >> 8) as u8]);
                let negated = -frame[0];
                out[1] = I24([0, negated as u8, (negated >> 8) as u8]);
            }
            Flow::Continue
        })
        .open()
        .expect("it opens");
    assert_eq!((stream.input_dtype(), stream.output_dtype()), (Dtype::I16, Dtype::I24));
    assert_eq!((stream.input_channels(), stream.output_channels()), (3, 2));
    stream.start().expect("it starts");
    device.advance(64).expect("a manual clock");
    let played = device.played();
    assert_eq!((played[0][5], played[1][5], played[2][5]), (0.125, -0.5, 0.0));
}

#[test]
fn raw_callbacks_get_bytes() {
    let device = manual(2, 64);
    device.feed(&[vec![0.5; 64], vec![-1.0; 64]]);
    let (seen, calls) = mpsc::channel();
    let stream = Stream::raw_duplex(Dtype::I24, Dtype::U8)
        .device(&device)
        .callback(move |io| {
            seen.send((io.input[..6].to_vec(), io.input.len(), io.output.to_vec())).expect("the test listens");
            io.output.fill(192);
            Flow::Continue
        })
        .open()
        .expect("it opens");
    stream.start().expect("it starts");
    device.advance(64).expect("a manual clock");
    let (first, length, silence) = calls.try_recv().expect("one call");
    assert_eq!((first, length), (vec![0, 0, 0x40, 0, 0, 0x80], 64 * 6));
    assert_eq!(silence, [128; 128], "an output begins as silence");
    assert_eq!(device.played()[1], [0.5; 64]);
    assert_eq!((stream.input_sample_size(), stream.output_sample_size()), (3, 1));
}

#[test]
fn times_are_those_of_the_first_frames() {
    for (block, period, latency) in [(0, 256, 0.0), (64, 256, 0.0), (1000, 441, 0.0), (300, 100, 0.05)] {
        let device = manual(1, period);
        let (seen, calls) = mpsc::channel();
        let stream = Stream::duplex::<f64, f64>()
            .device(&device)
            .block_size(block)
            .latency(Latency::Seconds(latency))
            .callback(move |io| {
                seen.send((io.frames, io.time)).expect("the test listens");
                Flow::Continue
            })
            .open()
            .expect("it opens");
        stream.start().expect("it starts");
        device.advance(40 * period).expect("a manual clock");
        let trip = stream.input_latency() + stream.output_latency();
        let mut frame = 0;
        for (frames, time) in calls.try_iter() {
            let StreamTime { input_adc, current, output_dac } = time;
            // The input of the first period was captured in the period before it.
            let captured = (frame as f64 - period as f64) / RATE;
            assert!((input_adc - captured).abs() < 1e-9, "{block} over {period}: {time:?}");
            assert!(input_adc <= current && current <= output_dac);
            assert!((output_dac - input_adc - trip).abs() < 1e-9, "{block} over {period}: {time:?}, {trip}");
            frame += frames;
        }
        assert!(frame > 0);
        assert_eq!(stream.time().expect("open"), (40 * period) as f64 / RATE);
    }
}

#[test]
fn priming_calls_come_before_the_first_input_and_are_flagged() {
    // 0.05 s are 9.375 periods: 8 of them before the first frame.
    let lead = 8 * 256;
    for (block, prime) in [(0, true), (100, true), (1000, true), (0, false), (100, false)] {
        let device = manual(1, 256);
        device.feed(&[vec![0.5; 8192]]);
        let (seen, calls) = mpsc::channel();
        let mut made = 0;
        let stream = Stream::duplex::<f64, f64>()
            .device(&device)
            .block_size(block)
            .latency(Latency::Seconds(0.05))
            .prime_output(prime)
            .callback(move |io| {
                seen.send((io.frames, io.status.priming_output(), io.input[0])).expect("the test listens");
                io.output.copy_from_slice(&counted(made..made + io.frames));
                made += io.frames;
                Flow::Continue
            })
            .open()
            .expect("it opens");
        stream.start().expect("it starts");
        device.advance(16 * 256).expect("a manual clock");
        let played = &device.played()[0];
        let calls: Vec<_> = calls.try_iter().collect();
        let delay = if block == 0 { 0 } else { block as usize - gcd(block as usize, 256) };
        let primed: usize = calls.iter().filter(|call| call.1).map(|call| call.0).sum();
        let silent = lead + delay - primed;
        if prime {
            assert_eq!(silent, (lead + delay).checked_rem(block as usize).unwrap_or(0), "{block}");
        } else {
            assert_eq!(primed, 0);
        }
        assert!(calls.iter().all(|(_, priming, input)| *input == if *priming { 0.0 } else { 0.5 }));
        assert!(played[..silent].iter().all(|sample| *sample == 0.0));
        assert_eq!(played[silent..], counted(0..played.len() - silent), "{block} {prime}");
    }
}

#[test]
fn conversion_counts_what_it_clips_unless_told_not_to() {
    for clip_off in [false, true] {
        let device = virtual_host().device().dtype(Dtype::I16).inputs(0).outputs(1).period(64).manual_clock().create();
        let device = device.expect("a device");
        let stream = Stream::output::<f32>()
            .device(&device)
            .clip_off(clip_off)
            .dither_off(true)
            .callback(|io| {
                io.output[0] = 1.5;
                io.output[1] = f32::NAN;
                io.output[2] = -0.5;
                Flow::Continue
            })
            .open()
            .expect("it opens");
        stream.start().expect("it starts");
        device.advance(64).expect("a manual clock");
        assert_eq!(device.played()[0][..4], [32767.0 / 32768.0, 0.0, -0.5, 0.0]);
        assert_eq!((stream.clipped(), stream.nan()), (if clip_off { 0 } else { 1 }, 1));
    }
}

#[test]
fn two_devices_are_one_stream() {
    let from = manual(1, 64);
    let to = manual(1, 64);
    let sent = counted(0..6400);
    from.feed(std::slice::from_ref(&sent));
    let stream = Stream::duplex::<f64, f64>()
        .input_device(&from)
        .output_device(&to)
        .block_size(100)
        .callback(|io| {
            io.output.copy_from_slice(io.input);
            Flow::Continue
        })
        .open()
        .expect("it opens");
    stream.start().expect("it starts");
    for _ in 0..100 {
        from.advance(64).expect("a manual clock");
        to.advance(64).expect("a manual clock");
    }
    assert_eq!((stream.input_device(), stream.output_device()), (from.index(), to.index()));
    let played = &to.played()[0];
    let first = played.iter().position(|sample| *sample != 0.0).expect("something is heard");
    assert_eq!(played[first..], sent[..played.len() - first]);
    assert_eq!(first, 96);
}
