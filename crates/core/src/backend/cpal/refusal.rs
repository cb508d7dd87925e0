//! cpal's errors as ours.

use ::cpal as library;

use crate::error::{Error, ErrorKind};

/// `E_ACCESSDENIED`: Windows keeps the program from the device.
const ACCESS_DENIED: i64 = 0x8007_0005u32.cast_signed() as i64;
/// `HRESULT_FROM_WIN32(ERROR_NOT_FOUND)`: an endpoint that has gone meanwhile.
const NOT_FOUND: i64 = 0x8007_0490u32.cast_signed() as i64;

/// The system's own number, which cpal passes on in the text only: there it is the same in all languages. 0 where cpal keeps no
/// more than the kind of the error, as it does with ALSA's commonest ones.
fn number(text: &str) -> i64 {
    let after = |words: &str| text.rsplit_once(words).map(|(_, rest)| rest);
    let first = |numeral: &str| numeral.split(')').next().and_then(|numeral| numeral.parse::<i64>().ok());
    let system = after("(os error ").and_then(first);
    // "ALSA function 'snd_pcm_open' failed with error 'I/O error (5)'": ALSA's own numbers are the negative ones.
    let alsa = || after(" failed with error '")?.rsplit_once(" (").and_then(|(_, rest)| first(rest)).map(|n| -n.abs());
    system.or_else(alsa).unwrap_or(0)
}

/// `host` refuses `what`.
pub(super) fn refused(host: &'static str, what: &str, error: &library::Error) -> Error {
    let text = error.to_string();
    let code = number(&text);
    let kind = match error.kind() {
        _ if code == ACCESS_DENIED => ErrorKind::PermissionDenied,
        _ if code == NOT_FOUND => ErrorKind::DeviceUnavailable,
        library::ErrorKind::DeviceBusy
        | library::ErrorKind::DeviceNotAvailable
        | library::ErrorKind::HostUnavailable
        | library::ErrorKind::ResourceExhausted
        | library::ErrorKind::StreamInvalidated => ErrorKind::DeviceUnavailable,
        library::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        library::ErrorKind::UnsupportedConfig => ErrorKind::UnsupportedFormat,
        _ => ErrorKind::Host,
    };
    let advice = match kind {
        ErrorKind::PermissionDenied if cfg!(windows) => {
            ". Windows may keep programs from the microphone: Settings, Privacy, Microphone"
        }
        _ => "",
    };
    Error::new(kind, format!("{what}: {text}{advice}")).with_host_error(host, code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_numbers_are_found_in_the_text() {
        let told = |text: &'static str| {
            let error = library::Error::with_message(library::ErrorKind::BackendError, text);
            let error = refused("Windows WASAPI", "'x' cannot be opened", &error);
            (error.kind(), error.host_error().map(|host| host.code))
        };
        let denied = "Failed to initialize audio client: Zugriff verweigert (os error -2147024891)";
        assert_eq!(told(denied), (ErrorKind::PermissionDenied, Some(-2_147_024_891)));
        let gone = "Failed to build audio client: Element not found. (os error -2147023728)";
        assert_eq!(told(gone), (ErrorKind::DeviceUnavailable, Some(-2_147_023_728)));
        assert_eq!(told("no number (os error x)"), (ErrorKind::Host, Some(0)));
    }

    #[test]
    fn alsas_numbers_are_found_in_the_text() {
        assert_eq!(number("ALSA function 'snd_pcm_open' failed with error 'I/O error (5)'"), -5);
        assert_eq!(number("ALSA function 'snd_pcm_open' failed with error 'Unknown (odd) errno (-32)'"), -32);
        for none in
            ["ALSA function 'snd_pcm_open' failed with error 'I/O error'", "(5)", "", " failed with error '(x)'"]
        {
            assert_eq!(number(none), 0, "{none}");
        }
    }
}
