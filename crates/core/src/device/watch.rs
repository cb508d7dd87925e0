//! Devices that come and go.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::registry::{Portaudios, Second, chosen, compose, hosts, listings};
use super::{DeviceInfo, Devices, Kind};
use crate::backend::choice::{Choice, choice};
use crate::backend::{HostListing, virtual_host};
use crate::error::{Error, ErrorKind, Result};

/// How often host APIs are looked at that do not tell, and those whose server was not there.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often PortAudio is looked at where it is chosen and nothing else has changed: it opens all devices for that.
const LONG_INTERVAL: Duration = Duration::from_secs(10);

/// How soon it is looked at where something has: what changes in the meantime is seen by the same look.
const SOON: Duration = Duration::from_millis(100);

/// What happened to the list of devices.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DeviceEvent {
    /// A device is there that was not.
    Added(DeviceInfo),
    /// A device is not there any more.
    Removed(DeviceInfo),
    /// Another device is the default one of a direction, or none is.
    DefaultChanged {
        /// The direction.
        kind: Kind,
        /// The default device from now on.
        device: Option<DeviceInfo>,
    },
}

/// Watches until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the watching"]
pub struct DeviceWatcher(Arc<Shared>);

/// What a host API is given to tell of its changes; callable from any thread, also often.
#[derive(Debug, Clone)]
pub(crate) struct Poke {
    shared: Arc<Shared>,
    /// Its position among the host APIs.
    host: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What host APIs have said that they have, in order.
    said: VecDeque<(usize, HostListing)>,
    /// The host APIs to look at.
    poked: BTreeSet<usize>,
    /// Those that tell no longer.
    deaf: BTreeSet<usize>,
    /// Another backend has been chosen.
    rechosen: bool,
    closed: bool,
}

impl Poke {
    /// Something has changed.
    pub(crate) fn poke(&self) {
        self.shared.state().poked.insert(self.host);
        self.shared.changed.notify_all();
    }

    /// This is what there is now: for those that can say so at the moment of each change, so that none stays unseen.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only PulseAudio tells this much"))]
    pub(crate) fn say(&self, listing: HostListing) {
        self.shared.state().said.push_back((self.host, listing));
        self.shared.changed.notify_all();
    }

    /// The telling has ended: somebody has to ask for it anew.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "of those that tell, only PulseAudio ends it"))]
    pub(crate) fn deafen(&self) {
        self.shared.state().deaf.insert(self.host);
        self.poke();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has all looked at where a server has come or gone: another host API may lead to it too, as ALSA's plugins do.
    fn look_around(&self, served: &[bool], known: &Known) {
        if known.served() != served {
            self.state().poked.extend(0..served.len());
        }
    }

    /// Waits for news, or until then. None when it is over.
    fn wait(&self, until: Option<Instant>) -> Option<State> {
        let quiet =
            |state: &mut State| state.poked.is_empty() && state.said.is_empty() && !state.rechosen && !state.closed;
        let mut state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(patience) => {
                let waited = self.changed.wait_timeout_while(self.state(), patience, quiet);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait_while(self.state(), quiet).unwrap_or_else(PoisonError::into_inner),
        };
        (!state.closed).then(|| std::mem::take(&mut *state))
    }
}

/// Watches the list of devices and the default ones. `tell` is called on a thread of the watcher's own, once for each
/// event, in order; the list that [`crate::devices`] returns then agrees with the event, or is newer. What comes and goes again
/// within some milliseconds may stay unseen.
///
/// PulseAudio, WASAPI and Core Audio tell of changes; that servers and clients of JACK come and go is seen on Linux by what
/// jackd's leave in `/dev/shm`. Elsewhere, for a PulseAudio server to come, and for ports of JACK that come and go while their
/// client stays, there is a cheap look once a second. Devices of PortAudio's are watched where that is among the chosen
/// backends and while no stream is open on it: they are looked at a tenth of a second after those of other host APIs have
/// changed, listed or not, and every ten seconds. Another choice of backends is told as a change of the list.
///
/// # Errors
/// `Host` where the system has no thread for it.
///
/// ```no_run
/// let watcher = sounddevice::watch_devices(|event| println!("{event:?}"))?;
/// std::thread::sleep(std::time::Duration::from_secs(60));
/// drop(watcher);
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn watch_devices(tell: impl FnMut(DeviceEvent) + Send + 'static) -> Result<DeviceWatcher> {
    let shared = Arc::new(Shared::default());
    let mut watching = WATCHING.lock().unwrap_or_else(PoisonError::into_inner);
    watching.retain(|other| other.strong_count() > 0);
    watching.push(Arc::downgrade(&shared));
    drop(watching);
    // Whatever happens from now on is told.
    let known = Known::now();
    let watched = Arc::clone(&shared);
    thread::Builder::new()
        .name("device watch".into())
        .spawn(move || watch(&watched, known, tell))
        .map_err(|error| Error::new(ErrorKind::Host, format!("No thread for the watcher: {error}")))?;
    Ok(DeviceWatcher(shared))
}

impl Drop for DeviceWatcher {
    /// No event comes after it, but for one that is being told.
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }
}

/// All that watch.
static WATCHING: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Has all who watch see what another choice of backends means.
pub(crate) fn rechosen() {
    let watching = WATCHING.lock().unwrap_or_else(PoisonError::into_inner);
    for shared in watching.iter().filter_map(Weak::upgrade) {
        shared.state().rechosen = true;
        shared.changed.notify_all();
    }
}

