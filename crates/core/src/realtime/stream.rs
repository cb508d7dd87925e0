//! The engine of a stream: converts, re-blocks, calls the user, and knows when everything has been heard.

mod rings;
mod shared;
#[cfg(test)]
mod test;
mod user;
mod work;

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use rings::Ends;
pub(crate) use shared::{Ended, Shared, Waiter};
pub(crate) use user::{Call, Direct, User};

use super::block::Place;
use super::command::Command;
use super::convert::ConvertOptions;
use super::meters::load_since;
use super::{Engine, Flags, Flow, Period, Signals, Times};
use crate::backend::StreamInfo;
use crate::channel::Pick;
use crate::dtype::Dtype;
use work::Work;

pub(crate) type Callback = Box<dyn User>;

/// Told after each period, on the audio thread.
pub(crate) type OnPeriod = Arc<dyn Fn() + Send + Sync>;

/// Where the callback is between two runs.
pub(crate) type Home = Mutex<Option<Callback>>;

/// One direction as the user sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UserSide {
    pub dtype: Dtype,
    pub channels: usize,
    /// Seconds asked for.
    pub latency: f64,
}

/// What stays the same from run to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub input: Option<UserSide>,
    pub output: Option<UserSide>,
    pub block: usize,
    pub options: ConvertOptions,
    pub prime_output: bool,
    pub never_drop_input: bool,
    /// Blocks are always of one length, also where none was asked for.
    pub fixed: bool,
    /// Seconds that reading and writing hold; none where the latency says.
    pub hold: Option<f64>,
}

impl Settings {
    /// Frames of the blocks of a callback, with the first device's period; 0 where they vary.
    pub(crate) fn blocks(&self, period: usize, shared: &Shared) -> usize {
        match self.block {
            0 if self.fixed => shared.fixed_block(period),
            block => block,
        }
    }
}

/// For each direction that has a map: the device's channels of its columns, and how many were opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes {
    pub input: Option<(Vec<Pick>, usize)>,
    pub output: Option<(Vec<Pick>, usize)>,
}

thread_local! {
    /// Whose callback this thread is in.
    static INSIDE: Cell<*const Shared> = const { Cell::new(std::ptr::null()) };
}

/// Whether the calling thread is in a callback of this stream: it must not wait for it then.
pub(crate) fn inside(shared: &Arc<Shared>) -> bool {
    INSIDE.get() == Arc::as_ptr(shared)
}

pub(crate) struct Streaming {
    shared: Arc<Shared>,
    signals: Arc<Signals>,
    ends: Arc<Ends>,
    home: Arc<Home>,
    callback: Option<Callback>,
    on_period: Option<OnPeriod>,
    settings: Settings,
    routes: Routes,
    /// What the run has missed by now, where it goes on from another device.
    gap: Option<Flags>,
    work: Option<Work>,
}

impl Streaming {
    /// Takes the callback out of its home, if the stream has one.
    pub(crate) fn new(
        settings: Settings,
        shared: Arc<Shared>,
        signals: Arc<Signals>,
        ends: Arc<Ends>,
        home: Arc<Home>,
        on_period: Option<OnPeriod>,
    ) -> Self {
        let callback = home.lock().unwrap_or_else(PoisonError::into_inner).take();
        Self {
            shared,
            signals,
            ends,
            home,
            callback,
            on_period,
            settings,
            routes: Routes::default(),
            gap: None,
            work: None,
        }
    }

    /// The run goes on that another engine has begun, after a gap.
    pub(crate) fn going_on(mut self, goes_on: bool) -> Self {
        let missed = Flags::INPUT_OVERFLOW.with(Flags::OUTPUT_UNDERFLOW);
        self.gap = goes_on.then_some(missed);
        self
    }

    /// Sends columns where these say.
    pub(crate) fn routed(mut self, routes: Routes) -> Self {
        self.routes = routes;
        self
    }

    /// Those of the host's flags that concern this stream.
    fn concerning(&self, flags: Flags) -> Flags {
        let (input, output) = (self.settings.input.is_some(), self.settings.output.is_some());
        let mut mask = Flags::default();
        for (holds, flag) in [
            (input, Flags::INPUT_OVERFLOW),
            (output, Flags::OUTPUT_UNDERFLOW),
            (input && output, Flags::INPUT_UNDERFLOW),
            (self.settings.never_drop_input, Flags::OUTPUT_OVERFLOW),
        ] {
            mask = if holds { mask.with(flag) } else { mask };
        }
        Flags(flags.0 & mask.0)
    }

