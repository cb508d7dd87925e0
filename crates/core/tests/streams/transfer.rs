//! Reading and writing.

use std::sync::Arc;
use std::thread;

use sounddevice::job::Latency;
use sounddevice::virtual_device::Fault;
use sounddevice::{Dtype, ErrorKind, Flow, Stream};

use super::*;

#[test]
fn what_was_captured_is_read_in_any_portions_with_its_times() {
    let device = manual(1, 256);
    let sent = counted(0..1024);
    device.feed(std::slice::from_ref(&sent));
    let stream = Stream::input::<f64>().device(&device).open().expect("it opens");
    let mut block = [0.0; 300];
    assert_eq!(stream.read(&mut block).expect_err("not started").kind(), ErrorKind::StreamStopped);
    stream.start().expect("it starts");
    assert_eq!(stream.read_available().expect("no callback"), 0);
    device.advance(1024).expect("a manual clock");
    assert_eq!(stream.read_available().expect("no callback"), 1024);
    for first in [0, 300, 600] {
        let read = stream.read(&mut block).expect("it is there");
        assert_eq!(block, sent[first..first + 300]);
        assert!(!read.overflowed && read.frames == 300);
        assert!((read.time.input_adc - (first as f64 - 256.0) / RATE).abs() < 1e-9);
    }
    assert_eq!(stream.read(&mut block).expect_err("124 are left").kind(), ErrorKind::WouldDeadlock);
    assert_eq!(stream.read_available().expect("no callback"), 124, "nothing was taken");
    assert_eq!(stream.read(&mut []).expect("nothing is nothing").frames, 0);
    assert_eq!(stream.try_read(&mut block).expect("what there is").frames, 124);
    assert_eq!(block[..124], sent[900..]);
    stream.close();
    assert_eq!(stream.read(&mut block).expect_err("closed").kind(), ErrorKind::StreamClosed);
    assert_eq!(stream.read_available().expect("no callback"), 0);
}

#[test]
fn what_is_not_read_in_time_is_lost_at_its_end_and_told_once() {
    let device = manual(1, 256);
    let sent = counted(0..8 * 256);
    device.feed(std::slice::from_ref(&sent));
    let stream = Stream::input::<f64>().device(&device).open().expect("it opens");
    stream.start().expect("it starts");
    // The buffer holds four periods.
    device.advance(6 * 256).expect("a manual clock");
    assert_eq!(stream.read_available().expect("no callback"), 1024);
    assert_eq!(stream.xruns(), [0, 1, 0, 0]);
    let mut block = vec![0.0; 512];
    assert!(stream.read(&mut block).expect("it is there").overflowed);
    assert!(!stream.read(&mut block).expect("it is there").overflowed);
    assert_eq!(block, sent[512..1024]);
    device.advance(512).expect("a manual clock");
    let read = stream.read(&mut block).expect("it is there");
    assert_eq!(block, sent[6 * 256..]);
    // The time tells where the gap was.
    assert!((read.time.input_adc - 5.0 * 256.0 / RATE).abs() < 1e-9 && !read.overflowed);
}

#[test]
fn what_was_written_is_played_and_silence_before_it_is_no_underflow() {
    let device = manual(1, 256);
    let stream = Stream::output::<f64>().device(&device).open().expect("it opens");
    assert_eq!(stream.write(&[0.0]).expect_err("not started").kind(), ErrorKind::StreamStopped);
    stream.start().expect("it starts");
    device.advance(512).expect("a manual clock");
    assert_eq!(stream.write_available().expect("no callback"), 1024);
    assert!(!stream.write(&counted(0..300)).expect("there is room").underflowed);
    assert!(!stream.write(&counted(300..600)).expect("there is room").underflowed);
    assert_eq!(stream.write(&counted(0..500)).expect_err("424 fit").kind(), ErrorKind::WouldDeadlock);
    assert_eq!(stream.try_write(&counted(600..1100)).expect("some fit").frames, 424);
    assert!((stream.output_latency() - 1024.0 / RATE).abs() < 1e-9);
    device.advance(5 * 256).expect("a manual clock");
    let played = &device.played()[0];
    assert!(played[..512].iter().all(|sample| *sample == 0.0));
    assert_eq!(played[512..512 + 1024], counted(0..1024));
    assert!(played[512 + 1024..].iter().all(|sample| *sample == 0.0));
    // One gap is one underflow, told with the first write after it.
    assert_eq!(stream.xruns(), [0, 0, 1, 0]);
    assert!(stream.write(&counted(0..10)).expect("there is room").underflowed);
    assert!(!stream.write(&counted(0..10)).expect("there is room").underflowed);
}

