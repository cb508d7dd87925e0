//! A build without PortAudio.

use super::{HostApi, HostListing};
use crate::error::{Error, ErrorKind, Result};

/// None.
pub(crate) fn list() -> Result<Vec<(&'static dyn HostApi, HostListing)>> {
    Err(Error::new(ErrorKind::NoLibrary, "This build has no PortAudio: it needs the feature 'portaudio'"))
}

/// None.
pub(crate) fn version() -> Option<(i32, String)> {
    None
}
