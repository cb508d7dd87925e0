//! The rules. Frames that a loaded machine loses are no fault of a host API as long as it says so: a loss without a flag is
//! one, and so is whatever is altered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use sounddevice::{DeviceInfo, Dtype, Error, ErrorKind, Finished, Flow, I24, Kind, Latency, Stream, check, devices};

use super::counter::{Counts, Heard, heard, heard_on, signal, signal_and_silence};
use super::run::{PATIENCE, Plan, RATE, Run, until};
use super::way::Way;

/// PortAudio's bits for lost input and lost output.
pub const LOST: u8 = 1 | 2 | 4;
/// How often a run is repeated in which the machine lost something.
const TURNS: usize = 3;

/// Nothing is altered; what is lost has been told. Silence in between, after which it goes on where it was, loses nothing: not
/// every server tells of it, and those behind ALSA never do.
pub fn assert_sound(heard: &Heard, flags: u8) {
    assert_eq!(heard.altered, 0, "altered frames: {heard:?}, flags {flags}");
    assert!(heard.lost == 0 || flags & LOST != 0, "lost without a word: {heard:?}");
}

/// All of these at once: what each hears is its own, and the flags of all. Where one hears its own frames late, others' are
/// not added to them.
pub fn together<'a, S: Counts + 'a>(plans: impl Iterator<Item = Plan<'a, S>>) -> (Vec<Heard>, u8) {
    let runs: Vec<_> = plans.map(Plan::start).collect();
    let mut all = 0;
    let each = runs.into_iter().map(|run| {
        let (recording, flags) = run.end();
        let heard = heard(&recording);
        assert_sound(&heard, flags);
        all |= flags;
        heard
    });
    (each.collect(), all)
}

/// Takes turns until one has no flags, which is what can be judged to the frame; none where the machine has no time at all.
pub fn judged<T>(way: &Way, turn: impl Fn() -> (T, u8)) -> Option<T> {
    for _ in 0..TURNS {
        let (result, flags) = turn();
        if flags & LOST == 0 {
            return Some(result);
        }
        println!("{}: judged apart, flags {flags}", way.host.name);
    }
    None
}

impl Way {
    pub fn both<'a, S: Counts>(&self, data: &'a sounddevice::AudioData<S>) -> Plan<'a, S> {
        Plan::both(data, self.host.output, self.host.input)
    }

    /// Plays so many frames and hears every one of them to the last.
    pub fn carries<S: Counts>(&self, frames: usize) {
        let data = signal_and_silence::<S>(frames, 2, RATE as usize / 2, RATE);
        let turn = || {
            let (recording, flags) = self.both(&data).start().end();
            let heard = heard(&recording);
            println!("{}: {}, {heard:?}, flags {flags}", self.host.name, S::DTYPE);
            assert_sound(&heard, flags);
            assert!(
                heard.silent == 0 || flags & LOST != 0 || self.host.hides_silence,
                "silence without a word: {heard:?}"
            );
            (heard, flags)
        };
        if let Some(heard) = judged(self, turn) {
            assert_eq!((heard.frames, heard.first, heard.last), (frames, 0, frames - 1), "{heard:?}");
        }
    }

    /// What is heard until a while after this has been done.
    fn heard_while(&self, act: impl FnOnce() -> u8) -> (Heard, u8) {
        let recorder = Plan::<f32>::record(60 * RATE as usize, 2, self.host.input).start();
        recorder.goes_on(0);
        let flags = act();
        recorder.goes_on(u64::from(RATE) / 2);
        let flags = flags | recorder.job.flags();
        recorder.job.stop();
        (heard(&recorder.end().0), flags)
    }
}

