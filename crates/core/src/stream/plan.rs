//! What was asked for → what will be opened. Every check that concerns more than one value is here.

use crate::backend::Side;
use crate::control::Plan;
use crate::device::{DeviceInfo, DeviceSpecifier, Kind, devices};
use crate::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::job::{Latency, check_latency, rate, side};
use crate::realtime::convert::ConvertOptions;
use crate::realtime::stream::{Settings, UserSide};

/// The longest block, in frames.
const LONGEST: u32 = 1 << 20;

/// One direction.
#[derive(Debug, Clone)]
pub(crate) struct SideRequest {
    pub dtype: Dtype,
    pub device: Option<DeviceSpecifier>,
    pub channels: Option<usize>,
    pub latency: Latency,
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
}

pub(crate) struct Parts {
    pub plan: Plan,
    pub settings: Settings,
    pub devices: (usize, usize),
}

pub(crate) fn resolve(request: &Request, has_callback: bool) -> Result<Parts> {
    for side in [&request.input, &request.output].into_iter().flatten() {
        check_latency(side.latency)?;
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
    let devices = devices()?;
    let find = |side: &Option<SideRequest>, kind| -> Result<Option<&DeviceInfo>> {
        side.as_ref().map(|side| devices.resolve(side.device.as_ref(), kind)).transpose()
    };
    let input = find(&request.input, Kind::Input)?;
    let output = find(&request.output, Kind::Output)?;
    let sample_rate = rate(request.sample_rate, input, output)?;
    let open = |asked: &Option<SideRequest>, device: Option<&DeviceInfo>, kind: Kind| {
        let Some((asked, device)) = asked.as_ref().zip(device) else {
            return Ok((None, None));
        };
        let channels = asked.channels.unwrap_or_else(|| device.max_channels(kind).into());
        let mut side: Side = side(device, kind, channels, asked.dtype, asked.latency)?;
        let located = devices.located(device.index)?;
        side.key.clone_from(&located.key);
        let user = UserSide { dtype: asked.dtype, channels, latency: side.latency };
        let low = device.default_low_output_latency;
        if request.ahead && kind == Kind::Output && low > 0.0 {
            side.latency = side.latency.min(low);
        }
        Ok((Some((located, side)), Some(user)))
    };
    let (input_side, input_user) = open(&request.input, input, Kind::Input)?;
    let (output_side, output_user) = open(&request.output, output, Kind::Output)?;
    let index = |device: Option<&DeviceInfo>| device.map_or(0, |device| device.index);
    Ok(Parts {
        plan: Plan { sample_rate, block_size: request.block_size, input: input_side, output: output_side },
        settings: Settings {
            input: input_user,
            output: output_user,
            block: request.block_size as usize,
            options: request.options,
            prime_output: request.prime_output,
            never_drop_input: request.never_drop_input,
            fixed: request.handoff,
        },
        devices: (index(input), index(output)),
    })
}
