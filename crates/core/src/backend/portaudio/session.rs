//! The library while it is initialised, and the one thread that talks to it.
//!
//! PortAudio is not safe to be called from several threads at once, and on Windows wants to be left by the thread that
//! entered it. It is initialised when somebody asks, which opens every device, and terminated a second after the last
//! answer, or at once where it has a client of JACK: its list of devices is frozen in between. Whoever wants a list gets a
//! fresh one, unless a stream is open.

use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::library::{HOST_ERROR, JACK, Library, NO_DEVICE, library, owned};
use super::names;
use crate::backend::{DeviceRecord, HostListing};
use crate::error::{Error, ErrorKind, Result};
use crate::patience::Asked;

/// How long PortAudio may take for anything.
const PATIENCE: Duration = Duration::from_millis(4500);
/// How long it stays initialised after it was used.
const STAY: Duration = Duration::from_secs(1);

/// A host API of PortAudio's, with what it has.
pub(super) struct Host {
    /// `PaHostApiTypeId`
    pub kind: c_int,
    pub listing: HostListing,
    /// PortAudio's numbers of the listed devices.
    pub indices: Vec<c_int>,
}

/// Lives on its thread.
pub(super) struct Session {
    pub library: &'static Library,
    up: bool,
    /// Whether it stays initialised, because it would end the program with itself: see [`super::guards`].
    lasting: bool,
    pub hosts: Vec<Host>,
    /// Open streams.
    pub streams: usize,
}

type Work = Box<dyn FnOnce(&mut Session) + Send>;

/// Asks on PortAudio's thread and waits for that. While one question hangs, others are refused at once.
/// What is asked is done in any case, if late.
pub(super) fn ask<T: Send + 'static>(work: impl FnOnce(&mut Session) -> Result<T> + Send + 'static) -> Result<T> {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    let sender = sender()?;
    let failed = || {
        let failed = super::guards::failure()?;
        let message = "PortAudio cannot be used any more: what it takes for granted is not so";
        Some(Error::new(ErrorKind::Host, message).with_host_error("PortAudio", 0, failed))
    };
    if let Some(error) = failed() {
        return Err(error);
    }
    let question = ASKED.get_or_init(Asked::default).ask("portaudio question", move || {
        let (answer, answered) = mpsc::sync_channel(1);
        let work: Work = Box::new(move |session| {
            let _ = answer.send(work(session));
        });
        sender.send(work).ok().and_then(|()| answered.recv().ok())
    });
    let answer = question.and_then(|question| question.wait(PATIENCE)).flatten();
    answer.unwrap_or_else(|| {
        if let Some(error) = failed() {
            return Err(error);
        }
        let message = format!("PortAudio did not answer within {} s", PATIENCE.as_secs_f32());
        Err(Error::new(ErrorKind::TimedOut, message))
    })
}

/// Has something done on PortAudio's thread some time.
pub(super) fn tell(work: impl FnOnce(&mut Session) + Send + 'static) {
    if let Ok(sender) = sender() {
        let _ = sender.send(Box::new(work));
    }
}

/// Reaches the thread, which is started with the first question.
fn sender() -> Result<Sender<Work>> {
    static SENDER: OnceLock<Sender<Work>> = OnceLock::new();
    let library = library().map_err(|reason| {
        let message = format!("The library of PortAudio cannot be used: {reason}");
        Error::new(ErrorKind::NoLibrary, message)
    })?;
    let start = || {
        let (sender, works) = mpsc::channel();
        let body = move || serve(library, &works);
        // Without a thread the receiver is gone, and nobody answers.
        let _ = thread::Builder::new().name("portaudio".into()).spawn(body);
        sender
    };
    Ok(SENDER.get_or_init(start).clone())
}

