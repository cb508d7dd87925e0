//! Devices, host APIs, checks, versions.

use napi::bindgen_prelude::{AsyncTask, Either, Object};
use napi::{Env, Result, Task};
use napi_derive::napi;
use sounddevice::{Backend, DeviceSpecifier, Devices, Dtype, Error, ErrorKind, Kind};

use crate::error::throw;
use crate::settings::host_settings;

#[napi(object)]
pub struct DeviceInfo {
    pub index: u32,
    pub id: String,
    pub name: String,
    pub host_api: u32,
    pub host_api_name: String,
    pub max_input_channels: u32,
    pub max_output_channels: u32,
    pub default_low_input_latency: f64,
    pub default_low_output_latency: f64,
    pub default_high_input_latency: f64,
    pub default_high_output_latency: f64,
    pub default_sample_rate: f64,
    pub is_loopback: bool,
}

#[napi(object)]
pub struct HostApiInfo {
    pub index: u32,
    pub name: String,
    pub devices: Vec<u32>,
    pub default_input_device: i32,
    pub default_output_device: i32,
}

#[napi(object)]
pub struct DeviceListing {
    pub devices: Vec<DeviceInfo>,
    pub host_apis: Vec<HostApiInfo>,
    pub default_input: i32,
    pub default_output: i32,
}

impl From<&sounddevice::DeviceInfo> for DeviceInfo {
    fn from(device: &sounddevice::DeviceInfo) -> Self {
        Self {
            index: device.index as u32,
            id: device.id.clone(),
            name: device.name.clone(),
            host_api: device.host_api as u32,
            host_api_name: device.host_api_name.into(),
            max_input_channels: device.max_input_channels.into(),
            max_output_channels: device.max_output_channels.into(),
            default_low_input_latency: device.default_low_input_latency,
            default_low_output_latency: device.default_low_output_latency,
            default_high_input_latency: device.default_high_input_latency,
            default_high_output_latency: device.default_high_output_latency,
            default_sample_rate: device.default_sample_rate,
            is_loopback: device.is_loopback,
        }
    }
}

fn or_none(index: Option<usize>) -> i32 {
    index.map_or(-1, |index| index as i32)
}

impl From<&sounddevice::HostApiInfo> for HostApiInfo {
    fn from(host: &sounddevice::HostApiInfo) -> Self {
        Self {
            index: host.index as u32,
            name: host.name.into(),
            devices: host.devices.iter().map(|index| *index as u32).collect(),
            default_input_device: or_none(host.default_input),
            default_output_device: or_none(host.default_output),
        }
    }
}

impl From<Devices> for DeviceListing {
    fn from(devices: Devices) -> Self {
        let default = |kind| or_none(devices.default_device(kind).map(|device| device.index));
        Self {
            devices: devices.iter().map(DeviceInfo::from).collect(),
            host_apis: devices.host_apis().iter().map(HostApiInfo::from).collect(),
            default_input: default(Kind::Input),
            default_output: default(Kind::Output),
        }
    }
}

#[napi]
pub fn list_devices(env: Env) -> Result<DeviceListing> {
    sounddevice::devices().map(Into::into).map_err(|error| throw(&env, error))
}

pub struct Listing;

impl Task for Listing {
    type Output = sounddevice::Result<Devices>;
    type JsValue = DeviceListing;

    fn compute(&mut self) -> Result<Self::Output> {
        Ok(sounddevice::devices())
    }

    fn resolve(&mut self, env: Env, listed: Self::Output) -> Result<DeviceListing> {
        listed.map(Into::into).map_err(|error| throw(&env, error))
    }
}

#[napi(ts_return_type = "Promise<DeviceListing>")]
pub fn list_devices_async() -> AsyncTask<Listing> {
    AsyncTask::new(Listing)
}

/// A device as JavaScript names it.
#[napi]
pub type Specifier = Either<f64, String>;

pub fn specifier(specifier: Specifier) -> DeviceSpecifier {
    match specifier {
        Either::A(index) => DeviceSpecifier::Index(index as i64),
        Either::B(text) => DeviceSpecifier::Text(text),
    }
}

pub fn dtype(env: &Env, name: &str) -> Result<Dtype> {
    let message = || format!("dtype must be one of float64, float32, int32, int24, int16, int8, uint8, got '{name}'");
    Dtype::from_name(name).ok_or_else(|| throw(env, Error::new(ErrorKind::InvalidArgValue, message())))
}

fn kind(name: &str) -> Kind {
    if name == "input" { Kind::Input } else { Kind::Output }
}

/// The device specified, else the default one of that direction.
#[napi]
pub fn find_device(env: Env, device: Option<Specifier>, direction: Option<String>) -> Result<DeviceInfo> {
    let wanted = device.map(specifier);
    let devices = sounddevice::devices_for([wanted.as_ref()]).map_err(|error| throw(&env, error))?;
    let found = match (&wanted, direction.as_deref().map(kind)) {
        (Some(wanted), kind) => devices.find(wanted, kind),
        (None, direction) => devices.resolve(None, direction.unwrap_or(Kind::Output)),
    };
    found.map(DeviceInfo::from).map_err(|error| throw(&env, error))
}

/// The host API of an index, if there is one.
#[napi]
pub fn find_host_api(env: Env, index: f64) -> Result<Option<HostApiInfo>> {
    match sounddevice::host_api(index as i64) {
        Err(error) if error.kind() == ErrorKind::NoSuchHostApi => Ok(None),
        found => found.map(|host| Some((&host).into())).map_err(|error| throw(&env, error)),
    }
}

#[napi(object)]
pub struct CheckOptions {
    pub device: Option<Specifier>,
    pub channels: Option<u32>,
    pub dtype: String,
    pub sample_rate: Option<f64>,
}

#[napi(ts_args_type = "direction: string, options: CheckOptions, settings?: object")]
pub fn check_settings(env: Env, direction: String, options: CheckOptions, settings: Option<Object>) -> Result<()> {
    let format = dtype(&env, &options.dtype)?;
    let device = options.device.map(specifier);
    let channels = options.channels.map(|channels| channels as usize);
    let settings = settings.as_ref().map(host_settings).transpose()?;
    let rate = options.sample_rate;
    sounddevice::check_with(kind(&direction), device.as_ref(), channels, format, rate, settings.as_ref())
        .map_err(|error| throw(&env, error))
}

/// Whose host APIs are looked at, in the whole process: 'cpal', 'portaudio', 'all', or as the environment says.
#[napi]
pub fn choose_backend(name: Option<String>) {
    sounddevice::choose_backend(match name.as_deref() {
        Some("cpal") => Some(Backend::Cpal),
        Some("portaudio") => Some(Backend::PortAudio),
        Some("all") => Some(Backend::All),
        _ => None,
    });
}

#[napi(object)]
pub struct Versions {
    pub sounddevice: String,
    pub cpal: Option<String>,
    pub portaudio: Option<PortAudioVersion>,
}

#[napi(object)]
pub struct PortAudioVersion {
    pub number: i32,
    pub text: String,
}

#[napi]
pub fn versions() -> Versions {
    Versions {
        sounddevice: sounddevice::VERSION.into(),
        cpal: sounddevice::CPAL_VERSION.map(Into::into),
        portaudio: sounddevice::portaudio_version().map(|(number, text)| PortAudioVersion { number, text }),
    }
}
