//! What the server has: its rate, its period, its clients and their audio ports.

use std::ffi::{CStr, CString, c_int};

use super::client::{Client, is_ours};
use super::library::{
    AUDIO, CAPTURE_LATENCY, LatencyRange, Library, PLAYBACK_LATENCY, PORT_IS_INPUT, PORT_IS_PHYSICAL, RawPort,
};
use crate::backend::{DeviceRecord, HostListing, Request};
use crate::error::{Error, ErrorKind, Result};

/// jackd's own loopback driver. It reports a period of latency for each direction, but what is played in one cycle is
/// captured in the next one: its way is one period altogether.
const LOOPBACK: &str = "loopback";

/// The server at one moment.
pub(super) struct Survey {
    pub sample_rate: u32,
    pub period: u32,
    /// Those with physical ports first.
    pub devices: Vec<Device>,
}

/// A client of the server that is not ours.
#[derive(Debug, Default)]
pub(super) struct Device {
    pub name: String,
    pub inputs: Lines,
    pub outputs: Lines,
}

/// The ports of a client in one direction, seen from us.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// With the client's name before the colon.
    pub ports: Vec<CString>,
    pub physical: bool,
    /// In frames, over all ports.
    pub latency: LatencyRange,
}

pub(super) fn survey(client: &Client) -> Survey {
    let (library, raw) = (client.library, client.raw);
    // SAFETY: the client is open.
    let (sample_rate, period) = unsafe { ((library.get_sample_rate)(raw), (library.get_buffer_size)(raw)) };
    let mut devices: Vec<Device> = Vec::new();
    for full in audio_ports(client) {
        // SAFETY: the client is open and the name terminated.
        let port = unsafe { (library.port_by_name)(raw, full.as_ptr()) };
        let text = full.to_string_lossy().into_owned();
        let Some((owner, _)) = text.split_once(':').filter(|(owner, _)| !port.is_null() && !is_ours(owner)) else {
            continue;
        };
        let position = devices.iter().position(|device| device.name == owner).unwrap_or_else(|| {
            devices.push(Device { name: owner.into(), ..Device::default() });
            devices.len() - 1
        });
        let device = &mut devices[position];
        // SAFETY: the port has just been found.
        let flags = unsafe { (library.port_flags)(port) };
        // What goes into their port comes out of ours.
        let (lines, mode) = match flags & PORT_IS_INPUT {
            0 => (&mut device.inputs, CAPTURE_LATENCY),
            _ => (&mut device.outputs, PLAYBACK_LATENCY),
        };
        let range = latency(library, port, mode);
        lines.latency.min = if lines.ports.is_empty() { range.min } else { lines.latency.min.min(range.min) };
        lines.latency.max = lines.latency.max.max(range.max);
        lines.physical |= flags & PORT_IS_PHYSICAL != 0;
        lines.ports.push(full);
    }
    devices.sort_by_key(|device| !(device.inputs.physical || device.outputs.physical));
    Survey { sample_rate, period, devices }
}

fn audio_ports(client: &Client) -> Vec<CString> {
    let mut names = Vec::new();
    // SAFETY: the client is open; no pattern is as good as an empty one. The list is ours until it is freed, and ends
    // with a null pointer.
    unsafe {
        let list = (client.library.get_ports)(client.raw, std::ptr::null(), AUDIO.as_ptr(), 0);
        if !list.is_null() {
            let mut each = list;
            while !(*each).is_null() {
                names.push(CStr::from_ptr(*each).to_owned());
                each = each.add(1);
            }
            (client.library.free)(list.cast());
        }
    }
    names
}

/// What the port's owner says of its latency, in frames. Safe on the audio thread.
pub(super) fn latency(library: &Library, port: *mut RawPort, mode: c_int) -> LatencyRange {
    let mut range = LatencyRange::default();
    // SAFETY: ports stay readable while the client that found them is open, also after they have been unregistered.
    unsafe { (library.port_get_latency_range)(port, mode, &raw mut range) };
    range
}

/// Frames that a device's capture really is late, by what it reports.
pub(super) fn capture_latency(device: &str, reported: u32, period: u32) -> u32 {
    if device == LOOPBACK { reported.saturating_sub(period) } else { reported }
}

/// Frames until a device really plays what is made in a cycle, by what it reports: not before the cycle's end.
pub(super) fn playback_latency(reported: u32, period: u32) -> u32 {
    reported.max(period)
}

impl Survey {
    /// Latencies are the server's own figures, at least a period each. There is no buffer to ask for: low and high differ
    /// only where a device's ports do.
    pub(super) fn listing(&self) -> HostListing {
        let seconds = |lines: &Lines, frames: u32| match lines.ports.len() {
            0 => 0.0,
            _ => f64::from(frames.max(self.period)) / f64::from(self.sample_rate),
        };
        let count = |lines: &Lines| u16::try_from(lines.ports.len()).unwrap_or(u16::MAX);
        let record = |Device { name, inputs, outputs }: &Device| DeviceRecord {
            key: name.clone(),
            name: name.clone(),
            max_input_channels: count(inputs),
            max_output_channels: count(outputs),
            low_input_latency: seconds(inputs, inputs.latency.min),
            low_output_latency: seconds(outputs, outputs.latency.min),
            high_input_latency: seconds(inputs, inputs.latency.max),
            high_output_latency: seconds(outputs, outputs.latency.max),
            default_sample_rate: self.sample_rate.into(),
            is_loopback: false,
        };
        HostListing {
            devices: self.devices.iter().map(record).collect(),
            default_input: self.devices.iter().position(|device| device.inputs.physical),
            default_output: self.devices.iter().position(|device| device.outputs.physical),
        }
    }

