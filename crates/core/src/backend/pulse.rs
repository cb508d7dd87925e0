//! PulseAudio, and PipeWire through its PulseAudio layer: libpulse, opened at run time.
//!
//! Devices are the server's sinks and sources; what a sink plays can be recorded from its monitor. The server converts
//! rates and formats. Each stream has a connection of its own, moved by a thread of its own.

mod attributes;
mod backlog;
mod connection;
mod driver;
mod input;
mod library;
mod line;
mod list;
mod output;
mod pipe;
mod stream;
mod watch;

use std::ffi::CString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{BackendStream, HostApi, HostListing, LEAST_RATE, Request};
use crate::device::Poke;
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Signals};
use connection::{Connection, Refusal};
use library::{CHANNELS_MAX, Library, library};

const NAME: &str = "PulseAudio";
/// How long a server may take to say whether it has a device.
const CHECKING: Duration = Duration::from_secs(2);

struct Pulse;

/// The host API.
pub(crate) fn host() -> Box<dyn HostApi> {
    Box::new(Pulse)
}

fn there() -> Result<&'static Library> {
    library().ok_or_else(|| Error::new(ErrorKind::NoLibrary, "PulseAudio needs libpulse.so.0, which cannot be loaded"))
}

/// What can be said without asking the server.
fn possible(library: &Library, request: &Request) -> Result<()> {
    let rate = request.sample_rate;
    // SAFETY: any number is allowed.
    let valid = |rate: u32| unsafe { (library.pa_sample_rate_valid)(rate) } != 0;
    if rate.fract() != 0.0 || !(f64::from(LEAST_RATE)..=f64::from(u32::MAX)).contains(&rate) || !valid(rate as u32) {
        let most = [768_000, 384_000, 192_000].into_iter().find(|rate| valid(*rate)).unwrap_or(48_000);
        let message =
            format!("Invalid sample rate: PulseAudio has whole rates from {LEAST_RATE} to {most} Hz, got {rate}");
        return Err(Error::new(ErrorKind::InvalidSampleRate, message));
    }
    for side in [&request.input, &request.output].into_iter().flatten() {
        if usize::from(side.channels) > CHANNELS_MAX {
            let message = format!(
                "Invalid number of channels: PulseAudio opens '{}' with at most {CHANNELS_MAX}, got {}",
                side.key, side.channels
            );
            return Err(Error::new(ErrorKind::InvalidChannels, message));
        }
    }
    Ok(())
}

impl HostApi for Pulse {
    fn name(&self) -> &'static str {
        NAME
    }

    fn list(&self) -> Result<HostListing> {
        let Some(library) = library() else {
            return Ok(HostListing::default());
        };
        match list::list(library) {
            Err(Refusal::TimedOut) => Err(Error::new(ErrorKind::TimedOut, "PulseAudio did not answer")),
            // Nobody there.
            listing => Ok(listing.unwrap_or_default()),
        }
    }

    fn watch(&self, poke: &Poke) -> Option<Box<dyn Send>> {
        watch::listen(library()?, poke)
    }

    fn places(&self, key: &str, input: bool) -> Result<Vec<i32>> {
        let library = there()?;
        let end = Instant::now() + CHECKING;
        let connection = Connection::open(library, end).map_err(|why| stream::refused(library, "", why))?;
        let name = CString::new(list::name_of(key, input)).unwrap_or_default();
        let device = connection.device(&name, input, end).map_err(|why| stream::refused(library, key, why))?;
        // The library's 0 is mono, ours is front-left.
        Ok(device.map.map.iter().take(device.map.channels.into()).map(|place| place - 1).collect())
    }

    fn check(&self, request: &Request) -> Result<()> {
        let library = there()?;
        possible(library, request)?;
        let end = Instant::now() + CHECKING;
        let connection = Connection::open(library, end).map_err(|why| stream::refused(library, "", why))?;
        for (side, input) in [(&request.input, true), (&request.output, false)] {
            let Some(side) = side else { continue };
            let name = CString::new(list::name_of(&side.key, input)).unwrap_or_default();
            connection.device(&name, input, end).map_err(|why| stream::refused(library, &side.key, why))?;
        }
        Ok(())
    }

    fn duplex(&self, _: &str, _: &str) -> bool {
        true
    }

    fn open(
        &self,
        request: &Request,
        engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Box<dyn BackendStream>> {
        let library = there()?;
        possible(library, request)?;
        Ok(Box::new(stream::open(library, request, engine, signals)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::AudioData;

    /// The audio thread checks itself in tests: see `driver::without_allocating`.
    #[test]
    fn nothing_is_allocated_on_the_audio_thread() {
        let devices = crate::devices().expect("a list");
        let found = |id: &str| devices.iter().find(|device| device.id == id);
        let (Some(output), Some(_)) = (found("pulseaudio:hires"), found("pulseaudio:hires.monitor")) else {
            return println!("skipped: no sound server of scripts/sound-servers.sh at PULSE_SERVER");
        };
        let sound = AudioData::<f32>::from_fn(9_600, 1, 48_000, |frame, _| (frame as f32 * 0.05).sin());
        let take = crate::rec::<i16>(9_600).channels(2).device("pulseaudio:hires.monitor").start().expect("a job");
        crate::play(&sound).device(output).start().expect("a job").wait().expect("it plays");
        assert_eq!(take.wait().expect("a recording").samples().len(), 19_200);
    }
}
