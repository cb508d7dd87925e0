//! The engine of play, rec and playrec: several jobs over one stream, mixed where more than one sounds.

mod pauses;
mod sink;
mod source;
mod state;
#[cfg(test)]
mod test;

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::time::Instant;

use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

pub(crate) use sink::Sink;
pub(crate) use source::{Repeat, Source, total};
pub(crate) use state::{State, Turn};

use super::command::Command;
use super::convert::{ConvertOptions, Counts};
use super::gain::Gain;
use super::mapping::Transfer;
use super::meters::load_since;
use super::{Engine, Flags, Flow, Period, Signals, Times};
use crate::backend::StreamInfo;
use crate::dtype::{Dtype, Format};

/// How many jobs may sound in one stream.
pub(crate) const MOST: usize = 64;
/// Frames that are mixed at a time.
const MIXED: usize = 1024;

/// One job on the audio thread.
pub(crate) struct Voice {
    pub state: Arc<State>,
    pub source: Option<Source>,
    pub sink: Option<Sink>,
    pub gain: Gain,
}

/// The control side's end of the engine.
pub(crate) struct Remote {
    pub incoming: HeapProd<Box<Voice>>,
    /// Voices that have ended come back here, to be freed.
    pub ended: HeapCons<Box<Voice>>,
    pub turn: Arc<Turn>,
}

pub(crate) struct Voices {
    incoming: HeapCons<Box<Voice>>,
    ended: HeapProd<Box<Voice>>,
    turn: Arc<Turn>,
    /// Boxed, so that they come and go without being copied.
    #[allow(clippy::vec_box)]
    active: Vec<Box<Voice>>,
    signals: Arc<Signals>,
    options: ConvertOptions,
    rate: f64,
    tail: f64,
    mixer: Option<Mixer>,
}

/// Adds in doubles, which hold every format exactly.
struct Mixer {
    channels: usize,
    frame_bytes: usize,
    silence: u8,
    one: Vec<u8>,
    sum: Vec<u8>,
    to_device: Transfer,
}

impl Voices {
    pub(crate) fn new(signals: Arc<Signals>, options: ConvertOptions) -> (Self, Remote) {
        let (incoming, taken) = HeapRb::new(MOST).split();
        let (given, ended) = HeapRb::new(MOST).split();
        let active = Vec::with_capacity(MOST);
        let turn = Arc::new(Turn::default());
        let remote = Remote { incoming, ended, turn: Arc::clone(&turn) };
        let (incoming, ended) = (taken, given);
        (Self { incoming, ended, turn, active, signals, options, rate: 0.0, tail: 0.0, mixer: None }, remote)
    }

    /// Sends home what has ended.
    fn dismiss(&mut self, now: f64) {
        let mut any = false;
        let mut position = 0;
        while position < self.active.len() {
            if self.active[position].over(now + 0.5 / self.rate - self.tail) {
                let voice = self.active.swap_remove(position);
                any = true;
                // There is room: no more voices exist than the ring holds.
                if let Err(voice) = self.ended.try_push(voice) {
                    self.active.push(voice);
                    return;
                }
            } else {
                position += 1;
            }
        }
        if any {
            self.signals.attend();
        }
    }
}

impl Engine for Voices {
    fn prepare(&mut self, info: &StreamInfo) {
        self.rate = info.sample_rate;
        self.tail = info.tail;
        self.mixer = info.output.map(|side| {
            let channels = usize::from(side.channels);
            let double = Format::from(Dtype::F64);
            Mixer {
                channels,
                frame_bytes: channels * side.format.bytes(),
                silence: side.format.silence(),
                one: vec![0; MIXED * channels * 8],
                sum: vec![0; MIXED * channels * 8],
                to_device: Transfer::identity(double, channels, side.format, channels, self.options),
            }
        });
    }

    fn process(&mut self, period: &mut Period<'_>) -> Flow {
        let began = Instant::now();
        self.turn.begin();
        self.period(period);
        let load = load_since(began, period.frames, self.rate);
        self.active.iter().for_each(|voice| voice.state.meters.loaded(load));
        self.turn.end();
        Flow::Continue
    }

    fn tick(&mut self, now: f64) -> Flow {
        self.dismiss(now);
        Flow::Continue
    }
}

impl Voices {
    fn period(&mut self, period: &mut Period<'_>) {
        while self.active.len() < MOST {
            let Some(voice) = self.incoming.try_pop() else {
                break;
            };
            self.active.push(voice);
        }
        let (times, frames) = (period.times, period.frames);
        for voice in &mut self.active {
            voice.obey(&times, self.rate);
        }
        self.dismiss(times.now);
        if let Some(mixer) = &mut self.mixer {
            let mut sounding = self.active.iter_mut().filter(|voice| voice.sounds());
            match (sounding.next(), sounding.next()) {
                (None, _) => period.output.fill(mixer.silence),
                (Some(voice), None) if voice.gain.is_unity() => {
                    let mut counts = Counts::default();
                    let source = voice.source.as_mut();
                    let made = source.map_or(0, |source| source.play(period.output, frames, &mut counts));
                    period.output[made * mixer.frame_bytes..].fill(mixer.silence);
                    voice.state.meters.count(counts);
                }
                // Mixed even by itself, what is made louder or softer is rounded once.
                _ => mixer.mix(&mut self.active, period.output, frames),
            }
        }
        for voice in &mut self.active {
            voice.after(period.input, frames, period.flags, &times, self.rate);
        }
        // A recording that is full has ended already.
        self.dismiss(times.now);
    }
}

