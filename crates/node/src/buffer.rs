//! Memory of JavaScript's that native threads use: the only place with `unsafe`.

use napi::bindgen_prelude::Uint8ArraySlice;
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
