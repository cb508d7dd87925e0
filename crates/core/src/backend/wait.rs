//! A thread that sleeps until another one has something for it.
//!
//! Linux: a futex, without any lock. Elsewhere a lock that is held for a few instructions by whoever goes to sleep.

use std::time::Duration;

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

/// What is waited for: it happens again and again, and who has seen it less often than it happened does not sleep.
#[derive(Debug, Default)]
pub struct Event {
    count: AtomicU32,
    sleep: system::Sleep,
}

impl Event {
    /// How often it has happened: to be read before one looks whether there is something to do.
    pub fn seen(&self) -> u32 {
        self.count.load(Acquire)
    }

    /// It happens. Callable on the audio thread: on Linux a futex wake.
    pub fn signal(&self) {
        self.count.fetch_add(1, Release);
        self.sleep.wake(&self.count);
    }

    /// Sleeps until it has happened since it was `seen`, or this long, or for no reason.
    pub fn wait(&self, seen: u32, patience: Duration) {
        if self.count.load(Acquire) == seen {
            self.sleep.until_changed(&self.count, seen, patience);
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    #[derive(Debug, Default)]
    pub(super) struct Sleep;

    impl Sleep {
        pub(super) fn wake(&self, word: &AtomicU32) {
            // SAFETY: the kernel takes the address as a name and reads nothing through it.
            unsafe {
                libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, i32::MAX)
            };
        }

        pub(super) fn until_changed(&self, word: &AtomicU32, seen: u32, patience: Duration) {
            let time = libc::timespec {
                tv_sec: patience.as_secs().min(1 << 30) as libc::time_t,
                tv_nsec: patience.subsec_nanos() as _,
            };
            let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
            // SAFETY: the word and the time live through the call, which only reads them.
            unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, seen, &raw const time) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Acquire;
    use std::sync::{Condvar, Mutex, PoisonError};
    use std::time::Duration;

    #[derive(Debug)]
    pub(super) struct Sleep {
        going: Mutex<()>,
        woken: Condvar,
    }

    impl Default for Sleep {
        fn default() -> Self {
            let sleep = Self { going: Mutex::default(), woken: Condvar::new() };
            // Some systems allocate them when they are first used: here, not on the audio thread.
            sleep.wake(&AtomicU32::new(0));
            sleep
        }
    }

    impl Sleep {
        pub(super) fn wake(&self, _: &AtomicU32) {
            let _going = self.going.lock().unwrap_or_else(PoisonError::into_inner);
            self.woken.notify_all();
        }

        pub(super) fn until_changed(&self, word: &AtomicU32, seen: u32, patience: Duration) {
            let going = self.going.lock().unwrap_or_else(PoisonError::into_inner);
            if word.load(Acquire) == seen {
                drop(self.woken.wait_timeout(going, patience));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_has_happened_is_not_waited_for() {
        let event = Event::default();
        let seen = event.seen();
        event.signal();
        let began = Instant::now();
        event.wait(seen, LONG);
        assert!(began.elapsed() < LONG);
    }

    #[test]
    fn who_sleeps_is_woken_by_the_event_or_by_time() {
        let event = Arc::new(Event::default());
        let seen = event.seen();
        event.wait(seen, Duration::from_millis(1));
        let sleeper = {
            let event = Arc::clone(&event);
            std::thread::spawn(move || {
                let began = Instant::now();
                while event.seen() == seen {
                    event.wait(seen, LONG);
                }
                began.elapsed()
            })
        };
        event.signal();
        assert!(sleeper.join().expect("it wakes") < LONG);
    }
}
