//! Ends: what is still heard, what is told, and in which state the stream is then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use sounddevice::job::Latency;
use sounddevice::virtual_device::Fault;
use sounddevice::{ErrorKind, Finished, Flow, Stream, StreamBuilder};

use super::*;

/// An output of one counted channel whose `last`th call answers with `flow`.
fn counting(device: &VirtualDevice, block: u32, last: usize, flow: Flow) -> StreamBuilder<(), f64> {
    let (mut made, mut calls) = (0, 0);
    Stream::output::<f64>().device(device).block_size(block).callback(move |io| {
        io.output.copy_from_slice(&counted(made..made + io.frames));
        made += io.frames;
        calls += 1;
        if calls == last { flow } else { Flow::Continue }
    })
}

#[test]
fn callback_stop_plays_every_frame_made_and_is_told_once_when_the_last_was_heard() {
    for (block, period, latency) in [(100, 64, 0.0), (64, 512, 0.0), (1000, 441, 0.05), (7, 64, 0.01)] {
        let device = manual(1, period);
        let (builder, ends) = told(counting(&device, block, 5, Flow::Complete).latency(Latency::Seconds(latency)));
        let stream = builder.open().expect("it opens");
        stream.start().expect("it starts");
        let lead = ((latency * RATE / period as f64 + 1e-9) as usize).saturating_sub(1) * period;
        let last = lead + 5 * block as usize;
        // Up to the period before the one that plays the last frame.
        let before = (last - 1) / period * period;
        device.advance(before).expect("a manual clock");
        assert!(ends.try_recv().is_err() && stream.active() && !stream.stopped());
        device.advance(period).expect("a manual clock");
        assert_eq!(end(&ends), Finished::Completed);
        assert!(!stream.active() && !stream.stopped());
        let played = &device.played()[0];
        assert_eq!(played[lead..last], counted(0..5 * block as usize), "{block} over {period}");
        assert!(played[last..].iter().all(|sample| *sample == 0.0));
        device.advance(4 * period).expect("a manual clock");
        assert!(ends.try_recv().is_err(), "told once");
        // It starts again without stop().
        stream.start().expect("it starts again");
        assert!(stream.active());
        device.advance(lead + 2 * period).expect("a manual clock");
        assert_eq!(device.played()[0][lead], counted(5 * block as usize..5 * block as usize + 1)[0]);
    }
}

#[test]
fn stop_plays_out_and_abort_drops() {
    for (block, period, latency) in [(100, 64, 0.0), (512, 64, 0.0), (1000, 441, 0.05)] {
        let device = manual(1, period);
        let (builder, ends) = told(counting(&device, block, 0, Flow::Continue).latency(Latency::Seconds(latency)));
        let stream = builder.open().expect("it opens");
        stream.start().expect("it starts");
        device.advance(10 * period).expect("a manual clock");
        let error = stream.stop().expect_err("it would never end");
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock);
        assert!(stream.active(), "a refused stop changes nothing");
        stream.begin_stop();
        assert!(stream.active() && !stream.stopped(), "while it plays out");
        device.advance(40 * period).expect("a manual clock");
        assert_eq!(end(&ends), Finished::Stopped);
        assert!(!stream.active() && stream.stopped());
        let lead = ((latency * RATE / period as f64 + 1e-9) as usize).saturating_sub(1) * period;
        let made = (10 * period).div_ceil(block as usize) * block as usize;
        let played = &device.played()[0];
        assert_eq!(played[lead..lead + made], counted(0..made), "{block} over {period}");
        assert!(played[lead + made..].iter().all(|sample| *sample == 0.0));

        stream.start().expect("it starts again");
        device.advance(period).expect("a manual clock");
        stream.abort();
        assert_eq!(end(&ends), Finished::Aborted);
        assert!(!stream.active() && stream.stopped());
    }
}

#[test]
fn stop_needs_no_time_where_nothing_is_pending() {
    let device = manual(1, 256);
    let (builder, ends) = told(counting(&device, 64, 0, Flow::Continue));
    let stream = builder.open().expect("it opens");
    stream.start().expect("it starts");
    device.advance(512).expect("a manual clock");
    stream.stop().expect("all has been heard");
    assert_eq!(end(&ends), Finished::Stopped);
    assert_eq!(device.played()[0], counted(0..512));
}

#[test]
fn callback_abort_drops_what_waits_and_the_block_itself() {
    let device = manual(1, 64);
    let (builder, ends) = told(counting(&device, 100, 3, Flow::Abort).latency(Latency::Seconds(0.005)));
    let stream = builder.open().expect("it opens");
    stream.start().expect("it starts");
    device.advance(64 * 20).expect("a manual clock");
    assert_eq!(end(&ends), Finished::AbortedByCallback);
    assert!(!stream.active() && !stream.stopped());
    let heard = device.played()[0].iter().filter(|sample| **sample != 0.0).count();
    assert!(heard < 200, "the third block is not heard: {heard}");
    stream.stop().expect("nothing to do");
    assert!(stream.stopped());
}

#[test]
fn a_panic_ends_the_stream_once() {
    let device = manual(1, 64);
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let builder = Stream::output::<f32>().device(&device).callback(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        panic!("on purpose");
    });
    let (builder, ends) = told(builder);
    let stream = builder.open().expect("it opens");
    for runs in 1..=2 {
        stream.start().expect("it starts");
        device.advance(640).expect("a manual clock");
        let Finished::Failed(error) = end(&ends) else {
            panic!("it fails");
        };
        assert_eq!(error.kind(), ErrorKind::CallbackFailed);
        assert_eq!(calls.load(Ordering::Relaxed), runs, "called once per run");
        assert!(!stream.active() && !stream.stopped() && ends.try_recv().is_err());
    }
}