/// What host APIs have said last.
struct Known {
    choice: Choice,
    /// All of ours: where only PortAudio is chosen, their changes say when to look at that.
    ours: Vec<Option<HostListing>>,
    portaudios: Portaudios,
}

impl Known {
    fn now() -> Self {
        // In this order: what changes while PortAudio is looking is a change of ours from now on.
        let ours = listings(hosts().iter().map(|_| true));
        let mut known = Self { choice: Choice::Named, ours, portaudios: None };
        known.look_at_second();
        known
    }

    /// Looks at PortAudio, where it is chosen now.
    fn look_at_second(&mut self) {
        self.choice = choice().unwrap_or(Choice::Named);
        self.portaudios = if self.has_second() { Second::ask().answer() } else { Some(Ok(Vec::new())) };
    }

    fn has_second(&self) -> bool {
        matches!(self.choice, Choice::PortAudio | Choice::All)
    }

    /// Takes what one of ours has now; whether that is a sign for PortAudio.
    fn take(&mut self, host: usize, listing: Option<HostListing>) -> bool {
        let changed = hosts()[host].name() != virtual_host::NAME && outline(&self.ours[host]) != outline(&listing);
        self.ours[host] = listing;
        changed
    }

    fn devices(&self) -> Devices {
        let listed = |(host, listing): (usize, &Option<HostListing>)| {
            if chosen(self.choice, hosts()[host].as_ref()) { listing.clone() } else { Some(HostListing::default()) }
        };
        compose(self.choice, self.ours.iter().enumerate().map(listed).collect(), self.portaudios.clone())
    }

    /// Which of ours have devices.
    fn served(&self) -> Vec<bool> {
        self.ours.iter().map(has_devices).collect()
    }
}

fn has_devices(listing: &Option<HostListing>) -> bool {
    listing.as_ref().is_some_and(|listing| !listing.devices.is_empty())
}

/// Which devices there are, and which are the default ones; latencies change by themselves.
fn outline(listing: &Option<HostListing>) -> Option<(Vec<&str>, [Option<usize>; 2])> {
    let listing = listing.as_ref()?;
    let keys = listing.devices.iter().map(|device| device.key.as_str()).collect();
    Some((keys, [listing.default_input, listing.default_output]))
}

fn watch(shared: &Arc<Shared>, mut known: Known, mut tell: impl FnMut(DeviceEvent)) {
    let listen = |host: usize| {
        let poke = Poke { shared: Arc::clone(shared), host };
        hosts()[host].watch(&poke)
    };
    let mut ears: Vec<_> = (0..hosts().len()).map(listen).collect();
    // Those that told once and may do so again when they have devices.
    let mut lost = vec![false; ears.len()];
    let mut before = known.devices();
    let mut compare = |known: &Known| {
        let now = known.devices();
        for event in changes(&before, &now) {
            if !shared.state().closed {
                tell(event);
            }
        }
        before = now;
    };
    let mut look = Instant::now() + INTERVAL;
    let mut second_look = known.has_second().then(|| Instant::now() + LONG_INTERVAL);
    loop {
        // Where all tell, there is nothing to look for.
        let next_look = ears.iter().any(Option::is_none).then_some(look);
        let news = shared.wait(next_look.into_iter().chain(second_look).min());
        let Some(State { said, poked, deaf, rechosen, .. }) = news else { return };
        for host in deaf {
            ears[host] = None;
            lost[host] = true;
        }
        let served = known.served();
        let mut changed = false;
        for (host, listing) in said {
            changed |= known.take(host, Some(listing));
            compare(&known);
        }
        // Those that have called for it, and from time to time those that never do.
        let (silent, looks) = (Instant::now() >= look, ears.iter().map(Option::is_none));
        let looked: Vec<bool> = looks.enumerate().map(|(host, deaf)| poked.contains(&host) || silent && deaf).collect();
        if silent {
            look = Instant::now() + INTERVAL;
        }
        if looked.contains(&true) {
            let found = listings(looked.iter().copied());
            for (host, listing) in found.into_iter().enumerate().filter(|(host, _)| looked[*host]) {
                // A server has come: it may tell from now on.
                if ears[host].is_none() && (listing != known.ours[host] || lost[host] && has_devices(&listing)) {
                    ears[host] = listen(host);
                    lost[host] = false;
                }
                changed |= known.take(host, listing);
            }
            compare(&known);
        }
        shared.look_around(&served, &known);
        if changed {
            second_look = second_look.map(|time| time.min(Instant::now() + SOON));
        }
        // Last of all: it takes its time.
        if rechosen || second_look.is_some_and(|time| Instant::now() >= time) {
            known.look_at_second();
            compare(&known);
            second_look = known.has_second().then(|| Instant::now() + LONG_INTERVAL);
        }
    }
}

/// Removed ones first, then added ones, then what that means for the defaults.
fn changes(before: &Devices, now: &Devices) -> Vec<DeviceEvent> {
    let has = |list: &Devices, id: &str| list.iter().any(|device| device.id == id);
    let removed = before.iter().filter(|device| !has(now, &device.id)).cloned().map(DeviceEvent::Removed);
    let added = now.iter().filter(|device| !has(before, &device.id)).cloned().map(DeviceEvent::Added);
    let defaults = [Kind::Input, Kind::Output].into_iter().filter_map(|kind| {
        let (old, new) = (before.default_device(kind), now.default_device(kind));
        let same = old.map(|device| &device.id) == new.map(|device| &device.id);
        (!same).then(|| DeviceEvent::DefaultChanged { kind, device: new.cloned() })
    });
    removed.chain(added).chain(defaults).collect()
}
