//! A stream that goes on elsewhere: its device is lost, or is not the default one any more.
//!
//! All of it happens on the control thread of the device that was lost, which has nothing else to do any more. The run stays
//! what it is: its callback or its rings come home with the old engine and go into the new one.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Core, Phase};
use crate::device::{DeviceEvent, DeviceInfo, DeviceSpecifier, DeviceWatcher, Kind, watch_devices};
use crate::error::{Error, ErrorKind, Result};
use crate::realtime::Loss;
use crate::realtime::command::Command;
use crate::stream::Finished;
use crate::stream::plan::{Request, SideRequest, Target, resolve};

/// How long a device is looked for.
const PATIENCE: Duration = Duration::from_millis(700);
const BETWEEN: Duration = Duration::from_millis(30);

impl Core {
    /// The device of this opening is lost, and released.
    pub(super) fn lost(self: &Arc<Self>, opening: u64, loss: Error) {
        // What the user has refused is refused everywhere.
        if loss.kind() != ErrorKind::PermissionDenied && self.go_on_elsewhere(opening) {
            return;
        }
        let finished = match self.shared.command() {
            _ if self.follow.is_none() => Finished::Failed(loss),
            Command::Run => Finished::Failed(loss),
            Command::Stop => Finished::Stopped,
            Command::Abort => Finished::Aborted,
        };
        // The last attempt to open has a later number.
        let opened = if self.follow.is_some() { self.state().opened } else { opening };
        self.released(opened, finished);
    }

    /// Whether another device has taken over.
    fn go_on_elsewhere(self: &Arc<Self>, opening: u64) -> bool {
        let Some(request) = &self.follow else {
            return false;
        };
        let end = {
            let mut state = self.state();
            if state.opened != opening || state.phase != Phase::Running {
                return false;
            }
            state.handle = None;
            let periods = self.shared.periods();
            match state.moving {
                // The one before has not sounded either.
                Some((end, before)) if before == periods => end,
                _ => {
                    let end = Instant::now() + PATIENCE;
                    state.moving = Some((end, periods));
                    end
                }
            }
        };
        loop {
            if self.state().phase != Phase::Running {
                return false;
            }
            match self.move_once(request) {
                Ok(()) => return true,
                Err(_) if Instant::now() < end => thread::sleep(BETWEEN),
                Err(_) => return false,
            }
        }
    }

    /// What was asked for, as the run has it.
    fn request_as_opened(&self, request: &Request) -> Request {
        let mut request = request.clone();
        request.sample_rate = Some(self.info().sample_rate);
        for (side, opened) in [(&mut request.input, self.settings.input), (&mut request.output, self.settings.output)] {
            if let (Some(side), Some(opened)) = (side, opened)
                && side.map.is_none()
            {
                side.channels = Some(opened.channels);
            }
        }
        request
    }

    /// Where it may go, best first: to the device that was asked for, if it is there again; to the default one, with one side if
    /// not with both; to the one it had.
    fn next_targets(&self, request: &Request) -> impl Iterator<Item = Result<Target>> {
        let request = self.request_as_opened(request);
        let had = self.target();
        let named = move |request: &Request| resolve(request, self.has_callback).map(|parts| parts.target);
        let asked = |side: &Option<SideRequest>| side.as_ref().is_some_and(|side| side.device.is_some());
        let by_name = (asked(&request.input) || asked(&request.output)).then(|| named(&request));
        let duplex = request.input.is_some() && request.output.is_some();
        let stays: &[[bool; 2]] = match (duplex, &by_name) {
            (true, None) => &[[false, false], [false, true], [true, false], [true, true]],
            _ => &[[false, false], [true, true]],
        };
        let with = move |[input, output]: [bool; 2]| {
            let mut request = request.clone();
            for (side, stays, had) in
                [(&mut request.input, input, &had.input), (&mut request.output, output, &had.output)]
            {
                if let Some(side) = side {
                    side.device = had.as_ref().filter(|_| stays).map(DeviceSpecifier::from);
                }
            }
            named(&request)
        };
        let (first, others) = match by_name {
            Some(Ok(target)) => (Some(Ok(target)), &stays[1..]),
            _ => (None, stays),
        };
        first.into_iter().chain(others.iter().map(move |stays| with(*stays)))
    }

    fn move_once(self: &Arc<Self>, request: &Request) -> Result<()> {
        let had = self.devices();
        let mut opened = Err(Error::new(ErrorKind::DeviceLost, "There is no device to go on with"));
        for target in self.next_targets(request) {
            opened = target.and_then(|target| match self.open_device(&target, true) {
                Ok(handle) => Ok((target, handle)),
                Err(error) => {
                    self.refuse(&target, had);
                    Err(error)
                }
            });
            if opened.is_ok() {
                break;
            }
        }
        let (target, handle) = opened?;
        let had = std::mem::replace(&mut *self.target.lock().unwrap_or_else(PoisonError::into_inner), target.clone());
        if handle.start().is_err() {
            // Its own control thread tries the next one.
            self.state().signals.lose(Loss::Device);
            return Ok(());
        }
        // An order that came meanwhile has found nobody to wake.
        handle.wake();
        self.tell_moved(&had, &target);
        // Another change meanwhile was told to the device that has been left.
        if self.follows_default() {
            self.look_for_default();
        }
        Ok(())
    }

