//! The host API without hardware: devices whose inputs hear their outputs one period later, sample for sample.
//!
//! On the manual clock nothing happens until [`Device::advance`]; on the real clock a thread per device keeps time.
//! A period `k` starts at `t = k · period / rate`: the engine is called at `t` with what was captured in the period
//! before, and what it makes is heard from `t` on, later by the periods that the stream's latency puts ahead of it.

mod clock;
mod device;
mod slot;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

pub(crate) use device::{Device, Fault, Settings};

use crate::backend::{BackendStream, DeviceRecord, HostApi, HostListing, Listing, Request};
use crate::device::Poke;
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Signals};

/// All virtual devices of this process; the built-in one first.
pub(crate) struct VirtualHost {
    devices: Mutex<Vec<Arc<Device>>>,
    watchers: Mutex<Vec<Weak<Poke>>>,
}

pub(crate) const NAME: &str = "Virtual";

/// The one virtual host.
pub(crate) fn host() -> &'static VirtualHost {
    static HOST: OnceLock<VirtualHost> = OnceLock::new();
    HOST.get_or_init(|| {
        let settings = Settings { name: "Virtual Loopback".into(), keep_played: false, ..Settings::default() };
        let devices = Mutex::new(vec![Device::new("loopback".into(), settings)]);
        VirtualHost { devices, watchers: Mutex::default() }
    })
}

impl VirtualHost {
    /// Adds a device. Its key counts up, so that equal names stay apart.
    pub(crate) fn create(&self, settings: Settings) -> Arc<Device> {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let device = Device::new(format!("device-{number}"), settings);
        devices.push(Arc::clone(&device));
        drop(devices);
        self.tell();
        device
    }

    /// The list has changed.
    fn tell(&self) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.upgrade().inspect(|watcher| watcher.poke()).is_some());
    }

    /// Unplugs a device: its streams are lost, the list does not have it any more.
    pub(crate) fn remove(&self, device: &Arc<Device>) {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, device));
        device.inject(Fault::Lost);
        self.tell();
    }

    fn find(&self, key: &str) -> Result<Arc<Device>> {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.iter().find(|device| device.key() == key).cloned().ok_or_else(|| {
            Error::new(ErrorKind::DeviceUnavailable, format!("The virtual device '{key}' has been removed"))
        })
    }

    fn checked(&self, request: &Request) -> Result<Arc<Device>> {
        let side = request.output.as_ref().or(request.input.as_ref());
        let side =
            side.ok_or_else(|| Error::new(ErrorKind::InvalidArgValue, "A stream needs an input or an output"))?;
        let device = self.find(&side.key)?;
        device.check(request)?;
        Ok(device)
    }
}

impl HostApi for &'static VirtualHost {
    fn name(&self) -> &'static str {
        NAME
    }

    fn listing(&self) -> Listing {
        Listing::AtOnce
    }

    fn list(&self) -> Result<HostListing> {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let devices: Vec<DeviceRecord> = devices.iter().map(|device| device.record()).collect();
        let first = |has: fn(&DeviceRecord) -> u16| devices.iter().position(|device| has(device) > 0);
        Ok(HostListing {
            default_input: first(|device| device.max_input_channels),
            default_output: first(|device| device.max_output_channels),
            devices,
        })
    }

    fn watch(&self, poke: &Poke) -> Option<Box<dyn Send>> {
        let poke = Arc::new(poke.clone());
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&poke));
        // Before that something may have happened.
        poke.poke();
        Some(Box::new(poke))
    }

    fn check(&self, request: &Request) -> Result<()> {
        self.checked(request).map(|_| ())
    }

    fn duplex(&self, input_key: &str, output_key: &str) -> bool {
        input_key == output_key
    }

    fn open(
        &self,
        request: &Request,
        engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Box<dyn BackendStream>> {
        let device = self.checked(request)?;
        Ok(Box::new(device.open(request, engine, signals)))
    }
}
