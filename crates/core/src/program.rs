//! How this program appears in the system's mixer and graph.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};

static NAME: Mutex<Option<String>> = Mutex::new(None);

/// Whether any host API of this system shows the names of programs.
const SHOWN: bool = cfg!(target_os = "linux");

fn supported() -> Result<()> {
    match SHOWN {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotSupported, "No host API of this system shows the names of programs")),
    }
}

/// How the system's mixer calls this program: PulseAudio's application name, and the name of JACK's clients as far as JACK
/// allows. The program's own name unless it was set.
///
/// # Errors
/// `NotSupported` where no host API shows such names: on Windows and macOS.
pub fn program_name() -> Result<String> {
    supported().map(|()| name())
}

/// Changes that for streams opened from now on.
///
/// # Errors
/// As [`program_name`]; `InvalidArgValue` for a name of blanks alone or with a zero in it.
///
/// ```
/// # if cfg!(target_os = "linux") {
/// sounddevice::set_program_name("Metronome")?;
/// assert_eq!(sounddevice::program_name()?, "Metronome");
/// # }
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn set_program_name(name: &str) -> Result<()> {
    supported()?;
    if name.trim().is_empty() || name.contains('\0') {
        let message = format!("A name must have letters and no zero among them, got {name:?}");
        return Err(Error::new(ErrorKind::InvalidArgValue, message));
    }
    *NAME.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.into());
    Ok(())
}

pub(crate) fn name() -> String {
    let set = NAME.lock().unwrap_or_else(PoisonError::into_inner).clone();
    set.unwrap_or_else(|| {
        let program = std::env::args_os().next().unwrap_or_default();
        let name = Path::new(&program).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name.is_empty() { "sounddevice".into() } else { name }
    })
}
