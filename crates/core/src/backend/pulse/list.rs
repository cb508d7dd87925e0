//! The devices of now: one connection, three questions at once.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::time::{Duration, Instant};

use super::connection::{Connection, Device, Question, Refusal};
use super::library::{self, Context, Library, text};
use crate::backend::{DeviceRecord, HostListing};

/// How long a server may take for all of it: one that is started by its first client takes a second or two.
const PATIENCE: Duration = Duration::from_millis(4500);

/// What a source is called as a device where a sink has the same name.
const SOURCE_PREFIX: &str = "source:";

/// The server's name of what a key stands for.
pub(super) fn name_of(key: &str, input: bool) -> &str {
    if input { key.strip_prefix(SOURCE_PREFIX).unwrap_or(key) } else { key }
}

#[derive(Default)]
struct Answers {
    /// Its own name.
    server: String,
    default_sink: String,
    default_source: String,
    sinks: Vec<Device>,
    sources: Vec<Device>,
    /// Questions that have been answered.
    done: usize,
}

pub(super) fn list(library: &'static Library) -> Result<HostListing, Refusal> {
    let end = Instant::now() + PATIENCE;
    Ok(ask(&Connection::open(library, end)?, end)?.listing)
}

/// What a server says of itself.
pub(super) struct Found {
    pub(super) listing: HostListing,
    /// Whether it is PipeWire's.
    pub(super) is_pipewire: bool,
}

/// The same over a connection that is there.
pub(super) fn ask(connection: &Connection, end: Instant) -> Result<Found, Refusal> {
    let library = connection.library;
    let answers = Box::new(UnsafeCell::new(Answers::default()));
    let (context, into) = (connection.context, answers.get().cast::<c_void>());
    // SAFETY: the callbacks fit their questions; `answers` outlives the questions, which end their callbacks.
    let questions = unsafe {
        [
            (library.pa_context_get_server_info)(context, server, into),
            (library.pa_context_get_sink_info_list)(context, sink, into),
            (library.pa_context_get_source_info_list)(context, source, into),
        ]
    }
    .map(|operation| Question::new(library, operation));
    // SAFETY: callbacks write to it in `until` only, between two looks.
    let done = connection.until(end, || (unsafe { (*answers.get()).done } >= questions.len()).then_some(()));
    drop(questions);
    done?;
    let answers = answers.into_inner();
    let is_pipewire = answers.server.contains("PipeWire");
    Ok(Found { listing: compose(answers), is_pipewire })
}

unsafe extern "C" fn server(_: *mut Context, info: *const library::ServerInfo, into: *mut c_void) {
    // SAFETY: `into` is the `Answers` of `list`, which nobody looks at while callbacks run.
    let answers = unsafe { &mut *into.cast::<Answers>() };
    // SAFETY: null, or valid during this call.
    if let Some(info) = unsafe { info.as_ref() } {
        answers.server = text(info.server_name);
        answers.default_sink = text(info.default_sink_name);
        answers.default_source = text(info.default_source_name);
    }
    answers.done += 1;
}

unsafe extern "C" fn sink(_: *mut Context, info: *const library::DeviceInfo, end: c_int, into: *mut c_void) {
    // SAFETY: as in `server`.
    let answers = unsafe { &mut *into.cast::<Answers>() };
    // SAFETY: null at the end of the list, else valid during this call.
    match unsafe { info.as_ref() } {
        Some(info) if end == 0 => answers.sinks.push(Device::new(info, false)),
        _ => answers.done += 1,
    }
}

unsafe extern "C" fn source(_: *mut Context, info: *const library::DeviceInfo, end: c_int, into: *mut c_void) {
    // SAFETY: as in `server`.
    let answers = unsafe { &mut *into.cast::<Answers>() };
    // SAFETY: as in `sink`.
    match unsafe { info.as_ref() } {
        Some(info) if end == 0 => answers.sources.push(Device::new(info, true)),
        _ => answers.done += 1,
    }
}

/// Low latency: two of the shortest periods (64 frames at 48 kHz). High: eight of the usual ones (256 frames). Where the
/// device has a latency of its own that no stream can change, low is at least that and high at least twice that.
fn latencies(device: &Device) -> (f64, f64) {
    let (short, usual) = (64.0 / 48_000.0, 256.0 / 48_000.0);
    (f64::max(2.0 * short, device.fixed_latency), f64::max(8.0 * usual, 2.0 * device.fixed_latency))
}

/// Outputs, then inputs, then what hears the outputs.
fn compose(answers: Answers) -> HostListing {
    let (monitors, microphones): (Vec<Device>, Vec<Device>) =
        answers.sources.into_iter().partition(|source| source.is_monitor);
    let mut listing = HostListing::default();
    for sink in &answers.sinks {
        let (low, high) = latencies(sink);
        if sink.name == answers.default_sink {
            listing.default_output = Some(listing.devices.len());
        }
        listing.devices.push(DeviceRecord {
            key: sink.name.clone(),
            name: sink.description.clone(),
            max_input_channels: 0,
            max_output_channels: sink.channels(),
            low_input_latency: 0.0,
            low_output_latency: low,
            high_input_latency: 0.0,
            high_output_latency: high,
            default_sample_rate: sink.rate.into(),
            is_loopback: false,
        });
    }
    for source in microphones.into_iter().chain(monitors) {
        let (low, high) = latencies(&source);
        if source.name == answers.default_source {
            listing.default_input = Some(listing.devices.len());
        }
        let taken = answers.sinks.iter().any(|sink| sink.name == source.name);
        listing.devices.push(DeviceRecord {
            max_input_channels: source.channels(),
            max_output_channels: 0,
            low_input_latency: low,
            low_output_latency: 0.0,
            high_input_latency: high,
            high_output_latency: 0.0,
            default_sample_rate: source.rate.into(),
            is_loopback: source.is_monitor,
            key: if taken { format!("{SOURCE_PREFIX}{}", source.name) } else { source.name },
            name: source.description,
        });
    }
    listing
}
