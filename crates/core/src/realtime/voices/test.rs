use assert_no_alloc::assert_no_alloc;

use super::*;
use crate::backend::{Clock, OpenSide};
use crate::memory::Samples;
use crate::realtime::join;

const RATE: f64 = 48_000.0;
/// An engine, driven by hand; allocating or freeing memory in it ends the process.
struct Bench {
    engine: Box<dyn Engine>,
    remote: Remote,
    format: Format,
    now: f64,
    input: Vec<u8>,
    output: Vec<u8>,
}

fn info(format: Format, input: bool, output: bool) -> StreamInfo {
    let side = |channels| OpenSide { format, channels, latency: 0.0 };
    StreamInfo {
        sample_rate: RATE,
        period: 64,
        tail: 0.0,
        input: input.then(|| side(2)),
        output: output.then(|| side(3)),
        clock: Clock::monotonic(),
    }
}

/// Something that needs dither in any integer format.
fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes / 4).flat_map(|sample| ((sample as f32 * 0.37).sin() * 1.01).to_ne_bytes()).collect()
}

impl Bench {
    fn new(format: Format) -> Self {
        let (mut engine, remote) = Voices::new(Arc::default(), ConvertOptions::default());
        engine.prepare(&info(format, true, true));
        let (input, output) = (noise(20_000 * 2 * 8), vec![0xaa; 20_000 * 3 * 8]);
        Self { engine: Box::new(engine), remote, format, now: 1.0, input, output }
    }

    /// Plays 1000 frames of two columns, some of them three times; records 3000 frames of one.
    fn voice(&mut self, dtype: Dtype, loops: bool, records: bool) -> Arc<State> {
        let (user, device, double) = (Format::from(dtype), self.format, Format::from(Dtype::F64));
        let options = ConvertOptions::default();
        let samples = Samples::copied(&noise(1000 * 2 * user.bytes()));
        let routes = || vec![(1, 0), (0, 2)];
        let to_device = Transfer::new(user, 2, device, 3, routes(), options);
        let to_mix = Transfer::new(user, 2, double, 3, routes(), options);
        let repeat = loops.then_some(Repeat { start: 10, end: 500, count: 3 });
        let source = Source::new(samples, 2 * user.bytes(), 3 * device.bytes(), 3, repeat, to_device, to_mix);
        let sink = records.then(|| {
            let transfer = Transfer::new(device, 2, user, 1, vec![(1, 0)], options);
            Sink::new(Samples::zeroed(3000 * user.bytes()), user.bytes(), 2 * device.bytes(), true, transfer)
        });
        let state: Arc<State> = Arc::default();
        let voice = Box::new(Voice { state: Arc::clone(&state), source: Some(source), sink, gain: Gain::new(RATE) });
        assert!(self.remote.incoming.try_push(voice).is_ok());
        state
    }

    fn period(&mut self, frames: usize) {
        let times = Times { adc: self.now - 0.001, dac: self.now + 0.001, now: self.now };
        let input = &self.input[..frames * 2 * self.format.bytes()];
        let output = &mut self.output[..frames * 3 * self.format.bytes()];
        let engine = &mut self.engine;
        assert_no_alloc(|| {
            engine.process(&mut Period { frames, input, output, times, flags: Flags(15) });
            engine.tick(times.now);
        });
        self.now += frames as f64 / RATE;
    }

    /// Voices that have come home.
    fn home(&mut self) -> usize {
        std::iter::from_fn(|| self.remote.ended.try_pop()).count()
    }
}

