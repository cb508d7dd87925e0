//! One direction of a stream: a playback or record stream of the library, used by one thread.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::time::Instant;

use super::connection::{Connection, Refusal};
use super::library::{self, BufferAttr, Library, SampleSpec, Stream};
use super::line::Line;

/// What the library's callbacks leave to be looked at after them.
#[derive(Default)]
struct News {
    underflow: Cell<bool>,
    moved: Cell<bool>,
    timing: Cell<bool>,
}

pub(super) struct Pipe {
    library: &'static Library,
    stream: *mut Stream,
    news: Box<News>,
    pub(super) input: bool,
    pub(super) frame_bytes: usize,
    pub(super) line: Line,
    /// Frames read or written so far.
    pub(super) frames: u64,
    /// How often in a row the server has told that what is written comes too late.
    pub(super) late: u32,
}

/// Where the next write goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Next,
    /// So many frames after the one that is played next.
    Ahead(usize),
}

/// Some input. Without samples it is a hole in the recording.
pub(super) struct Fragment<'a> {
    pub bytes: usize,
    pub samples: Option<&'a [u8]>,
}

/// What is to be opened.
pub(super) struct Wanted<'a> {
    pub name: &'a CStr,
    pub spec: SampleSpec,
    pub map: library::ChannelMap,
    pub frame_bytes: usize,
    pub period: usize,
    pub attributes: BufferAttr,
}

impl Pipe {
    /// Opens a stream that does not run yet.
    pub(super) fn open(
        connection: &Connection,
        input: bool,
        wanted: &Wanted<'_>,
        end: Instant,
    ) -> Result<Self, Refusal> {
        let library = connection.library;
        let title = if input { c"Capture" } else { c"Playback" };
        // SAFETY: the context is ready; name and structures live through the call.
        let stream = unsafe { (library.pa_stream_new)(connection.context, title.as_ptr(), &wanted.spec, &wanted.map) };
        if stream.is_null() {
            return Err(connection.refusal());
        }
        let pipe = Self {
            library,
            stream,
            news: Box::default(),
            input,
            frame_bytes: wanted.frame_bytes,
            line: Line::new(wanted.spec.rate.into(), wanted.period),
            frames: 0,
            late: 0,
        };
        let news = ptr::from_ref::<News>(&pipe.news).cast_mut().cast::<c_void>();
        let (name, attributes) = (wanted.name.as_ptr(), &wanted.attributes);
        // Channel n is channel n, whatever their positions are called.
        let flags = library::STREAM_START_CORKED
            | library::STREAM_AUTO_TIMING_UPDATE
            | library::STREAM_NO_REMAP_CHANNELS
            | library::STREAM_NO_REMIX_CHANNELS;
        // SAFETY: `news` is on the heap and outlives the callbacks, which `drop` removes; the rest lives through the calls.
        let status = unsafe {
            (library.pa_stream_set_moved_callback)(stream, Some(moved), news);
            (library.pa_stream_set_latency_update_callback)(stream, Some(timing), news);
            if input {
                (library.pa_stream_connect_record)(stream, name, attributes, flags | library::STREAM_ADJUST_LATENCY)
            } else {
                (library.pa_stream_set_underflow_callback)(stream, Some(underflow), news);
                (library.pa_stream_connect_playback)(stream, name, attributes, flags, ptr::null(), ptr::null_mut())
            }
        };
        if status < 0 {
            return Err(connection.refusal());
        }
        connection.until(end, || (pipe.state() != library::STREAM_CREATING).then_some(()))?;
        if pipe.alive() { Ok(pipe) } else { Err(connection.refusal()) }
    }

    fn state(&self) -> c_int {
        // SAFETY: the stream lives as long as this.
        unsafe { (self.library.pa_stream_get_state)(self.stream) }
    }

    pub(super) fn alive(&self) -> bool {
        self.state() == library::STREAM_READY
    }

    pub(super) fn attributes(&self) -> Option<BufferAttr> {
        // SAFETY: null, or a structure of the stream's own.
        unsafe { (self.library.pa_stream_get_buffer_attr)(self.stream).as_ref() }.copied()
    }

    pub(super) fn run(&self) {
        // SAFETY: the stream lives; no callback is asked for.
        let operation = unsafe { (self.library.pa_stream_cork)(self.stream, 0, ptr::null(), ptr::null_mut()) };
        self.library.forget(operation);
        self.ask_timing();
    }

    pub(super) fn ask_timing(&self) {
        // SAFETY: as above.
        let operation =
            unsafe { (self.library.pa_stream_update_timing_info)(self.stream, ptr::null(), ptr::null_mut()) };
        self.library.forget(operation);
    }

