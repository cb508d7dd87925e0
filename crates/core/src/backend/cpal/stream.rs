//! One open stream of cpal: its callback, its errors, its times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ::cpal as library;
use library::traits::{DeviceTrait, StreamTrait};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapRb};

use super::pace::Pace;
use super::{Chosen, Traits, format};
use crate::backend::permission::{self, Question};
use crate::backend::priority::raise_current_thread;
use crate::backend::times::Smoothed;
use crate::backend::{BackendStream, Clock, OpenSide, StreamInfo, monotonic_seconds, turn};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Flags, Loss, Period, Signals, Times};

/// Seconds of errors, without a period between them, that mean the device is lost. ALSA's plugins repeat one for ever when
/// their server is gone, and for some milliseconds when it has only stood still.
const ENOUGH: f64 = 0.5;
/// From so many errors in a row on, each is followed by a rest: else they would take the whole processor.
const FLOOD: u32 = 4;
const REST: Duration = Duration::from_millis(2);
/// How long ALSA may give nothing before it is asked whether the device is still there. To other systems cpal's time limit is
/// another one.
const UNHEARD: Option<Duration> = if cfg!(target_os = "linux") { Some(Duration::from_millis(400)) } else { None };
/// How long a device may take to close before it is left to a thread of its own.
const CLOSING: Duration = Duration::from_millis(900);
/// The same for one that is lost, which is to be told within a second.
const CLOSING_LOST: Duration = Duration::from_millis(300);
/// Seconds beyond its buffer that a period may be old or early: more, and the host's clocks tell nothing.
const ODD: f64 = 5.0;
/// What servers behind ALSA hold back without telling, measured: less than their period and 20 ms.
const HELD_BACK: f64 = 0.05;

/// Streams that are open.
static OPEN: AtomicU32 = AtomicU32::new(0);

/// Whether no stream of cpal's is open.
pub(super) fn none_open() -> bool {
    OPEN.load(Ordering::Acquire) == 0
}

/// A period of either direction, the other one empty, with the time between it and its callback.
pub(super) type OnPeriod = Box<dyn FnMut(&[u8], &mut [u8], Duration) + Send>;
pub(super) type OnError = Box<dyn FnMut(library::Error) + Send>;

/// What the callbacks and the control side share.
struct Gate {
    closed: AtomicBool,
    xrun: AtomicBool,
    /// Errors since the last period, and the time of the first, an f64's bits.
    errors: AtomicU32,
    since: AtomicU64,
    /// Whether the host has given up when it reports an error.
    is_final: bool,
    signals: Arc<Signals>,
}

impl Gate {
    /// An error callback. It may run on the audio thread.
    fn error(&self, error: &library::Error) {
        let lose = |loss| {
            if !self.closed.load(Ordering::Acquire) {
                self.signals.lose(loss);
            }
        };
        match error.kind() {
            library::ErrorKind::Xrun => self.xrun.store(true, Ordering::Release),
            library::ErrorKind::DeviceNotAvailable | library::ErrorKind::StreamInvalidated => lose(Loss::Device),
            library::ErrorKind::DeviceChanged | library::ErrorKind::RealtimeDenied => {}
            library::ErrorKind::HostUnavailable => lose(Loss::Server),
            _ if self.is_final => lose(Loss::Host),
            _ => {
                let now = monotonic_seconds();
                let before = self.errors.fetch_add(1, Ordering::AcqRel);
                if before == 0 {
                    self.since.store(now.to_bits(), Ordering::Release);
                } else if now - f64::from_bits(self.since.load(Ordering::Acquire)) > ENOUGH {
                    lose(Loss::Host);
                }
                // Also when it is closed: those who close it have no real-time priority, and would wait for the processor.
                if before >= FLOOD {
                    thread::sleep(REST);
                }
            }
        }
    }
}

