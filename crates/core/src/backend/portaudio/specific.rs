//! Settings of one host API, as PortAudio takes them.

use std::ffi::{c_int, c_ulong, c_void};
use std::ptr;

use super::library::{ASIO, CORE_AUDIO, WASAPI};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{ConversionQuality, HostSettings};

/// `paAsioUseChannelSelectors`
const USE_SELECTORS: c_ulong = 0x01;
/// `paMacCoreChangeDeviceParameters`
const CHANGE_DEVICE: c_ulong = 0x01;
/// `paMacCoreFailIfConversionRequired`
const FAIL_IF_CONVERTED: c_ulong = 0x02;
/// `paWinWasapiExclusive`
const EXCLUSIVE: c_ulong = 1 << 0;
/// `paWinWasapiExplicitSampleFormat`
const EXPLICIT_FORMAT: c_ulong = 1 << 5;
/// `paWinWasapiAutoConvert`
const AUTO_CONVERT: c_ulong = 1 << 6;

/// The version of all of these structures.
const VERSION: c_ulong = 1;
/// PortAudio 19.7, the first that knows the newer flags of WASAPI; the ones before would not say so.
const NEWER_FLAGS: c_int = 0x0013_0700;
/// Bytes that 19.8 has added to [`WasapiInfo`]; PortAudio refuses all sizes but its own.
const ADDED: usize = size_of::<[u32; 4]>();

/// `PaAsioStreamInfo`
#[repr(C)]
pub(super) struct AsioInfo {
    pub size: c_ulong,
    pub kind: c_int,
    pub version: c_ulong,
    pub flags: c_ulong,
    pub channel_selectors: *mut c_int,
}

/// `PaMacCoreStreamInfo`
#[repr(C)]
pub(super) struct CoreAudioInfo {
    pub size: c_ulong,
    pub kind: c_int,
    pub version: c_ulong,
    pub flags: c_ulong,
    pub channel_map: *const i32,
    pub channel_map_size: c_ulong,
}

/// `PaWasapiStreamInfo` of 19.8; before it was shorter by the last member.
#[repr(C)]
pub(super) struct WasapiInfo {
    pub size: c_ulong,
    pub kind: c_int,
    pub version: c_ulong,
    pub flags: c_ulong,
    pub channel_mask: c_ulong,
    pub host_processor_output: *const c_void,
    pub host_processor_input: *const c_void,
    pub thread_priority: c_int,
    pub stream_category: c_int,
    pub stream_option: c_int,
    pub passthrough: [u32; 4],
}

/// What `hostApiSpecificStreamInfo` points to. It has to live as long as the call that it is given to.
pub(super) enum Specific {
    Asio { info: Box<AsioInfo>, _selectors: Vec<c_int> },
    CoreAudio { info: Box<CoreAudioInfo>, _map: Vec<i32> },
    Wasapi(Box<WasapiInfo>),
}

fn size<T>() -> c_ulong {
    // No structure is that long.
    size_of::<T>() as c_ulong
}

impl Specific {
    /// For this version of PortAudio.
    pub(super) fn new(settings: &HostSettings, version: c_int) -> Result<Self> {
        Ok(match settings {
            HostSettings::Asio(settings) => {
                let selectors = settings.channel_selectors.iter().map(|channel| c_int::try_from(*channel));
                let mut selectors = selectors.collect::<std::result::Result<Vec<_>, _>>().map_err(|_| {
                    Error::new(ErrorKind::InvalidChannels, "Invalid number of channels: no device has that many")
                })?;
                let info = AsioInfo {
                    size: size::<AsioInfo>(),
                    kind: ASIO,
                    version: VERSION,
                    flags: USE_SELECTORS,
                    channel_selectors: selectors.as_mut_ptr(),
                };
                Self::Asio { info: Box::new(info), _selectors: selectors }
            }
            HostSettings::CoreAudio(settings) => {
                let map = settings.channel_map.clone().unwrap_or_default();
                let flag = |set: bool, flag: c_ulong| if set { flag } else { 0 };
                let info = CoreAudioInfo {
                    size: size::<CoreAudioInfo>(),
                    kind: CORE_AUDIO,
                    // As `PaMacCore_SetupStreamInfo` has it.
                    version: VERSION,
                    flags: flag(settings.change_device_parameters, CHANGE_DEVICE)
                        | flag(settings.fail_if_conversion_required, FAIL_IF_CONVERTED)
                        | quality(settings.conversion_quality),
                    channel_map: if map.is_empty() { ptr::null() } else { map.as_ptr() },
                    channel_map_size: map.len() as c_ulong,
                };
                Self::CoreAudio { info: Box::new(info), _map: map }
            }
            HostSettings::Wasapi(settings) => {
                for (name, set) in
                    [("autoConvert", settings.auto_convert), ("explicitSampleFormat", settings.explicit_sample_format)]
                {
                    if set && version < NEWER_FLAGS {
                        let message = format!("{name} needs PortAudio 19.7 or newer");
                        return Err(Error::new(ErrorKind::NotSupported, message));
                    }
                }
                let flag = |set: bool, flag: c_ulong| if set { flag } else { 0 };
                Self::Wasapi(Box::new(WasapiInfo {
                    size: size::<WasapiInfo>(),
                    kind: WASAPI,
                    version: VERSION,
                    flags: flag(settings.exclusive, EXCLUSIVE)
                        | flag(settings.explicit_sample_format, EXPLICIT_FORMAT)
                        | flag(settings.auto_convert, AUTO_CONVERT),
                    channel_mask: 0,
                    host_processor_output: ptr::null(),
                    host_processor_input: ptr::null(),
                    thread_priority: 0,
                    stream_category: 0,
                    stream_option: 0,
                    passthrough: [0; 4],
                }))
            }
        })
    }

