//! What was asked for → what will be opened. Every check that concerns more than one value is here.

use super::Where;
use crate::backend::Side;
use crate::control::Plan;
use crate::device::{DeviceInfo, DeviceSpecifier, Devices, Kind};
use crate::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::memory::Samples;
use crate::realtime::convert::ConvertOptions;
use crate::realtime::voices::Repeat;
use crate::settings::HostSettings;

/// How much the device may buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// The device's own low figure.
    Low,
    /// The device's own high figure.
    High,
    /// Seconds, 0 or more; a target for the whole buffer.
    Seconds(f64),
}

/// A range of frames that is heard several times; then the rest of the data plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loop {
    /// The first frame.
    pub start: u64,
    /// The frame after the last one.
    pub end: u64,
    /// How often the range is heard; `None` is for ever.
    pub count: Option<u64>,
}

/// What is played.
#[derive(Debug)]
pub struct Play {
    /// Interleaved.
    pub samples: Samples,
    /// Of the samples.
    pub dtype: Dtype,
    /// Columns of the data.
    pub channels: usize,
    /// Where to.
    pub device: Where,
    /// For each column the output channel, from 1, each at most once; one column goes to all of them.
    pub mapping: Option<Vec<u32>>,
    /// How much to queue.
    pub latency: Latency,
    /// Of the device's host API.
    pub settings: Option<HostSettings>,
    /// What to repeat.
    pub repeat: Option<Loop>,
}

/// What is recorded.
#[derive(Debug)]
pub struct Record {
    /// Filled from its beginning; its length says how much.
    pub samples: Samples,
    /// Of the samples.
    pub dtype: Dtype,
    /// Columns of the data.
    pub channels: usize,
    /// Where from.
    pub device: Where,
    /// For each column the input channel, from 1.
    pub mapping: Option<Vec<u32>>,
    /// How much the device may buffer.
    pub latency: Latency,
    /// Of the device's host API.
    pub settings: Option<HostSettings>,
}

/// A job to open. At least one of `play` and `record` is there.
#[derive(Debug)]
pub struct JobRequest {
    /// What is played.
    pub play: Option<Play>,
    /// What is recorded.
    pub record: Option<Record>,
    /// Hertz; the device's own where none is given.
    pub sample_rate: Option<f64>,
    /// Frames per block; 0 as the host likes.
    pub block_size: u32,
    /// Do not count clipped samples.
    pub clip_off: bool,
    /// Do not dither.
    pub dither_off: bool,
    /// Mix into a running stream where there is one that fits.
    pub overlap: bool,
    /// Take the round trip out of the recording.
    pub align: bool,
}

/// Source channel, destination channel, both from 0.
type Routes = Vec<(usize, usize)>;

/// What will be opened, and what will go through it.
pub(super) struct Parts {
    pub plan: Plan,
    pub devices: (usize, usize),
    pub play: Option<(Play, Routes, Option<Repeat>)>,
    pub record: Option<(Record, Routes)>,
    pub options: ConvertOptions,
    pub overlap: bool,
    pub align: bool,
    pub total: u64,
    pub empty: bool,
}

