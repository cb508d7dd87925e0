//! The host APIs that cpal reaches: ALSA here, WASAPI and (feature `asio`) ASIO on Windows, Core Audio on macOS.
//!
//! What cpal leaves to its users is done in this folder: the choice of a format, exact lists of what a device can do,
//! outputs heard as inputs, error callbacks without end and single ones that are final, times on one clock, callbacks
//! before the start, devices without a clock of their own, words for what the system refuses.

#[cfg(target_os = "linux")]
mod alsa;
#[cfg(target_os = "linux")]
mod cards;
mod devices;
#[cfg(windows)]
mod endpoints;
mod format;
#[cfg(target_os = "macos")]
mod hardware;
mod pace;
mod refusal;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::cpal as library;
use library::traits::{DeviceTrait, HostTrait};
use library::{HostId, SupportedBufferSize, SupportedStreamConfigRange};

use super::{BackendStream, HostApi, HostListing, LEAST_RATE, Request, Side, permission};
use crate::device::Poke;
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Signals, join};

/// The version of cpal that Cargo.toml pins.
pub(crate) const VERSION: &str = "0.18.2";

/// Before the key of an output that is to be heard.
const LOOPBACK: &str = "loopback:";

/// What a host does in its own way.
#[derive(Debug, Clone, Copy, Default)]
struct Traits {
    /// Outputs can be heard.
    loopback: bool,
    /// An output is heard only while something plays on it.
    needs_sound: bool,
    /// A device is several streams of channels, and its usual configuration is that of the first.
    all_streams: bool,
    /// The size that is asked for is that of the whole buffer, not of a period.
    whole_buffer: bool,
    /// Any error of a stream is its last.
    final_errors: bool,
    /// Some devices have no clock.
    clockless: bool,
    /// Two channels are mixed where one is to be recorded.
    mixes: bool,
    /// With an input beside it an output has less of a buffer.
    joins_shorter: bool,
    /// Only one driver can be loaded at a time: while a stream is open others are not listed.
    one_driver: bool,
}

pub(crate) struct CpalHost {
    name: &'static str,
    id: HostId,
    traits: Traits,
}

/// Name for name what cpal calls it, what we call it, and its ways; in the order of defaults.
const HOSTS: [(&str, &str, Traits); 4] = {
    let none = Traits {
        loopback: false,
        needs_sound: false,
        all_streams: false,
        whole_buffer: false,
        final_errors: false,
        clockless: false,
        mixes: false,
        joins_shorter: false,
        one_driver: false,
    };
    let wasapi = Traits { loopback: true, needs_sound: true, whole_buffer: true, final_errors: true, ..none };
    [
        ("ALSA", "ALSA", Traits { clockless: true, mixes: true, joins_shorter: true, ..none }),
        ("WASAPI", "Windows WASAPI", wasapi),
        ("ASIO", "ASIO", Traits { one_driver: true, ..none }),
        ("CoreAudio", "Core Audio", Traits { loopback: true, all_streams: true, ..none }),
    ]
};

/// Those of this platform, in the order of defaults. Nothing is opened yet.
pub(crate) fn hosts() -> Vec<Box<dyn HostApi>> {
    let found = HOSTS.iter().filter_map(|(theirs, name, traits)| {
        let id = library::ALL_HOSTS.iter().find(|id| id.name() == *theirs)?;
        Some(Box::new(CpalHost { name, id: *id, traits: *traits }) as Box<dyn HostApi>)
    });
    found.collect()
}

/// Keeps libasound, which is one for the whole program, from writing to the terminal.
#[cfg(all(target_os = "linux", feature = "portaudio"))]
pub(crate) fn silence() {
    let _ = alsa::ready();
}

/// One direction of a device, found and measured against a request.
struct Chosen {
    device: library::Device,
    config: library::StreamConfig,
    format: library::SampleFormat,
    /// Formats to try where the system refuses one that it has listed, in this order.
    others: Vec<library::SampleFormat>,
    loopback: bool,
}

impl Chosen {
    /// Builds something of it, in the first format that the system takes after all.
    fn built<T>(
        &mut self,
        mut build: impl FnMut(&Self) -> std::result::Result<T, library::Error>,
    ) -> std::result::Result<T, library::Error> {
        let mut others = std::mem::take(&mut self.others).into_iter();
        loop {
            let built = build(self);
            let refused = built.as_ref().is_err_and(|error| error.kind() == library::ErrorKind::UnsupportedConfig);
            match others.next().filter(|_| refused) {
                Some(format) => self.format = format,
                None => return built,
            }
        }
    }
}

