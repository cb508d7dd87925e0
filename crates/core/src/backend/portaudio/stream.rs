//! One stream of PortAudio's: its callback, its times, its end.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_ulong, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::time::Duration;

use super::guards::wake;
use super::library::{ABORT, ALSA, CONTINUE, CORE_AUDIO, JACK, RawStream, TimeInfo, UNTOUCHED};
use super::parameters::{Parameters, format};
use super::session::{Session, ask, tell};
use crate::backend::gate::Gate;
use crate::backend::permission::{self, Question};
use crate::backend::priority::{raise_current_thread, tell_current_thread};
use crate::backend::times::Smoothed;
use crate::backend::{BackendStream, Clock, OpenSide, Request, Side, StreamInfo, turn};
use crate::error::Result;
use crate::realtime::{Engine, Flags, Loss, Period, Signals, Times};

/// How long a stream may take to close before it is left to PortAudio's thread.
const CLOSING: Duration = Duration::from_millis(900);
/// Frames that JACK's period is taken for where its server does not say.
const JACK_PERIOD: usize = 1024;
/// Seconds; more than this between capture and callback, or callback and sound, is no time but a fault.
const LONGEST: f64 = 30.0;
/// Seconds that servers behind a device hold back without telling.
const HELD: f64 = 0.05;

/// What the callback alone uses.
struct Work {
    adc: Smoothed,
    dac: Smoothed,
    begun: bool,
    finished: bool,
}

/// What PortAudio has a pointer to: it outlives the stream.
struct Shared {
    kind: c_int,
    /// Whether its thread may have real-time priority.
    raises: bool,
    rate: f64,
    /// Bytes.
    input_frame: usize,
    output_frame: usize,
    silence: u8,
    /// Seconds: what is told where PortAudio does not know, and the least on JACK, where a cycle is played when it has ended.
    latency: f64,
    clock: Clock,
    signals: Arc<Signals>,
    gate: Gate,
    /// The callback's while the gate is open, the control thread's afterwards.
    engine: UnsafeCell<Option<Box<dyn Engine>>>,
    work: UnsafeCell<Work>,
}

// SAFETY: the cells belong to one thread at a time: `work` to the one that runs the callback, `engine` to whom the gate says.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// Streams whose server may die without a word from PortAudio.
static ON_JACK: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Tells the streams on JACK that its server has died.
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), allow(dead_code))] // where PortAudio's client is guarded
pub(super) fn jack_died() {
    for stream in ON_JACK.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        if let Some(shared) = stream.upgrade() {
            shared.signals.lose(Loss::Server);
        }
    }
}

/// PortAudio's handle and its reference to what the callback uses, both for PortAudio's thread only.
#[derive(Clone, Copy)]
struct Handle(*mut RawStream, *const Shared);

// SAFETY: a number for PortAudio's functions, which are all called on one thread.
unsafe impl Send for Handle {}

impl Handle {
    fn parts(self) -> (*mut RawStream, *const Shared) {
        (self.0, self.1)
    }
}

/// An open stream, which is closed when it is dropped: also where it opened too late for anybody to want it.
struct Stream {
    handle: Handle,
    closed: bool,
}

impl Stream {
    /// Has it closed on PortAudio's thread, which says so.
    fn close(&mut self) -> mpsc::Receiver<()> {
        let (done, closed) = mpsc::channel();
        let handle = self.handle;
        if !std::mem::replace(&mut self.closed, true) {
            tell(move |session| {
                let (raw, shared) = handle.parts();
                // The callback asks for the end by now. Stopped, not aborted: that would cancel its thread wherever it is.
                // SAFETY: the stream is open, and nobody uses it or its argument afterwards.
                unsafe {
                    (session.library.stop_stream)(raw);
                    (session.library.close_stream)(raw);
                    drop(Arc::from_raw(shared));
                }
                session.streams -= 1;
                session.rest();
                let _ = done.send(());
            });
        }
        closed
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        drop(self.close());
    }
}

pub(super) struct Open {
    stream: Stream,
    shared: Arc<Shared>,
    started: AtomicBool,
    info: StreamInfo,
    question: Option<Question>,
}

/// What PortAudio says of a stream that it has opened, in Hertz and seconds.
struct Opened {
    stream: Stream,
    shared: Arc<Shared>,
    rate: f64,
    latencies: (f64, f64),
    /// Frames; 0 where PortAudio has chosen.
    period: u32,
    /// Of input and output.
    channels: [u16; 2],
}

