//! Real-time priority of audio threads, on the virtual host's thread.
#![cfg(target_os = "linux")]

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use sounddevice::{Flow, Stream, virtual_host};

/// Set in the process that has no rights.
const WITHOUT_RIGHTS: &str = "SOUNDDEVICE_TEST_WITHOUT_RIGHTS";

/// The scheduler's policy of the thread that calls back, and what the stream says of it.
fn heard() -> (i32, bool) {
    let device = virtual_host().device().create().expect("a device");
    let policy = Arc::new(AtomicI32::new(-1));
    let seen = Arc::clone(&policy);
    let stream = Stream::output::<f32>()
        .device(&device)
        .channels(2)
        .callback(move |_| {
            // SAFETY: only asks, for the calling thread.
            seen.store(unsafe { libc::sched_getscheduler(0) }, Ordering::Release);
            Flow::Continue
        })
        .open()
        .expect("a stream");
    assert!(!stream.realtime(), "nothing runs yet");
    stream.start().expect("to start");
    let end = Instant::now() + Duration::from_secs(20);
    while policy.load(Ordering::Acquire) < 0 {
        assert!(Instant::now() < end, "the stream never called back");
        std::thread::sleep(Duration::from_millis(1));
    }
    let realtime = stream.realtime();
    stream.stop().expect("to stop");
    assert_eq!(stream.realtime(), realtime, "remembered");
    (policy.load(Ordering::Acquire) & !libc::SCHED_RESET_ON_FORK, realtime)
}

/// Whether this thread may have real-time priority.
fn allowed() -> bool {
    let asked = std::thread::spawn(|| {
        let parameter = libc::sched_param { sched_priority: 1 };
        // SAFETY: the parameter lives through the call; 0 is this thread, which ends here.
        unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameter) == 0 }
    });
    asked.join().expect("an answer")
}

#[test]
fn a_thread_with_rights_is_real_time_and_says_so() {
    if std::env::var_os(WITHOUT_RIGHTS).is_some() || !allowed() {
        println!("skipped: no rights to real-time priority here");
        return;
    }
    assert_eq!(heard(), (libc::SCHED_FIFO, true));
}

/// In a process of its own, whose rights cannot come back.
#[test]
fn a_thread_without_rights_goes_on_and_says_so() {
    if std::env::var_os(WITHOUT_RIGHTS).is_some() {
        assert!(!allowed());
        assert_eq!(heard(), (libc::SCHED_OTHER, false));
        return;
    }
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "a_thread_without_rights_goes_on_and_says_so", "--nocapture"]);
    child.env(WITHOUT_RIGHTS, "1").env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/socket");
    let drop_rights = || {
        const CAP_SYS_NICE: libc::c_ulong = 23;
        // SAFETY: plain system calls between fork and exec. Who may not drop the capability does not have it.
        unsafe {
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0);
            libc::setrlimit(libc::RLIMIT_RTPRIO, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
        }
        Ok(())
    };
    // SAFETY: see there.
    unsafe { child.pre_exec(drop_rights) };
    let output = child.output().expect("a child");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