#[test]
fn stop_plays_what_was_written() {
    for latency in [0.0, 0.02] {
        let device = manual(1, 256);
        let builder = Stream::output::<f64>().device(&device).latency(Latency::Seconds(latency));
        let (builder, ends) = told(builder);
        let stream = builder.open().expect("it opens");
        stream.start().expect("it starts");
        device.advance(256).expect("a manual clock");
        stream.write(&counted(0..1000)).expect("there is room");
        stream.begin_stop();
        assert_eq!(stream.write(&[0.0]).expect_err("stopping").kind(), ErrorKind::StreamStopped);
        device.advance(20 * 256).expect("a manual clock");
        assert_eq!(end(&ends), sounddevice::Finished::Stopped);
        let played: Vec<f64> = device.played()[0].iter().copied().filter(|sample| *sample != 0.0).collect();
        assert_eq!(played, counted(0..1000));
        assert_eq!(stream.xruns(), [0; 4], "an end is no underflow");
    }
}

#[test]
fn a_stopped_stream_gives_the_rest_to_who_does_not_wait() {
    let device = manual(1, 256);
    device.feed(&[counted(0..512)]);
    let stream = Stream::input::<f64>().device(&device).open().expect("it opens");
    stream.start().expect("it starts");
    device.advance(512).expect("a manual clock");
    stream.stop().expect("nothing is pending");
    let mut block = [0.0; 600];
    assert_eq!(stream.read(&mut block[..10]).expect_err("stopped").kind(), ErrorKind::StreamStopped);
    assert_eq!(stream.try_read(&mut block).expect("the rest").frames, 512);
    assert_eq!(block[..512], counted(0..512));
    assert_eq!(stream.try_read(&mut block).expect_err("no more").kind(), ErrorKind::StreamStopped);
    // A new run begins empty.
    stream.start().expect("it starts again");
    assert_eq!(stream.read_available().expect("no callback"), 0);
}

#[test]
fn the_buffer_follows_latency_and_block_size() {
    for (latency, block, held) in
        [(0.0, 0, 1024), (0.0, 1000, 4000), (0.1, 0, 9600), (2.0, 0, 48_000), (0.0, 40_000, 48_000)]
    {
        let device = manual(1, 256);
        let builder = Stream::duplex::<f32, f32>().device(&device).block_size(block);
        let stream = builder.latency(Latency::Seconds(latency)).open().expect("it opens");
        assert_eq!(stream.write_available().expect("no callback"), held, "{latency} {block}");
    }
}

#[test]
fn flags_come_with_reads_and_writes() {
    let device = manual(1, 256);
    let stream = Stream::duplex::<f32, f32>().device(&device).open().expect("it opens");
    stream.start().expect("it starts");
    device.inject(Fault::InputOverflow);
    device.inject(Fault::OutputUnderflow);
    device.advance(512).expect("a manual clock");
    let mut block = [0.0; 256];
    assert!(stream.read(&mut block).expect("it is there").overflowed);
    assert!(!stream.read(&mut block).expect("it is there").overflowed);
    assert!(stream.write(&block).expect("there is room").underflowed);
    assert!(!stream.write(&block).expect("there is room").underflowed);
    assert_eq!(stream.xruns(), [0, 1, 1, 0]);
}

