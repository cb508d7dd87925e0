//! Whether the user lets this program hear. macOS gives one that may not silence and no error.
//!
//! Where nobody has asked yet, the system asks when the first input starts, which is silent until there is an answer: then it
//! hears, or ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Loss, Signals};

/// How often it is looked whether there is an answer: the system does not tell those who have not asked it themselves.
const BETWEEN: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// The user has not been asked.
    None,
}

impl Answer {
    /// From `AVAuthorizationStatus`, where the system has one.
    fn of(status: Option<isize>) -> Self {
        match status {
            Some(0) => Self::None,
            // restricted: a user who may not say yes
            Some(1 | 2) => Self::No,
            _ => Self::Yes,
        }
    }

    fn now() -> Self {
        Self::of(status())
    }
}

/// What is said where it may not.
pub(crate) fn denied() -> Error {
    let message = "macOS keeps this program from the microphone: System Settings, Privacy & Security, Microphone";
    Error::new(ErrorKind::PermissionDenied, message)
}

/// Refuses an input that the user has refused.
pub(super) fn check() -> Result<()> {
    if Answer::now() == Answer::No { Err(denied()) } else { Ok(()) }
}

/// The same as an input starts. While there is no answer, its stream is to be lost if that is no, until this is dropped.
pub(super) fn heed(signals: &Arc<Signals>) -> Result<Option<Question>> {
    match Answer::now() {
        Answer::Yes => Ok(None),
        Answer::No => Err(denied()),
        Answer::None => Ok(Question::wait(Answer::now, Arc::clone(signals))),
    }
}

/// What the user is being asked while a stream runs.
pub(super) struct Question {
    over: Arc<AtomicBool>,
    thread: Thread,
}

impl Question {
    /// None without a thread for it: then silence stays all that there is.
    fn wait(answer: impl Fn() -> Answer + Send + 'static, signals: Arc<Signals>) -> Option<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let body = move || {
            loop {
                let answer = answer();
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                match answer {
                    Answer::Yes => return,
                    Answer::No => return signals.lose(Loss::Permission),
                    Answer::None => thread::park_timeout(BETWEEN),
                }
            }
        };
        let thread = thread::Builder::new().name("sound answer".into()).spawn(body).ok()?;
        Some(Self { over, thread: thread.thread().clone() })
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(not(target_os = "macos"))]
fn status() -> Option<isize> {
    None
}

/// `[AVCaptureDevice authorizationStatusForMediaType:AVMediaTypeAudio]`; none before macOS 10.14.
#[cfg(target_os = "macos")]
fn status() -> Option<isize> {
    use std::ffi::{c_char, c_void};

    const OBJECTS: &str = "/usr/lib/libobjc.A.dylib";
    const FRAMEWORK: &str = "/System/Library/Frameworks/AVFoundation.framework/AVFoundation";

    type Get = unsafe extern "C" fn(*const c_char) -> *mut c_void;
    type Ask = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> isize;

    // SAFETY: libraries of the system, which do nothing of consequence when they are loaded, and stay loaded. The types are
    // those of Apple's headers. The class answers this selector since 10.14, which is asked first, and takes an object that
    // lives for ever.
    unsafe {
        let framework = libloading::Library::new(FRAMEWORK).ok()?;
        let objects = libloading::Library::new(OBJECTS).ok()?;
        let audio = **framework.get::<*const *mut c_void>("AVMediaTypeAudio").ok()?;
        let class = objects.get::<Get>("objc_getClass").ok()?(c"AVCaptureDevice".as_ptr());
        let selector = objects.get::<Get>("sel_registerName").ok()?;
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_the_system_says_is_yes_no_or_nothing_yet() {
        let answers = [Some(0), Some(1), Some(2), Some(3), Some(4), None].map(Answer::of);
        assert_eq!(answers, [Answer::None, Answer::No, Answer::No, Answer::Yes, Answer::Yes, Answer::Yes]);
        assert_eq!(denied().kind(), ErrorKind::PermissionDenied);
    }

    /// Waits for what another thread does.
    fn until(holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < end, "it never comes");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// A question with these answers, one after the other; how many have been asked for.
    fn question(answers: &[Answer], signals: &Arc<Signals>) -> (Question, Arc<Mutex<Vec<Answer>>>) {
        let left = Arc::new(Mutex::new(answers.iter().rev().copied().collect::<Vec<_>>()));
        let answers = Arc::clone(&left);
        let next = move || answers.lock().expect("nobody panics").pop().unwrap_or(Answer::None);
        (Question::wait(next, Arc::clone(signals)).expect("a thread"), left)
    }

    #[test]
    fn a_no_that_comes_while_a_stream_runs_ends_it() {
        let signals = Arc::new(Signals::default());
        let _question = question(&[Answer::None, Answer::None, Answer::No], &signals);
        until(|| signals.lost().is_some());
        assert_eq!(signals.lost(), Some(Loss::Permission));
    }

    #[test]
    fn a_yes_ends_the_question_and_nothing_else() {
        let signals = Arc::new(Signals::default());
        let (_question, left) = question(&[Answer::None, Answer::Yes, Answer::No], &signals);
        // The thread is gone when it no longer holds what it asks.
        until(|| Arc::strong_count(&left) == 1);
        assert_eq!(*left.lock().expect("nobody panics"), [Answer::No]);
        assert_eq!(signals.lost(), None);
    }

    #[test]
    fn nobody_waits_for_an_answer_when_the_stream_is_gone() {
        let signals = Arc::new(Signals::default());
        let (question, left) = question(&[], &signals);
        drop(question);
        until(|| Arc::strong_count(&left) == 1);
        assert_eq!(signals.lost(), None);
    }
}
