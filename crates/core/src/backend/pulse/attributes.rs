//! How much is buffered where, from the latencies that were asked for.
//!
//! In frames. A sink or source works in steps of its own latency; the server asks the client for more, or gives it more,
//! in steps of `minreq` and `fragsize`. The flags that let the server choose (`ADJUST_LATENCY`, `EARLY_REQUESTS`) are not
//! used for playback: without them the server takes `tlength - 2 * minreq` for the latency of the sink, whatever the
//! server is.

use super::library::BufferAttr;
use crate::backend::Request;

/// The shortest period at 48 kHz, and the longest at any rate.
const SHORTEST: f64 = 32.0;
const LONGEST: usize = 2048;
/// The longest period where nothing but the queue asks for one.
const LONGEST_REQUEST: usize = 8192;
/// Steps of the sink at 48 kHz where input drives, and how many periods have four of them.
const STEPS: (f64, f64) = (32.0, 128.0);
/// In duplex the server's requests are not listened to: the fewer, the better.
const UNHEARD: usize = 2048;

/// Frames. What is not meant for a direction is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Of a period of the engine.
    pub period: usize,
    /// From the newest frame captured to the newest one queued, in duplex; the queue and the sink, in output.
    pub queued: usize,
    pub tlength: usize,
    pub minreq: usize,
    pub prebuf: usize,
    pub fragsize: usize,
}

impl Attributes {
    pub(super) fn of(request: &Request) -> Self {
        let rate = request.sample_rate;
        let scaled = |frames: f64| (frames * rate / 48_000.0).round().max(1.0) as usize;
        let frames = |latency: f64| (latency * rate).round().min(1e9) as usize;
        let shortest = scaled(SHORTEST);
        // A user's block comes in one period, or in as few equal ones as it can.
        let block = |longest: usize| match request.block_size as usize {
            0 => None,
            block => Some(block.div_ceil(block.div_ceil(longest)).max(shortest)),
        };
        match (&request.input, &request.output) {
            (Some(input), Some(output)) => {
                let latency = frames(input.latency.min(output.latency));
                let period = block(LONGEST).unwrap_or_else(|| (latency / 2).clamp(shortest, LONGEST));
                let step = (period / 4).clamp(scaled(STEPS.0), scaled(STEPS.1));
                let minreq = scaled(UNHEARD as f64);
                Self {
                    period,
                    queued: frames(output.latency).max(2 * period),
                    tlength: 2 * minreq + step,
                    minreq,
                    prebuf: 0,
                    fragsize: period,
                }
            }
            (None, Some(output)) => {
                let latency = frames(output.latency);
                let period = block(LONGEST).unwrap_or_else(|| (latency / 4).clamp(shortest, LONGEST_REQUEST));
                let step = (latency / 2).saturating_sub(period).max(period.clamp(shortest, scaled(STEPS.1)));
                let tlength = 2 * period + step;
                Self { period, queued: tlength + step, tlength, minreq: period, prebuf: tlength / 2, fragsize: 0 }
            }
            (input, None) => {
                let latency = frames(input.as_ref().map_or(0.0, |input| input.latency));
                let period = block(LONGEST).unwrap_or_else(|| (latency / 2).clamp(shortest, LONGEST));
                Self { period, queued: 0, tlength: 0, minreq: 0, prebuf: 0, fragsize: period }
            }
        }
    }

    /// Frames between two periods beyond which something stood still.
    pub(super) fn standstill(&self) -> usize {
        let step = self.tlength.saturating_sub(2 * self.minreq);
        2 * self.period.max(step) + 1600
    }

    /// Frames that an output can go without being asked for more: all that is queued, and no less than a standstill.
    pub(super) fn lasts(&self) -> usize {
        self.queued.max(self.standstill())
    }

