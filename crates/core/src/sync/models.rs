//! Model checks: every order in which two or three threads can meet, as far as the memory model allows it.

mod ends;

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::cell::UnsafeCell;

use super::atomic::Ordering::{Acquire, Relaxed, Release};
use super::atomic::{AtomicU32, AtomicU64};
use super::thread;
use crate::backend::{Clock, OpenSide, StreamInfo};
use crate::dtype::Dtype;
use crate::memory::Samples;
use crate::patience::Asked;
use crate::realtime::command::Command;
use crate::realtime::stream::{Call, Shared, User, Waiter};
use crate::realtime::voices::{State, Turn};
use crate::realtime::{Engine, Flags, Flow, Loss, Period, Signals, Times, join};
use crate::stream::bell::Bell;
use crate::stream::handoff::{Handoff, Memory, Pace, Wanted, Worker};
use crate::stream::{Flow as Next, Status, StreamTime};

const LONG: Duration = Duration::from_secs(1);

/// Bounded, so that it takes seconds: more preemptions find nothing here that three do not.
fn check(model: impl Fn() + Sync + Send + 'static) {
    check_bounded(3, model);
}

fn check_bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// However an answer and the end of patience meet, an answer that came is never counted as overdue for good.
#[test]
fn an_answer_and_the_end_of_patience() {
    check(|| {
        let asked = Asked::default();
        let question = asked.ask("question", || 7).expect("nothing is overdue");
        let answer = question.wait(LONG);
        assert!(answer.is_none() || answer == Some(7));
        // As soon as the thread is through, more can be asked.
        while asked.is_overdue() {
            thread::yield_now();
        }
        assert!(asked.ask("question", || 8).is_some());
    });
}

/// Whoever raises is heard: the owner never sleeps over it, and what has settled has been looked at.
#[test]
fn news_wake_their_owner() {
    check(|| {
        let signals = Arc::new(Signals::default());
        let (news, seen) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let ready = Arc::new(AtomicU32::new(0));
        let owner = {
            let ready = Arc::clone(&ready);
            let (signals, news, seen) = (Arc::clone(&signals), Arc::clone(&news), Arc::clone(&seen));
            thread::spawn(move || {
                signals.own();
                ready.store(1, Release);
                loop {
                    let raised = signals.raised();
                    let lost = signals.lost();
                    if news.load(Relaxed) == 1 {
                        seen.store(1, Relaxed);
                    }
                    signals.attended(raised);
                    if let Some(lost) = lost {
                        assert_eq!(lost, Loss::Device, "the first reason stays");
                        assert_eq!(seen.load(Relaxed), 1);
                        break;
                    }
                    thread::park();
                }
            })
        };
        // It is said before the stream opens.
        while ready.load(Acquire) == 0 {
            thread::yield_now();
        }
        news.store(1, Relaxed);
        signals.attend();
        if signals.settled() {
            assert_eq!(seen.load(Relaxed), 1);
        }
        signals.lose(Loss::Device);
        signals.lose(Loss::Host);
        owner.join().expect("it ends");
    });
}

/// A job that was aborted is forgotten between two periods: its samples are nobody's then.
#[test]
fn an_aborted_job_is_not_touched_once_it_is_forgotten() {
    check(|| {
        let (state, turn) = (Arc::new(State::default()), Arc::new(Turn::default()));
        let samples = Arc::new(UnsafeCell::new(0));
        let audio = {
            let (state, turn, samples) = (Arc::clone(&state), Arc::clone(&turn), Arc::clone(&samples));
            thread::spawn(move || {
                for _ in 0..2 {
                    turn.begin();
                    if state.command() != Command::Abort {
                        // SAFETY: loom ends the run where two threads are in here at once: that is what is tried.
                        samples.with_mut(|samples| unsafe { *samples += 1 });
                    }
                    turn.end();
                }
            })
        };
        let orders = {
            let state = Arc::clone(&state);
            thread::spawn(move || state.order(Command::Abort))
        };
        if state.command() == Command::Abort && turn.is_over() {
            // SAFETY: as above.
            samples.with_mut(|samples| unsafe { *samples = -1 });
        }
        audio.join().expect("it ends");
        orders.join().expect("it ends");
    });
}

/// A job that was told to stop sounds until the end of what was made before, once that is asked for between two periods.
#[test]
fn a_stopped_job_waits_for_the_period_that_is_being_made() {
    check(|| {
        let (state, turn) = (Arc::new(State::default()), Arc::new(Turn::default()));
        let audio = {
            let (state, turn) = (Arc::clone(&state), Arc::clone(&turn));
            thread::spawn(move || {
                let mut last = None;
                for period in 1..3 {
                    turn.begin();
                    if state.command() == Command::Run {
                        last = Some(f64::from(period));
                        state.sounds_until(f64::from(period));
                    }
                    turn.end();
                }
                last
            })
        };
        state.order(Command::Stop);
        let until = turn.is_over().then(|| state.heard_until());
        let last = audio.join().expect("it ends");
        assert!(until.is_none_or(|until| until == last), "{until:?}, but it sounded until {last:?}");
    });
}

