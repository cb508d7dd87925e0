//! A stream and the jobs that sound in it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use ringbuf::HeapProd;
use ringbuf::traits::{Consumer, Producer};

use super::plan::Parts;
use super::{Core, Record};
use crate::backend::StreamInfo;
use crate::control::{self, Handle, Owner};
use crate::dtype::{Dtype, Format};
use crate::error::{Error, Result};
use crate::realtime::Signals;
use crate::realtime::command::Command;
use crate::realtime::gain::Gain;
use crate::realtime::mapping::Transfer;
use crate::realtime::voices::{self, MOST, Remote, Sink, Source, Turn, Voice, Voices};
use crate::settings::HostSettings;

/// How long after the end of its last sound a device may take to say so, before a stopped job ends all the same.
const GRACE: Duration = Duration::from_secs(2);
/// When to look again after jobs that were told to end: an aborted one has, as soon as the audio thread is out of a period.
const ABORTED: Duration = Duration::from_millis(5);
const STOPPED: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Session {
    handle: OnceLock<Handle>,
    /// Input, output.
    devices: (usize, usize),
    /// What the output was opened with.
    settings: Option<HostSettings>,
    turn: Arc<Turn>,
    state: Mutex<State>,
}

struct State {
    open: bool,
    incoming: HeapProd<Box<Voice>>,
    /// Voices that the engine has, or will have: also those of jobs that have ended while the device stood still.
    voices: usize,
    jobs: Vec<Sounding>,
}

/// A job that has not ended.
struct Sounding {
    core: Arc<Core>,
    stopping_since: Option<Instant>,
}

impl Sounding {
    fn new(core: &Arc<Core>) -> Self {
        Self { core: Arc::clone(core), stopping_since: None }
    }