    pub(super) fn playback(&self, frame_bytes: usize) -> BufferAttr {
        let bytes = |frames: usize| u32::try_from(frames * frame_bytes).unwrap_or(u32::MAX - 1);
        BufferAttr {
            maxlength: u32::MAX,
            tlength: bytes(self.tlength),
            prebuf: bytes(self.prebuf),
            minreq: bytes(self.minreq),
            fragsize: u32::MAX,
        }
    }

    pub(super) fn capture(&self, frame_bytes: usize) -> BufferAttr {
        BufferAttr {
            maxlength: u32::MAX,
            tlength: u32::MAX,
            prebuf: u32::MAX,
            minreq: u32::MAX,
            fragsize: u32::try_from(self.fragsize * frame_bytes).unwrap_or(u32::MAX - 1),
        }
    }

    /// What the server made of them. A sink may work in longer steps than it was asked to, and a source come in larger
    /// lumps: more has to be queued then.
    pub(super) fn granted(&mut self, playback: Option<(BufferAttr, usize)>, capture: Option<(BufferAttr, usize)>) {
        let frames = |bytes: u32, frame_bytes: usize| bytes as usize / frame_bytes.max(1);
        let lump = capture.map_or(0, |(granted, frame_bytes)| frames(granted.fragsize, frame_bytes)).max(self.period);
        let Some((granted, frame_bytes)) = playback else {
            return;
        };
        let (tlength, minreq) = (frames(granted.tlength, frame_bytes), frames(granted.minreq, frame_bytes));
        let step = tlength.saturating_sub(2 * minreq);
        if capture.is_some() {
            self.queued = self.queued.max(lump + step + step / 4);
        } else {
            self.period = self.period.max(minreq);
            self.queued = tlength + step;
        }
        (self.tlength, self.minreq) = (tlength, minreq);
    }
}

#[cfg(test)]
mod tests {
    use super::Attributes;
    use crate::backend::{Request, Side};
    use crate::dtype::Dtype;

    fn request(block_size: u32, input: Option<f64>, output: Option<f64>) -> Request {
        let side = |latency| Side { key: String::new(), channels: 2, dtype: Dtype::F32, latency, settings: None };
        Request { sample_rate: 48_000.0, block_size, input: input.map(side), output: output.map(side) }
    }

    #[test]
    fn a_round_trip_is_two_blocks_and_never_less_than_the_output_latency_asked_for() {
        for block in [64, 128, 256, 512] {
            let found = Attributes::of(&request(block, Some(0.0), Some(0.0)));
            assert_eq!((found.period, found.queued), (block as usize, 2 * block as usize));
        }
        let low = Attributes::of(&request(0, Some(128.0 / 48_000.0), Some(128.0 / 48_000.0)));
        assert_eq!((low.period, low.queued), (64, 128));
        assert_eq!(Attributes::of(&request(64, Some(0.1), Some(0.1))).queued, 4800);
        assert_eq!(Attributes::of(&request(10_000, Some(0.0), Some(0.0))).period, 2000);
    }

    #[test]
    fn the_whole_buffer_of_an_output_is_the_latency_asked_for() {
        for frames in [128, 2048, 48_000] {
            let found = Attributes::of(&request(0, None, Some(f64::from(frames) / 48_000.0)));
            let step = found.tlength - 2 * found.minreq;
            assert_eq!(found.tlength + step, frames as usize);
        }
    }

    #[test]
    fn a_device_that_works_in_long_steps_has_more_queued_for_it() {
        let asked = Attributes::of(&request(64, Some(0.0), Some(0.0)));
        let (mut playback, mut capture) = (asked.playback(8), asked.capture(4));
        let queued = |playback, capture| {
            let mut found = asked;
            found.granted(Some((playback, 8)), Some((capture, 4)));
            found.queued
        };
        assert_eq!(queued(playback, capture), 128);
        playback.tlength = (2 * 2048 + 1000) * 8;
        assert_eq!(queued(playback, capture), 64 + 1250);
        capture.fragsize = 500 * 4;
        assert_eq!(queued(playback, capture), 500 + 1250);
    }
}
