//! A stream to be opened.

use std::marker::PhantomData;
use std::sync::Arc;

use super::Stream;
use super::call::{Direction, Finished, Flow, Io};
use super::core::{Core, Hooks};
use super::handoff::Handoff;
use super::plan::{Request, SideRequest, resolve};
use crate::channel::Channel;
use crate::device::{DeviceInfo, DeviceSpecifier};
use crate::dtype::Dtype;
use crate::error::Result;
use crate::job::Latency;
use crate::realtime::convert::ConvertOptions;
use crate::realtime::stream::{Call, Direct};
use crate::settings::HostSettings;

/// A stream to be opened: from [`Stream::duplex`], [`Stream::input`] and the like.
///
/// What is not said is the device's own: the default device, all of its channels, its rate, blocks as they come,
/// [`Latency::High`].
#[must_use = "nothing happens before open()"]
pub struct StreamBuilder<I, O> {
    request: Request,
    hooks: Hooks,
    of: PhantomData<fn() -> (I, O)>,
}

impl<I, O> std::fmt::Debug for StreamBuilder<I, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamBuilder").field("request", &self.request).finish_non_exhaustive()
    }
}

impl<I: Direction, O: Direction> StreamBuilder<I, O> {
    pub(super) fn new(input: Option<Dtype>, output: Option<Dtype>) -> Self {
        let side = |dtype| {
            let latency = Latency::High;
            SideRequest { dtype, device: None, channels: None, map: None, latency, settings: None }
        };
        let request = Request {
            input: input.map(side),
            output: output.map(side),
            sample_rate: None,
            block_size: 0,
            options: ConvertOptions::default(),
            never_drop_input: false,
            prime_output: false,
            handoff: false,
            hold: None,
            follow: false,
            ahead: false,
        };
        Self { request, hooks: Hooks::default(), of: PhantomData }
    }

    fn input(mut self, set: impl FnOnce(&mut SideRequest)) -> Self {
        self.request.input.as_mut().map(set);
        self
    }

    fn output(mut self, set: impl FnOnce(&mut SideRequest)) -> Self {
        self.request.output.as_mut().map(set);
        self
    }

    /// The device, for both directions: an index, an id, parts of a name, or a device.
    pub fn device(self, device: impl Into<DeviceSpecifier>) -> Self {
        let device = device.into();
        self.input_device(device.clone()).output_device(device)
    }

    /// The device that is heard.
    pub fn input_device(self, device: impl Into<DeviceSpecifier>) -> Self {
        self.input(|side| side.device = Some(device.into()))
    }

    /// The device that plays.
    pub fn output_device(self, device: impl Into<DeviceSpecifier>) -> Self {
        self.output(|side| side.device = Some(device.into()))
    }

    /// Channels of both directions.
    pub fn channels(self, channels: usize) -> Self {
        self.input_channels(channels).output_channels(channels)
    }

    /// Channels that are heard: the device's first ones.
    pub fn input_channels(self, channels: usize) -> Self {
        self.input(|side| side.channels = Some(channels))
    }

    /// Channels that are played: the device's first ones.
    pub fn output_channels(self, channels: usize) -> Self {
        self.output(|side| side.channels = Some(channels))
    }

    /// Which channels are heard: column `n` of the data is the `n`th of them. Instead of a number of channels.
    pub fn input_map(self, map: impl IntoIterator<Item = impl Into<Channel>>) -> Self {
        let map = map.into_iter().map(Into::into).collect();
        self.input(|side| side.map = Some(map))
    }

    /// Which channels are played; the device's others are silent. Of several columns for one channel the sum is heard.
    pub fn output_map(self, map: impl IntoIterator<Item = impl Into<Channel>>) -> Self {
        let map = map.into_iter().map(Into::into).collect();
        self.output(|side| side.map = Some(map))
    }

    /// How much is held between the device and who reads or writes, in seconds, from 0 to 60; without it, twice the latency or
    /// four blocks, at most one second. It adds no latency: what is written while nothing is held is heard at once.
    pub fn buffer(mut self, seconds: f64) -> Self {
        self.request.hold = Some(seconds);
        self
    }

    /// How much the device may buffer, in each direction.
    pub fn latency(self, latency: Latency) -> Self {
        self.input_latency(latency).output_latency(latency)
    }

    /// The same for the input.
    pub fn input_latency(self, latency: Latency) -> Self {
        self.input(|side| side.latency = latency)
    }

    /// The same for the output.
    pub fn output_latency(self, latency: Latency) -> Self {
        self.output(|side| side.latency = latency)
    }

    /// Settings of the devices' host API, in each direction; those of another one are refused.
    pub fn settings(self, settings: impl Into<HostSettings>) -> Self {
        let settings = settings.into();
        self.input_settings(settings.clone()).output_settings(settings)
    }

