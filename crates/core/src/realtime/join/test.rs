use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::dtype::{Dtype, Format};

const RATE: f64 = 48_000.0;
const PERIOD: usize = 64;

/// What the engine was given: input samples, flags, when the first was captured.
type Seen = (Vec<i32>, Flags, f64);

/// Tells what it is given, and plays what it hears.
struct Probe {
    seen: Sender<Seen>,
    finish_after: usize,
    never_drops: bool,
}

impl Engine for Probe {
    fn never_drops_input(&self) -> bool {
        self.never_drops
    }

    fn prepare(&mut self, info: &StreamInfo) {
        assert!(info.input.is_some() && info.output.is_some());
    }

    fn process(&mut self, period: &mut Period<'_>) -> Flow {
        period.output.copy_from_slice(period.input);
        self.seen.send((samples(period.input), period.flags, period.times.adc)).unwrap();
        self.finish_after -= 1;
        if self.finish_after == 0 { Flow::Finished } else { Flow::Continue }
    }
}

fn samples(bytes: &[u8]) -> Vec<i32> {
    bytes.chunks_exact(4).map(|sample| i32::from_ne_bytes(sample.try_into().unwrap())).collect()
}

/// Two mono streams of 32 bit, driven by hand. The input is a counter that begins with 1.
struct Bench {
    capture: Box<dyn Engine>,
    playback: Box<dyn Engine>,
    seen: Receiver<Seen>,
    next: i32,
    now: f64,
}

impl Bench {
    fn new(period: usize) -> Self {
        Self::with(period, usize::MAX, false)
    }

    fn with(period: usize, finish_after: usize, never_drops: bool) -> Self {
        let (sender, seen) = channel();
        let (mut capture, mut playback) = pair(Box::new(Probe { seen: sender, finish_after, never_drops }));
        let side = Some(OpenSide { format: Format::from(Dtype::I32), channels: 1, latency: 0.0 });
        let info = |input, output| StreamInfo {
            sample_rate: RATE,
            period,
            input,
            output,
            clock: Clock::monotonic(),
            tail: 0.0,
        };
        capture.prepare(&info(side, None));
        playback.prepare(&info(None, side));
        Self { capture, playback, seen, next: 1, now: 1.0 }
    }

    fn hear(&mut self, frames: usize, flags: Flags) -> Flow {
        let input: Vec<u8> = (0..frames).flat_map(|frame| (self.next + frame as i32).to_ne_bytes()).collect();
        self.next += frames as i32;
        let adc = self.now - frames as f64 / RATE;
        let times = Times { adc, dac: self.now, now: self.now };
        self.capture.process(&mut Period { frames, input: &input, output: &mut [], times, flags })
    }

    /// Plays one period and says what came out.
    fn play(&mut self, frames: usize) -> (Vec<i32>, Flow) {
        let mut output = vec![0x55; frames * 4];
        let times = Times { adc: self.now, dac: self.now, now: self.now };
        let mut period = Period { frames, input: &[], output: &mut output, times, flags: Flags::default() };
        let flow = self.playback.process(&mut period);
        (samples(&output), flow)
    }

    fn pass(&mut self, frames: usize) {
        self.now += frames as f64 / RATE;
    }

    /// One period of both, in step.
    fn step(&mut self) -> Seen {
        self.hear(PERIOD, Flags::default());
        self.play(PERIOD);
        self.pass(PERIOD);
        self.seen.try_recv().unwrap()
    }
}

fn counter(from: i32, frames: usize) -> Vec<i32> {
    (0..frames as i32).map(|frame| from + frame).collect()
}

#[test]
fn silence_until_the_first_period_is_there_then_every_frame_in_its_order() {
    let mut bench = Bench::new(PERIOD);
    assert_eq!(bench.play(PERIOD).0, vec![0; PERIOD]);
    bench.hear(PERIOD - 1, Flags::default());
    assert_eq!(bench.play(PERIOD).0, vec![0; PERIOD]);
    assert!(bench.seen.try_recv().is_err(), "the engine was called before its input was there");
    bench.hear(PERIOD, Flags::default());
    // 127 frames are there: the oldest 63 are late already.
    assert_eq!(bench.play(PERIOD).0, counter(PERIOD as i32, PERIOD));
    let (input, flags, adc) = bench.seen.try_recv().unwrap();
    assert_eq!((input, flags), (counter(PERIOD as i32, PERIOD), Flags::default()));
    assert!((adc - (bench.now - PERIOD as f64 / RATE)).abs() < 1e-9, "{adc}");
    for period in 0..500 {
        bench.pass(PERIOD);
        bench.hear(PERIOD, Flags::default());
        let (output, flow) = bench.play(PERIOD);
        assert_eq!(output[0], ((period + 2) * PERIOD) as i32);
        assert_eq!(flow, Flow::Continue);
        let (_, flags, _) = bench.seen.try_recv().unwrap();
        assert_eq!(flags, Flags::default());
    }
}