/// After a stop was ordered, the time until which it sounds is that of the last sound.
#[test]
fn a_stop_waits_for_the_period_that_is_being_made() {
    check(|| {
        let shared = Arc::new(Shared::default());
        let audio = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let mut last = f64::NEG_INFINITY;
                for period in 1..3 {
                    shared.enter();
                    if shared.command() == Command::Run {
                        last = f64::from(period);
                        shared.will_sound_until(last);
                    }
                    shared.leave();
                }
                last
            })
        };
        shared.order(Command::Stop);
        let until = shared.sounds_until();
        let last = audio.join().expect("it ends");
        assert!(until.is_none_or(|until| until == last), "{until:?}, but it sounded until {last}");
    });
}

/// Two that wake, one that waits for both: no wake is lost.
#[test]
fn who_waits_is_woken() {
    check(|| {
        let (waiter, done) = (Arc::new(Waiter::default()), Arc::new(AtomicU32::new(0)));
        let wakers = [(); 2].map(|()| {
            let (waiter, done) = (Arc::clone(&waiter), Arc::clone(&done));
            thread::spawn(move || {
                done.fetch_add(1, Release);
                waiter.wake();
            })
        });
        waiter.register();
        while done.load(Acquire) < 2 {
            Waiter::sleep(LONG);
        }
        waiter.leave();
        wakers.into_iter().for_each(|waker| waker.join().expect("it ends"));
    });
}

/// Whatever is rung for is seen by the one that looks, while it looks or when it is woken; the dispatcher ends.
#[test]
fn what_is_rung_for_is_seen() {
    check(|| {
        let (bell, news, woken) =
            (Arc::new(Bell::default()), Arc::new(AtomicU32::new(0)), Arc::new(Signals::default()));
        let dispatcher = {
            let (bell, woken) = (Arc::clone(&bell), Arc::clone(&woken));
            thread::spawn(move || bell.dispatch(|| woken.wake(), thread::park))
        };
        let looker = {
            let (bell, news) = (Arc::clone(&bell), Arc::clone(&news));
            thread::spawn(move || {
                woken.own();
                bell.begin();
                while news.load(Relaxed) == 0 {
                    thread::park();
                    bell.begin();
                }
            })
        };
        news.store(1, Relaxed);
        bell.ring();
        looker.join().expect("it ends");
        bell.close();
        dispatcher.join().expect("it ends");
    });
}

fn handoff(blocks: usize, pace: Pace) -> Arc<Handoff> {
    let handoff = Handoff::new(|| ());
    attach(&handoff, blocks);
    handoff.begin(pace);
    handoff
}

fn attach(handoff: &Handoff, blocks: usize) {
    let memory = Memory { input: Samples::zeroed(blocks), output: Samples::zeroed(blocks), silence: 0 };
    // SAFETY: the memory is owned, and nobody here touches it.
    unsafe { handoff.attach(memory, blocks, 1) };
}

fn call(user: &mut dyn User, number: u64, status: u8) -> Next {
    let time = StreamTime { input_adc: number as f64, current: 0.0, output_dac: number as f64 };
    let (input, mut output, half) = ([number as u8], [0], Instant::now());
    user.call(Call {
        input: &input,
        output: &mut output,
        frames: 1,
        time,
        status: Status(status),
        draining: false,
        half,
    })
}

/// Blocks go over and come back in their order, each with its own time; what cannot go or comes late is told once.
#[test]
fn blocks_are_handed_over_and_back() {
    check_bounded(2, || {
        let handoff = handoff(2, Pace::Ahead(1));
        let mut caller = handoff.user();
        let user = {
            let handoff = Arc::clone(&handoff);
            thread::spawn(move || {
                let (mut last, mut overflows, mut underflows) = (-1.0, 0, 0);
                for _ in 0..3 {
                    let Some(asked) = handoff.next() else {
                        thread::yield_now();
                        continue;
                    };
                    assert!(asked.time.input_adc > last && asked.time.input_adc == asked.time.output_dac);
                    last = asked.time.input_adc;
                    overflows += u64::from(asked.status.input_overflow());
                    underflows += u64::from(asked.status.output_underflow());
                    handoff.answer(&asked, Next::Continue);
                }
                (overflows, underflows)
            })
        };
        for number in 0..3 {
            assert_eq!(call(&mut caller, number, 0), Next::Continue);
        }
        let (overflows, underflows) = user.join().expect("it ends");
        let [lost, late] = handoff.lost();
        assert!(overflows <= lost && underflows <= late);
    });
}