    fn find(&self, key: &str) -> Result<&Device> {
        self.devices.iter().find(|device| device.name == key).ok_or_else(|| {
            Error::new(ErrorKind::DeviceUnavailable, format!("JACK has no client '{key}' with audio ports"))
        })
    }

    /// Says whether a stream like this could be opened now.
    pub(super) fn check(&self, request: &Request) -> Result<()> {
        if request.sample_rate != f64::from(self.sample_rate) {
            let (own, asked) = (self.sample_rate, request.sample_rate);
            let message = format!("Invalid sample rate: the JACK server runs at {own} Hz, not at {asked}");
            return Err(Error::new(ErrorKind::InvalidSampleRate, message));
        }
        for (side, input) in [(&request.input, true), (&request.output, false)] {
            let Some(side) = side else { continue };
            let device = self.find(&side.key)?;
            let (most, what) =
                if input { (device.inputs.ports.len(), "input") } else { (device.outputs.ports.len(), "output") };
            if side.channels == 0 || usize::from(side.channels) > most {
                let (name, asked) = (&device.name, side.channels);
                let message = format!("Invalid number of channels: '{name}' has {most} {what} ports, not {asked}");
                return Err(Error::new(ErrorKind::InvalidChannels, message));
            }
        }
        Ok(())
    }

    /// The first ports of a device that has been checked.
    pub(super) fn ports(&self, key: &str, input: bool, channels: u16) -> Vec<CString> {
        let device = self.devices.iter().find(|device| device.name == key);
        let lines = device.map(|device| if input { &device.inputs } else { &device.outputs });
        lines.map_or_else(Vec::new, |lines| lines.ports.iter().take(channels.into()).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Side;
    use crate::dtype::Dtype;

    fn lines(count: usize, physical: bool, min: u32, max: u32) -> Lines {
        Lines { ports: vec![c"device:port".into(); count], physical, latency: LatencyRange { min, max } }
    }

    fn server() -> Survey {
        let system =
            Device { name: "system".into(), inputs: lines(2, true, 256, 512), outputs: lines(8, true, 64, 64) };
        let synth = Device { name: "synth".into(), inputs: lines(1, false, 0, 0), outputs: Lines::default() };
        Survey { sample_rate: 48_000, period: 128, devices: vec![synth, system] }
    }

    #[test]
    fn latencies_are_the_servers_and_at_least_a_period() {
        let listing = server().listing();
        let period = 128.0 / 48_000.0;
        let system = &listing.devices[1];
        assert_eq!((system.low_input_latency, system.high_input_latency), (2.0 * period, 4.0 * period));
        assert_eq!((system.low_output_latency, system.high_output_latency), (period, period));
        let synth = &listing.devices[0];
        assert_eq!((synth.low_input_latency, synth.low_output_latency), (period, 0.0));
        assert_eq!((listing.default_input, listing.default_output), (Some(1), Some(1)), "physical ports only");
    }

    #[test]
    fn jackds_loopback_takes_one_period_where_it_says_two() {
        assert_eq!((capture_latency("loopback", 128, 128), playback_latency(128, 128)), (0, 128));
        assert_eq!((capture_latency("system", 128, 128), playback_latency(256, 128)), (128, 256));
        assert_eq!(playback_latency(0, 128), 128, "what a client makes is passed on in the next cycle");
    }

    #[test]
    fn requests_are_checked_against_rate_and_ports() {
        let side = |key: &str, channels| {
            Some(Side { key: key.into(), channels, dtype: Dtype::F32, latency: 0.0, settings: None })
        };
        let check = |sample_rate, input, output| {
            let request = Request { sample_rate, block_size: 0, input, output };
            server().check(&request).map_err(|error| (error.kind(), error.message().to_string()))
        };
        assert_eq!(check(48_000.0, side("synth", 1), side("system", 8)), Ok(()));
        let (kind, message) = check(44_100.0, side("synth", 1), None).expect_err("another rate");
        assert_eq!(kind, ErrorKind::InvalidSampleRate);
        assert!(message.contains("48000") && message.contains("44100"), "{message}");
        let kind = |result: std::result::Result<(), (ErrorKind, String)>| result.expect_err("refused").0;
        assert_eq!(kind(check(48_000.0, side("synth", 2), None)), ErrorKind::InvalidChannels);
        assert_eq!(kind(check(48_000.0, None, side("synth", 1))), ErrorKind::InvalidChannels);
        assert_eq!(kind(check(48_000.0, None, side("nobody", 1))), ErrorKind::DeviceUnavailable);
    }
}
