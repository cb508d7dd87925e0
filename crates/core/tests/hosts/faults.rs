//! Devices and servers that go while streams of all kinds run: each ends with the same word, or goes on elsewhere where it
//! was told to, nobody hangs, watchers hear of it, and the next one works. (What else happens when a server is killed or
//! stands still is in the contract.) `SOUND_TURNS` says how often each is done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use sounddevice::stream::Direction;
use sounddevice::{
    DeviceEvent, DeviceInfo, DeviceWatcher, ErrorKind, Finished, Stream, StreamBuilder, devices, watch_devices,
};

use super::run::{PATIENCE, RATE, until};
use super::way::Way;

/// A reader that waits all the time, a writer that does, and a callback in both directions.
struct Patients {
    reader: Arc<Stream<f32, ()>>,
    writer: Arc<Stream<(), f32>>,
    wire: Stream<f32, f32>,
    ends: [Receiver<Finished>; 3],
    waiting: [JoinHandle<ErrorKind>; 2],
    moved: Arc<Mutex<Vec<DeviceInfo>>>,
    /// Since when they run, and how many frames have been read.
    began: Instant,
    read: Arc<AtomicU64>,
}

/// On the way's devices, or where it follows on the default ones.
fn patients(way: &Way, follows: bool) -> Patients {
    // Who has no other device to go to stays with its own, should it come back.
    let named = !follows || !way.host.has_others;
    patients_on(named.then_some((way.host.input, way.host.output)), follows)
}

/// On these devices, or on the default ones.
fn patients_on(devices: Option<(&str, &str)>, follows: bool) -> Patients {
    let moved = Arc::new(Mutex::new(Vec::new()));
    fn settled<I: Direction, O: Direction>(
        builder: StreamBuilder<I, O>,
        devices: Option<(&str, &str)>,
        follows: bool,
        moved: &Arc<Mutex<Vec<DeviceInfo>>>,
    ) -> (StreamBuilder<I, O>, Receiver<Finished>) {
        let (sender, ends) = mpsc::channel();
        let builder = builder.channels(2).sample_rate(RATE).on_finished(move |reason| drop(sender.send(reason)));
        let builder = match devices {
            None => builder,
            Some((input, output)) => builder.input_device(input).output_device(output),
        };
        if !follows {
            return (builder, ends);
        }
        let told = Arc::clone(moved);
        let tell = move |device: &DeviceInfo| told.lock().expect("no panic").push(device.clone());
        (builder.follow_default(true).on_device_changed(tell), ends)
    }
    let (reader, read_ends) = settled(Stream::input::<f32>(), devices, follows, &moved);
    let (writer, write_ends) = settled(Stream::output::<f32>(), devices, follows, &moved);
    let (wire, wire_ends) = settled(Stream::duplex::<f32, f32>(), devices, follows, &moved);
    let wire = wire.callback(|io| {
        io.output.fill(0.0);
        sounddevice::Flow::Continue
    });
    let reader = Arc::new(reader.open().expect("it opens"));
    let writer = Arc::new(writer.open().expect("it opens"));
    let wire = wire.open().expect("it opens");
    reader.start().expect("it starts");
    writer.start().expect("it starts");
    wire.start().expect("it starts");
    let (began, read) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&read);
    let (reads, writes) = (Arc::clone(&reader), Arc::clone(&writer));
    let waiting = [
        std::thread::spawn(move || {
            let mut memory = vec![0.0; 2 * 480];
            loop {
                if let Err(error) = reads.read(&mut memory) {
                    return error.kind();
                }
                counted.fetch_add(480, Ordering::Relaxed);
            }
        }),
        std::thread::spawn(move || {
            let memory = vec![0.0; 2 * 480];
            loop {
                if let Err(error) = writes.write(&memory) {
                    return error.kind();
                }
            }
        }),
    ];
    let patients =
        Patients { reader, writer, wire, ends: [read_ends, write_ends, wire_ends], waiting, moved, began, read };
    patients.go_on();
    patients
}

impl Patients {
    fn periods(&self) -> [u64; 3] {
        [self.reader.periods(), self.writer.periods(), self.wire.periods()]
    }

    fn active(&self) -> [bool; 3] {
        [self.reader.active(), self.writer.active(), self.wire.active()]
    }

