//! Play, record and process sound.
//!
//! The crate lists the devices of all host APIs ([`devices`]), plays and records over them ([`play`], [`rec`], [`playrec`],
//! [`job`]), and streams by callback or by reading and writing ([`Stream`]). Samples come in seven formats ([`Dtype`]) and
//! are converted, mapped and dithered on the way. Everything that sounds runs on native real-time threads; nothing is
//! allocated, locked or logged there.
//!
//! With the feature `portaudio` PortAudio's host APIs are there too, where its library is: see [`choose_backend`] and
//! [`devices_for`].
//!
//! Threads: every function may be called from any thread. A stream's callback runs on the audio thread. The end of a job
//! or of a stream's run is told on a control thread of the crate's own.

mod audio_data;
mod backend;
mod channel;
mod check;
mod control;
mod convenience;
mod convert;
mod device;
mod dtype;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod job;
mod memory;
mod patience;
mod program;
mod realtime;
mod sample;
mod settings;
pub mod stream;
mod sync;

pub mod virtual_device;
mod wav;

pub use audio_data::AudioData;
pub use backend::{Backend, CPAL_VERSION, choose_backend, portaudio_version};
pub use channel::{Channel, channel_names};
pub use check::{check, check_with};
pub use convenience::{Builder, Playing, Recording, RecordingJob, play, playrec, rec};
pub use convert::{ConvertOptions, Counts, convert};
pub use device::{
    DeviceEvent, DeviceInfo, DeviceSpecifier, DeviceWatcher, Devices, HostApiInfo, Kind, devices, devices_for,
    host_api, watch_devices,
};
pub use dtype::Dtype;
pub use error::{Error, ErrorKind, HostError, Result};
pub use job::Latency;
pub use memory::Samples;
pub use program::{program_name, set_program_name};
pub use sample::{I24, Sample};
pub use settings::{AsioSettings, ConversionQuality, CoreAudioSettings, HostSettings, WasapiSettings};
pub use stream::{Finished, Flow, Io, Raw, Read, Status, Stream, StreamBuilder, StreamTime, Written};
pub use virtual_device::virtual_host;
pub use wav::{Wav, read_wav};

/// The version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
