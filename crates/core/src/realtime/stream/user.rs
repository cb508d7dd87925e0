//! Who makes the sound, and how it is called.

use std::time::Instant;

use crate::stream::{Flow, Status, StreamTime};

/// One call of the user, in bytes.
pub(crate) struct Call<'a> {
    pub input: &'a [u8],
    pub output: &'a mut [u8],
    pub frames: usize,
    pub time: StreamTime,
    pub status: Status,
    /// Nothing new is to be made: only what was made before is asked for.
    pub draining: bool,
    /// When half of the period is left.
    pub half: Instant,
}

/// Who makes the sound.
pub(crate) trait User: Send {
    fn call(&mut self, call: Call<'_>) -> Flow;

    /// Before each run, on the control thread.
    fn prepare(&mut self) {}

    /// Frames between a call and the output that it returns: what is made by others, ahead of time.
    fn ahead(&self) -> usize {
        0
    }

    /// Whether calls would still return what was made before; asked while the stream plays out.
    fn pending(&self) -> bool {
        false
    }
}

/// A closure.
pub(crate) struct Direct<F>(pub F);

impl<F: FnMut(Call<'_>) -> Flow + Send> User for Direct<F> {
    fn call(&mut self, call: Call<'_>) -> Flow {
        self.0(call)
    }
}