    fn tell_moved(&self, had: &Target, has: &Target) {
        let Some(on_moved) = &self.on_moved else {
            return;
        };
        let index = |device: &Option<DeviceInfo>| device.as_ref().map(|device| device.index);
        let output = has.output.as_ref().filter(|_| index(&had.output) != index(&has.output));
        let input = has.input.as_ref().filter(|input| {
            index(&had.input) != Some(input.index) && output.is_none_or(|output| output.index != input.index)
        });
        let mut told = [output, input].into_iter().flatten().peekable();
        if told.peek().is_none() {
            return has.output.as_ref().or(has.input.as_ref()).into_iter().for_each(|device| on_moved(device));
        }
        told.for_each(|device| on_moved(device));
    }

    /// It is not tried again for being the default one.
    fn refuse(&self, target: &Target, (input, output): (usize, usize)) {
        let index = |device: &Option<DeviceInfo>| device.as_ref().map(|device| device.index);
        let sides = [(index(&target.input), input), (index(&target.output), output)];
        for (refused, (tried, had)) in self.refused().iter_mut().zip(sides) {
            *refused = tried.filter(|tried| *tried != had).or(*refused);
        }
    }

    fn refused(&self) -> MutexGuard<'_, [Option<usize>; 2]> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watcher(&self) -> MutexGuard<'_, Option<DeviceWatcher>> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a side of it is on the default device, and goes where that is.
    fn follows_default(&self) -> bool {
        let asks = |side: &Option<SideRequest>| side.as_ref().is_some_and(|side| side.device.is_none());
        self.follow.as_ref().is_some_and(|request| asks(&request.input) || asks(&request.output))
    }

    /// While it runs, hears of other default devices.
    pub(super) fn watch_default(self: &Arc<Self>) {
        if !self.follows_default() {
            return;
        }
        let core = Arc::downgrade(self);
        // Listing takes its time, which the start has no use for. Without a thread for it only losses are followed.
        let body = move || {
            let told = core.clone();
            let watcher = watch_devices(move |event| {
                if let (Some(core), DeviceEvent::DefaultChanged { kind, device: Some(device) }) =
                    (told.upgrade(), event)
                {
                    core.default_is(kind, &device);
                }
            });
            let Some(core) = core.upgrade() else { return };
            let runs = core.active();
            *core.watcher() = watcher.ok().filter(|_| runs);
            if !core.active() {
                *core.watcher() = None;
            }
            // Whatever changed before it listened.
            core.look_for_default();
        };
        let _ = thread::Builder::new().name("sound follow".into()).spawn(body);
    }

    fn look_for_default(&self) {
        let Ok(devices) = crate::device::devices() else { return };
        for kind in [Kind::Input, Kind::Output] {
            if let Some(device) = devices.default_device(kind) {
                self.default_is(kind, device);
            }
        }
    }

    /// Leaves a device that is not the default one, for one that takes what there is.
    fn default_is(&self, kind: Kind, device: &DeviceInfo) {
        let (input, output) = self.devices();
        let side = |request: &Request| match kind {
            Kind::Input => (request.input.clone(), input),
            Kind::Output => (request.output.clone(), output),
        };
        let Some((Some(side), has)) = self.follow.as_ref().map(side) else {
            return;
        };
        let refused = {
            let refused = &mut self.refused()[kind as usize];
            *refused = refused.filter(|refused| *refused == device.index);
            refused.is_some()
        };
        if side.device.is_some() || has == device.index || refused || !self.fits(kind, device) {
            return;
        }
        let state = self.state();
        if state.phase == Phase::Running {
            state.signals.lose(Loss::Device);
        }
    }

    /// Whether it would go there: what can be known without opening anything.
    fn fits(&self, kind: Kind, device: &DeviceInfo) -> bool {
        let side = |target: Target| match kind {
            Kind::Input => target.input,
            Kind::Output => target.output,
        };
        let goes = |target: Result<Target>| target.ok().and_then(side).is_some_and(|goes| goes.index == device.index);
        self.follow.as_ref().is_some_and(|request| self.next_targets(request).any(goes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{ErrorKind, Stream, virtual_host};

    /// Where the user may refuse it nothing but virtual devices can be tested: it is said for one of them.
    #[test]
    fn an_input_that_the_user_has_refused_ends_and_does_not_follow() {
        for follows in [false, true] {
            let device = virtual_host().device().manual_clock().create().expect("a device");
            let (told, ends) = mpsc::channel();
            let stream = Stream::input::<f32>().device(&device).follow_default(follows);
            let stream = stream.on_finished(move |finished| drop(told.send(finished))).open().expect("it opens");
            stream.start().expect("it starts");
            stream.core.state().signals.lose(Loss::Permission);
            let end = ends.recv_timeout(Duration::from_secs(20)).expect("it ends");
            let Finished::Failed(error) = end else { panic!("{end:?}") };
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(!stream.active());
            let refused = stream.read(&mut [0.0; 2]).expect_err("it has ended");
            assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
            stream.start().expect("asked again, the system may say something else");
        }
    }
}
