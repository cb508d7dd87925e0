//! The functions and structures of PortAudio, found in the library at run time.
//!
//! Own declarations: nothing is linked, nothing is downloaded. The layouts are those of portaudio.h, which have not
//! changed since 19.0.

use std::ffi::{CStr, OsString, c_char, c_double, c_int, c_long, c_ulong, c_void};
use std::sync::OnceLock;

use super::guards::{Guarded, guard};

/// Names under which the library is looked for.
const NAMES: &[&str] = if cfg!(target_os = "windows") {
    &["portaudio.dll", "libportaudio.dll", "portaudio_x64.dll", "libportaudio-2.dll"]
} else if cfg!(target_os = "macos") {
    &[
        "libportaudio.dylib",
        "libportaudio.2.dylib",
        "/opt/homebrew/lib/libportaudio.2.dylib",
        "/usr/local/lib/libportaudio.2.dylib",
    ]
} else {
    &["libportaudio.so.2"]
};

/// What to do where there is none that can be used.
const INSTALL: &str = if cfg!(target_os = "windows") {
    "put portaudio.dll beside the program"
} else if cfg!(target_os = "macos") {
    "brew install portaudio"
} else {
    "install libportaudio2 (Debian, Ubuntu), portaudio (Fedora, Arch)"
};

/// Names the file to load instead.
const VARIABLE: &str = "SOUNDDEVICE_PORTAUDIO";

/// 19.6.0, the oldest that is tried: `paMakeVersionNumber`.
const OLDEST: c_int = 0x0013_0600;

/// `PaStream`
#[repr(C)]
pub(super) struct RawStream([u8; 0]);

/// `paNoDevice`
pub(super) const NO_DEVICE: c_int = -1;
/// `paIncompatibleHostApiSpecificStreamInfo`
pub(super) const OTHER_SETTINGS: c_int = -9984;
/// `paUnanticipatedHostError`
pub(super) const HOST_ERROR: c_int = -9999;

/// `PaSampleFormat`
pub(super) const FLOAT32: c_ulong = 0x01;
pub(super) const INT32: c_ulong = 0x02;
pub(super) const INT24: c_ulong = 0x04;
pub(super) const INT16: c_ulong = 0x08;

/// `paClipOff` and `paDitherOff`: the engine has done both.
pub(super) const UNTOUCHED: c_ulong = 0x01 | 0x02;

/// `PaStreamCallbackResult`
pub(super) const CONTINUE: c_int = 0;
pub(super) const ABORT: c_int = 2;

/// `PaHostApiTypeId`
pub(super) const DIRECT_SOUND: c_int = 1;
pub(super) const MME: c_int = 2;
pub(super) const ASIO: c_int = 3;
pub(super) const CORE_AUDIO: c_int = 5;
pub(super) const OSS: c_int = 7;
pub(super) const ALSA: c_int = 8;
pub(super) const WDM_KS: c_int = 11;
pub(super) const JACK: c_int = 12;
pub(super) const WASAPI: c_int = 13;
pub(super) const AUDIO_SCIENCE: c_int = 14;
pub(super) const AUDIO_IO: c_int = 15;
pub(super) const PULSE_AUDIO: c_int = 16;
pub(super) const SNDIO: c_int = 17;

/// `PaHostApiInfo`
#[repr(C)]
pub(super) struct HostApiInfo {
    pub struct_version: c_int,
    pub kind: c_int,
    pub name: *const c_char,
    pub device_count: c_int,
    pub default_input: c_int,
    pub default_output: c_int,
}

/// `PaHostErrorInfo`
#[repr(C)]
pub(super) struct HostErrorInfo {
    pub kind: c_int,
    pub code: c_long,
    pub text: *const c_char,
}

/// `PaDeviceInfo`
#[repr(C)]
pub(super) struct DeviceInfo {
    pub struct_version: c_int,
    pub name: *const c_char,
    pub host_api: c_int,
    pub max_input_channels: c_int,
    pub max_output_channels: c_int,
    pub low_input_latency: c_double,
    pub low_output_latency: c_double,
    pub high_input_latency: c_double,
    pub high_output_latency: c_double,
    pub default_sample_rate: c_double,
}

