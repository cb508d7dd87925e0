//! macOS tells of devices that come and go, and of others that are the default ones.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};

use objc2_core_audio::{
    AudioObjectAddPropertyListener, AudioObjectID, AudioObjectPropertyAddress, AudioObjectPropertySelector,
    AudioObjectRemovePropertyListener, AudioObjectSetPropertyData, kAudioHardwarePropertyDefaultInputDevice,
    kAudioHardwarePropertyDefaultOutputDevice, kAudioHardwarePropertyDevices, kAudioObjectPropertyElementMain,
    kAudioObjectPropertyScopeGlobal, kAudioObjectSystemObject,
};

use crate::device::Poke;

/// `kAudioHardwarePropertyRunLoop`
const RUN_LOOP: AudioObjectPropertySelector = u32::from_be_bytes(*b"rnlp");
const WATCHED: [AudioObjectPropertySelector; 3] = [
    kAudioHardwarePropertyDevices,
    kAudioHardwarePropertyDefaultInputDevice,
    kAudioHardwarePropertyDefaultOutputDevice,
];
const SYSTEM: AudioObjectID = kAudioObjectSystemObject as AudioObjectID;

/// Those who watch, by number. The system may be calling while one leaves, so it is given the number and no memory.
static POKES: Mutex<BTreeMap<usize, Poke>> = Mutex::new(BTreeMap::new());

fn pokes() -> MutexGuard<'static, BTreeMap<usize, Poke>> {
    POKES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is told until it is dropped.
struct Ear {
    number: usize,
    listening: Vec<AudioObjectPropertySelector>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        pokes().remove(&self.number);
        for selector in &self.listening {
            // SAFETY: as it was added.
            unsafe {
                let address = address(*selector);
                let number = ptr::without_provenance_mut(self.number);
                AudioObjectRemovePropertyListener(SYSTEM, NonNull::from(&address), Some(changed), number);
            }
        }
    }
}

fn address(selector: AudioObjectPropertySelector) -> AudioObjectPropertyAddress {
    AudioObjectPropertyAddress {
        mSelector: selector,
        mScope: kAudioObjectPropertyScopeGlobal,
        mElement: kAudioObjectPropertyElementMain,
    }
}

/// The system tells on a thread of its own, and not in the loop of the program's first one, which may have none.
fn on_its_own_thread() {
    let none: *const c_void = ptr::null();
    let size = size_of_val(&none) as u32;
    // SAFETY: the property is a reference, and none is the one that asks for this.
    unsafe {
        let address = address(RUN_LOOP);
        AudioObjectSetPropertyData(SYSTEM, NonNull::from(&address), 0, ptr::null(), size, NonNull::from(&none).cast());
    }
}

/// None if the system does not let us listen to all of it.
pub(super) fn watch(poke: &Poke) -> Option<Box<dyn Send>> {
    on_its_own_thread();
    let number = {
        let mut pokes = pokes();
        let number = pokes.last_key_value().map_or(1, |(last, _)| last + 1);
        pokes.insert(number, poke.clone());
        number
    };
    let mut ear = Ear { number, listening: Vec::new() };
    for selector in WATCHED {
        let (address, number) = (address(selector), ptr::without_provenance_mut(number));
        // SAFETY: the function fits, and takes the number for nothing else.
        let refused = unsafe { AudioObjectAddPropertyListener(SYSTEM, NonNull::from(&address), Some(changed), number) };
        if refused != 0 {
            return None;
        }
        ear.listening.push(selector);
    }
    // Before it listened something may have happened.
    poke.poke();
    Some(Box::new(ear))
}

/// # Safety
/// Any arguments will do.
unsafe extern "C-unwind" fn changed(
    _: AudioObjectID,
    _: u32,
    _: NonNull<AudioObjectPropertyAddress>,
    number: *mut c_void,
) -> i32 {
    if let Some(poke) = pokes().get(&number.addr()) {
        poke.poke();
    }
    0
}
