//! The functions of libjack that are used here, found in the library at run time.
//!
//! Own declarations instead of the `jack` crate: a server may hang or die inside any call, so that who owns a client's
//! memory, and on which thread it is given up, has to be decided here; that crate ties both to values of its own.

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::sync::OnceLock;

/// Names under which the library is looked for.
const NAMES: &[&str] = if cfg!(target_os = "windows") {
    if cfg!(target_pointer_width = "64") { &["libjack64.dll"] } else { &["libjack.dll"] }
} else if cfg!(target_os = "macos") {
    &["libjack.0.dylib", "/usr/local/lib/libjack.0.dylib", "/opt/homebrew/lib/libjack.0.dylib"]
} else {
    &["libjack.so.0"]
};

/// `jack_client_t`
#[repr(C)]
pub(in crate::backend) struct RawClient([u8; 0]);

/// `jack_port_t`
#[repr(C)]
pub(in crate::backend) struct RawPort([u8; 0]);

/// `jack_latency_range_t`, in frames.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::backend) struct LatencyRange {
    pub min: u32,
    pub max: u32,
}

/// `JACK_DEFAULT_AUDIO_TYPE`
pub(super) const AUDIO: &std::ffi::CStr = c"32 bit float mono audio";

/// `JackNoStartServer`
pub(super) const NO_START_SERVER: c_int = 0x01;

/// `JackServerFailed`: there is none.
pub(in crate::backend) const SERVER_FAILED: c_int = 0x10;
/// `JackServerError`
pub(in crate::backend) const SERVER_ERROR: c_int = 0x20;

/// `JackPortFlags`
pub(super) const PORT_IS_INPUT: c_int = 0x01;
pub(super) const PORT_IS_OUTPUT: c_int = 0x02;
pub(super) const PORT_IS_PHYSICAL: c_int = 0x04;

/// `JackCaptureLatency`
pub(super) const CAPTURE_LATENCY: c_int = 0;
/// `JackPlaybackLatency`
pub(super) const PLAYBACK_LATENCY: c_int = 1;

pub(in crate::backend) type MessageCallback = unsafe extern "C" fn(*const c_char);
pub(in crate::backend) type ProcessCallback = unsafe extern "C" fn(u32, *mut c_void) -> c_int;
pub(in crate::backend) type PlainCallback = unsafe extern "C" fn(*mut c_void) -> c_int;
pub(in crate::backend) type LatencyCallback = unsafe extern "C" fn(c_int, *mut c_void);
pub(in crate::backend) type ShutdownCallback = unsafe extern "C" fn(c_int, *const c_char, *mut c_void);
pub(in crate::backend) type RegistrationCallback = unsafe extern "C" fn(u32, c_int, *mut c_void);

type ClientOpen = unsafe extern "C" fn(*const c_char, c_int, *mut c_int, ...) -> *mut RawClient;

macro_rules! library {
    ($($name:ident: $type:ty,)*) => {
        /// The library's functions under their own names, less `jack_`.
        #[cfg_attr(not(all(feature = "portaudio", target_os = "linux")), allow(dead_code))] // what keeps PortAudio's client uses more
        pub(in crate::backend) struct Library {
            $(pub $name: $type,)*
            _handle: libloading::Library,
        }

        impl Library {
            fn load() -> Result<Self, String> {
                let handle = open()?;
                // SAFETY: the types are those of the library's interface, which has not changed since 2010.
                unsafe {
                    $(let $name = *handle.get::<$type>(concat!("jack_", stringify!($name))).map_err(text)?;)*
                    Ok(Self { $($name,)* _handle: handle })
                }
            }
        }
    };
}

