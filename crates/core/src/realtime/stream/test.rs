use assert_no_alloc::assert_no_alloc;
use proptest::prelude::*;

use super::*;
use crate::backend::{Clock, OpenSide};
use crate::memory::Samples;
use crate::realtime::join;
use crate::stream::Flow as Next;
use crate::stream::handoff::{self, Handoff};

const RATE: f64 = 48_000.0;

fn side(dtype: Dtype, channels: usize) -> UserSide {
    UserSide { dtype, channels, latency: 0.0 }
}

fn device(dtype: Dtype, channels: u16) -> Option<OpenSide> {
    Some(OpenSide { format: dtype.into(), channels, latency: 0.0 })
}

fn engine(settings: Settings, callback: Option<Callback>, info: &StreamInfo) -> (Streaming, Arc<Shared>, Arc<Ends>) {
    let (shared, ends) = (Arc::new(Shared::default()), Arc::new(Ends::default()));
    let home = Arc::new(Mutex::new(callback));
    let mut engine = Streaming::new(settings, Arc::clone(&shared), Arc::default(), Arc::clone(&ends), home, None);
    engine.prepare(info);
    (engine, shared, ends)
}

fn info(period: usize, input: Option<OpenSide>, output: Option<OpenSide>) -> StreamInfo {
    StreamInfo { sample_rate: RATE, period, tail: 0.0, input, output, clock: Clock::monotonic() }
}

fn settings(input: Option<UserSide>, output: Option<UserSide>, block: usize) -> Settings {
    Settings {
        input,
        output,
        block,
        options: ConvertOptions::default(),
        prime_output: true,
        never_drop_input: false,
        fixed: false,
        hold: None,
    }
}

