//! One stream's place on a virtual device.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::dtype::Format;
use crate::realtime::convert::{ConvertOptions, Counts};
use crate::realtime::mapping::Transfer;
use crate::realtime::{Engine, Flags, Flow, Period, Signals, Times};

pub(super) struct Slot {
    pub id: u64,
    pub engine: Box<dyn Engine>,
    pub signals: Arc<Signals>,
    pub running: bool,
    input: Option<Lane>,
    output: Option<Lane>,
    /// Periods made but not yet heard, in the device's format.
    ahead: VecDeque<Vec<u8>>,
    primed: bool,
    told: bool,
}

/// The way between a stream's samples in the device's format and the device's own doubles.
pub(super) struct Lane {
    channels: usize,
    transfer: Transfer,
    /// One silent period in the device's format.
    silence: Vec<u8>,
    bytes: Vec<u8>,
    samples: Vec<f64>,
}

const EXACT: ConvertOptions = ConvertOptions { clip_off: true, dither_off: true };

impl Lane {
    /// One of the two formats is float64, the other one the device's.
    pub(super) fn new(from: Format, to: Format, channels: u16, period: usize) -> Self {
        let channels = usize::from(channels);
        let device = if from == Format::from(crate::Dtype::F64) { to } else { from };
        let silence = vec![device.silence(); period * channels * device.bytes()];
        Self {
            channels,
            transfer: Transfer::identity(from, channels, to, channels, EXACT),
            bytes: silence.clone(),
            silence,
            samples: vec![0.0; period * channels],
        }
    }
}

impl Slot {
    pub(super) fn new(
        id: u64,
        engine: Box<dyn Engine>,
        signals: Arc<Signals>,
        input: Option<Lane>,
        output: Option<Lane>,
        lead: usize,
    ) -> Self {
        let ahead = output.iter().flat_map(|lane| vec![lane.silence.clone(); lead]).collect();
        Self { id, engine, signals, running: false, input, output, ahead, primed: false, told: false }
    }

    /// Tells, once, whether the thread that makes its periods has real-time priority.
    pub(super) fn tell(&mut self, realtime: bool) {
        if !std::mem::replace(&mut self.told, true) {
            self.signals.has_thread(realtime, 0);
        }
    }

    /// Lets the engine make its next period.
    pub(super) fn make(
        &mut self,
        captured: &[f64],
        inputs: usize,
        period: usize,
        now: f64,
        seconds: f64,
        flags: Flags,
    ) {
        if !std::mem::replace(&mut self.primed, true) {
            let lead = self.ahead.len();
            for (position, output) in self.ahead.iter_mut().enumerate() {
                let times = Times { adc: now, dac: now + seconds * position as f64, now };
                let mut work = Period { frames: period, input: &[], output, times, flags: Flags::default() };
                self.engine.prime(&mut work, (lead - position) * period);
            }
        }
        let mut counts = Counts::default();
        let input: &[u8] = match &mut self.input {
            Some(lane) => {
                for frame in 0..period {
                    let from = &captured[frame * inputs..][..lane.channels];
                    lane.samples[frame * lane.channels..][..lane.channels].copy_from_slice(from);
                }
                lane.transfer.run(as_bytes(&lane.samples), &mut lane.bytes, period, &mut counts);
                &lane.bytes
            }
            None => &[],
        };
        let mut made = self.output.as_ref().map_or_else(Vec::new, |lane| lane.silence.clone());
        let lead = self.ahead.len();
        let times = Times { adc: now - seconds, dac: now + seconds * lead as f64, now };
        let mut work = Period { frames: period, input, output: &mut made, times, flags };
        if self.engine.process(&mut work) == Flow::Finished {
            self.running = false;
        }
        if self.output.is_some() {
            self.ahead.push_back(made);
        }
    }

    /// Adds the stream's next period to what the device plays.
    pub(super) fn play(&mut self, mixed: &mut [f64], outputs: usize, period: usize) {
        let (Some(lane), Some(bytes)) = (&mut self.output, self.ahead.pop_front()) else {
            return;
        };
        let mut counts = Counts::default();
        lane.transfer.run(&bytes, as_bytes_mut(&mut lane.samples), period, &mut counts);
        for frame in 0..period {
            for channel in 0..lane.channels {
                mixed[frame * outputs + channel] += lane.samples[frame * lane.channels + channel];
            }
        }
    }
}

fn as_bytes(samples: &[f64]) -> &[u8] {
    // SAFETY: every f64 is eight readable bytes, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(samples.as_ptr().cast(), size_of_val(samples)) }
}

fn as_bytes_mut(samples: &mut [f64]) -> &mut [u8] {
    // SAFETY: as above; any eight bytes are an f64.
    unsafe { std::slice::from_raw_parts_mut(samples.as_mut_ptr().cast(), size_of_val(samples)) }
}
