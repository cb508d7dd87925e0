//! All host APIs of this build, and who has which index.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::{DeviceInfo, Devices, HostApiInfo};
use crate::backend::choice::{Choice, choice};
use crate::backend::{self, HostApi, HostListing, virtual_host};
use crate::error::Result;
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

/// How long PortAudio may take, which opens all devices to see them.
const LISTING_ALL: Duration = Duration::from_millis(4500);

/// Lists every host API, each on a thread of its own, since a server may never answer; those of PortAudio only if they are
/// wanted.
pub(super) fn list(portaudio: bool) -> Result<Devices> {
    let choice = choice()?;
    let portaudio = match choice {
        Choice::Both => portaudio,
        Choice::Cpal => false,
        Choice::PortAudio => true,
    };
    static PORTAUDIO: OnceLock<Asked> = OnceLock::new();
    let began = Instant::now();
    let second = portaudio.then(|| PORTAUDIO.get_or_init(Asked::default).ask("device list", backend::portaudio::list));
    let mut listings = if choice == Choice::PortAudio { Vec::new() } else { ours() };
    let mut silent = Vec::new();
    if let Some(second) = second {
        let left = LISTING_ALL.saturating_sub(began.elapsed());
        match second.and_then(|question| question.wait(left)) {
            Some(listed) => listings.extend(listed?.into_iter().map(|(host, listing)| (host, Some(listing)))),
            None => silent.push("PortAudio"),
        }
    }
    let virtual_host = hosts().iter().map(AsRef::as_ref).filter(|host| host.name() == virtual_host::NAME);
    listings.extend(virtual_host.map(|host| (host, host.list().ok())));
    Ok(compose(listings, silent))
}

/// Whether an index belongs to a device of PortAudio's.
pub(super) fn is_portaudios(index: usize) -> bool {
    let indices = indices();
    indices.iter().any(|(id, known)| *known == index && names_portaudio(id))
}

/// Whether a text can only mean devices of PortAudio's: it names their host API, or one of their ids.
pub(super) fn names_portaudio(text: &str) -> bool {
    text.to_lowercase().contains("portaudio")
}

type Listing = (&'static dyn HostApi, Option<HostListing>);

/// All of ours but the virtual host.
fn ours() -> Vec<Listing> {
    static ASKED: OnceLock<Vec<Asked>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| hosts().iter().map(|_| Asked::default()).collect());
    let end = Instant::now() + LISTING;
    let real = hosts().iter().map(AsRef::as_ref).zip(asked).filter(|(host, _)| host.name() != virtual_host::NAME);
    let ask = |(host, asked): (&'static dyn HostApi, &Asked)| (host, asked.ask("device list", || host.list().ok()));
    let questions: Vec<_> = real.map(ask).collect();
    let answer =
        |question: Option<Question<_>>| question?.wait(end.saturating_duration_since(Instant::now())).flatten();
    questions.into_iter().map(|(host, question)| (host, answer(question))).collect()
}

fn compose(listings: Vec<Listing>, silent: Vec<&'static str>) -> Devices {
    let mut devices = Devices { infos: Vec::new(), located: Vec::new(), host_apis: Vec::new(), silent };
    for (host, listing) in listings {
        let Some(listing) = listing else {
            devices.silent.push(host.name());
            continue;
        };
        if listing.devices.is_empty() {
            continue;
        }
        let host_api = devices.host_apis.len();
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
