//! Two devices in one stream: the output drives, the input follows through the join. Both have manual clocks that the test
//! advances as it likes: apart, in turns of any length, or one of them not at all. Everything is exact to the frame.

use std::sync::{Arc, Mutex};

use sounddevice::virtual_device::{Fault, VirtualDevice};
use sounddevice::{Flow, Latency, Stream, virtual_host};

const RATE: usize = 48_000;
const INPUT_UNDERFLOW: u8 = 1;
const INPUT_OVERFLOW: u8 = 2;
const OUTPUT_OVERFLOW: u8 = 8;

/// Exact, and never silent.
fn sample(frame: usize) -> f64 {
    (frame + 1) as f64 / 16_777_216.0
}

fn frame(sample: f64) -> usize {
    (sample * 16_777_216.0) as usize - 1
}

/// One call of the callback.
struct Call {
    input: Vec<f64>,
    flags: u8,
    adc: f64,
    now: f64,
}

/// A microphone that hears a counter, and speakers that play what the callback heard.
struct Rig {
    mic: VirtualDevice,
    speakers: VirtualDevice,
    stream: Stream<f64, f64>,
    calls: Arc<Mutex<Vec<Call>>>,
    /// Frames that have passed on either.
    heard: usize,
    played: usize,
    periods: (usize, usize),
    /// The next frame that the callback should be given.
    next: Option<usize>,
    /// A call without a frame has told of a loss.
    told: bool,
    never_drops: bool,
}

/// What has become of the counter.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Sum {
    calls: usize,
    dropped: usize,
    missing: usize,
    /// Frames given without an output.
    late: usize,
    /// The most that waited between the two after a call.
    delay: usize,
}

impl Sum {
    fn untroubled(&self) -> bool {
        self.dropped + self.missing + self.late == 0
    }
}

impl Rig {
    fn new(mic_period: usize, speakers_period: usize) -> Self {
        Self::with(mic_period, speakers_period, false)
    }

