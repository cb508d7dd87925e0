//! JACK, directly: one client with one process callback per stream.
//!
//! cpal has a client per direction and a ring between them, which costs a period of latency. The server decides the
//! sample rate and the period; the engine re-blocks. A device is a client of the server that has audio ports; its ports
//! are our channels, in the server's order. No server is ever started.
//!
//! The server may hang or die inside any call, so all that talk to it run on threads of their own ([`client::ask`]).

pub(super) mod client;
mod cycle;
#[cfg(target_os = "linux")]
mod database;
pub(super) mod library;
mod lister;
#[cfg(target_os = "linux")]
mod signs;
mod stream;
mod survey;
mod teller;
mod unlocked;

use std::sync::Arc;

use super::{BackendStream, HostApi, HostListing, Listing, Request};
#[cfg(target_os = "linux")]
use crate::device::Poke;
use crate::error::{ErrorKind, Result};
use crate::realtime::{Engine, Signals};
use client::ask;
use stream::{Open, Prepared};
use survey::Survey;

const NAME: &str = "JACK";

/// What servers of all ages and systems take for a client's name.
const LONGEST_NAME: usize = 27;

pub(crate) struct Jack;

/// What this program's clients are called in the server's graph.
pub(super) fn client_name() -> String {
    acceptable(&crate::program::name())
}

/// Without the colon, which ends a client's name, and not too long.
fn acceptable(name: &str) -> String {
    let mut name: String = name.chars().filter(|c| !c.is_control()).map(|c| if c == ':' { '-' } else { c }).collect();
    while name.len() > LONGEST_NAME {
        name.pop();
    }
    if name.is_empty() { "sounddevice".into() } else { name }
}

fn look() -> Result<Survey> {
    ask(lister::look)
}

/// Frames of the server's period, where there is one.
#[cfg(feature = "portaudio")]
pub(super) fn period() -> Option<usize> {
    look().ok().map(|survey| survey.period as usize)
}

impl HostApi for Jack {
    fn name(&self) -> &'static str {
        NAME
    }

    fn list(&self) -> Result<HostListing> {
        // Whoever lists waits on a thread of its own already; another one would come to load the library later than others.
        match lister::look() {
            Ok(survey) => Ok(survey.listing()),
            // Nobody there.
            Err(error) if matches!(error.kind(), ErrorKind::NoLibrary | ErrorKind::DeviceUnavailable) => {
                Ok(HostListing::default())
            }
            Err(error) => Err(error),
        }
    }

    /// The server takes some 15 ms to let the first client in.
    fn listing(&self) -> Listing {
        Listing::Slow
    }

    #[cfg(target_os = "linux")]
    fn watch(&self, poke: &Poke) -> Option<Box<dyn Send>> {
        library::library().ok().and_then(|_| signs::watch(poke))
    }

    fn check(&self, request: &Request) -> Result<()> {
        look()?.check(request)
    }

    /// All clients run in the server's one cycle.
    fn duplex(&self, _: &str, _: &str) -> bool {
        true
    }

    fn open(
        &self,
        request: &Request,
        engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Box<dyn BackendStream>> {
        let (name, wanted) = (client_name(), request.clone());
        let prepared = ask(move || Prepared::new(&name, &wanted))?;
        Ok(Box::new(Open::new(prepared, request, engine, signals)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_names_are_what_every_server_takes() {
        assert_eq!(acceptable("my: program"), "my- program");
        assert_eq!(acceptable(""), "sounddevice");
        let long = acceptable(&"ü".repeat(40));
        assert_eq!(long, "ü".repeat(13));
    }
}
