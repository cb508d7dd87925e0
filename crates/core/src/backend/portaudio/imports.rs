//! Other functions for what a loaded library calls.
//!
//! A library's calls into others go through a table that the loader has filled. Entries of one library's table are
//! replaced here; nobody else who calls these functions is affected. Either all are replaced, or none; a table that the
//! loader has made read-only is so again afterwards.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, Ordering};

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
const TABLE_KIND: i64 = 20;
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

/// An entry of a table, and what comes into it.
type Entry = (*mut c_void, *const c_void);

/// Replaces these functions in the table of the library that has `inside`. Those that it calls, all of which are replaced;
/// none if nothing could be done.
///
/// # Safety
/// `inside` is an address in a library that is never unloaded and that no other thread uses yet. The replacements have the
/// types of what they replace.
pub(super) unsafe fn replace(inside: *const c_void, replacements: &[Replacement]) -> Option<Vec<&'static CStr>> {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let mut map: *mut LinkMap = std::ptr::null_mut();
    // SAFETY: both places are ours.
    let found = unsafe { dladdr1(inside, info.as_mut_ptr(), (&raw mut map).cast(), LINK_MAP) };
    if found == 0 || map.is_null() {
        return None;
    }
    // SAFETY: the loader's description of a loaded library stays while that is loaded.
    let (entries, names) = unsafe { entries(&*map, replacements) }?;
    // SAFETY: as above.
    let memory = Memory::of(unsafe { (*map).base })?;
    if !entries.iter().all(|(slot, _)| memory.holds(*slot as usize)) {
        return None;
    }
    let read_only = entries.iter().any(|(slot, _)| memory.read_only.contains(&(*slot as usize)));
    if read_only && !memory.protect(libc::PROT_READ | libc::PROT_WRITE) {
        return None;
    }
    for (slot, value) in entries {
        // SAFETY: an entry of the table, aligned and writable; whole pointers are written, whoever reads.
        unsafe { AtomicPtr::from_ptr(slot.cast()) }.store(value.cast_mut(), Ordering::Release);
    }
    if read_only {
        memory.protect(libc::PROT_READ);
    }
    Some(names)
}

/// Where the library has these functions, and which of them.
///
/// # Safety
/// The map is the loader's own, of a loaded library.
unsafe fn entries(map: &LinkMap, replacements: &[Replacement]) -> Option<(Vec<Entry>, Vec<&'static CStr>)> {
    let (mut entries, mut names) = (Vec::new(), Vec::new());
    // SAFETY: the tables of a loaded library are as ELF says.
    unsafe {
        let entry = |tag: i64| {
            let mut each = map.dynamic;
            while (*each).tag != 0 && (*each).tag != tag {
                each = each.add(1);
            }
            ((*each).tag == tag).then(|| (*each).value as usize)
        };
        // Some loaders have put addresses there, others leave offsets.
        let address = |tag: i64| entry(tag).map(|value| if value < map.base { value + map.base } else { value });
        let (strings, symbols) = (address(STRINGS)? as *const c_char, address(SYMBOLS)? as *const Symbol);
        if entry(TABLE_KIND).is_some_and(|kind| kind != RELOCATIONS as usize) {
            return None;
        }
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
                if let Some((name, ours)) = replacements.iter().find(|(replaced, _)| *replaced == name) {
                    entries.push(((map.base + relocation.offset as usize) as *mut c_void, *ours));
                    names.push(*name);
                }
            }
        }
    }
    Some((entries, names))
}

/// A library's memory.
#[derive(Default)]
struct Memory {
    base: usize,
    /// What its program may write to, as far as the loader has not made it read-only.
    writable: Vec<Range<usize>>,
    /// Whole pages that the loader has made read-only once it had filled them.
    read_only: Range<usize>,
    found: bool,
}

