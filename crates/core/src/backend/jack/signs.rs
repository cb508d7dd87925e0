//! What jackd's clients and servers leave in `/dev/shm` as they come and go: a semaphore's file each, `jack_sem.` followed by
//! the user, the server and the client.
//!
//! jackd tells only active clients of what changes, and everybody in its graph waits for each that becomes active: whoever
//! watches shall not be one of them. A file that comes or goes says that there is something to see, no more; what there is
//! says the client that looks around. Of ports that come or go while their client stays nothing is left there: for those, and
//! for libraries other than jackd's, there is a look once a second all the same.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::device::Poke;

const DIRECTORY: &std::ffi::CStr = c"/dev/shm";
/// What the files' names begin with, after what the C library may put before.
const PREFIX: &str = "jack_sem.";
const LIBRARYS: &str = "sem.";
/// The client that looks around, in this program or in another one: it has no ports.
const LISTER: &str = super::lister::NAME;
/// A client that each server has from its beginning to its end.
const SERVERS_OWN: &str = "_freewheel";

/// How often it is looked for what leaves no sign. Tests see what the signs do.
const LOOK: Duration = Duration::from_secs(if cfg!(test) { 3600 } else { 1 });
/// Signs come in swarms: it is looked once there has been none for so long, or after so long at most.
const QUIET: Duration = Duration::from_millis(20);
const UNQUIET: Duration = Duration::from_millis(100);
/// A client has its ports some milliseconds after its file, and a server that goes is given the time for it: it is looked
/// again so long after the last sign.
const AGAIN: Duration = Duration::from_millis(150);
/// What others do there wakes the thread too, but not more often than this.
const REST: Duration = Duration::from_millis(10);

/// When to look.
#[derive(Debug)]
struct Plan {
    regular: Instant,
    /// The first of a swarm of signs.
    first: Option<Instant>,
    soon: Option<Instant>,
    again: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Of a client, or of a server that comes.
    Client,
    /// A server ends. Until it has, it may not answer, and its clients should not be closed.
    Server,
}

impl Plan {
    fn new(now: Instant) -> Self {
        Self { regular: now + LOOK, first: None, soon: None, again: None }
    }

    fn see(&mut self, sign: Sign, now: Instant) {
        self.again = Some(now + AGAIN);
        match sign {
            Sign::Client => self.soon = Some((now + QUIET).min(*self.first.get_or_insert(now) + UNQUIET)),
            Sign::Server => (self.first, self.soon) = (None, None),
        }
    }

    /// When it is to be looked next, unless something comes first.
    fn next(&self) -> Instant {
        [self.soon, self.again].into_iter().flatten().fold(self.regular, Instant::min)
    }

    /// Whether it is to be looked now; said once.
    fn is_due(&mut self, now: Instant) -> bool {
        if now < self.next() {
            return false;
        }
        self.regular = now + LOOK;
        (self.first, self.soon) = (None, None);
        self.again = self.again.filter(|again| *again > now);
        true
    }
}

/// What a file's coming or going says.
fn sign(name: &str, gone: bool) -> Option<Sign> {
    let of = name.strip_prefix(LIBRARYS).unwrap_or(name).strip_prefix(PREFIX)?;
    if gone && of.ends_with(SERVERS_OWN) {
        return Some(Sign::Server);
    }
    (!of.contains(LISTER)).then_some(Sign::Client)
}

/// The kernel's notes of what happens in a directory.
struct Notes(File);

impl Notes {
    fn of(directory: &std::ffi::CStr) -> io::Result<Self> {
        // SAFETY: no pointers; what comes back is a descriptor of our own, or negative.
        let descriptor = unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else's.
        let notes = Self(unsafe { File::from_raw_fd(descriptor) });
        // A server that is killed deletes nothing, but lets go what it had open for writing.
        let what = libc::IN_CREATE | libc::IN_MOVED_TO | libc::IN_DELETE | libc::IN_CLOSE_WRITE | libc::IN_ONLYDIR;
        // SAFETY: the descriptor is open and the path terminated.
        if unsafe { libc::inotify_add_watch(descriptor, directory.as_ptr(), what) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(notes)
    }

    /// Hands on the names in the notes that there are, and whether each has been deleted.
    fn read(&mut self, mut each: impl FnMut(&str, bool)) -> io::Result<()> {
        const HEAD: usize = size_of::<libc::inotify_event>();
        let mut buffer = [0; 8192];
        loop {
            let count = match self.0.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut notes = &buffer[..count];
            while notes.len() >= HEAD {
                let word = |at: usize| u32::from_ne_bytes([notes[at], notes[at + 1], notes[at + 2], notes[at + 3]]);
                let (mask, length) = (word(4), word(12) as usize);
                let end = (HEAD + length).min(notes.len());
                if mask & libc::IN_IGNORED != 0 {
                    // The directory is gone.
                    return Err(io::ErrorKind::NotFound.into());
                }
                let name = notes[HEAD..end].split(|byte| *byte == 0).next().unwrap_or_default();
                if mask & libc::IN_Q_OVERFLOW != 0 {
                    each(PREFIX, false);
                } else if let Ok(name) = std::str::from_utf8(name) {
                    each(name, mask & libc::IN_DELETE != 0);
                }
                notes = &notes[end..];
            }
        }
    }

    /// Waits for notes until then. False where the other side of `end` has been closed.
    fn wait(&self, end: &UnixStream, until: Instant) -> bool {
        let entry = |descriptor| libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
        let mut entries = [entry(self.0.as_raw_fd()), entry(end.as_raw_fd())];
        // Rounded up: it would not be due yet.
        let patience = until.saturating_duration_since(Instant::now()).as_millis() + 1;
        // SAFETY: two entries of ours, whose descriptors are open.
        unsafe { libc::poll(entries.as_mut_ptr(), 2, patience.try_into().unwrap_or(i32::MAX)) };
        entries[1].revents == 0
    }
}

/// Pokes at once, after signs, and once a second, until what this returns is dropped. None where there is nothing to see.
pub(super) fn watch(poke: &Poke) -> Option<Box<dyn Send>> {
    let mut notes = Notes::of(DIRECTORY).ok()?;
    let (ear, end) = UnixStream::pair().ok()?;
    poke.poke();
    let poke = poke.clone();
    let body = move || {
        let mut plan = Plan::new(Instant::now());
        while notes.wait(&end, plan.next()) {
            let see = |name: &str, gone| {
                if let Some(sign) = sign(name, gone) {
                    plan.see(sign, Instant::now());
                }
            };
            if notes.read(see).is_err() {
                return poke.deafen();
            }
            if plan.is_due(Instant::now()) {
                poke.poke();
            } else {
                thread::sleep(REST);
            }
        }
    };
    thread::Builder::new().name("jack watch".into()).spawn(body).ok()?;
    Some(Box::new(ear))
}

#[cfg(test)]
mod test;
