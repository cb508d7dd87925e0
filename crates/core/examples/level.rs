//! Reads from the default input for some seconds and shows how loud it is: `level [SECONDS]`, 5 unless told otherwise.
use sounddevice::Stream;

fn main() -> sounddevice::Result<()> {
    let seconds: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    let stream = Stream::input::<f32>().channels(1).sample_rate(48_000).open()?;
    stream.start()?;
    let mut block = vec![0.0; 4800];
    for _ in 0..seconds * 10 {
        let lost = stream.read(&mut block)?.overflowed;
        let peak = block.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        println!("{}{}", "#".repeat((peak * 70.0) as usize), if lost { " (input was lost)" } else { "" });
    }
    Ok(())
}
