//! The control side of a stream: one thread that opens, starts, watches and releases it.
//!
//! The thread owns what the backend opened, so that nothing a backend makes ever moves between threads, a system that
//! hangs while it opens or closes hangs nobody else, and no memory is freed on the audio thread.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::backend::{BackendStream, Request, Side, StreamInfo, permission, priority};
use crate::device::{Located, PATIENCE};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::{Engine, Loss, Signals, join};

/// What shall be opened, and where.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub sample_rate: f64,
    pub block_size: u32,
    pub input: Option<(Arc<Located>, Side)>,
    pub output: Option<(Arc<Located>, Side)>,
}

/// Whoever the stream sounds for. All calls come from the control thread.
pub(crate) trait Owner: Send {
    /// Looks at what has ended; says whether the stream is wanted no more.
    fn attend(&mut self) -> bool;

    /// Tells the world what `attend` found. If the stream was to close, the device has been released by now; `loss` says
    /// that it was not ours to close.
    fn tell(&mut self, loss: Option<Error>);

    /// When to look again unasked.
    fn patience(&self) -> Option<Duration> {
        None
    }
}

/// An open stream, seen from other threads. Dropping it does not close it: that is its owner's decision.
pub(crate) struct Handle {
    pub info: StreamInfo,
    pub manual_clock: bool,
    /// Channels that were asked for, of input and output; a device may have no fewer than more.
    pub channels: (u16, u16),
    signals: Arc<Signals>,
    commands: Sender<SyncSender<Result<()>>>,
    thread: Thread,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Handle {
    /// Starts the device.
    pub(crate) fn start(&self) -> Result<()> {
        let (reply, answer) = mpsc::sync_channel(1);
        let gone = || Error::new(ErrorKind::StreamClosed, "The stream is closed");
        self.commands.send(reply).map_err(|_| gone())?;
        self.thread.unpark();
        match answer.recv_timeout(PATIENCE) {
            Ok(started) => started,
            Err(RecvTimeoutError::Timeout) => Err(timed_out("start")),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }

    /// Whether its audio threads have real-time priority. Known once they run.
    pub(crate) fn realtime(&self) -> bool {
        self.signals.realtime()
    }

    /// Makes the control thread look at its owner.
    pub(crate) fn wake(&self) {
        self.thread.unpark();
    }
}

fn timed_out(what: &str) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format!("The sound system did not {what} the stream within {} s", PATIENCE.as_secs()),
    )
}

/// Opens on a thread of its own and waits for that at most five seconds.
pub(crate) fn open(
    plan: Plan,
    engine: Box<dyn Engine>,
    signals: Arc<Signals>,
    owner: Box<dyn Owner>,
) -> Result<Handle> {
    let (ready, opened) = mpsc::sync_channel(1);
    let (commands, received) = mpsc::channel();
    let asked = |side: &Option<(Arc<Located>, Side)>| side.as_ref().map_or(0, |(_, side)| side.channels);
    let channels = (asked(&plan.input), asked(&plan.output));
    let told = Arc::clone(&signals);
    let body = move || control(&plan, engine, &told, owner, &ready, &received);
    let thread = thread::Builder::new()
        .name("sound control".into())
        .spawn(body)
        .map_err(|error| Error::new(ErrorKind::Host, format!("No thread for the stream: {error}")))?;
    let (info, manual_clock) = match opened.recv_timeout(PATIENCE) {
        Ok(opened) => opened?,
        Err(RecvTimeoutError::Timeout) => return Err(timed_out("open")),
        Err(RecvTimeoutError::Disconnected) => {
            return Err(Error::new(ErrorKind::Host, "The sound system failed to open the stream"));
        }
    };
    Ok(Handle { info, manual_clock, channels, signals, commands, thread: thread.thread().clone() })
}

type Opened = Result<(StreamInfo, bool)>;

fn control(
    plan: &Plan,
    engine: Box<dyn Engine>,
    signals: &Arc<Signals>,
    mut owner: Box<dyn Owner>,
    ready: &SyncSender<Opened>,
    commands: &Receiver<SyncSender<Result<()>>>,
) {
    signals.own();
    priority::prepare();
    let mut streams = match open_all(plan, engine, signals) {
        Ok(streams) => streams,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let manual = streams.iter().any(|stream| stream.manual_clock());
    // Nobody waits any more: opening took too long.
    if ready.send(Ok((combined(&streams), manual))).is_err() {
        return;
    }
    loop {
        while let Ok(reply) = commands.try_recv() {
            let started = streams.iter_mut().try_for_each(|stream| stream.start());
            let _ = reply.send(started);
        }
        while let Some(thread) = signals.refused() {
            priority::request(thread, Arc::clone(signals));
        }
        let raised = signals.raised();
        let loss = signals.lost();
        if owner.attend() || loss.is_some() {
            drop(streams);
            owner.tell(loss.map(lost));
            signals.attended(raised);
            return;
        }
        owner.tell(None);
        signals.attended(raised);
        match owner.patience() {
            Some(patience) => thread::park_timeout(patience),
            None => thread::park(),
        }
    }
}

fn lost(loss: Loss) -> Error {
    let text = match loss {
        Loss::Device => "The device was lost",
        Loss::Server => "The sound server was lost",
        Loss::Host => "The device was lost: the host reported errors without end",
        Loss::Permission => return permission::denied(),
    };
    Error::new(ErrorKind::DeviceLost, text)
}

/// One stream where the host can do both directions at once, else two and a join.
fn open_all(plan: &Plan, engine: Box<dyn Engine>, signals: &Arc<Signals>) -> Result<Vec<Box<dyn BackendStream>>> {
    let request = |input: Option<&Side>, output: Option<&Side>| Request {
        sample_rate: plan.sample_rate,
        block_size: plan.block_size,
        input: input.cloned(),
        output: output.cloned(),
    };
    match (&plan.input, &plan.output) {
        (Some((from, input)), Some((to, output))) => {
            if from.host.name() == to.host.name() && from.host.duplex(&from.key, &to.key) {
                return Ok(vec![to.host.open(&request(Some(input), Some(output)), engine, Arc::clone(signals))?]);
            }
            if from.host.name() != to.host.name() && !(from.host.joins() && to.host.joins()) {
                let message = format!(
                    "Illegal combination of I/O devices: '{}' of {} and '{}' of {} cannot be in one stream",
                    from.key,
                    from.host.name(),
                    to.key,
                    to.host.name()
                );
                return Err(Error::new(ErrorKind::IncompatibleDevices, message));
            }
            let (capture, playback) = join::pair(engine);
            let capture = from.host.open(&request(Some(input), None), capture, Arc::clone(signals))?;
            let output = Side { latency: to.host.joined(output.latency), ..output.clone() };
            let playback = to.host.open(&request(None, Some(&output)), playback, Arc::clone(signals))?;
            Ok(vec![capture, playback])
        }
        (Some((from, input)), None) => {
            Ok(vec![from.host.open(&request(Some(input), None), engine, Arc::clone(signals))?])
        }
        (None, Some((to, output))) => {
            Ok(vec![to.host.open(&request(None, Some(output)), engine, Arc::clone(signals))?])
        }
        (None, None) => Err(Error::new(ErrorKind::InvalidArgValue, "A stream needs an input or an output")),
    }
}

/// What the engine sees: the last stream is the one that drives, the first one may add the input.
fn combined(streams: &[Box<dyn BackendStream>]) -> StreamInfo {
    let mut info = streams[streams.len() - 1].info().clone();
    let first = streams[0].info();
    info.input = info.input.or(first.input);
    info.tail = info.tail.max(first.tail);
    info
}
