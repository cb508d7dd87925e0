//! One open stream of cpal: its callback, its errors, its times.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ::cpal as library;
use library::traits::{DeviceTrait, StreamTrait};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapRb};

use super::{Chosen, format};
use crate::backend::priority::raise_current_thread;
use crate::backend::times::Smoothed;
use crate::backend::{BackendStream, Clock, OpenSide, StreamInfo, monotonic_seconds};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Flags, Flow, Loss, Period, Signals, Times};

/// Seconds of errors, without a period between them, that mean the device is lost. ALSA's plugins repeat one for ever when
/// their server is gone, and for some milliseconds when it has only stood still.
const ENOUGH: f64 = 0.5;
/// From so many errors in a row on, each is followed by a rest: else they would take the whole processor.
const FLOOD: u32 = 4;
const REST: Duration = Duration::from_millis(2);
/// How long a device may take to close before it is left to a thread of its own.
const CLOSING: Duration = Duration::from_millis(900);
/// Seconds that a device's count may run ahead of the clock, beyond its buffer: more, and it has no clock.
const AHEAD: f64 = 0.05;

/// What the callbacks and the control side share.
struct Gate {
    closed: AtomicBool,
    xrun: AtomicBool,
    /// Errors since the last period, and the time of the first, an f64's bits.
    errors: AtomicU32,
    since: AtomicU64,
    signals: Arc<Signals>,
}

impl Gate {
    /// An error callback. It may run on the audio thread.
    fn error(&self, error: &library::Error) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        match error.kind() {
            library::ErrorKind::Xrun => self.xrun.store(true, Ordering::Release),
            library::ErrorKind::DeviceNotAvailable | library::ErrorKind::StreamInvalidated => {
                self.signals.lose(Loss::Device);
            }
            library::ErrorKind::DeviceChanged | library::ErrorKind::RealtimeDenied => {}
            _ => {
                let now = monotonic_seconds();
                let before = self.errors.fetch_add(1, Ordering::AcqRel);
                if before == 0 {
                    self.since.store(now.to_bits(), Ordering::Release);
                } else if now - f64::from_bits(self.since.load(Ordering::Acquire)) > ENOUGH {
                    self.signals.lose(Loss::Host);
                }
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
    arriving: HeapCons<(Box<dyn Engine>, Pace)>,
    engine: Option<(Box<dyn Engine>, Pace)>,
    finished: bool,
    clock: Clock,
    rate: f64,
    frame_bytes: usize,
    silence: u8,
    times: Smoothed,
}

/// Keeps devices that have no clock of their own (ALSA's `null` and `file`) to that of the system.
struct Pace {
    began: Option<f64>,
    frames: u64,
    slack: f64,
}

impl Pace {
    /// Seconds to rest before the next period.
    fn rest(&mut self, now: f64, frames: usize, rate: f64) -> Option<Duration> {
        let began = *self.began.get_or_insert(now);
        self.frames += frames as u64;
        let ahead = began + self.frames as f64 / rate - self.slack - now;
        // A second behind is a stall, which is not to be caught up with.
        if ahead < -1.0 {
            self.began = Some(began - ahead);
        }
        (ahead > 0.0).then(|| Duration::from_secs_f64(ahead))
    }
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
        self.gate.errors.store(0, Ordering::Release);
        if self.finished || self.gate.closed.load(Ordering::Acquire) {
            output.fill(self.silence);
        } else {
            let now = self.clock.now();
            let latency = latency.as_secs_f64();
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
            match catch_unwind(AssertUnwindSafe(|| engine.process(&mut period))) {
                Ok(Flow::Continue) => {}
                Ok(Flow::Finished) => self.finished = true,
                Err(_) => {
                    self.finished = true;
                    output.fill(self.silence);
                    self.gate.signals.lose(Loss::Host);
                }
            }
        }
        if let Some(rest) = pace.rest(self.clock.now(), frames, self.rate) {
            // Only a device without a clock gets here: its thread is nobody's real time.
            thread::sleep(rest);
        }
    }
}

pub(super) struct Open {
    stream: Option<library::Stream>,
    gate: Arc<Gate>,
    info: StreamInfo,
    name: &'static str,
}

pub(super) fn open(
    chosen: Chosen,
    input: bool,
    mut engine: Box<dyn Engine>,
    signals: Arc<Signals>,
    name: &'static str,
) -> std::result::Result<Open, library::Error> {
    let Chosen { device, config, format: sample_format } = chosen;
    let layout = format::layout(sample_format).ok_or(library::Error::new(library::ErrorKind::UnsupportedConfig))?;
    let gate = Arc::new(Gate {
        closed: AtomicBool::new(false),
        xrun: AtomicBool::new(false),
        errors: AtomicU32::new(0),
        since: AtomicU64::new(0),
        signals,
    });
    let (mut arrives, arriving) = HeapRb::new(1).split();
    let clock = Clock::monotonic();
    let rate = f64::from(config.sample_rate);
    let mut runner = Runner {
        gate: Arc::clone(&gate),
        arriving,
        engine: None,
        finished: false,
        clock: clock.clone(),
        rate,
        frame_bytes: layout.bytes() * usize::from(config.channels),
        silence: layout.silence(),
        times: Smoothed::default(),
    };
    let errors = Arc::clone(&gate);
    let on_error = move |error: library::Error| errors.error(&error);
    let stream = if input {
        let callback = move |data: &library::Data, info: &library::InputCallbackInfo| {
            let at = info.timestamp();
            runner.run(data.bytes(), &mut [], at.callback.duration_since(at.capture));
        };
        device.build_input_stream_raw(config, sample_format, callback, on_error, None)?
    } else {
        let callback = move |data: &mut library::Data, info: &library::OutputCallbackInfo| {
            let at = info.timestamp();
            runner.run(&[], data.bytes_mut(), at.playback.duration_since(at.callback));
        };
        device.build_output_stream_raw(config, sample_format, callback, on_error, None)?
    };
    let asked = match config.buffer_size {
        library::BufferSize::Fixed(frames) => frames,
        library::BufferSize::Default => 0,
    };
    let period = stream.buffer_size().ok().filter(|frames| *frames > 0).unwrap_or(asked).max(1) as usize;
    // Double buffering: cpal's own.
    let latency = 2.0 * period as f64 / rate;
    let side = Some(OpenSide { format: layout, channels: config.channels, latency });
    let info = StreamInfo {
        sample_rate: rate,
        period,
        input: if input { side } else { None },
        output: if input { None } else { side },
        clock,
        // What servers behind ALSA hold back without telling, measured: less than their period and 20 ms.
        tail: latency + 0.05,
    };
    engine.prepare(&info);
    let pace = Pace { began: None, frames: 0, slack: latency + AHEAD };
    if arrives.try_push((engine, pace)).is_err() {
        unreachable!("the ring has room for one engine");
    }
    Ok(Open { stream: Some(stream), gate, info, name })
}

impl BackendStream for Open {
    fn start(&mut self) -> Result<()> {
        let Some(stream) = &self.stream else {
            return Ok(());
        };
        stream.play().map_err(|error| {
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
            let _ = done.send(());
        };
        if thread::Builder::new().name("sound close".into()).spawn(close).is_ok() {
            let _ = closed.recv_timeout(CLOSING);
        }
    }
}