    /// The same for the input.
    pub fn input_settings(self, settings: impl Into<HostSettings>) -> Self {
        self.input(|side| side.settings = Some(settings.into()))
    }

    /// The same for the output.
    pub fn output_settings(self, settings: impl Into<HostSettings>) -> Self {
        self.output(|side| side.settings = Some(settings.into()))
    }

    /// Hertz.
    pub fn sample_rate(mut self, sample_rate: impl Into<f64>) -> Self {
        self.request.sample_rate = Some(sample_rate.into());
        self
    }

    /// Frames per call of the callback, always exactly so many; 0 takes them as they come. Without a callback it only
    /// suggests a period and sizes the buffer.
    pub fn block_size(mut self, frames: u32) -> Self {
        self.request.block_size = frames;
        self
    }

    /// Clips without counting.
    pub fn clip_off(mut self, clip_off: bool) -> Self {
        self.request.options.clip_off = clip_off;
        self
    }

    /// Does not dither.
    pub fn dither_off(mut self, dither_off: bool) -> Self {
        self.request.options.dither_off = dither_off;
        self
    }

    /// Gives the callback all input, also such as came too late to be answered: what it makes then is dropped, with the
    /// flag `output overflow`. For duplex streams with a callback and block size 0; `open` refuses it for others.
    pub fn never_drop_input(mut self, never_drop_input: bool) -> Self {
        self.request.never_drop_input = never_drop_input;
        self
    }

    /// Asks the callback for what is played before the first input comes, with silent input and the flag `priming
    /// output`, where it would be silence. Means nothing without callback or output.
    ///
    /// Only virtual devices know beforehand how much that will be. With JACK, and in streams without input, nothing comes
    /// before the first block; on other hosts a duplex stream is silent until its input has come.
    pub fn prime_output(mut self, prime_output: bool) -> Self {
        self.request.prime_output = prime_output;
        self
    }

    /// Called for each block, on the audio thread: whatever waits, allocates or takes long is heard as a gap.
    /// If it panics, the stream ends, at once.
    pub fn callback(mut self, mut callback: impl FnMut(&mut Io<'_, I, O>) -> Flow + Send + 'static) -> Self {
        self.hooks.callback = Some(Box::new(Direct(move |call: Call<'_>| {
            let Call { input, output, frames, time, status, .. } = call;
            callback(&mut Io { input: I::view(input), output: O::view_mut(output), frames, time, status })
        })));
        self
    }

    /// Called once at the end of each run, on a control thread, when the last frame has been heard and the device has been
    /// released. All methods of the stream may be called from it.
    pub fn on_finished(mut self, on_finished: impl Fn(Finished) + Send + Sync + 'static) -> Self {
        self.hooks.on_finished = Some(Arc::new(on_finished));
        self
    }

    /// When the device is lost, or another one becomes the default, the stream goes on there: with the same rate, channels and
    /// format, after a gap that is flagged. A device that was asked for by name is looked for first, and is not left as
    /// long as it is there. Where nothing can be had for a second the stream ends as it does otherwise.
    pub fn follow_default(mut self, follow: bool) -> Self {
        self.request.follow = follow;
        self
    }

    /// Called on a control thread when the stream goes on, on this device: see [`follow_default`](Self::follow_default).
    pub fn on_device_changed(mut self, tell: impl Fn(&DeviceInfo) + Send + Sync + 'static) -> Self {
        self.hooks.on_moved = Some(Arc::new(tell));
        self
    }

    /// For bindings: the callback is somebody on another thread, see [`Handoff`]; `ahead` if as many blocks shall be made
    /// ahead as the latency allows.
    #[doc(hidden)]
    pub fn handoff(mut self, handoff: &Arc<Handoff>, ahead: bool) -> Self {
        self.hooks.callback = Some(Box::new(handoff.user()));
        self.hooks.handoff = Some((Arc::clone(handoff), ahead));
        self.request.handoff = true;
        self.request.ahead = ahead;
        self
    }

    /// For bindings: called after each period, on the audio thread.
    #[doc(hidden)]
    pub fn on_period(mut self, on_period: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.on_period = Some(Arc::new(on_period));
        self
    }

    /// Opens the devices; nothing sounds before [`Stream::start`].
    ///
    /// # Errors
    /// `NoSuchDevice`, `AmbiguousDevice`, `InvalidChannels`, `InvalidSampleRate`, `UnsupportedFormat`, `OutOfRange`,
    /// `InvalidFlag`, `IncompatibleSettings`, `DeviceUnavailable`, `TimedOut` after five seconds, `Host`.
    pub fn open(self) -> Result<Stream<I, O>> {
        let parts = resolve(&self.request, self.hooks.callback.is_some())?;
        let follow = self.request.follow.then_some(self.request);
        Ok(Stream::new(Core::open(parts, self.hooks, follow)?))
    }
}
