//! The real clock of a virtual device: a thread that calls a period when its time has come.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Device;
use crate::backend::monotonic_seconds;
use crate::backend::priority::raise_and_wait;

/// Runs the device until no stream of it runs any more.
pub(super) fn run(device: Arc<Device>) {
    let settings = device.settings();
    let seconds = settings.period as f64 / settings.sample_rate / (1.0 + settings.drift_ppm * 1e-6);
    let period = Duration::from_secs_f64(seconds);
    let body = move || {
        device.set_realtime(raise_and_wait(seconds));
        let mut next = Instant::now() + period;
        while device.wanted() {
            let now = Instant::now();
            if next > now {
                thread::sleep(next - now);
            } else if now - next > Duration::from_secs(1) {
                // The machine slept: time that nobody lived through is not made up for.
                next = now;
            }
            device.period(Some(monotonic_seconds()));
            next += period;
        }
    };
    // Without a thread the device stands still, as one does whose driver is gone.
    let _ = thread::Builder::new().name("virtual device".into()).spawn(body);
}
