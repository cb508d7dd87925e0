//! The JACK adapter against a real server: `scripts/sound-servers.sh start jack` and `env jack`. Without one every test
//! says so and passes.
#![cfg(unix)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sounddevice::job::Job;
use sounddevice::{AudioData, DeviceInfo, Devices, ErrorKind, RecordingJob};

/// jackd's own driver, two channels: what is played is captured one period later.
const LOOPBACK: &str = "jack:loopback";
/// A client with eight ports in each direction that does the same.
const WIDE: &str = "jack:loop-system";
const PATIENCE: Duration = Duration::from_secs(60);

/// Tests that use the same ports would hear each other.
type Turn = MutexGuard<'static, ()>;

/// The devices, if the server that the tests were written for is there.
fn server() -> Option<(Devices, Turn)> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let devices = sounddevice::devices().expect("devices can always be listed");
    let there = |id: &str| devices.iter().any(|device| device.id == id);
    if there(LOOPBACK) && there(WIDE) {
        return Some((devices, turn));
    }
    let wanted = std::env::var("SOUND_SERVERS").unwrap_or_default();
    assert!(!wanted.split_whitespace().any(|host| host == "JACK"), "no JACK server: {devices}");
    println!("skipped: no JACK server with the ports of scripts/sound-servers.sh");
    None
}

/// Samples that tell frame and channel: exact in float32, and never silence.
fn value(frame: usize, channel: usize) -> f32 {
    ((frame + 1) * 16 + channel) as f32 / 16_777_216.0
}

fn counter(frames: usize, channels: usize) -> AudioData<f32> {
    AudioData::from_fn(frames, channels, 48_000, value)
}

/// What came of a counter.
#[derive(Debug, PartialEq)]
struct Heard {
    /// Silent frames before its first one.
    before: usize,
    /// Its first frame and the one after its last.
    from: usize,
    until: usize,
    /// Frames in between that are missing or come again.
    lost: usize,
    /// Frames that are neither silent nor one of its.
    altered: usize,
}

/// Looks for a counter of which `channels` were recorded.
fn hear(recording: &AudioData<f32>, channels: &[usize]) -> Heard {
    let mut heard = Heard { before: 0, from: 0, until: 0, lost: 0, altered: 0 };
    let mut next = None;
    for samples in recording.samples().chunks_exact(channels.len()) {
        let number = (samples[0] * 1_048_576.0) as usize;
        if samples.iter().all(|sample| *sample == 0.0) {
            heard.before += usize::from(next.is_none());
            // Nothing, after the last one; in between it is seen as a jump.
            continue;
        }
        let Some(frame) = number.checked_sub(1) else {
            heard.altered += 1;
            continue;
        };
        if samples.iter().zip(channels).any(|(sample, channel)| *sample != value(frame, *channel)) {
            heard.altered += 1;
            continue;
        }
        match next {
            None => heard.from = frame,
            Some(expected) => heard.lost += usize::abs_diff(frame, expected),
        }
        heard.until = frame + 1;
        next = Some(frame + 1);
    }
    heard
}

fn finish<S: sounddevice::Sample>(job: RecordingJob<S>) -> (AudioData<S>, u8) {
    assert!(job.wait_for(PATIENCE), "the job ends");
    let flags = job.flags();
    (job.wait().expect("no error"), flags)
}

/// Waits for a condition.
fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn period(device: &DeviceInfo) -> usize {
    (device.default_low_output_latency * device.default_sample_rate).round() as usize
}

fn device<'a>(devices: &'a Devices, id: &str) -> &'a DeviceInfo {
    devices.iter().find(|device| device.id == id).expect("it has been seen")
}

#[test]
fn devices_are_clients_with_their_ports() {
    let Some((devices, _turn)) = server() else { return };
    let wide = device(&devices, WIDE);
    assert_eq!((wide.name.as_str(), wide.host_api_name), ("loop-system", "JACK"));
    assert_eq!((wide.max_input_channels, wide.max_output_channels), (8, 8));
    assert_eq!(wide.default_sample_rate, 48_000.0);
    let loopback = device(&devices, LOOPBACK);
    assert_eq!((loopback.max_input_channels, loopback.max_output_channels), (2, 2));
    let host = devices.host_apis().iter().find(|host| host.name == "JACK").expect("it has devices");
    let physical = [Some(wide.index), Some(loopback.index)];
    assert!(physical.contains(&host.default_input) && physical.contains(&host.default_output), "{host:?}");
}

#[test]
fn a_counter_comes_back_unaltered_one_period_later() {
    let Some((devices, _turn)) = server() else { return };
    for (id, channels) in [(LOOPBACK, 2), (WIDE, 8)] {
        let period = period(device(&devices, id));
        let data = counter(96_000, channels);
        let job = sounddevice::playrec(&data).device(id).channels(channels).start().expect("it opens");
        assert_eq!(job.stream().sample_rate, 48_000.0);
        let (recording, flags) = finish(job);
        let heard = hear(&recording, &(0..channels).collect::<Vec<_>>());
        assert_eq!(heard.altered, 0, "{id} {heard:?}");
        if flags == 0 {
            let all = Heard { before: period, from: 0, until: 96_000 - period, lost: 0, altered: 0 };
            assert_eq!(heard, all, "{id}");
        }
    }
}

