//! Virtual devices.

use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{AsyncTask, Float64Array};
use napi::{Env, Result, Task};
use napi_derive::napi;
use sounddevice::virtual_device::{Fault, VirtualDevice};
use sounddevice::{Error, ErrorKind, virtual_host};

use crate::devices::dtype;
use crate::error::throw;

#[napi(object)]
pub struct VirtualOptions {
    pub name: Option<String>,
    pub inputs: Option<u32>,
    pub outputs: Option<u32>,
    pub sample_rate: Option<f64>,
    pub period: Option<u32>,
    pub dtype: Option<String>,
    pub clock: Option<String>,
    pub loopback: Option<bool>,
    pub drift_ppm: Option<f64>,
}

#[napi]
pub struct NativeVirtual {
    device: VirtualDevice,
    /// Behind a lock, since the addon lends an object for changing only while none of its calls is under way.
    played: Mutex<Vec<Vec<f64>>>,
}

#[napi]
pub fn create_virtual_device(env: Env, options: VirtualOptions) -> Result<NativeVirtual> {
    let channels = |count: Option<u32>| u16::try_from(count.unwrap_or(2)).unwrap_or(u16::MAX);
    let mut device = virtual_host().device().inputs(channels(options.inputs)).outputs(channels(options.outputs));
    if let Some(name) = options.name {
        device = device.name(name);
    }
    if let Some(rate) = options.sample_rate {
        device = device.sample_rate(rate);
    }
    if let Some(period) = options.period {
        device = device.period(period as usize);
    }
    if let Some(name) = options.dtype {
        device = device.dtype(dtype(&env, &name)?);
    }
    if options.clock.as_deref() == Some("manual") {
        device = device.manual_clock();
    }
    let device = device.loopback(options.loopback.unwrap_or(true)).drift_ppm(options.drift_ppm.unwrap_or(0.0));
    let device = device.create().map_err(|error| throw(&env, error))?;
    Ok(NativeVirtual { device, played: Mutex::default() })
}

pub struct Advance {
    device: VirtualDevice,
    frames: usize,
}

impl Task for Advance {
    type Output = sounddevice::Result<()>;
    type JsValue = ();

    fn compute(&mut self) -> Result<Self::Output> {
        Ok(self.device.advance(self.frames))
    }

    fn resolve(&mut self, env: Env, advanced: Self::Output) -> Result<()> {
        advanced.map_err(|error| throw(&env, error))
    }
}

impl NativeVirtual {
    fn kept(&self) -> MutexGuard<'_, Vec<Vec<f64>>> {
        self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[napi]
impl NativeVirtual {
    #[napi(getter)]
    pub fn index(&self) -> u32 {
        self.device.index() as u32
    }

    #[napi(getter)]
    pub fn id(&self) -> String {
        self.device.id().into()
    }

    #[napi(getter)]
    pub fn name(&self) -> String {
        self.device.name().into()
    }

    #[napi(getter)]
    pub fn sample_rate(&self) -> f64 {
        self.device.sample_rate()
    }

    #[napi(ts_return_type = "Promise<void>")]
    pub fn advance(&self, frames: f64) -> AsyncTask<Advance> {
        AsyncTask::new(Advance { device: self.device.clone(), frames: frames as usize })
    }

    /// Takes what came out; how many frames of how many channels. Then it is fetched: memory comes from JavaScript, since to
    /// return typed arrays would need what Electron forbids.
    #[napi]
    pub fn take_played(&self) -> Vec<u32> {
        let played = self.device.played();
        let lengths = played.iter().map(|channel| channel.len() as u32).collect();
        *self.kept() = played;
        lengths
    }

    #[napi]
    pub fn fetch_played(&self, mut into: Vec<Float64Array>) {
        for (mut from, into) in std::mem::take(&mut *self.kept()).into_iter().zip(&mut into) {
            // SAFETY: the arrays have just been made for this call, and nobody else has them.
            let into = unsafe { into.as_mut() };
            from.resize(into.len(), 0.0);
            into.copy_from_slice(&from);
        }
    }

    #[napi]
    pub fn feed(&self, channels: Vec<Float64Array>) {
        let channels: Vec<Vec<f64>> = channels.iter().map(|channel| channel.to_vec()).collect();
        self.device.feed(&channels);
    }

    #[napi]
    pub fn inject(&self, env: Env, fault: String) -> Result<()> {
        let fault = match fault.as_str() {
            "input-overflow" => Fault::InputOverflow,
            "input-underflow" => Fault::InputUnderflow,
            "output-underflow" => Fault::OutputUnderflow,
            "output-overflow" => Fault::OutputOverflow,
            "lost" => Fault::Lost,
            "stall" => Fault::Stall,
            other => {
                let message = format!(
                    "fault must be one of input-overflow, input-underflow, output-underflow, output-overflow, lost, stall, got '{other}'"
                );
                return Err(throw(&env, Error::new(ErrorKind::InvalidArgValue, message)));
            }
        };
        self.device.inject(fault);
        Ok(())
    }

    #[napi]
    pub fn remove(&self) {
        self.device.remove();
    }
}
