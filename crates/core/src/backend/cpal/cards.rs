//! Sound cards that come and go: the kernel's devices, looked at once a second. ALSA itself does not tell, and its list costs
//! a thousand times as much as this look.

use std::ffi::OsString;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::device::Poke;

const CARDS: &str = "/dev/snd";
const INTERVAL: Duration = Duration::from_secs(1);

/// Until what it returns is dropped.
pub(super) fn watch(poke: &Poke) -> Option<Box<dyn Send>> {
    let (ear, dropped) = mpsc::channel::<()>();
    let poke = poke.clone();
    let body = move || {
        let mut before = cards();
        poke.poke();
        while dropped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let now = cards();
            if now != before {
                before = now;
                poke.poke();
            }
        }
    };
    thread::Builder::new().name("card watch".into()).spawn(body).ok()?;
    Some(Box::new(ear))
}

fn cards() -> Vec<OsString> {
    let entries = std::fs::read_dir(CARDS).into_iter().flatten().flatten();
    let mut names: Vec<OsString> = entries.map(|entry| entry.file_name()).collect();
    names.sort();
    names
}
