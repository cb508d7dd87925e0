//! Jobs on virtual devices with a manual clock: exact to the sample.

use std::sync::mpsc;
use std::time::Duration;

use sounddevice::job::{Job, JobRequest, Latency, Loop, Play, Record};
use sounddevice::virtual_device::{Fault, VirtualDevice};
use sounddevice::{DeviceSpecifier, Dtype, Error, ErrorKind, Samples, virtual_host};

const PERIOD: usize = 256;

fn device(channels: u16, dtype: Dtype) -> VirtualDevice {
    virtual_host().device().inputs(channels).outputs(channels).dtype(dtype).manual_clock().create().expect("a device")
}

fn request() -> JobRequest {
    JobRequest {
        play: None,
        record: None,
        sample_rate: None,
        block_size: 0,
        clip_off: false,
        dither_off: false,
        overlap: false,
        align: false,
    }
}

fn play(device: &VirtualDevice, bytes: &[u8], dtype: Dtype, channels: usize) -> Play {
    Play {
        samples: Samples::copied(bytes),
        dtype,
        channels,
        device: Some(DeviceSpecifier::from(device)),
        mapping: None,
        latency: Latency::High,
        settings: None,
        repeat: None,
    }
}

/// Memory that a test can look at after the job: leaked, so that it outlives everything.
fn record(device: &VirtualDevice, frames: usize, dtype: Dtype, channels: usize) -> (Record, *const [u8]) {
    let memory: &'static mut [u8] = vec![0xaau8; frames * channels * dtype.bytes()].leak();
    let seen: *const [u8] = memory;
    // SAFETY: leaked memory stays.
    let samples = unsafe { Samples::foreign(memory.as_mut_ptr(), memory.len()) };
    let device = Some(DeviceSpecifier::from(device));
    (Record { samples, dtype, channels, device, mapping: None, latency: Latency::High, settings: None }, seen)
}

struct Run {
    job: Job,
    ended: mpsc::Receiver<Option<Error>>,
}

impl Run {
    fn open(request: JobRequest) -> Self {
        let (sender, ended) = mpsc::channel();
        let job = Job::open(request, Box::new(move |error| drop(sender.send(error)))).expect("the job opens");
        Self { job, ended }
    }

    fn end(&self) -> Option<Error> {
        self.ended.recv_timeout(Duration::from_secs(10)).expect("the job ends")
    }
}

/// Full-range values that differ in every sample.
fn noise(bytes: usize, dtype: Dtype) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    };
    match dtype {
        Dtype::F32 => (0..bytes / 4).flat_map(|_| ((next() >> 8) as f32 / 8_388_608.0 - 1.0).to_ne_bytes()).collect(),
        Dtype::F64 => (0..bytes / 8).flat_map(|_| (f64::from(next()) / 2_147_483_648.0 - 1.0).to_ne_bytes()).collect(),
        _ => (0..bytes).map(|_| (next() >> 24) as u8).collect(),
    }
}

fn seen(memory: *const [u8]) -> &'static [u8] {
    // SAFETY: leaked by `record`; the job has ended.
    unsafe { &*memory }
}

#[test]
fn playrec_returns_what_was_played_one_period_late_in_every_dtype_and_channel_count() {
    for dtype in Dtype::ALL {
        for channels in 1..=8usize {
            let (frames, frame) = (1000, channels * dtype.bytes());
            let device = device(channels as u16, Dtype::F64);
            let data = noise(frames * frame, dtype);
            let (into, memory) = record(&device, frames, dtype, channels);
            let mut request = request();
            let mut source = play(&device, &data, dtype, channels);
            source.mapping = Some((1..=channels as u32).collect());
            request.play = Some(source);
            request.record = Some(into);
            let run = Run::open(request);
            device.advance(4 * PERIOD).expect("a manual clock");
            run.end().map_or(Ok(()), Err).expect("no error");
            let heard = seen(memory);
            assert!(heard[..PERIOD * frame].iter().all(|byte| *byte == dtype.silence()), "{dtype} {channels}");
            assert_eq!(heard[PERIOD * frame..], data[..(frames - PERIOD) * frame], "{dtype} {channels}");
            assert_eq!(run.job.flags(), 0);
            device.remove();
        }
    }
}

#[test]
fn align_takes_the_round_trip_out() {
    for latency in [0.0, 0.05] {
        let device = device(2, Dtype::F64);
        let data = noise(1000 * 4, Dtype::I16);
        let (into, memory) = record(&device, 1000, Dtype::I16, 2);
        let mut request = request();
        request.play = Some(Play { latency: Latency::Seconds(latency), ..play(&device, &data, Dtype::I16, 2) });
        request.record = Some(into);
        request.align = true;
        let run = Run::open(request);
        // 0.05 s are 9.375 periods: 8 of them before the first frame.
        let lead = if latency > 0.0 { 8 * PERIOD } else { 0 };
        assert_eq!(run.job.round_trip(), Some((PERIOD + lead) as u64), "before the first period");
        device.advance(16 * PERIOD).expect("a manual clock");
        assert!(run.end().is_none());
        assert_eq!(seen(memory), data);
        assert_eq!(run.job.round_trip(), Some((PERIOD + lead) as u64));
    }
}

