//! Jobs with all of their options, and waiting for them.

use std::time::{Duration, Instant};

use sounddevice::job::{Job, JobRequest, Latency, Play, Record};
use sounddevice::{AudioData, Sample, Samples};

/// How long anything may take on a machine that does other things.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const RATE: u32 = 48_000;

/// Waits for a condition.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what} does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A job to be started: plays, records, or does both.
#[derive(Clone, Copy)]
pub struct Plan<'a, S> {
    play: Option<(&'a AudioData<S>, &'a str)>,
    record: Option<(usize, usize, &'a str)>,
    /// The one channel of both, from 1.
    channel: Option<u32>,
    input_latency: Latency,
    output_latency: Latency,
    block_size: u32,
    align: bool,
}

impl<'a, S: Sample> Plan<'a, S> {
    const NOTHING: Self = Self {
        play: None,
        record: None,
        channel: None,
        input_latency: Latency::High,
        output_latency: Latency::High,
        block_size: 0,
        align: false,
    };

    pub fn play(data: &'a AudioData<S>, device: &'a str) -> Self {
        Self { play: Some((data, device)), ..Self::NOTHING }
    }

    /// Frames and channels.
    pub fn record(frames: usize, channels: usize, device: &'a str) -> Self {
        Self { record: Some((frames, channels, device)), ..Self::NOTHING }
    }

    /// Plays, and records as many frames and channels.
    pub fn both(data: &'a AudioData<S>, output: &'a str, input: &'a str) -> Self {
        let record = Some((data.frames(), data.channels(), input));
        Self { record, ..Self::play(data, output) }
    }

    pub fn on_channel(self, channel: u32) -> Self {
        Self { channel: Some(channel), ..self }
    }

    pub fn latency(self, latency: Latency) -> Self {
        self.latencies(latency, latency)
    }

    pub fn latencies(self, input_latency: Latency, output_latency: Latency) -> Self {
        Self { input_latency, output_latency, ..self }
    }

    pub fn block_size(self, block_size: u32) -> Self {
        Self { block_size, ..self }
    }

    pub fn align(self) -> Self {
        Self { align: true, ..self }
    }

    pub fn start(self) -> Run<S> {
        let play = self.play.map(|(data, device)| Play {
            samples: Samples::copied(bytes(data.samples())),
            dtype: S::DTYPE,
            channels: data.channels(),
            device: Some(device.into()),
            mapping: self.channel.map(|channel| vec![channel]),
            latency: self.output_latency,
            settings: None,
            repeat: None,
        });
        let mut memory = None;
        let record = self.record.map(|(frames, channels, device)| {
            // Leaked: it outlives whatever goes wrong.
            let samples = vec![S::SILENCE; frames * channels].leak();
            // SAFETY: looked at only after the job has ended.
            let foreign = unsafe { Samples::foreign(samples.as_mut_ptr().cast(), size_of_val(samples)) };
            memory = Some((samples.as_ptr(), channels));
            Record {
                samples: foreign,
                dtype: S::DTYPE,
                channels,
                device: Some(device.into()),
                mapping: self.channel.map(|channel| vec![channel]),
                latency: self.input_latency,
                settings: None,
            }
        });
        let request = JobRequest {
            play,
            record,
            sample_rate: Some(f64::from(RATE)),
            block_size: self.block_size,
            clip_off: false,
            dither_off: false,
            overlap: false,
            align: self.align,
        };
        let job = Job::open(request, Box::new(|_| ()));
        Run { job: job.unwrap_or_else(|error| panic!("{error}, {:?}", error.host_error())), memory }
    }
}

/// A job that has been started.
pub struct Run<S> {
    pub job: Job,
    memory: Option<(*const S, usize)>,
}

impl<S: Sample> Run<S> {
    /// Waits until it has gone on for so many frames.
    pub fn goes_on(&self, frames: u64) {
        let progress = || self.job.position().max(self.job.recorded());
        let from = progress();
        until("sound", || progress() > from + frames || !self.job.active());
        assert!(self.job.active(), "it has ended: {:?}", self.job.wait());
    }

    /// Waits for a good end. What was recorded, and the flags.
    pub fn end(self) -> (AudioData<S>, u8) {
        assert!(self.job.wait_for(PATIENCE), "the job goes on for ever");
        self.job.wait().expect("it ends well");
        (self.recorded(), self.job.flags())
    }

    /// Drops what is queued and waits for the end. What was recorded.
    pub fn abort(self) -> AudioData<S> {
        self.job.abort();
        self.end().0
    }

    fn recorded(&self) -> AudioData<S> {
        let Some((samples, channels)) = self.memory else {
            return AudioData::zeros(0, 1, RATE);
        };
        // SAFETY: leaked, as long as was asked for, of which no more is recorded; and the job has ended.
        let samples = unsafe { std::slice::from_raw_parts(samples, self.job.recorded() as usize * channels) };
        AudioData::new(samples.to_vec(), channels, RATE).expect("whole frames")
    }
}

fn bytes<S: Sample>(samples: &[S]) -> &[u8] {
    // SAFETY: samples have no padding.
    unsafe { std::slice::from_raw_parts(samples.as_ptr().cast(), size_of_val(samples)) }
}
