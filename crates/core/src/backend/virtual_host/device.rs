//! One virtual device: its settings, its streams, and what happens in a period.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock;
use super::slot::{Lane, Slot};
use crate::backend::{BackendStream, Clock, DeviceRecord, OpenSide, Request, Side, StreamInfo};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Flags, Flow, Loss, Signals};

/// What a virtual device is made of.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub name: String,
    pub inputs: u16,
    pub outputs: u16,
    pub sample_rate: f64,
    pub period: usize,
    pub dtype: Dtype,
    pub manual: bool,
    pub loopback: bool,
    pub drift_ppm: f64,
    /// Whether [`Device::played`] collects. The built-in device, which nobody asks, does not.
    pub keep_played: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "Virtual".into(),
            inputs: 2,
            outputs: 2,
            sample_rate: 48_000.0,
            period: 256,
            dtype: Dtype::F64,
            manual: false,
            loopback: true,
            drift_ppm: 0.0,
            keep_played: true,
        }
    }
}

/// What can be made to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A flag for the next period of every stream.
    Flag(Flags),
    Lost,
    /// No callbacks for one second of the device's clock.
    Stall,
}

pub(crate) struct Device {
    key: String,
    settings: Settings,
    /// Frames since the device was made, in whole periods. Apart from the state, so that clocks read it without waiting.
    time: Arc<AtomicU64>,
    state: Mutex<State>,
    /// Whether the clock's thread has real-time priority.
    realtime: AtomicBool,
    /// One period at a time. Held while engines run, which the state is not: they may call users, who may do anything.
    turn: Mutex<()>,
    /// A period is over.
    turned: Condvar,
}

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    /// Streams whose engines are running: their slots are out. With what has happened to them meanwhile.
    out: Vec<Absent>,
    next_slot: u64,
    remainder: usize,
    /// What the outputs played in the last period, interleaved: the loopback.
    heard: Vec<f64>,
    feed: VecDeque<f64>,
    played: Vec<Vec<f64>>,
    flags: Flags,
    stalled_periods: usize,
    ticking: bool,
}

thread_local! {
    /// Whose period this thread is in.
    static INSIDE: Cell<*const Device> = const { Cell::new(std::ptr::null()) };
}

/// A slot that is out.
struct Absent {
    id: u64,
    signals: Arc<Signals>,
    lost: bool,
}

impl Device {
    pub(super) fn new(key: String, settings: Settings) -> Arc<Self> {
        let state = State {
            heard: vec![0.0; settings.period * usize::from(settings.outputs)],
            played: vec![Vec::new(); usize::from(settings.outputs)],
            ..State::default()
        };
        Arc::new(Self {
            key,
            settings,
            time: Arc::default(),
            state: Mutex::new(state),
            realtime: AtomicBool::new(false),
            turn: Mutex::default(),
            turned: Condvar::new(),
        })
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self) -> DeviceRecord {
        let s = &self.settings;
        let (low, high) = if s.manual { (0.0, 0.0) } else { (2.0 * s.period as f64 / s.sample_rate, 0.05) };
        let of = |channels: u16, latency: f64| if channels > 0 { latency } else { 0.0 };
        DeviceRecord {
            key: self.key.clone(),
            name: s.name.clone(),
            max_input_channels: s.inputs,
            max_output_channels: s.outputs,
            low_input_latency: of(s.inputs, low),
            low_output_latency: of(s.outputs, low),
            high_input_latency: of(s.inputs, high),
            high_output_latency: of(s.outputs, high),
            default_sample_rate: s.sample_rate,
            is_loopback: false,
        }
    }

    pub(super) fn check(&self, request: &Request) -> Result<()> {
        let s = &self.settings;
        for (side, most, what) in [(&request.input, s.inputs, "input"), (&request.output, s.outputs, "output")] {
            let Some(side) = side else { continue };
            if side.channels == 0 || side.channels > most {
                let name = &s.name;
                let message =
                    format!("Invalid number of channels: '{name}' has {most} {what} channels, not {}", side.channels);
                return Err(Error::new(ErrorKind::InvalidChannels, message));
            }
        }
        if request.sample_rate != s.sample_rate {
            let (name, own, asked) = (&s.name, s.sample_rate, request.sample_rate);
            let message = format!("Invalid sample rate: '{name}' runs at {own} Hz, not at {asked}");
            return Err(Error::new(ErrorKind::InvalidSampleRate, message));
        }
        Ok(())
    }

