//! The addon: shapes of arguments, lifetimes of buffers, waking JavaScript. No audio logic.
#![allow(missing_docs)] // what is exported is documented in the TypeScript above it

mod buffer;
mod cards;
mod convert;
mod devices;
mod error;
mod gate;
mod hub;
mod job;
mod processor;
mod running;
mod settings;
mod stream;
mod virtual_device;
mod watch;
mod wav;
