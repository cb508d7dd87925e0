//! Plays a sine for a second: `play_sine [FREQUENCY]`, 500 Hz unless told otherwise.
use sounddevice::AudioData;

fn main() -> sounddevice::Result<()> {
    let frequency: f32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(500.0);
    let step = frequency * std::f32::consts::TAU / 48_000.0;
    let sine = AudioData::from_fn(48_000, 1, 48_000, |frame, _| (frame as f32 * step).sin() * 0.2);
    sounddevice::play(&sine).start()?.wait()
}