    fn period(&mut self, period: &mut Period<'_>, began: Instant) {
        let gap = self.gap.take().unwrap_or_default();
        let concerning = self.concerning(period.flags.with(gap));
        let command = self.shared.command();
        let Some(work) = &mut self.work else {
            return;
        };
        if command == Command::Abort {
            return period.output.fill(work.output.as_ref().map_or(0, |leg| leg.silence));
        }
        if command == Command::Stop && work.rings.is_none() && !work.draining {
            match self.callback.as_ref().is_some_and(|callback| callback.pending()) {
                true => work.draining = true,
                false => work.close(Ended::Stopped),
            }
        }
        let Times { adc, dac, now } = period.times;
        work.half = began + Duration::from_secs_f64(period.frames as f64 / work.rate / 2.0);
        let ahead = self.callback.as_ref().map_or(0, |callback| callback.ahead());
        work.measure(&self.shared, adc, dac, now, ahead);
        work.flag(&self.shared, concerning);
        let mut done = 0;
        while done < period.frames {
            let frames = work.piece.min(period.frames - done);
            let part = |bytes: usize| done * bytes..(done + frames) * bytes;
            let input = work.input.as_ref().map_or(0..0, |leg| part(leg.device_frame));
            let output = work.output.as_ref().map_or(0..0, |leg| part(leg.device_frame));
            let later = done as f64 / work.rate;
            let place = Place { adc: adc + later, dac: dac + later, frame: 1.0 / work.rate };
            let (input, output) = (&period.input[input], &mut period.output[output]);
            work.pass(input, output, frames, place, &mut self.callback, &self.shared, None);
            done += frames;
        }
    }

    /// Whether everything has ended and has been heard; if so, the control side is told.
    fn over(&mut self, now: f64) -> bool {
        let Some(work) = &self.work else {
            return false;
        };
        let heard = work.reblock.queued() == 0 && work.sounds_until + work.tail <= now + 0.5 / work.rate;
        match work.ending {
            Some(ended) if heard || matches!(ended, Ended::Aborted | Ended::Panicked) => {
                self.shared.end(ended);
                self.signals.attend();
                true
            }
            _ => self.shared.command() == Command::Abort,
        }
    }
}

impl Engine for Streaming {
    fn prepare(&mut self, info: &StreamInfo) {
        let ends = self.callback.is_none().then_some(&*self.ends);
        let kept = self.ends.take().filter(|_| self.gap.is_some());
        self.work = Some(Work::new(&self.settings, &self.routes, info, ends, kept, &self.shared));
        if let (Some(callback), None) = (&mut self.callback, self.gap) {
            callback.prepare();
        }
    }

    fn process(&mut self, period: &mut Period<'_>) -> Flow {
        let began = Instant::now();
        self.shared.enter();
        self.period(period, began);
        if let Some(work) = &self.work {
            self.shared.will_sound_until(work.sounds_until);
            self.shared.meters.loaded(load_since(began, period.frames, work.rate));
        }
        self.shared.pending(self.callback.as_ref().is_some_and(|callback| callback.pending()));
        self.shared.leave();
        if self.callback.is_none() {
            self.shared.reader.wake();
            self.shared.writer.wake();
        }
        if let Some(on_period) = &self.on_period {
            on_period();
        }
        if self.over(period.times.now) { Flow::Finished } else { Flow::Continue }
    }

    fn prime(&mut self, period: &mut Period<'_>, left: usize) {
        let (Some(work), true) = (&mut self.work, self.settings.prime_output && self.callback.is_some()) else {
            return;
        };
        if self.shared.command() != Command::Run {
            return;
        }
        self.shared.enter();
        if !std::mem::replace(&mut work.primed, true) {
            work.reblock.lead(left);
        }
        let mut done = 0;
        while done < period.frames {
            let frames = work.piece.min(period.frames - done);
            let later = done as f64 / work.rate;
            let Times { adc, dac, .. } = period.times;
            let place = Place { adc: adc + later, dac: dac + later, frame: 1.0 / work.rate };
            let bytes = work.output.as_ref().map_or(0, |leg| leg.device_frame);
            let output = &mut period.output[done * bytes..(done + frames) * bytes];
            work.pass(&[], output, frames, place, &mut self.callback, &self.shared, Some(Flags::PRIMING));
            done += frames;
        }
        self.shared.will_sound_until(work.sounds_until);
        self.shared.leave();
    }

    fn never_drops_input(&self) -> bool {
        self.settings.never_drop_input
    }

    fn tick(&mut self, now: f64) -> Flow {
        if self.over(now) { Flow::Finished } else { Flow::Continue }
    }
}

impl Drop for Streaming {
    /// On the control thread: the callback and the rings go home.
    fn drop(&mut self) {
        if let Some(rings) = self.work.take().and_then(|work| work.rings) {
            self.ends.keep(rings);
        }
        if let Some(callback) = self.callback.take() {
            *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Some(callback);
        }
    }
}
