//! Which channel goes where, and in which format.

#[cfg(test)]
mod test;

use super::convert::{ConvertOptions, Converter, Counts, copy_channel, silence_channel};
use crate::dtype::Format;

/// What goes where between two interleaved buffers.
pub(crate) struct Transfer {
    from: Format,
    to: Format,
    from_channels: usize,
    to_channels: usize,
    converter: Converter,
    /// Every channel goes to its own place: the buffers can be converted as a whole.
    straight: bool,
    /// For each destination channel: where its samples are from.
    plan: Vec<Origin>,
}

/// Where a destination channel's samples are from.
#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Silence,
    Source(usize),
    /// Another destination channel that holds the same source already: converted twice, they would differ in dither.
    Copy(usize),
}

impl Transfer {
    /// `routes` are pairs of source and destination channel, from 0. Of two to the same destination the later counts;
    /// those beyond the channels there are do not count.
    pub(crate) fn new(
        from: Format,
        from_channels: usize,
        to: Format,
        to_channels: usize,
        routes: Vec<(usize, usize)>,
        options: ConvertOptions,
    ) -> Self {
        let mut sources = vec![None; to_channels];
        for (source, destination) in routes {
            if source < from_channels && destination < to_channels {
                sources[destination] = Some(source);
            }
        }
        let plan: Vec<Origin> = (sources.iter().enumerate())
            .map(|(destination, source)| match source {
                None => Origin::Silence,
                Some(channel) => match sources.iter().position(|other| other == source) {
                    Some(first) if first < destination => Origin::Copy(first),
                    _ => Origin::Source(*channel),
                },
            })
            .collect();
        let straight = from_channels == to_channels
            && plan.iter().enumerate().all(|(channel, origin)| *origin == Origin::Source(channel));
        let converter = Converter::new(from, to, options);
        Self { from, to, from_channels, to_channels, converter, straight, plan }
    }

    /// Every channel to that of the same number, as far as there are.
    pub(crate) fn identity(
        from: Format,
        from_channels: usize,
        to: Format,
        to_channels: usize,
        options: ConvertOptions,
    ) -> Self {
        let routes = (0..from_channels.min(to_channels)).map(|channel| (channel, channel)).collect();
        Self::new(from, from_channels, to, to_channels, routes, options)
    }

    /// Converts `frames` frames. Destination channels without a route become silent, and so do frames that the source
    /// is too short for.
    pub(crate) fn run(&mut self, src: &[u8], dst: &mut [u8], frames: usize, counts: &mut Counts) {
        let to_frame = self.to.bytes() * self.to_channels;
        let from_frame = self.from.bytes() * self.from_channels;
        let wanted = frames.min(dst.len().checked_div(to_frame).unwrap_or(0));
        let frames = wanted.min(src.len().checked_div(from_frame).unwrap_or(wanted));
        if let Some(rest) = dst.get_mut(frames * to_frame..wanted * to_frame) {
            rest.fill(self.to.silence());
        }

        if self.straight && self.converter.together(src, dst, self.to_channels, frames, counts) {
            return;
        }
        for (channel, origin) in self.plan.iter().enumerate() {
            match *origin {
                Origin::Silence => silence_channel(self.to, dst, channel, self.to_channels, frames),
                Origin::Source(source) => self.converter.channel(
                    src,
                    source,
                    self.from_channels,
                    dst,
                    channel,
                    self.to_channels,
                    frames,
                    counts,
                ),
                Origin::Copy(first) => copy_channel(self.to, dst, first, channel, self.to_channels, frames),
            }
        }
    }
}