pub fn devices_are_told_plausibly_and_stay_the_same(way: &Way) {
    let (first, second) = (way.devices(), way.devices());
    let of = |devices: &sounddevice::Devices| -> Vec<DeviceInfo> {
        devices.iter().filter(|device| device.host_api_name == way.host.name).cloned().collect()
    };
    let (found, again) = (of(&first), of(&second));
    // Others make virtual devices meanwhile.
    for device in found.iter().filter(|_| !way.is_virtual()) {
        assert!(again.contains(device), "{device:?} is not in the second list:\n{second}");
    }
    let ids: HashSet<&str> = found.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(ids.len(), found.len(), "ids are unique");
    for device in &found {
        assert!(!device.name.is_empty() && device.id.contains(':'), "{device:?}");
        assert!(device.max_input_channels + device.max_output_channels > 0, "{device:?}");
        assert!((1_000.0..=1_536_000.0).contains(&device.default_sample_rate), "{device:?}");
        let input = (device.max_input_channels, device.default_low_input_latency, device.default_high_input_latency);
        let output =
            (device.max_output_channels, device.default_low_output_latency, device.default_high_output_latency);
        for (channels, low, high) in [input, output] {
            let plausible =
                if channels == 0 { low == 0.0 && high == 0.0 } else { 0.0 < low && low <= high && high < 5.0 };
            // On a manual clock nothing is queued.
            assert!(plausible || (way.is_virtual() && (low, high) == (0.0, 0.0)), "{device:?}");
        }
        assert_eq!(first.find(&device.id.as_str().into(), None).expect("by its id").index, device.index);
        assert_eq!(first.get(device.index).expect("by its index").id, device.id);
    }
    let host = first.host_apis().iter().find(|host| host.name == way.host.name).expect("it has devices");
    assert_eq!(host.devices, found.iter().map(|device| device.index).collect::<Vec<_>>());
    let (input, output) = (host.default_input.expect("an input"), host.default_output.expect("an output"));
    assert!(first.get(input).is_some_and(|device| device.max_input_channels > 0));
    assert!(first.get(output).is_some_and(|device| device.max_output_channels > 0));
    assert!(host.devices.contains(&input) && host.devices.contains(&output));
}

/// Opens one direction and leaves it.
fn open(kind: Kind, device: &str, channels: usize, dtype: Dtype, rate: f64) -> Result<(), Error> {
    let (input, output) = match kind {
        Kind::Input => (Some(dtype), None),
        Kind::Output => (None, Some(dtype)),
    };
    Stream::raw(input, output).device(device).channels(channels).sample_rate(rate).open().map(drop)
}

pub fn check_says_what_open_does(way: &Way) {
    for (kind, device) in [(Kind::Output, way.host.output), (Kind::Input, way.host.input)] {
        let listed = way.devices().resolve(Some(&device.into()), kind).expect("the device").clone();
        let most = usize::from(listed.max_channels(kind));
        let agree = |channels, dtype, rate| {
            let checked = check(kind, Some(&device.into()), Some(channels), dtype, Some(rate));
            let opened = open(kind, device, channels, dtype, rate);
            let kinds = [&checked, &opened].map(|result| result.as_ref().err().map(Error::kind));
            let what = format!("{kind} of {device}, {channels} channels, {dtype}, {rate} Hz");
            assert_eq!(kinds[0], kinds[1], "{what}: {checked:?}, {opened:?}");
            checked.err().inspect(|error| println!("{what}: {error}"))
        };
        for dtype in Dtype::ALL {
            assert_eq!(agree(2, dtype, 48_000.0), None, "every format is converted");
        }
        assert_eq!(agree(1, Dtype::F32, 48_000.0), None);
        assert_eq!(agree(most.min(32), Dtype::F32, 48_000.0), None, "all of its channels");
        for channels in [0, most + 1, 1_000, 100_000] {
            let error = agree(channels, Dtype::F32, 48_000.0).expect("too few or too many");
            assert_eq!(error.kind(), ErrorKind::InvalidChannels, "{error}");
            assert!(error.message().contains(&channels.to_string()), "{error}");
        }
        for rate in [8_000.0, 44_100.0, 96_000.0, 44_100.5] {
            if let Some(error) = agree(2, Dtype::I16, rate) {
                assert_eq!(error.kind(), ErrorKind::InvalidSampleRate, "{error}");
                assert!(error.message().contains(&rate.to_string()), "{error}");
            }
        }
        for rate in [0.0, -1.0, 0.5, 1e12, f64::NAN, f64::INFINITY] {
            let error = agree(2, Dtype::F32, rate).expect("no such rate");
            assert_eq!(error.kind(), ErrorKind::InvalidSampleRate, "{error}");
        }
    }
    for (kind, other) in [(Kind::Output, "output"), (Kind::Input, "input")] {
        let nobody = format!("{}:nobody of this name", way.device().id.split(':').next().expect("a host"));
        let checked = check(kind, Some(&nobody.as_str().into()), None, Dtype::F32, None).expect_err(other);
        let opened = open(kind, &nobody, 1, Dtype::F32, 48_000.0).expect_err(other);
        assert_eq!((checked.kind(), opened.kind()), (ErrorKind::NoSuchDevice, ErrorKind::NoSuchDevice));
    }
    // Nothing of what was refused holds anything up.
    way.carries::<f32>(4_800);
}

