//! WAV files. JavaScript makes the array, once it knows how long it is.

use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Env, Result};
use napi_derive::napi;
use sounddevice::Wav;

use crate::buffer::writable;
use crate::error::throw;

#[napi]
pub struct NativeWav {
    wav: Wav,
}

#[napi]
pub fn read_wav(env: Env, path: String) -> Result<NativeWav> {
    let wav = sounddevice::read_wav(path).map_err(|error| throw(&env, error))?;
    Ok(NativeWav { wav })
}

#[napi]
impl NativeWav {
    #[napi(getter)]
    pub fn dtype(&self) -> String {
        self.wav.dtype.name().into()
    }

    #[napi(getter)]
    pub fn channels(&self) -> u32 {
        self.wav.channels as u32
    }

    #[napi(getter)]
    pub fn sample_rate(&self) -> f64 {
        self.wav.sample_rate
    }

    #[napi(getter)]
    pub fn byte_length(&self) -> f64 {
        self.wav.bytes.len() as f64
    }

    /// Copies the samples into an array of `byteLength` bytes.
    #[napi]
    pub fn copy_into(&self, mut target: Uint8ArraySlice) {
        let target = writable(&mut target);
        let length = target.len().min(self.wav.bytes.len());
        target[..length].copy_from_slice(&self.wav.bytes[..length]);
    }
}
