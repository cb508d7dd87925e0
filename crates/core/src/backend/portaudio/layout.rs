//! Whether our structures are PortAudio's: see `layout.h`.

use std::collections::HashMap;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use super::library::{DeviceInfo, HostApiInfo, HostErrorInfo, StreamInfo, StreamParameters, TimeInfo};
use super::specific::{AsioInfo, CoreAudioInfo, WasapiInfo};

/// Theirs, and in parentheses their members, each with ours.
macro_rules! ours {
    ($($theirs:ident = $ours:ty { $($member:tt = $field:ident,)* })*) => {
        HashMap::from([$(
            (stringify!($theirs).to_string(), size_of::<$ours>()),
            $((concat!(stringify!($theirs), ".", stringify!($member)).to_string(), offset_of!($ours, $field)),)*
        )*])
    };
}

fn ours() -> HashMap<String, usize> {
    let mut ours = ours! {
        PaHostApiInfo = HostApiInfo {
            structVersion = struct_version, type = kind, name = name, deviceCount = device_count,
            defaultInputDevice = default_input, defaultOutputDevice = default_output,
        }
        PaHostErrorInfo = HostErrorInfo { hostApiType = kind, errorCode = code, errorText = text, }
        PaDeviceInfo = DeviceInfo {
            structVersion = struct_version, name = name, hostApi = host_api, maxInputChannels = max_input_channels,
            maxOutputChannels = max_output_channels, defaultLowInputLatency = low_input_latency,
            defaultLowOutputLatency = low_output_latency, defaultHighInputLatency = high_input_latency,
            defaultHighOutputLatency = high_output_latency, defaultSampleRate = default_sample_rate,
        }
        PaStreamParameters = StreamParameters {
            device = device, channelCount = channels, sampleFormat = format, suggestedLatency = latency,
            hostApiSpecificStreamInfo = specific,
        }
        PaStreamCallbackTimeInfo = TimeInfo {
            inputBufferAdcTime = adc, currentTime = now, outputBufferDacTime = dac,
        }
        PaStreamInfo = StreamInfo {
            structVersion = struct_version, inputLatency = input_latency, outputLatency = output_latency,
            sampleRate = sample_rate,
        }
        PaAsioStreamInfo = AsioInfo {
            size = size, hostApiType = kind, version = version, flags = flags, channelSelectors = channel_selectors,
        }
        PaMacCoreStreamInfo = CoreAudioInfo {
            size = size, hostApiType = kind, version = version, flags = flags, channelMap = channel_map,
            channelMapSize = channel_map_size,
        }
        PaWasapiStreamInfo = WasapiInfo {
            size = size, hostApiType = kind, version = version, flags = flags, channelMask = channel_mask,
            hostProcessorOutput = host_processor_output, hostProcessorInput = host_processor_input,
            threadPriority = thread_priority, streamCategory = stream_category, streamOption = stream_option,
        }
    };
    // Less what 19.8 has added.
    ours.entry("PaWasapiStreamInfo".into()).and_modify(|size| *size -= 16);
    ours
}

/// The lines of `layout.h`: what it is of, and the number for this target.
fn theirs() -> HashMap<String, usize> {
    let column = if size_of::<std::ffi::c_long>() == size_of::<usize>() { 0 } else { 1 };
    let line = |line: &str| {
        let inside = line.split_once('(')?.1.strip_suffix(')')?;
        let parts: Vec<&str> = inside.split(", ").collect();
        let (names, numbers) = parts.split_at(parts.len() - 2);
        Some((names.join("."), numbers[column].parse().expect("a number")))
    };
    let told = |text: &&str| text.starts_with("SIZE(") || text.starts_with("OFFSET(");
    include_str!("layout.h").lines().filter(told).map(|text| line(text).expect("as all lines")).collect()
}

#[test]
#[cfg(target_pointer_width = "64")]
fn structures_are_laid_out_as_in_c() {
    let (ours, theirs) = (ours(), theirs());
    assert!(theirs.len() > 50, "{theirs:?}");
    assert_eq!(ours, theirs);
}

/// Where PortAudio's headers are installed, a C compiler compares them with `layout.h`.
#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
fn the_layout_is_that_of_the_headers_that_are_there() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backend/portaudio/layout.c");
    let headers = ["/usr/include", "/usr/local/include", "/opt/homebrew/include"];
    let Some(headers) = headers.iter().find(|folder| Path::new(folder).join("portaudio.h").exists()) else {
        return println!("skipped: no portaudio.h");
    };
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-fsyntax-only", "-I", headers]).arg(source);
    match compiler.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => println!("skipped: no C compiler: {error}"),
    }
}