library! {
    client_open: ClientOpen,
    client_close: unsafe extern "C" fn(*mut RawClient) -> c_int,
    get_client_name: unsafe extern "C" fn(*mut RawClient) -> *const c_char,
    get_uuid_for_client_name: unsafe extern "C" fn(*mut RawClient, *const c_char) -> *mut c_char,
    activate: unsafe extern "C" fn(*mut RawClient) -> c_int,
    deactivate: unsafe extern "C" fn(*mut RawClient) -> c_int,
    get_sample_rate: unsafe extern "C" fn(*mut RawClient) -> u32,
    get_buffer_size: unsafe extern "C" fn(*mut RawClient) -> u32,
    get_cycle_times: unsafe extern "C" fn(*mut RawClient, *mut u32, *mut u64, *mut u64, *mut f32) -> c_int,
    get_time: unsafe extern "C" fn() -> u64,
    get_ports: unsafe extern "C" fn(*mut RawClient, *const c_char, *const c_char, c_ulong) -> *mut *const c_char,
    free: unsafe extern "C" fn(*mut c_void),
    port_by_id: unsafe extern "C" fn(*mut RawClient, u32) -> *mut RawPort,
    port_by_name: unsafe extern "C" fn(*mut RawClient, *const c_char) -> *mut RawPort,
    port_register: unsafe extern "C" fn(*mut RawClient, *const c_char, *const c_char, c_ulong, c_ulong) -> *mut RawPort,
    port_unregister: unsafe extern "C" fn(*mut RawClient, *mut RawPort) -> c_int,
    port_name: unsafe extern "C" fn(*const RawPort) -> *const c_char,
    port_flags: unsafe extern "C" fn(*const RawPort) -> c_int,
    port_connected: unsafe extern "C" fn(*const RawPort) -> c_int,
    port_get_buffer: unsafe extern "C" fn(*mut RawPort, u32) -> *mut c_void,
    port_get_latency_range: unsafe extern "C" fn(*mut RawPort, c_int, *mut LatencyRange),
    connect: unsafe extern "C" fn(*mut RawClient, *const c_char, *const c_char) -> c_int,
    set_process_callback: unsafe extern "C" fn(*mut RawClient, Option<ProcessCallback>, *mut c_void) -> c_int,
    set_xrun_callback: unsafe extern "C" fn(*mut RawClient, Option<PlainCallback>, *mut c_void) -> c_int,
    set_latency_callback: unsafe extern "C" fn(*mut RawClient, Option<LatencyCallback>, *mut c_void) -> c_int,
    set_sample_rate_callback: unsafe extern "C" fn(*mut RawClient, Option<ProcessCallback>, *mut c_void) -> c_int,
    set_port_registration_callback:
        unsafe extern "C" fn(*mut RawClient, Option<RegistrationCallback>, *mut c_void) -> c_int,
    on_info_shutdown: unsafe extern "C" fn(*mut RawClient, Option<ShutdownCallback>, *mut c_void),
    set_error_function: unsafe extern "C" fn(Option<MessageCallback>),
    set_info_function: unsafe extern "C" fn(Option<MessageCallback>),
}

/// The library, or why there is none. Asked for once: who installs it later starts the program again.
pub(in crate::backend) fn library() -> Result<&'static Library, &'static str> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    let loaded = LIBRARY.get_or_init(|| {
        let library = Library::load()?;
        // SAFETY: `silent` may be called from any thread.
        unsafe {
            (library.set_error_function)(Some(silent));
            (library.set_info_function)(Some(silent));
        }
        Ok(library)
    });
    loaded.as_ref().map_err(String::as_str)
}

/// What libjack would print: its failures are reported by return values too.
unsafe extern "C" fn silent(_: *const c_char) {}

fn open() -> Result<libloading::Library, String> {
    let mut reason = String::new();
    for name in NAMES {
        // SAFETY: libjack runs nothing of consequence when it is loaded, and is never unloaded.
        match unsafe { libloading::Library::new(*name) } {
            Ok(handle) => return Ok(handle),
            Err(error) => reason = text(error),
        }
    }
    Err(reason)
}

fn text(error: libloading::Error) -> String {
    error.to_string()
}
