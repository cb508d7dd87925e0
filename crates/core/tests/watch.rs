//! Watching the devices, on virtual ones that come and go.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use sounddevice::{DeviceEvent, virtual_host, watch_devices};

const PATIENCE: Duration = Duration::from_secs(30);

/// The next event about a device of this name; others are of devices that are not ours.
fn next(events: &Receiver<DeviceEvent>, name: &str) -> (bool, String) {
    loop {
        match events.recv_timeout(PATIENCE).expect("an event") {
            DeviceEvent::Added(device) if device.name.starts_with(name) => return (true, device.name),
            DeviceEvent::Removed(device) if device.name.starts_with(name) => return (false, device.name),
            _ => {}
        }
    }
}

#[test]
fn every_device_that_comes_or_goes_is_told_once_and_in_order() {
    let (sender, events) = mpsc::channel();
    let watcher = watch_devices(move |event| drop(sender.send(event))).expect("a watcher");
    for number in 0..20 {
        let name = format!("watched {number}");
        let device = virtual_host().device().name(&name).create().expect("a device");
        assert_eq!(next(&events, "watched"), (true, name.clone()));
        assert!(sounddevice::devices().expect("a list").iter().any(|other| other.id == device.id()));
        device.remove();
        assert_eq!(next(&events, "watched"), (false, name));
        assert!(!sounddevice::devices().expect("a list").iter().any(|other| other.id == device.id()));
    }
    drop(watcher);
    // The thread ends, and with it what it tells to.
    while events.recv_timeout(PATIENCE).is_ok() {}
    assert_eq!(events.recv(), Err(mpsc::RecvError));
}

#[test]
fn two_watchers_are_told_the_same() {
    let (one, first) = mpsc::channel();
    let (other, second) = mpsc::channel();
    let watchers =
        [watch_devices(move |event| drop(one.send(event))), watch_devices(move |event| drop(other.send(event)))];
    let device = virtual_host().device().name("seen twice").create().expect("a device");
    assert_eq!(next(&first, "seen twice"), next(&second, "seen twice"));
    device.remove();
    assert_eq!(next(&first, "seen twice"), next(&second, "seen twice"));
    drop(watchers);
}