pub fn every_format_arrives_unaltered_to_the_last_frame(way: &Way) {
    let second = RATE as usize;
    way.carries::<u8>(second);
    way.carries::<i8>(second);
    way.carries::<i16>(second);
    way.carries::<I24>(second);
    way.carries::<i32>(second);
    way.carries::<f32>(second);
    way.carries::<f64>(second);
}

pub fn ten_seconds_arrive_unaltered_to_the_last_frame(way: &Way) {
    way.carries::<f32>(10 * RATE as usize);
}

pub fn an_aligned_recording_has_every_frame_within_a_block_of_where_it_was_played(way: &Way) {
    let data = signal::<f32>(RATE as usize / 2, 2, RATE);
    // Half of what is buffered.
    let block = way.device().default_high_output_latency / 2.0 * f64::from(RATE);
    let turn = || {
        let (recording, flags) = way.both(&data).align().start().end();
        let heard = heard(&recording);
        assert_sound(&heard, flags);
        assert_eq!(recording.frames(), data.frames());
        (heard, flags)
    };
    if let Some(heard) = judged(way, turn) {
        assert!(heard.trips().0.unsigned_abs() as f64 <= block, "{heard:?}, blocks of {block}");
    }
}

pub fn a_duplex_stream_takes_two_latencies(way: &Way) {
    use Latency::{High, Low, Seconds};
    let data = signal_and_silence::<f32>(24_000, 2, 24_000, RATE);
    for (input, output) in [(Low, High), (High, Low), (Seconds(0.0), Seconds(0.2)), (Seconds(0.2), Seconds(0.0))] {
        let turn = || {
            let (recording, flags) = way.both(&data).latencies(input, output).block_size(256).start().end();
            let heard = heard(&recording);
            println!("{}: {input:?}, {output:?}: {heard:?}, flags {flags}", way.host.name);
            assert_sound(&heard, flags);
            (heard, flags)
        };
        if let Some(heard) = judged(way, turn) {
            assert_eq!((heard.first, heard.last), (0, 23_999), "{heard:?}");
        }
    }
}

pub fn a_callback_that_comes_too_late_is_told_so_and_goes_on(way: &Way) {
    let calls = Arc::new(AtomicUsize::new(0));
    let told = Arc::new(AtomicBool::new(false));
    let (counted, tell) = (Arc::clone(&calls), Arc::clone(&told));
    let sleeps = !way.is_virtual();
    let stream = Stream::duplex::<f32, f32>()
        .input_device(way.host.input)
        .output_device(way.host.output)
        .channels(2)
        .latency(Latency::Low)
        .callback(move |io| {
            io.output.fill(0.0);
            let call = counted.fetch_add(1, Ordering::AcqRel);
            if call > 20 && io.status.any() {
                tell.store(true, Ordering::Release);
            }
            if sleeps && call == 20 {
                std::thread::sleep(Duration::from_millis(500));
            }
            Flow::Continue
        })
        .open()
        .expect("it opens");
    stream.start().expect("it starts");
    until("the late call", || calls.load(Ordering::Acquire) > 20);
    way.pretend_loss();
    until("a flag", || told.load(Ordering::Acquire));
    assert!(stream.xruns().iter().sum::<u64>() > 0, "{:?}", stream.xruns());
    let before = calls.load(Ordering::Acquire);
    until("more", || calls.load(Ordering::Acquire) > before + 50);
    stream.close();
    way.carries::<f32>(4_800);
}