#[test]
fn align_returns_exactly_what_was_played() {
    let Some((_, _turn)) = server() else { return };
    for (id, channels) in [(LOOPBACK, 2), (WIDE, 8)] {
        let data = counter(24_000, channels);
        let job = sounddevice::playrec(&data).device(id).channels(channels).align(true).start().expect("it opens");
        let (recording, flags): (AudioData<f32>, _) = finish(job);
        if flags == 0 {
            assert!(recording.samples() == data.samples(), "{id} {:?}", hear(&recording, &[0, 1]));
        }
    }
}

#[test]
fn every_frame_of_a_play_is_heard_to_the_last() {
    let Some((_, _turn)) = server() else { return };
    // Neither a whole number of periods nor less than one.
    for frames in [1, 10_001] {
        let recorder = sounddevice::rec::<f32>(48_000).channels(2).device(LOOPBACK).start().expect("it opens");
        until("the recording runs", || recorder.position() > 0);
        let player = sounddevice::play(&counter(frames, 2)).device(LOOPBACK).start().expect("it opens");
        assert!(player.wait_for(PATIENCE));
        player.wait().expect("no error");
        let position = recorder.position();
        let flags = player.flags() | recorder.flags();
        let (recording, _) = finish(recorder);
        assert!(position < 48_000, "the player has ended before the recorder");
        let heard = hear(&recording, &[0, 1]);
        assert_eq!(heard.altered, 0, "{heard:?}");
        if flags == 0 {
            assert_eq!((heard.from, heard.until, heard.lost), (0, frames, 0), "{heard:?}");
        }
    }
}

#[test]
fn columns_go_to_the_ports_they_are_mapped_to() {
    let Some((_, _turn)) = server() else { return };
    let data = counter(24_000, 2);
    let builder = sounddevice::playrec(&data).device(WIDE).output_mapping([7, 3]).input_mapping([3, 7]).align(true);
    let (recording, flags) = finish(builder.start().expect("it opens"));
    let heard = hear(&recording, &[1, 0]);
    assert_eq!(heard.altered, 0, "{heard:?}");
    if flags == 0 {
        assert_eq!(heard, Heard { before: 0, from: 0, until: 24_000, lost: 0, altered: 0 });
    }
    let (recording, _) =
        finish(sounddevice::rec::<f32>(480).device(WIDE).input_mapping([8]).start().expect("it opens"));
    assert!(recording.samples().iter().all(|sample| *sample == 0.0), "nobody plays there");
}

#[test]
fn streams_beside_each_other_do_not_disturb_each_other() {
    let Some((_, _turn)) = server() else { return };
    let data = counter(48_000, 2);
    let pairs = [[1, 2], [3, 4], [5, 6], [7, 8]];
    let open = |pair: [u32; 2]| {
        sounddevice::playrec(&data).device(WIDE).output_mapping(pair).input_mapping(pair).align(true).start()
    };
    let jobs: Vec<RecordingJob<f32>> = pairs.into_iter().map(|pair| open(pair).expect("it opens")).collect();
    for job in jobs {
        let (recording, flags) = finish(job);
        let heard = hear(&recording, &[0, 1]);
        // Where one hears its own frames late, others' are not added to them.
        assert_eq!(heard.altered, 0, "{heard:?}");
        if flags == 0 {
            assert!(recording.samples() == data.samples(), "{heard:?}");
        }
    }
}

#[test]
fn what_the_server_does_not_do_is_refused() {
    let Some((devices, _turn)) = server() else { return };
    let data = counter(480, 2);
    let open = |data: &AudioData<f32>, id: &str| sounddevice::play(data).device(id).start().expect_err("refused");
    let other = AudioData::from_fn(480, 2, 44_100, value);
    let error = open(&other, WIDE);
    assert_eq!(error.kind(), ErrorKind::InvalidSampleRate);
    assert!(error.message().contains("44100") && error.message().contains("48000"), "{error}");
    assert_eq!(open(&counter(480, 9), WIDE).kind(), ErrorKind::InvalidChannels);
    assert_eq!(open(&data, "jack:nobody").kind(), ErrorKind::NoSuchDevice);
    // Nothing that was refused stays in the server.
    let after = sounddevice::devices().expect("devices can always be listed");
    assert_eq!(after.iter().count(), devices.iter().count());
}

#[test]
fn a_hundred_streams_come_and_go() {
    let Some((_, _turn)) = server() else { return };
    let data = counter(48_000, 2);
    for count in 0..100 {
        let job: Job = sounddevice::play(&data).device(LOOPBACK).start().expect("it opens");
        // Some are closed before their first period, some in the middle.
        if count % 2 == 0 {
            until("it plays", || job.position() > 0);
        }
        job.abort();
        assert!(job.wait_for(PATIENCE), "{count}");
    }
    let (recording, _) = finish(sounddevice::playrec(&data).device(LOOPBACK).channels(2).start().expect("it opens"));
    assert_eq!(hear(&recording, &[0, 1]).altered, 0);
}
