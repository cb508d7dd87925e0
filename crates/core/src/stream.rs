//! Streams: sound that goes on until it is stopped, by callback or by reading and writing.

#[doc(hidden)]
pub mod bell;
mod builder;
mod call;
mod core;
#[doc(hidden)]
pub mod handoff;
mod input;
mod output;
mod plan;
mod transfer;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

pub use builder::StreamBuilder;
pub use call::{Direction, Finished, Flow, Io, Present, Raw, Read, Status, StreamTime, Written};

use self::core::Core;
use crate::dtype::Dtype;
use crate::error::Result;
use crate::sample::Sample;

/// A stream of samples of type `I` from an input and `O` to an output; `()` is no such direction, [`Raw`] is bytes.
///
/// It is open from [`StreamBuilder::open`] on and silent until [`start`](Self::start). With a callback, that is called on
/// the audio thread; without one, [`read`](Self::read) and [`write`](Self::write) wait on the calling thread. All methods
/// may be called from any thread, at the same time, and from inside the callback, where those that end the stream do not
/// wait. Dropping a stream closes it.
///
/// ```
/// use sounddevice::{Flow, Stream};
/// # let device = sounddevice::virtual_host().device().manual_clock().create()?;
/// # let device = &device;
/// let stream = Stream::duplex::<f32, f32>()
///     .device(device)
///     .channels(2)
///     .block_size(64)
///     .callback(|io| {
///         io.output.copy_from_slice(io.input);
///         if io.status.any() { Flow::Abort } else { Flow::Continue }
///     })
///     .on_finished(|reason| eprintln!("{reason:?}"))
///     .open()?;
/// stream.start()?;
/// # device.advance(512)?;
/// stream.stop()?;
/// # Ok::<(), sounddevice::Error>(())
/// ```
pub struct Stream<I = (), O = ()> {
    core: Arc<Core>,
    /// Whether dropping it waits for the device to be released.
    patient: bool,
    of: PhantomData<fn() -> (I, O)>,
}

impl<I, O> std::fmt::Debug for Stream<I, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("settings", &self.core.settings).field("active", &self.active()).finish()
    }
}

impl Stream {
    /// A stream in both directions, of one device or two.
    pub fn duplex<I: Sample, O: Sample>() -> StreamBuilder<I, O> {
        StreamBuilder::new(Some(I::DTYPE), Some(O::DTYPE))
    }

    /// A stream that hears.
    pub fn input<I: Sample>() -> StreamBuilder<I, ()> {
        StreamBuilder::new(Some(I::DTYPE), None)
    }

    /// A stream that plays.
    pub fn output<O: Sample>() -> StreamBuilder<(), O> {
        StreamBuilder::new(None, Some(O::DTYPE))
    }

    /// As [`duplex`](Self::duplex), in bytes.
    pub fn raw_duplex(input: Dtype, output: Dtype) -> StreamBuilder<Raw, Raw> {
        StreamBuilder::new(Some(input), Some(output))
    }

    /// As [`input`](Self::input), in bytes.
    pub fn raw_input(dtype: Dtype) -> StreamBuilder<Raw, ()> {
        StreamBuilder::new(Some(dtype), None)
    }

    /// As [`output`](Self::output), in bytes.
    pub fn raw_output(dtype: Dtype) -> StreamBuilder<(), Raw> {
        StreamBuilder::new(None, Some(dtype))
    }

    /// Bytes in the directions that have a format, for bindings to other languages. What a missing direction would do
    /// is refused with `NotSupported`.
    pub fn raw(input: Option<Dtype>, output: Option<Dtype>) -> StreamBuilder<Raw, Raw> {
        StreamBuilder::new(input, output)
    }
}

impl<I, O> Stream<I, O> {
    fn new(core: Arc<Core>) -> Self {
        Self { core, patient: true, of: PhantomData }
    }

    /// Starts; nothing happens if it runs already. A stream that was stopped, or whose device was lost, opens its device
    /// again.
    ///
    /// # Errors
    /// `StreamClosed`; whatever opening a device can say; `WouldDeadlock` while output is pending on a manual clock.
    pub fn start(&self) -> Result<()> {
        self.core.start()
    }