#[test]
fn a_lost_device_ends_the_stream_and_may_come_back() {
    let device = manual(1, 64);
    let (builder, ends) = told(counting(&device, 0, 0, Flow::Continue));
    let stream = builder.open().expect("it opens");
    stream.start().expect("it starts");
    device.advance(64).expect("a manual clock");
    device.inject(Fault::Lost);
    let Finished::Failed(error) = end(&ends) else {
        panic!("it fails");
    };
    assert_eq!((error.kind(), error.kind().portaudio_code()), (ErrorKind::DeviceLost, -9985));
    assert!(!stream.active() && !stream.stopped());
    stream.start().expect("the device is still there");
    device.advance(64).expect("a manual clock");
    device.remove();
    assert!(matches!(end(&ends), Finished::Failed(_)));
    assert_eq!(stream.start().expect_err("it is gone").kind(), ErrorKind::DeviceUnavailable);
    stream.stop().expect("nothing to do");
    assert!(stream.stopped());
}

#[test]
fn states_of_a_stream_and_calls_that_change_nothing() {
    let device = manual(1, 64);
    let (builder, ends) = told(counting(&device, 0, 0, Flow::Continue));
    let stream = builder.open().expect("it opens");
    let state = || (stream.active(), stream.stopped(), stream.closed());
    assert_eq!(state(), (false, true, false));
    assert_eq!((stream.cpu_load(), stream.sample_rate(), stream.block_size()), (0.0, RATE, 0));
    stream.stop().expect("not started");
    stream.abort();
    assert_eq!(state(), (false, true, false));
    stream.start().expect("it starts");
    stream.start().expect("it runs already");
    assert_eq!(state(), (true, false, false));
    stream.abort();
    stream.abort();
    stream.stop().expect("stopped already");
    assert_eq!(state(), (false, true, false));
    assert_eq!(end(&ends), Finished::Aborted);
    stream.start().expect("it starts again");
    stream.close();
    stream.close();
    assert_eq!(state(), (false, true, true));
    assert_eq!(end(&ends), Finished::Aborted);
    assert!(ends.try_recv().is_err());
    let error = stream.start().expect_err("closed");
    assert_eq!((error.kind(), error.kind().portaudio_code()), (ErrorKind::StreamClosed, -9988));
    assert_eq!(stream.time().expect_err("closed").kind(), ErrorKind::StreamClosed);
    assert_eq!(stream.sample_rate(), RATE);
}

#[test]
fn a_stream_that_never_started_tells_no_end() {
    let device = manual(1, 64);
    let (builder, ends) = told(counting(&device, 0, 0, Flow::Continue));
    drop(builder.open().expect("it opens"));
    assert!(ends.recv_timeout(PATIENCE).is_err_and(|error| error == mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn all_ends_are_legal_from_inside_the_callback() {
    for (action, reason) in [("stop", Finished::Stopped), ("abort", Finished::Aborted), ("close", Finished::Aborted)] {
        let device = real(64);
        let (give, take) = mpsc::channel::<Arc<Stream<(), f32>>>();
        let mut own: Option<Arc<Stream<(), f32>>> = None;
        let mut calls = 0;
        let builder = Stream::output::<f32>().device(&device).callback(move |_| {
            if own.is_none() {
                own = take.try_recv().ok();
            }
            let Some(stream) = &own else {
                return Flow::Continue;
            };
            calls += 1;
            assert!(calls < 2 || action != "stop", "not called after its stop");
            match action {
                "stop" => stream.stop().expect("inside it does not wait"),
                "abort" => stream.abort(),
                _ => stream.close(),
            }
            Flow::Continue
        });
        let (builder, ends) = told(builder);
        let stream = Arc::new(builder.open().expect("it opens"));
        stream.start().expect("it starts");
        give.send(Arc::clone(&stream)).expect("the callback lives");
        assert_eq!(end(&ends), reason, "{action}");
        assert!(stream.wait(PATIENCE));
        assert_eq!((stream.active(), stream.stopped(), stream.closed()), (false, true, action == "close"));
        device.remove();
    }
}

#[test]
fn all_methods_are_legal_when_the_end_is_told() {
    let device = manual(1, 64);
    let (give, take) = mpsc::channel::<Arc<Stream<(), f64>>>();
    let (sender, ends) = mpsc::channel();
    let take = std::sync::Mutex::new(take);
    let stream = counting(&device, 0, 0, Flow::Continue).on_finished(move |reason| {
        let stream = take.lock().expect("no panic").try_recv();
        if let Ok(stream) = stream {
            stream.start().expect("it starts again");
            stream.abort();
            stream.close();
        }
        sender.send(reason).expect("the test listens");
    });
    let stream = Arc::new(stream.open().expect("it opens"));
    stream.start().expect("it starts");
    give.send(Arc::clone(&stream)).expect("the closure lives");
    stream.abort();
    assert_eq!((end(&ends), end(&ends)), (Finished::Aborted, Finished::Aborted));
    assert!(stream.closed());
}

#[test]
fn the_real_clock_plays_out_what_was_made() {
    let device = real(64);
    let (builder, ends) = told(counting(&device, 100, 40, Flow::Complete).latency(Latency::Seconds(0.02)));
    let stream = builder.open().expect("it opens");
    stream.start().expect("it starts");
    assert_eq!(end(&ends), Finished::Completed);
    let played = &device.played()[0];
    let sounding: Vec<f64> = played.iter().copied().filter(|sample| *sample != 0.0).collect();
    assert_eq!(sounding, counted(0..4000));
    stream.start().expect("it starts again");
    until("sound", || device.played()[0].iter().any(|sample| *sample != 0.0));
    stream.stop().expect("it waits");
    assert_eq!(end(&ends), Finished::Stopped);
    device.remove();
}