pub fn every_frame_of_a_play_is_heard_to_the_last(way: &Way) {
    // Shorter than what is queued, about as long, and longer; never whole periods.
    for (frames, latency, block_size) in [
        (1, Latency::High, 0),
        (1, Latency::Low, 64),
        (100, Latency::Low, 0),
        (2_049, Latency::High, 64),
        (10_001, Latency::Low, 0),
        (30_011, Latency::High, 0),
    ] {
        let data = signal::<f32>(frames, 2, RATE);
        let turn = || {
            way.heard_while(|| {
                let plan = Plan::play(&data, way.host.output).latency(latency).block_size(block_size);
                plan.start().end().1
            })
        };
        if let Some(heard) = judged(way, turn) {
            let all = (heard.first, heard.last, heard.lost);
            assert_eq!(all, (0, frames - 1, 0), "{frames}, {latency:?}, {block_size}: {heard:?}");
        }
    }
}

pub fn stop_plays_what_was_made_and_abort_drops_it(way: &Way) {
    let data = signal::<f32>(10 * RATE as usize, 2, RATE);
    let play = || {
        let run = Plan::play(&data, way.host.output).start();
        run.goes_on(u64::from(RATE) / 4);
        run
    };
    let position = AtomicUsize::new(0);
    let stopped = judged(way, || {
        way.heard_while(|| {
            let run = play();
            run.job.stop();
            assert!(run.job.wait_for(PATIENCE), "it does not stop");
            position.store(run.job.position() as usize, Ordering::Release);
            run.end().1
        })
    });
    if let Some(heard) = stopped {
        assert_eq!((heard.first, heard.last + 1), (0, position.into_inner()), "{heard:?}");
        assert_eq!(heard.lost, 0, "{heard:?}");
    }
    let (heard, flags) = way.heard_while(|| {
        let run = play();
        run.job.abort();
        assert!(run.job.wait_for(PATIENCE), "it does not end");
        let flags = run.job.flags();
        assert!(run.job.position() < data.frames() as u64, "it has ended by itself");
        drop(run);
        flags
    });
    assert_sound(&heard, flags);
    assert!(heard.last + 1 < data.frames(), "{heard:?}");
    // The next one begins where it should: nothing of this one is left.
    way.carries::<f32>(4_800);
}

pub fn closing_ends_everything_from_anywhere_as_often_as_you_like(way: &Way) {
    for ending in ["close", "abort", "stop", "drop", "inside"] {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let (ended, ends) = mpsc::channel();
        let inside = ending == "inside";
        let stream = Stream::duplex::<f32, f32>()
            .input_device(way.host.input)
            .output_device(way.host.output)
            .callback(move |io| {
                io.output.fill(0.0);
                counted.fetch_add(1, Ordering::AcqRel);
                if inside { Flow::Complete } else { Flow::Continue }
            })
            .on_finished(move |reason| drop(ended.send(reason)))
            .open()
            .expect("it opens");
        stream.start().expect("it starts");
        until("calls", || calls.load(Ordering::Acquire) > 0);
        match ending {
            "close" => stream.close(),
            "abort" => stream.abort(),
            "stop" => stream.stop().expect("it stops"),
            _ => {}
        }
        let stream = (ending != "drop").then_some(stream);
        let reason = ends.recv_timeout(PATIENCE).expect("the end is told");
        assert!(!inside || reason == Finished::Completed, "{ending}: {reason:?}");
        let after = calls.load(Ordering::Acquire);
        if let Some(stream) = stream {
            stream.close();
            stream.close();
            stream.abort();
            assert!(stream.closed() && !stream.active());
            assert_eq!(stream.start().expect_err("closed").kind(), ErrorKind::StreamClosed);
        }
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(calls.load(Ordering::Acquire), after, "{ending}: called after the end");
        assert!(ends.try_recv().is_err(), "{ending}: told twice");
    }
}

