//! Which backends there are for this program: what it has chosen, or what `SOUNDDEVICE_BACKEND` says.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Error, ErrorKind, Result};

const VARIABLE: &str = "SOUNDDEVICE_BACKEND";

/// What is listed beside the virtual host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Ours; PortAudio's where a call names one of its host APIs.
    Named,
    /// Ours, and PortAudio's behind them.
    All,
    /// All but PortAudio's.
    Cpal,
    /// PortAudio's and no others.
    PortAudio,
}

/// A library, or several, underneath the host APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// cpal, and what is here in its place on Linux: all host APIs but PortAudio's.
    Cpal,
    /// PortAudio's host APIs, such as "ALSA (PortAudio)".
    PortAudio,
    /// Both, cpal's first. Each list of devices takes as long as PortAudio does, which opens all of them.
    All,
}

static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// Chooses whose devices are listed, found by name and used by default from now on, in the whole process; the virtual host's
/// are there in any case. None leaves it to the environment variable `SOUNDDEVICE_BACKEND` (`cpal`, `portaudio` or `all`), and
/// without that PortAudio's are looked at only where a call names one: see [`devices_for`](crate::devices_for). Streams that
/// are open stay as they are; who watches the devices is told what has changed.
///
/// Whether there is a PortAudio shows when it is asked for: `NoLibrary`. Without it, `All` lists the others; with `PortAudio`
/// there is no list and no default device, and virtual devices can be made, found and used all the same. The virtual host is the
/// last one in lists with either.
///
/// ```
/// use sounddevice::{Backend, choose_backend, devices};
/// choose_backend(Some(Backend::Cpal));
/// assert!(devices()?.iter().all(|device| !device.host_api_name.contains("PortAudio")));
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn choose_backend(backend: Option<Backend>) {
    let number = match backend {
        None => 0,
        Some(Backend::Cpal) => 1,
        Some(Backend::PortAudio) => 2,
        Some(Backend::All) => 3,
    };
    CHOSEN.store(number, Ordering::Release);
    crate::device::rechosen();
}

/// The variable is read once, when it is needed first.
pub(crate) fn choice() -> Result<Choice> {
    match CHOSEN.load(Ordering::Acquire) {
        1 => return Ok(Choice::Cpal),
        2 => return Ok(Choice::PortAudio),
        3 => return Ok(Choice::All),
        _ => {}
    }
    static CHOICE: OnceLock<Result<Choice>> = OnceLock::new();
    CHOICE.get_or_init(|| read(&std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy())).clone()
}

fn read(value: &str) -> Result<Choice> {
    match value.to_lowercase().as_str() {
        "" => Ok(Choice::Named),
        "cpal" => Ok(Choice::Cpal),
        "portaudio" => Ok(Choice::PortAudio),
        "all" => Ok(Choice::All),
        _ => {
            let message = format!("{VARIABLE} must be cpal, portaudio or all, got '{value}'");
            Err(Error::new(ErrorKind::InvalidArgValue, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_names_a_backend_or_nothing() {
        assert_eq!(read(""), Ok(Choice::Named));
        assert_eq!(read("cpal"), Ok(Choice::Cpal));
        assert_eq!(read("PortAudio"), Ok(Choice::PortAudio));
        assert_eq!(read("all"), Ok(Choice::All));
        let error = read("alsa").expect_err("no backend");
        assert_eq!(error.kind(), ErrorKind::InvalidArgValue);
        assert!(error.message().contains("'alsa'"), "{error}");
    }
}
