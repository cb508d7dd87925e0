//! Jobs: play, rec and playrec.

use std::time::Duration;

use napi::bindgen_prelude::{Either, Function, JsObjectValue, Object, Uint8ArraySlice};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use sounddevice::Samples;
use sounddevice::job::{Job, JobRequest, Latency, Loop, Play, Record};

use crate::buffer::live;
use crate::devices::{Specifier, dtype, specifier};
use crate::error::{NativeError, throw};
use crate::running::{Ends, remember};
use crate::settings::settings;

const BREATH: Duration = Duration::from_millis(50);

// Weak: it is the facade that says whether a job keeps the process alive.
type OnEnd = ThreadsafeFunction<Option<NativeError>, (), Option<NativeError>, Status, false, true>;

#[napi]
pub struct NativeJob {
    job: Job,
}

pub fn latency(options: &Object<'_>) -> Result<Latency> {
    Ok(match options.get::<Either<f64, String>>("latency")? {
        Some(Either::A(seconds)) => Latency::Seconds(seconds),
        Some(Either::B(name)) if name == "low" => Latency::Low,
        _ => Latency::High,
    })
}

fn play(env: &Env, output: &Object<'_>) -> Result<Play> {
    let data: Uint8ArraySlice = output.get_named_property("data")?;
    let samples = if output.get("live")?.unwrap_or(false) { live(&data) } else { Samples::copied(&data) };
    let repeat: Option<Object> = output.get("loop")?;
    let repeat = match repeat {
        Some(range) => {
            let count: f64 = range.get_named_property("count")?;
            Some(Loop {
                start: range.get_named_property::<f64>("start")? as u64,
                end: range.get_named_property::<f64>("end")? as u64,
                count: count.is_finite().then_some(count as u64),
            })
        }
        None => None,
    };
    Ok(Play {
        samples,
        dtype: dtype(env, &output.get_named_property::<String>("dtype")?)?,
        channels: output.get_named_property::<u32>("channels")? as usize,
        device: output.get::<Specifier>("device")?.map(specifier),
        mapping: output.get("mapping")?,
        latency: latency(output)?,
        settings: settings(output)?,
        repeat,
    })
}

fn record(env: &Env, input: &Object<'_>) -> Result<Record> {
    let into: Uint8ArraySlice = input.get_named_property("into")?;
    Ok(Record {
        samples: live(&into),
        dtype: dtype(env, &input.get_named_property::<String>("dtype")?)?,
        channels: input.get_named_property::<u32>("channels")? as usize,
        device: input.get::<Specifier>("device")?.map(specifier),
        mapping: input.get("mapping")?,
        latency: latency(input)?,
        settings: settings(input)?,
    })
}

/// Opens and starts a job. `on_end` is called once.
#[napi(ts_args_type = "options: object, onEnd: (error: NativeError | null) => void")]
pub fn open_job(env: Env, options: Object, on_end: Function<Option<NativeError>, ()>) -> Result<NativeJob> {
    let output: Option<Object> = options.get("output")?;
    let input: Option<Object> = options.get("input")?;
    let request = JobRequest {
        play: output.map(|output| play(&env, &output)).transpose()?,
        record: input.map(|input| record(&env, &input)).transpose()?,
        sample_rate: options.get("sampleRate")?,
        block_size: options.get("blockSize")?.unwrap_or(0),
        clip_off: options.get("clipOff")?.unwrap_or(false),
        dither_off: options.get("ditherOff")?.unwrap_or(false),
        overlap: options.get("overlap")?.unwrap_or(false),
        align: options.get("align")?.unwrap_or(false),
    };
    let on_end: OnEnd = on_end.build_threadsafe_function().weak::<true>().build()?;
    let tell = move |error: Option<sounddevice::Error>| {
        on_end.call(error.map(NativeError::from), ThreadsafeFunctionCallMode::NonBlocking);
    };
    let job = Job::open(request, Box::new(tell)).map_err(|error| throw(&env, error))?;
    remember(&env, job.clone())?;
    Ok(NativeJob { job })
}

