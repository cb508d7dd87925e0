//! What PortAudio's things are called here.

use std::ffi::c_int;

use super::library::{
    ALSA, ASIO, AUDIO_IO, AUDIO_SCIENCE, CORE_AUDIO, DIRECT_SOUND, JACK, MME, OSS, PULSE_AUDIO, SNDIO, WASAPI, WDM_KS,
};
use crate::error::ErrorKind;

/// PortAudio's host APIs and their public names, in the order of defaults.
pub(super) const HOSTS: [(c_int, &str); 13] = [
    (PULSE_AUDIO, "PulseAudio (PortAudio)"),
    (JACK, "JACK (PortAudio)"),
    (ALSA, "ALSA (PortAudio)"),
    (WASAPI, "Windows WASAPI (PortAudio)"),
    (ASIO, "ASIO (PortAudio)"),
    (CORE_AUDIO, "Core Audio (PortAudio)"),
    (WDM_KS, "Windows WDM-KS (PortAudio)"),
    (DIRECT_SOUND, "Windows DirectSound (PortAudio)"),
    (MME, "MME (PortAudio)"),
    (OSS, "OSS (PortAudio)"),
    (SNDIO, "sndio (PortAudio)"),
    (AUDIO_IO, "AudioIO (PortAudio)"),
    (AUDIO_SCIENCE, "AudioScience HPI (PortAudio)"),
];

/// The public name of a host API.
pub(super) fn host(kind: c_int) -> Option<&'static str> {
    HOSTS.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

/// The name, or the name with the first number from 2 that is free.
pub(super) fn unique(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut key = name.to_string();
    let mut number = 2;
    while taken(&key) {
        key = format!("{name} #{number}");
        number += 1;
    }
    key
}

/// What an error of PortAudio's is for us.
pub(super) fn kind(code: c_int) -> ErrorKind {
    match code {
        -9998 => ErrorKind::InvalidChannels,
        -9997 => ErrorKind::InvalidSampleRate,
        -9996 | -9985 => ErrorKind::DeviceUnavailable,
        -9995 => ErrorKind::InvalidFlag,
        -9994 => ErrorKind::UnsupportedFormat,
        -9993 => ErrorKind::IncompatibleDevices,
        -9987 => ErrorKind::TimedOut,
        -9984 => ErrorKind::IncompatibleSettings,
        _ => ErrorKind::Host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_counted() {
        let taken = ["a", "a #2", "b"];
        assert_eq!(unique("a", |key| taken.contains(&key)), "a #3");
        assert_eq!(unique("c", |key| taken.contains(&key)), "c");
    }

    #[test]
    fn errors_keep_portaudios_number() {
        for code in [-9998, -9997, -9995, -9994, -9993, -9987, -9985, -9984, -9999] {
            assert_eq!(kind(code).portaudio_code(), code);
        }
    }

    #[test]
    fn every_host_api_says_whose_it_is() {
        assert!(HOSTS.iter().all(|(_, name)| name.ends_with(" (PortAudio)")));
        assert_eq!(host(8), Some("ALSA (PortAudio)"));
        assert_eq!(host(0), None);
    }
}