#[test]
fn mono_goes_to_two_channels_and_mapped_data_where_it_was_mapped() {
    let device = device(4, Dtype::F64);
    let data: Vec<u8> = [0.5f32, -0.25].into_iter().flat_map(f32::to_ne_bytes).collect();
    let run = Run::open(JobRequest { play: Some(play(&device, &data, Dtype::F32, 1)), ..request() });
    device.advance(PERIOD).expect("a manual clock");
    assert!(run.end().is_none());
    let played = device.played();
    assert_eq!(played[0][..3], [0.5, -0.25, 0.0]);
    assert_eq!(played[0], played[1]);
    assert!(played[2].iter().chain(&played[3]).all(|sample| *sample == 0.0));

    let mut mapped = play(&device, &data, Dtype::F32, 2);
    mapped.mapping = Some(vec![4, 1]);
    let run = Run::open(JobRequest { play: Some(mapped), ..request() });
    device.advance(PERIOD).expect("a manual clock");
    assert!(run.end().is_none());
    let played = device.played();
    assert_eq!((played[3][0], played[0][0], played[1][0]), (0.5, -0.25, 0.0));
}

#[test]
fn a_loop_is_gapless_has_a_range_and_ends_with_the_rest() {
    let device = device(1, Dtype::F64);
    let data: Vec<u8> = (1..=5).map(|sample| sample as u8).collect();
    let mut looped = play(&device, &data, Dtype::I8, 1);
    looped.repeat = Some(Loop { start: 1, end: 3, count: Some(3) });
    let run = Run::open(JobRequest { play: Some(looped), ..request() });
    assert_eq!(run.job.frames(), 9);
    device.advance(PERIOD).expect("a manual clock");
    assert!(run.end().is_none());
    assert_eq!(run.job.round_trip(), None, "it only plays");
    let played: Vec<f64> = device.played()[0][..10].iter().map(|sample| sample * 128.0).collect();
    assert_eq!(played, [1.0, 2.0, 3.0, 2.0, 3.0, 2.0, 3.0, 4.0, 5.0, 0.0]);
}

#[test]
fn overlapping_jobs_are_added_in_one_stream() {
    let device = device(2, Dtype::F64);
    let level = |sample: f32| sample.to_ne_bytes().repeat(2 * 1000);
    let first = Run::open(JobRequest { play: Some(play(&device, &level(0.25), Dtype::F32, 2)), ..request() });
    device.advance(PERIOD).expect("a manual clock");
    let second = JobRequest { play: Some(play(&device, &level(0.5), Dtype::F32, 2)), overlap: true, ..request() };
    let second = Run::open(second);
    device.advance(8 * PERIOD).expect("a manual clock");
    assert!(first.end().is_none() && second.end().is_none());
    let played = &device.played()[1];
    assert!(played[..256].iter().all(|sample| *sample == 0.25));
    assert!(played[256..1000].iter().all(|sample| *sample == 0.75));
    assert!(played[1000..1256].iter().all(|sample| *sample == 0.5));
    assert!(played[1256..].iter().all(|sample| *sample == 0.0));
}

#[test]
fn one_of_two_jobs_can_be_aborted_while_the_device_stands_still() {
    let device = device(1, Dtype::F64);
    let level = |sample: f32| sample.to_ne_bytes().repeat(4 * PERIOD);
    let open = |sample, overlap| {
        Run::open(JobRequest { play: Some(play(&device, &level(sample), Dtype::F32, 1)), overlap, ..request() })
    };
    let first = open(0.25, false);
    device.advance(PERIOD).expect("a manual clock");
    let second = open(0.5, true);
    device.advance(PERIOD).expect("a manual clock");
    first.job.abort();
    assert!(first.end().is_none(), "without any time passing");
    assert!(second.job.active());
    // Far more jobs than may sound at once: those that have ended are not in the way once time passes.
    for _ in 0..200 {
        let third = open(0.125, true);
        third.job.abort();
        assert!(third.end().is_none());
    }
    device.advance(4 * PERIOD).expect("a manual clock");
    assert!(second.end().is_none());
    let played = &device.played()[0];
    for (period, level) in [0.25, 0.75, 0.5, 0.5, 0.5].into_iter().enumerate() {
        assert_eq!(played[period * PERIOD..][..PERIOD], [level; PERIOD], "period {period}");
    }
}

