//! What the hand-offs between threads are made of: the standard library's and `ringbuf`'s, or loom's in model checks.

#[cfg(not(loom))]
mod real {
    pub(crate) use std::sync::{Mutex, MutexGuard, atomic, mpsc};
    pub(crate) use std::thread;
    pub(crate) use std::thread::park_timeout;

    pub(crate) use crate::backend::wait::Event;

    pub(crate) mod ring {
        pub(crate) use ringbuf::traits::{Consumer, Observer, Producer, Split};
        pub(crate) use ringbuf::{HeapCons, HeapProd, HeapRb};
    }
}

#[cfg(loom)]
mod model;
#[cfg(all(loom, test))]
mod models;

#[cfg(loom)]
pub(crate) use model::*;
#[cfg(not(loom))]
pub(crate) use real::*;
