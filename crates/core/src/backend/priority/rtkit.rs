//! RealtimeKit, the service of desktops that grants real-time priority to programs without rights.
//!
//! In return it wants a limit on how long such a thread may run without a pause; who exceeds it is killed. Well before that
//! we hear a signal, and give the priority back.

use std::ffi::c_int;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::bus::{Body, Bus, Method, Values};

/// For all calls together; the service may have to be started first.
const PATIENCE: Duration = Duration::from_secs(3);
const NAME: &str = "org.freedesktop.RealtimeKit1";
const PATH: &str = "/org/freedesktop/RealtimeKit1";
const SYSTEM_BUS: &str = "unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket";

/// Threads that the service has raised: as many of the newest as fit.
static RAISED: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];
/// How many have been.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// The limits that have been set, in microseconds: soft and hard.
static LIMITS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Asks the service to raise a thread of this process; waits for the answer.
pub(super) fn raise(thread: u32, priority: i32) -> bool {
    let address = std::env::var("DBUS_SYSTEM_BUS_ADDRESS").unwrap_or_else(|_| SYSTEM_BUS.into());
    ask(&address, thread, priority).unwrap_or(false)
}

fn ask(address: &str, thread: u32, priority: i32) -> std::io::Result<bool> {
    let mut bus = Bus::connect(address, PATIENCE)?;
    let mut property = |name: &str| {
        let interface = "org.freedesktop.DBus.Properties";
        let method = Method { destination: NAME, path: PATH, interface, member: "Get" };
        let answer = bus.call(&method, Body::default().with_text(NAME).with_text(name))?;
        Values::new(&answer).number()
    };
    let priority = property("MaxRealtimePriority")?.min(priority.into());
    let longest = property("RTTimeUSecMax")?;
    if priority < 1 || longest < 2 || !limit(longest.cast_unsigned()) {
        return Ok(false);
    }
    // Before it is raised: the signal may come at once.
    let position = COUNT.fetch_add(1, Ordering::AcqRel) as usize % RAISED.len();
    RAISED[position].store(thread, Ordering::Release);
    let method = Method { destination: NAME, path: PATH, interface: NAME, member: "MakeThreadRealtime" };
    bus.call(&method, Body::default().with_u64(thread.into()).with_u32(priority as u32))?;
    Ok(true)
}

/// Limits how many microseconds a real-time thread of this process may run without a pause, and sees to it that it is not
/// killed for that. Says whether the limit is kept.
fn limit(longest: u64) -> bool {
    // SAFETY: the limit is ours to read and write and lives through the calls.
    unsafe {
        let mut now: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_RTTIME, &mut now) != 0 {
            return false;
        }
        let hard = now.rlim_max.min(longest);
        let soft = now.rlim_cur.min(hard / 2);
        LIMITS[0].store(soft, Ordering::Release);
        LIMITS[1].store(hard, Ordering::Release);
        listen();
        libc::setrlimit(libc::RLIMIT_RTTIME, &libc::rlimit { rlim_cur: soft, rlim_max: hard }) == 0
    }
}

/// Hears the signal of the soft limit, unless the program hears it already.
fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        // SAFETY: both structures are ours and live through the calls; the handler makes system calls only.
        unsafe {
            let mut before: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGXCPU, std::ptr::null(), &mut before) != 0
                || before.sa_sigaction != libc::SIG_DFL
            {
                return;
            }
            let mut ours: libc::sigaction = std::mem::zeroed();
            ours.sa_sigaction = give_back as extern "C" fn(c_int) as usize;
            ours.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGXCPU, &ours, std::ptr::null_mut());
        }
    });
}

