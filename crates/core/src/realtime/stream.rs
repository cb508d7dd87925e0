//! The engine of a stream: converts, re-blocks, calls the user, and knows when everything has been heard.

mod rings;
mod shared;
#[cfg(test)]
mod test;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use rings::Ends;
pub(crate) use shared::{Ended, Shared, Waiter};

use super::block::{Memory, Place, Reblock, Shape};
use super::command::Command;
use super::convert::{ConvertOptions, Counts};
use super::gain::Gain;
use super::mix::{End, Way};
use super::{Engine, Flags, Flow, Period, Signals, Times};
use crate::backend::{Clock, OpenSide, StreamInfo};
use crate::channel::Pick;
use crate::dtype::{Dtype, Format};
use crate::stream::{Flow as Next, Status, StreamTime};
use rings::Rings;

/// Frames that are converted at a time, unless the periods are longer.
const PIECE: usize = 4096;

/// One call of the user, in bytes.
pub(crate) struct Call<'a> {
    pub input: &'a [u8],
    pub output: &'a mut [u8],
    pub frames: usize,
    pub time: StreamTime,
    pub status: Status,
    /// Nothing new is to be made: only what was made before is asked for.
    pub draining: bool,
    /// When half of the period is left.
    pub half: Instant,
}

/// Who makes the sound.
pub(crate) trait User: Send {
    fn call(&mut self, call: Call<'_>) -> Next;

    /// Before each run, on the control thread.
    fn prepare(&mut self) {}

    /// Frames between a call and the output that it returns: what is made by others, ahead of time.
    fn ahead(&self) -> usize {
        0
    }

    /// Whether calls would still return what was made before; asked while the stream plays out.
    fn pending(&self) -> bool {
        false
    }
}

/// A closure.
pub(crate) struct Direct<F>(pub F);

impl<F: FnMut(Call<'_>) -> Next + Send> User for Direct<F> {
    fn call(&mut self, call: Call<'_>) -> Next {
        self.0(call)
    }
}

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

/// What is made when the device is known.
struct Work {
    rate: f64,
    tail: f64,
    clock: Clock,
    input: Option<Leg>,
    output: Option<Leg>,
    gain: Gain,
    /// One silent block, or piece, of input.
    silence: Memory,
    reblock: Reblock,
    rings: Option<Rings>,
    piece: usize,
    /// Frames that a block waits for its input, and those that reblocking should add in all.
    waits: usize,
    delay: usize,
    /// Flags that no call has been told.
    pending: Flags,
    ending: Option<Ended>,
    sounds_until: f64,
    primed: bool,
    draining: bool,
    /// When half of this period is left.
    half: Instant,
}

/// The way between the user's samples and the device's.
struct Leg {
    way: Way,
    memory: Memory,
    device_frame: usize,
    /// The byte that is silence for the device.
    silence: u8,
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
            self.shared.loaded(began.elapsed().as_secs_f64() * work.rate / period.frames.max(1) as f64);
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

impl Work {
    fn new(
        settings: &Settings,
        routes: &Routes,
        info: &StreamInfo,
        ends: Option<&Ends>,
        kept: Option<Rings>,
        shared: &Shared,
    ) -> Self {
        let piece = PIECE.max(info.period);
        let block = match ends {
            Some(_) => 0,
            None if settings.fixed && settings.block == 0 => shared.fixed_block(info.period),
            None => settings.block,
        };
        let leg = |user: Option<UserSide>, device: Option<OpenSide>, inwards: bool| {
            let picks = if inwards { &routes.input } else { &routes.output };
            let picks = picks.as_ref().map(|(picks, most)| (picks.as_slice(), *most));
            user.zip(device).map(|(user, device)| {
                let (format, channels) = (Format::from(user.dtype), usize::from(device.channels));
                let (user_end, device_end) =
                    (End { format, channels: user.channels }, End { format: device.format, channels });
                let (from, to) = if inwards { (device_end, user_end) } else { (user_end, device_end) };
                let way = Way::new(from, to, picks, inwards, !inwards, piece, settings.options);
                let memory = Memory::new(piece * format.bytes() * user.channels, format.silence());
                Leg { way, memory, device_frame: device.format.bytes() * channels, silence: device.format.silence() }
            })
        };
        let frame = |side: Option<UserSide>| side.map_or(0, |side| side.dtype.bytes() * side.channels);
        let silence = |side: Option<UserSide>| side.map_or(0, |side| side.dtype.silence());
        let (in_frame, out_frame) = (frame(settings.input), frame(settings.output));
        let shape = Shape { input: in_frame, output: out_frame, silence: silence(settings.output) };
        let reblock = Reblock::new(shape, block, info.period);
        let held = |user: Option<UserSide>, device: Option<OpenSide>| {
            let latency = user.map_or(0.0, |side| side.latency).max(device.map_or(0.0, |side| side.latency));
            let blocks = 4 * if settings.block > 0 { settings.block } else { info.period };
            let frames = blocks.max((2.0 * latency * info.sample_rate).round() as usize);
            let frames = match settings.hold {
                Some(hold) => (hold * info.sample_rate) as usize,
                None => frames.min(info.sample_rate as usize),
            };
            frames.max(2 * info.period)
        };
        let held = (held(settings.input, info.input), held(settings.output, info.output));
        Self {
            rate: info.sample_rate,
            tail: info.tail,
            clock: info.clock.clone(),
            input: leg(settings.input, info.input, true),
            output: leg(settings.output, info.output, false),
            gain: Gain::new(info.sample_rate),
            silence: Memory::new(piece.max(block) * in_frame, silence(settings.input)),
            waits: if in_frame > 0 && block > 0 { Reblock::wait(block, info.period) } else { 0 },
            delay: reblock.delay(),
            reblock,
            rings: ends
                .map(|ends| kept.unwrap_or_else(|| Rings::new(ends, in_frame, out_frame, held, info.sample_rate))),
            piece,
            pending: Flags::default(),
            ending: None,
            sounds_until: f64::NEG_INFINITY,
            primed: false,
            draining: false,
            half: Instant::now(),
        }
    }

