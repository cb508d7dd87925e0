//! The host APIs that cpal reaches: ALSA here, WASAPI on Windows, Core Audio on macOS.
//!
//! What cpal leaves to its users is done in this folder: the choice of a format, exact lists of what a device can do,
//! error callbacks without end, times on one clock, callbacks before the start, devices without a clock of their own.

#[cfg(target_os = "linux")]
mod alsa;
#[cfg(not(target_os = "linux"))]
mod devices;
mod format;
mod stream;

use std::sync::Arc;

use ::cpal as library;
use library::traits::{DeviceTrait, HostTrait};
use library::{HostId, SupportedBufferSize, SupportedStreamConfigRange};

use super::{BackendStream, HostApi, HostListing, Request, Side};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Signals};

/// The version of cpal that Cargo.toml pins.
pub(crate) const VERSION: &str = "0.18.2";

pub(crate) struct CpalHost {
    name: &'static str,
    id: HostId,
}

/// Those of this platform, in the order of defaults. Nothing is opened yet.
pub(crate) fn hosts() -> Vec<Box<dyn HostApi>> {
    let named = |id: &HostId| match id.name() {
        "ALSA" => Some("ALSA"),
        "WASAPI" => Some("Windows WASAPI"),
        "ASIO" => Some("ASIO"),
        "CoreAudio" => Some("Core Audio"),
        _ => None,
    };
    let hosts = library::ALL_HOSTS.iter().filter_map(|id| named(id).map(|name| CpalHost { name, id: *id }));
    hosts.map(|host| Box::new(host) as Box<dyn HostApi>).collect()
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
        let mut devices = devices.filter(|device| device.id().is_ok_and(|id| id.id() == key));
        devices.next().ok_or_else(|| {
            Error::new(
                ErrorKind::DeviceUnavailable,
                format!("The device '{key}' of {} is not there any more", self.name),
            )
        })
    }

    /// cpal's errors as ours.
    fn refused(&self, what: &str, error: &library::Error) -> Error {
        let kind = match error.kind() {
            library::ErrorKind::DeviceBusy
            | library::ErrorKind::DeviceNotAvailable
            | library::ErrorKind::HostUnavailable
            | library::ErrorKind::ResourceExhausted
            | library::ErrorKind::StreamInvalidated => ErrorKind::DeviceUnavailable,
            library::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            library::ErrorKind::UnsupportedConfig => ErrorKind::UnsupportedFormat,
            _ => ErrorKind::Host,
        };
        Error::new(kind, format!("{what}: {error}")).with_host_error(self.name, 0, error.to_string())
    }

    /// Finds the device and the configuration that serves the request best, or says which part of it cannot be had.
    fn choose(&self, request: &Request, side: &Side, input: bool) -> Result<Chosen> {
        let device = self.device(&side.key)?;
        let what = format!("'{}' cannot be opened", side.key);
        let refused = |error: library::Error| self.refused(&what, &error);
        let ranges: Vec<SupportedStreamConfigRange> = match input {
            true => device.supported_input_configs().map_err(refused)?.collect(),
            false => device.supported_output_configs().map_err(refused)?.collect(),
        };
        let rate = request.sample_rate;
        let has_rate = |range: &SupportedStreamConfigRange| {
            (f64::from(range.min_sample_rate())..=f64::from(range.max_sample_rate())).contains(&rate)
        };
        // cpal knows whole rates only.
        if rate.fract() != 0.0 || !ranges.iter().any(has_rate) {
            let least = ranges.iter().map(SupportedStreamConfigRange::min_sample_rate).min().unwrap_or(0);
            let most = ranges.iter().map(SupportedStreamConfigRange::max_sample_rate).max().unwrap_or(0);
            let message =
                format!("Invalid sample rate: '{}' has whole rates from {least} to {most} Hz, got {rate}", side.key);
            return Err(Error::new(ErrorKind::InvalidSampleRate, message));
        }
        let fits = |range: &&SupportedStreamConfigRange| range.channels() == side.channels && has_rate(range);
        if !ranges.iter().any(|range| fits(&range)) {
            let most = ranges.iter().map(SupportedStreamConfigRange::channels).max().unwrap_or(0);
            let message = format!(
                "Invalid number of channels: '{}' cannot be opened with {} at {rate} Hz; it has at most {most}",
                side.key, side.channels
            );
            return Err(Error::new(ErrorKind::InvalidChannels, message));
        }
        let best = format::preferred(side.dtype)
            .iter()
            .find_map(|format| ranges.iter().filter(fits).find(|range| range.sample_format() == *format));
        let Some(range) = best else {
            let message = format!("'{}' has no sample format that can hold {}", side.key, side.dtype);
            return Err(Error::new(ErrorKind::UnsupportedFormat, message));
        };
        // The buffer is two periods.
        let wanted = (side.latency * rate / 2.0).round().clamp(f64::from(LEAST_PERIOD), f64::from(1u32 << 20)) as u32;
        let period = match *range.buffer_size() {
            SupportedBufferSize::Range { min, max } => wanted.clamp(min.min(max), max),
            SupportedBufferSize::Unknown => wanted,
        };
        let config = library::StreamConfig {
            channels: side.channels,
            sample_rate: rate as u32,
            buffer_size: library::BufferSize::Fixed(period),
        };
        Ok(Chosen { device, config, format: range.sample_format() })
    }
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
        return Ok(alsa::list(&host));
        #[cfg(not(target_os = "linux"))]
        Ok(devices::list(&host))
    }

    fn check(&self, request: &Request) -> Result<()> {
        let (side, input) = one_side(request)?;
        self.choose(request, side, input).map(|_| ())
    }

    fn open(
        &self,
        request: &Request,
        engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Box<dyn BackendStream>> {
        let (side, input) = one_side(request)?;
        let chosen = self.choose(request, side, input)?;
        let what = format!("'{}' cannot be opened", side.key);
        let opened = stream::open(chosen, input, engine, signals, self.name);
        Ok(Box::new(opened.map_err(|error| self.refused(&what, &error))?))
    }
}
