//! The control side of a stream: it opens on the audio thread, and leaves it there.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::attributes::Attributes;
use super::connection::{Connection, Refusal};
use super::driver::{Driver, Parts};
use super::library::{self, Library, Mainloop, SampleSpec};
use super::list::name_of;
use super::pipe::{Pipe, Wanted};
use crate::backend::{BackendStream, Clock, OpenSide, Request, Side, StreamInfo};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Signals};

/// How long a server may take to open a stream.
const OPENING: Duration = Duration::from_secs(4);
/// How long a stream may take to close before it is left to its thread.
const CLOSING: Duration = Duration::from_millis(900);
/// Seconds that sound may be heard later than told.
const TAIL: f64 = 0.03;

/// What the control thread tells the audio thread.
pub(super) struct Shared {
    closing: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

struct Waker {
    library: &'static Library,
    mainloop: *mut Mainloop,
}

// SAFETY: the one function called with the loop, `pa_mainloop_wakeup`, is made for other threads.
unsafe impl Send for Waker {}

impl Shared {
    pub(super) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// The loop is about to end. Called by its thread.
    pub(super) fn forget(&self) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: the loop lives until `forget`.
            unsafe { (waker.library.pa_mainloop_wakeup)(waker.mainloop) };
        }
    }
}

pub(super) struct Open {
    info: StreamInfo,
    engine: Option<Box<dyn Engine>>,
    arrives: Sender<Box<dyn Engine>>,
    home: Receiver<Option<Box<dyn Engine>>>,
    shared: Arc<Shared>,
}

/// The library's name of a format that holds these samples.
fn format(dtype: Dtype) -> (i32, Dtype) {
    match dtype {
        Dtype::F64 | Dtype::F32 => (library::SAMPLE_FLOAT32, Dtype::F32),
        Dtype::I32 => (library::SAMPLE_S32, Dtype::I32),
        Dtype::I24 => (library::SAMPLE_S24LE, Dtype::I24),
        // The server's own way from float32 to 8 bits alters some samples.
        Dtype::I16 | Dtype::I8 | Dtype::U8 => (library::SAMPLE_S16, Dtype::I16),
    }
}

/// The audio thread's first act, up to a stream that does not run yet.
fn connect(library: &'static Library, request: &Request) -> std::result::Result<(Parts, StreamInfo), Error> {
    let end = Instant::now() + OPENING;
    let connection = Connection::open(library, end).map_err(|why| refused(library, "", why))?;
    let mut attributes = Attributes::of(request);
    let rate = request.sample_rate;
    let open = |side: &Option<Side>, input: bool, attributes: &Attributes| -> Result<_> {
        let Some(side) = side else {
            return Ok(None);
        };
        let refused = |why| refused(library, &side.key, why);
        let name = CString::new(name_of(&side.key, input)).unwrap_or_default();
        let device = connection.device(&name, input, end).map_err(refused)?;
        let (format, dtype) = format(side.dtype);
        // The device's own positions, so that no server mixes what it should only pass on.
        let mut map = device.map;
        map.channels = side.channels as u8;
        for (channel, position) in map.map.iter_mut().enumerate().skip(device.map.channels.into()) {
            *position = library::CHANNEL_AUX0 + channel as i32;
        }
        let frame_bytes = dtype.bytes() * usize::from(side.channels);
        let wanted = Wanted {
            name: &name,
            spec: SampleSpec { format, rate: rate as u32, channels: side.channels as u8 },
            map,
            frame_bytes,
            period: attributes.period,
            attributes: if input { attributes.capture(frame_bytes) } else { attributes.playback(frame_bytes) },
        };
        let pipe = Pipe::open(&connection, input, &wanted, end).map_err(refused)?;
        Ok(Some((pipe, name, dtype)))
    };
    let playback = open(&request.output, false, &attributes)?;
    let capture = open(&request.input, true, &attributes)?;
    let granted = |opened: &Option<(Pipe, CString, Dtype)>| {
        opened.as_ref().and_then(|(pipe, ..)| pipe.attributes().zip(Some(pipe.frame_bytes)))
    };
    attributes.granted(granted(&playback), granted(&capture));
    let period = attributes.period as f64 / rate;
    let ahead =
        if capture.is_some() { attributes.queued as f64 / rate - period } else { attributes.queued as f64 / rate };
    let side = |side: &Option<Side>, opened: &Option<(Pipe, CString, Dtype)>, latency: f64| {
        let (side, (.., dtype)) = side.as_ref().zip(opened.as_ref())?;
        Some(OpenSide { format: Format::from(*dtype), channels: side.channels, latency })
    };
    let info = StreamInfo {
        sample_rate: rate,
        period: attributes.period,
        tail: TAIL,
        input: side(&request.input, &capture, period),
        output: side(&request.output, &playback, ahead),
        clock: Clock::monotonic(),
    };
    let silence = |side: &Option<OpenSide>| side.map_or(0, |side| side.format.silence());
    let (in_silence, out_silence) = (silence(&info.input), silence(&info.output));
    let capture = capture.map(|(pipe, name, _)| (pipe, name));
    let playback = playback.map(|(pipe, name, _)| (pipe, name));
    Ok((Parts { capture, playback, connection, attributes, rate, in_silence, out_silence }, info))
}