/// `PaStreamParameters`
#[repr(C)]
pub(super) struct StreamParameters {
    pub device: c_int,
    pub channels: c_int,
    pub format: c_ulong,
    pub latency: c_double,
    pub specific: *mut c_void,
}

/// `PaStreamCallbackTimeInfo`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeInfo {
    pub adc: c_double,
    pub now: c_double,
    pub dac: c_double,
}

/// `PaStreamInfo`
#[repr(C)]
pub(super) struct StreamInfo {
    pub struct_version: c_int,
    pub input_latency: c_double,
    pub output_latency: c_double,
    pub sample_rate: c_double,
}

/// `PaStreamCallback`
pub(super) type Callback =
    unsafe extern "C" fn(*const c_void, *mut c_void, c_ulong, *const TimeInfo, c_ulong, *mut c_void) -> c_int;
/// `PaStreamFinishedCallback`
pub(super) type FinishedCallback = unsafe extern "C" fn(*mut c_void);

type OpenStream = unsafe extern "C" fn(
    *mut *mut RawStream,
    *const StreamParameters,
    *const StreamParameters,
    c_double,
    c_ulong,
    c_ulong,
    Callback,
    *mut c_void,
) -> c_int;

macro_rules! library {
    ($($name:ident = $symbol:literal: $type:ty,)*) => {
        /// The library's functions.
        pub(super) struct Library {
            $(pub $name: $type,)*
            /// What is kept from ending or hanging the program: see [`super::guards`].
            pub guarded: Guarded,
            _handle: libloading::Library,
        }

        impl Library {
            fn from(handle: libloading::Library, others: bool) -> Result<Self, String> {
                // SAFETY: the types are those of portaudio.h.
                unsafe {
                    $(let $name = *handle.get::<$type>($symbol).map_err(text)?;)*
                    let address = |name: &[u8]| handle.get::<*const c_void>(name).map(|address| *address);
                    let inside = address(b"Pa_Initialize").map_err(text)?;
                    // Others may be calling what would be changed.
                    let guarded = match others {
                        false => guard(inside, address(b"jack_client_open").ok()),
                        true => Guarded { jack: !cfg!(target_os = "linux"), alsa: !cfg!(target_os = "linux") },
                    };
                    Ok(Self { $($name,)* guarded, _handle: handle })
                }
            }
        }
    };
}

library! {
    version = b"Pa_GetVersion": unsafe extern "C" fn() -> c_int,
    version_text = b"Pa_GetVersionText": unsafe extern "C" fn() -> *const c_char,
    error_text = b"Pa_GetErrorText": unsafe extern "C" fn(c_int) -> *const c_char,
    initialize = b"Pa_Initialize": unsafe extern "C" fn() -> c_int,
    terminate = b"Pa_Terminate": unsafe extern "C" fn() -> c_int,
    host_api_count = b"Pa_GetHostApiCount": unsafe extern "C" fn() -> c_int,
    host_api_info = b"Pa_GetHostApiInfo": unsafe extern "C" fn(c_int) -> *const HostApiInfo,
    device_index = b"Pa_HostApiDeviceIndexToDeviceIndex": unsafe extern "C" fn(c_int, c_int) -> c_int,
    device_info = b"Pa_GetDeviceInfo": unsafe extern "C" fn(c_int) -> *const DeviceInfo,
    last_host_error = b"Pa_GetLastHostErrorInfo": unsafe extern "C" fn() -> *const HostErrorInfo,
    is_format_supported = b"Pa_IsFormatSupported":
        unsafe extern "C" fn(*const StreamParameters, *const StreamParameters, c_double) -> c_int,
    open_stream = b"Pa_OpenStream": OpenStream,
    close_stream = b"Pa_CloseStream": unsafe extern "C" fn(*mut RawStream) -> c_int,
    set_finished_callback = b"Pa_SetStreamFinishedCallback":
        unsafe extern "C" fn(*mut RawStream, Option<FinishedCallback>) -> c_int,
    start_stream = b"Pa_StartStream": unsafe extern "C" fn(*mut RawStream) -> c_int,
    stop_stream = b"Pa_StopStream": unsafe extern "C" fn(*mut RawStream) -> c_int,
    stream_info = b"Pa_GetStreamInfo": unsafe extern "C" fn(*mut RawStream) -> *const StreamInfo,
}

