//! What was asked for → what will be opened. Every check that concerns more than one value is here.

use crate::backend::Side;
use crate::channel::{self, Channel};
use crate::control::Plan;
use crate::device::{DeviceInfo, DeviceSpecifier, Kind, devices_for};
use crate::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::job::{Latency, check_latency, rate, side};
use crate::realtime::convert::ConvertOptions;
use crate::realtime::stream::{Routes, Settings, UserSide};
use crate::settings::HostSettings;

/// The longest block, in frames.
const LONGEST: u32 = 1 << 20;
/// Seconds that reading and writing may hold.
const LONGEST_HOLD: f64 = 60.0;

/// One direction.
#[derive(Debug, Clone)]
pub(crate) struct SideRequest {
    pub dtype: Dtype,
    pub device: Option<DeviceSpecifier>,
    pub channels: Option<usize>,
    /// Instead of a number: which ones.
    pub map: Option<Vec<Channel>>,
    pub latency: Latency,
    pub settings: Option<HostSettings>,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub input: Option<SideRequest>,
    pub output: Option<SideRequest>,
    pub sample_rate: Option<f64>,
    pub block_size: u32,
    pub options: ConvertOptions,
    pub never_drop_input: bool,
    pub prime_output: bool,
    /// The callback is on another thread.
    pub handoff: bool,
    /// Some of the latency is for blocks that are made ahead.
    pub ahead: bool,
    /// Seconds that reading and writing hold; none where the latency says.
    pub hold: Option<f64>,
    /// Where the device is lost, the default one takes its place.
    pub follow: bool,
}

pub(crate) struct Parts {
    pub target: Target,
    pub settings: Settings,
}

/// What is opened for a stream, and where its columns go: another one when it moves.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub plan: Plan,
    pub routes: Routes,
    pub input: Option<DeviceInfo>,
    pub output: Option<DeviceInfo>,
}

pub(crate) fn resolve(request: &Request, has_callback: bool) -> Result<Parts> {
    for side in [&request.input, &request.output].into_iter().flatten() {
        check_latency(side.latency)?;
        channel::check(side.map.as_deref().unwrap_or_default())?;
    }
    if request.block_size > LONGEST {
        let message = format!("blockSize must be from 0 to {LONGEST} frames, got {}", request.block_size);
        return Err(Error::new(ErrorKind::OutOfRange, message));
    }
    let duplex = request.input.is_some() && request.output.is_some();
    if request.never_drop_input && !(duplex && has_callback && request.block_size == 0) {
        let message = "Invalid flag: neverDropInput needs a duplex stream with a callback and blockSize 0";
        return Err(Error::new(ErrorKind::InvalidFlag, message));
    }
    if let Some(hold) = request.hold.filter(|hold| !(0.0..=LONGEST_HOLD).contains(hold)) {
        let message = format!("The buffer must be from 0 to {LONGEST_HOLD} s, got {hold}");
        return Err(Error::new(ErrorKind::OutOfRange, message));
    }
    let wanted = [&request.input, &request.output].into_iter().flatten();
    let devices = devices_for(wanted.map(|side| side.device.as_ref()))?;
    let find = |side: &Option<SideRequest>, kind| -> Result<Option<&DeviceInfo>> {
        side.as_ref().map(|side| devices.resolve(side.device.as_ref(), kind)).transpose()
    };
    let input = find(&request.input, Kind::Input)?;
    let output = find(&request.output, Kind::Output)?;
    let sample_rate = rate(request.sample_rate, input, output)?;
    let open = |asked: &Option<SideRequest>, device: Option<&DeviceInfo>, kind: Kind| {
        let Some((asked, device)) = asked.as_ref().zip(device) else {
            return Ok((None, None, None));
        };
        let located = devices.located(device.index)?;
        let most = usize::from(device.max_channels(kind));
        let picks = match &asked.map {
            None => None,
            Some(map) => {
                let places = || located.host.places(&located.key, kind == Kind::Input);
                Some(channel::picks(map, &device.name, most, places)?)
            }
        };
        let channels = match &picks {
            Some(picks) => channel::needed(picks, most),
            None => {
                let chosen = || asked.settings.as_ref().and_then(HostSettings::channels);
                asked.channels.or_else(chosen).unwrap_or(most)
            }
        };
        let mut side: Side = side(device, kind, channels, asked.dtype, asked.latency, asked.settings.as_ref())?;
        side.key.clone_from(&located.key);
        let columns = picks.as_ref().map_or(channels, Vec::len);
        let user = UserSide { dtype: asked.dtype, channels: columns, latency: side.latency };
        let low = device.default_low_output_latency;
        if request.ahead && kind == Kind::Output && low > 0.0 {
            side.latency = side.latency.min(low);
        }
        Ok((Some((located, side)), Some(user), picks.map(|picks| (picks, channels))))
    };
    let (input_side, input_user, input_picks) = open(&request.input, input, Kind::Input)?;
    let (output_side, output_user, output_picks) = open(&request.output, output, Kind::Output)?;
    Ok(Parts {
        target: Target {
            plan: Plan { sample_rate, block_size: request.block_size, input: input_side, output: output_side },
            routes: Routes { input: input_picks, output: output_picks },
            input: input.cloned(),
            output: output.cloned(),
        },
        settings: Settings {
            input: input_user,
            output: output_user,
            block: request.block_size as usize,
            options: request.options,
            prime_output: request.prime_output,
            never_drop_input: request.never_drop_input,
            fixed: request.handoff,
            hold: request.hold,
        },
    })
}
