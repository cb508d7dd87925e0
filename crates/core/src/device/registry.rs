//! All host APIs of this build, and who has which index.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::{DeviceInfo, DeviceSpecifier, Devices, HostApiInfo};
use crate::backend::choice::{Choice, choice};
use crate::backend::{self, HostApi, HostListing, Listing, virtual_host};
use crate::error::{Error, ErrorKind, Result};
use crate::patience::{Asked, Question};

/// How long a host API may take to open or start before it is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Where a device is: its host API and its name there.
pub(crate) struct Located {
    pub host: &'static dyn HostApi,
    pub key: String,
}

impl std::fmt::Debug for Located {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host.name(), self.key)
    }
}

/// All host APIs, in the order in which they are asked for defaults.
pub(crate) fn hosts() -> &'static [Box<dyn HostApi>] {
    static HOSTS: OnceLock<Vec<Box<dyn HostApi>>> = OnceLock::new();
    HOSTS.get_or_init(backend::hosts)
}

/// How long a host API may take to list its devices before it is left out.
const LISTING: Duration = Duration::from_secs(1);

/// How long it may take where somebody needs what it has; and PortAudio, which opens all devices to see them.
const LISTING_ALL: Duration = Duration::from_millis(4500);

/// What host APIs of PortAudio's have.
type Listed = Vec<(&'static dyn HostApi, HostListing)>;
/// Nothing where it has not answered; the error where it cannot be had.
pub(super) type Portaudios = Option<Result<Listed>>;

/// Whether anybody can know where its host APIs stand in the list.
pub(super) fn portaudio_was_listed() -> bool {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Who asks for the devices, as far as PortAudio is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    /// All that is named is known not to be PortAudio's.
    Others,
    Any,
    /// One of PortAudio's is named.
    PortAudios,
}

/// What PortAudio had when it was looked at last.
static LAST: Mutex<Option<Listed>> = Mutex::new(None);

/// Lists every host API, each on a thread of its own, since a server may never answer; those of PortAudio only if they are
/// wanted, or chosen.
pub(super) fn list(wanted: Wanted) -> Result<Devices> {
    list_until(wanted, |_| true)
}

/// The same; those that are late are waited for until what there is is enough.
pub(super) fn list_until(wanted: Wanted, enough: impl Fn(&Devices) -> bool) -> Result<Devices> {
    let choice = choice()?;
    let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let portaudios = match (choice, wanted) {
        (Choice::Cpal, _) | (Choice::Named, Wanted::Others | Wanted::Any) => Some(Ok(Vec::new())),
        // It takes its time, and is listed only so that positions in the list stay the same.
        (Choice::PortAudio | Choice::All, Wanted::Others) => last().map(Ok),
        _ => None,
    };
    let second = portaudios.is_none().then(Second::ask);
    let mut asking = Asking::begin(hosts().iter().map(|host| chosen(choice, host.as_ref())));
    let late = asking.listen(LISTING);
    let portaudios = match second {
        Some(second) => second.answer(),
        None => portaudios,
    };
    let devices = compose(choice, asking.lists.clone(), portaudios.clone());
    if !late || enough(&devices) {
        asking.give_up();
        return Ok(devices);
    }
    asking.insist(LISTING_ALL);
    asking.give_up();
    Ok(compose(choice, asking.lists, portaudios))
}

/// PortAudio while it is asked.
pub(super) struct Second {
    question: Option<Question<Result<Listed>>>,
    end: Instant,
}

impl Second {
    pub(super) fn ask() -> Self {
        static ASKED: OnceLock<Asked> = OnceLock::new();
        let question = ASKED.get_or_init(Asked::default).ask("device list", backend::portaudio::list);
        Self { question, end: Instant::now() + LISTING_ALL }
    }

    pub(super) fn answer(self) -> Portaudios {
        let left = self.end.saturating_duration_since(Instant::now());
        let answer = self.question.and_then(|question| question.wait(left));
        if let Some(Ok(listed)) = &answer {
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed.clone());
        }
        answer.filter(|answer| !answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut))
    }
}

/// Whether one of our host APIs is listed at all.
pub(super) fn chosen(choice: Choice, host: &dyn HostApi) -> bool {
    choice != Choice::PortAudio || host.name() == virtual_host::NAME
}