    fn with(mic_period: usize, speakers_period: usize, never_drops: bool) -> Self {
        let device = |inputs, outputs, period| {
            let device = virtual_host().device().inputs(inputs).outputs(outputs).period(period);
            device.manual_clock().create().expect("a device")
        };
        let (mic, speakers) = (device(1, 0, mic_period), device(0, 1, speakers_period));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&calls);
        let stream = Stream::duplex::<f64, f64>()
            .input_device(&mic)
            .output_device(&speakers)
            .latency(Latency::Low)
            .never_drop_input(never_drops)
            .callback(move |io| {
                io.output.copy_from_slice(io.input);
                let (flags, time) = (io.status.bits(), io.time);
                let call = Call { input: io.input.to_vec(), flags, adc: time.input_adc, now: time.current };
                told.lock().expect("no panic").push(call);
                Flow::Continue
            })
            .open()
            .expect("it opens");
        stream.start().expect("it starts");
        let periods = (mic_period, speakers_period);
        Self { mic, speakers, stream, calls, heard: 0, played: 0, periods, next: None, told: false, never_drops }
    }

    /// Lets time pass on both, first on the microphone, and judges every call.
    fn pass(&mut self, mic: usize, speakers: usize) -> Sum {
        let mut sum = Sum::default();
        let counter = (self.heard..self.heard + mic).map(sample).collect();
        self.mic.feed(&[counter]);
        self.mic.advance(mic).expect("a manual clock");
        self.heard += mic;
        self.speakers.advance(speakers).expect("a manual clock");
        self.played += speakers;
        let calls = std::mem::take(&mut *self.calls.lock().expect("no panic"));
        let mut heard = Vec::new();
        for call in &calls {
            self.judge(call, &mut sum);
            if call.flags & OUTPUT_OVERFLOW == 0 {
                heard.extend(&call.input);
            }
        }
        // What the callback made is played, and silence before its first call.
        let played = self.speakers.played().swap_remove(0);
        if self.never_drops {
            return sum;
        }
        let silence = played.len() - heard.len();
        assert!(silence == 0 || self.next.is_none() || sum.calls * self.periods.1 == heard.len(), "{sum:?}");
        assert!(played[..silence].iter().all(|sample| *sample == 0.0) && played[silence..] == heard);
        sum
    }

    /// Frames come in their order. Whatever is missing is told by that very call, and nothing else is told.
    fn judge(&mut self, call: &Call, sum: &mut Sum) {
        sum.calls += 1;
        let there = call.input.iter().take_while(|sample| **sample != 0.0).count();
        let (frames, silence) = call.input.split_at(there);
        assert!(silence.iter().all(|sample| *sample == 0.0), "silence comes last");
        assert_eq!(
            silence.is_empty(),
            call.flags & INPUT_UNDERFLOW == 0,
            "{} silent, flags {}",
            silence.len(),
            call.flags
        );
        sum.missing += silence.len();
        let dropped = std::mem::take(&mut self.told) || call.flags & INPUT_OVERFLOW != 0;
        let Some(first) = frames.first().map(|first| frame(*first)) else {
            self.told = dropped;
            return;
        };
        assert!(frames.iter().enumerate().all(|(at, value)| *value == sample(first + at)), "out of order");
        let expected = self.next.unwrap_or(first);
        assert!(first >= expected, "{first} again, after {expected}");
        assert_eq!(first != expected, dropped, "{first}, not {expected}, flags {}", call.flags);
        sum.dropped += first - expected;
        if call.flags & OUTPUT_OVERFLOW != 0 {
            assert!(self.never_drops, "nobody asked for it");
            sum.late += frames.len();
        }
        self.next = Some(first + there);
        sum.delay = sum.delay.max(self.whole_heard() - (first + there));
        // When it was captured, on the clock of the output. A virtual device hears a period one later.
        let ago = (self.whole_heard() + self.periods.0 - first) as f64 / RATE as f64;
        let captured = (call.now - ago).min(call.now);
        assert!((call.adc - captured).abs() < 1e-9, "captured at {captured}, told {}", call.adc);
    }

    /// Frames of the microphone's periods that are over.
    fn whole_heard(&self) -> usize {
        self.heard / self.periods.0 * self.periods.0
    }

    /// Seconds of both, in turns of the shorter period, the microphone so many millionths too fast.
    fn run(&mut self, seconds: f64, ppm: f64) -> Sum {
        let turn = self.periods.0.min(self.periods.1);
        let (mut sum, mut owed) = (Sum::default(), 0.0);
        for _ in 0..(seconds * RATE as f64) as usize / turn {
            owed += turn as f64 * (1.0 + ppm * 1e-6);
            let part = self.pass(owed as usize, turn);
            owed = owed.fract();
            sum = Sum {
                calls: sum.calls + part.calls,
                dropped: sum.dropped + part.dropped,
                missing: sum.missing + part.missing,
                late: sum.late + part.late,
                delay: sum.delay.max(part.delay),
            };
        }
        sum
    }

    /// The most that may wait after a call when all goes well: a period of either, what is kept against shortages, and
    /// what is not worth a drop.
    fn most(&self) -> usize {
        let (mic, speakers) = self.periods;
        let long = if mic * 100 >= RATE { 2 * mic + speakers } else { 0 };
        mic + speakers + 2 * speakers.max(64) + long
    }
}

const PERIODS: [(usize, usize); 8] =
    [(64, 64), (256, 256), (1024, 1024), (64, 256), (256, 64), (100, 64), (441, 512), (1024, 128)];

