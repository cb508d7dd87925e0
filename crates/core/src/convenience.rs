//! Play, record, and both at once, in one call each.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use crate::audio_data::AudioData;
use crate::device::{DeviceSpecifier, Kind, devices_for};
use crate::error::Result;
use crate::job::{Job, JobRequest, Latency, Loop, Play, Record, rate};
use crate::memory::{Samples, settle};
use crate::sample::{Sample, bytes, bytes_mut};
use crate::settings::HostSettings;

/// Plays on the default output, or wherever the builder says. Several run side by side.
///
/// ```
/// # let device = sounddevice::virtual_host().device().manual_clock().create()?;
/// # let device = &device;
/// let beep = sounddevice::AudioData::<f32>::from_fn(480, 1, 48_000, |frame, _| (frame as f32 * 0.05).sin());
/// let job = sounddevice::play(&beep).device(device).start()?;
/// # device.advance(512)?;
/// job.wait()?;
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn play<S: Sample>(data: &AudioData<S>) -> Builder<Playing> {
    let mut builder = Builder::new(Some(source(data)), 0, S::DTYPE);
    builder.request.sample_rate = Some(data.sample_rate());
    builder
}

/// Records that many frames from the default input, of its first channel unless told otherwise.
pub fn rec<S: Sample>(frames: usize) -> Builder<Recording<S>> {
    Builder::new(None, frames, S::DTYPE)
}

/// Plays and records as many frames at the same time.
pub fn playrec<S: Sample, T: Sample>(data: &AudioData<S>) -> Builder<Recording<T>> {
    let mut builder = Builder::new(Some(source(data)), data.frames(), T::DTYPE);
    builder.request.sample_rate = Some(data.sample_rate());
    builder
}

fn source<S: Sample>(data: &AudioData<S>) -> Play {
    Play {
        samples: Samples::copied(bytes(data.samples())),
        dtype: S::DTYPE,
        channels: data.channels(),
        device: None,
        mapping: None,
        latency: Latency::High,
        settings: None,
        repeat: None,
    }
}

/// What a [`play`] is.
#[derive(Debug)]
pub struct Playing(());

/// What a [`rec`] or [`playrec`] is.
#[derive(Debug)]
pub struct Recording<S>(PhantomData<S>);

/// A job to be started.
#[derive(Debug)]
#[must_use = "nothing sounds before start()"]
pub struct Builder<Of> {
    request: JobRequest,
    frames: usize,
    channels: Option<usize>,
    dtype: crate::Dtype,
    input: Option<DeviceSpecifier>,
    input_mapping: Option<Vec<u32>>,
    latency: Latency,
    settings: Option<HostSettings>,
    of: PhantomData<Of>,
}

impl<Of> Builder<Of> {
    fn new(play: Option<Play>, frames: usize, dtype: crate::Dtype) -> Self {
        let request = JobRequest {
            play,
            record: None,
            sample_rate: None,
            block_size: 0,
            clip_off: false,
            dither_off: false,
            overlap: true,
            align: false,
        };
        let (input, input_mapping, of) = (None, None, PhantomData);
        let (channels, latency, settings) = (None, Latency::High, None);
        Self { request, frames, channels, dtype, input, input_mapping, latency, settings, of }
    }

    /// The device, for both directions where there are two: an index, an id, parts of a name, or a device.
    pub fn device(mut self, device: impl Into<DeviceSpecifier>) -> Self {
        let device = device.into();
        if let Some(play) = &mut self.request.play {
            play.device = Some(device.clone());
        }
        self.input = Some(device);
        self
    }

    /// The device to record from, where it is another one than the one to play on.
    pub fn input_device(mut self, device: impl Into<DeviceSpecifier>) -> Self {
        self.input = Some(device.into());
        self
    }

    /// The device to play on, where it is another one than the one to record from.
    pub fn output_device(mut self, device: impl Into<DeviceSpecifier>) -> Self {
        if let Some(play) = &mut self.request.play {
            play.device = Some(device.into());
        }
        self
    }

    /// Hertz; without it the data's, or the device's own.
    pub fn sample_rate(mut self, sample_rate: impl Into<f64>) -> Self {
        self.request.sample_rate = Some(sample_rate.into());
        self
    }

    /// How much the device may buffer; [`Latency::High`] unless told otherwise.
    pub fn latency(mut self, latency: Latency) -> Self {
        if let Some(play) = &mut self.request.play {
            play.latency = latency;
        }
        self.latency = latency;
        self
    }

