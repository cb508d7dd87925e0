//! Conversion of whole buffers.

use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Env, Result};
use napi_derive::napi;

use crate::buffer::writable;
use crate::devices::dtype;
use crate::error::throw;

#[napi(object)]
pub struct Counts {
    pub clipped: f64,
    pub nan: f64,
}

#[napi]
#[allow(clippy::too_many_arguments)] // one call per buffer: an options object would cost more than it explains
pub fn convert(
    env: Env,
    src: Uint8ArraySlice,
    from: String,
    mut dst: Uint8ArraySlice,
    to: String,
    channels: u32,
    clip_off: bool,
    dither_off: bool,
) -> Result<Counts> {
    let (from, to) = (dtype(&env, &from)?, dtype(&env, &to)?);
    let options = sounddevice::ConvertOptions { clip_off, dither_off };
    let counts = sounddevice::convert(&src, from, writable(&mut dst), to, channels as usize, options);
    let counts = counts.map_err(|error| throw(&env, error))?;
    Ok(Counts { clipped: counts.clipped as f64, nan: counts.nan as f64 })
}
