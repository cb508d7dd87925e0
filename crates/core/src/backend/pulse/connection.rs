//! A connection to the server and the loop that moves it, used by one thread.

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_int, c_void};
use std::time::{Duration, Instant};

use super::library::{self, Context, Library, Mainloop, Operation, text};

/// Why the server did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    TimedOut,
    /// One of the library's numbers.
    Code(c_int),
}

pub(super) struct Connection {
    pub(super) library: &'static Library,
    pub(super) mainloop: *mut Mainloop,
    pub(super) context: *mut Context,
}

/// A question that is forgotten where nobody waits for its answer any more.
pub(super) struct Question {
    library: &'static Library,
    operation: *mut Operation,
}

impl Question {
    pub(super) fn new(library: &'static Library, operation: *mut Operation) -> Self {
        Self { library, operation }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.operation.is_null() {
            // SAFETY: the one reference that came with the operation; after the cancel its callback is not called.
            unsafe {
                (self.library.pa_operation_cancel)(self.operation);
                (self.library.pa_operation_unref)(self.operation);
            }
        }
    }
}

impl Connection {
    /// Connects to the server that the environment and the library's configuration name. Starts none.
    pub(super) fn open(library: &'static Library, end: Instant) -> Result<Self, Refusal> {
        let name = CString::new(crate::program::name()).unwrap_or_else(|_| c"sounddevice".into());
        // SAFETY: a loop and a context of our own, used by this thread only and freed by `drop`; null is checked.
        let connection = unsafe {
            let mainloop = (library.pa_mainloop_new)();
            if mainloop.is_null() {
                return Err(Refusal::Code(library::ERR_INTERNAL));
            }
            let context = (library.pa_context_new)((library.pa_mainloop_get_api)(mainloop), name.as_ptr());
            let connection = Self { library, mainloop, context };
            if context.is_null() {
                return Err(Refusal::Code(library::ERR_INTERNAL));
            }
            let flags = library::CONTEXT_NOAUTOSPAWN;
            if (library.pa_context_connect)(context, std::ptr::null(), flags, std::ptr::null()) < 0 {
                return Err(connection.refusal());
            }
            connection
        };
        connection.until(end, || (connection.state() == library::CONTEXT_READY).then_some(()))?;
        Ok(connection)
    }

    fn state(&self) -> c_int {
        // SAFETY: the context lives as long as this.
        unsafe { (self.library.pa_context_get_state)(self.context) }
    }

    /// What the library says went wrong last.
    pub(super) fn refusal(&self) -> Refusal {
        // SAFETY: the context lives as long as this.
        Refusal::Code(unsafe { (self.library.pa_context_errno)(self.context) })
    }

    /// Waits for news and deals with them.
    pub(super) fn turn(&self, patience: Option<Duration>) -> Result<(), Refusal> {
        let library = self.library;
        let micros = patience.map_or(-1, |patience| c_int::try_from(patience.as_micros()).unwrap_or(c_int::MAX));
        // SAFETY: loop and context live as long as this, and this is their only thread.
        unsafe {
            if (library.pa_mainloop_prepare)(self.mainloop, micros) < 0
                || (library.pa_mainloop_poll)(self.mainloop) < 0
                || (library.pa_mainloop_dispatch)(self.mainloop) < 0
            {
                return Err(Refusal::Code(library::ERR_INTERNAL));
            }
        }
        match self.state() {
            library::CONTEXT_FAILED | library::CONTEXT_TERMINATED => Err(self.refusal()),
            _ => Ok(()),
        }
    }

    /// Waits until there is an answer, at most until `end`.
    pub(super) fn until<T>(&self, end: Instant, mut answer: impl FnMut() -> Option<T>) -> Result<T, Refusal> {
        loop {
            if let Some(answer) = answer() {
                return Ok(answer);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Refusal::TimedOut);
            }
            self.turn(Some(left))?;
        }
    }

    /// The sink or source of this name.
    pub(super) fn device(&self, name: &CStr, input: bool, end: Instant) -> Result<Device, Refusal> {
        let answer = Box::new(UnsafeCell::new(Answer::default()));
        let ask = match input {
            true => self.library.pa_context_get_source_info_by_name,
            false => self.library.pa_context_get_sink_info_by_name,
        };
        // SAFETY: the callback fits; `answer` outlives the question, which ends its callback.
        let operation = unsafe { ask(self.context, name.as_ptr(), device, answer.get().cast()) };
        let question = Question::new(self.library, operation);
        // SAFETY: the callback writes to it in `until` only, between two looks.
        let done = self.until(end, || unsafe { (*answer.get()).done }.then_some(()));
        drop(question);
        done?;
        answer.into_inner().device.ok_or(Refusal::Code(library::ERR_NOENTITY))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: made in `open` and released once.
        unsafe {
            if !self.context.is_null() {
                (self.library.pa_context_disconnect)(self.context);
                (self.library.pa_context_unref)(self.context);
            }
            (self.library.pa_mainloop_free)(self.mainloop);
        }
    }
}

/// A sink or a source.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) name: String,
    /// As people see it.
    pub(super) description: String,
    pub(super) rate: u32,
    pub(super) map: library::ChannelMap,
    /// Seconds; 0 where the device follows its streams.
    pub(super) fixed_latency: f64,
    /// Of sources: whether it hears what a sink plays.
    pub(super) is_monitor: bool,
}

impl Device {
    pub(super) fn new(info: &library::DeviceInfo, input: bool) -> Self {
        let dynamic = if input { library::SOURCE_DYNAMIC_LATENCY } else { library::SINK_DYNAMIC_LATENCY };
        let fixed = info.flags & dynamic == 0;
        Self {
            name: text(info.name),
            description: text(info.description),
            rate: info.sample_spec.rate,
            map: info.channel_map,
            fixed_latency: if fixed { info.configured_latency as f64 / 1e6 } else { 0.0 },
            is_monitor: input && info.monitor != library::INVALID_INDEX,
        }
    }

    pub(super) fn channels(&self) -> u16 {
        self.map.channels.into()
    }
}

#[derive(Default)]
struct Answer {
    device: Option<Device>,
    done: bool,
}

unsafe extern "C" fn device(_: *mut Context, info: *const library::DeviceInfo, end: c_int, into: *mut c_void) {
    // SAFETY: `into` is the `Answer` of `Connection::device`, which looks at it between callbacks only.
    let answer = unsafe { &mut *into.cast::<Answer>() };
    // SAFETY: null at the end of the list, else valid during this call.
    match unsafe { info.as_ref() } {
        // The direction matters for latency and monitors only, which lists tell.
        Some(info) if end == 0 => answer.device = Some(Device::new(info, false)),
        _ => answer.done = true,
    }
}