    /// Frames that are handled at a time; 0, the default, leaves that to the host.
    pub fn block_size(mut self, frames: u32) -> Self {
        self.request.block_size = frames;
        self
    }

    /// Leaves samples uncounted that are clipped.
    pub fn clip_off(mut self) -> Self {
        self.request.clip_off = true;
        self
    }

    /// Rounds without dither.
    pub fn dither_off(mut self) -> Self {
        self.request.dither_off = true;
        self
    }

    /// Settings of the devices' host API; those of another one are refused.
    pub fn settings(mut self, settings: impl Into<HostSettings>) -> Self {
        let settings = settings.into();
        if let Some(play) = &mut self.request.play {
            play.settings = Some(settings.clone());
        }
        self.settings = Some(settings);
        self
    }
}

impl Builder<Playing> {
    /// For each channel of the data the output channel, from 1.
    pub fn mapping(mut self, mapping: impl Into<Vec<u32>>) -> Self {
        if let Some(play) = &mut self.request.play {
            play.mapping = Some(mapping.into());
        }
        self
    }

    /// Repeats a range of the data.
    pub fn repeat(mut self, range: Loop) -> Self {
        if let Some(play) = &mut self.request.play {
            play.repeat = Some(range);
        }
        self
    }

    /// Opens the device and starts.
    ///
    /// # Errors
    /// As [`Job::open`].
    pub fn start(self) -> Result<Job> {
        Job::open(self.request, Box::new(|_| ()))
    }
}

impl<S: Sample> Builder<Recording<S>> {
    /// Channels to record; 1 unless told otherwise.
    pub fn channels(mut self, channels: usize) -> Self {
        self.channels = Some(channels);
        self
    }

    /// For each channel of the recording the input channel, from 1.
    pub fn input_mapping(mut self, mapping: impl Into<Vec<u32>>) -> Self {
        self.input_mapping = Some(mapping.into());
        self
    }

    /// For each channel of the data the output channel, from 1.
    pub fn output_mapping(mut self, mapping: impl Into<Vec<u32>>) -> Self {
        if let Some(play) = &mut self.request.play {
            play.mapping = Some(mapping.into());
        }
        self
    }

    /// Takes the round trip out: frame n of the result is what was heard while frame n was played.
    pub fn align(mut self, align: bool) -> Self {
        self.request.align = align;
        self
    }

    /// Opens the device and starts.
    ///
    /// # Errors
    /// As [`Job::open`].
    pub fn start(mut self) -> Result<RecordingJob<S>> {
        let channels = self.channels.or(self.input_mapping.as_ref().map(Vec::len)).unwrap_or(1);
        let sample_rate = match self.request.sample_rate {
            Some(rate) => rate,
            None => {
                rate(None, Some(devices_for([self.input.as_ref()])?.resolve(self.input.as_ref(), Kind::Input)?), None)?
            }
        };
        self.request.sample_rate = Some(sample_rate);
        let memory = Arc::new(Mutex::new(vec![S::SILENCE; self.frames * channels]));
        let samples = {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            let bytes = bytes_mut(&mut memory);
            settle(bytes);
            // SAFETY: the job's end keeps the memory (below), and nobody else looks at it before.
            unsafe { Samples::foreign(bytes.as_mut_ptr(), bytes.len()) }
        };
        self.request.record = Some(Record {
            samples,
            dtype: self.dtype,
            channels,
            device: self.input,
            mapping: self.input_mapping,
            latency: self.latency,
            settings: self.settings,
        });
        let kept = Arc::clone(&memory);
        let job = Job::open(self.request, Box::new(move |_| drop(kept)))?;
        Ok(RecordingJob { job, memory, channels, sample_rate })
    }
}

/// A running recording. Dereferences to its [`Job`].
#[derive(Debug)]
pub struct RecordingJob<S> {
    job: Job,
    memory: Arc<Mutex<Vec<S>>>,
    channels: usize,
    sample_rate: f64,
}

impl<S> std::ops::Deref for RecordingJob<S> {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

impl<S: Sample> RecordingJob<S> {
    /// Waits for the end and returns what was recorded.
    ///
    /// # Errors
    /// As [`Job::wait`].
    pub fn wait(self) -> Result<AudioData<S>> {
        self.job.wait()?;
        let mut samples = std::mem::take(&mut *self.memory.lock().unwrap_or_else(PoisonError::into_inner));
        samples.truncate(self.job.recorded() as usize * self.channels);
        AudioData::new(samples, self.channels.max(1), self.sample_rate)
    }
}