/// The devices that a host with one driver has last listed without any stream open.
fn known() -> MutexGuard<'static, Vec<library::Device>> {
    static KNOWN: Mutex<Vec<library::Device>> = Mutex::new(Vec::new());
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CpalHost {
    fn host(&self) -> Result<library::Host> {
        #[cfg(target_os = "linux")]
        alsa::ready()?;
        library::host_from_id(self.id).map_err(|error| self.refused("The sound system cannot be reached", &error))
    }

    fn device(&self, key: &str) -> Result<library::Device> {
        let host = self.host()?;
        let devices = host.devices().map_err(|error| self.refused("The devices cannot be listed", &error))?;
        let id = key.strip_prefix(LOOPBACK).unwrap_or(key);
        let is_it = |device: &library::Device| device.id().is_ok_and(|found| found.id() == id);
        let found = devices.into_iter().find(is_it);
        let found = found.or_else(|| known().iter().find(|device| is_it(device)).cloned());
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::DeviceUnavailable,
                format!("The device '{key}' of {} is not there any more", self.name),
            )
        })
    }

    fn refused(&self, what: &str, error: &library::Error) -> Error {
        refusal::refused(self.name, what, error)
    }

    fn listing(&self, host: &library::Host) -> HostListing {
        if !self.traits.one_driver {
            return devices::list(host.devices().into_iter().flatten(), host, self.traits);
        }
        // The drivers that cannot be asked now are as they were.
        if stream::none_open() {
            *known() = host.devices().into_iter().flatten().collect();
        }
        let devices = known().clone();
        devices::list(devices.into_iter(), host, self.traits)
    }

    /// Finds the device and the configuration that serves the request best, or says which part of it cannot be had.
    fn choose(&self, request: &Request, side: &Side, input: bool) -> Result<Chosen> {
        let device = self.device(&side.key)?;
        let what = format!("'{}' cannot be opened", side.key);
        let refused = |error: library::Error| self.refused(&what, &error);
        let loopback = side.key.starts_with(LOOPBACK);
        let ranges: Vec<SupportedStreamConfigRange> = match input {
            // An output is heard just as the system mixes it.
            true if loopback => vec![as_it_is(&device.default_output_config().map_err(refused)?)],
            true => device.supported_input_configs().map_err(refused)?.collect(),
            false => device.supported_output_configs().map_err(refused)?.collect(),
        };
        let rate = request.sample_rate;
        let has_rate = |range: &SupportedStreamConfigRange| {
            (f64::from(range.min_sample_rate().max(LEAST_RATE))..=f64::from(range.max_sample_rate())).contains(&rate)
        };
        // cpal knows whole rates only.
        if rate.fract() != 0.0 || !ranges.iter().any(has_rate) {
            let least =
                ranges.iter().map(SupportedStreamConfigRange::min_sample_rate).min().unwrap_or(0).max(LEAST_RATE);
            let most = ranges.iter().map(SupportedStreamConfigRange::max_sample_rate).max().unwrap_or(0);
            let message =
                format!("Invalid sample rate: '{}' has whole rates from {least} to {most} Hz, got {rate}", side.key);
            return Err(Error::new(ErrorKind::InvalidSampleRate, message));
        }
        // As many channels as asked for, or the next number that there is: many devices have only one.
        // ALSA's plugins mix two channels where one is asked for: there the engine takes the first of both itself.
        let has = |channels: u16| ranges.iter().any(|range| range.channels() == channels && has_rate(range));
        let mixed = self.traits.mixes && input && side.channels == 1 && has(2);
        let least = if mixed { 2 } else { side.channels };
        let enough = |range: &&SupportedStreamConfigRange| range.channels() >= least && has_rate(range);
        let Some(channels) = ranges.iter().filter(enough).map(SupportedStreamConfigRange::channels).min() else {
            let most = ranges.iter().map(SupportedStreamConfigRange::channels).max().unwrap_or(0);
            let message = format!(
                "Invalid number of channels: '{}' cannot be opened with {} at {rate} Hz; it has at most {most}",
                side.key, side.channels
            );
            return Err(Error::new(ErrorKind::InvalidChannels, message));
        };
        let fits = |range: &&SupportedStreamConfigRange| range.channels() == channels && has_rate(range);
        let mut formats = format::preferred(side.dtype)
            .iter()
            .filter(|format| ranges.iter().filter(fits).any(|range| range.sample_format() == **format));
        let format = formats.next().copied();
        let range = format.and_then(|format| ranges.iter().filter(fits).find(|range| range.sample_format() == format));
        let Some(range) = range else {
            let message = format!("'{}' has no sample format that can hold {}", side.key, side.dtype);
            return Err(Error::new(ErrorKind::UnsupportedFormat, message));
        };
        let others = formats.copied().collect();
        let buffer = (side.latency * rate).round().clamp(0.0, f64::from(1u32 << 21)) as u32;
        let size = self.size(buffer, *range.buffer_size());
        let config =
            library::StreamConfig { channels, sample_rate: rate as u32, buffer_size: library::BufferSize::Fixed(size) };
        Ok(Chosen { device, config, format: range.sample_format(), others, loopback })
    }

    /// What to ask for so that the whole buffer has so many frames: two periods, as far as periods can be chosen.
    fn size(&self, buffer: u32, limits: SupportedBufferSize) -> u32 {
        let period = (buffer / 2).max(LEAST_PERIOD);
        match limits {
            SupportedBufferSize::Range { min, max } if max > 0 => {
                let period = period.clamp(min.min(max), max);
                if self.traits.whole_buffer { buffer.max(2 * period) } else { period }
            }
            _ if self.traits.whole_buffer => buffer.max(2 * LEAST_PERIOD),
            _ => period,
        }
    }

    /// What the system keeps from this program without an error.
    fn allowed(side: &Side, input: bool) -> Result<()> {
        if input && !side.key.starts_with(LOOPBACK) { permission::check() } else { Ok(()) }
    }
}