#[test]
fn pause_resume_seek_stop_and_abort_act_at_the_next_period() {
    let device = device(1, Dtype::F64);
    let data: Vec<u8> = (0..4096).flat_map(|frame| (frame as i16).to_ne_bytes()).collect();
    let run = Run::open(JobRequest { play: Some(play(&device, &data, Dtype::I16, 1)), ..request() });
    let first = |played: Vec<Vec<f64>>| (played[0][0] * 32768.0) as i64;
    device.advance(PERIOD).expect("a manual clock");
    assert_eq!((run.job.position(), run.job.heard()), (256, 256));
    assert_eq!(first(device.played()), 0);
    run.job.pause();
    run.job.seek(1000);
    device.advance(PERIOD).expect("a manual clock");
    assert!(device.played()[0].iter().all(|sample| *sample == 0.0));
    assert_eq!(run.job.position(), 256);
    run.job.resume();
    device.advance(PERIOD).expect("a manual clock");
    assert_eq!(first(device.played()), 1000);
    assert_eq!(run.job.position(), 1256);
    assert_eq!(run.job.wait().expect_err("it would never end").kind(), ErrorKind::WouldDeadlock);
    run.job.stop();
    run.job.wait().expect("all has been heard");
    assert!(run.end().is_none());
    assert!(!run.job.active());

    let run = Run::open(JobRequest { play: Some(play(&device, &data, Dtype::I16, 1)), ..request() });
    run.job.abort();
    assert!(run.end().is_none(), "without any time passing");
}

#[test]
fn stop_ends_a_job_at_once_of_which_nothing_is_to_be_heard() {
    let data = noise(1000 * 2, Dtype::I16);
    for periods in 0..3 {
        for (plays, records) in [(true, false), (false, true), (true, true)] {
            let device = device(1, Dtype::F64);
            let samples: Vec<f64> = (0..1000).map(f64::from).collect();
            device.feed(std::slice::from_ref(&samples));
            let (into, memory) = record(&device, 1000, Dtype::F64, 1);
            let run = Run::open(JobRequest {
                play: plays.then(|| play(&device, &data, Dtype::I16, 1)),
                record: records.then_some(into),
                ..request()
            });
            device.advance(periods * PERIOD).expect("a manual clock");
            run.job.stop();
            run.job.stop();
            run.job.wait().expect("no time has to pass");
            assert!(run.end().is_none());
            let frames = periods * PERIOD;
            assert_eq!((run.job.position(), run.job.heard()), (frames as u64, frames as u64));
            if records {
                assert_eq!(run.job.recorded(), frames as u64);
                let heard: Vec<f64> =
                    seen(memory).chunks(8).map(|bytes| f64::from_ne_bytes(bytes.try_into().expect("8"))).collect();
                assert_eq!(heard[..frames], samples[..frames]);
            }
            let played = std::mem::take(&mut device.played()[0]);
            let expected = data[..frames * 2].chunks(2).map(|bytes| i16::from_ne_bytes([bytes[0], bytes[1]]));
            let expected: Vec<f64> =
                expected.map(|sample| if plays { f64::from(sample) / 32768.0 } else { 0.0 }).collect();
            assert_eq!(played, expected);
            device.advance(2 * PERIOD).expect("a manual clock");
            assert!(device.played()[0].is_empty(), "the device has been released");
            device.remove();
        }
    }
}

#[test]
fn stop_waits_for_what_is_queued_and_no_longer() {
    let device = device(1, Dtype::F64);
    let data = noise(2000 * 2, Dtype::I16);
    // Three periods ahead.
    let latency = Latency::Seconds(4.0 * PERIOD as f64 / 48_000.0);
    for records in [false, true] {
        let (into, _) = record(&device, 2000, Dtype::F64, 1);
        let source = Play { latency, ..play(&device, &data, Dtype::I16, 1) };
        let run = Run::open(JobRequest { play: Some(source), record: records.then_some(into), ..request() });
        device.advance(2 * PERIOD).expect("a manual clock");
        run.job.stop();
        for period in 0..3 {
            assert_eq!(run.job.wait().expect_err("it would never end").kind(), ErrorKind::WouldDeadlock, "{period}");
            device.advance(PERIOD).expect("a manual clock");
        }
        run.job.wait().expect("all has been heard");
        assert!(run.end().is_none());
        assert_eq!((run.job.position(), run.job.heard()), (512, 512));
        assert_eq!(run.job.recorded(), if records { 512 } else { 0 });
        device.advance(PERIOD).expect("a manual clock");
        let played: Vec<i16> = device.played()[0].iter().map(|sample| (sample * 32768.0) as i16).collect();
        let expected = data.chunks(2).map(|bytes| i16::from_ne_bytes([bytes[0], bytes[1]])).take(2 * PERIOD);
        assert_eq!(played, [0; 3 * PERIOD].into_iter().chain(expected).collect::<Vec<_>>());
    }
}