#[test]
fn nothing_is_allocated_on_the_audio_thread() {
    for block in [0, 1, 7, 64, 1000] {
        for callback in [true, false] {
            let settings = settings(Some(side(Dtype::I16, 2)), Some(side(Dtype::F32, 1)), block);
            let user: Option<Callback> =
                callback.then(|| -> Callback { Box::new(Direct(|_: Call<'_>| Next::Continue)) });
            let info = info(64, device(Dtype::F32, 2), device(Dtype::I16, 2));
            let (mut engine, shared, ends) = engine(settings, user, &info);
            let (input, mut output) = (vec![0x11; 9000 * 8], vec![0; 9000 * 4]);
            let mut now = 1.0;
            shared.wrote.store(true, std::sync::atomic::Ordering::Release);
            shared.reader.register();
            for (round, frames) in [64, 64, 1, 9000, 441, 64].into_iter().enumerate() {
                let times = Times { adc: now, dac: now, now };
                let flags = Flags(round as u8);
                let (input, output) = (&input[..frames * 8], &mut output[..frames * 4]);
                assert_no_alloc(|| {
                    if round == 0 {
                        let flags = Flags::default();
                        engine.prime(&mut Period { frames, input: &[], output: &mut *output, times, flags }, frames);
                    }
                    engine.process(&mut Period { frames, input, output: &mut *output, times, flags });
                });
                now += frames as f64 / RATE;
                let _ = ends.writer().as_mut().map(|writer| writer.give(&[0; 400]));
            }
            shared.order(Command::Stop);
            let mut flow = Flow::Continue;
            for _ in 0..100 {
                let times = Times { adc: now, dac: now, now };
                let mut period =
                    Period { frames: 64, input: &input[..512], output: &mut output[..256], times, flags: Flags(0) };
                assert_no_alloc(|| flow = engine.process(&mut period));
                now += 64.0 / RATE;
            }
            assert_eq!((flow, shared.ended()), (Flow::Finished, Some(Ended::Stopped)), "{block} {callback}");
        }
    }
}

/// Routes that mix, and a volume that moves all the time: directly and re-blocked, in periods longer than what is converted at once.
#[test]
fn nothing_is_allocated_where_channels_are_mixed_and_the_volume_moves() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    for (block, dtype) in [(0, Dtype::F32), (7, Dtype::F32), (64, Dtype::F64)] {
        let heard = Arc::new([const { AtomicU32::new(0) }; 2]);
        let keep = Arc::clone(&heard);
        let wire: Callback = Box::new(Direct(move |call: Call<'_>| {
            for (sample, kept) in call.input.chunks_exact(4).zip(&*keep) {
                kept.store(u32::from_ne_bytes(sample.try_into().expect("four of them")), Relaxed);
            }
            call.output.chunks_exact_mut(4).for_each(|sample| sample.copy_from_slice(&0.25f32.to_ne_bytes()));
            Next::Continue
        }));
        let settings = settings(Some(side(Dtype::F32, 2)), Some(side(Dtype::F32, 3)), block);
        let (shared, home) = (Arc::new(Shared::default()), Arc::new(Mutex::new(Some(wire))));
        let engine = Streaming::new(settings, Arc::clone(&shared), Arc::default(), Arc::default(), home, None);
        let mut engine = engine
            .routed(Routes { input: Some((vec![None, Some(1)], 2)), output: Some((vec![Some(1), None, Some(1)], 2)) });
        engine.prepare(&info(64, device(dtype, 2), device(dtype, 2)));
        let bytes = |sample: f64| match dtype {
            Dtype::F64 => sample.to_ne_bytes().to_vec(),
            _ => (sample as f32).to_ne_bytes().to_vec(),
        };
        let frame = |samples: [f64; 2]| samples.map(bytes).concat();
        let (input, mut output) = (frame([0.5, 0.25]).repeat(9000), frame([9.0, 9.0]).repeat(9000));
        let size = input.len() / 9000;
        let mut now = 1.0;
        for (round, frames) in [64, 1, 9000, 441, 64, 9000].into_iter().cycle().take(60).enumerate() {
            // The last round but one is longer than a change takes.
            shared.meters.set_volume(if round < 54 { (round % 5) as f64 / 2.0 } else { 0.5 });
            let times = Times { adc: now, dac: now, now };
            let (input, output) = (&input[..frames * size], &mut output[..frames * size]);
            assert_no_alloc(|| {
                engine.process(&mut Period { frames, input, output, times, flags: Flags::default() });
            });
            now += frames as f64 / RATE;
        }
        assert_eq!(heard.each_ref().map(|bits| f32::from_bits(bits.load(Relaxed))), [0.375, 0.25]);
        assert!(output.chunks_exact(size).all(|played| played == frame([0.125, 0.375])), "block {block}");
    }
}

/// Both halves of a join around a stream: input that is missing, late, too much, and at last no longer wanted.
#[test]
fn nothing_is_allocated_on_the_audio_threads_of_joined_streams() {
    for (block, never_drop_input, callback) in [(0, true, true), (0, false, false), (100, false, true)] {
        let wire: Callback = Box::new(Direct(|call: Call<'_>| {
            call.output.copy_from_slice(call.input);
            Next::Continue
        }));
        let sides = (side(Dtype::F32, 2), side(Dtype::F32, 2));
        let settings = Settings { never_drop_input, ..settings(Some(sides.0), Some(sides.1), block) };
        let (shared, ends) = (Arc::new(Shared::default()), Arc::new(Ends::default()));
        let home = Arc::new(Mutex::new(callback.then_some(wire)));
        let engine =
            Streaming::new(settings, Arc::clone(&shared), Arc::default(), Arc::clone(&ends), Arc::clone(&home), None);
        let (mut capture, mut playback) = join::pair(Box::new(engine));
        capture.prepare(&info(64, device(Dtype::I16, 2), None));
        playback.prepare(&info(64, None, device(Dtype::I16, 2)));
        let (input, mut output, mut now) = (vec![0x11; 20_000 * 4], vec![0; 20_000 * 4], 1.0);
        // Frames heard and played in each round.
        let rounds = [(64, 64), (0, 64), (640, 64), (9000, 9000), (64, 64), (16_000, 1), (19_000, 1)];
        let mut flows = (Flow::Continue, Flow::Continue);
        for (round, (heard, played)) in rounds.into_iter().cycle().take(2000).enumerate() {
            if round == 1500 {
                shared.order(Command::Stop);
            }
            let times = Times { adc: now, dac: now, now };
            let flags = Flags((round % 16) as u8);
            let (input, output) = (&input[..heard * 4], &mut output[..played * 4]);
            assert_no_alloc(|| {
                flows.0 = capture.process(&mut Period { frames: heard, input, output: &mut [], times, flags });
                flows.1 = playback.process(&mut Period { frames: played, input: &[], output, times, flags });
            });
            if flows.1 == Flow::Finished {
                break;
            }
            let _ = ends.writer().as_mut().map(|writer| writer.give(&[0; 400]));
            now += 64.0 / RATE;
        }
        assert_eq!((flows.1, shared.ended()), (Flow::Finished, Some(Ended::Stopped)), "{block}");
        let times = Times::default();
        let mut late = Period { frames: 0, input: &[], output: &mut [], times, flags: Flags(0) };
        assert_eq!(capture.process(&mut late), Flow::Finished);
        drop(playback);
        assert_eq!(home.lock().unwrap().is_some(), callback, "the callback has come home");
    }
}

#[test]
fn nothing_is_allocated_where_blocks_are_handed_over() {
    for pace in [handoff::Pace::Ahead(2), handoff::Pace::Within] {
        hand_over(pace);
    }
}

/// Blocks to another thread and back, some of them answered in time.
fn hand_over(pace: handoff::Pace) {
    const FRAMES: usize = 100;
    let handoff = Handoff::new(|| ());
    let bytes = 4 * FRAMES * 4;
    let memory = handoff::Memory { input: Samples::zeroed(bytes), output: Samples::zeroed(bytes), silence: 0 };
    // SAFETY: the memory is owned, and nobody here touches it.
    unsafe { handoff.attach(memory, 4, FRAMES) };
    handoff.begin(pace);
    let sides = (side(Dtype::F32, 1), side(Dtype::F32, 1));
    let opened = device(Dtype::I16, 1);
    let user: Callback = Box::new(handoff.user());
    let (mut engine, shared, _) =
        engine(settings(Some(sides.0), Some(sides.1), FRAMES), Some(user), &info(64, opened, opened));
    let (input, mut output, mut now) = (vec![0x11; 441 * 2], vec![0; 441 * 2], 1.0);
    let mut flow = Flow::Continue;
    let mut answered = 0;
    for round in 0..400 {
        let frames = [64, 1, 441, 63][round % 4];
        if round == 300 {
            shared.order(Command::Stop);
        }
        let times = Times { adc: now, dac: now, now };
        let flags = Flags((round % 16) as u8);
        let (input, output) = (&input[..frames * 2], &mut output[..frames * 2]);
        assert_no_alloc(|| flow = engine.process(&mut Period { frames, input, output, times, flags }));
        if flow == Flow::Finished {
            break;
        }
        now += frames as f64 / RATE;
        while let Some(asked) = (round % 7 > 2).then(|| handoff.next()).flatten() {
            handoff.answer(&asked, Next::Continue);
            answered += 1;
        }
    }
    assert_eq!((flow, shared.ended()), (Flow::Finished, Some(Ended::Stopped)));
    let [input, output] = handoff.lost();
    assert!(answered > 50 && input > 0 && output > 0, "{answered} answered, {input} and {output} lost");
}

#[test]
fn an_order_before_a_period_is_obeyed_by_it() {
    let info = info(64, None, device(Dtype::F32, 1));
    let loud: Callback = Box::new(Direct(|call: Call<'_>| {
        call.output.fill(0x3f);
        Next::Continue
    }));
    let (mut engine, shared, _) = engine(settings(None, Some(side(Dtype::F32, 1)), 0), Some(loud), &info);
    let mut run = |now| {
        let mut output = vec![0xaa; 256];
        let times = Times { adc: now, dac: now, now };
        let flags = Flags::default();
        let flow = engine.process(&mut Period { frames: 64, input: &[], output: &mut output, times, flags });
        (flow, output[0])
    };
    assert_eq!(run(1.0), (Flow::Continue, 0x3f));
    assert_eq!(shared.sounds_until(), Some(1.0 + 64.0 / RATE));
    shared.order(Command::Stop);
    assert_eq!(run(1.0 + 32.0 / RATE), (Flow::Continue, 0));
    assert_eq!(shared.ended(), None, "the last frame has not been heard");
    assert_eq!(run(1.0 + 64.0 / RATE), (Flow::Finished, 0));
    assert_eq!(shared.ended(), Some(Ended::Stopped));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the periods are, a wire of bytes loses, repeats and alters nothing, through callbacks and through rings.
    #[test]
    fn periods_of_any_length_keep_every_frame(
        block in 0..200usize,
        known in 1..300usize,
        lengths in prop::collection::vec(1..400usize, 1..40),
    ) {
        let wire: Callback = Box::new(Direct(|call: Call<'_>| {
            call.output.copy_from_slice(call.input);
            Next::Continue
        }));
        let sides = (Some(side(Dtype::I32, 1)), Some(side(Dtype::I32, 1)));
        let opened = device(Dtype::I32, 1);
        let (mut engine, shared, _) = engine(settings(sides.0, sides.1, block), Some(wire), &info(known, opened, opened));
        let (mut next, mut heard) = (1i32, Vec::new());
        for frames in lengths {
            let input: Vec<u8> = (next..next + frames as i32).flat_map(i32::to_ne_bytes).collect();
            next += frames as i32;
            let mut output = vec![0xaa; frames * 4];
            let (times, flags) = (Times::default(), Flags::default());
            engine.process(&mut Period { frames, input: &input, output: &mut output, times, flags });
            heard.extend(output.chunks(4).map(|bytes| i32::from_ne_bytes(bytes.try_into().unwrap())));
        }
        let sounding: Vec<i32> = heard.iter().copied().filter(|number| *number != 0).collect();
        prop_assert_eq!(&sounding, &(1..=sounding.len() as i32).collect::<Vec<_>>());
        prop_assert!(heard.len() - sounding.len() < block.max(1));
        prop_assert_eq!(shared.meters.xruns()[0] + shared.meters.xruns()[1] + shared.meters.xruns()[3], 0);
    }
}