/// What a callback carries from period to period.
struct Runner {
    gate: Arc<Gate>,
    /// The engine arrives here once the stream is built, since only then its period is known.
    arriving: HeapCons<(Box<dyn Engine>, Option<Pace>)>,
    engine: Option<(Box<dyn Engine>, Option<Pace>)>,
    finished: bool,
    clock: Clock,
    rate: f64,
    frame_bytes: usize,
    silence: u8,
    /// Seconds that its buffer holds.
    usual: f64,
    times: Smoothed,
}

impl Runner {
    /// One period; `latency` is what cpal tells of this one. At most one of `input` and `output` is not empty.
    fn run(&mut self, input: &[u8], output: &mut [u8], latency: Duration) {
        let frames = input.len().max(output.len()) / self.frame_bytes.max(1);
        if self.engine.is_none() {
            self.engine = self.arriving.try_pop();
            if self.engine.is_some() {
                raise_current_thread(&self.gate.signals, frames as f64 / self.rate);
            }
        }
        let Some((engine, pace)) = &mut self.engine else {
            return output.fill(self.silence);
        };
        let called = self.clock.now();
        self.gate.errors.store(0, Ordering::Release);
        if self.finished || self.gate.closed.load(Ordering::Acquire) {
            output.fill(self.silence);
        } else {
            let now = called;
            let latency = latency.as_secs_f64();
            let latency = if latency < self.usual + ODD { latency } else { self.usual };
            let playing = input.is_empty();
            let at = if playing { now + latency } else { now - latency };
            let at = self.times.next(at, frames as f64 / self.rate);
            let xrun = self.gate.xrun.swap(false, Ordering::AcqRel);
            let (times, flag) = match playing {
                true => (Times { adc: now, dac: at.max(now), now }, Flags::OUTPUT_UNDERFLOW),
                false => (Times { adc: at.min(now), dac: now, now }, Flags::INPUT_OVERFLOW),
            };
            let flags = if xrun { flag } else { Flags::default() };
            let mut period = Period { frames, input, output, times, flags };
            self.finished = turn::take(engine.as_mut(), &mut period, self.silence, &self.gate.signals);
        }
        if let Some(pace) = pace
            && let Some(rest) = pace.rest(called, self.clock.now(), frames, self.rate)
        {
            // Only a device without a clock gets here: its thread is nobody's real time.
            thread::sleep(rest);
            pace.rested(self.clock.now());
        }
    }
}

pub(super) struct Open {
    stream: Option<Streams>,
    gate: Arc<Gate>,
    info: StreamInfo,
    name: &'static str,
    /// Whether it hears what the user may refuse.
    hears: bool,
    question: Option<Question>,
}

/// The stream, and the one that plays silence so that it hears something.
type Streams = (library::Stream, Option<library::Stream>);

/// Builds the stream, stopped.
pub(super) fn build(
    chosen: &Chosen,
    input: bool,
    mut on_period: OnPeriod,
    mut on_error: OnError,
) -> std::result::Result<library::Stream, library::Error> {
    let Chosen { device, config, format, .. } = chosen;
    let on_error = move |error: library::Error| on_error(error);
    if input {
        let callback = move |data: &library::Data, info: &library::InputCallbackInfo| {
            let at = info.timestamp();
            on_period(data.bytes(), &mut [], at.callback.duration_since(at.capture));
        };
        device.build_input_stream_raw(*config, *format, callback, on_error, UNHEARD)
    } else {
        let callback = move |data: &mut library::Data, info: &library::OutputCallbackInfo| {
            let at = info.timestamp();
            on_period(&[], data.bytes_mut(), at.playback.duration_since(at.callback));
        };
        device.build_output_stream_raw(*config, *format, callback, on_error, UNHEARD)
    }
}

