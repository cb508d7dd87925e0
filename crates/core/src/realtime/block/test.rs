use super::*;
use proptest::prelude::*;

const BLOCKS: [usize; 7] = [1, 2, 7, 16, 100, 1000, 4096];
const PERIODS: [usize; 4] = [1, 64, 441, 512];

/// Frames are one `u32`; their numbers count from 1, so that silence is not one of them.
fn frames(from: usize, count: usize) -> Vec<u8> {
    (from + 1..=from + count).flat_map(|number| (number as u32).to_ne_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(|bytes| u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

/// Frame n is captured at n seconds and heard at n + 0.5.
fn place(position: usize) -> Place {
    Place { adc: position as f64, dac: position as f64 + 0.5, frame: 1.0 }
}

fn shape(input: bool, output: bool) -> Shape {
    Shape { input: if input { 4 } else { 0 }, output: if output { 4 } else { 0 }, silence: 0 }
}

/// Runs a wire over periods of these lengths; checks each block's size and times; returns what came out.
fn wire(block: usize, period: usize, periods: impl IntoIterator<Item = usize>) -> (Vec<u32>, Reblock) {
    let mut reblock = Reblock::new(shape(true, true), block, period);
    let (mut position, mut seen, mut heard) = (0, 0, Vec::new());
    for length in periods {
        let input = frames(position, length);
        let mut output = vec![0xaa; length * 4];
        let delay = reblock.delay();
        let mut late = false;
        reblock.run(&input, &mut output, length, place(position), &mut |it| {
            assert_eq!(it.frames, if block == 0 { length } else { block });
            assert_eq!(it.input, frames(seen, it.frames));
            assert_eq!(it.adc, seen as f64);
            late |= it.dac != (seen + delay) as f64 + 0.5;
            it.output.copy_from_slice(it.input);
            seen += it.frames;
            Next::Continue
        });
        assert!(!late || reblock.delay() > delay);
        heard.extend(numbers(&output));
        position += length;
    }
    (heard, reblock)
}

#[test]
fn a_wire_is_exact_and_late_by_what_theory_gives() {
    for block in BLOCKS {
        for period in PERIODS {
            let (heard, mut reblock) = wire(block, period, std::iter::repeat_n(period, 20_000 / period));
            let divides = period % block == 0;
            let common = (1..=block).rev().find(|by| block % by == 0 && period % by == 0).expect("1 does");
            let delay = if divides { 0 } else { block - common };
            assert_eq!(reblock.delay(), delay, "{block} over {period}");
            assert!(heard[..delay].iter().all(|number| *number == 0));
            let expected: Vec<u32> = (1..=(heard.len() - delay) as u32).collect();
            assert_eq!(heard[delay..], expected, "{block} over {period}");
            assert!(!reblock.take_short());
        }
    }
}

#[test]
fn without_blocks_every_period_is_handed_on() {
    let (heard, reblock) = wire(0, 64, [1, 64, 441, 512, 3]);
    assert_eq!((reblock.delay(), heard), (0, (1..=1021).collect()));
}

#[test]
fn an_output_asks_no_earlier_than_it_must() {
    for block in BLOCKS {
        for period in PERIODS {
            let mut reblock = Reblock::new(shape(false, true), block, period);
            let mut made = 0;
            for position in (0..20_000).step_by(period) {
                let mut output = vec![0xaa; period * 4];
                reblock.run(&[], &mut output, period, place(position), &mut |it| {
                    assert_eq!((it.frames, it.input.len(), it.dac), (block, 0, made as f64 + 0.5));
                    it.output.copy_from_slice(&frames(made, block));
                    made += block;
                    Next::Continue
                });
                assert_eq!(output, frames(position, period), "{block} over {period}");
                assert!(made < position + period + block);
            }
        }
    }
}

#[test]
fn an_input_gives_every_block_as_soon_as_it_is_full() {
    for block in BLOCKS {
        for period in PERIODS {
            let mut reblock = Reblock::new(shape(true, false), block, period);
            let mut seen = 0;
            for position in (0..20_000).step_by(period) {
                reblock.run(&frames(position, period), &mut [], period, place(position), &mut |it| {
                    assert_eq!((it.adc, it.output.len()), (seen as f64, 0));
                    assert_eq!(it.input, frames(seen, block), "{block} over {period}");
                    seen += block;
                    Next::Continue
                });
                assert_eq!(seen, (position + period) / block * block);
            }
        }
    }
}

#[test]
fn what_was_complete_is_heard_and_what_was_aborted_is_not() {
    for (next, sound) in [(Next::Complete, 300), (Next::Abort, 200)] {
        for period in [64, 300, 1000] {
            let mut reblock = Reblock::new(shape(false, true), 100, period);
            let (mut made, mut heard, mut end) = (0, Vec::new(), 0);
            for position in (0..1000).step_by(period) {
                let mut output = vec![0xaa; period * 4];
                let until = reblock.run(&[], &mut output, period, place(position), &mut |it| {
                    it.output.copy_from_slice(&frames(made, 100));
                    made += 100;
                    if made == 300 { next } else { Next::Continue }
                });
                if until > 0 {
                    end = position + until;
                }
                heard.extend(numbers(&output));
            }
            assert_eq!(made, 300);
            assert!(!reblock.is_open() && reblock.queued() == 0);
            // A block that was cut short had been queued as a whole.
            assert_eq!(end, sound, "{next:?} over {period}");
            let expected: Vec<u32> = (1..=sound as u32).collect();
            assert_eq!(heard[..sound], expected);
            assert!(heard[sound..].iter().all(|number| *number == 0));
        }
    }
}

#[test]
fn priming_fills_lead_and_delay_with_whole_blocks_after_a_silent_rest() {
    for block in [0, 7, 64, 100, 1000] {
        for (period, lead) in [(64, 0), (64, 128), (64, 640), (441, 441)] {
            let mut reblock = Reblock::new(shape(true, true), block, period);
            let delay = reblock.delay();
            reblock.lead(lead);
            let rest = (lead + delay).checked_rem(block).unwrap_or(0);
            let (mut heard, mut made) = (Vec::new(), 0);
            let silence = vec![0; 4000];
            for position in (0..lead).step_by(period) {
                let mut output = vec![0xaa; period * 4];
                reblock.prime(&silence, &mut output, period, place(position), &mut |it| {
                    assert_eq!(it.dac, (rest + made) as f64 + 0.5);
                    assert!(it.input.iter().all(|byte| *byte == 0) && it.input.len() == it.frames * 4);
                    it.output.copy_from_slice(&frames(made, it.frames));
                    made += it.frames;
                    Next::Continue
                });
                heard.extend(numbers(&output));
            }
            assert_eq!(made, lead + delay - rest, "{block} over {period}, lead {lead}");
            for position in (0..3000).step_by(period) {
                let mut output = vec![0xaa; period * 4];
                reblock.run(&frames(made + position, period), &mut output, period, place(lead + position), &mut |it| {
                    it.output.copy_from_slice(it.input);
                    Next::Continue
                });
                heard.extend(numbers(&output));
            }
            assert!(heard[..rest].iter().all(|number| *number == 0));
            let expected: Vec<u32> = (1..=(heard.len() - rest) as u32).collect();
            assert_eq!(heard[rest..], expected, "{block} over {period}, lead {lead}");
        }
    }
}

proptest! {
    #[test]
    fn periods_of_any_length_lose_nothing(block in 1..50usize, known in 0..50usize, lengths in prop::collection::vec(1..80usize, 1..60)) {
        let (heard, reblock) = wire(block, known, lengths);
        let sounding: Vec<u32> = heard.iter().copied().filter(|number| *number > 0).collect();
        let expected: Vec<u32> = (1..=sounding.len() as u32).collect();
        prop_assert_eq!(&sounding, &expected);
        prop_assert_eq!(heard.len() - sounding.len(), reblock.delay().min(heard.len()));
        prop_assert!(reblock.delay() < block);
    }
}