#[test]
fn equal_clocks_and_periods_pass_every_frame_with_the_least_delay() {
    for period in [16, 64, 480, 1024] {
        let mut rig = Rig::new(period, period);
        // Long periods keep one more.
        let kept = if period * 100 >= RATE { period } else { 0 };
        assert_eq!(rig.pass(period / 2, period), Sum::default(), "nothing is asked for before there is input");
        rig.pass(period - period / 2 + kept, period);
        let sum = rig.run(20.0, 0.0);
        let calls = (20.0 * RATE as f64) as usize / period;
        assert_eq!(sum, Sum { calls, delay: kept, ..Sum::default() }, "{period}");
        rig.stream.close();
    }
}

#[test]
fn periods_that_do_not_fit_settle_and_lose_nothing_without_a_word() {
    for (mic, speakers) in PERIODS {
        let mut rig = Rig::new(mic, speakers);
        rig.run(1.0, 0.0);
        let sum = rig.run(1.0, 0.0);
        assert!(sum.dropped + sum.missing <= rig.most() && sum.delay <= rig.most(), "{mic}, {speakers}: {sum:?}");
        // What is kept is tried to be made less every few seconds: hardly anything is lost by it.
        let sum = rig.run(20.0, 0.0);
        assert!(
            sum.dropped.abs_diff(sum.missing) <= rig.most() && sum.delay <= rig.most(),
            "{mic}, {speakers}: {sum:?}"
        );
        assert!(sum.missing <= 20 * rig.most(), "{mic}, {speakers}: {sum:?}");
    }
}

#[test]
fn a_fast_input_loses_what_is_too_much_and_a_slow_one_is_filled_up() {
    for (mic, speakers) in PERIODS {
        for ppm in [-2_000.0, -150.0, 150.0, 2_000.0] {
            let mut rig = Rig::new(mic, speakers);
            rig.run(1.0, ppm);
            let sum = rig.run(60.0, ppm);
            let surplus = 60.0 * RATE as f64 * ppm * 1e-6;
            let balance = sum.dropped as f64 - sum.missing as f64;
            assert!((balance - surplus).abs() <= rig.most() as f64, "{mic}, {speakers}, {ppm} ppm: {sum:?}");
            // What comes within a quarter of a second is noticed after it.
            let within = (RATE as f64 * ppm.abs() * 1e-6 / 4.0).ceil() as usize;
            assert!(sum.delay <= rig.most() + within, "{mic}, {speakers}, {ppm} ppm: {sum:?}");
        }
    }
}

/// A small generator: the same numbers at every run.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % below as u64) as usize
}

#[test]
fn jitter_of_any_kind_loses_nothing_without_a_word_and_is_forgotten() {
    for seed in 1..=40 {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed);
        let (mic, speakers) = PERIODS[random(&mut state, PERIODS.len())];
        let mut rig = Rig::new(mic, speakers);
        // Either is up to this many frames ahead of a common time.
        let most = 1 + random(&mut state, 16_000);
        let (mut time, mut heard, mut played) = (0, 0, 0);
        for _ in 0..400 {
            time += random(&mut state, most);
            let hear = (time + random(&mut state, most)).saturating_sub(heard);
            let play = (time + random(&mut state, most)).saturating_sub(played);
            rig.pass(hear, play);
            (heard, played) = (heard + hear, played + play);
        }
        let end = heard.max(played);
        rig.pass(end - heard, end - played);
        rig.run(15.0, 0.0);
        let sum = rig.run(1.0, 0.0);
        assert!(sum.delay <= rig.most(), "seed {seed}, {mic}, {speakers}: {sum:?}");
    }
}

#[test]
fn what_piles_up_while_the_output_stands_still_is_dropped_within_a_second() {
    for (mic, speakers) in PERIODS {
        let mut rig = Rig::new(mic, speakers);
        rig.run(5.0, 0.0);
        for missed in [RATE / 10, RATE / 2, RATE * 9 / 10] {
            rig.pass(missed, 0);
            rig.run(1.0, 0.0);
            let sum = rig.run(1.0, 0.0);
            assert!(sum.delay <= rig.most(), "{mic}, {speakers}, {missed}: {sum:?}");
        }
    }
}