    pub(super) fn pointer(&mut self) -> *mut c_void {
        match self {
            Self::Asio { info, .. } => ptr::from_mut(info.as_mut()).cast(),
            Self::CoreAudio { info, .. } => ptr::from_mut(info.as_mut()).cast(),
            Self::Wasapi(info) => ptr::from_mut(info.as_mut()).cast(),
        }
    }

    /// Makes it what PortAudio took before. Says whether it was another one.
    pub(super) fn age(&mut self) -> bool {
        match self {
            Self::Wasapi(info) if info.size == size::<WasapiInfo>() => {
                info.size -= ADDED as c_ulong;
                true
            }
            _ => false,
        }
    }
}

/// `paMacCoreConversionQuality…`, whose order is not that of their names.
fn quality(quality: ConversionQuality) -> c_ulong {
    match quality {
        ConversionQuality::Min => 0x0100,
        ConversionQuality::Medium => 0x0200,
        ConversionQuality::Low => 0x0300,
        ConversionQuality::High => 0x0400,
        ConversionQuality::Max => 0x0000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AsioSettings, CoreAudioSettings, WasapiSettings};

    const NEW: c_int = 0x0013_0700;

    fn specific(settings: impl Into<HostSettings>, version: c_int) -> Result<Specific> {
        Specific::new(&settings.into(), version)
    }

    #[test]
    fn selectors_are_the_devices_channels() {
        let settings = AsioSettings { channel_selectors: vec![12, 0] };
        let Ok(Specific::Asio { info, _selectors }) = specific(settings, NEW) else { panic!("for ASIO") };
        assert_eq!((info.size as usize, info.kind, info.version, info.flags), (size_of::<AsioInfo>(), 3, 1, 1));
        assert_eq!(_selectors, [12, 0]);
        assert!(ptr::eq(info.channel_selectors, _selectors.as_ptr()));
    }

    #[test]
    fn core_audio_has_flags_and_a_map_or_none() {
        let Ok(Specific::CoreAudio { info, .. }) = specific(CoreAudioSettings::default(), NEW) else {
            panic!("for it")
        };
        assert_eq!((info.kind, info.flags, info.channel_map_size), (5, 0, 0));
        assert!(info.channel_map.is_null());
        let settings = CoreAudioSettings {
            channel_map: Some(vec![-1, 0]),
            change_device_parameters: true,
            fail_if_conversion_required: true,
            conversion_quality: ConversionQuality::Low,
        };
        let Ok(Specific::CoreAudio { info, _map }) = specific(settings, NEW) else { panic!("for it") };
        assert_eq!((info.flags, info.channel_map_size, _map.as_slice()), (0x0303, 2, &[-1, 0][..]));
        assert!(ptr::eq(info.channel_map, _map.as_ptr()));
    }

    #[test]
    fn wasapi_has_its_flags_and_the_size_that_the_library_takes() {
        let all = WasapiSettings { exclusive: true, auto_convert: true, explicit_sample_format: true };
        let mut specific_all = specific(all, NEW).expect("new enough");
        let Specific::Wasapi(info) = &specific_all else { panic!("for WASAPI") };
        assert_eq!((info.size as usize, info.kind, info.flags), (size_of::<WasapiInfo>(), 13, 97));
        assert!(specific_all.age() && !specific_all.age(), "once");
        let Specific::Wasapi(info) = &specific_all else { panic!("for WASAPI") };
        assert_eq!(info.size as usize, size_of::<WasapiInfo>() - 16);
        let exclusive = WasapiSettings { exclusive: true, ..WasapiSettings::default() };
        assert!(specific(exclusive, 0x0013_0600).is_ok());
        let error = specific(all, 0x0013_0600).err().expect("would be ignored");
        assert_eq!(error.kind(), ErrorKind::NotSupported);
        assert!(error.message().contains("19.7"), "{error}");
    }
}
