//! Options of the facade → a stream that can be opened, on any thread.

use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Function, JsObjectValue, Object};
use napi::{Env, Result};
use sounddevice::stream::handoff::{Handoff, Worker};
use sounddevice::{Dtype, Raw, StreamBuilder};

use super::parts::Parts;
use crate::cards::{ChannelName, channel};
use crate::devices::{Specifier, dtype, specifier};
use crate::gate::Gate;
use crate::hub::Place;
use crate::job::latency;
use crate::settings::settings;

/// What is known before the device is.
pub struct Plan {
    builder: StreamBuilder<Raw, Raw>,
    gate: Arc<Gate>,
    handoff: Option<Arc<Handoff>>,
    worker: Option<Arc<Worker>>,
}

pub(super) fn plan(env: &Env, options: &Object<'_>, wake: &Function<'_, (), ()>) -> Result<Plan> {
    let input: Option<Object> = options.get("input")?;
    let output: Option<Object> = options.get("output")?;
    let format = |side: &Option<Object<'_>>| -> Result<Option<Dtype>> {
        side.as_ref().map(|side| dtype(env, &side.get_named_property::<String>("dtype")?)).transpose()
    };
    let mut builder = sounddevice::Stream::raw(format(&input)?, format(&output)?);
    if let Some(side) = &input {
        builder = builder.input_latency(latency(side)?);
        if let Some(device) = side.get::<Specifier>("device")? {
            builder = builder.input_device(specifier(device));
        }
        if let Some(channels) = side.get::<u32>("channels")? {
            builder = builder.input_channels(channels as usize);
        }
        if let Some(settings) = settings(side)? {
            builder = builder.input_settings(settings);
        }
        if let Some(map) = side.get::<Vec<ChannelName>>("map")? {
            builder = builder.input_map(map.into_iter().map(channel));
        }
    }
    if let Some(side) = &output {
        builder = builder.output_latency(latency(side)?);
        if let Some(device) = side.get::<Specifier>("device")? {
            builder = builder.output_device(specifier(device));
        }
        if let Some(channels) = side.get::<u32>("channels")? {
            builder = builder.output_channels(channels as usize);
        }
        if let Some(settings) = settings(side)? {
            builder = builder.output_settings(settings);
        }
        if let Some(map) = side.get::<Vec<ChannelName>>("map")? {
            builder = builder.output_map(map.into_iter().map(channel));
        }
    }
    if let Some(rate) = options.get::<f64>("sampleRate")? {
        builder = builder.sample_rate(rate);
    }
    if let Some(seconds) = options.get::<f64>("buffer")? {
        builder = builder.buffer(seconds);
    }
    let flag = |name: &str| options.get::<bool>(name).map(|value| value.unwrap_or(false));
    builder = builder
        .block_size(options.get("blockSize")?.unwrap_or(0))
        .clip_off(flag("clipOff")?)
        .dither_off(flag("ditherOff")?)
        .never_drop_input(flag("neverDropInput")?)
        .prime_output(flag("primeOutput")?);
    let answers = flag("processor")?.then(Worker::new);
    let worker = answers.as_ref().map(|(worker, _)| Arc::clone(worker));
    let gate = Gate::new(Place::new(env, wake, worker.clone())?);
    let (finished, rests) = (Arc::clone(&gate), worker.clone());
    builder = builder.on_finished(move |reason| {
        if let Some(worker) = &rests {
            worker.rest();
        }
        finished.finished(reason);
    });
    if flag("follow")? {
        let moved = Arc::clone(&gate);
        builder = builder.follow_default(true).on_device_changed(move |device| moved.moved(device));
    }
    let mut handoff = None;
    if let Some((_, made)) = answers {
        builder = builder.handoff(&made, false);
        handoff = Some(made);
    } else if flag("called")? {
        let asks = Arc::clone(&gate);
        let made = Handoff::new(move || asks.ask());
        builder = builder.handoff(&made, true);
        handoff = Some(made);
    } else {
        let period = Arc::clone(&gate);
        builder = builder.on_period(move || period.period());
    }
    Ok(Plan { builder, gate, handoff, worker })
}

impl Plan {
    pub(super) fn open(self) -> sounddevice::Result<Parts> {
        let Self { builder, gate, handoff, worker } = self;
        match builder.open() {
            Ok(stream) => Ok(Parts { stream: Some(stream), gate, handoff, worker, failure: Mutex::default() }),
            Err(error) => {
                gate.close();
                Err(error)
            }
        }
    }
}
