//! ALSA's devices, without opening more of them than needed.
//!
//! Opening every device to ask what it can do takes a connection to the sound server for each one that leads there, in
//! both directions. ALSA's configuration says what kind a device is; of the kinds that lead to a server it is known what
//! they can do, and one of them is enough to know whether the server answers.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod gone;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod rest;

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;

use ::alsa::Direction;
use ::alsa::pcm::{HwParams, PCM};
use ::cpal::traits::{DeviceTrait, HostTrait};
use ::cpal::{DeviceDirection, HostId};
use alsa_sys::{
    snd_config_delete, snd_config_get_string, snd_config_search, snd_config_search_definition, snd_config_t,
    snd_config_unref, snd_config_update_ref,
};

use crate::backend::{DeviceRecord, HostListing};
use crate::error::{Error, ErrorKind, Result};
use crate::patience::Asked;

/// Frames that low and high latency are counted in.
const PERIOD: f64 = 256.0;
/// AES10's most; plugins that take any number say so with numbers beyond all use.
const MOST_CHANNELS: u32 = 64;
/// `PA_CHANNELS_MAX`: what the plugin for PulseAudio takes.
const PULSE_CHANNELS: u16 = 32;
/// Definitions that refer to each other more often than this are a circle.
const DEEPEST: u32 = 16;

/// How long a server may take to answer before its devices are left out.
const ANSWERING: Duration = Duration::from_millis(600);

/// What one direction can do.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ability {
    channels: u16,
    rate: f64,
}

/// Opens libasound and keeps it from writing to the terminal.
pub(super) fn ready() -> Result<()> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    alsa_lazy::available().map_err(|why| {
        Error::new(ErrorKind::NoLibrary, format!("ALSA needs libasound.so.2, which cannot be loaded: {why}"))
    })?;
    static SET_UP: Once = Once::new();
    SET_UP.call_once(|| {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        {
            gone::install();
            rest::install();
        }
        type Handler = unsafe extern "C" fn(*const c_char, c_int, *const c_char, c_int, *const c_char, ...);
        // SAFETY: on the C ABIs of Linux a function that ignores variadic arguments may be called with them; the caller
        // removes them. The handler is a function that lives as long as the program.
        unsafe {
            let handler = std::mem::transmute::<*const (), Handler>(quiet as *const ());
            alsa_sys::snd_lib_error_set_handler(Some(handler));
        }
        // With the last host of cpal's the configuration of the whole process would be freed, under PortAudio which reads it.
        std::mem::forget(::cpal::host_from_id(HostId::Alsa));
    });
    Ok(())
}

/// What went wrong is in the errors that we return.
extern "C" fn quiet(_: *const c_char, _: c_int, _: *const c_char, _: c_int, _: *const c_char) {}

/// The devices of now. `ready` has been called.
pub(super) fn list(host: &::cpal::Host) -> HostListing {
    let Ok(devices) = host.devices() else {
        return HostListing::default();
    };
    let mut survey = Survey::new();
    let mut listing = HostListing::default();
    for device in devices {
        let Ok(id) = device.id() else { continue };
        debug_assert_eq!(id.host(), HostId::Alsa);
        let key = id.id();
        let description = device.description().ok();
        let direction = description.as_ref().map_or(DeviceDirection::Duplex, |description| description.direction());
        let Some((mut input, mut output)) = survey.abilities(key) else { continue };
        // The configuration may know a device for one direction only.
        match direction {
            DeviceDirection::Input => output = None,
            DeviceDirection::Output => input = None,
            _ => {}
        }
        let Some(rate) = output.or(input).map(|ability| ability.rate) else { continue };
        let name = match description {
            Some(description) if is_hardware(key) => format!("{} ({key})", description.name()),
            _ => key.to_string(),
        };
        let latency = |ability: Option<Ability>, periods: f64| ability.map_or(0.0, |_| periods * PERIOD / rate);
        listing.devices.push(DeviceRecord {
            key: key.to_string(),
            name,
            max_input_channels: input.map_or(0, |ability| ability.channels),
            max_output_channels: output.map_or(0, |ability| ability.channels),
            low_input_latency: latency(input, 2.0),
            low_output_latency: latency(output, 2.0),
            high_input_latency: latency(input, 8.0),
            high_output_latency: latency(output, 8.0),
            default_sample_rate: rate,
            is_loopback: false,
        });
    }
    let default = |has: fn(&DeviceRecord) -> u16| {
        let usable = |device: &&DeviceRecord| has(device) > 0;
        let named = listing.devices.iter().position(|device| device.key == "default" && usable(&device));
        // `null` plays nothing: better no default than that one.
        named.or_else(|| listing.devices.iter().position(|device| device.key != "null" && usable(&device)))
    };
    listing.default_input = default(|device| device.max_input_channels);
    listing.default_output = default(|device| device.max_output_channels);
    // Where nothing but `null` is left there is no sound system.
    if listing.devices.iter().all(|device| device.key == "null") {
        listing.devices.clear();
    }
    listing
}