    fn measure(&self, shared: &Shared, adc: f64, dac: f64, now: f64, ahead: usize) {
        // What reblocking adds is the input's wait for a whole block, and whatever had to be put in since.
        let late = (self.reblock.delay() - self.delay + ahead) as f64;
        shared.measured(now - adc + self.waits as f64 / self.rate, dac - now + late / self.rate);
    }

    /// Flags to be told with the next call, read or write.
    fn flag(&mut self, shared: &Shared, flags: Flags) {
        shared.xrun(flags);
        if self.rings.is_none() {
            self.pending = self.pending.with(flags);
            return;
        }
        let input = Flags::INPUT_OVERFLOW.with(Flags::INPUT_UNDERFLOW);
        shared.tell(Flags(flags.0 & input.0), Flags(flags.0 & !input.0));
    }

    /// No more calls; what has been made is still to be heard.
    fn close(&mut self, ended: Ended) {
        self.reblock.close();
        self.ending.get_or_insert(ended);
    }

    /// So many frames in and out; `priming` is the flag of those before the first.
    #[allow(clippy::too_many_arguments)]
    fn pass(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        frames: usize,
        place: Place,
        callback: &mut Option<Callback>,
        shared: &Arc<Shared>,
        priming: Option<Flags>,
    ) {
        let Self { clock, reblock, rings, pending, draining, half, .. } = self;
        let mut counts = Counts::default();
        let heard: &[u8] = match (&mut self.input, priming) {
            (Some(leg), None) => {
                leg.way.run(input, leg.memory.bytes_mut(), frames, None, &mut counts);
                leg.memory.bytes()
            }
            (Some(_), Some(_)) => self.silence.bytes(),
            (None, _) => &[],
        };
        let mut none = Memory::default();
        let made = self.output.as_mut().map_or(&mut none, |leg| &mut leg.memory).bytes_mut();
        let (hears, plays) = (!heard.is_empty(), !made.is_empty());
        let (mut ended, mut found, mut sounding) = (None, Flags::default(), None);
        let mut user = |block: super::block::Block<'_>| {
            if let Some(rings) = rings {
                let passed = rings.pass(block.input, block.output, block.frames, block.adc, shared);
                found = found.with(passed.flags);
                sounding = Some(passed.made);
                ended = (passed.flow != Next::Continue).then_some(Ended::Stopped);
                return passed.flow;
            }
            let Some(callback) = callback else {
                return Next::Continue;
            };
            let current = clock.now();
            let time = StreamTime {
                input_adc: if hears { block.adc.min(current) } else { current },
                current,
                output_dac: if plays {
                    (block.dac + callback.ahead() as f64 * place.frame).max(current)
                } else {
                    current
                },
            };
            let status = Status(std::mem::take(pending).with(priming.unwrap_or_default()).0);
            let draining = *draining;
            let (half, frames) = (*half, block.frames);
            let call = Call { input: block.input, output: block.output, frames, time, status, draining, half };
            let outer = INSIDE.replace(Arc::as_ptr(shared));
            let next = catch_unwind(AssertUnwindSafe(|| callback.call(call)));
            INSIDE.set(outer);
            let (next, how) = match next {
                Ok(Next::Continue) if draining && !callback.pending() => (Next::Complete, Ended::Stopped),
                Ok(Next::Continue) => return Next::Continue,
                Ok(Next::Complete) => (Next::Complete, Ended::Completed),
                Ok(Next::Abort) => (Next::Abort, Ended::Aborted),
                Err(_) => (Next::Abort, Ended::Panicked),
            };
            ended = Some(how);
            next
        };
        let until = match priming {
            Some(_) => reblock.prime(heard, made, frames, place, &mut user),
            None => reblock.run(heard, made, frames, place, &mut user),
        };
        if let Some(leg) = &mut self.output {
            self.gain.follow(shared.volume());
            leg.way.run(leg.memory.bytes(), output, frames, Some(&mut self.gain), &mut counts);
            let sounding = sounding.unwrap_or(until) + self.reblock.queued();
            if sounding > 0 {
                self.sounds_until = place.dac + sounding as f64 * place.frame;
            }
        }
        if let Some(ended) = ended {
            self.ending.get_or_insert(ended);
        }
        if self.reblock.take_short() {
            found = found.with(Flags::OUTPUT_UNDERFLOW);
        }
        if found != Flags::default() {
            self.flag(shared, found);
        }
        shared.count(counts);
    }
}
