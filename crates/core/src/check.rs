//! Whether a device could be opened like this.

use crate::backend::Request;
use crate::device::{DeviceSpecifier, Kind, devices_for};
use crate::dtype::Dtype;
use crate::error::Result;
use crate::job::{Latency, rate, side};
use crate::settings::HostSettings;

/// Says whether a stream in one direction could be opened; nothing sounds, nothing stays open. What is not given is the
/// device's own: the default device, all of its channels, its rate.
///
/// # Errors
/// What opening it would say: `NoSuchDevice`, `InvalidChannels`, `InvalidSampleRate`, `UnsupportedFormat`, …
///
/// ```
/// use sounddevice::{Dtype, ErrorKind, Kind, check};
/// let device = sounddevice::virtual_host().device().outputs(2).create()?;
/// assert!(check(Kind::Output, Some(&(&device).into()), Some(2), Dtype::I24, None).is_ok());
/// let error = check(Kind::Output, Some(&(&device).into()), Some(64), Dtype::I24, None).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidChannels);
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn check(
    kind: Kind,
    device: Option<&DeviceSpecifier>,
    channels: Option<usize>,
    dtype: Dtype,
    sample_rate: Option<f64>,
) -> Result<()> {
    check_with(kind, device, channels, dtype, sample_rate, None)
}

/// The same with settings of the device's host API.
///
/// # Errors
/// As [`check`]; `IncompatibleSettings` for those of another host API.
pub fn check_with(
    kind: Kind,
    device: Option<&DeviceSpecifier>,
    channels: Option<usize>,
    dtype: Dtype,
    sample_rate: Option<f64>,
    settings: Option<&HostSettings>,
) -> Result<()> {
    let devices = devices_for([device])?;
    let device = devices.resolve(device, kind)?;
    let sample_rate = rate(sample_rate, Some(device), None)?;
    let channels =
        channels.or(settings.and_then(HostSettings::channels)).unwrap_or_else(|| device.max_channels(kind).into());
    let mut side = side(device, kind, channels, dtype, Latency::High, settings)?;
    let located = devices.located(device.index)?;
    side.key.clone_from(&located.key);
    let (input, output) = match kind {
        Kind::Input => (Some(side), None),
        Kind::Output => (None, Some(side)),
    };
    located.host.check(&Request { sample_rate, block_size: 0, input, output })
}
