//! Opens `libasound.so.2` on first use instead of linking it.
//!
//! `alsa-sys` declares ALSA's functions and leaves it to the linker to find them. This crate defines those that `cpal` and
//! `sounddevice` reach, each as a trampoline: a jump through a slot of a table. All slots begin at [`available`]'s doorstep;
//! the first call of any of them opens the library and fills the table, later ones jump straight into it. The symbols are
//! hidden: nothing is exported, and a libasound that something else in the process has loaded is not interposed.
//!
//! Without the library, functions that return a status return `-ENOSYS`, and those that return a pointer return null.
//! A function that is missing from the table shows as an undefined symbol `snd_…` when the program is linked.
//!
//! Linux on x86-64 and AArch64; elsewhere the crate is empty, and ALSA is linked in the ordinary way.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use core::arch::global_asm;
use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::OnceLock;

type Slot = AtomicPtr<c_void>;
type Function = unsafe extern "C" fn() -> isize;

/// What a call does without the library, or where an old one lacks the function.
unsafe extern "C" fn fails() -> isize {
    -(libc::ENOSYS as isize)
}

unsafe extern "C" fn null() -> isize {
    0
}

unsafe extern "C" {
    fn alsa_lazy_first_call() -> isize;
}

macro_rules! functions {
    ($($without:ident: $($name:ident)*;)*) => {
        #[allow(non_upper_case_globals)]
        mod slot {
            $($(pub(super) static $name: super::Slot = super::Slot::new(super::alsa_lazy_first_call as *mut _);)*)*
        }

        static FUNCTIONS: &[(&CStr, &Slot, Function)] = &[$($((
            match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => unreachable!(),
            },
            &slot::$name,
            $without,
        ),)*)*];

        $($(
        #[cfg(target_arch = "x86_64")]
        global_asm!(
            concat!(".pushsection .text.", stringify!($name), ",\"ax\",@progbits"),
            concat!(".globl ", stringify!($name)),
            concat!(".hidden ", stringify!($name)),
            concat!(".type ", stringify!($name), ",@function"),
            concat!(stringify!($name), ":"),
            "lea r11, [rip + {slot}]",
            "jmp qword ptr [r11]",
            ".popsection",
            slot = sym slot::$name,
        );
        #[cfg(target_arch = "aarch64")]
        global_asm!(
            concat!(".pushsection .text.", stringify!($name), ",\"ax\",@progbits"),
            ".p2align 2",
            concat!(".globl ", stringify!($name)),
            concat!(".hidden ", stringify!($name)),
            concat!(".type ", stringify!($name), ",@function"),
            concat!(stringify!($name), ":"),
            "adrp x17, {slot}",
            "add x17, x17, :lo12:{slot}",
            "ldr x16, [x17]",
            "br x16",
            ".popsection",
            slot = sym slot::$name,
        );
        )*)*
    };
}

include!("functions.rs");

// The first call of any function: keep the argument registers (ALSA passes no floats), open the library, go where the
// slot points now. The trampoline left the slot's address in r11 or x17.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .text.alsa_lazy_first_call,\"ax\",@progbits",
    ".globl alsa_lazy_first_call",
    ".hidden alsa_lazy_first_call",
    "alsa_lazy_first_call:",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push r8",
    "push r9",
    "push rax",
    "push r11",
    "sub rsp, 8",
    "call {open}",
    "add rsp, 8",
    "pop r11",
    "pop rax",
    "pop r9",
    "pop r8",
    "pop rcx",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "jmp qword ptr [r11]",
    ".popsection",
    open = sym open,
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .text.alsa_lazy_first_call,\"ax\",@progbits",
    ".p2align 2",
    ".globl alsa_lazy_first_call",
    ".hidden alsa_lazy_first_call",
    "alsa_lazy_first_call:",
    "stp x29, x30, [sp, #-96]!",
    "mov x29, sp",
    "stp x0, x1, [sp, #16]",
    "stp x2, x3, [sp, #32]",
    "stp x4, x5, [sp, #48]",
    "stp x6, x7, [sp, #64]",
    "stp x8, x17, [sp, #80]",
    "bl {open}",
    "ldp x8, x17, [sp, #80]",
    "ldp x6, x7, [sp, #64]",
    "ldp x4, x5, [sp, #48]",
    "ldp x2, x3, [sp, #32]",
    "ldp x0, x1, [sp, #16]",
    "ldp x29, x30, [sp], #96",
    "ldr x16, [x17]",
    "br x16",
    ".popsection",
    open = sym open,
);

extern "C" fn open() {
    let _ = available();
}

/// Opens the library if nothing has done so yet.
///
/// # Errors
/// The dynamic linker's own words where the library is missing or cannot be loaded.
pub fn available() -> Result<(), &'static str> {
    static STATE: OnceLock<Result<(), String>> = OnceLock::new();
    match STATE.get_or_init(load) {
        Ok(()) => Ok(()),
        Err(why) => Err(why),
    }
}

fn load() -> Result<(), String> {
    // SAFETY: the name is a C string; loading libasound runs no code of ours.
    let library = unsafe { libc::dlopen(c"libasound.so.2".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    let state = if library.is_null() { Err(why()) } else { Ok(()) };
    for (name, slot, without) in FUNCTIONS {
        let found = match state {
            // SAFETY: the handle is open and never closed; the name is a C string.
            Ok(()) => unsafe { libc::dlsym(library, name.as_ptr()) },
            Err(_) => core::ptr::null_mut(),
        };
        let target = if found.is_null() { *without as *mut c_void } else { found };
        slot.store(target, Ordering::Release);
    }
    state
}

/// Lets calls of the function `name` go to `instead`, once the library is open; `original` holds the library's own before
/// that. Does nothing where the library is missing, or knows no such function.
///
/// # Panics
/// Where the workspace does not reach the function.
pub fn divert(name: &CStr, instead: *mut c_void, original: &AtomicPtr<c_void>) {
    let (_, slot, without) = FUNCTIONS.iter().find(|(known, ..)| *known == name).expect("a function of the table");
    let found = match available() {
        Ok(()) => slot.load(Ordering::Acquire),
        Err(_) => return,
    };
    if found != *without as *mut c_void && found != instead {
        original.store(found, Ordering::Release);
        slot.store(instead, Ordering::Release);
    }
}

fn why() -> String {
    // SAFETY: dlerror returns null or a C string that stays until this thread's next call of dl….
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, see above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_filled_by_the_first_call() {
        unsafe extern "C" {
            fn snd_config_update() -> core::ffi::c_int;
        }
        // SAFETY: takes nothing and may be called from one thread at any time.
        let status = unsafe { snd_config_update() };
        match available() {
            Ok(()) => assert!(status >= 0, "ALSA's configuration could not be read: {status}"),
            Err(why) => {
                assert!(why.contains("libasound"), "{why}");
                assert_eq!(status, -libc::ENOSYS);
            }
        }
        for (name, slot, _) in FUNCTIONS {
            let first = alsa_lazy_first_call as *mut c_void;
            assert_ne!(slot.load(Ordering::Acquire), first, "{name:?} still points at the first call");
        }
    }
}
