//! The engine on the audio thread, and the playback side if there is one.

use std::sync::Arc;

use super::attributes::Attributes;
use super::backlog::{Backlog, Strain};
use super::pipe::{Pipe, Place};
use super::stream::Shared;
use crate::backend::times::Smoothed;
use crate::backend::{monotonic_seconds, turn};
use crate::realtime::{Engine, Flags, Period, Signals, Times};

/// Seconds that the engine waits at the start of a duplex stream for the times to be known.
const SETTLING: f64 = 0.3;

/// How often in a row the server has to tell that output comes too late, before it starts anew.
const HOPELESS: u32 = 4;

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Silence is played until it is known how long it takes to be heard. Since when.
    Settling(Option<f64>),
    Running,
}

pub(super) struct Output {
    pub(super) pipe: Option<Pipe>,
    engine: Option<Box<dyn Engine>>,
    finished: bool,
    signals: Arc<Signals>,
    attributes: Attributes,
    rate: f64,
    silence: u8,
    /// A period.
    made: Vec<u8>,
    flags: Flags,
    adc: Smoothed,
    dac: Smoothed,
    phase: Phase,
    /// Input is not behind.
    steady: bool,
    /// The input decides when a period is played.
    driven: bool,
    /// The next write whose input is not late starts anew from what is played.
    anchor: bool,
    /// The output has run out since the last write, since anybody asked.
    starved: bool,
    starving: bool,
    /// Frames by which the input is late.
    late: usize,
    /// Frames for which starting anew has waited for input that is not late.
    deferred: usize,
    strain: Strain,
    hold: Hold,
    /// When the server has asked for sound last, where nothing is captured and it was playing by then.
    asked: Option<f64>,
}

impl Output {
    pub(super) fn new(
        pipe: Option<Pipe>,
        driven: bool,
        attributes: Attributes,
        rate: f64,
        silence: u8,
        signals: Arc<Signals>,
    ) -> Self {
        let bytes = pipe.as_ref().map_or(0, |pipe| attributes.period * pipe.frame_bytes);
        Self {
            phase: if driven && pipe.is_some() { Phase::Settling(None) } else { Phase::Running },
            steady: false,
            anchor: driven,
            pipe,
            engine: None,
            finished: false,
            signals,
            attributes,
            rate,
            silence,
            made: vec![silence; bytes],
            flags: Flags::default(),
            adc: Smoothed::default(),
            dac: Smoothed::default(),
            driven,
            starved: false,
            starving: false,
            late: 0,
            deferred: 0,
            strain: Strain::default(),
            hold: Hold::new(attributes.standstill() as f64 / rate),
            asked: None,
        }
    }

    pub(super) fn begin(&mut self, engine: Box<dyn Engine>) {
        self.engine = Some(engine);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.engine.is_some()
    }

    pub(super) fn end(self) -> Option<Box<dyn Engine>> {
        self.engine
    }

    pub(super) fn plays(&self) -> bool {
        self.pipe.is_some()
    }

    pub(super) fn flag(&mut self, flags: Flags) {
        self.flags = self.flags.with(flags);
    }

    /// How input comes. Where all of it has been late so far, a stream that settles begins to do so now: nothing of what has
    /// piled up makes its round trip longer.
    pub(super) fn pace(&mut self, backlog: &Backlog) {
        self.steady = backlog.is_steady();
        if self.driven && backlog.has_caught_up() && matches!(self.phase, Phase::Settling(_)) {
            self.phase = Phase::Settling(None);
            self.anchor = true;
        }
    }

    /// Input comes in time again. What is queued is not behind, unless it has run out.
    pub(super) fn resume(&mut self) {
        self.anchor |= self.starved;
    }

    /// The server has played all there was. Whether the round trip is longer from now on.
    pub(super) fn starve(&mut self) -> bool {
        self.starved = true;
        if self.phase == Phase::Running {
            self.starving = true;
            self.flag(Flags::OUTPUT_UNDERFLOW);
            if self.driven && self.strain.grows(monotonic_seconds()) {
                self.attributes.queued += self.attributes.period / 4;
                self.anchor = true;
                return true;
            }
        }
        false
    }