fn serve(library: &'static Library, works: &Receiver<Work>) {
    let mut session = Session { library, up: false, lasting: false, hosts: Vec::new(), streams: 0 };
    loop {
        let work = match session.may_end() {
            true => works.recv_timeout(STAY),
            false => works.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match work {
            Ok(work) => work(&mut session),
            Err(RecvTimeoutError::Timeout) => session.end(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Session {
    fn may_end(&self) -> bool {
        self.up && self.streams == 0 && !self.lasting
    }

    fn end(&mut self) {
        if self.may_end() {
            self.up = false;
            self.hosts.clear();
            // SAFETY: initialised by this thread; no stream is open.
            unsafe { (self.library.terminate)() };
        }
    }

    /// Leaves JACK at once where nothing is open: a client that is there and does nothing, and one more among the devices.
    pub(super) fn rest(&mut self) {
        if self.hosts.iter().any(|host| host.kind == JACK) {
            self.end();
        }
    }

    /// Initialises, and looks what there is.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.up {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        crate::backend::cpal::silence();
        // SAFETY: not initialised, or terminated.
        self.done("PortAudio cannot be initialised", unsafe { (self.library.initialize)() })?;
        self.up = true;
        self.hosts = self.look();
        Ok(())
    }

    /// The devices of now, as far as open streams allow.
    pub(super) fn refresh(&mut self) -> Result<()> {
        self.end();
        self.begin()
    }

    fn look(&mut self) -> Vec<Host> {
        let library = self.library;
        // SAFETY: initialised.
        let count = unsafe { (library.host_api_count)() };
        let host = |position: c_int| {
            // SAFETY: null where there is none; else the library's own until it is terminated.
            let info = unsafe { (library.host_api_info)(position).as_ref() }?;
            let mut host = Host { kind: info.kind, listing: HostListing::default(), indices: Vec::new() };
            for number in 0..info.device_count {
                // SAFETY: initialised; any number is allowed.
                let index = unsafe { (library.device_index)(position, number) };
                if index > NO_DEVICE {
                    // SAFETY: as above.
                    self.add(&mut host, index);
                }
            }
            let place = |index: c_int| host.indices.iter().position(|known| *known == index);
            host.listing.default_input = place(info.default_input);
            host.listing.default_output = place(info.default_output);
            Some(host)
        };
        let (mut hosts, others): (Vec<_>, Vec<_>) =
            (0..count).filter_map(host).partition(|host| library.guarded.covers(host.kind));
        self.lasting = !others.is_empty();
        hosts.extend(others.into_iter().filter(|host| host.kind != JACK));
        hosts
    }

    fn add(&self, host: &mut Host, index: c_int) {
        // SAFETY: initialised; null where there is none, else the library's own until it is terminated.
        let Some(info) = (unsafe { (self.library.device_info)(index).as_ref() }) else { return };
        // SAFETY: a terminated text of the library's.
        let name = unsafe { owned(info.name) };
        let channels = |count: c_int| u16::try_from(count).unwrap_or(0);
        let (inputs, outputs) = (channels(info.max_input_channels), channels(info.max_output_channels));
        if inputs == 0 && outputs == 0 {
            return;
        }
        let latency = |channels: u16, told: f64, else_periods: f64| match channels {
            0 => 0.0,
            _ if told.is_finite() && told > 0.0 => told,
            // Such as JACK's clients that know nothing of theirs.
            _ => else_periods * 256.0 / info.default_sample_rate.max(8000.0),
        };
        let known = &host.listing.devices;
        let key = names::unique(&name, |key| known.iter().any(|device| device.key == key));
        host.listing.devices.push(DeviceRecord {
            key,
            is_loopback: name.ends_with("[Loopback]"),
            name,
            max_input_channels: inputs,
            max_output_channels: outputs,
            low_input_latency: latency(inputs, info.low_input_latency, 2.0),
            low_output_latency: latency(outputs, info.low_output_latency, 2.0),
            high_input_latency: latency(inputs, info.high_input_latency, 8.0),
            high_output_latency: latency(outputs, info.high_output_latency, 8.0),
            default_sample_rate: info.default_sample_rate,
        });
        host.indices.push(index);
    }

    /// PortAudio's number of a device, and what is known of it.
    pub(super) fn device(&self, kind: c_int, key: &str) -> Result<(c_int, &DeviceRecord)> {
        let host = self.hosts.iter().find(|host| host.kind == kind);
        let found = host.and_then(|host| {
            let place = host.listing.devices.iter().position(|device| device.key == key)?;
            host.indices.get(place).copied().zip(host.listing.devices.get(place))
        });
        found.ok_or_else(|| {
            Error::new(ErrorKind::DeviceUnavailable, format!("The device '{key}' is not there any more"))
        })
    }

    /// What came of a call: 0, or an error, with what the system said of it.
    pub(super) fn done(&self, what: &str, code: c_int) -> Result<()> {
        if code >= 0 {
            return Ok(());
        }
        let words = self.library.words(code);
        let error = Error::new(names::kind(code), format!("{what}: {words}"));
        if code != HOST_ERROR {
            return Err(error.with_host_error("PortAudio", code.into(), words));
        }
        // SAFETY: the library's own, valid since the last call has failed with this error.
        let Some(info) = (unsafe { (self.library.last_host_error)().as_ref() }) else { return Err(error) };
        // SAFETY: a terminated text of the library's.
        let text = unsafe { owned(info.text) };
        let error = Error::new(names::kind(code), format!("{what}: {words}: {text}"));
        #[allow(clippy::unnecessary_cast)] // a long is shorter on Windows
        let number = info.code as i64;
        Err(error.with_host_error(names::host(info.kind).unwrap_or("PortAudio"), number, text))
    }
}