#[test]
fn a_standstill_longer_than_the_join_holds_is_an_overflow() {
    let mut rig = Rig::new(64, 64);
    rig.run(5.0, 0.0);
    rig.pass(5 * RATE, 0);
    // What did not fit is missing at the end of what did: judged by hand.
    let given = rig.next.expect("it runs");
    rig.speakers.advance(2 * RATE).expect("a manual clock");
    let calls = std::mem::take(&mut *rig.calls.lock().expect("no panic"));
    let frames: Vec<usize> =
        calls.iter().flat_map(|call| &call.input).filter(|sample| **sample != 0.0).map(|value| frame(*value)).collect();
    assert!(frames.windows(2).all(|pair| pair[0] < pair[1]), "in order");
    assert!(frames[0] >= given && frames[frames.len() - 1] < given + 2 * RATE);
    assert!(calls.iter().any(|call| call.flags & INPUT_OVERFLOW != 0), "without a word");
}

#[test]
fn while_the_input_stands_still_there_is_silence_with_a_flag_and_then_all_is_as_before() {
    for (mic, speakers) in PERIODS {
        let mut rig = Rig::new(mic, speakers);
        rig.run(5.0, 0.0);
        let sum = rig.pass(0, RATE);
        assert!(sum.missing >= RATE - rig.most() - speakers, "{mic}, {speakers}: {sum:?}");
        // It comes all at once, or not at all.
        let late = if mic % 128 == 0 { RATE } else { 0 };
        rig.pass(late, 0);
        rig.run(1.0, 0.0);
        let sum = rig.run(1.0, 0.0);
        assert!(sum.delay <= rig.most(), "{mic}, {speakers}: {sum:?}");
        rig.run(12.0, 0.0);
        let sum = rig.run(1.0, 0.0);
        assert!(sum.missing <= rig.most() && sum.delay <= rig.most(), "{mic}, {speakers}: {sum:?}");
    }
}

#[test]
fn where_input_is_never_dropped_every_frame_comes() {
    for (mic, speakers) in PERIODS {
        let mut rig = Rig::with(mic, speakers, true);
        rig.run(2.0, 0.0);
        let before = rig.next.expect("it runs");
        let mut late = 0;
        for _ in 0..4 {
            let sum = rig.pass(RATE / 2, 0);
            assert_eq!(sum.calls, 0);
            let sum = rig.run(2.0, 300.0);
            assert_eq!(sum.dropped, 0, "{mic}, {speakers}: {sum:?}");
            late += sum.late;
        }
        let (given, heard) = (rig.next.expect("it runs") - before, rig.whole_heard() - before);
        assert!(heard - given <= rig.most() + RATE / 8, "{mic}, {speakers}: {given} of {heard}");
        // Told with the first part of what is given at once.
        assert!(late > 0, "{mic}, {speakers}: without a word");
    }
}

#[test]
fn a_stall_or_a_loss_of_either_device_concerns_both() {
    let mut rig = Rig::new(64, 64);
    rig.run(2.0, 0.0);
    // No callbacks for one second of its clock: what the microphone hears meanwhile is lost in the device.
    rig.mic.inject(Fault::Stall);
    let sum = rig.pass(RATE, RATE);
    assert!(sum.missing >= RATE - 256, "{sum:?}");
    // The counter has gone on without being heard: the next frame that comes follows on nothing.
    rig.next = None;
    rig.run(2.0, 0.0);
    rig.speakers.inject(Fault::Stall);
    rig.pass(RATE, RATE);
    rig.run(1.0, 0.0);
    let sum = rig.run(1.0, 0.0);
    assert!(sum.untroubled() && sum.delay <= rig.most(), "{sum:?}");
    rig.mic.remove();
    assert!(rig.stream.wait(std::time::Duration::from_secs(20)), "the stream is lost");
    assert!(!rig.stream.active() && !rig.stream.stopped());
}