/// What those of our host APIs have that are wanted; nothing for those that do not answer.
pub(super) fn listings(wanted: impl Iterator<Item = bool>) -> Vec<Option<HostListing>> {
    let mut asking = Asking::begin(wanted);
    asking.listen(LISTING);
    asking.give_up();
    asking.lists
}

/// Our host APIs while they are asked.
struct Asking {
    begun: Instant,
    lists: Vec<Option<HostListing>>,
    questions: Vec<Option<Question<Option<HostListing>>>>,
    /// Those that still owe somebody an answer.
    busy: Vec<usize>,
}

/// Whom to ask, a host API each.
fn asked(host: usize) -> &'static Asked {
    static ASKED: OnceLock<Vec<Asked>> = OnceLock::new();
    &ASKED.get_or_init(|| hosts().iter().map(|_| Asked::default()).collect())[host]
}

fn ask(position: usize) -> Option<Question<Option<HostListing>>> {
    asked(position).ask("device list", move || hosts()[position].list().ok())
}

impl Asking {
    fn begin(wanted: impl Iterator<Item = bool>) -> Self {
        let mut asking = Self {
            begun: Instant::now(),
            lists: hosts().iter().map(|_| None).collect(),
            questions: hosts().iter().map(|_| None).collect(),
            busy: Vec::new(),
        };
        // Who takes longest begins: libraries are loaded one at a time.
        let mut order: Vec<(usize, bool)> = wanted.enumerate().collect();
        order.sort_by_key(|(host, _)| hosts()[*host].listing());
        for (position, wanted) in order {
            let host = hosts()[position].as_ref();
            match host.listing() {
                _ if !wanted => asking.lists[position] = Some(HostListing::default()),
                Listing::AtOnce => asking.lists[position] = host.list().ok(),
                _ => match ask(position) {
                    Some(question) => asking.questions[position] = Some(question),
                    None => asking.busy.push(position),
                },
            }
        }
        asking
    }

    /// Takes what comes within that time of the beginning; whether something is still to come.
    fn listen(&mut self, patience: Duration) -> bool {
        let end = self.begun + patience;
        for (list, asked) in self.lists.iter_mut().zip(&mut self.questions) {
            let Some(question) = asked else { continue };
            if let Some(answer) = question.listen(end.saturating_duration_since(Instant::now())) {
                *list = answer;
                *asked = None;
            }
        }
        self.questions.iter().any(Option::is_some) || !self.busy.is_empty()
    }

    /// The same for a caller who needs it: those that are busy are asked as soon as they are not.
    fn insist(&mut self, patience: Duration) {
        for position in std::mem::take(&mut self.busy) {
            if asked(position).settled(patience) {
                self.questions[position] = ask(position);
            }
        }
        self.listen(patience);
    }

    /// Waits no longer: whoever has not answered is not asked again before it has.
    fn give_up(&mut self) {
        for (list, asked) in self.lists.iter_mut().zip(&mut self.questions) {
            if let Some(question) = asked.take() {
                *list = question.wait(Duration::ZERO).flatten();
            }
        }
    }
}

/// The virtual host alone: no system is asked.
#[cfg(any(test, fuzzing))]
pub(crate) fn virtual_devices() -> Devices {
    let virtual_host = |host: &dyn HostApi| host.name() == virtual_host::NAME;
    let list = |host: &dyn HostApi| if virtual_host(host) { host.list().ok() } else { Some(HostListing::default()) };
    compose(Choice::Named, hosts().iter().map(|host| list(host.as_ref())).collect(), Some(Ok(Vec::new())))
}

/// Whose device an index or a text can be.
pub(super) fn wanted(specifier: &DeviceSpecifier) -> Wanted {
    let indices = indices();
    let known = match specifier {
        DeviceSpecifier::Index(index) => {
            let index = usize::try_from(*index).ok();
            indices.iter().find(|(_, known)| Some(**known) == index).map(|(id, _)| id.as_str())
        }
        DeviceSpecifier::Text(text) if text.to_lowercase().contains(PORTAUDIO) => return Wanted::PortAudios,
        DeviceSpecifier::Text(text) if text.starts_with(VIRTUAL) => return Wanted::Others,
        DeviceSpecifier::Text(text) => indices.get_key_value(text.as_str()).map(|(id, _)| id.as_str()),
    };
    match known {
        Some(id) if id.contains(PORTAUDIO) => Wanted::PortAudios,
        Some(_) => Wanted::Others,
        None => Wanted::Any,
    }
}

