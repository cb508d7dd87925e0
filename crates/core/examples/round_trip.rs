//! Measures what goes around a loop: `round_trip OUTPUT INPUT [BLOCK [SECONDS]]`. Plays numbered frames, records them
//! beside, and prints one line of JSON: the round trip in milliseconds, what was lost or altered, and the processor's time.
use sounddevice::job::{Job, JobRequest, Latency, Play, Record};
use sounddevice::{DeviceSpecifier, Dtype, Samples};

const RATE: f64 = 48_000.0;
/// Numbers are whole multiples of this: exact in float32.
const UNIT: f32 = 1.0 / 8_388_608.0;

fn main() -> sounddevice::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [output, input, rest @ ..] = &arguments[..] else {
        eprintln!("usage: round_trip OUTPUT INPUT [BLOCK [SECONDS]]");
        std::process::exit(2);
    };
    let number = |position: usize, default: f64| rest.get(position).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (block, seconds) = (number(0, 128.0), number(1, 5.0));
    let frames = (seconds * RATE) as usize;
    let signal: Vec<u8> =
        (0..frames).flat_map(|frame| [(frame + 1) as f32 * UNIT; 2]).flat_map(f32::to_ne_bytes).collect();
    let memory = vec![0f32; frames * 2].leak();
    let recorded = std::ptr::from_ref::<[f32]>(memory);
    // SAFETY: leaked, and looked at only after the job.
    let samples = unsafe { Samples::foreign(memory.as_mut_ptr().cast(), size_of_val(memory)) };
    let (latency, mapping, channels, dtype) = (Latency::Seconds(0.0), None, 2, Dtype::F32);
    let device = |text: &String| Some(DeviceSpecifier::from(text.as_str()));
    let played = Samples::copied(&signal);
    let play = Play {
        samples: played,
        dtype,
        channels,
        device: device(output),
        mapping: None,
        latency,
        settings: None,
        repeat: None,
    };
    let request = JobRequest {
        play: Some(play),
        record: Some(Record { samples, dtype, channels, device: device(input), mapping, latency, settings: None }),
        sample_rate: Some(RATE),
        block_size: block as u32,
        clip_off: false,
        dither_off: false,
        overlap: false,
        align: false,
    };
    let before = processor_seconds();
    let job = Job::open(request, Box::new(|_| ()))?;
    job.wait()?;
    let used = processor_seconds() - before;
    // SAFETY: leaked, and the job has ended.
    let recorded = unsafe { &*recorded };
    let (mut trips, mut last, mut lost, mut altered) = (Vec::new(), 0, 0, 0);
    for (position, frame) in recorded.chunks_exact(2).enumerate() {
        let number = (frame[0] / UNIT) as usize;
        if number == 0 {
            continue;
        }
        if number <= last || number > position + 1 || frame[0] != frame[1] || frame[0] != number as f32 * UNIT {
            altered += 1;
            continue;
        }
        lost += if last == 0 { 0 } else { number - last - 1 };
        last = number;
        trips.push(position + 1 - number);
    }
    trips.sort_unstable();
    let trip = trips.get(trips.len() / 2).map_or(f64::NAN, |frames| *frames as f64 * 1000.0 / RATE);
    println!(
        "{{\"block\":{block},\"trip_ms\":{trip:.2},\"lost\":{lost},\"altered\":{altered},\"flags\":{},\"cpu_s_per_60_s\":{:.2}}}",
        job.flags(),
        used * 60.0 / seconds
    );
    Ok(())
}

/// Seconds of processor time that this process has used.
#[cfg(unix)]
fn processor_seconds() -> f64 {
    // SAFETY: all zeros is a value of this structure, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[cfg(not(unix))]
fn processor_seconds() -> f64 {
    f64::NAN
}
