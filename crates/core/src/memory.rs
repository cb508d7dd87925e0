//! Samples that an audio thread reads or writes: our own memory, or somebody else's who promised to keep it.

use std::fmt;

/// A run of bytes with one user at a time: made on a control thread, handed to the audio thread, freed on a control thread.
pub struct Samples {
    start: *mut u8,
    length: usize,
    /// What keeps the memory alive: our own box, or nothing where the owner is somebody else.
    _own: Option<Box<[u8]>>,
}

// SAFETY: whoever holds the value is the only one of this crate to touch the memory; `foreign` passes that duty on.
unsafe impl Send for Samples {}

impl Samples {
    /// A copy of these bytes.
    pub fn copied(bytes: &[u8]) -> Self {
        Self::owned(bytes.into())
    }

    /// Zeros, already in memory, so that the audio thread meets no page fault.
    pub fn zeroed(length: usize) -> Self {
        let mut bytes = vec![0u8; length].into_boxed_slice();
        settle(&mut bytes);
        Self::owned(bytes)
    }

    fn owned(mut bytes: Box<[u8]>) -> Self {
        Self { start: bytes.as_mut_ptr(), length: bytes.len(), _own: Some(bytes) }
    }

    /// Memory of somebody else.
    ///
    /// # Safety
    /// The bytes stay where they are, readable and writable, until the value is dropped. If others write to them
    /// meanwhile, what is heard is undefined, and nothing else.
    pub unsafe fn foreign(start: *mut u8, length: usize) -> Self {
        let start = if start.is_null() { std::ptr::NonNull::dangling().as_ptr() } else { start };
        Self { start, length, _own: None }
    }

    /// Bytes, not samples.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: valid for `length` bytes by construction.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` is the only user.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }
}

/// Makes sure that these bytes are in memory, so that the audio thread meets no page fault: the allocator hands out pages that
/// do not exist before they are written.
pub(crate) fn settle(bytes: &mut [u8]) {
    for page in bytes.chunks_mut(4096) {
        let first = &raw mut page[0];
        // SAFETY: a byte of ours, written with what it is; volatile, or it is optimised away.
        unsafe { first.write_volatile(first.read_volatile()) };
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Samples({} bytes)", self.length)
    }
}
