//! Streams that go on elsewhere when their device is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use sounddevice::virtual_device::Fault;
use sounddevice::{DeviceInfo, ErrorKind, Finished, Flow, Stream, StreamBuilder};

use super::*;

/// A stream that follows, and where it goes on.
fn following<I: sounddevice::stream::Direction, O: sounddevice::stream::Direction>(
    builder: StreamBuilder<I, O>,
) -> (StreamBuilder<I, O>, mpsc::Receiver<DeviceInfo>) {
    let (sender, moves) = mpsc::channel();
    let tell = move |device: &DeviceInfo| drop(sender.send(device.clone()));
    (builder.follow_default(true).on_device_changed(tell), moves)
}

#[test]
fn what_was_written_and_not_read_survives_the_loss_of_the_device() {
    let device = manual(1, 256);
    let sent = counted(0..1024);
    device.feed(std::slice::from_ref(&sent));
    let (builder, moves) = following(Stream::duplex::<f64, f64>().device(&device).channels(1).buffer(1.0));
    let (builder, ends) = told(builder);
    let stream = builder.open().expect("it opens");
    stream.start().expect("it starts");
    stream.write(&counted(0..2000)).expect("there is room");
    device.advance(512).expect("a manual clock");
    // It is still there, and so it is where the stream goes on.
    device.inject(Fault::Lost);
    assert_eq!(moves.recv_timeout(PATIENCE).expect("it moves").index, device.index());
    assert!(stream.active() && ends.try_recv().is_err());
    assert_eq!(stream.output_device(), device.index());
    device.advance(2048).expect("a manual clock");
    assert_eq!(device.played()[0][..2000], counted(0..2000), "not a sample is lost on the way");
    let mut heard = vec![0.0; 1024];
    assert!(stream.read(&mut heard).expect("it is there").overflowed, "the gap is told");
    assert_eq!(heard, sent);
    let [_, overflows, underflows, _] = stream.xruns();
    assert!(overflows >= 1 && underflows >= 1, "{:?}", stream.xruns());
    stream.close();
    assert_eq!(end(&ends), Finished::Aborted);
}

#[test]
fn a_callback_goes_on_and_hears_of_the_gap() {
    let device = manual(2, 64);
    let (made, flagged) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (frames, flags) = (Arc::clone(&made), Arc::clone(&flagged));
    let builder = Stream::output::<f64>().device(&device).channels(1).block_size(100).callback(move |io| {
        let first = frames.fetch_add(io.frames, Ordering::Relaxed);
        io.output.copy_from_slice(&counted(first..first + io.frames));
        if io.status.output_underflow() {
            flags.fetch_add(1, Ordering::Relaxed);
        }
        Flow::Continue
    });
    let (builder, moves) = following(builder);
    let stream = builder.open().expect("it opens");
    stream.set_volume(0.5).expect("an output");
    stream.start().expect("it starts");
    for turn in 1..4 {
        device.advance(640).expect("a manual clock");
        device.inject(Fault::Lost);
        moves.recv_timeout(PATIENCE).expect("it moves");
        assert_eq!(flagged.load(Ordering::Relaxed), turn - 1);
        let first = made.load(Ordering::Relaxed);
        device.played();
        device.advance(64).expect("a manual clock");
        assert_eq!(flagged.load(Ordering::Relaxed), turn, "once for each");
        let expected: Vec<f64> = counted(first..first + 64).iter().map(|sample| sample / 2.0).collect();
        assert_eq!(device.played()[0], expected, "as loud as before");
    }
    assert_eq!((stream.output_channels(), stream.sample_rate()), (1, RATE));
}

#[test]
fn a_device_that_is_gone_is_left_for_the_default_one() {
    // Of the virtual host, which is the default only where there is nothing else.
    let default = sounddevice::devices().expect("a list");
    let Some(default) = default.default_device(sounddevice::Kind::Output).cloned() else {
        return;
    };
    let device = virtual_host().device().outputs(2).inputs(0).create().expect("a device");
    let (builder, moves) = following(Stream::output::<f32>().device(&device).channels(2));
    let (builder, ends) = told(builder);
    let stream = builder.open().expect("it opens");
    stream.start().expect("it starts");
    until("periods", || stream.periods() > 0);
    device.remove();
    let moved = moves.recv_timeout(PATIENCE).expect("it moves");
    assert_eq!((moved.id, stream.output_device()), (default.id, default.index));
    let before = stream.periods();
    until("periods", || stream.periods() > before + 2);
    assert!(stream.active() && ends.try_recv().is_err());
    stream.stop().expect("a real clock");
    assert_eq!(end(&ends), Finished::Stopped);
    // Where it has gone is where it starts again.
    stream.start().expect("it starts");
    assert_eq!(stream.output_device(), default.index);
}

#[test]
fn an_end_that_is_ordered_on_the_way_is_an_end() {
    for turn in 0..20 {
        let device = virtual_host().device().period(64).create().expect("a device");
        let (builder, _moves) = following(Stream::output::<f32>().device(&device).channels(2));
        let (builder, ends) = told(builder);
        let stream = builder.open().expect("it opens");
        stream.start().expect("it starts");
        stream.write(&[0.5; 256]).expect("there is room");
        device.inject(Fault::Lost);
        if turn % 2 == 0 {
            std::thread::sleep(Duration::from_millis(turn));
        }
        match turn % 3 {
            0 => stream.abort(),
            1 => stream.stop().expect("a real clock"),
            _ => stream.close(),
        }
        assert!(!stream.active() && stream.stopped());
        let reason = end(&ends);
        assert!(matches!(reason, Finished::Stopped | Finished::Aborted), "{reason:?}");
        device.remove();
    }
}

#[test]
fn without_anything_to_go_on_with_the_device_is_lost() {
    let device = manual(2, 64);
    // No other device has this rate.
    let odd = virtual_host().device().sample_rate(12_345.0).manual_clock().create().expect("a device");
    let (builder, moves) = following(Stream::output::<f32>().device(&odd).channels(2).sample_rate(12_345.0));
    let (builder, ends) = told(builder);
    let virtual_only = |kind| {
        let devices = sounddevice::devices().expect("a list");
        devices.default_device(kind).is_none_or(|device| device.host_api_name == "Virtual")
    };
    if !virtual_only(sounddevice::Kind::Output) {
        return println!("skipped: the default device may have any rate");
    }
    let stream = builder.open().expect("it opens");
    stream.start().expect("it starts");
    odd.remove();
    let reason = end(&ends);
    assert!(matches!(&reason, Finished::Failed(error) if error.kind() == ErrorKind::DeviceLost), "{reason:?}");
    assert!(moves.try_recv().is_err() && !stream.active());
    device.remove();
}