/// The devices are asked for, with those that are named, once all is checked that can be checked without them.
pub(super) fn resolve(
    request: JobRequest,
    devices: impl FnOnce([Option<&DeviceSpecifier>; 2]) -> Result<Devices>,
) -> Result<Parts> {
    let JobRequest { play, record, sample_rate, block_size, .. } = request;
    let play_routes = play.as_ref().map(check_output_mapping).transpose()?;
    let record_routes = record.as_ref().map(check_input_mapping).transpose()?;
    let repeat = play.as_ref().map(check_repeat).transpose()?.flatten();
    for latency in [play.as_ref().map(|p| p.latency), record.as_ref().map(|r| r.latency)].into_iter().flatten() {
        check_latency(latency)?;
    }
    let wanted = match (&play, &record) {
        (Some(play), Some(record)) => [play.device.as_ref(), record.device.as_ref()],
        (Some(Play { device, .. }), None) | (None, Some(Record { device, .. })) => [device.as_ref(); 2],
        (None, None) => [None; 2],
    };
    let devices = devices(wanted)?;
    let output = play.as_ref().map(|play| devices.resolve(play.device.as_ref(), Kind::Output)).transpose()?;
    let input = record.as_ref().map(|record| devices.resolve(record.device.as_ref(), Kind::Input)).transpose()?;
    let sample_rate = rate(sample_rate, input, output)?;
    let mut plan = Plan { sample_rate, block_size, input: None, output: None };
    let mut parts_play = None;
    if let (Some(play), Some(device), Some(explicit)) = (play, output, play_routes) {
        let (routes, channels) = output_routes(&play, device, explicit);
        let mut side = side(device, Kind::Output, channels, play.dtype, play.latency, play.settings.as_ref())?;
        let located = devices.located(device.index)?;
        side.key.clone_from(&located.key);
        plan.output = Some((located, side));
        parts_play = Some((play, routes, repeat));
    }
    let mut parts_record = None;
    if let (Some(record), Some(device), Some(explicit)) = (record, input, record_routes) {
        let routes = explicit.unwrap_or_else(|| (0..record.channels).map(|channel| (channel, channel)).collect());
        let channels = routes.iter().map(|route| route.0 + 1).max().unwrap_or(0);
        let mut side = side(device, Kind::Input, channels, record.dtype, record.latency, record.settings.as_ref())?;
        let located = devices.located(device.index)?;
        side.key.clone_from(&located.key);
        plan.input = Some((located, side));
        parts_record = Some((record, routes));
    }
    let frames =
        |samples: &Samples, dtype: Dtype, channels: usize| (samples.len() / (dtype.bytes() * channels).max(1)) as u64;
    let played = parts_play.as_ref().map(|(play, _, repeat)| {
        crate::realtime::voices::total(frames(&play.samples, play.dtype, play.channels), *repeat)
    });
    let recorded = parts_record.as_ref().map(|(record, _)| frames(&record.samples, record.dtype, record.channels));
    let total = played.or(recorded).unwrap_or(0);
    Ok(Parts {
        plan,
        devices: (input.map_or(0, |device| device.index), output.map_or(0, |device| device.index)),
        play: parts_play,
        record: parts_record,
        options: ConvertOptions { clip_off: request.clip_off, dither_off: request.dither_off },
        overlap: request.overlap,
        align: request.align,
        total,
        empty: played.unwrap_or(0) == 0 && recorded.unwrap_or(0) == 0,
    })
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgValue, message)
}

/// Routes from columns to channels, if a mapping says them.
fn check_output_mapping(play: &Play) -> Result<Option<Vec<(usize, usize)>>> {
    let Some(mapping) = &play.mapping else {
        return Ok(None);
    };
    check_numbers(mapping)?;
    for (position, channel) in mapping.iter().enumerate() {
        if mapping[..position].contains(channel) {
            return Err(invalid(format!("each channel may only appear once in mapping, got {mapping:?}")));
        }
    }
    let mono = play.channels == 1;
    if !mono && mapping.len() != play.channels {
        let message = format!(
            "number of output channels != size of output mapping: the data has {} channels, the mapping {}",
            play.channels,
            mapping.len()
        );
        return Err(invalid(message));
    }
    let column = |position: usize| if mono { 0 } else { position };
    Ok(Some(mapping.iter().enumerate().map(|(position, channel)| (column(position), *channel as usize - 1)).collect()))
}

fn check_input_mapping(record: &Record) -> Result<Option<Vec<(usize, usize)>>> {
    let Some(mapping) = &record.mapping else {
        return Ok(None);
    };
    check_numbers(mapping)?;
    if mapping.len() != record.channels {
        let message = format!(
            "number of input channels != size of input mapping: {} channels are to be recorded, the mapping has {}",
            record.channels,
            mapping.len()
        );
        return Err(invalid(message));
    }
    Ok(Some(mapping.iter().enumerate().map(|(position, channel)| (*channel as usize - 1, position)).collect()))
}

fn check_numbers(mapping: &[u32]) -> Result<()> {
    if mapping.is_empty() {
        return Err(invalid("mapping must name at least one channel, got []"));
    }
    if mapping.contains(&0) {
        return Err(invalid(format!("channel numbers must not be < 1, got {mapping:?}")));
    }
    Ok(())
}

