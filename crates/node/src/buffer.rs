//! Memory of JavaScript's that native threads use: the only place with `unsafe`.

use std::ffi::c_void;
use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, TypeName, Uint8ArraySlice, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, sys};
use sounddevice::Samples;
use sounddevice::stream::handoff::{Handoff, Memory};

/// The memory itself. The caller in JavaScript keeps the array, shows it to nobody who could detach it, and lets go of it
/// when it has been told the job's end; [`crate::job`] ends all jobs before their environment is torn down.
pub fn live(array: &Uint8ArraySlice<'_>) -> Samples {
    // SAFETY: as said above; the facade passes only views over memory that it made itself, or over a SharedArrayBuffer.
    unsafe { Samples::foreign(array.as_ptr().cast_mut(), array.len()) }
}

/// A destination that nobody reads while it is written: the call is synchronous.
pub fn writable<'a>(array: &'a mut Uint8ArraySlice<'_>) -> &'a mut [u8] {
    // SAFETY: JavaScript stands still during the call, and the facade made the array for it.
    unsafe { array.as_mut() }
}

/// The memory of a callback's blocks. The facade makes it shared, keeps it until the stream is closed, and touches a block
/// only between `next` and `next`.
pub fn hand_over(
    handoff: &Handoff,
    input: Option<&Uint8ArraySlice<'_>>,
    output: Option<&Uint8ArraySlice<'_>>,
    silence: u8,
    blocks: usize,
    frames: usize,
) {
    let memory = |array: Option<&Uint8ArraySlice<'_>>| array.map_or_else(|| Samples::copied(&[]), live);
    let memory = Memory { input: memory(input), output: memory(output), silence };
    // SAFETY: as said above; streams are closed before their environment is torn down.
    unsafe { handoff.attach(memory, blocks, frames) };
}

/// The bytes of a typed array of any kind, for the time of a call: what costs least to take.
pub struct Bytes<'a>(&'a [u8]);

impl std::ops::Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl TypeName for Bytes<'_> {
    fn type_name() -> &'static str {
        "TypedArray"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

// What is no typed array is refused below.
impl ValidateNapiValue for Bytes<'_> {
    unsafe fn validate(_: sys::napi_env, _: sys::napi_value) -> Result<sys::napi_value> {
        Ok(ptr::null_mut())
    }
}

impl FromNapiValue for Bytes<'_> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let (mut kind, mut length, mut data): (_, _, *mut c_void) = (0, 0, ptr::null_mut());
        let (array, offset) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the value belongs to the environment, and the pointers are those of variables of the right types.
        let status = unsafe {
            sys::napi_get_typedarray_info(env, value, &raw mut kind, &raw mut length, &raw mut data, array, offset)
        };
        if status != sys::Status::napi_ok {
            return Err(Error::new(Status::InvalidArg, "expected a typed array"));
        }
        use sys::TypedarrayType as Of;
        let size = match kind {
            Of::int16_array | Of::uint16_array => 2,
            Of::int32_array | Of::uint32_array | Of::float32_array => 4,
            Of::float64_array | Of::bigint64_array | Of::biguint64_array => 8,
            _ => 1,
        };
        if data.is_null() {
            return Ok(Self(&[]));
        }
        // SAFETY: JavaScript stands still during the call, for which the slice lives.
        Ok(Self(unsafe { std::slice::from_raw_parts(data.cast_const().cast(), length * size) }))
    }
}
