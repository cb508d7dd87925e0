//! Windows tells of endpoints that come and go, and of others that are the default ones.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use windows::Win32::Foundation::PROPERTYKEY;
use windows::Win32::Media::Audio::{
    DEVICE_STATE, EDataFlow, ERole, IMMDeviceEnumerator, IMMNotificationClient, IMMNotificationClient_Impl,
    MMDeviceEnumerator,
};
use windows::Win32::System::Com::{CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize};
use windows_core::{PCWSTR, Result, implement};

use crate::device::Poke;

/// How long the system may take to let us listen.
const PATIENCE: Duration = Duration::from_secs(1);

/// Called on threads of the system, which it must not keep.
#[implement(IMMNotificationClient)]
struct Ear(Poke);

#[allow(non_snake_case, reason = "their names")]
impl IMMNotificationClient_Impl for Ear_Impl {
    fn OnDeviceStateChanged(&self, _: &PCWSTR, _: DEVICE_STATE) -> Result<()> {
        self.0.poke();
        Ok(())
    }

    fn OnDeviceAdded(&self, _: &PCWSTR) -> Result<()> {
        self.0.poke();
        Ok(())
    }

    fn OnDeviceRemoved(&self, _: &PCWSTR) -> Result<()> {
        self.0.poke();
        Ok(())
    }

    fn OnDefaultDeviceChanged(&self, _: EDataFlow, _: ERole, _: &PCWSTR) -> Result<()> {
        self.0.poke();
        Ok(())
    }

    /// Names and formats: neither makes another device.
    fn OnPropertyValueChanged(&self, _: &PCWSTR, _: &PROPERTYKEY) -> Result<()> {
        Ok(())
    }
}

/// Until what it returns is dropped. A thread of its own has COM as this needs it, whatever the program's threads have.
pub(super) fn watch(poke: &Poke) -> Option<Box<dyn Send>> {
    let (ear, dropped) = mpsc::channel::<()>();
    let (ready, listening) = mpsc::sync_channel(1);
    let poke = poke.clone();
    let body = move || {
        // SAFETY: undone below, on the same thread, if it has been done.
        let entered = unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) }.is_ok();
        let _ = listen(&poke, || {
            let _ = ready.send(());
            // Before it listened something may have happened.
            poke.poke();
            let _ = dropped.recv();
        });
        if entered {
            // SAFETY: as above; nothing of COM is left.
            unsafe { CoUninitialize() };
        }
    };
    thread::Builder::new().name("endpoint watch".into()).spawn(body).ok()?;
    listening.recv_timeout(PATIENCE).ok()?;
    Some(Box::new(ear))
}

/// Listens while this takes.
fn listen(poke: &Poke, while_: impl FnOnce()) -> Result<()> {
    let ear: IMMNotificationClient = Ear(poke.clone()).into();
    // SAFETY: COM is there on this thread; what is registered is unregistered before it is let go.
    unsafe {
        let devices: IMMDeviceEnumerator = CoCreateInstance(&MMDeviceEnumerator, None, CLSCTX_ALL)?;
        devices.RegisterEndpointNotificationCallback(&ear)?;
        while_();
        devices.UnregisterEndpointNotificationCallback(&ear)
    }
}