/// The library, or why there is none. Asked for once: who installs it later starts the program again.
pub(super) fn library() -> Result<&'static Library, &'static str> {
    loaded().get_or_init(load).as_ref().map_err(String::as_str)
}

/// The version, if the library has been loaded already.
pub(super) fn version() -> Option<(i32, String)> {
    loaded().get()?.as_ref().ok().map(Library::version)
}

fn loaded() -> &'static OnceLock<Result<Library, String>> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    &LIBRARY
}

impl Library {
    /// PortAudio's number of its version.
    pub(super) fn number(&self) -> c_int {
        // SAFETY: may be called at any time.
        unsafe { (self.version)() }
    }

    fn version(&self) -> (i32, String) {
        // SAFETY: these two may be called at any time; the text is the library's own and stays.
        unsafe { ((self.version)(), owned((self.version_text)())) }
    }

    /// What PortAudio says of an error.
    pub(super) fn words(&self, error: c_int) -> String {
        // SAFETY: any number is allowed; the text is the library's own.
        unsafe { owned((self.error_text)(error)) }
    }
}

/// # Safety
/// Null, or a terminated text.
pub(super) unsafe fn owned(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as demanded.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn load() -> Result<Library, String> {
    let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let names = named.as_ref().map_or_else(|| NAMES.iter().map(OsString::from).collect(), |path| vec![path.clone()]);
    let found = open(&names).and_then(|(handle, others)| {
        let library = Library::from(handle, others)?;
        let (number, text) = library.version();
        recent(number, &text).map(|()| library)
    });
    let whose = named.map_or_else(String::new, |path| format!("{VARIABLE} names '{}': ", path.display()));
    found.map_err(|reason| format!("{whose}{reason}; {INSTALL}, or name its file in {VARIABLE}"))
}

/// The library, and whether others of this process had loaded it before.
fn open(names: &[OsString]) -> Result<(libloading::Library, bool), String> {
    let mut reason = String::new();
    for name in names {
        let others = is_loaded(name);
        // SAFETY: PortAudio runs nothing of consequence when it is loaded, and is never unloaded.
        match unsafe { libloading::Library::new(name) } {
            Ok(handle) => return Ok((handle, others)),
            Err(error) => reason = text(error),
        }
    }
    Err(reason)
}

#[cfg(target_os = "linux")]
fn is_loaded(name: &std::ffi::OsStr) -> bool {
    use libloading::os::unix::{Library, RTLD_LAZY};
    // SAFETY: nothing is loaded that is not loaded already.
    unsafe { Library::open(Some(name), RTLD_LAZY | libc::RTLD_NOLOAD) }.is_ok()
}

/// Nothing depends on it.
#[cfg(not(target_os = "linux"))]
fn is_loaded(_: &std::ffi::OsStr) -> bool {
    false
}

fn text(error: libloading::Error) -> String {
    // The loader's own words are behind.
    let why = std::error::Error::source(&error).map(ToString::to_string);
    why.unwrap_or_else(|| error.to_string())
}

/// Before 19.6 versions were counted otherwise: 1899, 1900.
fn recent(number: c_int, text: &str) -> Result<(), String> {
    if number >= OLDEST {
        return Ok(());
    }
    Err(format!("expected PortAudio 19.6 or newer, got '{text}' ({number})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_19_6_are_refused() {
        assert_eq!(recent(1_246_720, "PortAudio V19.6.0-devel"), Ok(()));
        assert_eq!(recent(0x0013_0700, "PortAudio V19.7.0-devel"), Ok(()));
        for old in [1899, 1900, 0, -1] {
            assert!(recent(old, "V19").is_err_and(|reason| reason.contains("19.6")), "{old}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_told() {
        let reason = open(&["/nonexistent/libportaudio".into()]).map(drop).expect_err("no such file");
        assert!(reason.contains("/nonexistent/libportaudio"), "{reason}");
    }
}
