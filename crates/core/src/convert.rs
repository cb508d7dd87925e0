//! Conversion of whole buffers.

use crate::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::convert::convert_interleaved;

pub use crate::realtime::convert::{ConvertOptions, Counts};

/// Converts interleaved samples; dither is decided per channel of the whole. Float to integer multiplies by 2^(bits − 1),
/// rounds half to even and clips; integer to float divides by the same.
///
/// # Errors
/// `InvalidArgValue` where the lengths do not agree.
///
/// ```
/// use sounddevice::{ConvertOptions, Dtype, convert};
/// let mut out = [0; 2];
/// let counts = convert(&1.0f32.to_ne_bytes(), Dtype::F32, &mut out, Dtype::I16, 1, ConvertOptions::default())?;
/// assert_eq!((i16::from_ne_bytes(out), counts.clipped), (32767, 1));
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub fn convert(
    from_bytes: &[u8],
    from: Dtype,
    to_bytes: &mut [u8],
    to: Dtype,
    channels: usize,
    options: ConvertOptions,
) -> Result<Counts> {
    let samples = from_bytes.len() / from.bytes();
    let fits = from_bytes.len() == samples * from.bytes() && to_bytes.len() == samples * to.bytes();
    if !fits || channels == 0 || !samples.is_multiple_of(channels) {
        let (a, b) = (from_bytes.len(), to_bytes.len());
        let message = format!("Expected whole frames of {channels} channels of {from} and {to}, got {a} and {b} bytes");
        return Err(Error::new(ErrorKind::InvalidArgValue, message));
    }
    Ok(convert_interleaved(from_bytes, from, to_bytes, to, channels, options))
}