    fn moved(&self) -> MutexGuard<'_, Vec<DeviceInfo>> {
        self.moved.lock().expect("no panic")
    }

    /// Those that have moved have said so, and are what they were.
    fn had_a_gap(&self) {
        let Self { reader, writer, wire, .. } = self;
        for xruns in [reader.xruns(), writer.xruns(), wire.xruns()] {
            assert!(xruns.iter().sum::<u64>() > 0, "the gap is told");
        }
        assert_eq!([reader.input_channels(), wire.input_channels()], [2, 2]);
        assert_eq!([writer.output_channels(), wire.output_channels()], [2, 2]);
        assert_eq!([reader.sample_rate(), writer.sample_rate(), wire.sample_rate()], [f64::from(RATE); 3]);
    }

    /// Those that play have been told of a standstill. Whoever only records has, or gets all there was meanwhile.
    fn hear_of_a_standstill(&self) {
        let told = |xruns: [u64; 4]| xruns.iter().sum::<u64>() > 0;
        until("a flag", || told(self.writer.xruns()) && told(self.wire.xruns()));
        let whole = || {
            let frames = self.began.elapsed().as_secs_f64() * f64::from(RATE);
            self.read.load(Ordering::Relaxed) as f64 > frames - f64::from(RATE)
        };
        until("a flag of the input", || told(self.reader.xruns()) || whole());
    }

    /// All of them make progress.
    fn go_on(&self) {
        let before = self.periods();
        until("periods", || self.periods().iter().zip(before).all(|(now, before)| *now > before + 3));
        assert_eq!(self.active(), [true; 3]);
    }

    /// Each has ended, or makes progress elsewhere.
    fn settle(&self) {
        let before = self.periods();
        let settled = || {
            let (active, now) = (self.active(), self.periods());
            (0..3).all(|one| !active[one] || now[one] > before[one] + 20)
        };
        until("an end or progress", settled);
    }

    /// All have been told, waiting ones too, and close.
    fn are_lost(self, way: &Way, since: Instant) {
        for ends in &self.ends {
            let reason = ends.recv_timeout(PATIENCE).expect("the end is told");
            assert!(matches!(&reason, Finished::Failed(error) if error.kind() == ErrorKind::DeviceLost), "{reason:?}");
        }
        println!("\n{}: told after {} ms", way.host.name, since.elapsed().as_millis());
        for waiting in self.waiting {
            assert_eq!(waiting.join().expect("no panic"), ErrorKind::DeviceLost);
        }
        let closing = Instant::now();
        self.reader.close();
        self.writer.close();
        self.wire.close();
        println!("{}: closed after {} ms", way.host.name, closing.elapsed().as_millis());
    }

    /// Whatever became of it, whoever waits is told when it is closed.
    fn close(self) {
        self.reader.close();
        self.writer.close();
        self.wire.close();
        for waiting in self.waiting {
            let kind = waiting.join().expect("no panic");
            // Plugins of ALSA whose server has moved them may give nothing for longer than anybody waits.
            let told = [ErrorKind::StreamClosed, ErrorKind::StreamStopped, ErrorKind::DeviceLost, ErrorKind::TimedOut];
            assert!(told.contains(&kind), "{kind:?}");
        }
    }
}

/// Hears of the devices of a way.
struct Watch {
    _watcher: DeviceWatcher,
    events: Receiver<DeviceEvent>,
    ids: [&'static str; 2],
}

impl Watch {
    /// Of PortAudio's devices nobody hears anything; those of the virtual host have tests of their own.
    fn new(way: &Way) -> Option<Self> {
        if way.host.is_portaudio() || way.is_virtual() {
            return None;
        }
        let (sender, events) = mpsc::channel();
        let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
        Some(Self { _watcher: watcher, events, ids: [way.host.input, way.host.output] })
    }

