//! Settings that only one host API understands.

use crate::device::DeviceInfo;
use crate::error::{Error, ErrorKind, Result};

/// How one host API opens a device. Given to a device of another one, they are refused: `IncompatibleSettings`.
///
/// What they say is PortAudio's: they need one of its host APIs, such as "ASIO (PortAudio)".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostSettings {
    /// For ASIO.
    Asio(AsioSettings),
    /// For Core Audio.
    CoreAudio(CoreAudioSettings),
    /// For WASAPI.
    Wasapi(WasapiSettings),
}

/// Which channels of an ASIO device a stream gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsioSettings {
    /// For each channel of the stream the device's channel, from 0.
    pub channel_selectors: Vec<u32>,
}

/// How Core Audio opens a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoreAudioSettings {
    /// For an input the device's channels to take, from 0; for an output one number for each channel of the device: which
    /// channel of the stream it plays, -1 for none.
    pub channel_map: Option<Vec<i32>>,
    /// Change the device's rate for all programs.
    pub change_device_parameters: bool,
    /// Rather fail than convert.
    pub fail_if_conversion_required: bool,
    /// Of sample rates.
    pub conversion_quality: ConversionQuality,
}

/// How well Core Audio converts sample rates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ConversionQuality {
    Min,
    Low,
    Medium,
    High,
    #[default]
    Max,
}

/// How WASAPI opens a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WasapiSettings {
    /// Have the device alone, with lower latency.
    pub exclusive: bool,
    /// Let the system convert rates and channels; in shared mode only. Needs PortAudio 19.7.
    pub auto_convert: bool,
    /// Fail rather than convert formats. Needs PortAudio 19.7.
    pub explicit_sample_format: bool,
}

impl From<AsioSettings> for HostSettings {
    fn from(settings: AsioSettings) -> Self {
        Self::Asio(settings)
    }
}

impl From<CoreAudioSettings> for HostSettings {
    fn from(settings: CoreAudioSettings) -> Self {
        Self::CoreAudio(settings)
    }
}

impl From<WasapiSettings> for HostSettings {
    fn from(settings: WasapiSettings) -> Self {
        Self::Wasapi(settings)
    }
}

impl HostSettings {
    fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Asio(_) => ("AsioSettings", "ASIO"),
            Self::CoreAudio(_) => ("CoreAudioSettings", "Core Audio"),
            Self::Wasapi(_) => ("WasapiSettings", "Windows WASAPI"),
        }
    }

    /// Channels that a stream with them has, where they say so.
    pub(crate) fn channels(&self) -> Option<usize> {
        match self {
            Self::Asio(settings) => Some(settings.channel_selectors.len()),
            _ => None,
        }
    }

    /// Whether they can be for a stream with so many channels of this device.
    pub(crate) fn check(&self, device: &DeviceInfo, channels: usize) -> Result<()> {
        let (name, host) = self.names();
        let ours = device.host_api_name == host;
        if !ours && device.host_api_name.strip_suffix(" (PortAudio)") != Some(host) {
            let message = format!(
                "Incompatible settings: expected settings for {}, the host API of '{}', got {name}",
                device.host_api_name, device.name
            );
            return Err(Error::new(ErrorKind::IncompatibleSettings, message));
        }
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidArgValue, message));
        match self {
            Self::Asio(AsioSettings { channel_selectors: selectors }) => {
                if selectors.len() != channels {
                    let message = "channelSelectors must be one for each channel of the stream";
                    return invalid(format!("{message}: expected {channels}, got {}", selectors.len()));
                }
                // PortAudio's own check would be of a number that has become negative.
                if let Some(most) = selectors.iter().find(|selector| i32::try_from(**selector).is_err()) {
                    return invalid(format!("channelSelectors must be the device's channels from 0, got {most}"));
                }
            }
            Self::CoreAudio(CoreAudioSettings { channel_map: Some(map), .. })
                if map.is_empty() || map.iter().any(|channel| *channel < -1) =>
            {
                return invalid(format!("channelMap must be channels from 0, -1 for none, got {map:?}"));
            }
            _ => {}
        }
        if ours {
            let message = format!(
                "{name} need PortAudio: expected a device of '{host} (PortAudio)', got '{}' of '{host}'",
                device.name
            );
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(host_api_name: &'static str) -> DeviceInfo {
        let devices = crate::device::virtual_devices();
        let any = devices.iter().next().expect("the loopback").clone();
        DeviceInfo { host_api_name, name: "Device".into(), ..any }
    }

    fn refused(settings: impl Into<HostSettings>, host: &'static str, channels: usize) -> Option<(ErrorKind, String)> {
        let error = settings.into().check(&device(host), channels).err()?;
        Some((error.kind(), error.message().to_string()))
    }

    #[test]
    fn settings_are_for_their_host_api_through_portaudio() {
        let asio = || AsioSettings { channel_selectors: vec![3, 0] };
        assert_eq!(refused(asio(), "ASIO (PortAudio)", 2), None);
        assert_eq!(refused(CoreAudioSettings::default(), "Core Audio (PortAudio)", 2), None);
        assert_eq!(refused(WasapiSettings::default(), "Windows WASAPI (PortAudio)", 2), None);
        for host in ["Virtual", "ALSA (PortAudio)", "Core Audio", "ASIO (PortAudio)"] {
            let (kind, message) = refused(WasapiSettings::default(), host, 2).expect("another one's");
            assert_eq!((kind, kind.portaudio_code()), (ErrorKind::IncompatibleSettings, -9984));
            assert!(message.contains(host) && message.contains("WasapiSettings"), "{message}");
        }
        let (kind, message) = refused(WasapiSettings::default(), "Windows WASAPI", 2).expect("not ours");
        assert_eq!(kind, ErrorKind::NotSupported);
        assert!(message.contains("'Windows WASAPI (PortAudio)'"), "{message}");
    }

    #[test]
    fn selectors_are_one_for_each_channel_and_maps_have_channels() {
        let asio = |selectors: &[u32]| AsioSettings { channel_selectors: selectors.to_vec() };
        for (selectors, channels) in [(&[][..], 2), (&[1], 2), (&[0, 1, 2], 2), (&[u32::MAX], 1)] {
            let (kind, message) = refused(asio(selectors), "ASIO (PortAudio)", channels).expect("too few or too many");
            assert_eq!(kind, ErrorKind::InvalidArgValue, "{message}");
        }
        let map = |map: &[i32]| CoreAudioSettings { channel_map: Some(map.to_vec()), ..Default::default() };
        assert_eq!(refused(map(&[-1, 0]), "Core Audio (PortAudio)", 1), None);
        for wrong in [&[][..], &[-2], &[0, i32::MIN]] {
            let (kind, _) = refused(map(wrong), "Core Audio (PortAudio)", 1).expect("no channels");
            assert_eq!(kind, ErrorKind::InvalidArgValue);
        }
    }
}
