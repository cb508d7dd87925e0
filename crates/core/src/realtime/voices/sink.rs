//! What a job records.

use super::State;
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
            from_device,
        }
    }

    pub(super) fn record(&mut self, input: &[u8], frames: usize, state: &State, counts: &mut Counts) {
        if self.full() {
            return;
        }
        let skip = self.skip.get_or_insert(if self.align { state.round_trip().unwrap_or(0) } else { 0 });
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
