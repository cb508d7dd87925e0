//! PortAudio as a second backend: its library, opened at run time.
//!
//! Its host APIs stand beside ours under their own names, such as "ALSA (PortAudio)". Looking at its devices means to open
//! all of them, so that is done only where somebody asks for them: see [`super::choice`].
//!
//! What PortAudio does badly is done here, or by the engine: playing out, blocks of any size, formats, clipping and
//! dither, times on one clock, waiting for systems that never answer. Its two streams of one ALSA device, one for each
//! direction, are joined here: its own duplex keeps what was captured during a stall for ever.

mod guards;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod imports;
#[cfg(test)]
mod layout;
mod library;
mod names;
mod parameters;
mod session;
mod specific;
mod stream;

use std::ffi::c_int;
use std::sync::{Arc, OnceLock};

use super::{BackendStream, HostApi, HostListing, Request, permission};
use crate::error::Result;
use crate::realtime::{Engine, Signals, join};
use parameters::Parameters;

/// PortAudio's number and text of its version, once the library has been loaded.
pub(crate) fn version() -> Option<(i32, String)> {
    library::version()
}

/// The host APIs of PortAudio that have devices now, in the order of defaults.
pub(crate) fn list() -> Result<Vec<(&'static dyn HostApi, HostListing)>> {
    let mut listed = session::ask(|session| {
        session.refresh()?;
        let listed = session.hosts.iter().map(|host| (host.kind, host.listing.clone())).collect::<Vec<_>>();
        session.rest();
        Ok(listed)
    })?;
    let taken = |host: &'static Host| {
        let place = listed.iter().position(|(kind, _)| *kind == host.kind)?;
        Some((host as &dyn HostApi, listed.swap_remove(place).1))
    };
    Ok(hosts().iter().filter_map(taken).collect())
}

/// One of PortAudio's host APIs.
struct Host {
    kind: c_int,
    name: &'static str,
}

fn hosts() -> &'static [Host] {
    static HOSTS: OnceLock<Vec<Host>> = OnceLock::new();
    HOSTS.get_or_init(|| names::HOSTS.map(|(kind, name)| Host { kind, name }).into())
}

impl Host {
    /// What the system keeps from this program without an error.
    fn allowed(&self, request: &Request) -> Result<()> {
        if self.kind == library::CORE_AUDIO && request.input.is_some() { permission::check() } else { Ok(()) }
    }
}

impl HostApi for Host {
    fn name(&self) -> &'static str {
        self.name
    }

    fn list(&self) -> Result<HostListing> {
        let found = list()?.into_iter().find(|(host, _)| host.name() == self.name);
        Ok(found.map(|(_, listing)| listing).unwrap_or_default())
    }

    fn check(&self, request: &Request) -> Result<()> {
        self.allowed(request)?;
        let (kind, request) = (self.kind, request.clone());
        session::ask(move |session| {
            let checked = Parameters::new(session, kind, &request).and_then(|mut parameters| parameters.check(session));
            session.rest();
            checked
        })
    }

    fn duplex(&self, _: &str, _: &str) -> bool {
        self.kind != library::ALSA
    }

    fn joins(&self) -> bool {
        false
    }

    /// PortAudio's own duplex, which does without the joining, is as late as its output's buffer alone.
    fn joined(&self, latency: f64) -> f64 {
        join::left_to_output(latency)
    }

    fn open(
        &self,
        request: &Request,
        engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Box<dyn BackendStream>> {
        self.allowed(request)?;
        Ok(Box::new(stream::Open::new(self.kind, request, engine, signals)?))
    }
}
