use super::*;

const LONG: Duration = Duration::from_secs(60);

fn attach(handoff: &Handoff) {
    let memory = || Samples::zeroed(4);
    // SAFETY: the memory is owned, and blocks are touched by nobody here.
    unsafe { handoff.attach(Memory { input: memory(), output: memory(), silence: 0x80 }, 4, 1) };
}

/// One period: what is played, and how it goes on.
fn call(caller: &mut Caller, input: u8, half: Instant) -> (u8, Flow) {
    let mut output = [7];
    let time = StreamTime { input_adc: f64::from(input), current: 0.0, output_dac: 0.0 };
    let (input, status) = ([input], Status::default());
    let flow = caller.call(Call { input: &input, output: &mut output, frames: 1, time, status, draining: false, half });
    (output[0], flow)
}

#[test]
fn nothing_is_asked_before_somebody_answers() {
    let (worker, handoff) = Worker::new();
    let mut caller = handoff.user();
    attach(&handoff);
    worker.run();
    assert_eq!(call(&mut caller, 1, Instant::now() + LONG), (7, Flow::Continue));
    assert!(handoff.next().is_none());
    assert!(!handoff.has_begun());
    assert_eq!(handoff.lost(), [0, 0]);
    assert_eq!((handoff.ahead(), caller.ahead()), (None, 0));
    handoff.begin(Pace::Ahead(3));
    assert_eq!((handoff.ahead(), caller.ahead()), (Some(3), 3));
}

#[test]
fn within_the_period_an_answer_is_waited_for_and_no_longer() {
    let (worker, handoff) = Worker::new();
    let mut caller = handoff.user();
    attach(&handoff);
    worker.run();
    worker.begin(Pace::Within);
    assert_eq!(caller.ahead(), 0);
    // Late: the output is left as it is, which is silence, and the next block is told.
    assert_eq!(call(&mut caller, 1, Instant::now()), (7, Flow::Continue));
    assert_eq!(handoff.lost(), [0, 1]);
    let answers = Arc::clone(&worker);
    let thread = std::thread::spawn(move || {
        let mut told = Vec::new();
        while let Wanted::Block(asked) = answers.wait(Instant::now() + LONG, || 0) {
            told.push((asked.time.input_adc as u8, asked.status.output_underflow()));
            answers.answer(&asked, if told.len() == 2 { Flow::Complete } else { Flow::Continue });
        }
        told
    });
    // What answers leave in memory is what `attach` and `ask` put there: silence.
    assert_eq!(call(&mut caller, 2, Instant::now() + LONG), (0x80, Flow::Complete));
    worker.close();
    assert_eq!(thread.join().expect("no panic"), [(1, false), (2, true)]);
    assert_eq!(worker.take_flags(), Flags::OUTPUT_UNDERFLOW.0);
}

#[test]
fn a_last_block_that_comes_too_late_ends_the_stream_all_the_same() {
    let handoff = Handoff::new(|| ());
    let mut caller = handoff.user();
    handoff.begin(Pace::Ahead(1));
    attach(&handoff);
    let mut period = |input| call(&mut caller, input, Instant::now());
    assert_eq!(period(1), (7, Flow::Continue));
    let last = handoff.next().expect("a block");
    // Its time comes and goes.
    assert_eq!([period(2), period(3)], [(7, Flow::Continue); 2]);
    assert_eq!(handoff.lost(), [0, 2]);
    handoff.answer(&last, Flow::Complete);
    // What is answered after the last one is not played.
    let next = handoff.next().expect("a block");
    handoff.answer(&next, Flow::Continue);
    assert_eq!(period(4), (7, Flow::Complete));
}

#[test]
fn an_answer_of_the_run_before_is_not_heard() {
    let handoff = Handoff::new(|| ());
    let mut caller = handoff.user();
    handoff.begin(Pace::Ahead(1));
    attach(&handoff);
    call(&mut caller, 1, Instant::now());
    let old = handoff.next().expect("a block");
    attach(&handoff);
    handoff.answer(&old, Flow::Abort);
    caller.prepare();
    assert_eq!(call(&mut caller, 2, Instant::now()), (7, Flow::Continue));
    let new = handoff.next().expect("the next run's first block");
    assert!(new.run() > old.run() && new.time.input_adc == 2.0);
    handoff.answer(&new, Flow::Continue);
    assert_eq!(call(&mut caller, 3, Instant::now()), (0x80, Flow::Continue));
}

#[test]
fn a_thread_rests_between_runs_turns_when_called_and_ends() {
    let (worker, handoff) = Worker::new();
    let soon = || Instant::now() + LONG;
    assert!(matches!(worker.wait(soon(), || 0), Wanted::Rest));
    worker.nudge();
    assert!(matches!(worker.wait(soon(), || 0), Wanted::Turn));
    worker.run();
    assert!(matches!(worker.wait(Instant::now(), || 0), Wanted::Turn), "the time is up");
    worker.rest();
    assert!(matches!(worker.wait(soon(), || 0), Wanted::Rest));
    worker.close();
    assert!(matches!(worker.wait(soon(), || 0), Wanted::End));
    drop(handoff);
}
