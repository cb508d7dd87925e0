//! Streams.

mod parts;
mod plan;
mod transfer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use napi::bindgen_prelude::{AsyncTask, Function, Object, Uint8ArraySlice};
use napi::{Env, Result, Task};
use napi_derive::napi;
pub use parts::Parts;
use sounddevice::stream::handoff::{Asked, Pace};
use sounddevice::{Finished, Flow, StreamTime};

use self::parts::{Known, Stream, lock};
use self::plan::{Plan, plan};
use crate::buffer::{hand_over, writable};
use crate::devices::DeviceInfo;
use crate::error::{NativeError, throw};
use crate::processor;
use crate::running::remember;

/// How long a start may wait for the run before to play out.
const PLAYING_OUT: Duration = Duration::from_secs(5);

#[napi]
pub struct NativeStream {
    parts: Arc<Parts>,
    /// The block that JavaScript has.
    asked: Mutex<Option<Asked>>,
}

impl NativeStream {
    fn new(env: &Env, parts: Parts) -> Result<Self> {
        let parts = Arc::new(parts);
        remember(env, Known(Arc::downgrade(&parts)))?;
        Ok(Self { parts, asked: Mutex::default() })
    }

    fn stream(&self) -> &Stream {
        self.parts.stream()
    }
}

/// Opens. `wake`, which is the same for all streams, is called when there is something to see: JavaScript then asks for
/// `rungStreams`, and of each of them calls `look`, `next`, and what it waits for.
#[napi(ts_args_type = "options: object, wake: () => void")]
pub fn open_stream(env: Env, options: Object, wake: Function<(), ()>) -> Result<NativeStream> {
    let parts = plan(&env, &options, &wake)?.open().map_err(|error| throw(&env, error))?;
    NativeStream::new(&env, parts)
}

pub struct Opening(Option<Plan>);

impl Task for Opening {
    type Output = Option<sounddevice::Result<Parts>>;
    type JsValue = NativeStream;

    fn compute(&mut self) -> Result<Self::Output> {
        Ok(self.0.take().map(Plan::open))
    }

    fn resolve(&mut self, env: Env, opened: Self::Output) -> Result<NativeStream> {
        let gone = || Err(sounddevice::Error::new(sounddevice::ErrorKind::StreamClosed, "The stream was opened twice"));
        let parts = opened.unwrap_or_else(gone).map_err(|error| throw(&env, error))?;
        NativeStream::new(&env, parts)
    }
}

/// The same without blocking the thread.
#[napi(ts_args_type = "options: object, wake: () => void", ts_return_type = "Promise<NativeStream>")]
pub fn open_stream_async(env: Env, options: Object, wake: Function<(), ()>) -> Result<AsyncTask<Opening>> {
    Ok(AsyncTask::new(Opening(Some(plan(&env, &options, &wake)?))))
}

/// What was opened.
#[napi(object)]
pub struct StreamFacts {
    pub sample_rate: f64,
    /// Frames of a block of a callback.
    pub block: u32,
    /// Blocks for a callback.
    pub blocks: u32,
    pub manual_clock: bool,
    pub input_device: u32,
    pub input_channels: u32,
    pub output_device: u32,
    pub output_channels: u32,
}

/// How a run has ended: 'stopped', 'aborted', 'completed', 'callback' (it said abort) or 'failed'.
#[napi(object)]
pub struct RunEnd {
    pub how: String,
    pub error: Option<NativeError>,
}

impl From<Finished> for RunEnd {
    fn from(finished: Finished) -> Self {
        let (how, error) = match finished {
            Finished::Stopped => ("stopped", None),
            Finished::Aborted => ("aborted", None),
            Finished::Completed => ("completed", None),
            Finished::AbortedByCallback => ("callback", None),
            Finished::Failed(error) => ("failed", Some(error)),
            _ => ("failed", None),
        };
        Self { how: how.into(), error: error.map(Into::into) }
    }
}

/// Input, current, output, then flags, as four doubles.
pub fn tell(times: &mut Uint8ArraySlice<'_>, time: StreamTime, flags: u8) {
    let values = [time.input_adc, time.current, time.output_dac, f64::from(flags)];
    for (bytes, value) in writable(times).chunks_exact_mut(8).zip(values) {
        bytes.copy_from_slice(&value.to_ne_bytes());
    }
}