fn as_it_is(config: &library::SupportedStreamConfig) -> SupportedStreamConfigRange {
    let rate = config.sample_rate();
    SupportedStreamConfigRange::new(config.channels(), rate, rate, *config.buffer_size(), config.sample_format())
}

/// Frames. Shorter periods than this are for adapters of our own.
const LEAST_PERIOD: u32 = 64;

/// The one side of a request: cpal has no duplex.
fn one_side(request: &Request) -> Result<(&Side, bool)> {
    match (&request.input, &request.output) {
        (Some(input), None) => Ok((input, true)),
        (None, Some(output)) => Ok((output, false)),
        _ => Err(Error::new(ErrorKind::IncompatibleDevices, "cpal opens one direction at a time")),
    }
}

impl HostApi for CpalHost {
    fn name(&self) -> &'static str {
        self.name
    }

    fn list(&self) -> Result<HostListing> {
        let Ok(host) = self.host() else {
            return Ok(HostListing::default());
        };
        #[cfg(target_os = "linux")]
        if self.id == HostId::Alsa {
            return Ok(alsa::list(&host));
        }
        Ok(self.listing(&host))
    }

    fn watch(&self, poke: &Poke) -> Option<Box<dyn Send>> {
        // Drivers are installed, not plugged in, and listing them starts each: not once a second.
        if self.traits.one_driver {
            return Some(Box::new(()));
        }
        #[cfg(target_os = "linux")]
        return cards::watch(poke);
        #[cfg(windows)]
        return endpoints::watch(poke);
        #[cfg(target_os = "macos")]
        return hardware::watch(poke);
        #[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
        {
            let _ = poke;
            None
        }
    }

    fn check(&self, request: &Request) -> Result<()> {
        let (side, input) = one_side(request)?;
        Self::allowed(side, input)?;
        let mut chosen = self.choose(request, side, input)?;
        // What the list says is not all that counts: a device may be in use, kept from this program, or not there at all.
        let built = chosen.built(|chosen| stream::build(chosen, input, Box::new(|_, _, _| ()), Box::new(|_| ())));
        built.map(drop).map_err(|error| self.refused(&format!("'{}' cannot be opened", side.key), &error))
    }

    /// On ALSA that is two or three periods, and the input holds back one more.
    fn joined(&self, latency: f64) -> f64 {
        if self.traits.joins_shorter { join::left_to_output(latency) } else { latency }
    }

    fn open(
        &self,
        request: &Request,
        engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Box<dyn BackendStream>> {
        let (side, input) = one_side(request)?;
        Self::allowed(side, input)?;
        let chosen = self.choose(request, side, input)?;
        let what = format!("'{}' cannot be opened", side.key);
        let opened = stream::open(chosen, input, engine, signals, self.name, self.traits);
        Ok(Box::new(opened.map_err(|error| self.refused(&what, &error))?))
    }
}
