//! One stream: a client with one process callback for both directions.
//!
//! Everything that JACK may touch is in [`State`], which outlives the client: whoever holds the last reference to it
//! deactivates and closes the client first, always on a thread that nobody waits for longer than a second. The engine
//! comes out before, on the control thread, behind a gate that the process callback passes.
//!
//! When jackd's library closes a client it cancels the threads that its callbacks run on, wherever they are; a thread that
//! is cancelled inside our code would end the program. So all callbacks pass gates ([`Gate`]), which are closed, and empty,
//! before the client is.

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::NAME;
use super::client::{Client, ask, release, server_died};
use super::cycle::{Cycles, Reading};
use super::library::{AUDIO, CAPTURE_LATENCY, PLAYBACK_LATENCY, PORT_IS_INPUT, PORT_IS_OUTPUT, RawPort};
use super::lister;
use super::survey::{Survey, capture_latency, latency, playback_latency, survey};
use super::teller::Teller;
use crate::backend::gate::Gate;
use crate::backend::priority::tell_current_thread;
use crate::backend::{BackendStream, Clock, OpenSide, Request, Side, StreamInfo, turn};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Flags, Loss, Period, Signals};

/// Frames the engine gets at a time at most; longer periods of the server are cut.
const MOST: usize = 8192;
/// How long a stream waits, in seconds, for the server to make the connections it has promised. A server can be told to
/// ignore them.
const UNCONNECTED: f64 = 0.5;
/// `EEXIST`: connected already.
const EXISTS: c_int = 17;

/// A port of ours, and the device's that it belongs to.
struct Port {
    ours: *mut RawPort,
    theirs: *mut RawPort,
    our_name: CString,
    their_name: CString,
}

// SAFETY: ports are handles for libjack's functions, which may be called from any thread.
unsafe impl Send for Port {}

/// A client with its ports, not active yet.
pub(super) struct Prepared {
    client: Client,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    survey: Survey,
}

impl Prepared {
    /// Talks to the server: only inside [`ask`].
    pub(super) fn new(name: &str, request: &Request) -> Result<Self> {
        lister::forget_the_dead();
        let client = Client::open(name)?;
        let survey = survey(&client);
        survey.check(request)?;
        let inputs = register(&client, &survey, request.input.as_ref(), true)?;
        let outputs = register(&client, &survey, request.output.as_ref(), false)?;
        Ok(Self { client, inputs, outputs, survey })
    }
}

fn register(client: &Client, survey: &Survey, side: Option<&Side>, input: bool) -> Result<Vec<Port>> {
    let Some(side) = side else { return Ok(Vec::new()) };
    let (word, flags) = if input { ("input", PORT_IS_INPUT) } else { ("output", PORT_IS_OUTPUT) };
    let library = client.library;
    let device_ports = survey.ports(&side.key, input, side.channels).into_iter().zip(1..);
    let port = |(their_name, number): (CString, u32)| {
        let short = CString::new(format!("{word}_{number}")).unwrap_or_default();
        // SAFETY: the client is open and the names are terminated; an audio port's size is not asked for.
        let (ours, theirs) = unsafe {
            let ours = (library.port_register)(client.raw, short.as_ptr(), AUDIO.as_ptr(), flags as _, 0);
            (ours, (library.port_by_name)(client.raw, their_name.as_ptr()))
        };
        if theirs.is_null() {
            return Err(Error::new(ErrorKind::DeviceUnavailable, format!("'{}' has just gone", side.key)));
        }
        if ours.is_null() {
            let message = format!("JACK does not register another port ({word} {number})");
            return Err(Error::new(ErrorKind::Host, message).with_host_error(NAME, 0, "no more ports available"));
        }
        // SAFETY: the port is registered, its name is terminated.
        let our_name = unsafe { CStr::from_ptr((library.port_name)(ours)) }.to_owned();
        Ok(Port { ours, theirs, our_name, their_name })
    };
    device_ports.map(port).collect()
}

/// What the process callback alone uses.
struct Work {
    cycles: Cycles,
    /// One chunk, interleaved.
    input: Vec<f32>,
    output: Vec<f32>,
    /// It has been told whether libjack's thread has real-time priority.
    known: bool,
    /// The connections are made: the engine is called.
    live: bool,
    /// Frames for which they were not.
    unconnected: u64,
    finished: bool,
}

