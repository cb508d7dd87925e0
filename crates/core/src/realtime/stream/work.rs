//! The way of a period between the device and the user.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::rings::Rings;
use super::{Call, Callback, Ended, Ends, INSIDE, Routes, Settings, Shared, UserSide};
use crate::backend::{Clock, OpenSide, StreamInfo};
use crate::dtype::Format;
use crate::realtime::Flags;
use crate::realtime::block::{Block, Memory, Place, Reblock, Shape};
use crate::realtime::convert::Counts;
use crate::realtime::gain::Gain;
use crate::realtime::mix::{End, Way};
use crate::stream::{Flow as Next, Status, StreamTime};

/// Frames that are converted at a time, unless the periods are longer.
const PIECE: usize = 4096;

/// What is made when the device is known.
pub(super) struct Work {
    pub rate: f64,
    pub tail: f64,
    clock: Clock,
    pub input: Option<Leg>,
    pub output: Option<Leg>,
    gain: Gain,
    /// One silent block, or piece, of input.
    silence: Memory,
    pub reblock: Reblock,
    pub rings: Option<Rings>,
    pub piece: usize,
    /// Frames that a block waits for its input, and those that reblocking should add in all.
    waits: usize,
    delay: usize,
    /// Flags that no call has been told.
    pending: Flags,
    pub ending: Option<Ended>,
    pub sounds_until: f64,
    pub primed: bool,
    pub draining: bool,
    /// When half of this period is left.
    pub half: Instant,
}

/// The way between the user's samples and the device's.
pub(super) struct Leg {
    way: Way,
    memory: Memory,
    pub device_frame: usize,
    /// The byte that is silence for the device.
    pub silence: u8,
}

impl Work {
    pub fn new(
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
            None => settings.blocks(info.period, shared),
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

    pub fn measure(&self, shared: &Shared, adc: f64, dac: f64, now: f64, ahead: usize) {
        // What reblocking adds is the input's wait for a whole block, and whatever had to be put in since.
        let late = (self.reblock.delay() - self.delay + ahead) as f64;
        shared.measured(now - adc + self.waits as f64 / self.rate, dac - now + late / self.rate);
    }

    /// Flags to be told with the next call, read or write.
    pub fn flag(&mut self, shared: &Shared, flags: Flags) {
        shared.meters.xrun(flags);
        if self.rings.is_none() {
            self.pending = self.pending.with(flags);
            return;
        }
        let input = Flags::INPUT_OVERFLOW.with(Flags::INPUT_UNDERFLOW);
        shared.tell(Flags(flags.0 & input.0), Flags(flags.0 & !input.0));
    }

    /// No more calls; what has been made is still to be heard.
    pub fn close(&mut self, ended: Ended) {
        self.reblock.close();
        self.ending.get_or_insert(ended);
    }

    /// So many frames in and out; `priming` is the flag of those before the first.
    #[allow(clippy::too_many_arguments)]
    pub fn pass(
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
        let mut user = |block: Block<'_>| {
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
            self.gain.follow(shared.meters.volume());
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
        shared.meters.count(counts);
    }
}