    /// Plays out what was made or written, releases the device, calls `on_finished`, and returns then. Inside the
    /// callback it returns at once. The callback is not called any more.
    ///
    /// # Errors
    /// `WouldDeadlock` on a manual clock while output is pending: see [`begin_stop`](Self::begin_stop).
    pub fn stop(&self) -> Result<()> {
        self.core.stop()
    }

    /// As [`stop`](Self::stop), without waiting.
    pub fn begin_stop(&self) {
        self.core.begin_stop();
    }

    /// Drops what is pending and releases the device, then returns, as [`stop`](Self::stop) does.
    pub fn abort(&self) {
        self.core.abort();
    }

    /// As [`abort`](Self::abort), without waiting.
    pub fn begin_abort(&self) {
        self.core.begin_abort();
    }

    /// As [`abort`](Self::abort), for good.
    pub fn close(&self) {
        self.core.close();
    }

    /// As [`close`](Self::close), without waiting.
    pub fn begin_close(&self) {
        self.core.begin_close();
    }

    /// Waits, at most this long, until the stream does not run any more; says whether that is so.
    pub fn wait(&self, patience: Duration) -> bool {
        self.core.wait_finished(patience)
    }

    /// Whether it runs, playing out included.
    pub fn active(&self) -> bool {
        self.core.active()
    }

    /// Whether it plays out.
    pub fn stopping(&self) -> bool {
        self.core.stopping()
    }

    /// Whether it was never started, or was stopped since. Neither this nor active: the callback or the device has
    /// ended it.
    pub fn stopped(&self) -> bool {
        self.core.stopped()
    }

    /// Whether it is closed.
    pub fn closed(&self) -> bool {
        self.core.is_closed()
    }

    /// Hertz, as opened.
    pub fn sample_rate(&self) -> f64 {
        self.core.info().sample_rate
    }

    /// Frames per block as asked for; 0 where they vary.
    pub fn block_size(&self) -> usize {
        self.core.settings.block
    }

    /// Seconds on the stream's clock: that of all of its times.
    ///
    /// # Errors
    /// `StreamClosed`.
    pub fn time(&self) -> Result<f64> {
        self.core.now()
    }

    /// The part of real time that the last periods took to make, 0 while it does not run.
    pub fn cpu_load(&self) -> f64 {
        if self.active() { self.core.shared.meters.load() } else { 0.0 }
    }

    /// Whether its audio threads have real-time priority: known from the first period on, and a service of the system may
    /// grant it a moment later.
    pub fn realtime(&self) -> bool {
        self.core.realtime()
    }

    /// Input underflows, input overflows, output underflows and output overflows since it was opened.
    pub fn xruns(&self) -> [u64; 4] {
        self.core.shared.meters.xruns()
    }

    /// Samples that conversion clipped.
    pub fn clipped(&self) -> u64 {
        self.core.shared.meters.counts().clipped
    }

    /// Samples that conversion found not to be numbers.
    pub fn nan(&self) -> u64 {
        self.core.shared.meters.counts().nan
    }

    /// Periods of the device so far.
    pub fn periods(&self) -> u64 {
        self.core.shared.periods()
    }

    /// Whether time only passes when somebody advances a virtual device.
    pub fn manual_clock(&self) -> bool {
        self.core.manual_clock()
    }

    /// Frames of a block: as asked for, else those of a period of the device, as far as that is known.
    pub fn block(&self) -> usize {
        self.core.block()
    }

    /// For a callback on another thread: how many blocks there should be, and how many of them are made ahead at most, as
    /// the latency allows; none where time waits for them.
    #[doc(hidden)]
    pub fn handoff_blocks(&self) -> (usize, usize) {
        self.core.handoff_blocks()
    }

    /// For a callback on another thread: it has failed, and the run ends as if it had said [`Flow::Abort`], at once.
    #[doc(hidden)]
    pub fn fail(&self) {
        self.core.fail();
    }

    /// The priority of the audio thread where that is a number, else 0.
    #[doc(hidden)]
    pub fn audio_priority(&self) -> u32 {
        self.core.audio_priority()
    }

    /// Closes it without waiting, as who must not wait.
    pub fn leave(mut self) {
        self.patient = false;
    }
}

impl<I, O> Drop for Stream<I, O> {
    fn drop(&mut self) {
        match self.patient {
            true => self.core.close(),
            false => self.core.begin_close(),
        }
    }
}
