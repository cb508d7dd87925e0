//! Devices that come and go.

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use sounddevice::{DeviceEvent, Kind};

use crate::devices::DeviceInfo;
use crate::error::throw;

/// Of the kinds `added`, `removed` and `default-changed`, the last one with a direction and perhaps without a device.
#[napi(object)]
pub struct NativeDeviceEvent {
    #[napi(js_name = "type")]
    pub kind_of_event: String,
    pub kind: Option<String>,
    pub device: Option<DeviceInfo>,
}

impl From<DeviceEvent> for NativeDeviceEvent {
    fn from(event: DeviceEvent) -> Self {
        let (what, kind, device) = match event {
            DeviceEvent::Added(device) => ("added", None, Some(device)),
            DeviceEvent::Removed(device) => ("removed", None, Some(device)),
            DeviceEvent::DefaultChanged { kind, device } => ("default-changed", Some(kind), device),
            _ => ("unknown", None, None),
        };
        let kind = kind.map(|kind| if kind == Kind::Input { "input" } else { "output" }.into());
        Self { kind_of_event: what.into(), kind, device: device.as_ref().map(DeviceInfo::from) }
    }
}

// Weak: it is the facade that says whether a watcher keeps the process alive.
type Tell = ThreadsafeFunction<NativeDeviceEvent, (), NativeDeviceEvent, Status, false, true>;

#[napi]
pub struct NativeWatcher {
    watcher: Option<sounddevice::DeviceWatcher>,
}

#[napi]
impl NativeWatcher {
    #[napi]
    pub fn close(&mut self) {
        self.watcher = None;
    }
}

/// `tell` is called once for each event.
#[napi(ts_args_type = "tell: (event: NativeDeviceEvent) => void")]
pub fn watch_devices(env: Env, tell: Function<NativeDeviceEvent, ()>) -> Result<NativeWatcher> {
    let tell: Tell = tell.build_threadsafe_function().weak::<true>().build()?;
    let watcher = sounddevice::watch_devices(move |event| {
        tell.call(event.into(), ThreadsafeFunctionCallMode::NonBlocking);
    });
    Ok(NativeWatcher { watcher: Some(watcher.map_err(|error| throw(&env, error))?) })
}
