//! What goes where between two interleaved buffers.

use super::convert::{ConvertOptions, Converter, Counts, Lane};
use crate::dtype::Format;

/// Routes from the channels of one buffer to those of another, with the conversion between their formats.
#[derive(Debug, Clone)]
pub(crate) struct Transfer {
    converter: Converter,
    from: (Format, usize),
    to: (Format, usize),
    /// Source channel, destination channel; sorted by source, so that a channel that goes to several is converted once.
    routes: Vec<(usize, usize)>,
    unrouted: Vec<usize>,
    straight: bool,
}

impl Transfer {
    pub(crate) fn new(
        from: Format,
        from_channels: usize,
        to: Format,
        to_channels: usize,
        mut routes: Vec<(usize, usize)>,
        options: ConvertOptions,
    ) -> Self {
        routes.sort_unstable();
        let unrouted = (0..to_channels)
            .filter(|channel| routes.iter().all(|route| route.1 != *channel))
            .collect();
        let straight = from_channels == to_channels
            && routes
                .iter()
                .copied()
                .eq((0..to_channels).map(|channel| (channel, channel)));
        let converter = Converter::new(from, to, options);
        Self {
            converter,
            from: (from, from_channels),
            to: (to, to_channels),
            routes,
            unrouted,
            straight,
        }
    }

    /// Every channel to the one of its number.
    pub(crate) fn identity(
        from: Format,
        from_channels: usize,
        to: Format,
        to_channels: usize,
        options: ConvertOptions,
    ) -> Self {
        let routes = (0..from_channels.min(to_channels))
            .map(|channel| (channel, channel))
            .collect();
        Self::new(from, from_channels, to, to_channels, routes, options)
    }

    /// Converts `frames` frames; channels of the destination that no route reaches become silent.
    pub(crate) fn run(&mut self, src: &[u8], dst: &mut [u8], frames: usize, counts: &mut Counts) {
        let ((from, from_channels), (to, to_channels)) = (self.from, self.to);
        if self.straight && from == to {
            let bytes = frames * to_channels * to.bytes();
            dst[..bytes].copy_from_slice(&src[..bytes]);
            return;
        }
        if self.straight && !self.converter.needs_dither() {
            let whole = Lane {
                offset: 0,
                stride: 1,
            };
            self.converter
                .channel(src, whole, dst, whole, frames * to_channels, counts);
            return;
        }
        let mut last: Option<(usize, usize)> = None;
        for &(source, target) in &self.routes {
            match last {
                // The same dither everywhere: what was one channel stays one sound.
                Some((same, done)) if same == source => {
                    copy_channel(dst, to, to_channels, done, target, frames)
                }
                _ => {
                    let from = Lane {
                        offset: source,
                        stride: from_channels,
                    };
                    let to = Lane {
                        offset: target,
                        stride: to_channels,
                    };
                    self.converter.channel(src, from, dst, to, frames, counts);
                    last = Some((source, target));
                }
            }
        }
        for &channel in &self.unrouted {
            for frame in 0..frames {
                dst[(frame * to_channels + channel) * to.bytes()..][..to.bytes()]
                    .fill(to.silence());
            }
        }
    }
}

fn copy_channel(
    dst: &mut [u8],
    format: Format,
    channels: usize,
    from: usize,
    to: usize,
    frames: usize,
) {
    let size = format.bytes();
    for frame in 0..frames {
        let start = (frame * channels + from) * size;
        dst.copy_within(start..start + size, (frame * channels + to) * size);
    }
}