pub fn two_streams_at_once_do_not_disturb_each_other(way: &Way) {
    let data = [0, 1]
        .map(|channel| sounddevice::AudioData::from_fn(2 * RATE as usize, 1, RATE, |frame, _| f32::of(frame, channel)));
    let turn = || {
        let runs = [0, 1].map(|channel| way.both(&data[channel]).on_channel(channel as u32 + 1).start());
        let mut flags = 0;
        let mut channel = 0;
        let heard = runs.map(|run| {
            let (recording, mine) = run.end();
            let heard = heard_on(&recording, &[channel]);
            println!("{}: channel {channel}, {heard:?}, flags {mine}", way.host.name);
            assert_sound(&heard, mine);
            (flags, channel) = (flags | mine, channel + 1);
            heard
        });
        (heard, flags)
    };
    for heard in judged(way, turn).into_iter().flatten() {
        assert!(heard.first == 0 && heard.frames > RATE as usize, "{heard:?}");
    }
}

pub fn a_hundred_streams_come_and_go_and_leave_nothing(way: &Way) {
    let data = signal::<f32>(RATE as usize, 2, RATE);
    let once = |count: usize| {
        let run = match count % 3 {
            0 => Plan::play(&data, way.host.output).start(),
            1 => Plan::record(data.frames(), 2, way.host.input).start(),
            _ => way.both(&data).start(),
        };
        // Some end before their first period, some in the middle.
        if count.is_multiple_of(2) {
            run.goes_on(0);
        }
        run.abort();
    };
    // Whatever is opened once and kept.
    (0..3).for_each(once);
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).map_or(0, Iterator::count);
    let (descriptors, threads) = (count("fd"), count("task"));
    (0..100).for_each(once);
    // Threads end a moment after they have said so.
    until("rest", || count("task") <= threads && count("fd") <= descriptors);
    way.carries::<f32>(4_800);
}

/// Every kind of job there is, running.
fn one_each(way: &Way, data: &sounddevice::AudioData<f32>) -> [Run<f32>; 4] {
    let plans = [
        Plan::play(data, way.host.output),
        Plan::record(data.frames(), 2, way.host.input),
        way.both(data),
        way.both(data).latency(Latency::Low).block_size(64),
    ];
    plans.map(|plan| {
        let run = plan.start();
        run.goes_on(0);
        run
    })
}

