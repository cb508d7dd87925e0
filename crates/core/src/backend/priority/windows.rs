//! The multimedia class scheduler of Windows.

use std::ffi::c_void;
use std::sync::OnceLock;

/// `AvSetMmThreadCharacteristicsW`: the task's name and its number, which is given at the first call.
type Join = unsafe extern "system" fn(*const u16, *mut u32) -> *mut c_void;

unsafe extern "system" {
    fn GetCurrentThread() -> *mut c_void;
    fn GetThreadPriority(thread: *mut c_void) -> i32;
}

const THREAD_PRIORITY_TIME_CRITICAL: i32 = 15;

/// The function, whose library stays loaded; none where Windows comes without media.
fn join() -> Option<Join> {
    static JOIN: OnceLock<Option<Join>> = OnceLock::new();
    *JOIN.get_or_init(|| {
        // SAFETY: a library of the system, which does nothing of consequence when it is loaded; the type is the function's.
        unsafe {
            let library = libloading::Library::new("avrt.dll").ok()?;
            let join = *library.get::<Join>("AvSetMmThreadCharacteristicsW").ok()?;
            std::mem::forget(library);
            Some(join)
        }
    })
}

pub(super) fn prepare() {
    join();
}

pub(super) fn has() -> bool {
    // SAFETY: both take no more than the calling thread's own handle.
    unsafe { GetThreadPriority(GetCurrentThread()) >= THREAD_PRIORITY_TIME_CRITICAL }
}

pub(super) fn raise(_: f64) -> bool {
    let Some(join) = join() else {
        return false;
    };
    const TASK: [u16; 10] = {
        let text = b"Pro Audio\0";
        let mut wide = [0; 10];
        let mut at = 0;
        while at < text.len() {
            wide[at] = text[at] as u16;
            at += 1;
        }
        wide
    };
    let mut number = 0;
    // SAFETY: the name ends with 0 and both live through the call. The thread leaves the task when it ends.
    !unsafe { join(TASK.as_ptr(), &raw mut number) }.is_null()
}

/// As audio threads have it: the system knows no order among them.
pub(super) fn raise_helper(seconds: f64) -> bool {
    raise(seconds)
}

pub(super) fn priority() -> u32 {
    0
}

pub(super) fn below(_: u32) {}

pub(super) fn lower(_: u32) {}

pub(super) fn current() -> u32 {
    0
}

pub(super) fn ask(_: u32) -> bool {
    false
}