#[test]
fn what_is_missing_is_silence_with_a_flag_and_more_is_kept_from_then_on() {
    let mut bench = Bench::new(PERIOD);
    for _ in 0..1000 {
        bench.step();
    }
    let expected = bench.next;
    // 10 frames late.
    bench.hear(PERIOD - 10, Flags::default());
    bench.play(PERIOD);
    bench.pass(PERIOD);
    let (input, flags, _) = bench.seen.try_recv().unwrap();
    assert_eq!(input[..PERIOD - 10], counter(expected, PERIOD - 10));
    assert_eq!(input[PERIOD - 10..], [0; 10]);
    assert_eq!(flags, Flags::INPUT_UNDERFLOW);
    // The late frames come; they are what is kept now, and the same lateness does no harm any more.
    bench.hear(PERIOD + 10, Flags::default());
    bench.play(PERIOD);
    bench.pass(PERIOD);
    assert_eq!(bench.seen.try_recv().unwrap().0[0], expected + PERIOD as i32 - 10);
    for _ in 0..100 {
        bench.hear(PERIOD - 10, Flags::default());
        bench.play(PERIOD);
        bench.pass(PERIOD);
        assert_eq!(bench.seen.try_recv().unwrap().1, Flags::default());
        bench.hear(PERIOD + 10, Flags::default());
        bench.play(PERIOD);
        bench.pass(PERIOD);
        assert_eq!(bench.seen.try_recv().unwrap().1, Flags::default());
    }
}

#[test]
fn what_piles_up_while_the_output_stands_still_is_dropped_with_a_flag() {
    let mut bench = Bench::new(PERIOD);
    for _ in 0..300 {
        bench.step();
    }
    for _ in 0..100 {
        bench.hear(PERIOD, Flags::default());
        bench.pass(PERIOD);
    }
    let mut dropped = 0;
    let mut last = None;
    for _ in 0..400 {
        let (input, flags, adc) = bench.step();
        if let Some(last) = last {
            let gap = input[0] - last - PERIOD as i32;
            assert_eq!(gap != 0, flags == Flags::INPUT_OVERFLOW, "gap {gap}, {flags:?}");
            dropped += gap;
        }
        last = Some(input[0]);
        // The time told is the time at which the counter had this value: frame n was heard at 1 + n / rate.
        let heard = 1.0 + f64::from(input[0] - 1 - PERIOD as i32) / RATE;
        assert!((adc - heard).abs() < 1e-6, "{adc} {heard}");
    }
    assert_eq!(dropped, 100 * PERIOD as i32, "the delay is what it was before");
}

#[test]
fn where_input_is_never_dropped_it_is_given_late_with_an_output_that_is() {
    let mut bench = Bench::with(PERIOD, usize::MAX, true);
    for _ in 0..300 {
        bench.step();
    }
    for _ in 0..100 {
        bench.hear(PERIOD, Flags::default());
        bench.pass(PERIOD);
    }
    let (mut expected, mut late, mut heard) = (300 * PERIOD as i32 + 1, 0, Vec::new());
    for _ in 0..400 {
        bench.hear(PERIOD, Flags::default());
        heard.extend(bench.play(PERIOD).0);
        bench.pass(PERIOD);
        for (input, flags, _) in bench.seen.try_iter() {
            assert_eq!(input, counter(expected, input.len()), "in order, without a gap");
            expected += input.len() as i32;
            if flags != Flags::default() {
                assert_eq!(flags, Flags::OUTPUT_OVERFLOW);
                late += input.len();
            }
        }
    }
    assert_eq!(late, 100 * PERIOD, "the delay is what it was before");
    assert_eq!(heard.len(), 400 * PERIOD);
    let gaps: Vec<i32> = heard.windows(2).map(|pair| pair[1] - pair[0] - 1).filter(|gap| *gap != 0).collect();
    assert_eq!(gaps, [100 * PERIOD as i32], "what was made of them is not heard");
}

#[test]
fn a_flag_of_the_capture_comes_with_the_frame_it_belongs_to() {
    let mut bench = Bench::new(PERIOD);
    for _ in 0..10 {
        bench.step();
    }
    bench.hear(PERIOD, Flags::INPUT_OVERFLOW);
    bench.play(PERIOD);
    bench.pass(PERIOD);
    assert_eq!(bench.seen.try_recv().unwrap().1, Flags::INPUT_OVERFLOW);
    assert_eq!(bench.step().1, Flags::default());
}

#[test]
fn without_any_input_the_output_goes_on_after_a_second() {
    let mut bench = Bench::new(PERIOD);
    let mut periods = 0;
    while bench.seen.try_recv().is_err() {
        bench.play(PERIOD);
        bench.pass(PERIOD);
        periods += 1;
        assert!(periods < 1000);
    }
    assert_eq!(periods, (RATE / PERIOD as f64) as usize + 1);
}

#[test]
fn with_long_periods_a_whole_one_is_kept_and_jitter_loses_nothing() {
    let long = 1024;
    let mut bench = Bench::new(long);
    let mut expected = None;
    for period in 0..200 {
        // Two at once, then none.
        if period % 2 == 0 {
            bench.hear(long / 8, Flags::default());
            bench.hear(long + 7 * long / 8 - 200, Flags::default());
        } else {
            bench.hear(200, Flags::default());
        }
        bench.next = 1;
        bench.play(long);
        bench.pass(long);
        if let Ok((_, flags, _)) = bench.seen.try_recv() {
            if expected.is_some() {
                assert_eq!(flags, Flags::default(), "period {period}");
            }
            expected = Some(());
        }
    }
    assert!(expected.is_some());
}

#[test]
fn when_the_engine_has_finished_both_halves_say_so() {
    let mut bench = Bench::with(PERIOD, 2, false);
    bench.step();
    bench.hear(PERIOD, Flags::default());
    assert_eq!(bench.play(PERIOD).1, Flow::Finished);
    assert_eq!(bench.hear(PERIOD, Flags::default()), Flow::Finished);
}
