//! Which backends there are for this program: what `SOUNDDEVICE_BACKEND` says.

use std::sync::OnceLock;

use crate::error::{Error, ErrorKind, Result};

const VARIABLE: &str = "SOUNDDEVICE_BACKEND";

/// What is listed beside the virtual host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Ours; PortAudio's where a call names one of its host APIs.
    Both,
    /// All but PortAudio's.
    Cpal,
    /// PortAudio's and no others.
    PortAudio,
}

/// Asked for once, when it is needed first.
pub(crate) fn choice() -> Result<Choice> {
    static CHOICE: OnceLock<Result<Choice>> = OnceLock::new();
    CHOICE.get_or_init(|| read(&std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy())).clone()
}

fn read(value: &str) -> Result<Choice> {
    match value.to_lowercase().as_str() {
        "" => Ok(Choice::Both),
        "cpal" => Ok(Choice::Cpal),
        "portaudio" => Ok(Choice::PortAudio),
        _ => {
            let message = format!("{VARIABLE} must be cpal or portaudio, got '{value}'");
            Err(Error::new(ErrorKind::InvalidArgValue, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_names_a_backend_or_nothing() {
        assert_eq!(read(""), Ok(Choice::Both));
        assert_eq!(read("cpal"), Ok(Choice::Cpal));
        assert_eq!(read("PortAudio"), Ok(Choice::PortAudio));
        let error = read("alsa").expect_err("no backend");
        assert_eq!(error.kind(), ErrorKind::InvalidArgValue);
        assert!(error.message().contains("'alsa'"), "{error}");
    }
}