fn check_repeat(play: &Play) -> Result<Option<Repeat>> {
    let Some(Loop { start, end, count }) = play.repeat else {
        return Ok(None);
    };
    let frames = (play.samples.len() / (play.dtype.bytes() * play.channels).max(1)) as u64;
    if frames == 0 {
        return Err(invalid("empty data cannot be looped: expected at least one frame, got 0"));
    }
    if start >= end || end > frames {
        let message = format!("loop must be a range of frames within 0 to {frames}, got start {start}, end {end}");
        return Err(Error::new(ErrorKind::OutOfRange, message));
    }
    if count == Some(0) {
        return Err(Error::new(ErrorKind::OutOfRange, "loop.count must be at least 1, got 0"));
    }
    Ok(Some(Repeat { start, end, count: count.unwrap_or(u64::MAX) }))
}

pub(crate) fn check_latency(latency: Latency) -> Result<()> {
    match latency {
        Latency::Seconds(seconds) if !(0.0..=60.0).contains(&seconds) => {
            Err(Error::new(ErrorKind::OutOfRange, format!("latency must be from 0 to 60 seconds, got {seconds}")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn rate(asked: Option<f64>, input: Option<&DeviceInfo>, output: Option<&DeviceInfo>) -> Result<f64> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidSampleRate, message));
    match (asked, input, output) {
        (Some(rate), ..) if rate.is_finite() && rate > 0.0 => Ok(rate),
        (Some(rate), ..) => invalid(format!("Invalid sample rate: expected Hertz above 0, got {rate}")),
        (None, Some(input), Some(output)) if input.default_sample_rate != output.default_sample_rate => {
            invalid(format!(
                "Input and output device must have the same sample rate: '{}' has {} Hz, '{}' has {} Hz; say which with sampleRate",
                input.name, input.default_sample_rate, output.name, output.default_sample_rate
            ))
        }
        (None, input, output) => Ok(output.or(input).map_or(0.0, |device| device.default_sample_rate)),
    }
}

/// Routes and channels to open: as mapped, else mono to up to two channels, else one to one.
fn output_routes(
    play: &Play,
    device: &DeviceInfo,
    explicit: Option<Vec<(usize, usize)>>,
) -> (Vec<(usize, usize)>, usize) {
    let chosen = play.settings.as_ref().and_then(HostSettings::channels);
    let most = chosen.unwrap_or(device.max_output_channels.into());
    if let Some(routes) = explicit {
        let channels = routes.iter().map(|route| route.1 + 1).max().unwrap_or(0);
        // Some systems play a single channel on both sides: a second, silent one keeps it where it was put.
        let channels = if channels == 1 && most >= 2 { 2 } else { channels };
        return (routes, channels);
    }
    if play.channels == 1 {
        let channels = most.clamp(1, 2);
        return ((0..channels).map(|channel| (0, channel)).collect(), channels);
    }
    ((0..play.channels).map(|channel| (channel, channel)).collect(), play.channels)
}

pub(crate) fn side(
    device: &DeviceInfo,
    kind: Kind,
    channels: usize,
    dtype: Dtype,
    latency: Latency,
    settings: Option<&HostSettings>,
) -> Result<Side> {
    settings.map_or(Ok(()), |settings| settings.check(device, channels))?;
    let most = device.max_channels(kind);
    let channels = u16::try_from(channels).ok().filter(|channels| (1..=most).contains(channels)).ok_or_else(|| {
        let message =
            format!("Invalid number of channels: '{}' has {most} {kind} channels, got {channels}", device.name);
        Error::new(ErrorKind::InvalidChannels, message)
    })?;
    let latency = match (latency, kind) {
        (Latency::Seconds(seconds), _) => seconds,
        (Latency::Low, Kind::Input) => device.default_low_input_latency,
        (Latency::Low, Kind::Output) => device.default_low_output_latency,
        (Latency::High, Kind::Input) => device.default_high_input_latency,
        (Latency::High, Kind::Output) => device.default_high_output_latency,
    };
    Ok(Side { key: String::new(), channels, dtype, latency, settings: settings.cloned() })
}