type Opened = Result<(StreamInfo, Arc<Shared>)>;

/// The audio thread.
fn body(
    library: &'static Library,
    request: &Request,
    signals: Arc<Signals>,
    arriving: Receiver<Box<dyn Engine>>,
    ready: &SyncSender<Opened>,
    home: &SyncSender<Option<Box<dyn Engine>>>,
) {
    let (parts, info) = match connect(library, request) {
        Ok(opened) => opened,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let waker = Waker { library, mainloop: parts.connection.mainloop };
    let shared = Arc::new(Shared { closing: AtomicBool::new(false), waker: Mutex::new(Some(waker)) });
    if ready.send(Ok((info, Arc::clone(&shared)))).is_ok() {
        let engine = Driver::new(parts, shared, signals, arriving).run();
        let _ = home.send(engine);
    }
}

pub(super) fn open(
    library: &'static Library,
    request: &Request,
    mut engine: Box<dyn Engine>,
    signals: Arc<Signals>,
) -> Result<Open> {
    let (ready, opened) = mpsc::sync_channel(1);
    let (arrives, arriving) = mpsc::channel();
    let (goes, home) = mpsc::sync_channel(1);
    let request = request.clone();
    thread::Builder::new()
        .name("sound pulse".into())
        .spawn(move || body(library, &request, signals, arriving, &ready, &goes))
        .map_err(|error| Error::new(ErrorKind::Host, format!("No thread for the stream: {error}")))?;
    let gone = || Error::new(ErrorKind::Host, "The thread of the stream has ended");
    let (info, shared) = opened.recv().map_err(|_| gone())??;
    engine.prepare(&info);
    Ok(Open { info, engine: Some(engine), arrives, home, shared })
}

/// The server's refusals as our errors; `key` is the device that it concerns.
pub(super) fn refused(library: &'static Library, key: &str, why: Refusal) -> Error {
    let code = match why {
        Refusal::TimedOut => {
            return Error::new(ErrorKind::TimedOut, "The PulseAudio server does not answer");
        }
        Refusal::Code(code) => code,
    };
    let text = library.text(code);
    let (kind, message) = match code {
        library::ERR_NOENTITY if !key.is_empty() => {
            (ErrorKind::DeviceUnavailable, format!("The device '{key}' of PulseAudio is not there any more"))
        }
        library::ERR_ACCESS | library::ERR_AUTHKEY => {
            (ErrorKind::PermissionDenied, format!("PulseAudio denies access: {text}"))
        }
        library::ERR_INVALID | library::ERR_NOTSUPPORTED => {
            (ErrorKind::UnsupportedFormat, format!("PulseAudio cannot open '{key}' like this: {text}"))
        }
        library::ERR_TIMEOUT => (ErrorKind::TimedOut, "The PulseAudio server does not answer".into()),
        _ if key.is_empty() => {
            (ErrorKind::DeviceUnavailable, format!("The PulseAudio server cannot be reached: {text}"))
        }
        _ => (ErrorKind::DeviceUnavailable, format!("PulseAudio cannot open '{key}': {text}")),
    };
    Error::new(kind, message).with_host_error(super::NAME, code.into(), text)
}

impl BackendStream for Open {
    fn start(&mut self) -> Result<()> {
        if let Some(engine) = self.engine.take() {
            // Where the thread has ended, the signals have said why.
            let _ = self.arrives.send(engine);
            self.shared.wake();
        }
        Ok(())
    }

    fn info(&self) -> &StreamInfo {
        &self.info
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.wake();
        // The engine is freed here. A thread that is stuck in one keeps it.
        let _ = self.home.recv_timeout(CLOSING);
    }
}
