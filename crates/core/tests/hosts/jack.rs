//! What only JACK does: everything is exact to the frame, and devices are clients with ports.

use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use sounddevice::{AudioData, DeviceEvent, DeviceInfo, Devices, ErrorKind, devices, watch_devices};

use super::contract::{assert_sound, judged, together};
use super::counter::{Counts, Heard, heard, heard_on, signal};
use super::run::{PATIENCE, Plan, RATE, until};
use super::way::{JACK, Way, apart, here, server_directory};

/// jackd's own driver, two channels: what is played is captured one period later.
const LOOPBACK: &str = "jack:loopback";
/// A client with eight ports in each direction that does the same.
const WIDE: &str = JACK.output;

fn on_jack(test: impl FnOnce(&Way)) {
    here(JACK, "", test);
}

fn device<'a>(devices: &'a Devices, id: &str) -> &'a DeviceInfo {
    devices.iter().find(|device| device.id == id).expect("it is there")
}

fn listed(id: &str) -> bool {
    devices().expect("a list").iter().any(|device| device.id == id)
}

#[test]
fn devices_are_clients_with_their_ports() {
    on_jack(|_| {
        let devices = devices().expect("a list");
        let wide = device(&devices, WIDE);
        assert_eq!((wide.name.as_str(), wide.host_api_name), ("loop-system", "JACK"));
        assert_eq!((wide.max_input_channels, wide.max_output_channels), (8, 8));
        assert_eq!(wide.default_sample_rate, 48_000.0);
        let loopback = device(&devices, LOOPBACK);
        assert_eq!((loopback.max_input_channels, loopback.max_output_channels), (2, 2));
        let host = devices.host_apis().iter().find(|host| host.name == "JACK").expect("it has devices");
        let physical = [Some(wide.index), Some(loopback.index)];
        assert!(physical.contains(&host.default_input) && physical.contains(&host.default_output), "{host:?}");
    });
}

#[test]
fn the_signal_comes_back_exactly_one_period_later_or_aligned_not_at_all() {
    on_jack(|way| {
        for (id, channels) in [(LOOPBACK, 2), (WIDE, 8)] {
            let low = device(&devices().expect("a list"), id).default_low_output_latency;
            let period = (low * f64::from(RATE)).round() as usize;
            let data = signal::<f32>(RATE as usize, channels, RATE);
            for delay in [period, 0] {
                let turn = || {
                    let plan = Plan::both(&data, id, id);
                    let (recording, flags) = if delay == 0 { plan.align().start() } else { plan.start() }.end();
                    let heard = heard(&recording);
                    assert_sound(&heard, flags);
                    (heard, flags)
                };
                let (frames, end) = (data.frames() - delay, data.frames() - 1);
                let all = Heard { frames, start: delay, end, last: frames - 1, ..Heard::default() };
                judged(way, turn).into_iter().for_each(|heard| assert_eq!(heard, all, "{id}"));
            }
        }
    });
}

#[test]
fn columns_go_to_the_ports_they_are_mapped_to() {
    on_jack(|way| {
        let data = signal::<f32>(24_000, 2, RATE);
        let turn = || {
            let builder = sounddevice::playrec::<f32, f32>(&data).device(WIDE).align(true);
            let job = builder.output_mapping([7, 3]).input_mapping([3, 7]).start().expect("it opens");
            assert!(job.wait_for(PATIENCE), "it goes on for ever");
            let flags = job.flags();
            let heard = heard_on(&job.wait().expect("it ends well"), &[1, 0]);
            assert_sound(&heard, flags);
            (heard, flags)
        };
        judged(way, turn).into_iter().for_each(|heard| assert_eq!(heard.frames, 24_000, "{heard:?}"));
        let silent = sounddevice::rec::<f32>(480).device(WIDE).input_mapping([8]).start().expect("it opens");
        assert!(
            silent.wait().expect("it ends well").samples().iter().all(|sample| *sample == 0.0),
            "nobody plays there"
        );
    });
}

#[test]
fn eight_streams_beside_each_other_do_not_disturb_each_other() {
    on_jack(|way| {
        let data = AudioData::from_fn(RATE as usize, 1, RATE, |frame, _| f32::of(frame, 0));
        let turn = || {
            let plan = Plan::both(&data, WIDE, WIDE).align();
            together((1..=8).map(|channel| plan.on_channel(channel)))
        };
        judged(way, turn).into_iter().flatten().for_each(|heard| assert_eq!(heard.frames, data.frames(), "{heard:?}"));
    });
}

