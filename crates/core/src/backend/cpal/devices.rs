//! Devices as cpal tells them, on systems where asking a device does not open it.

use ::cpal as library;
use library::traits::{DeviceTrait, HostTrait};
use library::{SampleRate, SupportedBufferSize, SupportedStreamConfig, SupportedStreamConfigRange};

use super::{LOOPBACK, Traits};
use crate::backend::{DeviceRecord, HostListing};

/// Frames of a period where the system names none; low and high latency are 2 and 8 of them.
const PERIOD: u32 = 480;
/// Devices that cpal makes itself, for as long as it records an output.
const MADE_BY_CPAL: &str = "com.cpal.LoopbackRecordAggregateDevice.";

/// What one direction of a device can do.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ability {
    channels: u16,
    rate: f64,
    period: f64,
}

impl Ability {
    /// From what the system has set up, and from everything that could be, as far as either is known.
    fn of(default: Option<&SupportedStreamConfig>, ranges: &[SupportedStreamConfigRange]) -> Option<Self> {
        let most = ranges.iter().map(SupportedStreamConfigRange::channels).max();
        let channels = default.map(SupportedStreamConfig::channels).max(most).filter(|channels| *channels > 0)?;
        // Some drivers know their rate only while they run.
        let rate = default.map(SupportedStreamConfig::sample_rate).filter(|rate| *rate > 0);
        let rate = rate.or_else(|| usual_rate(ranges))?;
        let size = default.map(SupportedStreamConfig::buffer_size);
        let size = size.or_else(|| ranges.first().map(SupportedStreamConfigRange::buffer_size));
        let period = match size {
            Some(SupportedBufferSize::Range { min, max }) if *max > 0 => PERIOD.clamp((*min).min(*max), *max),
            _ => PERIOD,
        };
        Some(Self { channels, rate: rate.into(), period: f64::from(period) })
    }

    fn latency(ability: Option<Self>, periods: f64) -> f64 {
        ability.map_or(0.0, |ability| periods * ability.period / ability.rate)
    }
}

fn usual_rate(ranges: &[SupportedStreamConfigRange]) -> Option<SampleRate> {
    let has = |rate: &SampleRate| {
        let contains =
            |range: &SupportedStreamConfigRange| (range.min_sample_rate()..=range.max_sample_rate()).contains(rate);
        ranges.iter().any(contains)
    };
    let most = || ranges.iter().map(SupportedStreamConfigRange::max_sample_rate).max();
    [48_000, 44_100].into_iter().find(has).or_else(most)
}

fn record(key: String, name: String, input: Option<Ability>, output: Option<Ability>) -> Option<DeviceRecord> {
    Some(DeviceRecord {
        key,
        name,
        max_input_channels: input.map_or(0, |ability| ability.channels),
        max_output_channels: output.map_or(0, |ability| ability.channels),
        low_input_latency: Ability::latency(input, 2.0),
        low_output_latency: Ability::latency(output, 2.0),
        high_input_latency: Ability::latency(input, 8.0),
        high_output_latency: Ability::latency(output, 8.0),
        default_sample_rate: output.or(input)?.rate,
        is_loopback: false,
    })
}

/// What an output plays, as an input.
fn loopback(key: &str, name: &str, output: Ability) -> Option<DeviceRecord> {
    let heard = record(format!("{LOOPBACK}{key}"), format!("{name} [Loopback]"), Some(output), None)?;
    Some(DeviceRecord { is_loopback: true, ..heard })
}

