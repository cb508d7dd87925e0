//! Devices without hardware, for tests and for machines that have none.
//!
//! An output's signal is heard by the input one period later, sample for sample. With a manual clock nothing happens
//! until [`VirtualDevice::advance`].
//!
//! ```
//! let device = sounddevice::virtual_host().device().inputs(1).outputs(1).manual_clock().create()?;
//! device.advance(512)?;
//! assert!(device.played()[0].is_empty(), "no stream was open");
//! # Ok::<(), sounddevice::Error>(())
//! ```

use std::sync::Arc;

use crate::backend::virtual_host::{self, Device, Fault as Injected, Settings};
use crate::device::{DeviceSpecifier, devices_for};
use crate::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::Flags;

/// The host API named `"Virtual"`.
#[derive(Debug, Clone, Copy)]
pub struct VirtualHost;

/// The virtual host; it is always there.
pub fn virtual_host() -> VirtualHost {
    VirtualHost
}

impl VirtualHost {
    /// A device to be created: 2 inputs, 2 outputs, 48000 Hz, periods of 256 frames, float64, real clock, loopback.
    pub fn device(self) -> VirtualDeviceBuilder {
        VirtualDeviceBuilder { settings: Settings::default() }
    }
}

/// A virtual device to be.
#[derive(Debug, Clone)]
pub struct VirtualDeviceBuilder {
    settings: Settings,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        $($(#[$doc])* #[must_use] pub fn $name(mut self, $name: $type) -> Self { self.settings.$name = $name; self })*
    };
}

impl VirtualDeviceBuilder {
    setters! {
        /// Input channels, 0 or more.
        inputs: u16;
        /// Output channels, 0 or more.
        outputs: u16;
        /// Hertz; the only rate it knows.
        sample_rate: f64;
        /// Frames per period, 1 or more.
        period: usize;
        /// Its own sample format.
        dtype: Dtype;
        /// Whether the inputs hear the outputs.
        loopback: bool;
        /// How much too fast its real clock runs, in millionths.
        drift_ppm: f64;
    }

    /// Its name; others may have the same.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Time passes only with [`VirtualDevice::advance`].
    #[must_use]
    pub fn manual_clock(mut self) -> Self {
        self.settings.manual = true;
        self
    }

    /// Adds the device to the list.
    ///
    /// # Errors
    /// `OutOfRange` for a rate or period that no device could have; `InvalidArgValue` as [`devices`](crate::devices).
    pub fn create(self) -> Result<VirtualDevice> {
        let s = &self.settings;
        if !(s.sample_rate.is_finite() && s.sample_rate > 0.0) {
            return Err(Error::new(
                ErrorKind::OutOfRange,
                format!("sampleRate must be above 0, got {}", s.sample_rate),
            ));
        }
        if s.period == 0 || s.period > 1 << 20 {
            return Err(Error::new(
                ErrorKind::OutOfRange,
                format!("period must be from 1 to {} frames, got {}", 1 << 20, s.period),
            ));
        }
        let device = virtual_host::host().create(self.settings);
        let id = format!("virtual:{}", device.key());
        let specifier = DeviceSpecifier::Text(id.clone());
        let listed = devices_for([Some(&specifier)]);
        match listed.and_then(|devices| devices.find(&specifier, None).map(|device| device.index)) {
            Ok(index) => Ok(VirtualDevice { device, index, id }),
            Err(error) => {
                virtual_host::host().remove(&device);
                Err(error)
            }
        }
    }
}

/// A virtual device. It stays in the list until it is removed, also when this value is dropped.
#[derive(Clone)]
pub struct VirtualDevice {
    device: Arc<Device>,
    index: usize,
    id: String,
}

impl std::fmt::Debug for VirtualDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualDevice").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What can be made to go wrong on a virtual device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A flag for the next period of every stream on it; no sample is altered.
    InputUnderflow,
    /// As above.
    InputOverflow,
    /// As above.
    OutputUnderflow,
    /// As above.
    OutputOverflow,
    /// Every stream on it is lost.
    Lost,
    /// No callbacks for one second of its clock.
    Stall,
}

impl VirtualDevice {
    /// As in [`crate::DeviceInfo`].
    pub fn index(&self) -> usize {
        self.index
    }

    /// As in [`crate::DeviceInfo`].
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As in [`crate::DeviceInfo`].
    pub fn name(&self) -> &str {
        &self.device.settings().name
    }

    /// Hertz.
    pub fn sample_rate(&self) -> f64 {
        self.device.settings().sample_rate
    }

    /// Lets that many frames pass; a remainder smaller than a period counts towards the next call. Returns when everything
    /// for these frames has been done.
    ///
    /// # Errors
    /// `NotSupported` on a real clock; `WouldDeadlock` inside a callback of a stream on it.
    pub fn advance(&self, frames: usize) -> Result<()> {
        if !self.device.settings().manual {
            return Err(Error::new(ErrorKind::NotSupported, "Only a device with a manual clock can be advanced"));
        }
        if self.device.inside() {
            let message = "Advancing a device from inside a callback of its own would never end";
            return Err(Error::new(ErrorKind::WouldDeadlock, message));
        }
        self.device.advance(frames);
        Ok(())
    }

    /// Per channel, everything that came out since the last call.
    pub fn played(&self) -> Vec<Vec<f64>> {
        self.device.played()
    }

    /// What its input hears next, per channel, instead of the loopback.
    pub fn feed(&self, channels: &[Vec<f64>]) {
        self.device.feed(channels);
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.device.inject(match fault {
            Fault::InputUnderflow => Injected::Flag(Flags::INPUT_UNDERFLOW),
            Fault::InputOverflow => Injected::Flag(Flags::INPUT_OVERFLOW),
            Fault::OutputUnderflow => Injected::Flag(Flags::OUTPUT_UNDERFLOW),
            Fault::OutputOverflow => Injected::Flag(Flags::OUTPUT_OVERFLOW),
            Fault::Lost => Injected::Lost,
            Fault::Stall => Injected::Stall,
        });
    }

    /// Unplugs it: its streams are lost, the list does not have it any more.
    pub fn remove(&self) {
        virtual_host::host().remove(&self.device);
    }
}

impl From<&VirtualDevice> for DeviceSpecifier {
    fn from(device: &VirtualDevice) -> Self {
        device.index.into()
    }
}
