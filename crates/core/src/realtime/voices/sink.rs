//! What a job records.

use super::State;
use super::pauses::Pauses;
use crate::memory::Samples;
use crate::realtime::convert::Counts;
use crate::realtime::mapping::Transfer;

pub(crate) struct Sink {
    samples: Samples,
    frame_bytes: usize,
    device_frame_bytes: usize,
    position: u64,
    frames: u64,
    stopped: bool,
    /// Take out the round trip, which the first period tells.
    align: bool,
    skip: Option<u64>,
    pauses: Pauses,
    from_device: Transfer,
}

impl Sink {
    pub(crate) fn new(
        samples: Samples,
        frame_bytes: usize,
        device_frame_bytes: usize,
        align: bool,
        from_device: Transfer,
    ) -> Self {
        let frames = (samples.len() / frame_bytes.max(1)) as u64;
        Self {
            samples,
            frame_bytes,
            device_frame_bytes,
            position: 0,
            frames,
            stopped: false,
            align,
            skip: None,
            pauses: Pauses::new(),
            from_device,
        }
    }

    /// A period of the input.
    pub(super) fn record(&mut self, input: &[u8], frames: usize, paused: bool, state: &State, counts: &mut Counts) {
        let delay = if self.align { state.round_trip().unwrap_or(0) } else { 0 };
        self.skip.get_or_insert(delay);
        self.pauses.obey(paused);
        let mut done = 0;
        while done < frames {
            let (open, count) = self.pauses.next(delay, frames - done);
            if open {
                self.take(&input[done * self.device_frame_bytes..], count, counts);
            }
            done += count;
        }
    }

    fn take(&mut self, input: &[u8], frames: usize, counts: &mut Counts) {
        let Some(skip) = self.skip.as_mut().filter(|_| !self.stopped && self.position < self.frames) else {
            return;
        };
        let skipped = (frames as u64).min(*skip) as usize;
        *skip -= skipped as u64;
        let count = (frames - skipped).min((self.frames - self.position) as usize);
        let from = &input[skipped * self.device_frame_bytes..][..count * self.device_frame_bytes];
        let to = self.position as usize * self.frame_bytes;
        let into = &mut self.samples.bytes_mut()[to..to + count * self.frame_bytes];
        self.from_device.run(from, into, count, counts);
        self.position += count as u64;
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    pub(super) fn full(&self) -> bool {
        self.stopped || self.position >= self.frames
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }
}