    /// The server, which tells only once that it has played all, drops what is written too late.
    pub(super) fn look(&mut self) {
        if self.driven && self.phase == Phase::Running && self.pipe.as_ref().is_some_and(|pipe| pipe.late > 0) {
            self.flag(Flags::OUTPUT_UNDERFLOW);
        }
    }

    /// Whether the output has run out since this was asked last.
    pub(super) fn has_starved(&mut self) -> bool {
        std::mem::take(&mut self.starving)
    }

    /// Goes on as far ahead of what is played as at the start.
    pub(super) fn start_anew(&mut self) {
        self.anchor = self.driven;
    }

    /// When what is played next will be heard, where that can be relied on.
    pub(super) fn time(&self) -> Option<f64> {
        let pipe = self.pipe.as_ref().filter(|_| self.phase == Phase::Running && !self.anchor)?;
        pipe.line.at(pipe.frames)
    }

    /// Gives the server what it wants, where nothing is captured.
    pub(super) fn answer(&mut self, shared: &Shared) {
        self.look_for_a_gap();
        while let Some(pipe) = &self.pipe
            && !self.driven
            && pipe.writable() >= self.attributes.period
            && !shared.closing()
        {
            self.play(&[], None);
        }
    }

    /// A device that has asked for nothing for longer than what was queued lasts has stood still, or has had nothing to play:
    /// servers that stand still themselves do not tell.
    fn look_for_a_gap(&mut self) {
        let Some(pipe) = self.pipe.as_ref().filter(|pipe| !self.driven && pipe.writable() >= self.attributes.period)
        else {
            return;
        };
        let now = monotonic_seconds();
        let plays = pipe.line.at(pipe.frames).is_some();
        let lasts = self.attributes.lasts() as f64 / self.rate;
        if std::mem::replace(&mut self.asked, plays.then_some(now)).is_some_and(|before| now - before > lasts) {
            self.flag(Flags::OUTPUT_UNDERFLOW);
        }
    }

    /// A period has been captured from `adc` on; it comes so many frames later than it could.
    pub(super) fn captured(&mut self, input: &[u8], adc: Option<f64>, late: usize) {
        self.late = late;
        if let (Phase::Settling(since), Some(pipe)) = (self.phase, &self.pipe) {
            let now = monotonic_seconds();
            let since = since.unwrap_or(now);
            let known = self.steady && !self.anchor && adc.is_some() && pipe.line.at(pipe.frames).is_some();
            if !known && now - since < SETTLING {
                self.phase = Phase::Settling(Some(since));
                self.made.fill(self.silence);
                return self.write();
            }
            self.phase = Phase::Running;
            // Nothing of the stream's own has been lost yet, nor is anything to be.
            self.flags = Flags::default();
            if self.anchor {
                self.deferred = usize::MAX;
            }
        }
        self.play(input, adc);
    }

    fn play(&mut self, input: &[u8], adc: Option<f64>) {
        let (now, frames) = (monotonic_seconds(), self.attributes.period);
        let duration = frames as f64 / self.rate;
        let mut times = Times { adc: now, dac: now, now };
        if self.driven {
            times.adc = self.adc.next(adc.unwrap_or(now - duration), duration).min(now);
        }
        let mut wait = false;
        if let Some(pipe) = &self.pipe {
            let told = pipe.line.at(pipe.frames).filter(|_| !self.anchor);
            let estimate = now + (self.attributes.queued - frames) as f64 / self.rate;
            times.dac = self.dac.next(told.unwrap_or(estimate), duration).max(now);
            let waiting = self.hold.is_on();
            wait = self.hold.look(now, told, pipe.line.told, pipe.frames, self.rate);
            if wait && !waiting {
                pipe.ask_timing();
            }
        }
        let output = &mut self.made[..];
        match &mut self.engine {
            Some(engine) if !self.finished && !wait => {
                let flags = std::mem::take(&mut self.flags);
                let mut period = Period { frames, input, output, times, flags };
                self.finished = turn::take(engine.as_mut(), &mut period, self.silence, &self.signals);
                if let Some(pipe) = &self.pipe {
                    self.hold.promise(pipe.frames + frames as u64, times.dac + duration);
                }
            }
            _ => output.fill(self.silence),
        }
        self.write();
    }

