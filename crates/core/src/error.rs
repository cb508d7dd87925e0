//! What can go wrong, with a stable code, PortAudio's number and the host's own words.

use std::fmt;

/// Everything in this crate that can fail returns this.
pub type Result<T> = std::result::Result<T, Error>;

/// An error: what kind it is, a sentence with what was expected and what came, and the host's own error if there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    host_error: Option<HostError>,
}

/// The error of the system underneath, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    /// The name of the host API, such as `"ALSA"`.
    pub host_api: String,
    /// The host's own number, 0 where it has none.
    pub code: i64,
    /// The host's own text.
    pub text: String,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), host_error: None }
    }

    /// The same error with what the host said.
    #[must_use]
    pub fn with_host_error(mut self, host_api: impl Into<String>, code: i64, text: impl Into<String>) -> Self {
        self.host_error = Some(HostError { host_api: host_api.into(), code, text: text.into() });
        self
    }

    /// What kind of error this is: the part to match on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was expected and what came.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The host's own error, where a host refused.
    pub fn host_error(&self) -> Option<&HostError> {
        self.host_error.as_ref()
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $number:literal;)*) => {
        /// The kinds of errors, told apart by what the caller can do next.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[$doc])* $name,)* }

        impl ErrorKind {
            /// The stable code, such as `"ERR_NO_SUCH_DEVICE"`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// PortAudio's number for it (`PaErrorCode` of portaudio.h), 0 where it has none.
            pub fn portaudio_code(self) -> i32 {
                match self { $(Self::$name => $number,)* }
            }
        }
    };
}

kinds! {
    /// An argument of the wrong kind.
    InvalidArgType = "ERR_INVALID_ARG_TYPE", 0;
    /// An argument that can never be right.
    InvalidArgValue = "ERR_INVALID_ARG_VALUE", 0;
    /// A number outside its range.
    OutOfRange = "ERR_OUT_OF_RANGE", 0;
    /// No device fits the name, id or index.
    NoSuchDevice = "ERR_NO_SUCH_DEVICE", -9996;
    /// Several devices fit the name.
    AmbiguousDevice = "ERR_AMBIGUOUS_DEVICE", -9996;
    /// No host API with this index or name.
    NoSuchHostApi = "ERR_NO_SUCH_HOST_API", -9978;
    /// The device does not have, or cannot open, that many channels.
    InvalidChannels = "ERR_INVALID_CHANNELS", -9998;
    /// The device cannot run at this rate.
    InvalidSampleRate = "ERR_INVALID_SAMPLE_RATE", -9997;
    /// The device has no format that could hold these samples.
    UnsupportedFormat = "ERR_UNSUPPORTED_FORMAT", -9994;
    /// Options that exclude each other.
    InvalidFlag = "ERR_INVALID_FLAG", -9995;
    /// Input and output that cannot run in one stream.
    IncompatibleDevices = "ERR_INCOMPATIBLE_DEVICES", -9993;
    /// Settings that belong to another host API.
    IncompatibleSettings = "ERR_INCOMPATIBLE_SETTINGS", -9984;
    /// The device exists but cannot be had now.
    DeviceUnavailable = "ERR_DEVICE_UNAVAILABLE", -9985;
    /// The device vanished while it ran.
    DeviceLost = "ERR_DEVICE_LOST", -9985;
    /// The system withholds the device from this program.
    PermissionDenied = "ERR_PERMISSION_DENIED", -9985;
    /// The stream is closed.
    StreamClosed = "ERR_STREAM_CLOSED", -9988;
    /// The stream does not run.
    StreamStopped = "ERR_STREAM_STOPPED", -9983;
    /// A stream with a callback cannot be read from.
    ReadFromCallbackStream = "ERR_CALLBACK_STREAM", -9977;
    /// A stream with a callback cannot be written to.
    WriteToCallbackStream = "ERR_CALLBACK_STREAM", -9976;
    /// The callback panicked.
    CallbackFailed = "ERR_CALLBACK_FAILED", 0;
    /// Waiting here could never end.
    WouldDeadlock = "ERR_WOULD_DEADLOCK", 0;
    /// The system did not answer in time.
    TimedOut = "ERR_TIMED_OUT", -9987;
    /// Nothing has been played or recorded yet.
    NotCalledYet = "ERR_NOT_CALLED_YET", 0;
    /// Not built yet, or not possible on this system.
    NotSupported = "ERR_NOT_SUPPORTED", 0;
    /// A library that has to be opened at run time is missing.
    NoLibrary = "ERR_NO_LIBRARY", 0;
    /// A file that cannot be understood.
    FileFormat = "ERR_FILE_FORMAT", 0;
    /// The host refused; see [`Error::host_error`].
    Host = "ERR_HOST", -9999;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