pub(super) fn list(
    devices: impl Iterator<Item = library::Device>,
    host: &library::Host,
    traits: Traits,
) -> HostListing {
    let mut listing = HostListing::default();
    let mut loopbacks = Vec::new();
    for device in devices {
        let Ok(id) = device.id() else { continue };
        let key = id.id();
        if key.starts_with(MADE_BY_CPAL) {
            continue;
        }
        let default = device.default_input_config().ok();
        let input = match default {
            Some(_) if !traits.all_streams => Ability::of(default.as_ref(), &[]),
            _ => Ability::of(default.as_ref(), &collected(device.supported_input_configs())),
        };
        let default = device.default_output_config().ok();
        let output = match default {
            Some(_) if !traits.all_streams => Ability::of(default.as_ref(), &[]),
            _ => Ability::of(default.as_ref(), &collected(device.supported_output_configs())),
        };
        let name = device.description().map_or_else(|_| key.to_string(), |told| told.name().to_string());
        if let (true, None, Some(output)) = (traits.loopback, input, output) {
            loopbacks.extend(loopback(key, &name, output));
        }
        listing.devices.extend(record(key.to_string(), name, input, output));
    }
    let position = |device: Option<library::Device>| {
        let id = device?.id().ok()?;
        listing.devices.iter().position(|record| record.key == id.id())
    };
    listing.default_input = position(host.default_input_device());
    listing.default_output = position(host.default_output_device());
    listing.devices.extend(loopbacks);
    listing
}

fn collected<R: Iterator<Item = SupportedStreamConfigRange>>(
    ranges: std::result::Result<R, library::Error>,
) -> Vec<SupportedStreamConfigRange> {
    ranges.map_or_else(|_| Vec::new(), Iterator::collect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use library::SampleFormat;

    fn range(channels: u16, min: SampleRate, max: SampleRate, size: SupportedBufferSize) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(channels, min, max, size, SampleFormat::F32)
    }

    #[test]
    fn what_the_system_has_set_up_comes_before_what_could_be() {
        let size = SupportedBufferSize::Range { min: 15, max: 4096 };
        let default = SupportedStreamConfig::new(2, 96_000, size, SampleFormat::F32);
        let ranges = [range(8, 44_100, 44_100, size), range(8, 48_000, 48_000, size)];
        let found = Ability::of(Some(&default), &ranges);
        assert_eq!(found, Some(Ability { channels: 8, rate: 96_000.0, period: 480.0 }), "channels of all its streams");
        assert_eq!(Ability::of(None, &ranges).map(|found| found.rate), Some(48_000.0));
        assert_eq!(Ability::of(None, &[]), None);
        let idle = SupportedStreamConfig::new(2, 0, size, SampleFormat::I32);
        assert_eq!(Ability::of(Some(&idle), &ranges[..1]).map(|found| found.rate), Some(44_100.0), "a driver at rest");
    }

    #[test]
    fn latencies_count_the_systems_own_periods() {
        let fixed = SupportedBufferSize::Range { min: 441, max: 441 };
        let ability = Ability::of(Some(&SupportedStreamConfig::new(2, 44_100, fixed, SampleFormat::F32)), &[]);
        let found = record("id".into(), "Speakers".into(), None, ability).expect("a device");
        assert_eq!((found.low_output_latency, found.high_output_latency), (0.02, 0.08));
        assert_eq!((found.low_input_latency, found.max_input_channels, found.is_loopback), (0.0, 0, false));
        let heard = loopback("id", "Speakers", ability.expect("an output")).expect("a device");
        assert_eq!((heard.key.as_str(), heard.name.as_str()), ("loopback:id", "Speakers [Loopback]"));
        assert_eq!((heard.max_input_channels, heard.max_output_channels, heard.is_loopback), (2, 0, true));
        assert_eq!((heard.low_input_latency, heard.low_output_latency), (0.02, 0.0));
    }

    #[test]
    fn limits_of_nothing_are_no_limits() {
        let none = SupportedBufferSize::Range { min: 0, max: 0 };
        let ability = Ability::of(Some(&SupportedStreamConfig::new(1, 48_000, none, SampleFormat::F32)), &[]);
        assert_eq!(ability.map(|ability| ability.period), Some(480.0));
        let least = [range(1, 8000, 16_000, SupportedBufferSize::Range { min: 1024, max: 2048 })];
        assert_eq!(Ability::of(None, &least), Some(Ability { channels: 1, rate: 16_000.0, period: 1024.0 }));
    }
}