impl Mixer {
    fn mix(&mut self, voices: &mut [Box<Voice>], output: &mut [u8], frames: usize) {
        let mut done = 0;
        while done < frames {
            let count = MIXED.min(frames - done);
            let bytes = count * self.channels * 8;
            self.sum[..bytes].fill(0);
            let mut counts = Counts::default();
            for voice in voices.iter_mut().filter(|voice| voice.sounds()) {
                let Some(source) = &mut voice.source else {
                    continue;
                };
                let made = source.play_mixed(&mut self.one[..bytes], count, &mut counts);
                add(&mut self.sum[..made * self.channels * 8], &self.one, self.channels, &mut voice.gain);
            }
            let mut counts = Counts::default();
            let out = &mut output[done * self.frame_bytes..][..count * self.frame_bytes];
            self.to_device.run(&self.sum[..bytes], out, count, &mut counts);
            // Whose samples were too loud together cannot be told: all of them count.
            voices.iter().filter(|voice| voice.source.is_some()).for_each(|voice| voice.state.meters.count(counts));
            done += count;
        }
    }
}

fn add(sum: &mut [u8], one: &[u8], channels: usize, gain: &mut Gain) {
    let frame = channels * 8;
    for (sum, one) in sum.chunks_exact_mut(frame).zip(one.chunks_exact(frame)) {
        let gain = gain.step();
        for (sum, one) in sum.chunks_exact_mut(8).zip(one.chunks_exact(8)) {
            let both = read(sum) + read(one) * gain;
            sum.copy_from_slice(&both.to_ne_bytes());
        }
    }
}

fn read(bytes: &[u8]) -> f64 {
    let mut sample = [0; 8];
    sample.copy_from_slice(bytes);
    f64::from_ne_bytes(sample)
}

impl Voice {
    /// Follows what the control side asks for, before anything is made.
    fn obey(&mut self, times: &Times, rate: f64) {
        let state = &self.state;
        state.measure(times, rate);
        self.gain.follow(state.meters.volume());
        match state.command() {
            Command::Run => {}
            Command::Stop => {
                if let Some(source) = &mut self.source {
                    source.stop(times.now);
                }
                if let Some(sink) = &mut self.sink {
                    sink.stop();
                }
            }
            Command::Abort => {}
        }
        if let (false, Some(source)) = (state.paused.load(Acquire), &mut self.source) {
            let target = state.seek.swap(-1, AcqRel);
            if let Ok(frame) = u64::try_from(target) {
                source.seek(frame);
                // Beyond the end there is no period in which it would be told otherwise.
                state.position.store(source.position(), Relaxed);
            }
        }
    }

    fn sounds(&self) -> bool {
        let wanted = self.state.command() == Command::Run && !self.state.paused.load(Acquire);
        wanted && self.source.as_ref().is_some_and(|source| !source.ended())
    }

    /// Records, and tells the control side where things stand, after the output has been made.
    fn after(&mut self, input: &[u8], frames: usize, flags: Flags, times: &Times, rate: f64) {
        let paused = self.state.paused.load(Acquire);
        let mut mask = 0;
        if let Some(source) = &mut self.source {
            source.heard_from(times.dac, rate);
            self.state.position.store(source.position(), Relaxed);
            self.state.sounds_until(source.ends_at());
            mask |= Flags::OUTPUT_UNDERFLOW.0;
        }
        if let Some(sink) = &mut self.sink {
            mask |= Flags::INPUT_OVERFLOW.0 | if self.source.is_some() { Flags::INPUT_UNDERFLOW.0 } else { 0 };
            let mut counts = Counts::default();
            sink.record(input, frames, paused, &self.state, &mut counts);
            self.state.meters.count(counts);
            self.state.recorded.store(sink.position(), Relaxed);
            if self.source.is_none() {
                self.state.position.store(sink.position(), Relaxed);
            }
        }
        self.state.flags.fetch_or(flags.0 & mask, AcqRel);
        self.state.meters.xrun(Flags(flags.0 & mask));
    }

    fn over(&self, now: f64) -> bool {
        let played = self.source.as_ref().is_none_or(|source| source.ended() && source.ends_at() <= now);
        let recorded = self.sink.as_ref().is_none_or(Sink::full);
        self.state.command() == Command::Abort || (played && recorded)
    }
}
