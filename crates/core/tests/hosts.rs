//! What every host API must do, tried on the sound servers that are there. Those that are not are left out, with a word,
//! unless `SOUND_SERVERS` names their host API.
//!
//! What reaches a server and comes back must be unaltered. Frames that a loaded machine loses are no fault of a host API
//! as long as it says so: a loss without a flag is one.

#[path = "hosts/counter.rs"]
mod counter;

use counter::{Counts, Heard, heard, signal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sounddevice::{AudioData, I24};

/// A way through a host API from an output to an input that hears it.
struct Way {
    host: &'static str,
    output: &'static str,
    input: &'static str,
}

const WAYS: [Way; 5] = [
    Way { host: "PulseAudio", output: "pulseaudio:speakers", input: "pulseaudio:mic" },
    Way { host: "JACK", output: "jack:loop-system", input: "jack:loop-system" },
    Way { host: "ALSA", output: "alsa:ss_speakers", input: "alsa:ss_mic" },
    Way { host: "JACK (PortAudio)", output: "jack-portaudio:loop-system", input: "jack-portaudio:loop-system" },
    Way { host: "ALSA (PortAudio)", output: "alsa-portaudio:ss_speakers", input: "alsa-portaudio:ss_mic" },
];

const RATE: u32 = 48_000;
/// Bits for input that did not come or was lost, and for output that was.
const LOST: u8 = 1 | 2 | 4;

/// One test at a time: all of them hear what is played.
static QUIET: Mutex<()> = Mutex::new(());

/// Does this with the way through this host, if its server runs.
fn on(host: &str, test: impl FnOnce(&Way)) {
    let _quiet: MutexGuard<'_, ()> = QUIET.lock().unwrap_or_else(PoisonError::into_inner);
    let way = WAYS.iter().find(|way| way.host == host).expect("a way");
    let specifier = way.output.into();
    let Ok(devices) = sounddevice::devices_for([Some(&specifier)]) else {
        return println!("skipped: {host} has no library");
    };
    let there = devices.find_output(way.output).is_ok();
    if there {
        test(way);
    } else {
        let wanted = std::env::var("SOUND_SERVERS").unwrap_or_default();
        assert!(!wanted.split_whitespace().any(|server| server == host), "{host} has no {}: {devices}", way.output);
        println!("skipped: {host} has no {}", way.output);
    }
}

impl Way {
    /// Plays the signal and records it, with half a second more to hear its end.
    fn through<S: Counts>(&self, frames: usize, align: bool) -> (Heard, u8) {
        let mut samples = signal::<S>(frames, 2, RATE).into_samples();
        samples.resize(samples.len() + RATE as usize, S::SILENCE);
        let data = AudioData::new(samples, 2, RATE).expect("frames");
        let job = sounddevice::playrec::<S, S>(&data)
            .output_device(self.output)
            .input_device(self.input)
            .channels(2)
            .align(align)
            .start()
            .expect("it starts");
        job.wait_for(Duration::from_secs(60));
        let flags = job.flags();
        (heard(&job.wait().expect("it ends well")), flags)
    }

    fn carries<S: Counts>(&self, frames: usize) {
        let (heard, flags) = self.through::<S>(frames, false);
        println!("{}: {heard:?}, flags {flags}", self.host);
        assert_eq!(heard.altered, 0, "altered frames: {heard:?}");
        assert_eq!(heard.last, frames - 1, "the last frame arrives: {heard:?}");
        if heard.lost + heard.gaps > 0 || heard.first > 0 {
            assert_ne!(flags & LOST, 0, "lost without a word: {heard:?}");
        }
    }

    fn aligns(&self) {
        let (heard, flags) = self.through::<f32>(RATE as usize / 2, true);
        let specifier = self.output.into();
        let devices = sounddevice::devices_for([Some(&specifier)]).expect("a list");
        let device = devices.find_output(self.output).expect("the output");
        // Half of what is buffered.
        let block = (device.default_high_output_latency / 2.0 * f64::from(RATE)) as usize;
        println!("{}: {heard:?}, flags {flags}, blocks of {block}", self.host);
        if flags & LOST == 0 {
            assert!(heard.start.abs_diff(heard.first) <= block, "{heard:?}");
        }
    }
}

macro_rules! suite {
    ($($module:ident: $host:literal;)*) => {
        $(mod $module {
            use super::*;

            #[test]
            fn ten_seconds_of_int16_arrive_unaltered_to_the_last_frame() {
                on($host, |way| way.carries::<i16>(10 * RATE as usize));
            }

            #[test]
            fn ten_seconds_of_int24_arrive_unaltered_to_the_last_frame() {
                on($host, |way| way.carries::<I24>(10 * RATE as usize));
            }

            #[test]
            fn ten_seconds_of_int32_arrive_to_24_bits_to_the_last_frame() {
                on($host, |way| way.carries::<i32>(10 * RATE as usize));
            }

            #[test]
            fn ten_seconds_of_float32_arrive_unaltered_to_the_last_frame() {
                on($host, |way| way.carries::<f32>(10 * RATE as usize));
            }

            #[test]
            fn an_aligned_recording_has_every_frame_within_a_block_of_where_it_was_played() {
                on($host, |way| way.aligns());
            }
        })*
    };
}

suite! {
    pulseaudio: "PulseAudio";
    jack: "JACK";
    alsa: "ALSA";
    jack_portaudio: "JACK (PortAudio)";
    alsa_portaudio: "ALSA (PortAudio)";
}
