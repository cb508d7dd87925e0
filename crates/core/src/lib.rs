//! Play, record and process sound.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backend;
mod dtype;
mod error;
mod realtime;

pub use dtype::Dtype;
pub use error::{Error, ErrorKind, HostError, Result};