    /// Whether it was told to end and nothing more is to be waited for. A device that stands still would never say so.
    fn is_late(&mut self, session: &Session) -> bool {
        let state = &self.core.state;
        match state.command() {
            Command::Run => false,
            Command::Abort => true,
            Command::Stop if session.is_silent(state) => true,
            Command::Stop if session.manual_clock() => false,
            Command::Stop => {
                let since = *self.stopping_since.get_or_insert_with(Instant::now);
                let left = state.heard_until().map_or(0.0, |end| end - session.info().clock.now());
                since.elapsed() > GRACE + Duration::from_secs_f64(left.clamp(0.0, 60.0))
            }
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("open", &self.open).field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}

/// Streams that a job with `overlap` may join.
fn sessions() -> MutexGuard<'static, Vec<Weak<Session>>> {
    static SESSIONS: Mutex<Vec<Weak<Session>>> = Mutex::new(Vec::new());
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Joins a running stream or opens one.
pub(super) fn begin(mut parts: Parts, core: Arc<Core>) -> Result<Arc<Session>> {
    if parts.overlap && parts.record.is_none() {
        let running: Vec<Arc<Session>> = sessions().iter().filter_map(Weak::upgrade).collect();
        for session in running {
            if session.take(&mut parts, &core) {
                return Ok(session);
            }
        }
    }
    let signals = Arc::new(Signals::default());
    let (engine, Remote { incoming, ended, turn }) = Voices::new(Arc::clone(&signals), parts.options);
    let state = State { open: true, incoming, voices: 0, jobs: vec![Sounding::new(&core)] };
    let settings = parts.plan.output.as_ref().and_then(|(_, side)| side.settings.clone());
    let state = Mutex::new(state);
    let session = Arc::new(Session { handle: OnceLock::new(), devices: parts.devices, settings, turn, state });
    let janitor = Janitor { session: Arc::clone(&session), ended, over: Vec::new() };
    let handle = control::open(parts.plan.clone(), Box::new(engine), signals, Box::new(janitor))?;
    let info = handle.info.clone();
    let _ = session.handle.set(handle);
    if parts.empty {
        core.state.order(Command::Abort);
        session.wake();
        return Ok(session);
    }
    session.add(voice(&mut parts, &core, &info));
    if let Some(Err(error)) = session.handle.get().map(Handle::start) {
        core.state.order(Command::Abort);
        session.wake();
        return Err(error);
    }
    let mut sessions = sessions();
    sessions.retain(|session| session.strong_count() > 0);
    sessions.push(Arc::downgrade(&session));
    Ok(session)
}

/// The job as the audio thread sees it.
pub(super) fn voice(parts: &mut Parts, core: &Arc<Core>, info: &StreamInfo) -> Box<Voice> {
    let options = parts.options;
    let double = Format::from(Dtype::F64);
    let source = parts.play.take().zip(info.output).map(|((play, routes, repeat), side)| {
        let (from, columns, channels) = (Format::from(play.dtype), play.channels, usize::from(side.channels));
        let to_device = Transfer::new(from, columns, side.format, channels, routes.clone(), options);
        let to_mix = Transfer::new(from, columns, double, channels, routes, options);
        let (frame, device_frame) = (from.bytes() * columns, side.format.bytes() * channels);
        Source::new(play.samples, frame, device_frame, channels, repeat, to_device, to_mix)
    });
    let sink = parts.record.take().zip(info.input).map(|((record, routes), side)| {
        let Record { samples, dtype, channels: columns, .. } = record;
        let (to, channels) = (Format::from(dtype), usize::from(side.channels));
        let from_device = Transfer::new(side.format, channels, to, columns, routes, options);
        Sink::new(samples, to.bytes() * columns, side.format.bytes() * channels, parts.align, from_device)
    });
    Box::new(Voice { state: Arc::clone(&core.state), source, sink, gain: Gain::new(info.sample_rate) })
}

impl State {
    fn push(&mut self, voice: Box<Voice>) {
        // There is room: `take` counts.
        if self.incoming.try_push(voice).is_ok() {
            self.voices += 1;
        }
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, voice: Box<Voice>) {
        self.state().push(voice);
    }

    /// Takes the job in if it fits into this stream.
    fn take(&self, parts: &mut Parts, core: &Arc<Core>) -> bool {
        let Some(handle) = self.handle.get() else {
            return false;
        };
        let Some(output) = handle.info.output else {
            return false;
        };
        let fits = parts.devices.1 == self.devices.1
            && parts.plan.sample_rate == handle.info.sample_rate
            && parts
                .plan
                .output
                .as_ref()
                .is_some_and(|(_, side)| side.channels <= output.channels && side.settings == self.settings);
        let mut state = self.state();
        if !fits || !state.open || state.voices >= MOST {
            return false;
        }
        state.jobs.push(Sounding::new(core));
        if parts.empty {
            core.state.order(Command::Abort);
        }
        let voice = voice(parts, core, &handle.info);
        state.push(voice);
        true
    }

    pub(super) fn wake(&self) {
        if let Some(handle) = self.handle.get() {
            handle.wake();
        }
    }

    /// Only asked for once the stream is open.
    pub(super) fn info(&self) -> &StreamInfo {
        &self.handle.get().expect("a session is handed out after its stream has been opened").info
    }

    pub(super) fn manual_clock(&self) -> bool {
        self.handle.get().is_some_and(|handle| handle.manual_clock)
    }

    /// Whether nothing will be heard of a job any more that has been told to stop, and no more of it recorded. Streams of a
    /// real clock say so themselves, at the end of a period; those that stand still do not, so that what they may have
    /// played late has some time to be heard.
    pub(super) fn is_silent(&self, state: &voices::State) -> bool {
        let Some(handle) = self.handle.get() else {
            return false;
        };
        // A period that is being made now may not have seen the order, all later ones have.
        self.turn.is_over()
            && state.heard_until().is_none_or(|end| {
                let info = &handle.info;
                let grace = if handle.manual_clock { 0.0 } else { GRACE.as_secs_f64() };
                end + info.tail + grace <= info.clock.now() + 0.5 / info.sample_rate
            })
    }

    /// Channels that were asked for, of input and output.
    pub(super) fn channels(&self) -> (u16, u16) {
        self.handle.get().map_or((0, 0), |handle| handle.channels)
    }

    pub(super) fn realtime(&self) -> bool {
        self.handle.get().is_some_and(Handle::realtime)
    }

    pub(super) fn devices(&self) -> (usize, usize) {
        self.devices
    }
}

/// Looks after a session on its control thread.
struct Janitor {
    session: Arc<Session>,
    ended: ringbuf::HeapCons<Box<Voice>>,
    over: Vec<Arc<Core>>,
}

impl Owner for Janitor {
    fn attend(&mut self) -> bool {
        let session = Arc::clone(&self.session);
        let mut state = session.state();
        while let Some(voice) = self.ended.try_pop() {
            state.voices -= 1;
            if let Some(position) = state.jobs.iter().position(|job| Arc::ptr_eq(&job.core.state, &voice.state)) {
                self.over.push(state.jobs.swap_remove(position).core);
            }
        }
        let late: Vec<Sounding> = state.jobs.extract_if(.., |job| job.is_late(&session)).collect();
        let close = state.jobs.is_empty();
        if close {
            state.open = false;
        }
        if close || session.turn.is_over() {
            // The device is released before this is told, or the engine will see what was ordered before it touches a sample.
            self.over.extend(late.into_iter().map(|job| job.core));
        } else {
            state.jobs.extend(late);
        }
        close
    }

    fn tell(&mut self, loss: Option<Error>) {
        let now = self.session.handle.get().map(|handle| handle.info.clock.now());
        if loss.is_some() {
            let mut state = self.session.state();
            state.open = false;
            let mut lost = std::mem::take(&mut state.jobs);
            drop(state);
            lost.drain(..).for_each(|job| job.core.finish(loss.clone(), now));
        }
        self.over.drain(..).for_each(|core| core.finish(None, now));
    }

    fn patience(&self) -> Option<Duration> {
        let state = self.session.state();
        let commands = || state.jobs.iter().map(|job| job.core.state.command());
        match commands().any(|command| command == Command::Abort) {
            true => Some(ABORTED),
            false => commands().any(|command| command == Command::Stop).then_some(STOPPED),
        }
    }
}