#[test]
fn parts_of_frames_and_streams_with_callbacks_are_refused() {
    let device = manual(2, 256);
    let stream = Stream::raw_duplex(Dtype::I16, Dtype::I24).device(&device).open().expect("it opens");
    stream.start().expect("it starts");
    let message = |bytes: usize| stream.write(&vec![0; bytes]).expect_err("refused").to_string();
    assert_eq!(message(401), "Expected whole samples of 3 bytes, got 401 bytes");
    assert_eq!(message(399), "Expected whole frames of 2 samples, got 133 samples");
    assert_eq!(stream.read(&mut [0; 2]).expect_err("refused").kind(), ErrorKind::InvalidArgValue);
    let called = Stream::duplex::<f32, f32>().device(&device).callback(|_| Flow::Continue).open().expect("it opens");
    let code = |error: sounddevice::Error| (error.kind().code(), error.kind().portaudio_code());
    assert_eq!(code(called.read(&mut [0.0; 2]).expect_err("refused")), ("ERR_CALLBACK_STREAM", -9977));
    assert_eq!(code(called.write(&[0.0; 2]).expect_err("refused")), ("ERR_CALLBACK_STREAM", -9976));
    assert_eq!(code(called.read_available().expect_err("refused")), ("ERR_CALLBACK_STREAM", -9977));
    assert_eq!(code(called.write_available().expect_err("refused")), ("ERR_CALLBACK_STREAM", -9976));
}

#[test]
fn blocking_calls_wait_for_the_device() {
    let device = real(64);
    let stream = Stream::duplex::<f64, f64>().device(&device).latency(Latency::Low).open().expect("it opens");
    stream.start().expect("it starts");
    let stream = Arc::new(stream);
    let writer = {
        let stream = Arc::clone(&stream);
        thread::spawn(move || {
            for block in 0..24 {
                stream.write(&counted(block * 500..(block + 1) * 500)).expect("it is taken");
            }
        })
    };
    let mut heard = Vec::new();
    let mut block = [0.0; 777];
    while heard.len() < 4 * 12_000 && heard.iter().filter(|sample| **sample != 0.0).count() < 12_000 {
        stream.read(&mut block).expect("it comes");
        heard.extend(block);
    }
    writer.join().expect("it wrote all");
    let heard: Vec<f64> = heard.into_iter().filter(|sample| *sample != 0.0).collect();
    // On a busy machine some may be lost, which is told; never is anything altered or repeated.
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]));
    if stream.xruns() == [0; 4] {
        assert_eq!(heard, counted(0..12_000));
    }
    device.remove();
}

#[test]
fn waiting_ends_with_an_error_when_the_stream_does() {
    type Action = fn(&Stream<f64, f64>, &VirtualDevice);
    let actions: [(&str, Action, ErrorKind); 4] = [
        ("abort", |stream, _| stream.abort(), ErrorKind::StreamStopped),
        ("stop", |stream, _| stream.begin_stop(), ErrorKind::StreamStopped),
        ("close", |stream, _| stream.close(), ErrorKind::StreamClosed),
        ("loss", |_, device| device.inject(Fault::Lost), ErrorKind::DeviceLost),
    ];
    for (name, action, kind) in actions {
        let device = real(64);
        let stream = Arc::new(Stream::duplex::<f64, f64>().device(&device).open().expect("it opens"));
        stream.start().expect("it starts");
        let reader = {
            let stream = Arc::clone(&stream);
            thread::spawn(move || stream.read(&mut vec![0.0; 100 * 48_000]))
        };
        let writer = {
            let stream = Arc::clone(&stream);
            thread::spawn(move || stream.write(&vec![0.5; if name == "stop" { 6_000 } else { 100 * 48_000 }]))
        };
        until("sound", || device.played()[0].iter().any(|sample| *sample != 0.0));
        action(&stream, &device);
        assert_eq!(reader.join().expect("no panic").expect_err("it ends").kind(), kind, "{name}");
        match writer.join().expect("no panic") {
            Ok(written) => assert!(name == "stop" && written.frames == 6_000, "{name}"),
            Err(error) => assert_eq!(error.kind(), kind, "{name}"),
        }
        assert!(stream.wait(PATIENCE));
        device.remove();
    }
}