#[napi]
impl NativeStream {
    #[napi]
    pub fn facts(&self) -> StreamFacts {
        let stream = self.stream();
        let (blocks, _) = stream.handoff_blocks();
        StreamFacts {
            sample_rate: stream.sample_rate(),
            block: stream.block() as u32,
            blocks: blocks as u32,
            manual_clock: stream.manual_clock(),
            input_device: stream.input_device() as u32,
            input_channels: stream.input_channels() as u32,
            output_device: stream.output_device() as u32,
            output_channels: stream.output_channels() as u32,
        }
    }

    /// Starts. `input` and `output` are the blocks of a callback behind each other, over shared memory that the facade keeps
    /// until the stream is closed.
    #[napi]
    pub fn start(&self, env: Env, input: Option<Uint8ArraySlice>, output: Option<Uint8ArraySlice>) -> Result<()> {
        let stream = self.stream();
        // The run before has to be over before its successor is prepared. On a manual clock `start` refuses to wait.
        let running = stream.active() && !stream.stopping();
        let refused = stream.stopping() && stream.manual_clock();
        if !running && !refused {
            stream.wait(PLAYING_OUT);
        }
        if !stream.active() {
            *lock(&self.asked) = None;
            self.parts.gate.begin(stream.manual_clock());
            if let Some(handoff) = &self.parts.handoff {
                let (blocks, ahead) = stream.handoff_blocks();
                let silence = stream.output_dtype().silence();
                hand_over(handoff, input.as_ref(), output.as_ref(), silence, blocks, stream.block());
                match &self.parts.worker {
                    Some(worker) => worker.run(),
                    None if stream.manual_clock() => handoff.begin(Pace::Still(0)),
                    None => handoff.begin(Pace::Ahead(ahead)),
                }
            }
        }
        stream.start().map_err(|error| throw(&env, error))
    }

    #[napi]
    pub fn stop(&self) {
        self.stream().begin_stop();
    }

    #[napi]
    pub fn stop_sync(&self, env: Env) -> Result<()> {
        // While this thread stands still, nothing may wait for it.
        self.parts.gate.end();
        self.stream().stop().map_err(|error| {
            self.parts.gate.begin(self.stream().manual_clock());
            throw(&env, error)
        })
    }

    #[napi]
    pub fn abort(&self) {
        self.parts.let_go();
        self.stream().begin_abort();
    }

    #[napi]
    pub fn close(&self) {
        self.parts.end();
        self.stream().begin_close();
    }

    #[napi]
    pub fn close_sync(&self) {
        self.parts.end();
        self.stream().close();
    }

    /// After `close`, when everything has been told: the thread that wakes JavaScript ends.
    #[napi]
    pub fn leave(&self) {
        self.parts.gate.close();
    }

    /// That of `rungStreams`.
    #[napi(getter)]
    pub fn number(&self) -> u32 {
        self.parts.gate.number()
    }

    /// JavaScript begins to look: the ends of runs that it has not heard of, one by one.
    #[napi]
    pub fn look(&self) -> Option<RunEnd> {
        self.parts.gate.begin_look().map(Into::into)
    }

    /// Devices on which it goes on, of which JavaScript has not heard.
    #[napi]
    pub fn moved(&self) -> Vec<DeviceInfo> {
        self.parts.gate.take_moved().iter().map(DeviceInfo::from).collect()
    }

    /// JavaScript has seen everything; `interested` if it waits for input or for room.
    #[napi]
    pub fn looked(&self, interested: bool) {
        self.parts.gate.end_look(interested);
    }

    /// Gives the last block back, with 0 (go on), 1 (complete) or 2 (abort), and returns where the next one is; −1 if there
    /// is none.
    #[napi]
    pub fn next(&self, flow: u32, mut times: Uint8ArraySlice) -> i32 {
        let Some(handoff) = &self.parts.handoff else {
            return -1;
        };
        let mut asked = lock(&self.asked);
        if let Some(asked) = asked.take() {
            let flow = match flow {
                1 => Flow::Complete,
                2 => Flow::Abort,
                _ => Flow::Continue,
            };
            handoff.answer(&asked, flow);
        }
        let Some(next) = handoff.next() else {
            return -1;
        };
        let current = self.stream().time().unwrap_or(next.time.current);
        let time = StreamTime { current, ..next.time };
        tell(&mut times, time, next.status.bits());
        *asked = Some(next);
        next.slot as i32
    }