struct State {
    client: Client,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// Name of the capturing device.
    input_device: String,
    sample_rate: f64,
    clock: Clock,
    signals: Arc<Signals>,
    /// Whether `activate` succeeded.
    active: AtomicBool,
    /// All connections have been asked for.
    started: AtomicBool,
    /// The server is gone.
    down: AtomicBool,
    xrun: AtomicBool,
    /// The process callback's.
    gate: Gate,
    /// That of all other callbacks.
    news: Gate,
    teller: Teller,
    /// The process callback's while the gate is open, the control thread's afterwards.
    engine: UnsafeCell<Option<Box<dyn Engine>>>,
    work: UnsafeCell<Work>,
}

// SAFETY: the cells belong to one thread at a time: `work` to the one that runs the process callback, `engine` to whom the
// gate says. Everything else is atomic or never changes.
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

/// Shares a state with JACK, which has a plain pointer to it.
struct Shared(NonNull<State>);

// SAFETY: a state may be used and dropped on any thread.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    fn new(state: State) -> Self {
        Self(NonNull::from(Box::leak(Box::new(state))))
    }
}

impl Deref for Shared {
    type Target = State;

    fn deref(&self) -> &State {
        // SAFETY: it lives until this is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.leave();
        // SAFETY: it came from a box, and JACK's callbacks have ended.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

pub(super) struct Open {
    /// None once released.
    state: Option<Arc<Shared>>,
    info: StreamInfo,
}

impl Open {
    /// Called on the control thread, which prepares the engine.
    pub(super) fn new(
        prepared: Prepared,
        request: &Request,
        mut engine: Box<dyn Engine>,
        signals: Arc<Signals>,
    ) -> Result<Self> {
        let Prepared { client, inputs, outputs, survey } = prepared;
        let (library, raw) = (client.library, client.raw);
        let (period, sample_rate) = (survey.period, f64::from(survey.sample_rate));
        let input_device = request.input.as_ref().map(|side| side.key.clone()).unwrap_or_default();
        let reported = |port: &Port, mode| latency(library, port.theirs, mode).max;
        let captured = |port: &Port| capture_latency(&input_device, reported(port, CAPTURE_LATENCY), period);
        let played = |port: &Port| playback_latency(reported(port, PLAYBACK_LATENCY), period);
        let side = |ports: &[Port], frames: &dyn Fn(&Port) -> u32| {
            let latency = f64::from(frames(ports.first()?)) / sample_rate;
            Some(OpenSide { format: Format::Packed(Dtype::F32), channels: ports.len() as u16, latency })
        };
        let info = StreamInfo {
            sample_rate,
            period: period as usize,
            input: side(&inputs, &captured),
            output: side(&outputs, &played),
            clock: Clock::monotonic(),
            // What the server has taken sounds, also after its client has left.
            tail: 0.0,
        };
        engine.prepare(&info);
        // Not zeros, which the system would hand out page by page at the first touch.
        let scratch = |ports: &[Port]| vec![1.0f32; ports.len() * MOST];
        let work = Work {
            cycles: Cycles::default(),
            input: scratch(&inputs),
            output: scratch(&outputs),
            known: false,
            live: false,
            unconnected: 0,
            finished: false,
        };
        let state = Shared::new(State {
            client,
            inputs,
            outputs,
            input_device,
            sample_rate,
            clock: info.clock.clone(),
            signals,
            active: AtomicBool::new(false),
            started: AtomicBool::new(false),
            down: AtomicBool::new(false),
            xrun: AtomicBool::new(false),
            gate: Gate::default(),
            news: Gate::default(),
            teller: Teller::default(),
            engine: UnsafeCell::new(Some(engine)),
            work: UnsafeCell::new(work),
        });
        let argument = state.0.as_ptr().cast::<c_void>();
        // SAFETY: the client is open and not active; the state outlives it.
        let refused = unsafe {
            (library.on_info_shutdown)(raw, Some(shut_down), argument);
            (library.set_process_callback)(raw, Some(process), argument)
                | (library.set_xrun_callback)(raw, Some(xrun), argument)
                | (library.set_sample_rate_callback)(raw, Some(sample_rate_changed), argument)
                | (library.set_port_registration_callback)(raw, Some(port_registered), argument)
                | (library.set_latency_callback)(raw, Some(keep_latencies), ptr::null_mut())
        };
        let open = Self { state: Some(Arc::new(state)), info };
        if refused != 0 {
            return Err(host_error("JACK refuses a callback", refused));
        }
        Ok(open)
    }
}

fn host_error(message: &str, code: c_int) -> Error {
    Error::new(ErrorKind::Host, message).with_host_error(NAME, code.into(), "operation failed")
}

impl BackendStream for Open {
    fn start(&mut self) -> Result<()> {
        let Some(state) = self.state.clone() else {
            return Err(Error::new(ErrorKind::StreamClosed, "The stream is closed"));
        };
        if state.started.load(Ordering::Acquire) {
            return Ok(());
        }
        ask(move || state.start())
    }

    fn info(&self) -> &StreamInfo {
        &self.info
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(state) = self.state.take() else { return };
        if state.gate.close() {
            // SAFETY: the gate is closed and nobody is inside.
            drop(unsafe { (*state.engine.get()).take() });
        }
        let lost = state.signals.lost().is_some();
        release(state, lost);
    }
}

impl State {
    /// Ends all callbacks.
    fn leave(&self) {
        self.gate.close();
        self.news.close();
        if self.down.load(Ordering::Acquire) {
            self.teller.wait_for_end();
            return self.client.close();
        }
        // jackd tells all clients of each that leaves, and waits for them: where many leave at once it may never come back.
        static LEAVING: Mutex<()> = Mutex::new(());
        let _turn = LEAVING.lock().unwrap_or_else(PoisonError::into_inner);
        if self.active.load(Ordering::Acquire) {
            // SAFETY: the client is open. One that is closed while active may hang the next one that opens.
            unsafe { (self.client.library.deactivate)(self.client.raw) };
        }
        self.client.close();
    }

    /// Talks to the server: only inside [`ask`].
    fn start(&self) -> Result<()> {
        let (library, raw) = (self.client.library, self.client.raw);
        if !self.active.load(Ordering::Acquire) {
            // SAFETY: the client is open, its callbacks are set.
            let code = unsafe { (library.activate)(raw) };
            if code != 0 {
                return Err(host_error("JACK does not activate the client", code));
            }
            self.active.store(true, Ordering::Release);
        }
        let inputs = self.inputs.iter().map(|port| (&port.their_name, &port.our_name));
        let outputs = self.outputs.iter().map(|port| (&port.our_name, &port.their_name));
        for (from, to) in inputs.chain(outputs) {
            // SAFETY: the client is active and the names are terminated.
            let code = unsafe { (library.connect)(raw, from.as_ptr(), to.as_ptr()) };
            if code != 0 && code != EXISTS {
                let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
                return Err(host_error(&format!("JACK does not connect '{from}' to '{to}'"), code));
            }
        }
        self.started.store(true, Ordering::Release);
        Ok(())
    }

    /// One cycle of the server.
    ///
    /// # Safety
    /// Only in the process callback, inside the gate.
    unsafe fn cycle(&self, frames: u32) {
        // SAFETY: this is the only thread that uses `work`, and the engine is ours while we are inside.
        let (work, engine) = unsafe { (&mut *self.work.get(), &mut *self.engine.get()) };
        if !std::mem::replace(&mut work.known, true) {
            tell_current_thread(&self.signals);
        }
        // SAFETY: this is the process callback.
        let ready = !work.finished && unsafe { self.ready(work, frames as usize) };
        match engine {
            Some(engine) if ready => {
                // SAFETY: this is the process callback.
                unsafe { self.run(work, engine.as_mut(), frames) }
            }
            // SAFETY: this is the process callback.
            _ => unsafe { self.silence(frames, 0) },
        }
    }

    /// Whether the connections are there. The server makes them between two cycles, some time after it has promised to; what
    /// is played before is lost.
    ///
    /// # Safety
    /// Only in the process callback.
    unsafe fn ready(&self, work: &mut Work, frames: usize) -> bool {
        if work.live {
            return true;
        }
        if !self.started.load(Ordering::Acquire) {
            return false;
        }
        let library = self.client.library;
        // SAFETY: the ports are registered while the client is open.
        let connected = |port: &Port| unsafe { (library.port_connected)(port.ours) } != 0;
        let patience = work.unconnected as f64 > UNCONNECTED * self.sample_rate;
        work.live = patience || self.inputs.iter().chain(&self.outputs).all(connected);
        work.unconnected += frames as u64;
        // Whatever has happened until now, nothing of ours was lost by it.
        self.xrun.store(false, Ordering::Release);
        work.live
    }

    /// Lets the engine make the whole period.
    ///
    /// # Safety
    /// Only in the process callback.
    unsafe fn run(&self, work: &mut Work, engine: &mut dyn Engine, frames: u32) {
        let count = frames as usize;
        let times = self.times(&mut work.cycles, frames);
        let mut flags = self.flags();
        let (channels_in, channels_out) = (self.inputs.len(), self.outputs.len());
        let mut done = 0;
        while done < count && !work.finished {
            let chunk = MOST.min(count - done);
            for (channel, port) in self.inputs.iter().enumerate() {
                // SAFETY: in the process callback the buffer holds that many frames.
                let from = unsafe { self.buffer(port, frames) };
                for frame in 0..chunk {
                    // SAFETY: below the buffer's length.
                    work.input[frame * channels_in + channel] = unsafe { *from.add(done + frame) };
                }
            }
            let mut times = times;
            times.adc = (times.adc + done as f64 / self.sample_rate).min(times.now);
            times.dac += done as f64 / self.sample_rate;
            let mut period = Period {
                frames: chunk,
                input: as_bytes(&work.input[..chunk * channels_in]),
                output: as_bytes_mut(&mut work.output[..chunk * channels_out]),
                times,
                flags,
            };
            // What the engine makes in its last period is played.
            work.finished = turn::take(engine, &mut period, 0, &self.signals);
            flags = Flags::default();
            for (channel, port) in self.outputs.iter().enumerate() {
                // SAFETY: as above.
                let to = unsafe { self.buffer(port, frames) };
                for frame in 0..chunk {
                    // SAFETY: as above.
                    unsafe { *to.add(done + frame) = work.output[frame * channels_out + channel] };
                }
            }
            done += chunk;
        }
        // SAFETY: as above.
        unsafe { self.silence(frames, done) };
    }

    /// An xrun is told once, to the directions that are open.
    fn flags(&self) -> Flags {
        let mut flags = Flags::default();
        if self.xrun.swap(false, Ordering::AcqRel) {
            if !self.inputs.is_empty() {
                flags = flags.with(Flags::INPUT_OVERFLOW);
            }
            if !self.outputs.is_empty() {
                flags = flags.with(Flags::OUTPUT_UNDERFLOW);
            }
        }
        flags
    }

    fn times(&self, cycles: &mut Cycles, frames: u32) -> crate::realtime::Times {
        let library = self.client.library;
        let (mut first, mut begun, mut next, mut length) = (0, 0, 0, 0.0);
        // SAFETY: the client is open; the four numbers are ours.
        let (failed, theirs) = unsafe {
            let (first, begun, next, length) = (&raw mut first, &raw mut begun, &raw mut next, &raw mut length);
            ((library.get_cycle_times)(self.client.raw, first, begun, next, length), (library.get_time)())
        };
        let reported = |ports: &[Port], mode| ports.first().map_or(frames, |p| latency(library, p.theirs, mode).max);
        let capture = capture_latency(&self.input_device, reported(&self.inputs, CAPTURE_LATENCY), frames);
        let playback = playback_latency(reported(&self.outputs, PLAYBACK_LATENCY), frames);
        let seconds = |frames: u32| f64::from(frames) / self.sample_rate;
        cycles.times(Reading {
            theirs: theirs as f64 * 1e-6,
            now: self.clock.now(),
            begun: (failed == 0).then_some(begun as f64 * 1e-6),
            period: seconds(frames),
            capture_latency: seconds(capture),
            playback_latency: seconds(playback),
        })
    }

    /// # Safety
    /// Only in the process callback, with its number of frames.
    unsafe fn buffer(&self, port: &Port, frames: u32) -> *mut f32 {
        // SAFETY: the port is registered while the client is open.
        unsafe { (self.client.library.port_get_buffer)(port.ours, frames) }.cast()
    }

    /// Silence from this frame on: a buffer that nobody fills repeats what was in it.
    ///
    /// # Safety
    /// Only in the process callback, with its number of frames.
    unsafe fn silence(&self, frames: u32, from: usize) {
        for port in &self.outputs {
            // SAFETY: the buffer holds that many frames; zero bytes are silence.
            unsafe { self.buffer(port, frames).add(from).write_bytes(0, frames as usize - from) };
        }
    }
}

fn as_bytes(samples: &[f32]) -> &[u8] {
    // SAFETY: every f32 is four readable bytes, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(samples.as_ptr().cast(), size_of_val(samples)) }
}

fn as_bytes_mut(samples: &mut [f32]) -> &mut [u8] {
    // SAFETY: as above; any four bytes are an f32.
    unsafe { std::slice::from_raw_parts_mut(samples.as_mut_ptr().cast(), size_of_val(samples)) }
}

/// # Safety
/// JACK calls it with the state of a client that is open, once at a time.
unsafe extern "C" fn process(frames: u32, state: *mut c_void) -> c_int {
    // SAFETY: the state outlives the client.
    let state = unsafe { &*state.cast::<State>() };
    if state.gate.enter() {
        // SAFETY: this is the process callback, inside the gate.
        unsafe { state.cycle(frames) };
        state.gate.leave();
    } else {
        // SAFETY: this is the process callback.
        unsafe { state.silence(frames, 0) };
    }
    0
}

/// Does it with the state of a callback, unless the stream is being closed.
///
/// # Safety
/// Only in a callback, with the argument that it was given.
unsafe fn told(state: *mut c_void, news: impl FnOnce(&State)) {
    // SAFETY: the state outlives the client.
    let state = unsafe { &*state.cast::<State>() };
    if state.news.enter() {
        news(state);
        state.news.leave();
    }
}

/// What we play does not come from what we hear, as far as JACK is concerned. Without this its library would pass the
/// latency of the one on to the other, and where a device's outputs lead to its own inputs it would grow with each look.
extern "C" fn keep_latencies(_: c_int, _: *mut c_void) {}

/// # Safety
/// As [`process`].
unsafe extern "C" fn xrun(state: *mut c_void) -> c_int {
    // SAFETY: this is a callback.
    unsafe { told(state, |state| state.xrun.store(true, Ordering::Release)) };
    0
}

/// # Safety
/// As [`process`].
unsafe extern "C" fn shut_down(status: c_int, _: *const c_char, state: *mut c_void) {
    // Also where the stream is being closed, so outside the gate: whoever opens the next client has to wait for that. The
    // thread may be cancelled here, as it is no more than one atomic.
    let all = server_died(status);
    let tell = |state: &State| {
        state.down.store(true, Ordering::Release);
        state.signals.lose(if all { Loss::Server } else { Loss::Device });
    };
    // SAFETY: this is a callback.
    unsafe { told(state, tell) };
}

/// What has been opened at one rate cannot go on at another.
///
/// # Safety
/// As [`process`].
unsafe extern "C" fn sample_rate_changed(rate: u32, state: *mut c_void) -> c_int {
    let tell = |state: &State| {
        if f64::from(rate) != state.sample_rate {
            state.signals.lose(Loss::Device);
        }
    };
    // SAFETY: this is a callback.
    unsafe { told(state, tell) };
    0
}

/// Ports have come or gone: the device is lost with the first of its ports that we are connected to.
///
/// # Safety
/// As [`process`].
unsafe extern "C" fn port_registered(id: u32, registered: c_int, state: *mut c_void) {
    let tell = |state: &State| {
        // It is told of its own ports when it starts. Other callbacks come on other threads too.
        state.teller.is_here();
        if registered != 0 {
            return;
        }
        let (library, raw) = (state.client.library, state.client.raw);
        // SAFETY: the client is open.
        let gone = unsafe { (library.port_by_id)(raw, id) };
        let lost = |port: &Port| {
            // Another port may have its name already.
            // SAFETY: the client is open and the name is terminated.
            port.theirs == gone || unsafe { (library.port_by_name)(raw, port.their_name.as_ptr()) }.is_null()
        };
        if state.inputs.iter().chain(&state.outputs).any(lost) {
            state.signals.lose(Loss::Device);
        }
    };
    // SAFETY: this is a callback.
    unsafe { told(state, tell) };
}