    fn write(&mut self) {
        let Some(pipe) = &mut self.pipe else {
            return;
        };
        if self.driven && pipe.suspended() {
            // It would wait in a queue that nobody empties.
            self.anchor = true;
            return self.flag(Flags::OUTPUT_UNDERFLOW);
        }
        self.anchor |= self.driven && pipe.late >= HOPELESS;
        let ahead = self.attributes.queued - self.attributes.period;
        let place = match self.anchor {
            true if self.late <= ahead / 2 => Place::Ahead(ahead - self.late),
            // It may never be as early again as it was once.
            true if self.deferred as f64 > SETTLING * self.rate => Place::Ahead(ahead),
            _ => Place::Next,
        };
        self.anchor &= place == Place::Next;
        self.deferred = if self.anchor { self.deferred.saturating_add(self.attributes.period) } else { 0 };
        pipe.write(&self.made, place);
        // A device that has taken more at once than there was goes on taking from where nothing is written any more.
        if self.driven && (std::mem::take(&mut self.starved) || pipe.late > 0) {
            pipe.ask_timing();
        }
    }
}

/// After a standstill, what is queued may be heard much later than the engine was told. The engine, which takes it for
/// heard, would let the stream be closed too early: it is not called until all of it has been heard.
struct Hold {
    /// Seconds between periods beyond which something stood still.
    standstill: f64,
    last: Option<f64>,
    /// The frame after the last one that the engine made, and when the engine was told that it will be heard.
    promised: Option<(u64, f64)>,
    /// Since when, and how often the time had been told by then.
    since: Option<(f64, u64)>,
}

impl Hold {
    /// Seconds by which sound may be later than promised: the stream's `tail` is longer.
    const SLIP: f64 = 0.015;
    /// Seconds that news of the time are waited for.
    const PATIENCE: f64 = 0.5;

    fn new(standstill: f64) -> Self {
        Self { standstill, last: None, promised: None, since: None }
    }

    fn is_on(&self) -> bool {
        self.since.is_some()
    }

    fn promise(&mut self, frame: u64, time: f64) {
        self.promised = Some((frame, time));
    }

    /// Whether the engine has to wait. `frame` is the one that is written next, which is heard at `dac`, as the server
    /// has told so often.
    fn look(&mut self, now: f64, dac: Option<f64>, told: u64, frame: u64, rate: f64) -> bool {
        let gap = now - self.last.replace(now).unwrap_or(now);
        if gap > self.standstill && self.since.is_none() {
            self.since = Some((now, told));
        }
        let wait = match (self.since, self.promised) {
            (Some((since, before)), Some((end, promise))) => match dac {
                Some(dac) if told > before => {
                    let heard = dac - (frame - end.min(frame)) as f64 / rate;
                    heard > promise + Self::SLIP && heard > now
                }
                _ => now - since < Self::PATIENCE,
            },
            _ => false,
        };
        if !wait {
            self.since = None;
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::Hold;

    #[test]
    fn after_a_standstill_the_engine_waits_until_what_it_made_has_been_heard() {
        let mut hold = Hold::new(0.1);
        assert!(!hold.look(1.0, Some(1.04), 1, 0, 1000.0));
        hold.promise(10, 1.05);
        assert!(!hold.look(1.01, Some(1.05), 1, 10, 1000.0));
        hold.promise(20, 1.06);
        // Two seconds later nobody knows when frame 20 is heard, then it turns out to be in 30 ms.
        assert!(hold.look(3.0, Some(1.06), 1, 20, 1000.0));
        assert!(hold.look(3.01, Some(3.04), 2, 30, 1000.0));
        assert!(hold.look(3.02, Some(3.05), 2, 40, 1000.0));
        assert!(!hold.look(3.031, Some(3.06), 2, 50, 1000.0));
        // Nothing stood still, or nothing is late: no waiting.
        assert!(!hold.look(3.04, Some(3.07), 2, 60, 1000.0));
        hold.promise(70, 3.08);
        assert!(hold.look(4.0, None, 2, 70, 1000.0));
        assert!(!hold.look(4.01, Some(3.085), 3, 70, 1000.0));
    }
}