impl Open {
    /// Called on the control thread, which prepares the engine.
    pub(super) fn new(
        kind: c_int,
        request: &Request,
        mut engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Self> {
        let jack_period = match kind {
            JACK => crate::backend::jack::period().unwrap_or(JACK_PERIOD),
            _ => 0,
        };
        let asked = [&request.input, &request.output].into_iter().flatten().map(|side| side.latency);
        let latency = match kind {
            JACK => jack_period as f64 / request.sample_rate,
            _ => asked.fold(0.0, f64::max),
        };
        let wanted = request.clone();
        let opened = ask(move |session| {
            let opened = open(session, kind, &wanted, latency, signals);
            session.rest();
            opened
        })?;
        let period = match opened.period {
            0 if jack_period > 0 => jack_period,
            0 => (opened.latencies.0.max(opened.latencies.1) * opened.rate / 2.0) as usize,
            period => period as usize,
        };
        let side = |side: &Option<Side>, channels: u16, latency: f64| {
            let side = side.as_ref()?;
            let latency = latency.max(period as f64 / opened.rate);
            Some(OpenSide { format: format(kind, side.dtype).1, channels, latency })
        };
        let tail = match kind {
            JACK => period as f64 / opened.rate,
            _ => opened.latencies.1 + HELD,
        };
        let info = StreamInfo {
            sample_rate: opened.rate,
            period: period.max(1),
            tail,
            input: side(&request.input, opened.channels[0], opened.latencies.0),
            output: side(&request.output, opened.channels[1], opened.latencies.1),
            clock: opened.shared.clock.clone(),
        };
        engine.prepare(&info);
        // SAFETY: the stream has not been started.
        unsafe { *opened.shared.engine.get() = Some(engine) };
        Ok(Self { stream: opened.stream, shared: opened.shared, started: AtomicBool::new(false), info, question: None })
    }
}

/// Whether the callback's thread is to be raised. On JACK it is the server's business. ALSA's plugins may wake it without end
/// while there is nothing to do: it would keep the very server from running that it waits for.
fn raises(kind: c_int, request: &Request) -> bool {
    let hardware = |side: &Side| side.key.contains("(hw:");
    match kind {
        JACK => false,
        ALSA => [&request.input, &request.output].into_iter().flatten().all(hardware),
        _ => true,
    }
}

/// On PortAudio's thread, which gets a reference to what its callback uses.
fn open(session: &mut Session, kind: c_int, request: &Request, latency: f64, signals: Arc<Signals>) -> Result<Opened> {
    let mut parameters = Parameters::new(session, kind, request)?;
    let library = session.library;
    let layout = |side: &Side| format(kind, side.dtype).1;
    let channels = [&parameters.input, &parameters.output]
        .map(|side| side.as_ref().map_or(0, |side| u16::try_from(side.channels).unwrap_or(0)));
    let frame = |side: &Option<Side>, channels: u16| {
        side.as_ref().map_or(0, |side| layout(side).bytes() * usize::from(channels))
    };
    let shared = Arc::new(Shared {
        kind,
        raises: raises(kind, request),
        rate: request.sample_rate,
        input_frame: frame(&request.input, channels[0]),
        output_frame: frame(&request.output, channels[1]),
        silence: request.output.as_ref().map_or(0, |side| layout(side).silence()),
        latency,
        clock: Clock::monotonic(),
        signals,
        gate: Gate::default(),
        engine: UnsafeCell::new(None),
        work: UnsafeCell::new(Work {
            adc: Smoothed::default(),
            dac: Smoothed::default(),
            begun: false,
            finished: false,
        }),
    });
    if kind == JACK {
        let mut streams = ON_JACK.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&shared));
    }
    if kind == JACK {
        wake();
    }
    let mut raw: *mut RawStream = ptr::null_mut();
    let argument = Arc::into_raw(Arc::clone(&shared));
    let code = parameters.attempt(|parameters| {
        // SAFETY: initialised; the parameters live through the call, and the argument as long as the stream.
        unsafe {
            (library.open_stream)(
                &raw mut raw,
                parameters.input(),
                parameters.output(),
                parameters.rate,
                parameters.period as c_ulong,
                UNTOUCHED,
                process,
                argument.cast_mut().cast(),
            )
        }
    });
    if let Err(error) = parameters.done(session, code) {
        // SAFETY: PortAudio has no stream that could use it.
        drop(unsafe { Arc::from_raw(argument) });
        return Err(error);
    }
    session.streams += 1;
    // SAFETY: the stream is open and stopped; what it tells stays while it is open.
    let info = unsafe {
        (library.set_finished_callback)(raw, Some(finished));
        (library.stream_info)(raw).as_ref()
    };
    Ok(Opened {
        stream: Stream { handle: Handle(raw, argument), closed: false },
        shared,
        rate: info.map_or(parameters.rate, |info| info.sample_rate),
        latencies: info.map_or((0.0, 0.0), |info| (info.input_latency, info.output_latency)),
        period: parameters.period,
        channels,
    })
}

