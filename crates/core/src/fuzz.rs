//! What fuzzing runs: each function takes any bytes and panics where something does not hold. The targets in `fuzz/` and
//! the property tests here call the same ones.

mod bytes;
#[cfg(test)]
mod test;

use crate::backend::OpenSide;
use crate::convert::{ConvertOptions, Counts, convert};
use crate::device::{DeviceInfo, Devices, Kind};
use crate::dtype::{Dtype, Format};
use crate::error::ErrorKind;
use crate::job::{JobRequest, Latency, Loop, Play, Record};
use crate::memory::Samples;
use crate::realtime::block::{Place, Reblock, Shape};
use crate::realtime::mapping::Transfer;
use crate::stream::Flow;
use crate::{DeviceSpecifier, wav};
use bytes::Bytes;

/// Whole buffers: refused where the lengths do not agree; without dither every sample becomes what it becomes alone.
pub fn conversion(data: &[u8]) {
    let mut data = Bytes::new(data);
    let (from, to) = (data.one_of(&Dtype::ALL), data.one_of(&Dtype::ALL));
    let channels = data.below(9);
    let options = ConvertOptions { clip_off: data.flag(), dither_off: data.flag() };
    let wrong = if data.below(8) == 0 { 1 } else { 0 };
    let src = data.rest();
    let samples = src.len() / from.bytes();
    let mut dst = vec![0xa5; samples * to.bytes() + wrong];
    let fits = wrong == 0 && src.len().is_multiple_of(from.bytes()) && channels > 0 && samples.is_multiple_of(channels);
    let result = convert(src, from, &mut dst, to, channels, options);
    let Ok(counts) = result else {
        assert!(!fits && result.is_err_and(|error| error.kind() == ErrorKind::InvalidArgValue));
        return;
    };
    assert!(fits, "{} bytes of {from} in {channels} channels were taken", src.len());
    assert!(counts.nan <= samples as u64 && counts.clipped <= samples as u64);
    if from == to {
        assert_eq!(src, dst);
    }
    if options.dither_off {
        let mut sum = Counts::default();
        for (one, whole) in src.chunks(from.bytes()).zip(dst.chunks(to.bytes())) {
            let mut alone = vec![0; to.bytes()];
            let found = convert(one, from, &mut alone, to, 1, options).expect("one sample");
            assert!(alone == whole || is_nan(whole, to), "{from} {one:?} to {to}: {whole:?}, alone {alone:?}");
            sum.nan += found.nan;
            sum.clipped += found.clipped;
        }
        assert_eq!(sum, counts);
    }
}

fn is_nan(sample: &[u8], dtype: Dtype) -> bool {
    match (dtype, sample.try_into(), sample.try_into()) {
        (Dtype::F32, Ok(bytes), _) => f32::from_ne_bytes(bytes).is_nan(),
        (Dtype::F64, _, Ok(bytes)) => f64::from_ne_bytes(bytes).is_nan(),
        _ => false,
    }
}

/// Any routes between any formats, over buffers of any length: every destination channel is its source's, converted
/// alone, or silence; what is beyond the frames asked for is not touched.
pub fn mapping(data: &[u8]) {
    let mut data = Bytes::new(data);
    let (from, to) = (data.one_of(&Format::ALL), data.one_of(&Format::ALL));
    let (from_channels, to_channels) = (data.below(6), data.below(6));
    let routes: Vec<(usize, usize)> = (0..data.below(10)).map(|_| (data.below(7), data.below(7))).collect();
    let (frames, room) = (data.below(40), data.below(40));
    let odd = data.below(3);
    let src = data.rest();
    let (from_frame, to_frame) = (from.bytes() * from_channels, to.bytes() * to_channels);
    let mut dst = vec![0xa5; room * to_frame + odd];
    let options = ConvertOptions { clip_off: false, dither_off: true };
    let mut counts = Counts::default();
    Transfer::new(from, from_channels, to, to_channels, routes.clone(), options).run(
        src,
        &mut dst,
        frames,
        &mut counts,
    );
    // Odd bytes may be a frame too.
    let wanted = frames.min(dst.len().checked_div(to_frame).unwrap_or(0));
    assert!(dst[wanted * to_frame..].iter().all(|byte| *byte == 0xa5));
    let there = src.len().checked_div(from_frame).unwrap_or(0);
    for frame in 0..if to_frame == 0 { 0 } else { wanted } {
        for channel in 0..to_channels {
            let origin = routes.iter().rev().find(|route| route.1 == channel && route.0 < from_channels);
            let got = &dst[frame * to_frame + channel * to.bytes()..][..to.bytes()];
            let expected = match origin {
                Some((source, _)) if frame < there => {
                    let sample = &src[frame * from_frame + source * from.bytes()..][..from.bytes()];
                    let mut alone = vec![0; to.bytes()];
                    Transfer::identity(from, 1, to, 1, options).run(sample, &mut alone, 1, &mut Counts::default());
                    alone
                }
                _ => vec![to.silence(); to.bytes()],
            };
            let nan = matches!(to, Format::Packed(dtype) if is_nan(got, dtype));
            // What is above the 24 bits is copied or made anew.
            let (got, expected) =
                if from == to && to == Format::I24In32 { (&got[..3], &expected[..3]) } else { (got, &expected[..]) };
            assert!(got == expected || nan, "frame {frame}, channel {channel}: {got:?}, not {expected:?}");
        }
    }
}

