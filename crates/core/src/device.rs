//! Devices as users see them: one list over all host APIs, with indices that stay, ids that outlive the process, and
//! ways to find one.

mod card;
mod find;
mod registry;
mod table;
mod watch;

use std::sync::Arc;

pub use find::{DeviceSpecifier, Kind};
#[cfg(any(test, fuzzing))]
pub(crate) use registry::virtual_devices;
pub(crate) use registry::{Located, PATIENCE};
pub use watch::{DeviceEvent, DeviceWatcher, watch_devices};
pub(crate) use watch::{Poke, rechosen};

use crate::error::{Error, ErrorKind, Result};

/// What is known of a device. Latencies are in seconds, the sample rate in Hertz.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// Stays with the device while the process lives and is never given to another one.
    pub index: usize,
    /// The same across runs and re-plugging, such as `"alsa:pulse"`.
    pub id: String,
    /// As the system calls it; not unique.
    pub name: String,
    /// Position of its host API in [`Devices::host_apis`].
    pub host_api: usize,
    /// Such as `"ALSA"`.
    pub host_api_name: &'static str,
    /// 0 where it has no input.
    pub max_input_channels: u16,
    /// 0 where it has no output.
    pub max_output_channels: u16,
    /// What `Latency::Low` asks for on the input.
    pub default_low_input_latency: f64,
    /// What `Latency::Low` asks for on the output.
    pub default_low_output_latency: f64,
    /// What `Latency::High` asks for on the input.
    pub default_high_input_latency: f64,
    /// What `Latency::High` asks for on the output.
    pub default_high_output_latency: f64,
    /// The rate it is opened with where none is given.
    pub default_sample_rate: f64,
    /// Whether it records what an output plays.
    pub is_loopback: bool,
}

impl DeviceInfo {
    /// Its channels in one direction.
    pub fn max_channels(&self, kind: Kind) -> u16 {
        match kind {
            Kind::Input => self.max_input_channels,
            Kind::Output => self.max_output_channels,
        }
    }
}

/// A host API that has devices now.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HostApiInfo {
    /// Its position in [`Devices::host_apis`].
    pub index: usize,
    /// Such as `"ALSA"`.
    pub name: &'static str,
    /// Indices of its devices.
    pub devices: Vec<usize>,
    /// Index of its default input, if it has one.
    pub default_input: Option<usize>,
    /// Index of its default output, if it has one.
    pub default_output: Option<usize>,
}

/// The devices of one moment. Prints as a table: `>` default input, `<` default output, `*` both.
#[derive(Debug, Clone)]
pub struct Devices {
    pub(crate) infos: Vec<DeviceInfo>,
    pub(crate) located: Vec<Arc<Located>>,
    pub(crate) host_apis: Vec<HostApiInfo>,
    /// Names of the host APIs that did not answer.
    pub(crate) silent: Vec<&'static str>,
    /// How many of the host APIs stand before the first silent one: the default is among these, or nobody knows it.
    pub(crate) known: usize,
    /// Why PortAudio's are not among them, where they were asked for.
    pub(crate) missing: Option<Error>,
}

/// Asks all host APIs for the devices of now. A host API that does not answer within a second is left out.
///
/// The environment variable `SOUNDDEVICE_BACKEND`, or [`choose_backend`](crate::choose_backend), chooses whose: those of
/// `cpal`, which means all but PortAudio's, those of `portaudio` alone, or `all`. Without it PortAudio's are looked at only
/// where one is named: see [`devices_for`].
///
/// Where PortAudio's are listed among others and its library is not there, the list is that of the others.
///
/// # Errors
/// `InvalidArgValue` for another value of the variable; `NoLibrary` where PortAudio alone is chosen and is not there.
///
/// ```
/// let devices = sounddevice::devices()?;
/// println!("{devices}");
/// assert!(devices.iter().any(|device| device.name == "Virtual Loopback"));
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn devices() -> Result<Devices> {
    let devices = registry::list(registry::Wanted::Any)?;
    devices.refusal(None).map_or(Ok(devices), Err)
}