impl BackendStream for Open {
    fn start(&mut self) -> Result<()> {
        if self.started.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        if self.shared.kind == CORE_AUDIO && self.info.input.is_some() {
            self.question = permission::heed(&self.shared.signals)?;
        }
        let handle = self.stream.handle;
        ask(move |session| {
            let (raw, _) = handle.parts();
            // SAFETY: the stream is open.
            let code = unsafe { (session.library.start_stream)(raw) };
            session.done("The stream cannot be started", code)
        })
    }

    fn info(&self) -> &StreamInfo {
        &self.info
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.shared.gate.close() {
            // SAFETY: the gate is closed and nobody is inside.
            drop(unsafe { (*self.shared.engine.get()).take() });
        }
        let _ = self.stream.close().recv_timeout(CLOSING);
    }
}

/// # Safety
/// PortAudio calls it with the argument of a stream that is open.
unsafe extern "C" fn finished(shared: *mut c_void) {
    // SAFETY: as demanded.
    let shared = unsafe { &*shared.cast::<Shared>() };
    if shared.gate.enter() {
        // Nobody has told it to.
        shared.signals.lose(if shared.kind == JACK { Loss::Server } else { Loss::Device });
        shared.gate.leave();
    }
}

/// # Safety
/// PortAudio calls it with the argument of a stream that is open, once at a time, and with buffers of that many frames.
unsafe extern "C" fn process(
    input: *const c_void,
    output: *mut c_void,
    frames: c_ulong,
    times: *const TimeInfo,
    flags: c_ulong,
    shared: *mut c_void,
) -> c_int {
    // SAFETY: as demanded.
    let shared = unsafe { &*shared.cast::<Shared>() };
    let frames = frames as usize;
    let bytes = |there: bool, frame: usize| if there { frames * frame } else { 0 };
    let heard = bytes(!input.is_null(), shared.input_frame);
    let made = bytes(!output.is_null(), shared.output_frame);
    // SAFETY: as demanded; a direction that is not there has no length, and a place that is only aligned.
    let (input, output) = unsafe {
        let input = if heard == 0 { ptr::NonNull::dangling().as_ptr() } else { input.cast::<u8>().cast_mut() };
        let output = if made == 0 { ptr::NonNull::dangling().as_ptr() } else { output.cast::<u8>() };
        (std::slice::from_raw_parts(input, heard), std::slice::from_raw_parts_mut(output, made))
    };
    if !shared.gate.enter() {
        output.fill(shared.silence);
        return ABORT;
    }
    // SAFETY: PortAudio's, for the time of the call.
    let told = unsafe { times.as_ref() }.copied();
    // SAFETY: this is the callback, inside the gate.
    let (work, engine) = unsafe { (&mut *shared.work.get(), &mut *shared.engine.get()) };
    let flags = Flags((flags & 0xf) as u8);
    shared.run(work, engine.as_deref_mut(), input, output, frames, told, flags);
    shared.gate.leave();
    CONTINUE
}

impl Shared {
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        work: &mut Work,
        engine: Option<&mut dyn Engine>,
        input: &[u8],
        output: &mut [u8],
        frames: usize,
        told: Option<TimeInfo>,
        flags: Flags,
    ) {
        if !std::mem::replace(&mut work.begun, true) {
            match self.raises {
                true => raise_current_thread(&self.signals, frames as f64 / self.rate),
                false => tell_current_thread(&self.signals),
            }
        }
        // Without what it expects an engine has nothing to do.
        let whole = input.len() == frames * self.input_frame && output.len() == frames * self.output_frame;
        let Some(engine) = engine.filter(|_| whole && !work.finished) else {
            return output.fill(self.silence);
        };
        let times = self.times(work, told, frames);
        let mut period = Period { frames, input, output, times, flags };
        work.finished = turn::take(engine, &mut period, self.silence, &self.signals);
    }

    /// On our clock: only differences of PortAudio's times are used, where they can be.
    fn times(&self, work: &mut Work, told: Option<TimeInfo>, frames: usize) -> Times {
        let now = self.clock.now();
        let sane = |seconds: f64| (0.0..LONGEST).contains(&seconds).then_some(seconds);
        let captured = told.and_then(|told| sane(told.now - told.adc)).unwrap_or(self.latency);
        let played = told.and_then(|told| sane(told.dac - told.now)).unwrap_or(self.latency);
        let played = if self.kind == JACK { played.max(self.latency) } else { played };
        let duration = frames as f64 / self.rate;
        let adc = match self.input_frame {
            0 => now,
            _ => work.adc.next(now - captured, duration).min(now),
        };
        let dac = match self.output_frame {
            0 => now,
            _ => work.dac.next(now + played, duration).max(now),
        };
        Times { adc, dac, now }
    }
}