/// Any text among devices of any names: what is found fits, and where nothing is found nothing fits.
pub fn find(data: &[u8]) {
    let mut data = Bytes::new(data);
    let mut infos = Vec::new();
    for index in 0..data.below(6) {
        let host_api_name = data.one_of(&["ALSA", "JACK", "Virtual"]);
        let (inputs, outputs) = (data.below(2), data.below(2));
        infos.push(DeviceInfo {
            index: index * 2,
            id: format!("{}:{index}", host_api_name.to_lowercase()),
            name: data.text(),
            host_api: 0,
            host_api_name,
            max_input_channels: inputs as u16,
            max_output_channels: outputs as u16,
            default_low_input_latency: 0.0,
            default_low_output_latency: 0.0,
            default_high_input_latency: 0.0,
            default_high_output_latency: 0.0,
            default_sample_rate: 48_000.0,
            is_loopback: false,
        });
    }
    let kind = data.one_of(&[None, Some(Kind::Input), Some(Kind::Output)]);
    let silent = if data.flag() { vec!["JACK"] } else { Vec::new() };
    let specifier = match data.flag() {
        true => DeviceSpecifier::Index(data.below(16) as i64 - 2),
        false => DeviceSpecifier::Text(data.text()),
    };
    let devices = Devices { infos, located: Vec::new(), host_apis: Vec::new(), silent, known: 0, missing: None };
    let name = |device: &DeviceInfo| format!("{}, {}", device.name, device.host_api_name).to_lowercase();
    let fits = |device: &DeviceInfo| match &specifier {
        DeviceSpecifier::Index(index) => device.index as i64 == *index,
        DeviceSpecifier::Text(text) => {
            let wanted = text.to_lowercase();
            device.id == *text || occur(&name(device), &wanted.split_whitespace().collect::<Vec<_>>())
        }
    };
    let goes = |device: &DeviceInfo| kind.is_none_or(|kind| device.max_channels(kind) > 0);
    let _ = devices.to_string();
    match devices.find(&specifier, kind) {
        Ok(device) => assert!(fits(device) && goes(device), "{specifier:?} found {device:?}"),
        Err(error) if error.kind() == ErrorKind::AmbiguousDevice => {
            assert!(devices.iter().filter(|device| fits(device) && goes(device)).count() > 1, "{specifier:?}");
        }
        Err(error) => {
            let id = |device: &DeviceInfo| matches!(&specifier, DeviceSpecifier::Text(text) if device.id == *text);
            let fitting = devices.iter().any(|device| fits(device) && goes(device));
            // An id says which device is meant, whatever else it fits.
            assert!(!fitting || devices.iter().any(|device| id(device) && !goes(device)), "{specifier:?}: {error}");
            let silence = !devices.silent.is_empty() && error.kind() == ErrorKind::TimedOut;
            assert!(error.kind() == ErrorKind::NoSuchDevice || silence, "{error}");
        }
    }
}

/// Whether the parts occur in order without overlap, tried in all ways.
fn occur(name: &str, parts: &[&str]) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return true;
    };
    name.match_indices(first).any(|(position, _)| occur(&name[position + first.len()..], rest))
}

