use std::ffi::{CString, c_int};
use std::sync::mpsc::{self, Receiver};

use super::super::library::{
    AUDIO, Library, NO_START_SERVER, PORT_IS_INPUT, PORT_IS_OUTPUT, RawClient, RawPort, library,
};
use super::*;
use crate::{DeviceEvent, DeviceInfo, watch_devices};

const PATIENCE: Duration = Duration::from_secs(30);
const TURNS: u32 = 10;

#[test]
fn only_files_of_jacks_clients_are_signs() {
    for name in ["jack_sem.0_default_system", "jack_sem.1000_a_b_synth", "sem.jack_sem.0_default_synth"] {
        assert_eq!((sign(name, false), sign(name, true)), (Some(Sign::Client), Some(Sign::Client)), "{name}");
    }
    assert_eq!(sign("jack_sem.0_default_freewheel", false), Some(Sign::Client));
    assert_eq!(sign("jack_sem.0_default_freewheel", true), Some(Sign::Server));
    let others = ["pulse-shm-1", "jack-shm-registry", "jack-0-1", "jack_default_0_0", "sem.other", "", "jack_db-0"];
    for name in others.into_iter().chain(["jack_sem.0_default_sounddevice-list", "jack_sem.0_x_sounddevice-list-01"]) {
        assert_eq!((sign(name, false), sign(name, true)), (None, None), "{name}");
    }
}

