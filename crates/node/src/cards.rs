//! Speakers, microphones, names of channels and of the program.

use std::collections::HashMap;

use napi::bindgen_prelude::Either;
use napi::{Env, Result};
use napi_derive::napi;
use sounddevice::Channel;

use crate::devices::DeviceInfo;
use crate::error::throw;

/// In the order of host APIs.
#[napi]
pub fn list_speakers(env: Env) -> Result<Vec<DeviceInfo>> {
    let devices = sounddevice::devices().map_err(|error| throw(&env, error))?;
    Ok(devices.speakers().map(DeviceInfo::from).collect())
}

#[napi]
pub fn list_microphones(env: Env, include_loopback: bool) -> Result<Vec<DeviceInfo>> {
    let devices = sounddevice::devices().map_err(|error| throw(&env, error))?;
    Ok(devices.microphones(include_loopback).map(DeviceInfo::from).collect())
}

#[napi]
pub fn find_speaker(env: Env, query: String) -> Result<DeviceInfo> {
    let devices = sounddevice::devices().map_err(|error| throw(&env, error))?;
    devices.find_speaker(&query).map(DeviceInfo::from).map_err(|error| throw(&env, error))
}

#[napi]
pub fn find_microphone(env: Env, query: String, include_loopback: bool) -> Result<DeviceInfo> {
    let devices = sounddevice::devices().map_err(|error| throw(&env, error))?;
    devices.find_microphone(&query, include_loopback).map(DeviceInfo::from).map_err(|error| throw(&env, error))
}

/// A channel as JavaScript names it; −1 is all of them.
#[napi]
pub type ChannelName = Either<f64, String>;

pub fn channel(name: ChannelName) -> Channel {
    match name {
        Either::A(number) if number < 0.0 => Channel::All,
        Either::A(number) => Channel::Number(number as usize),
        Either::B(name) => Channel::Name(name),
    }
}

#[napi]
pub fn channel_names() -> HashMap<String, i32> {
    sounddevice::channel_names().into_iter().collect()
}

#[napi]
pub fn program_name(env: Env) -> Result<String> {
    sounddevice::program_name().map_err(|error| throw(&env, error))
}

#[napi]
pub fn set_program_name(env: Env, name: String) -> Result<()> {
    sounddevice::set_program_name(&name).map_err(|error| throw(&env, error))
}
