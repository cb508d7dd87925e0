//! The engine's turn on a thread of the system's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::realtime::{Engine, Flow, Loss, Period, Signals};

/// Lets the engine make a period; says whether it was its last. A panic must not reach the system: it leaves bytes of `silence`
/// and ends the stream.
pub(super) fn take(engine: &mut dyn Engine, period: &mut Period<'_>, silence: u8, signals: &Signals) -> bool {
    match catch_unwind(AssertUnwindSafe(|| engine.process(period))) {
        Ok(flow) => flow == Flow::Finished,
        Err(_) => {
            period.output.fill(silence);
            signals.lose(Loss::Host);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::StreamInfo;
    use crate::realtime::{Flags, Times};

    struct Once(Option<Flow>);

    impl Engine for Once {
        fn prepare(&mut self, _: &StreamInfo) {}

        fn process(&mut self, period: &mut Period<'_>) -> Flow {
            period.output.fill(7);
            self.0.expect("a flow")
        }
    }

    #[test]
    fn a_panic_leaves_silence_and_ends_the_stream() {
        for (flow, last, left) in [(Some(Flow::Continue), false, 7), (Some(Flow::Finished), true, 7), (None, true, 128)]
        {
            let signals = Signals::default();
            let mut output = [0; 4];
            let mut period =
                Period { frames: 4, input: &[], output: &mut output, times: Times::default(), flags: Flags::default() };
            assert_eq!(take(&mut Once(flow), &mut period, 128, &signals), last, "{flow:?}");
            assert_eq!((output, signals.lost()), ([left; 4], flow.is_none().then_some(Loss::Host)), "{flow:?}");
        }
    }
}