    /// Periods that a latency puts before the first frame; rounded against the error of `latency · rate`.
    fn lead(&self, side: &Side) -> usize {
        let periods = (side.latency * self.settings.sample_rate / self.settings.period as f64 + 1e-9).floor();
        (periods as usize).saturating_sub(1)
    }

    pub(super) fn open(
        self: &Arc<Self>,
        request: &Request,
        mut engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Open {
        let s = &self.settings;
        let seconds = |periods: usize| (periods * s.period) as f64 / s.sample_rate;
        let format = Format::from(s.dtype);
        let lead = request.output.as_ref().map_or(0, |side| self.lead(side));
        let open_side = |side: &Side, latency| OpenSide { format, channels: side.channels, latency };
        let info = StreamInfo {
            sample_rate: s.sample_rate,
            period: s.period,
            input: request.input.as_ref().map(|side| open_side(side, seconds(1))),
            output: request.output.as_ref().map(|side| open_side(side, seconds(lead))),
            clock: self.clock(),
            tail: 0.0,
        };
        engine.prepare(&info);
        let double = Format::from(Dtype::F64);
        let input = request.input.as_ref().map(|side| Lane::new(double, format, side.channels, s.period));
        let output = request.output.as_ref().map(|side| Lane::new(format, double, side.channels, s.period));
        let mut state = self.state();
        state.next_slot += 1;
        let id = state.next_slot;
        state.slots.push(Slot::new(id, engine, signals, input, output, lead));
        Open { device: Arc::clone(self), id, info }
    }

    fn clock(&self) -> Clock {
        if self.settings.manual {
            let (time, rate) = (Arc::clone(&self.time), self.settings.sample_rate);
            Clock::new(move || time.load(Ordering::Acquire) as f64 / rate)
        } else {
            Clock::monotonic()
        }
    }

    /// Runs whole periods on the calling thread; what is left over counts towards the next call. Returns when the
    /// control threads have looked at everything that ended meanwhile.
    pub(crate) fn advance(&self, frames: usize) {
        let periods = {
            let mut state = self.state();
            let total = state.remainder + frames;
            state.remainder = total % self.settings.period;
            total / self.settings.period
        };
        for _ in 0..periods {
            self.period(None);
            self.settle();
        }
    }

    /// Whether the calling thread is in a callback of a stream on this device: it cannot make time pass.
    pub(crate) fn inside(&self) -> bool {
        std::ptr::eq(INSIDE.get(), self)
    }

    /// Waits, at most a second, until the owners of all streams have attended to what was raised.
    fn settle(&self) {
        let waiting: Vec<Arc<Signals>> = self.state().slots.iter().map(|slot| Arc::clone(&slot.signals)).collect();
        let end = Instant::now() + Duration::from_secs(1);
        for signals in waiting {
            while !signals.settled() && Instant::now() < end {
                std::thread::sleep(Duration::from_micros(20));
            }
        }
    }

    /// One period that starts at `now`, or at the device's own time.
    pub(super) fn period(&self, now: Option<f64>) {
        let s = &self.settings;
        let seconds = s.period as f64 / s.sample_rate;
        let (inputs, outputs) = (usize::from(s.inputs), usize::from(s.outputs));
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.unwrap_or_else(|| self.time.load(Ordering::Acquire) as f64 / s.sample_rate);
        let mut state = self.state();
        if !s.manual && !state.slots.iter().any(|slot| slot.running) {
            // The last stream ended while its clock slept: what was fed is for the next one.
            return;
        }
        let captured = state.captured(s);
        let mut mixed = vec![0.0; s.period * outputs];
        let stalled = state.stalled_periods > 0;
        state.stalled_periods = state.stalled_periods.saturating_sub(1);
        let flags = if stalled { Flags::default() } else { std::mem::take(&mut state.flags) };
        let (mut running, waiting): (Vec<Slot>, _) = state.slots.drain(..).partition(|slot| slot.running);
        state.slots = waiting;
        let absent = |slot: &Slot| Absent { id: slot.id, signals: Arc::clone(&slot.signals), lost: false };
        state.out = running.iter().map(absent).collect();
        drop(state);
        let outer = INSIDE.replace(self);
        for slot in &mut running {
            slot.tell(self.realtime.load(Ordering::Acquire));
            if !stalled {
                slot.make(&captured, inputs, s.period, now, seconds, flags);
            }
            slot.play(&mut mixed, outputs, s.period);
        }
        INSIDE.set(outer);
        let mut state = self.state();
        let any = !running.is_empty();
        for absent in std::mem::take(&mut state.out) {
            let slot = running.iter_mut().filter(|slot| slot.id == absent.id);
            slot.for_each(|slot| slot.running &= !absent.lost);
        }
        state.slots.append(&mut running);
        state.slots.sort_by_key(|slot| slot.id);
        let state = &mut *state;
        if any && s.keep_played {
            for (channel, played) in state.played.iter_mut().enumerate() {
                played.extend(mixed.iter().skip(channel).step_by(outputs));
            }
        }
        state.heard = mixed;
        let time = self.time.fetch_add(s.period as u64, Ordering::AcqRel) + s.period as u64;
        if s.manual {
            let after = time as f64 / s.sample_rate;
            for slot in state.slots.iter_mut().filter(|slot| slot.running) {
                if slot.engine.tick(after) == Flow::Finished {
                    slot.running = false;
                }
            }
        }
        self.turned.notify_all();
    }

    /// Per channel, what came out since the last call.
    pub(crate) fn played(&self) -> Vec<Vec<f64>> {
        self.state().played.iter_mut().map(std::mem::take).collect()
    }

    /// What the input hears next instead of the loopback. Channels of different lengths are filled up with silence.
    pub(crate) fn feed(&self, channels: &[Vec<f64>]) {
        let frames = channels.iter().map(Vec::len).max().unwrap_or(0);
        let mut state = self.state();
        for frame in 0..frames {
            for channel in 0..usize::from(self.settings.inputs) {
                let sample = channels.get(channel).and_then(|samples| samples.get(frame));
                state.feed.push_back(sample.copied().unwrap_or(0.0));
            }
        }
    }

    pub(crate) fn inject(&self, fault: Fault) {
        let mut state = self.state();
        match fault {
            Fault::Flag(flags) => state.flags = state.flags.with(flags),
            Fault::Stall => {
                state.stalled_periods = (self.settings.sample_rate / self.settings.period as f64).ceil() as usize;
            }
            Fault::Lost => {
                for slot in &mut state.slots {
                    slot.running = false;
                    slot.signals.lose(Loss::Device);
                }
                for absent in &mut state.out {
                    absent.lost = true;
                    absent.signals.lose(Loss::Device);
                }
            }
        }
    }

    fn start(self: &Arc<Self>, id: u64) {
        let mut state = self.state();
        for slot in state.slots.iter_mut().filter(|slot| slot.id == id) {
            slot.running = true;
        }
        if !self.settings.manual && !std::mem::replace(&mut state.ticking, true) {
            // Time has passed since the last stream ended, and nothing sounded.
            state.heard.fill(0.0);
            clock::run(Arc::clone(self));
        }
    }

    pub(super) fn set_realtime(&self, realtime: bool) {
        self.realtime.store(realtime, Ordering::Release);
    }

    /// Whether the clock's thread is still wanted; if not, the next start makes a new one.
    pub(super) fn wanted(&self) -> bool {
        let mut state = self.state();
        state.ticking = !state.out.is_empty() || state.slots.iter().any(|slot| slot.running);
        state.ticking
    }
}

impl State {
    /// The device's input for this period: what was fed, else the loopback.
    fn captured(&mut self, s: &Settings) -> Vec<f64> {
        let (inputs, outputs) = (usize::from(s.inputs), usize::from(s.outputs));
        let mut captured = vec![0.0; s.period * inputs];
        if !self.feed.is_empty() {
            let count = self.feed.len().min(captured.len());
            for (to, from) in captured.iter_mut().zip(self.feed.drain(..count)) {
                *to = from;
            }
        } else if s.loopback && outputs > 0 {
            let both = inputs.min(outputs);
            for frame in 0..s.period {
                captured[frame * inputs..][..both].copy_from_slice(&self.heard[frame * outputs..][..both]);
            }
        }
        captured
    }
}

/// A stream of a virtual device.
pub(super) struct Open {
    device: Arc<Device>,
    id: u64,
    info: StreamInfo,
}

impl BackendStream for Open {
    fn start(&mut self) -> Result<()> {
        self.device.start(self.id);
        Ok(())
    }

    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn manual_clock(&self) -> bool {
        self.device.settings.manual
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.device.state();
        while state.out.iter().any(|absent| absent.id == self.id) {
            state = self.device.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let position = state.slots.iter().position(|slot| slot.id == self.id);
        let slot = position.map(|position| state.slots.remove(position));
        // Outside the lock: the engine may own what takes long to free.
        drop(state);
        drop(slot);
    }
}
