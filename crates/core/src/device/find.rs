//! Finding a device by index, id, or parts of its name.

use std::fmt;

use super::{DeviceInfo, Devices};
use crate::error::{Error, ErrorKind, Result};

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Recording.
    Input,
    /// Playback.
    Output,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// How a device is named: by its index, or by its id or space-separated parts of `"name, host API"`, in order, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceSpecifier {
    /// See [`DeviceInfo::index`]. Signed, so that what was typed can be repeated in the error.
    Index(i64),
    /// An id, or parts of a name.
    Text(String),
}

impl From<usize> for DeviceSpecifier {
    fn from(index: usize) -> Self {
        Self::Index(i64::try_from(index).unwrap_or(i64::MAX))
    }
}

impl From<&str> for DeviceSpecifier {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<&DeviceInfo> for DeviceSpecifier {
    fn from(device: &DeviceInfo) -> Self {
        device.index.into()
    }
}

impl Devices {
    /// The input device that fits.
    ///
    /// # Errors
    /// As [`Devices::find`].
    pub fn find_input(&self, specifier: impl Into<DeviceSpecifier>) -> Result<&DeviceInfo> {
        self.find(&specifier.into(), Some(Kind::Input))
    }

    /// The output device that fits.
    ///
    /// # Errors
    /// As [`Devices::find`].
    pub fn find_output(&self, specifier: impl Into<DeviceSpecifier>) -> Result<&DeviceInfo> {
        self.find(&specifier.into(), Some(Kind::Output))
    }

    /// The device that fits. By text: an id; else the only device in whose `"name, host API"` all parts occur in order
    /// without overlap; among several the only one whose name, or name and host API, is the whole text.
    ///
    /// # Errors
    /// `NoSuchDevice` where none fits or it lacks that direction, `AmbiguousDevice` where several do; the message names them.
    /// `TimedOut` where none fits and a host API that may have it did not answer; `NoLibrary` where that is PortAudio's, which is
    /// not there.
    pub fn find(&self, specifier: &DeviceSpecifier, kind: Option<Kind>) -> Result<&DeviceInfo> {
        match specifier {
            DeviceSpecifier::Index(index) => self.by_index(*index, kind),
            DeviceSpecifier::Text(text) => self.by_text(text, kind),
        }
    }

    fn by_index(&self, index: i64, kind: Option<Kind>) -> Result<&DeviceInfo> {
        let message = format!("Error querying device {index}");
        // Nobody will ever have it, whether all have answered or not.
        let Ok(wanted) = usize::try_from(index) else { return Err(Error::new(ErrorKind::NoSuchDevice, message)) };
        let specifier = DeviceSpecifier::Index(index);
        let device = self.get(wanted).ok_or_else(|| self.none(Some(&specifier), message))?;
        match kind {
            Some(kind) if device.max_channels(kind) == 0 => Err(not_a(kind, device)),
            _ => Ok(device),
        }
    }

    /// No device, as far as we know.
    pub(super) fn none(&self, specifier: Option<&DeviceSpecifier>, message: String) -> Error {
        if let Some(error) = self.refusal(specifier) {
            return error;
        }
        match self.silent[..] {
            [] => Error::new(ErrorKind::NoSuchDevice, message),
            _ => self.unanswered(&message),
        }
    }

    /// Somebody who may have it is silent.
    pub(super) fn unanswered(&self, message: &str) -> Error {
        Error::new(ErrorKind::TimedOut, format!("{message}; {} did not answer", self.silent.join(" and ")))
    }

    fn by_text(&self, text: &str, kind: Option<Kind>) -> Result<&DeviceInfo> {
        if let Some(device) = self.infos.iter().find(|device| device.id == text) {
            return match kind {
                Some(kind) if device.max_channels(kind) == 0 => Err(not_a(kind, device)),
                _ => Ok(device),
            };
        }
        let wanted = text.to_lowercase();
        let has_kind = |device: &&DeviceInfo| kind.is_none_or(|kind| device.max_channels(kind) > 0);
        let fitting: Vec<&DeviceInfo> =
            self.infos.iter().filter(has_kind).filter(|device| fits(&full_name(device), &wanted)).collect();
        let what = kind.map_or_else(|| "input/output".to_string(), |kind| kind.to_string());
        match fitting[..] {
            [] => Err(self.none(Some(&text.into()), format!("No {what} device matching '{text}'"))),
            [device] => Ok(device),
            _ => {
                let whole = |device: &&&DeviceInfo| device.name.to_lowercase() == wanted || full_name(device) == wanted;
                let mut exact = fitting.iter().filter(whole);
                if let (Some(device), None) = (exact.next(), exact.next()) {
                    return Ok(device);
                }
                Err(ambiguous(&format!("{what} device"), text, &fitting))
            }
        }
    }
}

/// Names what fits.
pub(super) fn ambiguous(what: &str, text: &str, fitting: &[&DeviceInfo]) -> Error {
    let lines: Vec<String> =
        fitting.iter().map(|device| format!("[{}] {}, {}", device.index, device.name, device.host_api_name)).collect();
    let message = format!("Multiple {what}s found for '{text}':\n{}", lines.join("\n"));
    Error::new(ErrorKind::AmbiguousDevice, message)
}

fn not_a(kind: Kind, device: &DeviceInfo) -> Error {
    Error::new(ErrorKind::NoSuchDevice, format!("Not an {kind} device: '{}'", device.name))
}

fn full_name(device: &DeviceInfo) -> String {
    format!("{}, {}", device.name, device.host_api_name).to_lowercase()
}

/// Whether all parts occur in order, without overlap.
fn fits(name: &str, parts: &str) -> bool {
    let mut rest = name;
    parts.split_whitespace().all(|part| match rest.find(part) {
        Some(position) => {
            rest = &rest[position + part.len()..];
            true
        }
        None => false,
    })
}
