//! The thread that answers a stream's blocks in JavaScript: its own side, in an environment of its own.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{Function, Uint8ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;
use sounddevice::stream::handoff::{Pace, Wanted, Worker};
use sounddevice::{Flow, StreamTime};

use crate::stream::{Parts, tell};

/// After so many blocks, within these bounds, the thread looks after its timers: every turn of the event loop leaves some
/// garbage. For messages it is called at once.
const TURN_BLOCKS: f64 = 150.0;
const TURN_SECONDS: [f64; 2] = [0.05, 0.4];

fn turn(stream: &sounddevice::Stream<sounddevice::Raw, sounddevice::Raw>) -> Instant {
    let [least, most] = TURN_SECONDS;
    let seconds = TURN_BLOCKS * stream.block() as f64 / stream.sample_rate();
    Instant::now() + Duration::from_secs_f64(seconds.clamp(least, most))
}

/// Blocks after which the call returns, so that what it holds in JavaScript is let go of.
const BLOCKS: u32 = 64;

/// What `serve` returns: to be called again, at once, or after a turn of the event loop, or in the next run, or never.
const AGAIN: u32 = 0;
const TURNS: u32 = 1;
const RESTS: u32 = 2;
const ENDS: u32 = 3;

/// Streams whose threads have not come yet.
static ANNOUNCED: Mutex<Vec<(u32, Weak<Parts>)>> = Mutex::new(Vec::new());
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The number by which the thread finds its stream.
pub fn announce(parts: &Arc<Parts>) -> u32 {
    let number = COUNT.fetch_add(1, Relaxed);
    let mut announced = ANNOUNCED.lock().unwrap_or_else(PoisonError::into_inner);
    announced.retain(|(_, parts)| parts.strong_count() > 0);
    announced.push((number, Arc::downgrade(parts)));
    number
}

/// Where this addon is: for threads that have to load it too.
#[napi]
pub fn addon_url(env: Env) -> Result<String> {
    env.get_module_file_name()
}

#[napi]
pub struct NativeProcessor {
    parts: Weak<Parts>,
    worker: Option<Arc<Worker>>,
    state: Mutex<State>,
}

struct State {
    /// When the event loop is next due.
    turn: Instant,
    /// A run that the callback has ended: it is not called any more.
    over: Option<u64>,
}

#[napi]
impl NativeProcessor {
    /// On the thread itself; nothing if the stream has gone.
    #[napi(constructor)]
    pub fn new(number: u32) -> Self {
        let mut announced = ANNOUNCED.lock().unwrap_or_else(PoisonError::into_inner);
        let position = announced.iter().position(|(other, _)| *other == number);
        let parts = position.map_or_else(Weak::new, |position| announced.swap_remove(position).1);
        let worker = parts.upgrade().and_then(|parts| parts.worker().cloned());
        Self { parts, worker, state: Mutex::new(State { turn: Instant::now(), over: None }) }
    }

    /// Asks for real-time priority for the calling thread, and answers from now on: 'sync', 'pipelined' or 'auto'. Says whether
    /// it was granted.
    #[napi]
    pub fn begin(&self, handoff: String) -> bool {
        let (Some(parts), Some(worker)) = (self.parts.upgrade(), &self.worker) else {
            return false;
        };
        let stream = parts.stream();
        let raised = worker.raise(stream.block() as f64 / stream.sample_rate());
        let still = stream.manual_clock();
        worker.begin(match handoff.as_str() {
            "pipelined" if still => Pace::Still(1),
            "pipelined" => Pace::Ahead(1),
            _ if still => Pace::Still(0),
            "auto" if !raised => Pace::Ahead(1),
            _ => Pace::Within,
        });
        // For the dispatcher, which watches threads that have been raised.
        parts.ask();
        raised
    }

    /// Says, in the facade's words, why it has failed; `now` if it cannot say so with a block: the run ends at once then.
    #[napi]
    pub fn fail(&self, failure: String, now: bool) {
        if let Some(parts) = self.parts.upgrade() {
            parts.failed(failure);
            if now {
                parts.fail();
            }
        }
    }

    /// Answers blocks by `call`, which is told where a block is and returns 0 (go on), 1 (complete) or 2 (abort), and sleeps
    /// meanwhile.
    #[napi]
    pub fn serve(&self, call: Function<u32, u32>, mut times: Uint8ArraySlice) -> Result<u32> {
        let (Some(parts), Some(worker)) = (self.parts.upgrade(), &self.worker) else {
            return Ok(ENDS);
        };
        let stream = parts.stream();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..BLOCKS {
            let asked = match worker.wait(state.turn, || stream.audio_priority()) {
                Wanted::Block(asked) => asked,
                Wanted::Turn => {
                    state.turn = turn(stream);
                    return Ok(TURNS);
                }
                Wanted::Rest => return Ok(RESTS),
                Wanted::End => return Ok(ENDS),
            };
            if state.over == Some(asked.run()) {
                worker.answer(&asked, Flow::Continue);
                continue;
            }
            let current = stream.time().unwrap_or(asked.time.current);
            worker.waited(current - asked.time.current);
            tell(&mut times, StreamTime { current, ..asked.time }, asked.status.bits());
            let flow = match call.call(asked.slot as u32)? {
                1 => Flow::Complete,
                2 => Flow::Abort,
                _ => Flow::Continue,
            };
            if flow != Flow::Continue {
                state.over = Some(asked.run());
            }
            worker.answer(&asked, flow);
            // Priming is nothing that went wrong.
            if asked.status.bits() & 15 != 0 {
                parts.ask();
            }
            if Instant::now() >= state.turn {
                state.turn = turn(stream);
                return Ok(TURNS);
            }
        }
        Ok(AGAIN)
    }
}

impl Drop for NativeProcessor {
    /// With its environment at the latest, on the thread itself.
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.leave();
        }
    }
}