/// The same, with PortAudio's host APIs, such as "ALSA (PortAudio)", if one of these specifiers names one, is the id of one
/// of their devices, or the index of one that has been listed before. A host API that may have what is wanted, or the
/// default where that is, is waited for up to five seconds. Looking at them takes PortAudio a tenth of a second or
/// more, for it opens all devices.
///
/// # Errors
/// `InvalidArgValue` as [`devices`]; `NoLibrary` where what is specified is PortAudio's, which is not there, or where only that
/// is chosen and there is no such virtual device.
///
/// ```
/// let wanted = "Virtual Loopback".into();
/// assert!(sounddevice::devices_for([Some(&wanted), None])?.find(&wanted, None).is_ok());
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn devices_for<'a>(wanted: impl IntoIterator<Item = Option<&'a DeviceSpecifier>>) -> Result<Devices> {
    let wanted: Vec<_> = wanted.into_iter().collect();
    let portaudio = wanted.iter().map(|specifier| specifier.map_or(registry::Wanted::Any, registry::wanted));
    let devices = registry::list_until(portaudio.max().unwrap_or(registry::Wanted::Any), |devices| {
        wanted.iter().all(|specifier| match specifier {
            Some(specifier) => !devices.find(specifier, None).is_err_and(|error| error.kind() == ErrorKind::TimedOut),
            None => {
                let has = |kind| devices.default_device(kind).is_some();
                devices.known == devices.host_apis.len() || (has(Kind::Input) && has(Kind::Output))
            }
        })
    })?;
    let missing = |error: &Error| devices.missing.as_ref() == Some(error);
    let refused = |specifier| devices.find(specifier, None).err().filter(missing);
    wanted.into_iter().flatten().find_map(refused).map_or(Ok(devices), Err)
}

/// The host API of an index: its position in the list that [`devices`] returns, or in that of a device of PortAudio's that
/// has been found where PortAudio is not chosen.
///
/// # Errors
/// As [`devices`]; `NoSuchHostApi`; `TimedOut` where one did not answer that may have this position.
///
/// ```
/// let first = sounddevice::host_api(0)?;
/// assert_eq!(sounddevice::devices()?.host_apis()[0].name, first.name);
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn host_api(index: i64) -> Result<HostApiInfo> {
    // Signed, so that what was typed can be repeated.
    let position = usize::try_from(index).unwrap_or(usize::MAX);
    let mut devices = devices()?;
    if position >= devices.host_apis.len() && registry::portaudio_was_listed() {
        devices = registry::list(registry::Wanted::PortAudios)?;
    }
    let message = || format!("Error querying host API {index}");
    devices.host_apis.get(position).cloned().ok_or_else(|| match devices.silent[..] {
        [] => Error::new(ErrorKind::NoSuchHostApi, message()),
        _ => devices.unanswered(&message()),
    })
}

impl Devices {
    /// The devices, in the order of their host APIs.
    pub fn iter(&self) -> std::slice::Iter<'_, DeviceInfo> {
        self.infos.iter()
    }

    /// The host APIs that have devices, the default one first.
    pub fn host_apis(&self) -> &[HostApiInfo] {
        &self.host_apis
    }

    /// The device of an index.
    pub fn get(&self, index: usize) -> Option<&DeviceInfo> {
        self.infos.iter().find(|device| device.index == index)
    }

    /// The default device of a direction: that of the first host API that has one. The virtual host counts only where
    /// there is no other. None where a host API that comes before all that have one did not answer.
    pub fn default_device(&self, kind: Kind) -> Option<&DeviceInfo> {
        let virtual_only = self.host_apis.iter().all(|host| host.name == crate::backend::virtual_host::NAME);
        self.host_apis[..self.known]
            .iter()
            .filter(|host| virtual_only || host.name != crate::backend::virtual_host::NAME)
            .find_map(|host| match kind {
                Kind::Input => host.default_input,
                Kind::Output => host.default_output,
            })
            .and_then(|index| self.get(index))
    }

    /// The device to open for a direction: the one specified, else the default one.
    ///
    /// # Errors
    /// `NoSuchDevice` where there is none; `TimedOut` where a host API that may have it did not answer; `NoLibrary` where that
    /// is PortAudio's, which is not there.
    pub fn resolve(&self, specifier: Option<&DeviceSpecifier>, kind: Kind) -> Result<&DeviceInfo> {
        match specifier {
            Some(specifier) => self.find(specifier, Some(kind)),
            None => {
                self.default_device(kind).ok_or_else(|| self.none(None, format!("No default {kind} device available")))
            }
        }
    }

    pub(crate) fn located(&self, index: usize) -> Result<Arc<Located>> {
        let position = self.infos.iter().position(|device| device.index == index);
        position
            .map(|position| Arc::clone(&self.located[position]))
            .ok_or_else(|| Error::new(ErrorKind::NoSuchDevice, format!("Error querying device {index}")))
    }
}