/// A device of a card, as opposed to one that the configuration makes up.
fn is_hardware(key: &str) -> bool {
    key.starts_with("hw:") || key.starts_with("plughw:")
}

type Abilities = (Option<Ability>, Option<Ability>);

/// One look at all devices.
struct Survey {
    config: Option<Config>,
    /// Whether the server of a plugin answers, by what the plugin says of it.
    servers: HashMap<String, bool>,
}

impl Survey {
    fn new() -> Self {
        Self { config: Config::current(), servers: HashMap::new() }
    }

    fn abilities(&mut self, key: &str) -> Option<Abilities> {
        let config = self.config.take();
        let found = config
            .as_ref()
            .and_then(|config| config.definition(key))
            .map_or_else(|| Some(opened(key)), |definition| self.of_definition(config.as_ref(), key, &definition, 0));
        self.config = config;
        found.filter(|(input, output)| input.is_some() || output.is_some())
    }

    fn of_definition(
        &mut self,
        config: Option<&Config>,
        key: &str,
        definition: &Definition<'_>,
        depth: u32,
    ) -> Option<Abilities> {
        let both = |ability| (Some(ability), Some(ability));
        if depth > DEEPEST {
            return None;
        }
        let mut below = |path: &CStr| {
            let inner = definition.child(path)?;
            match inner.text() {
                Some(name) => config
                    .and_then(|config| config.definition(&name))
                    .and_then(|definition| self.of_definition(config, &name, &definition, depth + 1)),
                None => self.of_definition(config, key, &inner, depth + 1),
            }
        };
        match definition.child(c"type").and_then(|kind| kind.text())?.as_str() {
            "pulse" => {
                let server = definition.child(c"server").and_then(|server| server.text()).unwrap_or_default();
                let name = if depth == 0 { Some(key) } else { None };
                let answers = match self.servers.get(&server) {
                    Some(answers) => *answers,
                    None => pulse_answers(&server, name.unwrap_or("pulse")),
                };
                self.servers.insert(server, answers);
                answers.then_some(both(Ability { channels: PULSE_CHANNELS, rate: 48_000.0 }))
            }
            // JACK is a host API of its own; asking this plugin takes a client of the server for each direction.
            "jack" => None,
            "null" => Some(both(Ability { channels: PULSE_CHANNELS, rate: 48_000.0 })),
            "asym" => {
                let output = below(c"playback.pcm").and_then(|found| found.1);
                Some((below(c"capture.pcm").and_then(|found| found.0), output))
            }
            // These take any rate and as many channels as they are asked for; what is below must be there.
            "plug" | "file" | "rate" | "copy" | "hooks" | "empty" | "softvol" => below(c"slave.pcm"),
            _ => Some(opened(key)),
        }
    }
}