/// An audio thread that waits for its answer gets it, or goes on when nobody will give one; the verdict is obeyed.
#[test]
fn a_waiting_audio_thread_goes_on() {
    check_bounded(2, || {
        let handoff = handoff(1, Pace::Still(0));
        let mut caller = handoff.user();
        let user = {
            let handoff = Arc::clone(&handoff);
            thread::spawn(move || {
                let asked = handoff.next();
                if let Some(asked) = &asked {
                    handoff.answer(asked, Next::Complete);
                }
                handoff.end();
                asked.is_some()
            })
        };
        let flow = call(&mut caller, 0, 0);
        let answered = user.join().expect("it ends");
        assert_eq!(flow, if answered { Next::Complete } else { Next::Continue });
    });
}

/// A thread that answers sleeps over nothing: not over a block, nor over a call, nor over the end.
#[test]
fn who_answers_is_woken() {
    check_bounded(2, || {
        let (worker, handoff) = Worker::new();
        attach(&handoff, 1);
        worker.run();
        let (mut caller, asks) = (handoff.user(), Arc::clone(&worker));
        let answers = thread::spawn(move || {
            worker.begin(Pace::Still(0));
            let (mut blocks, mut turns) = (0, 0);
            loop {
                // Far away: nobody is woken by time.
                match worker.wait(Instant::now() + 1000 * LONG, || 0) {
                    Wanted::Block(asked) => {
                        worker.answer(&asked, Next::Complete);
                        blocks += 1;
                    }
                    Wanted::Turn => turns += 1,
                    Wanted::Rest => panic!("the run goes on"),
                    Wanted::End => return (blocks, turns),
                }
            }
        });
        // Silence as long as nobody answers; then it waits for the answer.
        let flow = call(&mut caller, 0, 0);
        asks.nudge();
        asks.close();
        let (blocks, turns) = answers.join().expect("it ends");
        assert_eq!(flow, if blocks == 1 { Next::Complete } else { Next::Continue });
        assert!(turns <= 1);
    });
}

struct Probe {
    periods: Arc<AtomicU64>,
    last: i8,
    lost: bool,
}

impl Engine for Probe {
    fn prepare(&mut self, _: &StreamInfo) {}

    fn process(&mut self, period: &mut Period<'_>) -> Flow {
        period.output.fill(0);
        // With the second frame, or with silence where it came too late.
        self.lost |= period.flags.0 & Flags::INPUT_OVERFLOW.0 != 0;
        for sample in period.input.iter().map(|sample| *sample as i8) {
            if sample == 0 {
                assert!(period.flags.0 & Flags::INPUT_UNDERFLOW.0 != 0, "silence that is not told");
                continue;
            }
            assert!(sample == self.last + 1 || self.last == 0, "{sample} after {}", self.last);
            let told = self.last > 0;
            self.last = sample;
            assert_eq!(period.times.adc, f64::from(sample) * 100.0, "the time of another frame");
            // What was lost before the first one that is heard is nobody's loss.
            assert!(self.lost == (sample >= 2) || !told && !self.lost, "a flag is told with its frame");
            self.lost |= sample >= 2;
        }
        match self.periods.fetch_add(1, Relaxed) {
            0 | 1 => Flow::Continue,
            _ => Flow::Finished,
        }
    }
}

/// Frames of the capture's thread come in their order, with their own times and flags, until nothing is wanted.
#[test]
fn captured_frames_meet_their_times_and_flags() {
    check_bounded(2, || {
        let engine = Probe { periods: Arc::new(AtomicU64::new(0)), last: 0, lost: false };
        let (mut capture, mut playback) = join::pair(Box::new(engine));
        let side = Some(OpenSide { format: Dtype::I8.into(), channels: 1, latency: 0.0 });
        let info = |input, output| StreamInfo {
            sample_rate: 8.0,
            period: 0,
            tail: 0.0,
            input,
            output,
            clock: Clock::Monotonic,
        };
        capture.prepare(&info(side, None));
        playback.prepare(&info(None, side));
        let hear = |capture: &mut Box<dyn Engine>, sample: u8| {
            let times = Times { adc: f64::from(sample) * 100.0, dac: 0.0, now: 1000.0 };
            let flags = if sample == 2 { Flags::INPUT_OVERFLOW } else { Flags::default() };
            capture.process(&mut Period { frames: 1, input: &[sample], output: &mut [], times, flags })
        };
        hear(&mut capture, 1);
        let input = thread::spawn(move || {
            for sample in 2..4 {
                hear(&mut capture, sample);
            }
            capture
        });
        let mut flow = Flow::Continue;
        for _ in 0..3 {
            let times = Times { adc: 0.0, dac: 1000.0, now: 1000.0 };
            let mut output = [1];
            let mut period = Period { frames: 1, input: &[], output: &mut output, times, flags: Flags::default() };
            flow = playback.process(&mut period);
        }
        let mut capture = input.join().expect("it ends");
        assert_eq!(flow, Flow::Finished);
        assert_eq!(hear(&mut capture, 9), Flow::Finished);
    });
}
