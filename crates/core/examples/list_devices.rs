//! Prints the table of devices.
fn main() -> sounddevice::Result<()> {
    println!("{}", sounddevice::devices()?);
    Ok(())
}