impl Memory {
    fn of(base: usize) -> Option<Self> {
        let mut memory = Self { base, ..Self::default() };
        // SAFETY: the function gets what it expects, for the time of the call.
        unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut memory).cast()) };
        memory.found.then_some(memory)
    }

    fn holds(&self, address: usize) -> bool {
        address.is_multiple_of(align_of::<*const c_void>())
            && self.writable.iter().any(|range| range.contains(&address))
    }

    /// Makes what is read-only writable, or read-only again.
    fn protect(&self, how: c_int) -> bool {
        let length = self.read_only.end - self.read_only.start;
        // SAFETY: pages of the library's data, which nobody else uses yet.
        unsafe { libc::mprotect(self.read_only.start as *mut c_void, length, how) == 0 }
    }
}

/// # Safety
/// Called by the loader, with a [`Memory`].
unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, memory: *mut c_void) -> c_int {
    // SAFETY: as demanded; headers of a loaded library can be read.
    let (info, memory) = unsafe { (&*info, &mut *memory.cast::<Memory>()) };
    if info.dlpi_addr as usize != memory.base || info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: as above, and asks for a number.
    let (headers, page) = unsafe {
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into());
        (headers, libc::sysconf(libc::_SC_PAGESIZE) as usize)
    };
    for header in headers {
        let start = memory.base + header.p_vaddr as usize;
        let range = start..start + header.p_memsz as usize;
        match header.p_type {
            libc::PT_LOAD if header.p_flags & libc::PF_W != 0 => memory.writable.push(range),
            libc::PT_GNU_RELRO => memory.read_only = range.start & !(page - 1)..range.end & !(page - 1),
            _ => {}
        }
    }
    memory.found = true;
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    unsafe extern "C" fn other() -> c_int {
        42
    }

    /// Whether the page can be written to.
    fn is_writable(address: usize) -> bool {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
        let line = maps.lines().find(|line| {
            let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
            let number = |text| usize::from_str_radix(text, 16).expect("hexadecimal");
            (number(start)..number(end)).contains(&address)
        });
        line.expect("it is there").split(' ').nth(1).expect("rights").contains('w')
    }

    /// A library whose table is read-only, one that is filled at the first call, and one that calls something else.
    #[test]
    fn a_librarys_calls_go_elsewhere_and_what_was_read_only_stays_so() {
        let folder = std::env::temp_dir().join(format!("imports-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let source = folder.join("calls.c");
        std::fs::write(&source, "int getppid(void);\nint calls(void) { return getppid(); }\n").expect("a file");
        for (name, options) in [("now", "-Wl,-z,relro,-z,now"), ("lazy", "-Wl,-z,lazy,-z,norelro")] {
            let library = folder.join(name);
            let mut compiler = Command::new("cc");
            compiler.args(["-shared", "-fPIC", options, "-o"]).args([&library, &source]);
            if !compiler.status().is_ok_and(|status| status.success()) {
                return println!("skipped: no C compiler");
            }
            // SAFETY: made above; loading it does nothing, and it is kept.
            unsafe {
                let library = std::mem::ManuallyDrop::new(libloading::Library::new(&library).expect("it loads"));
                let calls = *library.get::<unsafe extern "C" fn() -> c_int>(b"calls").expect("its function");
                let inside = calls as *const c_void;
                assert_eq!(replace(inside, &[(c"getpid", other as *const c_void)]), Some(Vec::new()));
                assert_eq!(calls(), libc::getppid(), "{name}");
                assert_eq!(replace(inside, &[(c"getppid", other as *const c_void)]), Some(vec![c"getppid"]));
                assert_eq!(calls(), 42, "{name}");
                assert_ne!(libc::getppid(), 42, "nobody else is affected");
                let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
                assert_ne!(libc::dladdr(inside, info.as_mut_ptr()), 0);
                let memory = Memory::of(info.assume_init().dli_fbase as usize).expect("it is loaded");
                assert_eq!(name == "now", !memory.read_only.is_empty());
                assert!(memory.read_only.is_empty() || !is_writable(memory.read_only.start), "{name}");
            }
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}
