//! Records a second from the default input and says how loud it was.
fn main() -> sounddevice::Result<()> {
    let take = sounddevice::rec::<f32>(48_000).sample_rate(48_000).start()?.wait()?;
    let peak = take.samples().iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    println!("{} frames, peak {peak:.3}", take.frames());
    Ok(())
}