pub fn a_lost_device_ends_its_streams_and_the_next_one_works(way: &Way) {
    let data = sounddevice::AudioData::<f32>::zeros(600 * RATE as usize, 2, RATE);
    for _ in 0..2 {
        way.carries::<f32>(4_800);
        let runs = one_each(way, &data);
        let (ended, ends) = mpsc::channel();
        let reader = Arc::new(
            Stream::input::<f32>()
                .device(way.host.input)
                .channels(2)
                .on_finished(move |reason| drop(ended.send(reason)))
                .open()
                .expect("it opens"),
        );
        reader.start().expect("it starts");
        let read = {
            let reader = Arc::clone(&reader);
            std::thread::spawn(move || {
                let mut memory = vec![0.0; 2 * 480];
                loop {
                    if let Err(error) = reader.read(&mut memory) {
                        return error;
                    }
                }
            })
        };
        until("calls", || reader.periods() > 0);
        way.kill();
        for run in runs {
            assert!(run.job.wait_for(PATIENCE), "nobody was told");
            let error = run.job.wait().expect_err("the device is lost");
            assert_eq!(error.kind(), ErrorKind::DeviceLost, "{error}");
        }
        let reason = ends.recv_timeout(PATIENCE).expect("the end is told");
        assert!(matches!(&reason, Finished::Failed(error) if error.kind() == ErrorKind::DeviceLost), "{reason:?}");
        assert_eq!(read.join().expect("no panic").kind(), ErrorKind::DeviceLost);
        assert!(ends.try_recv().is_err(), "told once, however often the system says so");
        assert!(!way.there() && devices().expect("a list").find_output("virtual:loopback").is_ok());
        for (kind, device) in [(Kind::Output, way.host.output), (Kind::Input, way.host.input)] {
            let error = open(kind, device, 2, Dtype::F32, 48_000.0).expect_err("nobody is there");
            assert_eq!(error.kind(), ErrorKind::NoSuchDevice, "{error}");
        }
        way.revive();
        way.carries::<f32>(4_800);
        // The stream that was lost opens its device again.
        if !way.is_virtual() {
            reader.start().expect("it starts again");
            let before = reader.periods();
            until("calls", || reader.periods() > before);
        }
        reader.close();
    }
}

pub fn a_standstill_of_two_seconds_is_told_and_everything_goes_on(way: &Way) {
    let data =
        [0, 1].map(|channel| sounddevice::AudioData::from_fn(f32::MOST, 1, RATE, |frame, _| f32::of(frame, channel)));
    let plans =
        [way.both(&data[0]).on_channel(1), way.both(&data[1]).on_channel(2).latency(Latency::Low).block_size(64)];
    let runs = plans.map(|plan| {
        let run = plan.start();
        run.goes_on(u64::from(RATE) / 4);
        run
    });
    let recorder = Plan::<f32>::record(600 * RATE as usize, 2, way.host.input).start();
    recorder.goes_on(0);
    way.stand_still();
    // Longer than what piled up, which may come all at once.
    recorder.goes_on(3 * u64::from(RATE));
    runs.iter().for_each(|run| run.goes_on(0));
    let _ = recorder.abort();
    for (channel, run) in runs.into_iter().enumerate() {
        let flags = run.job.flags();
        let heard = heard_on(&run.abort(), &[channel]);
        println!("{}: {heard:?}, flags {flags}", way.host.name);
        // A virtual device loses what it should have heard meanwhile, as it was told to, and says nothing.
        assert!(way.is_virtual() || flags & LOST != 0, "a standstill without a word");
        assert_eq!(heard.altered, 0, "{heard:?}");
        // What piled up meanwhile is not played or heard late from then on: the rest is up to the machine.
        let (before, after) = heard.trips();
        assert!(after - before < i64::from(RATE) * 3 / 2, "{before} frames before, {after} after");
    }
    way.carries::<f32>(RATE as usize);
}

pub fn streams_of_a_server_that_stands_still_close_all_the_same(way: &Way) {
    if way.is_virtual() {
        return;
    }
    let data = sounddevice::AudioData::<f32>::zeros(600 * RATE as usize, 2, RATE);
    let runs = one_each(way, &data);
    way.pause();
    assert!(devices().expect("a list").find_output("virtual:loopback").is_ok(), "the others are listed");
    for run in &runs {
        run.job.abort();
    }
    for run in runs {
        assert!(run.job.wait_for(PATIENCE), "it hangs");
    }
    way.resume();
    until("the devices", || way.there());
    way.carries::<f32>(4_800);
    // One that is killed while it stands still, with a close under way.
    let [closing, lost, ..] = one_each(way, &data);
    way.pause();
    closing.job.abort();
    way.kill();
    assert!(closing.job.wait_for(PATIENCE) && lost.job.wait_for(PATIENCE), "both end");
    assert_eq!(lost.job.wait().expect_err("it is lost").kind(), ErrorKind::DeviceLost);
    way.revive();
    way.carries::<f32>(4_800);
}
