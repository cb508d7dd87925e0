//! The one seam between this crate and the systems that make sound.
//!
//! A host API lists its devices afresh at every call, says whether a request could be met, and opens a stream with an
//! [`Engine`] in it. What the front end has already done before it calls: numbers are finite and positive, channel
//! counts are within what the device reported (where it reported any), the device exists in the latest list. What a
//! host API still has to check: everything that only the system knows. It answers within a bounded time where it can;
//! the front end calls it on a thread of its own and gives up after five seconds.
//!
//! `cfg` and the types of the libraries underneath appear only in this folder.

use std::sync::Arc;

use crate::device::Poke;
use crate::dtype::{Dtype, Format};
use crate::error::Result;
use crate::realtime::{Engine, Signals};
use crate::settings::HostSettings;

pub(crate) mod choice;
pub(crate) mod cpal;
mod gate;
pub(crate) mod jack;
pub(crate) mod permission;
#[cfg(feature = "portaudio")]
pub(crate) mod portaudio;
#[cfg(not(feature = "portaudio"))]
#[path = "backend/no_portaudio.rs"]
pub(crate) mod portaudio;
pub(crate) mod priority;
#[cfg(target_os = "linux")]
mod pulse;
pub(crate) mod times;
mod turn;
pub(crate) mod virtual_host;
pub(crate) mod wait;

/// A device as its host API describes it; `index` and the final id are given by the registry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeviceRecord {
    /// Names the device within its host API, the same across runs and re-plugging.
    pub key: String,
    pub name: String,
    pub max_input_channels: u16,
    pub max_output_channels: u16,
    /// Seconds; low and high for each direction, 0 where the direction does not exist.
    pub low_input_latency: f64,
    pub low_output_latency: f64,
    pub high_input_latency: f64,
    pub high_output_latency: f64,
    pub default_sample_rate: f64,
    pub is_loopback: bool,
}

/// What a host API has now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HostListing {
    pub devices: Vec<DeviceRecord>,
    /// Positions in `devices`.
    pub default_input: Option<usize>,
    pub default_output: Option<usize>,
}

/// One direction of what shall be opened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    /// [`DeviceRecord::key`]
    pub key: String,
    pub channels: u16,
    /// What the user's samples are: the device's format should be this, or else hold it exactly, or else be the widest it has.
    pub dtype: Dtype,
    /// Target for the whole buffer, in seconds; 0 asks for the least.
    pub latency: f64,
    /// Of this host API: the front end has seen to that.
    pub settings: Option<HostSettings>,
}

/// What shall be opened. At least one side is there; both only if [`HostApi::duplex`] said yes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub sample_rate: f64,
    /// Frames per block the user asked for; 0 leaves it to the host. A hint for the period: the engine re-blocks exactly.
    pub block_size: u32,
    pub input: Option<Side>,
    pub output: Option<Side>,
}

/// One direction of what has been opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OpenSide {
    pub format: Format,
    pub channels: u16,
    /// Seconds; an estimate until the stream runs.
    pub latency: f64,
}

/// What has been opened. Told to the engine before its first period.
#[derive(Debug, Clone)]
pub(crate) struct StreamInfo {
    pub sample_rate: f64,
    /// Frames that a period usually has. Longer and shorter ones may come.
    pub period: usize,
    /// Seconds for which the system may hold sound back beyond what its times tell: waited for at the end.
    pub tail: f64,
    pub input: Option<OpenSide>,
    pub output: Option<OpenSide>,
    pub clock: Clock,
}

/// The clock of a stream: monotonic, the same for all of its times.
#[derive(Clone)]
pub(crate) enum Clock {
    /// The system's own, which nearly all streams share.
    Monotonic,
    /// One that a host makes itself.
    Own(Arc<dyn Fn() -> f64 + Send + Sync>),
}

impl Clock {
    /// Seconds of the system's monotonic clock since this process first asked.
    pub(crate) fn monotonic() -> Self {
        Self::Monotonic
    }

    pub(crate) fn new(now: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self::Own(Arc::new(now))
    }

    /// Seconds. Callable on the audio thread.
    pub(crate) fn now(&self) -> f64 {
        match self {
            Self::Monotonic => monotonic_seconds(),
            Self::Own(now) => now(),
        }
    }

