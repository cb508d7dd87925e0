//! Devices as cpal tells them, on systems where asking a device does not open it.

use ::cpal as library;
use library::traits::{DeviceTrait, HostTrait};

use crate::backend::{DeviceRecord, HostListing};

/// Frames of a period where the system names none; low and high latency are 2 and 8 of them.
const PERIOD: f64 = 480.0;

pub(super) fn list(host: &library::Host) -> HostListing {
    let Ok(devices) = host.devices() else {
        return HostListing::default();
    };
    let mut listing = HostListing::default();
    for device in devices {
        let Ok(id) = device.id() else { continue };
        let input = device.default_input_config().ok();
        let output = device.default_output_config().ok();
        let Some(either) = output.as_ref().or(input.as_ref()) else { continue };
        let key = id.id().to_string();
        let name = device.description().map_or_else(|_| key.clone(), |description| description.name().to_string());
        let rate = f64::from(either.sample_rate());
        let latency = |config: &Option<library::SupportedStreamConfig>, periods: f64| {
            config.as_ref().map_or(0.0, |_| periods * PERIOD / rate)
        };
        let channels =
            |config: &Option<library::SupportedStreamConfig>| config.as_ref().map_or(0, |config| config.channels());
        listing.devices.push(DeviceRecord {
            key,
            name,
            max_input_channels: channels(&input),
            max_output_channels: channels(&output),
            low_input_latency: latency(&input, 2.0),
            low_output_latency: latency(&output, 2.0),
            high_input_latency: latency(&input, 8.0),
            high_output_latency: latency(&output, 8.0),
            default_sample_rate: rate,
            is_loopback: false,
        });
    }
    let position = |device: Option<library::Device>| {
        let id = device?.id().ok()?;
        listing.devices.iter().position(|record| record.key == id.id())
    };
    listing.default_input = position(host.default_input_device());
    listing.default_output = position(host.default_output_device());
    listing
}