    /// Each of the way's devices has come, or gone: once, and the list agrees.
    fn hears(&self, comes: bool) {
        let mut left = self.ids.to_vec();
        left.dedup();
        while !left.is_empty() {
            let (came, device) = match self.events.recv_timeout(PATIENCE).expect("it is told") {
                DeviceEvent::Added(device) => (true, device),
                DeviceEvent::Removed(device) => (false, device),
                _ => continue,
            };
            // A server that comes or goes may be seen with some of its devices, which go again.
            if !self.ids.contains(&device.id.as_str()) || came != comes {
                continue;
            }
            assert_eq!(devices().expect("a list").iter().any(|listed| listed.id == device.id), comes, "{}", device.id);
            left.retain(|id| *id != device.id);
        }
    }
}

fn turns() -> usize {
    std::env::var("SOUND_TURNS").ok().and_then(|turns| turns.parse().ok()).unwrap_or(1)
}

pub fn a_server_that_is_asked_to_end_takes_its_streams_with_it(way: &Way) {
    for _ in 0..turns() {
        let patients = patients(way, false);
        let since = Instant::now();
        way.stop();
        patients.are_lost(way, since);
        way.revive();
        patients_work(way);
    }
}

pub fn a_server_that_is_killed_takes_its_streams_with_it(way: &Way) {
    for _ in 0..turns() {
        let (patients, watch) = (patients(way, false), Watch::new(way));
        let since = Instant::now();
        way.kill();
        patients.are_lost(way, since);
        watch.iter().for_each(|watch| watch.hears(false));
        way.revive();
        watch.iter().for_each(|watch| watch.hears(true));
        patients_work(way);
    }
}

pub fn a_server_that_stands_still_for_a_while_goes_on_with_its_streams(way: &Way) {
    for _ in 0..turns() {
        let patients = patients(way, false);
        way.stand_still();
        patients.go_on();
        // Nobody can know of what a server behind ALSA puts in; a virtual device says nothing, as it was told to.
        if !way.host.hides_silence && !way.is_virtual() {
            patients.hear_of_a_standstill();
        }
        patients.close();
        patients_work(way);
    }
}

/// For a server that the contract, which has this too, is not for.
pub fn streams_of_a_server_that_stands_still_close(way: &Way) {
    for _ in 0..turns() {
        let (patients, following) = (patients(way, false), self::patients(way, true));
        way.pause();
        let closing = Instant::now();
        patients.close();
        following.close();
        println!("\n{}: closed after {} ms", way.host.name, closing.elapsed().as_millis());
        way.resume();
        until("the devices", || way.there());
        patients_work(way);
    }
}

pub fn a_device_that_is_unplugged_is_lost(way: &Way) {
    for _ in 0..turns() {
        let (patients, watch) = (patients(way, false), Watch::new(way));
        let since = Instant::now();
        way.unplug();
        if way.host.hides_moves {
            // The server moves the streams of its plugin, which does not say so.
            patients.settle();
            patients.close();
        } else {
            patients.are_lost(way, since);
            watch.iter().for_each(|watch| watch.hears(false));
        }
        way.kill();
        way.revive();
        patients_work(way);
    }
}

pub fn who_follows_goes_on_when_the_device_is_unplugged(way: &Way) {
    for _ in 0..turns() {
        let patients = patients(way, true);
        let since = Instant::now();
        way.unplug();
        if way.host.has_others {
            until("news", || patients.moved().len() >= 3);
            println!("\n{}: moved after {} ms", way.host.name, since.elapsed().as_millis());
            patients.go_on();
            patients.had_a_gap();
        } else {
            patients.settle();
        }
        patients.close();
        way.kill();
        way.revive();
        patients_work(way);
    }
}

pub fn who_follows_hangs_on_no_server_that_dies(way: &Way) {
    for turn in 0..turns().max(2) {
        let patients = patients(way, true);
        if turn % 2 == 0 {
            way.kill()
        } else {
            way.stop()
        }
        patients.settle();
        patients.close();
        way.revive();
        patients_work(way);
    }
}

pub fn another_default_device_is_where_only_those_go_who_follow(way: &Way) {
    if !way.host.has_defaults {
        return println!("{}: nobody is told of another default device but by one that comes or goes", way.host.name);
    }
    let id = |index: usize| way.devices().get(index).expect("it is there").id.clone();
    let on = way.host.default_devices().map(|id| (id, id));
    for _ in 0..turns() {
        let (following, staying) = (patients_on(on, true), patients(way, false));
        for (source, sink) in [("mic_twin_a", "twin_a"), ("mic", "speakers")] {
            if !way.host.hides_moves {
                // Those have one channel: nobody goes there, nor is disturbed.
                way.choose_defaults("mic_mono", "mono");
                following.go_on();
            }
            let since = Instant::now();
            way.choose_defaults(source, sink);
            if !way.host.hides_moves {
                let (input, output) = (format!("pulseaudio:{source}"), format!("pulseaudio:{sink}"));
                let Patients { reader, writer, wire, .. } = &following;
                let inputs = || [reader.input_device(), wire.input_device()].map(id).iter().all(|id| *id == input);
                let outputs = || [writer.output_device(), wire.output_device()].map(id).iter().all(|id| *id == output);
                until("the move", || inputs() && outputs());
                println!("\n{}: moved after {} ms", way.host.name, since.elapsed().as_millis());
                let told = |id: &str| following.moved().iter().any(|device| device.id == id);
                until("news", || told(&input) && told(&output));
                let ids = [&input, &output];
                assert!(following.moved().iter().all(|device| ids.contains(&&device.id)), "{:?}", following.moved());
                following.moved().clear();
            }
            following.go_on();
            staying.go_on();
        }
        if !way.host.hides_moves {
            following.had_a_gap();
        }
        let wire = &staying.wire;
        assert_eq!([wire.input_device(), wire.output_device()].map(id), [way.host.input, way.host.output]);
        assert!(staying.moved().is_empty());
        following.close();
        staying.close();
    }
}

/// The next streams open, without any more ado.
fn patients_work(way: &Way) {
    patients(way, false).close();
}
