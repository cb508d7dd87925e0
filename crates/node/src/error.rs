//! Errors as JavaScript objects: code, message, PortAudio's number, the host's own words.

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue, Status};
use napi_derive::napi;

#[napi(object)]
pub struct HostError {
    pub host_api: String,
    pub code: i64,
    pub text: String,
}

/// An error that is told, not thrown.
#[napi(object)]
pub struct NativeError {
    pub code: String,
    pub message: String,
    pub pa_error_code: i32,
    pub host_error: Option<HostError>,
}

impl From<sounddevice::Error> for NativeError {
    fn from(error: sounddevice::Error) -> Self {
        let host_error = error.host_error().map(|host| HostError {
            host_api: host.host_api.clone(),
            code: host.code,
            text: host.text.clone(),
        });
        Self {
            code: error.kind().code().into(),
            message: error.message().into(),
            pa_error_code: error.kind().portaudio_code(),
            host_error,
        }
    }
}

/// The same as an exception to throw.
pub fn throw(env: &Env, error: sounddevice::Error) -> napi::Error {
    exception(env, error.into()).unwrap_or_else(|error| error)
}

fn exception(env: &Env, error: NativeError) -> napi::Result<napi::Error> {
    let mut object: Object = env.create_error(napi::Error::new(Status::GenericFailure, error.message))?;
    object.set("code", error.code)?;
    object.set("paErrorCode", error.pa_error_code)?;
    object.set("hostError", error.host_error)?;
    Ok(napi::Error::from(object.to_unknown()))
}