impl Devices {
    /// Why nobody knows whether there is such a device, or a default one: it would be PortAudio's, which cannot be had.
    pub(super) fn refusal(&self, specifier: Option<&DeviceSpecifier>) -> Option<Error> {
        let named = || specifier.is_some_and(|specifier| wanted(specifier) == Wanted::PortAudios);
        self.missing.clone().filter(|_| self.silent.contains(&SECOND) || named())
    }
}

/// What is silent where PortAudio is.
const SECOND: &str = "PortAudio";
/// In the name of each of its host APIs, and in the ids of their devices.
const PORTAUDIO: &str = "portaudio";
/// What ids of virtual devices begin with.
const VIRTUAL: &str = "virtual:";

/// The list of what our host APIs have and of what PortAudio's have. Where these are chosen, the virtual host is the last one;
/// else they stand behind all of ours, whose positions are the same whether PortAudio is looked at or not. Where it cannot be
/// had, the others are as they are without it, and it is silent only where it is the only one.
pub(super) fn compose(choice: Choice, ours: Vec<Option<HostListing>>, portaudios: Portaudios) -> Devices {
    let mut devices = Devices {
        infos: Vec::new(),
        located: Vec::new(),
        host_apis: Vec::new(),
        silent: Vec::new(),
        known: 0,
        missing: None,
    };
    let ours = hosts().iter().map(AsRef::as_ref).zip(ours);
    let (last, real): (Vec<_>, Vec<_>) = ours.partition(|(host, _)| host.name() == virtual_host::NAME);
    let named = |(host, listing): (&'static dyn HostApi, Option<HostListing>)| {
        (host.name(), listing.map(|listing| (host, listing)))
    };
    let portaudios: Vec<_> = match portaudios {
        None => vec![(SECOND, None)],
        Some(Ok(listed)) => listed.into_iter().map(|(host, listing)| named((host, Some(listing)))).collect(),
        Some(Err(error)) => {
            devices.missing = Some(error);
            if choice == Choice::PortAudio { vec![(SECOND, None)] } else { Vec::new() }
        }
    };
    let last: Vec<_> = last.into_iter().map(named).collect();
    let is_chosen = matches!(choice, Choice::PortAudio | Choice::All);
    let (second, third) = if is_chosen { (portaudios, last) } else { (last, portaudios) };
    for (name, listing) in real.into_iter().map(named).chain(second).chain(third) {
        let Some((host, listing)) = listing else {
            devices.silent.push(name);
            continue;
        };
        if listing.devices.is_empty() {
            continue;
        }
        let host_api = devices.host_apis.len();
        devices.known += usize::from(devices.silent.is_empty());
        let first = devices.infos.len();
        for record in listing.devices {
            let id = format!("{}:{}", slug(host.name()), record.key);
            devices.infos.push(DeviceInfo {
                index: index_of(&id),
                id,
                name: record.name,
                host_api,
                host_api_name: host.name(),
                max_input_channels: record.max_input_channels,
                max_output_channels: record.max_output_channels,
                default_low_input_latency: record.low_input_latency,
                default_low_output_latency: record.low_output_latency,
                default_high_input_latency: record.high_input_latency,
                default_high_output_latency: record.high_output_latency,
                default_sample_rate: record.default_sample_rate,
                is_loopback: record.is_loopback,
            });
            devices.located.push(Arc::new(Located { host, key: record.key }));
        }
        let index = |position: Option<usize>| position.map(|position| devices.infos[first + position].index);
        devices.host_apis.push(HostApiInfo {
            index: host_api,
            name: host.name(),
            devices: devices.infos[first..].iter().map(|device| device.index).collect(),
            default_input: index(listing.default_input),
            default_output: index(listing.default_output),
        });
    }
    devices
}

/// `"Windows WASAPI"` → `"windows-wasapi"`.
fn slug(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| *c != '(' && *c != ')').map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The index of an id: the one it was given when it was first seen.
fn index_of(id: &str) -> usize {
    let mut indices = indices();
    let next = indices.len();
    *indices.entry(id.to_string()).or_insert(next)
}

fn indices() -> MutexGuard<'static, HashMap<String, usize>> {
    static INDICES: OnceLock<Mutex<HashMap<String, usize>>> = OnceLock::new();
    INDICES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}