/// Any job on a virtual device: refused in words, or it plays and records to its end on an engine that is driven by hand.
pub fn job(data: &[u8]) {
    let mut data = Bytes::new(data);
    let latency = |data: &mut Bytes<'_>| match data.below(4) {
        0 => Latency::Low,
        1 => Latency::High,
        2 => Latency::Seconds(f64::from(data.byte()) / 1000.0),
        _ => Latency::Seconds(data.number()),
    };
    let device = |data: &mut Bytes<'_>| match data.below(8) {
        0 => Some(DeviceSpecifier::Index(data.number() as i64)),
        1 => Some(DeviceSpecifier::Text(data.text())),
        _ => None,
    };
    let mapping = |data: &mut Bytes<'_>, channels: usize| match data.below(4) {
        0 => Some((0..data.below(5)).map(|_| data.below(12) as u32).collect()),
        1 => Some((1..=channels as u32).rev().collect()),
        _ => None,
    };
    let play = data.flag().then(|| {
        let (dtype, channels) = (data.one_of(&Dtype::ALL), data.below(4));
        let repeat = data.flag().then(|| Loop {
            start: data.below(40) as u64,
            end: if data.below(16) == 0 { u64::MAX } else { data.below(60) as u64 },
            count: data.one_of(&[None, Some(0), Some(1), Some(3), Some(u64::MAX)]),
        });
        let (device, mapping, latency) = (device(&mut data), mapping(&mut data, channels), latency(&mut data));
        let length = data.below(256);
        Play {
            samples: Samples::copied(data.take(length)),
            dtype,
            channels,
            device,
            mapping,
            latency,
            settings: None,
            repeat,
        }
    });
    let record = data.flag().then(|| {
        let (dtype, channels) = (data.one_of(&Dtype::ALL), data.below(4));
        let (device, mapping, latency) = (device(&mut data), mapping(&mut data, channels), latency(&mut data));
        Record { samples: Samples::zeroed(data.below(256)), dtype, channels, device, mapping, latency, settings: None }
    });
    let request = JobRequest {
        play,
        record,
        sample_rate: (data.below(4) == 0).then(|| data.number()),
        block_size: data.below(100) as u32,
        clip_off: data.flag(),
        dither_off: data.flag(),
        overlap: data.flag(),
        align: data.flag(),
    };
    let format = data.one_of(&Format::ALL);
    let side = |channels| OpenSide { format, channels, latency: 0.0 };
    crate::job::rehearse(request, &side, &mut || match data.below(20) {
        0 => None,
        frames => Some((frames * 7, data.byte())),
    });
}

/// Any bytes as a WAV file: refused, or whole frames.
pub fn wav(data: &[u8]) {
    match wav::decode(data, "fuzz.wav") {
        Ok(wav) => {
            assert!(wav.channels > 0 && wav.sample_rate >= 0.0);
            assert!(wav.bytes.len().is_multiple_of(wav.channels * wav.dtype.bytes()));
            // Every sample has its bytes in the file.
            assert!(wav.bytes.len() <= data.len());
        }
        Err(error) => assert!(matches!(error.kind(), ErrorKind::FileFormat | ErrorKind::Host), "{error:?}"),
    }
}

/// A wire through blocks of any size over periods of any lengths, in any directions, ended anyhow: every block is whole,
/// no frame is lost, repeated or altered, and the output begins with the silence that was announced.
pub fn blocks(data: &[u8]) {
    let mut data = Bytes::new(data);
    let (hears, plays) = data.one_of(&[(true, true), (true, true), (true, false), (false, true)]);
    let shape = Shape { input: if hears { 4 } else { 0 }, output: if plays { 4 } else { 0 }, silence: 0 };
    let (block, period) = (data.below(70), data.below(70));
    let last = data.one_of(&[Flow::Continue, Flow::Complete, Flow::Abort]);
    let calls_left = if last == Flow::Continue { usize::MAX } else { data.below(20) };
    let mut reblock = Reblock::new(shape, block, period);
    let (mut position, mut made, mut calls, mut heard) = (0, 0, 0, Vec::new());
    while let Some(length) = data.next() {
        let length = usize::from(length);
        let numbers = position as u32 + 1..=(position + length) as u32;
        let input: Vec<u8> = numbers.flat_map(u32::to_ne_bytes).collect();
        let mut output = vec![0xaa; length * shape.output];
        let place = Place { adc: position as f64, dac: position as f64, frame: 1.0 };
        let input = if hears { &input[..] } else { &[] };
        reblock.run(input, &mut output, length, place, &mut |it| {
            assert!(calls <= calls_left, "called after its end");
            assert_eq!(it.frames, if block == 0 { it.frames } else { block });
            assert_eq!((it.input.len(), it.output.len()), (it.frames * shape.input, it.frames * shape.output));
            let numbers: Vec<u8> = (made as u32 + 1..=(made + it.frames) as u32).flat_map(u32::to_ne_bytes).collect();
            if hears {
                assert_eq!(it.input, numbers);
            }
            if plays {
                it.output.copy_from_slice(&numbers);
            }
            calls += 1;
            if calls > calls_left {
                made += if last == Flow::Abort { 0 } else { it.frames };
                return last;
            }
            made += it.frames;
            Flow::Continue
        });
        position += length;
        heard.extend(output.chunks(4).map(|bytes| bytes.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte))));
    }
    if cfg!(target_endian = "big") || !plays {
        return;
    }
    let sounding: Vec<u32> = heard.iter().copied().filter(|number| *number > 0).collect();
    let expected: Vec<u32> = (1..=sounding.len() as u32).collect();
    assert_eq!(sounding, expected);
    assert!(sounding.len() <= made);
    if calls <= calls_left {
        assert_eq!(heard.len() - sounding.len(), reblock.delay().min(heard.len()));
        assert_eq!(heard.len(), position);
    }
}