#[test]
fn what_the_server_does_not_do_is_refused() {
    on_jack(|_| {
        let before = devices().expect("a list");
        let open = |data: &AudioData<f32>, id: &str| sounddevice::play(data).device(id).start().expect_err("refused");
        let error = open(&signal(480, 2, 44_100), WIDE);
        assert_eq!(error.kind(), ErrorKind::InvalidSampleRate);
        assert!(error.message().contains("44100") && error.message().contains("48000"), "{error}");
        assert_eq!(open(&signal(480, 9, RATE), WIDE).kind(), ErrorKind::InvalidChannels);
        assert_eq!(open(&signal(480, 2, RATE), "jack:nobody").kind(), ErrorKind::NoSuchDevice);
        // Nothing that was refused stays in the server.
        let of_jack = |devices: &Devices| devices.iter().filter(|device| device.host_api_name == "JACK").count();
        assert_eq!(of_jack(&devices().expect("a list")), of_jack(&before));
    });
}

/// The program behind one device gets this signal while streams play on it and on another one.
fn only_its_own_streams_end(way: &Way, how: &str) {
    way.carries::<f32>(4_800);
    let data = signal::<f32>(f32::MOST, 2, RATE);
    let staying = Plan::both(&data, LOOPBACK, LOOPBACK).start();
    staying.goes_on(0);
    let silence = AudioData::<f32>::zeros(600 * RATE as usize, 2, RATE);
    let leaving = Plan::play(&silence, WIDE).start();
    leaving.goes_on(0);
    let pid = std::fs::read_to_string(server_directory().join("pid/jackloop")).expect("the script wrote it");
    assert!(Command::new("kill").args([how, pid.trim()]).status().expect("kill runs").success());
    assert!(leaving.job.wait_for(PATIENCE), "nobody was told");
    assert_eq!(leaving.job.wait().expect_err("it is lost").kind(), ErrorKind::DeviceLost);
    // The server answers nobody for a moment after it has lost a client.
    until("the end of the device", || listed(LOOPBACK) && !listed(WIDE));
    staying.goes_on(u64::from(RATE));
    let flags = staying.job.flags();
    let heard = heard(&staying.abort());
    println!("JACK: beside a device that left by {how}: {heard:?}, flags {flags}");
    assert_sound(&heard, flags);
    assert!(heard.frames > RATE as usize, "{heard:?}");
}

#[test]
fn a_device_that_leaves_ends_its_streams_only() {
    apart(JACK, concat!(module_path!(), "::a_device_that_leaves_ends_its_streams_only"), |way| {
        only_its_own_streams_end(way, "-TERM");
    });
}

#[test]
fn a_device_whose_program_is_killed_ends_its_streams_only() {
    apart(JACK, concat!(module_path!(), "::a_device_whose_program_is_killed_ends_its_streams_only"), |way| {
        only_its_own_streams_end(way, "-KILL");
    });
}

#[test]
fn a_server_that_stands_still_is_not_waited_for() {
    apart(JACK, concat!(module_path!(), "::a_server_that_stands_still_is_not_waited_for"), |way| {
        way.carries::<f32>(4_800);
        way.pause();
        let error =
            sounddevice::play(&signal::<f32>(480, 2, RATE)).device(LOOPBACK).start().expect_err("nobody answers");
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        way.resume();
        until("the server", || listed(LOOPBACK) && listed(WIDE));
        way.carries::<f32>(4_800);
    });
}

/// Takes events until both devices are there, or neither is; none tells what is known.
fn told(events: &Receiver<DeviceEvent>, there: &mut [bool; 2], wanted: bool) {
    while *there != [wanted; 2] {
        let (came, device) = match events.recv_timeout(PATIENCE).expect("an event") {
            DeviceEvent::Added(device) => (true, device),
            DeviceEvent::Removed(device) => (false, device),
            _ => continue,
        };
        let Some(which) = [LOOPBACK, WIDE].iter().position(|id| device.id == *id) else { continue };
        assert_eq!(std::mem::replace(&mut there[which], came), !came, "{device:?}");
    }
}

#[test]
fn who_watches_is_told_of_each_death_of_a_server_and_of_the_next_one() {
    let name = concat!(module_path!(), "::who_watches_is_told_of_each_death_of_a_server_and_of_the_next_one");
    apart(JACK, name, |way| {
        let (sender, events) = mpsc::channel();
        let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
        let mut there = [true; 2];
        let die: [fn(&Way); 2] = [Way::kill, Way::stop];
        for die in die.iter().cycle().take(4) {
            // A stream must be told as early as without a watcher.
            let stream = Plan::play(&AudioData::<f32>::zeros(600 * RATE as usize, 2, RATE), LOOPBACK).start();
            stream.goes_on(0);
            let since = Instant::now();
            die(way);
            assert!(stream.job.wait_for(PATIENCE), "nobody was told");
            println!("JACK: a stream is told after {} ms", since.elapsed().as_millis());
            told(&events, &mut there, false);
            println!("JACK: who watches is told after {} ms", since.elapsed().as_millis());
            way.revive();
            told(&events, &mut there, true);
        }
        way.pause();
        let since = Instant::now();
        drop(watcher);
        while events.recv_timeout(PATIENCE).is_ok() {}
        println!("JACK: the watching ends after {} ms while the server stands still", since.elapsed().as_millis());
        way.resume();
        until("the server", || listed(LOOPBACK) && listed(WIDE));
    });
}