/// A real-time thread has run for too long: all that were raised here go on without their priority. The system has moved
/// the soft limit meanwhile; it is put back for threads that are raised later.
extern "C" fn give_back(_: c_int) {
    for raised in &RAISED {
        let thread = raised.swap(0, Ordering::AcqRel);
        if thread != 0 {
            let parameter = libc::sched_param { sched_priority: 0 };
            // SAFETY: the parameter lives through the call. A thread that has gone is an error without effect.
            unsafe { libc::sched_setscheduler(thread.cast_signed(), libc::SCHED_OTHER, &parameter) };
        }
    }
    let [soft, hard] = [0, 1].map(|index: usize| LIMITS[index].load(Ordering::Acquire));
    // SAFETY: the limit lives through the call.
    unsafe { libc::setrlimit(libc::RLIMIT_RTTIME, &libc::rlimit { rlim_cur: soft, rlim_max: hard }) };
}

#[cfg(test)]
mod tests {
    use super::super::bus::test::{Asked, serve};
    use super::super::linux;
    use super::*;

    fn number(kind: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut value = vec![1, kind, 0];
        value.resize(if bytes.len() == 8 { 8 } else { 4 }, 0);
        value.extend(bytes);
        Some(value)
    }

    fn asked_of(name: &str, answers: Vec<Option<Vec<u8>>>) -> (std::io::Result<bool>, Vec<Asked>) {
        let path = std::env::temp_dir().join(format!("sounddevice-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let server = serve(&path, answers);
        let answer = ask(&format!("tcp:host=x;unix:path={},guid=1", path.display()), 0x0102_0304, 10);
        let asked = server.join().expect("a server");
        let _ = std::fs::remove_file(&path);
        (answer, asked)
    }

    // Without the limit, which would stay for all tests of this process.
    #[test]
    fn a_service_that_grants_nothing_is_asked_for_no_more() {
        let answers = vec![number(b'i', &0i32.to_ne_bytes()), number(b'x', &200_000i64.to_ne_bytes())];
        let (answer, asked) = asked_of("nothing", answers);
        assert!(!answer.expect("an answer"));
        assert_eq!(asked.len(), 3, "Hello and two properties");
        let body =
            [&28u32.to_ne_bytes()[..], NAME.as_bytes(), b"\0\0\0\0", &19u32.to_ne_bytes(), b"MaxRealtimePriority\0"];
        assert_eq!(asked[1].1, body.concat());
    }

    /// In a process of its own: limits stay, and a thread that is not saved takes its process along.
    #[test]
    fn a_thread_that_never_pauses_loses_its_priority_and_nothing_else() {
        const ALONE: &str = "SOUNDDEVICE_TEST_ALONE";
        let name = "backend::priority::rtkit::tests::a_thread_that_never_pauses_loses_its_priority_and_nothing_else";
        if std::env::var_os(ALONE).is_none() {
            let mut child = std::process::Command::new(std::env::current_exe().expect("this program"));
            let output = child.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().expect("a child");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "{}: {text}", output.status);
            return;
        }
        let run = || {
            if !linux::raise(0.0) {
                return println!("skipped: no rights to real-time priority here");
            }
            assert!(limit(200_000));
            RAISED[5].store(linux::current(), Ordering::Release);
            let end = std::time::Instant::now() + Duration::from_secs(20);
            while linux::has() {
                assert!(std::time::Instant::now() < end, "the limit never came");
            }
            assert_eq!(RAISED[5].load(Ordering::Acquire), 0);
            // SAFETY: the limit is ours and lives through the call.
            let soft = unsafe {
                let mut now: libc::rlimit = std::mem::zeroed();
                libc::getrlimit(libc::RLIMIT_RTTIME, &mut now);
                now.rlim_cur
            };
            assert_eq!(soft, 100_000, "as it was set");
        };
        std::thread::spawn(run).join().expect("no panic");
    }

    #[test]
    fn an_error_of_the_service_is_an_error() {
        let (answer, _) = asked_of("error", vec![None]);
        assert_eq!(answer.expect_err("an error").kind(), std::io::ErrorKind::Other);
    }

    #[test]
    fn a_bus_that_is_not_there_is_an_error() {
        assert!(ask("unix:path=/nonexistent/socket;unix:abstract=x", 1, 10).is_err());
    }
}
