//! A job without a device: resolved among virtual devices, and driven by hand on the calling thread.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use ringbuf::traits::{Consumer, Producer};

use super::session::voice;
use super::{Command, Core, JobRequest, plan};
use crate::backend::{Clock, OpenSide, Request, StreamInfo};
use crate::device::virtual_devices;
use crate::realtime::voices::{Remote, Voices};
use crate::realtime::{Engine, Flags, Period, Times};

/// `side` makes what would be opened for so many channels. `next` says how long the next period is, and what is asked
/// for before it.
pub(crate) fn rehearse(
    request: JobRequest,
    side: &dyn Fn(u16) -> OpenSide,
    next: &mut dyn FnMut() -> Option<(usize, u8)>,
) {
    let (room, record_frame) =
        request.record.as_ref().map_or((0, 1), |record| (record.samples.len(), record.dtype.bytes() * record.channels));
    let Ok(mut parts) = plan::resolve(request, |_| Ok(virtual_devices())) else {
        return;
    };
    let plan = &parts.plan;
    let asked = Request {
        sample_rate: plan.sample_rate,
        block_size: plan.block_size,
        input: plan.input.as_ref().map(|(_, side)| side.clone()),
        output: plan.output.as_ref().map(|(_, side)| side.clone()),
    };
    let host = plan.output.as_ref().or(plan.input.as_ref()).map(|(located, _)| located.host);
    if host.is_none_or(|host| host.check(&asked).is_err()) {
        return;
    }
    let open = |asked: &Option<crate::backend::Side>| asked.as_ref().map(|asked| side(asked.channels));
    let (input, output) = (open(&asked.input), open(&asked.output));
    let (sample_rate, clock) = (asked.sample_rate, Clock::monotonic());
    let info = StreamInfo { sample_rate, period: 64, tail: 0.0, input, output, clock };
    let (mut engine, Remote { mut incoming, mut ended, .. }) = Voices::new(Arc::default(), parts.options);
    engine.prepare(&info);
    let core = Core::new(Box::new(|_| ()));
    let total = parts.total;
    assert!(incoming.try_push(voice(&mut parts, &core, &info)).is_ok());
    let state = &core.state;
    let bytes = |side: Option<OpenSide>| side.map_or(0, |side| side.format.bytes() * usize::from(side.channels));
    let mut now = 1.0;
    while let Some((frames, action)) = next() {
        match action {
            0 | 1 => state.paused.store(action == 0, Release),
            2 => state.order(Command::Stop),
            3 => state.order(Command::Abort),
            4..64 => state.seek.store(i64::from(action) * 3, Release),
            64 => state.seek.store(i64::MAX, Release),
            _ => {}
        }
        let input: Vec<u8> = (0..frames * bytes(input)).map(|byte| byte as u8 ^ action).collect();
        let mut output = vec![0xaa; frames * bytes(output)];
        let times = Times { adc: now - 0.001, dac: now + 0.002, now };
        engine.process(&mut Period { frames, input: &input, output: &mut output, times, flags: Flags(action) });
        now += frames as f64 / sample_rate;
        let recorded = state.recorded.load(Acquire);
        assert!(state.position.load(Acquire) <= total);
        assert!(recorded as usize * record_frame <= room);
        if ended.try_pop().is_some() {
            return;
        }
    }
}
