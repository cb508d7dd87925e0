//! All host APIs of this build, and who has which index.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::{DeviceInfo, Devices, HostApiInfo};
use crate::backend::{self, HostApi, HostListing, Listing};
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

/// Lists every host API, each on a thread of its own, since a server may never answer.
pub(super) fn list() -> Devices {
    compose(listings(hosts().iter().map(|_| true)))
}

/// What those of the host APIs have that are wanted; none for the others, and for those that do not answer.
pub(super) fn listings(wanted: impl Iterator<Item = bool>) -> Vec<Option<HostListing>> {
    static ASKED: OnceLock<Vec<Asked>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| hosts().iter().map(|_| Asked::default()).collect());
    let end = Instant::now() + LISTING;
    let wanted: Vec<bool> = wanted.collect();
    let mut questions: Vec<Option<Question<_>>> = hosts().iter().map(|_| None).collect();
    // Who takes longest begins: libraries are loaded one at a time.
    let mut order: Vec<usize> = (0..questions.len()).filter(|host| wanted[*host]).collect();
    order.sort_by_key(|host| hosts()[*host].listing());
    let mut lists: Vec<Option<HostListing>> = hosts().iter().map(|_| None).collect();
    for position in order {
        let host = hosts()[position].as_ref();
        match host.listing() {
            Listing::AtOnce => lists[position] = host.list().ok(),
            _ => questions[position] = asked[position].ask("device list", || host.list().ok()),
        }
    }
    for (list, question) in lists.iter_mut().zip(questions) {
        let Some(question) = question else { continue };
        *list = question.wait(end.saturating_duration_since(Instant::now())).flatten();
    }
    lists
}

/// The virtual host alone: no system is asked.
#[cfg(any(test, fuzzing))]
pub(crate) fn virtual_devices() -> Devices {
    let virtual_host = |host: &dyn HostApi| host.name() == backend::virtual_host::NAME;
    let list = |host: &dyn HostApi| if virtual_host(host) { host.list().ok() } else { Some(HostListing::default()) };
    compose(hosts().iter().map(|host| list(host.as_ref())).collect())
}

/// The list of what the host APIs have.
pub(super) fn compose(listings: Vec<Option<HostListing>>) -> Devices {
    let mut devices = Devices { infos: Vec::new(), located: Vec::new(), host_apis: Vec::new(), silent: Vec::new() };
    for (host, listing) in hosts().iter().zip(listings) {
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
            devices.located.push(Arc::new(Located { host: host.as_ref(), key: record.key }));
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
    static INDICES: OnceLock<Mutex<HashMap<String, usize>>> = OnceLock::new();
    let mut indices = INDICES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let next = indices.len();
    *indices.entry(id.to_string()).or_insert(next)
}