#[test]
fn one_of_two_jobs_can_be_stopped_while_the_device_stands_still() {
    let device = device(1, Dtype::F64);
    let level = |sample: f32| sample.to_ne_bytes().repeat(4 * PERIOD);
    let open = |sample, overlap| {
        Run::open(JobRequest { play: Some(play(&device, &level(sample), Dtype::F32, 1)), overlap, ..request() })
    };
    let first = open(0.25, false);
    let second = open(0.5, true);
    device.advance(PERIOD).expect("a manual clock");
    first.job.stop();
    assert!(first.end().is_none(), "without any time passing");
    let third = open(0.125, true);
    third.job.stop();
    assert!(third.end().is_none(), "before its first period");
    assert!(second.job.active());
    device.advance(4 * PERIOD).expect("a manual clock");
    assert!(second.end().is_none());
    assert_eq!((first.job.position(), second.job.position(), third.job.position()), (256, 1024, 0));
    let played = &device.played()[0];
    for (period, level) in [0.75, 0.5, 0.5, 0.5].into_iter().enumerate() {
        assert_eq!(played[period * PERIOD..][..PERIOD], [level; PERIOD], "period {period}");
    }
    assert!(played[4 * PERIOD..].iter().all(|sample| *sample == 0.0));
}

#[test]
fn flags_and_losses_reach_the_job() {
    let device = device(2, Dtype::F64);
    let (into, _) = record(&device, 10_000, Dtype::F32, 2);
    let run = Run::open(JobRequest { record: Some(into), ..request() });
    device.inject(Fault::InputOverflow);
    device.inject(Fault::OutputUnderflow);
    device.advance(PERIOD).expect("a manual clock");
    assert_eq!(run.job.flags(), 2, "an output's flag is not a recording's");
    device.remove();
    let error = run.end().expect("the device is lost");
    assert_eq!((error.kind(), error.kind().portaudio_code()), (ErrorKind::DeviceLost, -9985));
    assert_eq!(run.job.recorded(), 256);
}

#[test]
fn wrong_requests_are_refused_before_anything_opens() {
    let device = device(2, Dtype::F64);
    let refused = |request: JobRequest| Job::open(request, Box::new(|_| ())).expect_err("refused").kind();
    let data = [0u8; 8];
    let base = || play(&device, &data, Dtype::I16, 2);
    let with = |play: Play| JobRequest { play: Some(play), ..request() };
    for mapping in [vec![], vec![0, 1], vec![1, 1], vec![1, 2, 3]] {
        assert_eq!(refused(with(Play { mapping: Some(mapping), ..base() })), ErrorKind::InvalidArgValue);
    }
    assert_eq!(refused(with(Play { mapping: Some(vec![1, 64]), ..base() })), ErrorKind::InvalidChannels);
    for rate in [0.0, -1.0, 1.0, 1e6, f64::INFINITY, f64::NAN] {
        let request = JobRequest { sample_rate: Some(rate), ..with(base()) };
        assert_eq!(refused(request), ErrorKind::InvalidSampleRate, "{rate}");
    }
    for latency in [-1.0, f64::NAN, 1e9] {
        assert_eq!(refused(with(Play { latency: Latency::Seconds(latency), ..base() })), ErrorKind::OutOfRange);
    }
    let repeat = Some(Loop { start: 0, end: 1, count: None });
    let empty = Play { samples: Samples::copied(&[]), repeat, ..base() };
    assert_eq!(refused(with(empty)), ErrorKind::InvalidArgValue);
    assert_eq!(refused(with(Play { device: Some(DeviceSpecifier::Index(-1)), ..base() })), ErrorKind::NoSuchDevice);
}

#[test]
fn the_real_clock_plays_to_the_end_and_records_all() {
    let device = virtual_host().device().name("Realtime").create().expect("a device");
    let data = noise(4800 * 8, Dtype::F32);
    let (into, memory) = record(&device, 6000, Dtype::F32, 2);
    let mut request = request();
    request.play = Some(Play { latency: Latency::Low, ..play(&device, &data, Dtype::F32, 2) });
    request.record = Some(into);
    let run = Run::open(request);
    let estimate = run.job.round_trip();
    run.job.wait().expect("no loss");
    assert!(run.end().is_none());
    assert_eq!(run.job.round_trip(), estimate);
    let trip = estimate.expect("it plays and records") as usize * 8;
    assert!(seen(memory)[..trip].iter().all(|byte| *byte == 0));
    let kept = data.len().min(6000 * 8 - trip);
    assert_eq!(seen(memory)[trip..trip + kept], data[..kept]);
}
