//! What PortAudio is asked for.

use std::ffi::{c_int, c_ulong};
use std::ptr;

use super::library::{ALSA, FLOAT32, INT16, INT24, INT32, JACK, OSS, OTHER_SETTINGS, PULSE_AUDIO, StreamParameters};
use super::session::Session;
use super::specific::Specific;
use crate::backend::{Request, Side};
use crate::dtype::{Dtype, Format};
use crate::error::Result;

/// Frames; the shortest and the longest period that is chosen here.
const PERIODS: (u32, u32) = (64, 4096);

/// A request in PortAudio's words.
pub(super) struct Parameters {
    pub input: Option<StreamParameters>,
    pub output: Option<StreamParameters>,
    /// What the two point to.
    specific: [Option<Specific>; 2],
    pub rate: f64,
    /// 0 where PortAudio is to choose.
    pub period: u32,
    /// What is refused, if it is.
    what: String,
}

impl Parameters {
    /// Finds the devices: on PortAudio's thread.
    pub(super) fn new(session: &mut Session, kind: c_int, request: &Request) -> Result<Self> {
        session.begin()?;
        let sides = || [&request.input, &request.output].into_iter().flatten();
        // Plugged in since PortAudio has looked.
        if sides().any(|side| session.device(kind, &side.key).is_err()) {
            session.refresh()?;
        }
        let side = |side: &Option<Side>| {
            let Some(side) = side else { return Ok(None) };
            let (device, record) = session.device(kind, &side.key)?;
            // ALSA's plugins mix two channels where one is recorded: there the engine takes the first of both itself.
            let mixed = kind == ALSA
                && request.input.as_ref().is_some_and(|input| ptr::eq(side, input))
                && record.max_input_channels > 1;
            Ok(Some(StreamParameters {
                device,
                channels: if mixed { side.channels.max(2) } else { side.channels }.into(),
                format: format(kind, side.dtype).0,
                latency: side.latency,
                specific: ptr::null_mut(),
            }))
        };
        let (mut input, mut output) = (side(&request.input)?, side(&request.output)?);
        let version = session.library.number();
        let specific = |side: &Option<Side>, parameters: &mut Option<StreamParameters>| {
            let Some((settings, parameters)) =
                side.as_ref().and_then(|side| side.settings.as_ref()).zip(parameters.as_mut())
            else {
                return Ok(None);
            };
            let mut specific = Specific::new(settings, version)?;
            parameters.specific = specific.pointer();
            Ok(Some(specific))
        };
        let specific = [specific(&request.input, &mut input)?, specific(&request.output, &mut output)?];
        let opened = |side: &Side| format!("'{}' with {} channels", side.key, side.channels);
        let what = sides().map(opened).collect::<Vec<_>>().join(" and ");
        Ok(Self {
            input,
            output,
            specific,
            rate: request.sample_rate,
            period: period(kind, request),
            what: format!("{what} cannot be opened at {} Hz", request.sample_rate),
        })
    }

    pub(super) fn input(&self) -> *const StreamParameters {
        self.input.as_ref().map_or(ptr::null(), ptr::from_ref)
    }

    pub(super) fn output(&self) -> *const StreamParameters {
        self.output.as_ref().map_or(ptr::null(), ptr::from_ref)
    }

    /// Whether PortAudio could open it: on its thread.
    pub(super) fn check(&mut self, session: &Session) -> Result<()> {
        // SAFETY: initialised; the parameters live through the call.
        let ask =
            |this: &Self| unsafe { (session.library.is_format_supported)(this.input(), this.output(), this.rate) };
        let code = self.attempt(ask);
        self.done(session, code)
    }

    /// Makes a call with them, and once more with structures of older versions of PortAudio if it does not know these.
    pub(super) fn attempt(&mut self, mut call: impl FnMut(&Self) -> c_int) -> c_int {
        let code = call(self);
        if code != OTHER_SETTINGS {
            return code;
        }
        let older = self.specific.iter_mut().flatten().map(Specific::age).filter(|aged| *aged).count() > 0;
        if older { call(self) } else { code }
    }

    /// What came of opening it.
    pub(super) fn done(&self, session: &Session, code: c_int) -> Result<()> {
        session.done(&self.what, code)
    }
}

/// The format that PortAudio is asked for: the user's own, which it need not convert, or one that holds it.
pub(super) fn format(kind: c_int, dtype: Dtype) -> (c_ulong, Format) {
    let dtype = match dtype {
        // All there is: PortAudio would convert, and not as we do.
        _ if kind == JACK => Dtype::F32,
        Dtype::F64 => Dtype::F32,
        // Servers behind a device do not agree on what eight bits are.
        Dtype::I8 | Dtype::U8 => Dtype::I16,
        other => other,
    };
    let format = match dtype {
        Dtype::F64 | Dtype::F32 => FLOAT32,
        Dtype::I32 => INT32,
        Dtype::I24 => INT24,
        Dtype::I16 | Dtype::I8 | Dtype::U8 => INT16,
    };
    (format, Format::Packed(dtype))
}

/// Frames of a period: as asked for, else a part of the latency; 0 where the system has its own.
fn period(kind: c_int, request: &Request) -> u32 {
    if ![ALSA, OSS, PULSE_AUDIO].contains(&kind) {
        return 0;
    }
    let (least, most) = PERIODS;
    let latencies = [&request.input, &request.output].into_iter().flatten().map(|side| side.latency);
    // Of what is captured alone PortAudio takes two of them at a time; and whoever joins it waits for as much.
    let parts = if request.output.is_none() { 4.0 } else { 2.0 };
    let part = latencies.fold(f64::INFINITY, f64::min) * request.sample_rate / parts;
    let own = (part.clamp(f64::from(least), f64::from(most)) as u32 + 1).next_power_of_two() / 2;
    match request.block_size {
        block if (least..=own.max(least)).contains(&block) => block,
        _ => own.max(least),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(latency: f64, block_size: u32) -> Request {
        let side = Side { key: String::new(), channels: 2, dtype: Dtype::F32, latency, settings: None };
        Request { sample_rate: 48_000.0, block_size, input: None, output: Some(side) }
    }

    fn capture(latency: f64) -> Request {
        let played = request(latency, 0);
        Request { input: played.output, output: None, ..played }
    }

    #[test]
    fn periods_are_blocks_or_powers_of_two_of_a_part_of_the_latency() {
        assert_eq!(period(ALSA, &request(0.00868, 0)), 128);
        assert_eq!(period(ALSA, &request(0.0348, 0)), 512);
        assert_eq!(period(ALSA, &request(0.0348, 100)), 100);
        assert_eq!(period(ALSA, &request(0.00868, 1000)), 128);
        assert_eq!(period(ALSA, &request(0.0, 0)), 64);
        assert_eq!(period(ALSA, &request(3600.0, 0)), 4096);
        assert_eq!(period(ALSA, &capture(0.00868)), 64);
        assert_eq!(period(ALSA, &capture(0.0348)), 256);
        assert_eq!(period(JACK, &request(0.01, 256)), 0);
    }

    #[test]
    fn formats_are_the_users_own_where_portaudio_has_them() {
        assert_eq!(format(ALSA, Dtype::I24), (INT24, Format::Packed(Dtype::I24)));
        assert_eq!(format(ALSA, Dtype::U8), (INT16, Format::Packed(Dtype::I16)));
        assert_eq!(format(ALSA, Dtype::F64), (FLOAT32, Format::Packed(Dtype::F32)));
        assert_eq!(format(JACK, Dtype::I16), (FLOAT32, Format::Packed(Dtype::F32)));
    }
}