    /// For the thread that answers: by this number it finds the stream.
    #[napi]
    pub fn announce(&self) -> u32 {
        // What a thread before it has begun is none of its business.
        if let Some(handoff) = &self.parts.handoff {
            handoff.forget();
        }
        processor::announce(&self.parts)
    }

    /// The thread that answers has failed: the run ends at once.
    #[napi]
    pub fn fail(&self) {
        self.parts.fail();
    }

    /// Why, if it has said so.
    #[napi]
    pub fn take_failure(&self) -> Option<String> {
        lock(&self.parts.failure).take()
    }

    /// For benchmarks: how many blocks waited how many seconds at most for another thread, pair by pair, since this was last asked.
    #[napi]
    pub fn take_waits(&self) -> Vec<f64> {
        let waits = self.parts.worker.as_ref().map(|worker| worker.take_waits()).unwrap_or_default();
        waits.into_iter().flat_map(|(seconds, count)| [seconds, f64::from(count)]).collect()
    }

    /// Whether blocks are answered.
    #[napi]
    pub fn begun(&self) -> bool {
        self.parts.handoff.as_ref().is_some_and(|handoff| handoff.has_begun())
    }

    /// The thread that answers is to look for messages.
    #[napi]
    pub fn nudge(&self) {
        if let Some(worker) = &self.parts.worker {
            worker.nudge();
        }
    }

    /// Flags of blocks that others have answered, since this was last asked.
    #[napi]
    pub fn take_flags(&self) -> u32 {
        self.parts.worker.as_ref().map_or(0, |worker| worker.take_flags().into())
    }

    /// Whether the thread that makes it has real-time priority: the one that answers, else the audio thread.
    #[napi]
    pub fn realtime(&self) -> bool {
        self.parts.worker.as_ref().map_or_else(|| self.stream().realtime(), |worker| worker.realtime())
    }

    #[napi]
    pub fn active(&self) -> bool {
        self.stream().active()
    }

    #[napi]
    pub fn stopped(&self) -> bool {
        self.stream().stopped()
    }

    #[napi]
    pub fn closed(&self) -> bool {
        self.stream().closed()
    }

    #[napi]
    pub fn time(&self, env: Env) -> Result<f64> {
        self.stream().time().map_err(|error| throw(&env, error))
    }

    /// The audio thread's or that of who answers, whichever has more to do.
    #[napi]
    pub fn cpu_load(&self) -> f64 {
        let stream = self.stream();
        let answering = match &self.parts.handoff {
            Some(handoff) if stream.active() => handoff.busy() * stream.sample_rate() / stream.block().max(1) as f64,
            _ => 0.0,
        };
        stream.cpu_load().max(answering)
    }

    #[napi(getter)]
    pub fn volume(&self) -> f64 {
        self.stream().volume()
    }

    #[napi]
    pub fn set_volume(&self, env: Env, volume: f64) -> Result<()> {
        self.stream().set_volume(volume).map_err(|error| throw(&env, error))
    }

    #[napi]
    pub fn input_latency(&self) -> f64 {
        self.stream().input_latency()
    }

    #[napi]
    pub fn output_latency(&self) -> f64 {
        self.stream().output_latency()
    }

    /// Input underflows, input overflows, output underflows, output overflows.
    #[napi]
    pub fn xruns(&self) -> Vec<f64> {
        let mut xruns = self.stream().xruns();
        if let Some(handoff) = &self.parts.handoff {
            let [input, output] = handoff.lost();
            xruns[1] += input;
            xruns[2] += output;
        }
        xruns.iter().map(|count| *count as f64).collect()
    }

    #[napi]
    pub fn clipped(&self) -> f64 {
        self.stream().clipped() as f64
    }

    #[napi]
    pub fn nan(&self) -> f64 {
        self.stream().nan() as f64
    }
}