pub(super) fn open(
    mut chosen: Chosen,
    input: bool,
    mut engine: Box<dyn Engine>,
    signals: Arc<Signals>,
    name: &'static str,
    traits: Traits,
) -> std::result::Result<Open, library::Error> {
    let config = chosen.config;
    let gate = Arc::new(Gate {
        closed: AtomicBool::new(false),
        xrun: AtomicBool::new(false),
        errors: AtomicU32::new(0),
        since: AtomicU64::new(0),
        is_final: traits.final_errors,
        signals,
    });
    let clock = Clock::monotonic();
    let rate = f64::from(config.sample_rate);
    let asked = match config.buffer_size {
        library::BufferSize::Fixed(frames) => frames,
        library::BufferSize::Default => 0,
    };
    // Double buffering, cpal's own, where it is not the buffer that has been asked for.
    let buffer = if traits.whole_buffer { asked } else { 2 * asked };
    let (stream, mut arrives, layout) = chosen.built(|chosen| {
        let layout = format::layout(chosen.format).ok_or(library::Error::new(library::ErrorKind::UnsupportedConfig))?;
        let (arrives, arriving) = HeapRb::new(1).split();
        let mut runner = Runner {
            gate: Arc::clone(&gate),
            arriving,
            engine: None,
            finished: false,
            clock: clock.clone(),
            rate,
            frame_bytes: layout.bytes() * usize::from(config.channels),
            silence: layout.silence(),
            usual: f64::from(buffer) / rate,
            times: Smoothed::default(),
        };
        let errors = Arc::clone(&gate);
        let on_period: OnPeriod = Box::new(move |heard, played, latency| runner.run(heard, played, latency));
        let stream = build(chosen, input, on_period, Box::new(move |error| errors.error(&error)))?;
        Ok((stream, arrives, layout))
    })?;
    let sound = match chosen.loopback && traits.needs_sound {
        // What goes wrong with it the other one hears of too.
        true => Some(build(&chosen, false, Box::new(|_, _, _| ()), Box::new(|_| ()))?),
        false => None,
    };
    let period = stream.buffer_size().ok().filter(|frames| *frames > 0).unwrap_or(asked).max(1) as usize;
    let latency = match (traits.whole_buffer, input) {
        // Captured periods are handed over one by one, however many the buffer could hold.
        (true, true) => period as f64 / rate,
        (true, false) => f64::from(buffer) / rate,
        (false, _) => 2.0 * period as f64 / rate,
    };
    let side = Some(OpenSide { format: layout, channels: config.channels, latency });
    let info = StreamInfo {
        sample_rate: rate,
        period,
        input: if input { side } else { None },
        output: if input { None } else { side },
        clock,
        tail: latency + HELD_BACK,
    };
    engine.prepare(&info);
    let pace = traits.clockless.then(|| Pace::new(latency).catching_up(input));
    if arrives.try_push((engine, pace)).is_err() {
        unreachable!("the ring has room for one engine");
    }
    OPEN.fetch_add(1, Ordering::AcqRel);
    let hears = input && !chosen.loopback;
    Ok(Open { stream: Some((stream, sound)), gate, info, name, hears, question: None })
}

impl BackendStream for Open {
    fn start(&mut self) -> Result<()> {
        let Some((stream, sound)) = &self.stream else {
            return Ok(());
        };
        if self.hears {
            self.question = permission::heed(&self.gate.signals)?;
        }
        let started = sound.iter().chain([stream]).try_for_each(StreamTrait::play);
        started.map_err(|error| {
            Error::new(ErrorKind::DeviceUnavailable, format!("The stream cannot be started: {error}")).with_host_error(
                self.name,
                0,
                error.to_string(),
            )
        })
    }

    fn info(&self) -> &StreamInfo {
        &self.info
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.gate.closed.store(true, Ordering::Release);
        let Some(stream) = self.stream.take() else {
            return;
        };
        // A server that has stopped answering would keep the close waiting.
        let (done, closed) = mpsc::channel();
        let close = move || {
            drop(stream);
            OPEN.fetch_sub(1, Ordering::AcqRel);
            let _ = done.send(());
        };
        if thread::Builder::new().name("sound close".into()).spawn(close).is_ok() {
            let lost = self.gate.signals.lost().is_some();
            let _ = closed.recv_timeout(if lost { CLOSING_LOST } else { CLOSING });
        }
    }
}
