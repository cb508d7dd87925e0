//! Whether macOS lets this program hear. A program that may not is given silence and no error.

use std::ffi::{c_char, c_void};

const OBJECTS: &str = "/usr/lib/libobjc.A.dylib";
const FRAMEWORK: &str = "/System/Library/Frameworks/AVFoundation.framework/AVFoundation";

/// `AVAuthorizationStatusRestricted` and `AVAuthorizationStatusDenied`. Not asked for yet is none of them: the system asks
/// the user when the stream starts.
const DENIED: [isize; 2] = [1, 2];

/// Whether the user has said that this program may not use the microphone.
pub(super) fn is_microphone_denied() -> bool {
    // SAFETY: libraries of the system, which do nothing of consequence when they are loaded.
    unsafe { status() }.is_some_and(|status| DENIED.contains(&status))
}

type GetClass = unsafe extern "C" fn(*const c_char) -> *mut c_void;
type GetSelector = unsafe extern "C" fn(*const c_char) -> *mut c_void;
type Ask = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> isize;

/// `[AVCaptureDevice authorizationStatusForMediaType:AVMediaTypeAudio]`; none before macOS 10.14.
///
/// # Safety
/// None beyond that the libraries are the system's.
unsafe fn status() -> Option<isize> {
    // SAFETY: the types are those of Apple's headers. The class answers this selector since 10.14 and takes an object that
    // lives for ever, which is asked first. Both libraries stay loaded.
    unsafe {
        let framework = libloading::Library::new(FRAMEWORK).ok()?;
        let objects = libloading::Library::new(OBJECTS).ok()?;
        let audio = **framework.get::<*const *mut c_void>("AVMediaTypeAudio").ok()?;
        let class = objects.get::<GetClass>("objc_getClass").ok()?(c"AVCaptureDevice".as_ptr());
        let selector = objects.get::<GetSelector>("sel_registerName").ok()?;
        let has = selector(c"respondsToSelector:".as_ptr());
        let question = selector(c"authorizationStatusForMediaType:".as_ptr());
        let ask = *objects.get::<Ask>("objc_msgSend").ok()?;
        std::mem::forget((framework, objects));
        if class.is_null() || audio.is_null() || ask(class, has, question) & 0xff == 0 {
            return None;
        }
        Some(ask(class, question, audio))
    }
}