    /// Looks at the timing that has come, if any. Everything read has been dropped, everything made has been written.
    pub(super) fn follow(&mut self, bytes_per_second: f64) -> bool {
        if !self.news.timing.take() {
            return false;
        }
        // SAFETY: null, or a structure of the stream's own, read before the library runs again.
        let Some(info) = (unsafe { (self.library.pa_stream_get_timing_info)(self.stream).as_ref() }) else {
            return false;
        };
        // A source that has given nothing yet tells when it was asked, not when it begins.
        let time = match self.input {
            true => info.captured(bytes_per_second).filter(|_| self.frames > 0),
            false => info.heard(bytes_per_second),
        };
        if let Some(time) = time {
            self.line.tell(time, self.frames);
        }
        self.late = if !self.input && info.is_behind() { self.late + 1 } else { 0 };
        time.is_some()
    }

    pub(super) fn underflowed(&self) -> bool {
        self.news.underflow.take()
    }

    pub(super) fn has_moved(&self) -> bool {
        self.news.moved.take()
    }

    pub(super) fn suspended(&self) -> bool {
        // SAFETY: the stream lives.
        unsafe { (self.library.pa_stream_is_suspended)(self.stream) == 1 }
    }

    /// Frames that wait to be read.
    pub(super) fn readable(&self) -> usize {
        // SAFETY: the stream lives.
        self.frames_of(unsafe { (self.library.pa_stream_readable_size)(self.stream) })
    }

    /// Frames that the server asks for.
    pub(super) fn writable(&self) -> usize {
        // SAFETY: the stream lives.
        self.frames_of(unsafe { (self.library.pa_stream_writable_size)(self.stream) })
    }

    fn frames_of(&self, bytes: usize) -> usize {
        // usize::MAX is the library's error.
        if bytes == usize::MAX { 0 } else { bytes / self.frame_bytes }
    }

    /// The next fragment, if there is one: to be given to `release`.
    pub(super) fn read(&self) -> Option<Fragment<'_>> {
        let (mut data, mut bytes) = (ptr::null(), 0);
        // SAFETY: the fragment stays until it is released.
        let status = unsafe { (self.library.pa_stream_peek)(self.stream, &mut data, &mut bytes) };
        if status < 0 || bytes == 0 {
            return None;
        }
        // SAFETY: the library says so many bytes are there, and `release` cannot be called while they are borrowed.
        let samples = (!data.is_null()).then(|| unsafe { std::slice::from_raw_parts(data.cast::<u8>(), bytes) });
        Some(Fragment { bytes, samples })
    }

    pub(super) fn release(&mut self, bytes: usize) {
        // SAFETY: something was peeked.
        unsafe { (self.library.pa_stream_drop)(self.stream) };
        self.frames += (bytes / self.frame_bytes) as u64;
    }

    pub(super) fn write(&mut self, samples: &[u8], place: Place) {
        let (offset, seek) = match place {
            Place::Next => (0, library::SEEK_RELATIVE),
            Place::Ahead(frames) => {
                self.line.forget();
                self.late = 0;
                ((frames * self.frame_bytes) as i64, library::SEEK_RELATIVE_ON_READ)
            }
        };
        // A stream that has failed refuses: its state says so.
        // SAFETY: the samples are copied.
        unsafe {
            (self.library.pa_stream_write)(
                self.stream,
                samples.as_ptr().cast(),
                samples.len(),
                ptr::null(),
                offset,
                seek,
            )
        };
        self.frames += (samples.len() / self.frame_bytes) as u64;
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let (library, stream) = (self.library, self.stream);
        // SAFETY: the one reference that `open` made; the callbacks that know `news` are removed before it goes.
        unsafe {
            (library.pa_stream_set_moved_callback)(stream, None, ptr::null_mut());
            (library.pa_stream_set_latency_update_callback)(stream, None, ptr::null_mut());
            (library.pa_stream_set_underflow_callback)(stream, None, ptr::null_mut());
            (library.pa_stream_disconnect)(stream);
            (library.pa_stream_unref)(stream);
        }
    }
}

/// # Safety
/// `news` is the [`News`] of a pipe that lives.
unsafe fn news<'a>(news: *mut c_void) -> &'a News {
    // SAFETY: the caller's; it is only ever borrowed shared.
    unsafe { &*news.cast::<News>() }
}

unsafe extern "C" fn underflow(_: *mut Stream, into: *mut c_void) {
    // SAFETY: set in `open`, removed in `drop`.
    unsafe { news(into) }.underflow.set(true);
}

unsafe extern "C" fn moved(_: *mut Stream, into: *mut c_void) {
    // SAFETY: as above.
    unsafe { news(into) }.moved.set(true);
}

unsafe extern "C" fn timing(_: *mut Stream, into: *mut c_void) {
    // SAFETY: as above.
    unsafe { news(into) }.timing.set(true);
}
