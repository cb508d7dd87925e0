//! Jobs on the devices of a PulseAudio server.

use std::time::Duration;

use sounddevice::job::{Job, JobRequest, Latency, Play, Record};
use sounddevice::{AudioData, DeviceSpecifier, Sample, Samples};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Run<S> {
    pub job: Job,
    memory: Option<*const [S]>,
}

/// Plays `data` and records `frames` frames of two channels, either of them if asked for.
pub struct Spec<'a, S> {
    pub play: Option<(&'a AudioData<S>, &'a str)>,
    pub record: Option<(usize, &'a str)>,
    pub latency: Latency,
    pub block_size: u32,
    pub align: bool,
}

impl<S: Sample> Spec<'_, S> {
    pub fn start(self) -> Run<S> {
        let device = |name: &str| Some(DeviceSpecifier::from(format!("pulseaudio:{name}").as_str()));
        let play = self.play.map(|(data, name)| Play {
            samples: Samples::copied(bytes(data.samples())),
            dtype: S::DTYPE,
            channels: data.channels(),
            device: device(name),
            mapping: None,
            latency: self.latency,
            repeat: None,
        });
        let mut memory = None;
        let record = self.record.map(|(frames, name)| {
            // Leaked: it outlives whatever goes wrong.
            let samples = vec![S::SILENCE; frames * 2].leak();
            // SAFETY: looked at only after the job has ended.
            let foreign = unsafe { Samples::foreign(samples.as_mut_ptr().cast(), size_of_val(samples)) };
            memory = Some(std::ptr::from_ref::<[S]>(samples));
            Record {
                samples: foreign,
                dtype: S::DTYPE,
                channels: 2,
                device: device(name),
                mapping: None,
                latency: self.latency,
            }
        });
        let request = JobRequest {
            play,
            record,
            sample_rate: Some(48_000.0),
            block_size: self.block_size,
            clip_off: false,
            dither_off: false,
            overlap: false,
            align: self.align,
        };
        Run { job: Job::open(request, Box::new(|_| ())).expect("a job"), memory }
    }
}

impl<S: Sample> Run<S> {
    /// What was recorded.
    pub fn end(self) -> (Job, Vec<S>) {
        assert!(self.job.wait_for(PATIENCE), "the job goes on for ever");
        self.job.wait().expect("the job ends well");
        // SAFETY: leaked, and the job has ended.
        let recorded = self.memory.map(|memory| unsafe { &(&*memory)[..self.job.recorded() as usize * 2] }.to_vec());
        (self.job, recorded.unwrap_or_default())
    }
}

fn bytes<S: Sample>(samples: &[S]) -> &[u8] {
    // SAFETY: samples have no padding.
    unsafe { std::slice::from_raw_parts(samples.as_ptr().cast(), size_of_val(samples)) }
}
