//! WAV files, read whole.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result};

/// A file's samples, interleaved, in the format it has them in.
#[derive(Debug, Clone, PartialEq)]
pub struct Wav {
    /// Interleaved.
    pub bytes: Vec<u8>,
    /// `F32`, `I32`, `I24`, `I16` or `U8`.
    pub dtype: Dtype,
    /// At least 1.
    pub channels: usize,
    /// Hertz.
    pub sample_rate: f64,
}

/// Samples that memory is taken for before they have been read.
const EXPECTED: usize = 1 << 22;

/// Reads a WAV file into memory.
///
/// # Errors
/// `FileFormat` where it is no WAV file of 8, 16, 24 or 32 bits or 32-bit float; `Host` where it cannot be read.
pub fn read_wav(path: impl AsRef<Path>) -> Result<Wav> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
    decode(BufReader::new(file), &name)
}

fn unreadable(name: &str, error: &io::Error) -> Error {
    let code = error.raw_os_error().unwrap_or(0).into();
    Error::new(ErrorKind::Host, format!("Cannot read '{name}': {error}")).with_host_error(
        "file system",
        code,
        error.to_string(),
    )
}

/// The same from anywhere; `name` is for errors.
pub(crate) fn decode(file: impl Read, name: &str) -> Result<Wav> {
    let failed = |error: hound::Error| match error {
        // One without a number is ours: the file ends too soon.
        hound::Error::IoError(error) if error.raw_os_error().is_some() => unreadable(name, &error),
        other => Error::new(ErrorKind::FileFormat, format!("'{name}' is not a WAV file that can be read: {other}")),
    };
    let mut reader = hound::WavReader::new(file).map_err(failed)?;
    let spec = reader.spec();
    let dtype = match (spec.sample_format, spec.bits_per_sample) {
        (hound::SampleFormat::Float, 32) => Dtype::F32,
        (hound::SampleFormat::Int, 32) => Dtype::I32,
        (hound::SampleFormat::Int, 24) => Dtype::I24,
        (hound::SampleFormat::Int, 16) => Dtype::I16,
        (hound::SampleFormat::Int, 8) => Dtype::U8,
        (format, bits) => {
            let message = format!("Expected 8, 16, 24 or 32 bits or 32-bit float, got {bits} bits {format:?}");
            return Err(Error::new(ErrorKind::FileFormat, message));
        }
    };
    // What the header says may be far more than there is.
    let mut bytes = Vec::with_capacity((reader.len() as usize).min(EXPECTED) * dtype.bytes());
    if dtype == Dtype::F32 {
        for sample in reader.samples::<f32>() {
            bytes.extend(sample.map_err(failed)?.to_ne_bytes());
        }
    } else {
        for sample in reader.samples::<i32>() {
            let sample = sample.map_err(failed)?;
            match dtype {
                Dtype::I24 => bytes.extend(&sample.to_le_bytes()[..3]),
                Dtype::I16 => bytes.extend((sample as i16).to_ne_bytes()),
                Dtype::U8 => bytes.push((sample + 128) as u8),
                _ => bytes.extend(sample.to_ne_bytes()),
            }
        }
    }
    let (channels, sample_rate) = (spec.channels.into(), spec.sample_rate.into());
    Ok(Wav { bytes, dtype, channels, sample_rate })
}
