//! From one side's samples to the other's where they are not only converted and put in other places: mixed, or made louder
//! or softer. Between two conversions they are float64 then, which holds all other formats exactly.

use super::convert::{ConvertOptions, Counts};
use super::gain::Gain;
use super::mapping::Transfer;
use crate::channel::Pick;
use crate::dtype::{Dtype, Format};

/// One end: a format and its interleaved channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub format: Format,
    pub channels: usize,
}

/// The way of a stream's samples in one direction.
pub(crate) struct Way {
    /// Where nothing has to be computed.
    direct: Option<Transfer>,
    /// Where something has.
    through: Option<Through>,
}

struct Through {
    first: Transfer,
    second: Transfer,
    from: Vec<f64>,
    from_channels: usize,
    mix: Option<Mix>,
}

/// Destination channels that are sums of others.
struct Mix {
    to: Vec<f64>,
    /// For each destination its sources, and the factor of their sum.
    plan: Vec<(Vec<usize>, f64)>,
}

/// For each destination its sources, and the factor of their sum.
fn plan(from: usize, to: usize, picks: Option<&[Pick]>, inwards: bool, most: usize) -> Vec<(Vec<usize>, f64)> {
    let Some(picks) = picks else {
        return (0..to).map(|channel| ((channel..from).take(1).collect(), 1.0)).collect();
    };
    if inwards {
        let all = || ((0..most.min(from)).collect(), 1.0 / most.clamp(1, from.max(1)) as f64);
        return picks.iter().map(|pick| pick.map_or_else(all, |channel| (vec![channel], 1.0))).collect();
    }
    let plays = |channel: usize| {
        let here = |column: &usize| picks[*column].map_or(channel < most, |pick| pick == channel);
        (0..from.min(picks.len())).filter(here).collect()
    };
    (0..to).map(|channel| (plays(channel), 1.0)).collect()
}

impl Way {
    /// From the device to the user where it leads `inwards`. Column `n` is the device's channel `picks[n]`, or without picks
    /// the one of its number; `most` are the device's channels that count as all. At most `piece` frames pass at a time.
    /// Only what `fades` can be made louder or softer.
    pub(crate) fn new(
        from: End,
        to: End,
        picks: Option<(&[Pick], usize)>,
        inwards: bool,
        fades: bool,
        piece: usize,
        options: ConvertOptions,
    ) -> Self {
        let most = picks.map_or(0, |(_, most)| most);
        let plan = plan(from.channels, to.channels, picks.map(|(picks, _)| picks), inwards, most);
        let simple = plan.iter().all(|(sources, factor)| sources.len() <= 1 && *factor == 1.0);
        let routes = || -> Vec<(usize, usize)> {
            let pairs =
                plan.iter().enumerate().flat_map(|(to, (sources, _))| sources.iter().map(move |from| (*from, to)));
            pairs.collect()
        };
        let direct =
            simple.then(|| Transfer::new(from.format, from.channels, to.format, to.channels, routes(), options));
        let middle = Format::from(Dtype::F64);
        let through = (fades || !simple).then(|| Through {
            first: Transfer::identity(from.format, from.channels, middle, from.channels, options),
            second: match simple {
                true => Transfer::new(middle, from.channels, to.format, to.channels, routes(), options),
                false => Transfer::identity(middle, to.channels, to.format, to.channels, options),
            },
            // Not zeros, which the system would hand out page by page at the first touch.
            from: vec![1.0; piece * from.channels],
            from_channels: from.channels,
            mix: (!simple).then(|| Mix { to: vec![1.0; piece * to.channels], plan: plan.clone() }),
        });
        Self { direct, through }
    }

    /// So many frames; what does not fit is left out.
    pub(crate) fn run(
        &mut self,
        src: &[u8],
        dst: &mut [u8],
        frames: usize,
        gain: Option<&mut Gain>,
        counts: &mut Counts,
    ) {
        let gain = gain.filter(|gain| !gain.is_unity());
        match (&mut self.direct, &mut self.through) {
            (Some(direct), through) if gain.is_none() || through.is_none() => direct.run(src, dst, frames, counts),
            (_, Some(through)) => through.run(src, dst, frames, gain, counts),
            _ => {}
        }
    }
}