#[test]
fn jobs_allocate_and_free_nothing_on_the_audio_thread() {
    for format in Format::ALL {
        for dtype in Dtype::ALL {
            let mut bench = Bench::new(format);
            let first = bench.voice(dtype, true, true);
            bench.period(64);
            let second = bench.voice(dtype, false, false);
            for frames in [64, 1, 441, 5000, 1] {
                bench.period(frames);
            }
            assert_eq!((first.position.load(Acquire), bench.home()), (1980, 2), "{format:?} {dtype}");
            assert_eq!(second.position.load(Acquire), 1000);

            let paused = bench.voice(dtype, false, true);
            let stopped = bench.voice(dtype, true, true);
            let aborted = bench.voice(dtype, true, true);
            bench.period(64);
            paused.paused.store(true, Relaxed);
            stopped.order(Command::Stop);
            aborted.order(Command::Abort);
            bench.period(64);
            bench.period(64);
            assert_eq!(bench.home(), 2);
            paused.seek.store(990, Relaxed);
            paused.paused.store(false, Relaxed);
            bench.period(4000);
            bench.period(1);
            assert_eq!((bench.home(), paused.position.load(Acquire)), (1, 1000));
            assert_eq!(paused.recorded.load(Acquire), 3000);
        }
    }
}

#[test]
fn as_many_jobs_as_there_may_be_come_and_go_without_allocating() {
    let mut bench = Bench::new(Format::Packed(Dtype::I16));
    let states: Vec<Arc<State>> = (0..MOST).map(|_| bench.voice(Dtype::F32, true, false)).collect();
    bench.period(64);
    states.iter().for_each(|state| state.order(Command::Abort));
    bench.period(64);
    assert_eq!(bench.home(), MOST);
}

/// Both halves of a join around an engine: input that is missing, late, too much, and no longer wanted.
#[test]
fn joined_streams_allocate_and_free_nothing_on_their_audio_threads() {
    for format in Format::ALL {
        let mut bench = Bench::new(format);
        let (engine, remote) = Voices::new(Arc::default(), ConvertOptions::default());
        bench.remote = remote;
        let (mut capture, mut playback) = join::pair(Box::new(engine));
        capture.prepare(&info(format, true, false));
        playback.prepare(&info(format, false, true));
        let state = bench.voice(Dtype::F32, true, true);
        let (input, mut output, mut now) = (bench.input.clone(), bench.output.clone(), 1.0);
        // Frames heard and played in each round.
        let rounds = [(64, 64), (64, 64), (0, 64), (640, 64), (9000, 9000), (64, 64), (16_000, 1), (19_000, 1)];
        for (round, (heard, played)) in rounds.into_iter().cycle().take(400).enumerate() {
            let times = Times { adc: now, dac: now, now };
            let flags = Flags((round % 16) as u8);
            let (input, output) = (&input[..heard * 2 * format.bytes()], &mut output[..played * 3 * format.bytes()]);
            assert_no_alloc(|| {
                capture.process(&mut Period { frames: heard, input, output: &mut [], times, flags });
                playback.process(&mut Period { frames: played, input: &[], output, times, flags });
                playback.tick(now);
            });
            now += 64.0 / RATE;
        }
        assert_eq!((state.position.load(Acquire), bench.home()), (1980, 1), "{format:?}");
    }
}

/// The tests above would notice: this one runs itself again in a process of its own, which allocates where it must not.
#[test]
#[cfg(debug_assertions)]
fn allocating_on_the_audio_thread_ends_the_process() {
    const ALLOCATE: &str = "SOUNDDEVICE_TEST_ALLOCATE";
    struct Careless;
    impl Engine for Careless {
        fn prepare(&mut self, _: &StreamInfo) {}

        fn process(&mut self, period: &mut Period<'_>) -> Flow {
            let copy = std::hint::black_box(period.input.to_vec());
            drop(copy);
            Flow::Continue
        }
    }
    if std::env::var_os(ALLOCATE).is_some() {
        let mut bench = Bench::new(Format::Packed(Dtype::I16));
        bench.engine = Box::new(Careless);
        return bench.period(64);
    }
    let module = module_path!().split_once("::").expect("a crate").1;
    let name = format!("{module}::allocating_on_the_audio_thread_ends_the_process");
    let mut command = std::process::Command::new(std::env::current_exe().expect("a program"));
    let died = command.args(["--exact", &name, "--nocapture"]).env(ALLOCATE, "1").output().expect("it runs");
    let said = String::from_utf8_lossy(&died.stdout);
    assert!(!died.status.success() && said.contains("running 1 test") && !said.contains("test result"), "{said}");
}
