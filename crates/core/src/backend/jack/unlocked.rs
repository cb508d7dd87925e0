//! Joining the server's graph without its memory being locked.
//!
//! libjack locks all of the server's shared memory, 72 MB with jackd's usual number of ports, into each client: half of
//! the time that a client takes to open, and again when its process ends. Whoever only looks needs nothing locked, and
//! the server keeps the memory from being swapped out anyway. A process without the right to lock is refused at once, and
//! libjack goes on without. That right belongs to each thread by itself.

#[cfg(target_os = "linux")]
pub(super) use linux::give_up_locking;

/// Locking costs what it costs.
#[cfg(not(target_os = "linux"))]
pub(super) fn give_up_locking() {}

#[cfg(target_os = "linux")]
mod linux {
    /// `linux/capability.h`: the third version has two sets of 32 each.
    const VERSION: u32 = 0x2008_0522;
    const IPC_LOCK: u32 = 14;

    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }

    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Sets {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }

    /// The calling thread, and those it starts, lock from now on no more than `RLIMIT_MEMLOCK` grants. Where that has no
    /// limit all stays as it is.
    pub(crate) fn give_up_locking() {
        // Thread 0 is the caller.
        let mut header = Header { version: VERSION, pid: 0 };
        let mut sets = [Sets::default(); 2];
        // SAFETY: the header is of the version whose two sets follow; both are ours, and written by the first call alone.
        unsafe {
            if libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) == 0 {
                sets[0].effective &= !(1 << IPC_LOCK);
                libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr());
            }
        }
    }
}
