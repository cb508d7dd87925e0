//! What goes between a stream and its user.

use std::fmt;

use crate::error::Error;
use crate::sample::Sample;

/// What a callback wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next block.
    Continue,
    /// This block is played, then the stream ends.
    Complete,
    /// The stream ends at once: this block is not played, nor is what still waits to be.
    Abort,
}

/// What went wrong before a block, or that it is one before the first. Prints as a list of words.
///
/// The bits are PortAudio's: 1 input underflow, 2 input overflow, 4 output underflow, 8 output overflow, 16 priming.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Status(pub(crate) u8);

impl Status {
    const NAMES: [(u8, &'static str); 5] = [
        (2, "input overflow"),
        (1, "input underflow"),
        (8, "output overflow"),
        (4, "output underflow"),
        (16, "priming output"),
    ];

    /// Whether there is anything to tell.
    pub fn any(self) -> bool {
        self.0 != 0
    }

    /// Silence was put into the input, because the device had none. Only in duplex streams.
    pub fn input_underflow(self) -> bool {
        self.0 & 1 != 0
    }

    /// Input was lost before the first frame of this block.
    pub fn input_overflow(self) -> bool {
        self.0 & 2 != 0
    }

    /// Silence was played, because there was nothing else.
    pub fn output_underflow(self) -> bool {
        self.0 & 4 != 0
    }

    /// What the callback made was dropped, because there was no room. Only with [`never_drop_input`].
    ///
    /// [`never_drop_input`]: crate::StreamBuilder::never_drop_input
    pub fn output_overflow(self) -> bool {
        self.0 & 8 != 0
    }

    /// The block comes before the first frame of the input, which is silent. Only with [`prime_output`].
    ///
    /// [`prime_output`]: crate::StreamBuilder::prime_output
    pub fn priming_output(self) -> bool {
        self.0 & 16 != 0
    }

    /// The bits.
    pub fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Self::NAMES.iter().filter(|(bit, _)| self.0 & bit != 0);
        match names.next() {
            None => f.write_str("no flags set"),
            Some((_, first)) => {
                f.write_str(first)?;
                names.try_for_each(|(_, name)| write!(f, ", {name}"))
            }
        }
    }
}

/// Seconds on the clock of [`Stream::time`](crate::Stream::time). That of a direction which is not there is `current`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StreamTime {
    /// When the first frame of the input was captured.
    pub input_adc: f64,
    /// The moment of the call.
    pub current: f64,
    /// When the first frame of the output will be heard.
    pub output_dac: f64,
}

mod sealed {
    pub trait Sealed {}
    impl<S: super::Sample> Sealed for S {}
    impl Sealed for super::Raw {}
    impl Sealed for () {}
}

/// One direction of a stream: samples of a type, [`Raw`] bytes, or `()` where there is none.
pub trait Direction: sealed::Sealed + 'static {
    /// What blocks are made of.
    type Item: Copy + Send + Sync + fmt::Debug + 'static;

    #[doc(hidden)]
    fn view(bytes: &[u8]) -> &[Self::Item];
    #[doc(hidden)]
    fn view_mut(bytes: &mut [u8]) -> &mut [Self::Item];
}

/// A direction that is there.
pub trait Present: Direction {
    #[doc(hidden)]
    fn bytes(items: &[Self::Item]) -> &[u8];
    #[doc(hidden)]
    fn bytes_mut(items: &mut [Self::Item]) -> &mut [u8];
}

/// Samples as bytes, of a format that is chosen at run time.
#[derive(Debug, Clone, Copy)]
pub struct Raw;

impl<S: Sample> Direction for S {
    type Item = S;

    fn view(bytes: &[u8]) -> &[S] {
        crate::sample::samples(bytes)
    }

    fn view_mut(bytes: &mut [u8]) -> &mut [S] {
        crate::sample::samples_mut(bytes)
    }
}

impl Direction for Raw {
    type Item = u8;

    fn view(bytes: &[u8]) -> &[u8] {
        bytes
    }

    fn view_mut(bytes: &mut [u8]) -> &mut [u8] {
        bytes
    }
}

impl Direction for () {
    type Item = ();

    fn view(_: &[u8]) -> &[()] {
        &[]
    }

    fn view_mut(_: &mut [u8]) -> &mut [()] {
        &mut []
    }
}

impl<S: Sample> Present for S {
    fn bytes(items: &[S]) -> &[u8] {
        crate::sample::bytes(items)
    }

    fn bytes_mut(items: &mut [S]) -> &mut [u8] {
        crate::sample::bytes_mut(items)
    }
}

impl Present for Raw {
    fn bytes(items: &[u8]) -> &[u8] {
        items
    }

    fn bytes_mut(items: &mut [u8]) -> &mut [u8] {
        items
    }
}

/// One call of a callback.
#[derive(Debug)]
#[non_exhaustive]
pub struct Io<'a, I: Direction, O: Direction> {
    /// What was heard, interleaved, `frames × channels`; empty where there is no input.
    pub input: &'a [I::Item],
    /// What shall be played, interleaved, `frames × channels`; silent at first, empty where there is no output.
    pub output: &'a mut [O::Item],
    /// Frames of both.
    pub frames: usize,
    /// When they were captured and will be heard.
    pub time: StreamTime,
    /// What went wrong since the last call.
    pub status: Status,
}

/// Why a run of a stream has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finished {
    /// By `stop`; everything has been played.
    Stopped,
    /// By `abort`, `close`, or a dropped stream.
    Aborted,
    /// The callback said [`Flow::Complete`]; everything has been played.
    Completed,
    /// The callback said [`Flow::Abort`].
    AbortedByCallback,
    /// The callback panicked (`CallbackFailed`) or the device was lost (`DeviceLost`).
    Failed(Error),
}

/// What a read tells besides the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Read {
    /// Frames read: all that were asked for, with [`Stream::try_read`](crate::Stream::try_read) those there were.
    pub frames: usize,
    /// Whether input was lost since the last read.
    pub overflowed: bool,
    /// All that went wrong with the input since then.
    pub status: Status,
    /// `input_adc` is when the first frame that was read was captured.
    pub time: StreamTime,
}

/// What a write tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Frames written: all of them, with [`Stream::try_write`](crate::Stream::try_write) those that there was room for.
    pub frames: usize,
    /// Whether silence was played since the last write, because nothing had been written in time.
    pub underflowed: bool,
}
