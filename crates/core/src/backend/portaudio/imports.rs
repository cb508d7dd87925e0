//! Other functions for what a loaded library calls.
//!
//! A library's calls into others go through a table that the loader has filled. Entries of one library's table are
//! replaced here; nobody else who calls these functions is affected.

use std::ffi::{CStr, c_char, c_int, c_void};

/// `Elf64_Dyn`
#[repr(C)]
struct Dynamic {
    tag: i64,
    value: u64,
}

/// `Elf64_Sym`
#[repr(C)]
struct Symbol {
    name: u32,
    _info: [u8; 4],
    _value: [u64; 2],
}

/// `Elf64_Rela`
#[repr(C)]
struct Relocation {
    offset: u64,
    info: u64,
    _addend: i64,
}

/// The public part of the loader's `link_map`.
#[repr(C)]
struct LinkMap {
    base: usize,
    _name: *const c_char,
    dynamic: *const Dynamic,
}

const TABLE_BYTES: i64 = 2;
const STRINGS: i64 = 5;
const SYMBOLS: i64 = 6;
const RELOCATIONS: i64 = 7;
const RELOCATIONS_BYTES: i64 = 8;
const TABLE: i64 = 23;

/// `RTLD_DL_LINKMAP` of `dladdr1`
const LINK_MAP: c_int = 2;

/// Relocations that hold the address of a function.
const KINDS: [u32; 2] = if cfg!(target_arch = "x86_64") { [6, 7] } else { [1025, 1026] };

unsafe extern "C" {
    fn dladdr1(address: *const c_void, info: *mut libc::Dl_info, extra: *mut *mut c_void, flags: c_int) -> c_int;
}

/// What calls it, and what is called instead.
pub(super) type Replacement = (&'static CStr, *const c_void);

/// Replaces these functions in the table of the library that has `inside`. Says whether all were found that it calls.
///
/// # Safety
/// `inside` is an address in a library that is never unloaded and that no other thread uses yet. The replacements have the
/// types of what they replace.
pub(super) unsafe fn replace(inside: *const c_void, replacements: &[Replacement]) -> bool {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let mut map: *mut LinkMap = std::ptr::null_mut();
    // SAFETY: both places are ours.
    let found = unsafe { dladdr1(inside, info.as_mut_ptr(), (&raw mut map).cast(), LINK_MAP) };
    if found == 0 || map.is_null() {
        return false;
    }
    // SAFETY: the loader's description of a loaded library stays while that is loaded; its tables are as ELF says.
    unsafe {
        let base = (*map).base;
        let entry = |tag: i64| {
            let mut each = (*map).dynamic;
            while (*each).tag != 0 && (*each).tag != tag {
                each = each.add(1);
            }
            ((*each).tag == tag).then(|| (*each).value as usize)
        };
        // Some loaders have put addresses there, others leave offsets.
        let address = |tag: i64| entry(tag).map(|value| if value < base { value + base } else { value });
        let (Some(strings), Some(symbols)) = (address(STRINGS), address(SYMBOLS)) else { return false };
        let (strings, symbols) = (strings as *const c_char, symbols as *const Symbol);
        for (table, bytes) in [(TABLE, TABLE_BYTES), (RELOCATIONS, RELOCATIONS_BYTES)] {
            let (Some(table), Some(bytes)) = (address(table), entry(bytes)) else { continue };
            let relocations = table as *const Relocation;
            for position in 0..bytes / size_of::<Relocation>() {
                let relocation = &*relocations.add(position);
                if !KINDS.contains(&(relocation.info as u32)) {
                    continue;
                }
                let symbol = &*symbols.add((relocation.info >> 32) as usize);
                let name = CStr::from_ptr(strings.add(symbol.name as usize));
                let Some((_, ours)) = replacements.iter().find(|(replaced, _)| *replaced == name) else { continue };
                if !write((base + relocation.offset as usize) as *mut *const c_void, *ours) {
                    return false;
                }
            }
        }
    }
    true
}

/// Writes into a table that the loader may have made read-only.
///
/// # Safety
/// `slot` is an entry of the table of a loaded library that nobody reads now.
unsafe fn write(slot: *mut *const c_void, value: *const c_void) -> bool {
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    let start = slot as usize & !(page - 1);
    // SAFETY: the page belongs to the library's data. It is left writable, for what else is on it may be written to.
    if unsafe { libc::mprotect(start as *mut c_void, page, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
        return false;
    }
    // SAFETY: as demanded.
    unsafe { slot.write(value) };
    true
}