#[test]
fn swarms_of_signs_are_one_and_all_is_looked_at_again() {
    let begun = Instant::now();
    let at = |ms| begun + Duration::from_millis(ms);
    let looks = |signs: &[(u64, Sign)]| {
        let mut plan = Plan::new(begun);
        let mut signs = signs.iter().peekable();
        (0..2_000_u64)
            .filter(|now| {
                while let Some((_, sign)) = signs.next_if(|(time, _)| time == now) {
                    plan.see(*sign, at(*now));
                }
                plan.is_due(at(*now))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(looks(&[]), []);
    assert_eq!(looks(&[(10, Sign::Client), (10, Sign::Client), (25, Sign::Client)]), [45, 175]);
    let swarm: Vec<_> = (0..25).map(|number| (number * 10, Sign::Client)).collect();
    assert_eq!(looks(&swarm), [100, 210, 260, 390]);
    // A server that goes has its time; what it deletes before and after is part of that.
    assert_eq!(looks(&[(10, Sign::Client), (11, Sign::Server), (11, Sign::Server)]), [161]);
    // And without any sign all the same.
    let mut plan = Plan::new(begun);
    assert_eq!(plan.next(), begun + LOOK);
    assert!(!plan.is_due(begun) && plan.is_due(begun + LOOK));
    assert_eq!(plan.next(), begun + LOOK + LOOK);
}

#[test]
fn notes_are_of_what_happens_to_files() {
    let directory = std::env::temp_dir().join(format!("sounddevice-signs-{}", std::process::id()));
    std::fs::create_dir(&directory).expect("a directory");
    let path = CString::new(directory.to_str().expect("text")).expect("no zero in it");
    let mut notes = Notes::of(&path).expect("notes");
    let (ear, end) = UnixStream::pair().expect("two ends");
    assert!(notes.wait(&end, Instant::now()));
    let mut seen = Vec::new();
    for name in ["jack_sem.1", "other"] {
        std::fs::write(directory.join(name), name).expect("written");
        std::fs::remove_file(directory.join(name)).expect("removed");
    }
    assert!(notes.wait(&end, Instant::now() + PATIENCE));
    notes.read(|name, gone| seen.push((name.to_string(), gone))).expect("notes");
    let all = ["jack_sem.1", "other"].map(|name| [false, false, true].map(|gone| (name.to_string(), gone)));
    assert_eq!(seen, all.concat());
    std::fs::remove_dir(&directory).expect("removed");
    assert!(notes.read(|_, _| ()).is_err(), "there is nothing to be seen any more");
    drop(ear);
    assert!(!notes.wait(&end, Instant::now() + PATIENCE));
    assert!(Notes::of(&path).is_err());
}

/// A client of somebody else's.
struct Other {
    library: &'static Library,
    raw: *mut RawClient,
}

impl Other {
    /// None where there is no server.
    fn open(name: &str) -> Option<Self> {
        let library = library().ok()?;
        let name = CString::new(name).expect("no zero in it");
        // SAFETY: the name is terminated.
        let raw = unsafe { (library.client_open)(name.as_ptr(), NO_START_SERVER, std::ptr::null_mut()) };
        (!raw.is_null()).then_some(Self { library, raw })
    }

    fn activate(&self) {
        // SAFETY: the client is open.
        assert_eq!(unsafe { (self.library.activate)(self.raw) }, 0);
    }

    fn register(&self, name: &str, flags: c_int) -> *mut RawPort {
        let name = CString::new(name).expect("no zero in it");
        // SAFETY: the client is open, the names are terminated.
        let port = unsafe { (self.library.port_register)(self.raw, name.as_ptr(), AUDIO.as_ptr(), flags as _, 0) };
        assert!(!port.is_null());
        port
    }

    fn close(self) {
        // SAFETY: the client is open, and not used any more.
        unsafe {
            (self.library.deactivate)(self.raw);
            (self.library.client_close)(self.raw);
        }
    }
}

/// Whether such a client leaves signs.
fn leaves_signs(name: &str) -> bool {
    let files = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    files.into_iter().any(|file| {
        let file = file.file_name();
        file.to_str().is_some_and(|file| file.ends_with(name) && sign(file, false).is_some())
    })
}

/// The next event about this device: it as it comes, or nothing as it goes. None in time: none.
fn told(events: &Receiver<DeviceEvent>, name: &str, patience: Duration) -> Option<Option<DeviceInfo>> {
    let end = Instant::now() + patience;
    loop {
        match events.recv_timeout(end.saturating_duration_since(Instant::now())).ok()? {
            DeviceEvent::Added(device) if device.name == name => return Some(Some(device)),
            DeviceEvent::Removed(device) if device.name == name => return Some(None),
            // Servers are for other tests too.
            _ => {}
        }
    }
}

/// Nobody looks here without a sign: see [`LOOK`].
#[test]
fn clients_that_come_and_go_are_told_at_once_and_once() {
    let name = "passing";
    let Some(other) = Other::open(name) else {
        return println!("skipped: no JACK server");
    };
    let signs = leaves_signs(name);
    other.close();
    if !signs {
        return println!("skipped: not jackd's library");
    }
    let (sender, events) = mpsc::channel();
    let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
    let mut took = Vec::new();
    for turn in 0..TURNS {
        let other = Other::open(name).expect("the server takes clients");
        other.register("in", PORT_IS_INPUT);
        other.register("also in", PORT_IS_INPUT);
        other.register("out", PORT_IS_OUTPUT);
        let since = Instant::now();
        if turn % 2 == 0 {
            other.activate();
        }
        let device = told(&events, name, PATIENCE / 10).unwrap_or_else(|| {
            // On a busy machine the ports can come later than it is looked: the next one who comes has it seen.
            Other::open("another").expect("the server takes clients").close();
            told(&events, name, PATIENCE).expect("an event")
        });
        let device = device.expect("it comes");
        let listed = crate::devices().expect("a list");
        assert!(listed.iter().any(|other| (&other.id, other.index) == (&device.id, device.index)));
        took.push(since.elapsed());
        other.close();
        assert_eq!(told(&events, name, PATIENCE), Some(None), "it goes");
        assert!(!crate::devices().expect("a list").iter().any(|device| device.name == name));
    }
    drop(watcher);
    took.sort();
    println!("JACK: told after {:?}, at most {:?}", took[took.len() / 2], took[took.len() - 1]);
    // The thread ends, and with it what it tells to; nothing more has been told.
    assert_eq!(told(&events, name, PATIENCE), None);
    assert_eq!(events.recv().err(), Some(mpsc::RecvError));
}