impl Ends for Job {
    fn may_sound(&self) -> bool {
        self.active()
    }

    fn end(&self) {
        self.abort();
    }

    fn wait(&self, patience: Duration) {
        self.wait_for(patience);
    }
}

#[napi(object)]
pub struct JobStream {
    pub sample_rate: f64,
    pub realtime: bool,
    pub input_device: i32,
    pub input_channels: u32,
    pub input_latency: f64,
    pub output_device: i32,
    pub output_channels: u32,
    pub output_latency: f64,
}

#[napi]
impl NativeJob {
    /// Frames of the whole performance; Infinity where it loops for ever.
    #[napi]
    pub fn frames(&self) -> f64 {
        let frames = self.job.frames();
        if frames == u64::MAX { f64::INFINITY } else { frames as f64 }
    }

    #[napi]
    pub fn stream(&self) -> JobStream {
        let stream = self.job.stream();
        let parts = |side: Option<(usize, u16, f64)>| {
            side.map_or((-1, 0, 0.0), |(device, channels, latency)| (device as i32, channels.into(), latency))
        };
        let (input_device, input_channels, input_latency) = parts(stream.input);
        let (output_device, output_channels, output_latency) = parts(stream.output);
        let (sample_rate, realtime) = (stream.sample_rate, stream.realtime);
        JobStream {
            sample_rate,
            realtime,
            input_device,
            input_channels,
            input_latency,
            output_device,
            output_channels,
            output_latency,
        }
    }

    #[napi]
    pub fn position(&self) -> f64 {
        self.job.position() as f64
    }

    #[napi]
    pub fn heard(&self) -> f64 {
        self.job.heard() as f64
    }

    #[napi]
    pub fn recorded(&self) -> f64 {
        self.job.recorded() as f64
    }

    #[napi]
    pub fn time(&self) -> f64 {
        self.job.time()
    }

    #[napi]
    pub fn flags(&self) -> u32 {
        self.job.flags().into()
    }

    #[napi]
    pub fn active(&self) -> bool {
        self.job.active()
    }

    #[napi]
    pub fn clipped(&self) -> f64 {
        self.job.clipped() as f64
    }

    #[napi]
    pub fn nan(&self) -> f64 {
        self.job.nan() as f64
    }

    #[napi]
    pub fn cpu_load(&self) -> f64 {
        self.job.cpu_load()
    }

    #[napi]
    pub fn xruns(&self) -> Vec<f64> {
        self.job.xruns().map(|count| count as f64).to_vec()
    }

    #[napi(getter)]
    pub fn volume(&self) -> f64 {
        self.job.volume()
    }

    #[napi]
    pub fn set_volume(&self, env: Env, volume: f64) -> Result<()> {
        self.job.set_volume(volume).map_err(|error| throw(&env, error))
    }

    #[napi]
    pub fn round_trip(&self) -> Option<f64> {
        self.job.round_trip().map(|frames| frames as f64)
    }

    #[napi]
    pub fn pause(&self) {
        self.job.pause();
    }

    #[napi]
    pub fn resume(&self) {
        self.job.resume();
    }

    #[napi]
    pub fn seek(&self, frame: f64) {
        self.job.seek(frame as u64);
    }

    #[napi]
    pub fn stop(&self) {
        self.job.stop();
    }

    #[napi]
    pub fn abort(&self) {
        self.job.abort();
    }

    #[napi]
    pub fn manual_clock(&self) -> bool {
        self.job.manual_clock()
    }

    /// Waits for the end, but not for long, and says whether it has come: in between JavaScript has to come up for air, or
    /// a worker that waits could never be terminated.
    #[napi]
    pub fn wait_sync(&self, env: Env) -> Result<bool> {
        if !self.job.manual_clock() && !self.job.wait_for(BREATH) {
            return Ok(false);
        }
        self.job.wait().map(|()| true).map_err(|error| throw(&env, error))
    }
}
