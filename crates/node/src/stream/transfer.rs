//! Reading and writing.

use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Env, Result};
use napi_derive::napi;

use super::{NativeStream, tell};
use crate::buffer::{Bytes, writable};
use crate::error::throw;

#[napi]
impl NativeStream {
    #[napi]
    pub fn read_sync(&self, env: Env, mut into: Uint8ArraySlice, mut times: Uint8ArraySlice) -> Result<()> {
        let read = self.stream().read(writable(&mut into)).map_err(|error| throw(&env, error))?;
        tell(&mut times, read.time, read.status.bits());
        Ok(())
    }

    /// Frames that were there.
    #[napi]
    pub fn try_read(&self, env: Env, mut into: Uint8ArraySlice, mut times: Uint8ArraySlice) -> Result<u32> {
        let read = self.stream().try_read(writable(&mut into)).map_err(|error| throw(&env, error))?;
        tell(&mut times, read.time, read.status.bits());
        Ok(read.frames as u32)
    }

    /// Throws if reading is not possible now.
    #[napi]
    pub fn check_read(&self, env: Env) -> Result<()> {
        self.stream().check_read().map_err(|error| throw(&env, error))
    }

    /// Throws if writing is not possible now.
    #[napi]
    pub fn check_write(&self, env: Env) -> Result<()> {
        self.stream().check_write().map_err(|error| throw(&env, error))
    }

    #[napi]
    pub fn read_available(&self, env: Env) -> Result<u32> {
        self.stream().read_available().map(|frames| frames as u32).map_err(|error| throw(&env, error))
    }

    #[napi]
    pub fn write_available(&self, env: Env) -> Result<u32> {
        self.stream().write_available().map(|frames| frames as u32).map_err(|error| throw(&env, error))
    }

    /// Whether output was missing before.
    #[napi(ts_args_type = "from: NodeJS.TypedArray")]
    pub fn write_sync(&self, env: Env, from: Bytes) -> Result<bool> {
        self.stream().write(&from).map(|written| written.underflowed).map_err(|error| throw(&env, error))
    }

    /// Twice the frames that there was room for, and 1 more if output was missing before.
    #[napi(ts_args_type = "from: NodeJS.TypedArray")]
    pub fn try_write(&self, env: Env, from: Bytes) -> Result<u32> {
        let written = self.stream().try_write(&from).map_err(|error| throw(&env, error))?;
        Ok(written.frames as u32 * 2 + u32::from(written.underflowed))
    }

    #[napi]
    pub fn begin_write(&self, env: Env) -> Result<()> {
        self.stream().begin_write().map_err(|error| throw(&env, error))
    }

    /// As `tryWrite`, for what `beginWrite` began.
    #[napi]
    pub fn go_on_writing(&self, env: Env, from: Uint8ArraySlice) -> Result<u32> {
        let written = self.stream().go_on_writing(&from).map_err(|error| throw(&env, error))?;
        Ok(written.frames as u32 * 2 + u32::from(written.underflowed))
    }

    /// As `writeSync`, for what `beginWrite` began.
    #[napi]
    pub fn finish_write(&self, env: Env, from: Uint8ArraySlice) -> Result<bool> {
        self.stream().finish_write(&from).map(|written| written.underflowed).map_err(|error| throw(&env, error))
    }

    #[napi]
    pub fn end_write(&self) {
        self.stream().end_write();
    }
}