/// Whether the server behind this device of the plugin answers, and soon: hardware is to be listed all the same.
fn pulse_answers(server: &str, key: &str) -> bool {
    static ASKED: OnceLock<Mutex<HashMap<String, Asked>>> = OnceLock::new();
    let asked = {
        let mut asked = ASKED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        asked.entry(server.to_string()).or_default().clone()
    };
    let key = key.to_string();
    let question = asked.ask("device list", move || PCM::new(&key, Direction::Playback, true).is_ok());
    question.and_then(|question| question.wait(ANSWERING)).unwrap_or(false)
}

/// Asks the device itself. One that is busy is what it was when it was last free.
fn opened(key: &str) -> Abilities {
    static KNOWN: OnceLock<Mutex<HashMap<(String, bool), Ability>>> = OnceLock::new();
    // Held between the calls only: a device may take its time to open.
    let known = || KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let ask = |direction: Direction| {
        let capture = direction == Direction::Capture;
        match PCM::new(key, direction, true) {
            Ok(pcm) => {
                let ability = measured(&pcm)?;
                known().insert((key.to_string(), capture), ability);
                Some(ability)
            }
            Err(error) if error.errno() == libc::EBUSY => {
                let usual = Ability { channels: 2, rate: 48_000.0 };
                Some(known().get(&(key.to_string(), capture)).copied().unwrap_or(usual))
            }
            Err(_) => None,
        }
    };
    (ask(Direction::Capture), ask(Direction::Playback))
}

fn measured(pcm: &PCM) -> Option<Ability> {
    let params = HwParams::any(pcm).ok()?;
    let channels = params.get_channels_max().ok()?.min(MOST_CHANNELS);
    let has = |rate: u32| params.test_rate(rate).is_ok();
    let rate = if has(48_000) {
        48_000
    } else if has(44_100) {
        44_100
    } else {
        params.get_rate_max().ok()?
    };
    Some(Ability { channels: channels as u16, rate: f64::from(rate) })
}

/// ALSA's configuration, as it is in the files now.
struct Config(*mut snd_config_t);

impl Config {
    fn current() -> Option<Self> {
        let mut top = ptr::null_mut();
        // SAFETY: the pointer is written on success; the reference is given back by `drop`.
        let status = unsafe { snd_config_update_ref(&mut top) };
        (status >= 0 && !top.is_null()).then_some(Self(top))
    }

    /// The definition of a device, with its arguments put in.
    fn definition(&self, key: &str) -> Option<Definition<'_>> {
        let key = CString::new(key).ok()?;
        let mut node = ptr::null_mut();
        // SAFETY: the tree is held by this reference; the strings live through the call; the result is a copy of ours.
        let status = unsafe { snd_config_search_definition(self.0, c"pcm".as_ptr(), key.as_ptr(), &mut node) };
        (status >= 0 && !node.is_null()).then(|| Definition { node, owned: true, _tree: std::marker::PhantomData })
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: the reference that `current` took.
        unsafe { snd_config_unref(self.0) }
    }
}

/// A node of the configuration: a compound, or a leaf with a text.
struct Definition<'a> {
    node: *mut snd_config_t,
    owned: bool,
    _tree: std::marker::PhantomData<&'a Config>,
}

impl Definition<'_> {
    fn child(&self, path: &CStr) -> Option<Definition<'_>> {
        let mut node = ptr::null_mut();
        // SAFETY: the node lives as long as `self`; what is found below it belongs to it.
        let status = unsafe { snd_config_search(self.node, path.as_ptr(), &mut node) };
        (status >= 0 && !node.is_null()).then(|| Definition { node, owned: false, _tree: std::marker::PhantomData })
    }

    fn text(&self) -> Option<String> {
        let mut text = ptr::null();
        // SAFETY: fails on anything but a leaf with a text; the text belongs to the node.
        let status = unsafe { snd_config_get_string(self.node, &mut text) };
        if status < 0 || text.is_null() {
            return None;
        }
        // SAFETY: a C string, see above.
        Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }
}

impl Drop for Definition<'_> {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: a copy of ours, made by `definition`.
            unsafe { snd_config_delete(self.node) };
        }
    }
}
