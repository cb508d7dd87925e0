//! libpulse, opened at run time: the declarations that this adapter needs, and no more.
//!
//! The layouts are those of the public headers of libpulse 1.0 and later, whose ABI is stable. Structures that the
//! library hands out may grow at their end; only their beginnings are declared and they are never made here.

#![allow(non_camel_case_types)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

macro_rules! opaque {
    ($($name:ident)*) => { $(#[repr(C)] pub(super) struct $name { _private: [u8; 0] })* };
}

opaque! { Mainloop MainloopApi Context Operation Stream }

pub(super) const CHANNELS_MAX: usize = 32;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleSpec {
    pub format: c_int,
    pub rate: u32,
    pub channels: u8,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct ChannelMap {
    pub channels: u8,
    pub map: [c_int; CHANNELS_MAX],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Volume {
    pub channels: u8,
    pub values: [u32; CHANNELS_MAX],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct BufferAttr {
    pub maxlength: u32,
    pub tlength: u32,
    pub prebuf: u32,
    pub minreq: u32,
    pub fragsize: u32,
}

/// The beginning of both pa_sink_info and pa_source_info, which are alike so far.
#[repr(C)]
pub(super) struct DeviceInfo {
    pub name: *const c_char,
    pub index: u32,
    pub description: *const c_char,
    pub sample_spec: SampleSpec,
    pub channel_map: ChannelMap,
    pub owner_module: u32,
    pub volume: Volume,
    pub mute: c_int,
    /// Of a sink its monitor; of a monitor its sink, else [`INVALID_INDEX`].
    pub monitor: u32,
    pub monitor_name: *const c_char,
    pub latency: u64,
    pub driver: *const c_char,
    pub flags: c_int,
    pub proplist: *const c_void,
    pub configured_latency: u64,
}

#[repr(C)]
pub(super) struct ServerInfo {
    pub user_name: *const c_char,
    pub host_name: *const c_char,
    pub server_version: *const c_char,
    pub server_name: *const c_char,
    pub sample_spec: SampleSpec,
    pub default_sink_name: *const c_char,
    pub default_source_name: *const c_char,
}

#[repr(C)]
pub(super) struct TimingInfo {
    pub timestamp: libc::timeval,
    pub synchronized_clocks: c_int,
    pub sink_usec: u64,
    pub source_usec: u64,
    pub transport_usec: u64,
    pub playing: c_int,
    pub write_index_corrupt: c_int,
    pub write_index: i64,
    pub read_index_corrupt: c_int,
    pub read_index: i64,
}

pub(super) const INVALID_INDEX: u32 = u32::MAX;

pub(super) const SAMPLE_S16: c_int = if cfg!(target_endian = "little") { 3 } else { 4 };
pub(super) const SAMPLE_FLOAT32: c_int = if cfg!(target_endian = "little") { 5 } else { 6 };
pub(super) const SAMPLE_S32: c_int = if cfg!(target_endian = "little") { 7 } else { 8 };
/// Packed and little-endian on every machine, as our own int24 is.
pub(super) const SAMPLE_S24LE: c_int = 9;

pub(super) const CONTEXT_NOAUTOSPAWN: c_int = 1;
pub(super) const CONTEXT_READY: c_int = 4;
pub(super) const CONTEXT_FAILED: c_int = 5;
pub(super) const CONTEXT_TERMINATED: c_int = 6;

pub(super) const STREAM_CREATING: c_int = 1;
pub(super) const STREAM_READY: c_int = 2;

pub(super) const STREAM_START_CORKED: c_int = 0x0001;
pub(super) const STREAM_AUTO_TIMING_UPDATE: c_int = 0x0008;
pub(super) const STREAM_NO_REMAP_CHANNELS: c_int = 0x0010;
pub(super) const STREAM_NO_REMIX_CHANNELS: c_int = 0x0020;
pub(super) const STREAM_ADJUST_LATENCY: c_int = 0x2000;

pub(super) const SINK_DYNAMIC_LATENCY: c_int = 0x0080;
pub(super) const SOURCE_DYNAMIC_LATENCY: c_int = 0x0040;

/// The first of 32 positions without a place in a room.
pub(super) const CHANNEL_AUX0: c_int = 12;

pub(super) const SEEK_RELATIVE: c_int = 0;
pub(super) const SEEK_RELATIVE_ON_READ: c_int = 2;

pub(super) const ERR_ACCESS: c_int = 1;
pub(super) const ERR_INVALID: c_int = 3;
pub(super) const ERR_NOENTITY: c_int = 5;
pub(super) const ERR_TIMEOUT: c_int = 8;
pub(super) const ERR_AUTHKEY: c_int = 9;
pub(super) const ERR_INTERNAL: c_int = 10;
pub(super) const ERR_NOTSUPPORTED: c_int = 19;

pub(super) type DeviceInfoCb = unsafe extern "C" fn(*mut Context, *const DeviceInfo, c_int, *mut c_void);
pub(super) type ServerInfoCb = unsafe extern "C" fn(*mut Context, *const ServerInfo, *mut c_void);
pub(super) type SubscribeCb = unsafe extern "C" fn(*mut Context, c_int, u32, *mut c_void);
pub(super) type StreamNotify = unsafe extern "C" fn(*mut Stream, *mut c_void);

/// Sinks, sources and the server itself, which has the defaults.
pub(super) const SUBSCRIBE_DEVICES: c_int = 0x01 | 0x02 | 0x80;
/// What plays on sinks and records from sources.
pub(super) const SUBSCRIBE_STREAMS: c_int = 0x04 | 0x08;

/// What an event is about: its position among the bits above.
pub(super) const EVENT_FACILITY: c_int = 0x0f;
/// Whether something has come, changed or gone.
pub(super) const EVENT_TYPE: c_int = 0x30;
pub(super) const EVENT_CHANGE: c_int = 0x10;

macro_rules! functions {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of libpulse.
        pub(super) struct Library {
            $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Library {
            fn open() -> Option<Self> {
                // SAFETY: libpulse's initialisers have no preconditions.
                let library = unsafe { libloading::Library::new("libpulse.so.0") }.ok()?;
                // Never closed: threads of the library's own may be anywhere in it.
                let library = Box::leak(Box::new(library));
                // SAFETY: the types are those of the public headers.
                unsafe { Some(Self { $($name: *library.get(concat!(stringify!($name), "\0")).ok()?,)* }) }
            }
        }
    };
}

functions! {
    pa_strerror(c_int) -> *const c_char;
    pa_mainloop_new() -> *mut Mainloop;
    pa_mainloop_free(*mut Mainloop);
    pa_mainloop_get_api(*mut Mainloop) -> *mut MainloopApi;
    pa_mainloop_prepare(*mut Mainloop, c_int) -> c_int;
    pa_mainloop_poll(*mut Mainloop) -> c_int;
    pa_mainloop_dispatch(*mut Mainloop) -> c_int;
    pa_mainloop_wakeup(*mut Mainloop);
    pa_sample_rate_valid(u32) -> c_int;
    pa_context_new(*mut MainloopApi, *const c_char) -> *mut Context;
    pa_context_unref(*mut Context);
    pa_context_connect(*mut Context, *const c_char, c_int, *const c_void) -> c_int;
    pa_context_disconnect(*mut Context);
    pa_context_get_state(*const Context) -> c_int;
    pa_context_errno(*const Context) -> c_int;
    pa_context_get_server_info(*mut Context, ServerInfoCb, *mut c_void) -> *mut Operation;
    pa_context_get_sink_info_list(*mut Context, DeviceInfoCb, *mut c_void) -> *mut Operation;
    pa_context_get_source_info_list(*mut Context, DeviceInfoCb, *mut c_void) -> *mut Operation;
    pa_context_get_sink_info_by_name(*mut Context, *const c_char, DeviceInfoCb, *mut c_void) -> *mut Operation;
    pa_context_get_source_info_by_name(*mut Context, *const c_char, DeviceInfoCb, *mut c_void) -> *mut Operation;
    pa_context_set_subscribe_callback(*mut Context, SubscribeCb, *mut c_void);
    pa_context_subscribe(*mut Context, c_int, *const c_void, *mut c_void) -> *mut Operation;
    pa_operation_unref(*mut Operation);
    pa_operation_cancel(*mut Operation);
    pa_stream_new(*mut Context, *const c_char, *const SampleSpec, *const ChannelMap) -> *mut Stream;
    pa_stream_unref(*mut Stream);
    pa_stream_connect_playback(*mut Stream, *const c_char, *const BufferAttr, c_int, *const Volume, *mut Stream) -> c_int;
    pa_stream_connect_record(*mut Stream, *const c_char, *const BufferAttr, c_int) -> c_int;
    pa_stream_disconnect(*mut Stream) -> c_int;
    pa_stream_get_state(*const Stream) -> c_int;
    pa_stream_get_buffer_attr(*mut Stream) -> *const BufferAttr;
    pa_stream_set_underflow_callback(*mut Stream, Option<StreamNotify>, *mut c_void);
    pa_stream_set_latency_update_callback(*mut Stream, Option<StreamNotify>, *mut c_void);
    pa_stream_set_moved_callback(*mut Stream, Option<StreamNotify>, *mut c_void);
    pa_stream_is_suspended(*const Stream) -> c_int;
    pa_stream_readable_size(*const Stream) -> usize;
    pa_stream_peek(*mut Stream, *mut *const c_void, *mut usize) -> c_int;
    pa_stream_drop(*mut Stream) -> c_int;
    pa_stream_write(*mut Stream, *const c_void, usize, *const c_void, i64, c_int) -> c_int;
    pa_stream_writable_size(*const Stream) -> usize;
    pa_stream_cork(*mut Stream, c_int, *const c_void, *mut c_void) -> *mut Operation;
    pa_stream_update_timing_info(*mut Stream, *const c_void, *mut c_void) -> *mut Operation;
    pa_stream_get_timing_info(*mut Stream) -> *const TimingInfo;
}

/// The library, loaded by the first call; none where it is not installed.
pub(super) fn library() -> Option<&'static Library> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    LIBRARY.get_or_init(Library::open).as_ref()
}

impl Library {
    /// The library's words for one of its numbers.
    pub(super) fn text(&self, code: c_int) -> String {
        // SAFETY: any number is allowed; the answer is null or a string that stays.
        text(unsafe { (self.pa_strerror)(code) })
    }

    /// Lets an operation run on by itself.
    pub(super) fn forget(&self, operation: *mut Operation) {
        if !operation.is_null() {
            // SAFETY: an operation is returned with one reference, which is ours.
            unsafe { (self.pa_operation_unref)(operation) };
        }
    }
}

/// A string of the library's; empty for null.
pub(super) fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: the library's strings end with a zero and live as long as the call that hands them out.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
