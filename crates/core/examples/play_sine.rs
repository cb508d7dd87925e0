//! Plays a sine for a second: `play_sine [FREQUENCY]`, 500 Hz unless told otherwise.
use sounddevice::AudioData;

fn main() -> sounddevice::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let frequency = match &arguments[..] {
        [] => Some(500.0),
        [text] => text.parse::<f32>().ok().filter(|frequency| frequency.is_finite()),
        _ => None,
    };
    let Some(frequency) = frequency else {
        eprintln!("usage: play_sine [FREQUENCY]");
        std::process::exit(2);
    };
    let step = frequency * std::f32::consts::TAU / 48_000.0;
    let sine = AudioData::from_fn(48_000, 1, 48_000, |frame, _| (frame as f32 * step).sin() * 0.2);
    sounddevice::play(&sine).start()?.wait()
}