    /// Whether times of both can be compared.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Monotonic, Self::Monotonic) => true,
            (Self::Own(one), Self::Own(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// Seconds of the system's monotonic clock. On unix its own count, so that hosts' times can be compared with it.
pub(crate) fn monotonic_seconds() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    // An offset keeps the first reading away from 0, which users take for "unknown".
    ORIGIN.get_or_init(Instant::now).elapsed().as_secs_f64() + 1.0
}

/// Hertz. Systems that convert take 1 Hz as well; below this it can only be a mistake.
pub(crate) const LEAST_RATE: u32 = 1000;

/// How long a host API takes to list its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listing {
    /// Longer than others: it should be asked first.
    Slow,
    /// As long as a server or a library likes.
    Waits,
    /// No time: no system is asked.
    AtOnce,
}

/// A host API. Calls may come from any thread, also at the same time.
pub(crate) trait HostApi: Send + Sync {
    /// The public name, such as `"ALSA"`.
    fn name(&self) -> &'static str;

    /// The devices of now. Empty where there is no such system or no server answers: that is no error.
    fn list(&self) -> Result<HostListing>;

    /// How long the list takes.
    fn listing(&self) -> Listing {
        Listing::Waits
    }

    /// Pokes, or says what there is, at once and whenever the list or the defaults may have changed, as long as what it returns
    /// lives; deafens when it cannot do so any longer. None where the system does not tell: then the list is looked at once a
    /// second.
    fn watch(&self, poke: &Poke) -> Option<Box<dyn Send>> {
        let _ = poke;
        None
    }

    /// Whether `open` would succeed; nothing sounds, nothing stays open.
    fn check(&self, request: &Request) -> Result<()>;

    /// The places of a device's channels, as [`crate::channel_names`] numbers them. Empty where the system does not tell.
    fn places(&self, key: &str, input: bool) -> Result<Vec<i32>> {
        let _ = (key, input);
        Ok(Vec::new())
    }

    /// Whether one stream can have both of these devices on one clock with one callback.
    /// Where not, the front end opens two streams and joins them.
    fn duplex(&self, input_key: &str, output_key: &str) -> bool {
        let _ = (input_key, output_key);
        false
    }

    /// Whether one direction of it may be joined with the other one of another host API.
    fn joins(&self) -> bool {
        true
    }

    /// Of the latency that was asked for, what the output's own buffer shall have where an input of another stream is joined
    /// with it, which holds some frames back too.
    fn joined(&self, latency: f64) -> f64 {
        latency
    }

    /// Opens, prepares the engine ([`Engine::prepare`]) and leaves the stream stopped. Called on the thread that will own
    /// the stream. `signals` is for news that no period can bring: a lost device.
    fn open(&self, request: &Request, engine: Box<dyn Engine>, signals: Arc<Signals>)
    -> Result<Box<dyn BackendStream>>;
}

/// An open stream of a backend, owned by one control thread, which also drops it. Dropping stops at once, does not drain
/// (the engine has seen to that before), never hangs, and returns only when the engine will not be called any more.
pub(crate) trait BackendStream {
    /// Starts the device; the engine's first period comes soon after.
    fn start(&mut self) -> Result<()>;

    fn info(&self) -> &StreamInfo;

    /// Whether nobody but the calling thread makes time pass, so that waiting for it would never end.
    fn manual_clock(&self) -> bool {
        false
    }
}

/// All host APIs of this build, in the order of defaults; the virtual one last.
pub(crate) fn hosts() -> Vec<Box<dyn HostApi>> {
    let mut hosts: Vec<Box<dyn HostApi>> = Vec::new();
    #[cfg(target_os = "linux")]
    hosts.push(pulse::host());
    hosts.push(Box::new(jack::Jack));
    hosts.extend(cpal::hosts());
    hosts.push(Box::new(virtual_host::host()));
    hosts
}

pub use choice::{Backend, choose_backend};

/// The version of cpal underneath, pinned in Cargo.toml; none where it is not built in.
pub const CPAL_VERSION: Option<&str> = Some(cpal::VERSION);

/// PortAudio's own number and text of its version, once a call has loaded it: `(1246720, "PortAudio V19.6.0-devel, …")`.
pub fn portaudio_version() -> Option<(i32, String)> {
    portaudio::version()
}