impl Through {
    fn run(&mut self, src: &[u8], dst: &mut [u8], frames: usize, gain: Option<&mut Gain>, counts: &mut Counts) {
        let Self { first, second, from, from_channels, mix } = self;
        let frames = frames.min(from.len().checked_div(*from_channels).unwrap_or(0));
        let heard = &mut from[..frames * *from_channels];
        first.run(src, crate::sample::bytes_mut(heard), frames, counts);
        if let Some(gain) = gain {
            gain.apply(heard, *from_channels);
        }
        let Some(Mix { to, plan }) = mix else {
            return second.run(crate::sample::bytes(heard), dst, frames, counts);
        };
        let channels = plan.len();
        for (into, from) in to.chunks_exact_mut(channels).zip(heard.chunks_exact(*from_channels)) {
            for (sample, (sources, factor)) in into.iter_mut().zip(&*plan) {
                *sample = sources.iter().map(|source| from[*source]).sum::<f64>() * factor;
            }
        }
        second.run(crate::sample::bytes(&to[..frames * channels]), dst, frames, counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: ConvertOptions = ConvertOptions { clip_off: false, dither_off: false };

    fn end(dtype: Dtype, channels: usize) -> End {
        End { format: dtype.into(), channels }
    }

    fn run(way: &mut Way, samples: &[f32], to: usize, gain: Option<&mut Gain>) -> Vec<f32> {
        let mut dst = vec![9.0f32; to];
        let frames = 2;
        let bytes = crate::sample::bytes_mut(&mut dst);
        way.run(crate::sample::bytes(samples), bytes, frames, gain, &mut Counts::default());
        dst
    }

    #[test]
    fn a_recording_picks_repeats_and_averages_channels() {
        let picks = [Some(1), None, Some(1), Some(0)];
        let mut way = Way::new(end(Dtype::F32, 3), end(Dtype::F32, 4), Some((&picks, 2)), true, false, 16, OPTIONS);
        // The third channel was opened for nobody.
        let heard = run(&mut way, &[0.5, 0.0, 9.0, -1.0, 0.5, 9.0], 8, None);
        assert_eq!(heard, [0.0, 0.25, 0.0, 0.5, 0.5, -0.25, 0.5, -1.0]);
    }

    #[test]
    fn what_is_played_is_spread_swapped_and_summed() {
        let picks = [Some(2), Some(0), None, Some(0)];
        let mut way = Way::new(end(Dtype::F32, 4), end(Dtype::F32, 4), Some((&picks, 3)), false, false, 16, OPTIONS);
        let played = run(&mut way, &[0.125, 0.25, 0.5, 0.0625, 0.0, 0.0, 1.0, 0.0], 8, None);
        assert_eq!(played, [0.8125, 0.5, 0.625, 0.0, 1.0, 1.0, 1.0, 0.0]);
        let swapped = [Some(1), Some(0)];
        let mut way = Way::new(end(Dtype::F32, 2), end(Dtype::F32, 2), Some((&swapped, 2)), false, true, 16, OPTIONS);
        assert_eq!(run(&mut way, &[0.1, 0.2, 0.3, 0.4], 4, None), [0.2, 0.1, 0.4, 0.3]);
        let mut half = Gain::new(48_000.0);
        half.follow(0.5);
        assert_eq!(run(&mut way, &[0.5, 0.25, 1.0, -1.0], 4, Some(&mut half)), [0.125, 0.25, -0.5, 0.5]);
    }

    #[test]
    fn without_a_map_channels_go_where_they_are() {
        let mut way = Way::new(end(Dtype::F32, 2), end(Dtype::F32, 3), None, false, true, 16, OPTIONS);
        assert_eq!(run(&mut way, &[0.1, 0.2, 0.3, 0.4], 6, None), [0.1, 0.2, 0.0, 0.3, 0.4, 0.0]);
        let mut way = Way::new(end(Dtype::F32, 2), end(Dtype::F32, 1), None, true, false, 16, OPTIONS);
        assert_eq!(run(&mut way, &[0.1, 0.2, 0.3, 0.4], 2, None), [0.1, 0.3]);
    }
}
