//! Channels by number or by their place in the room.

use crate::error::{Error, ErrorKind, Result};

/// Places in their order, as PulseAudio counts them; [`AUX`] of no place at all come after the first [`BEFORE_AUX`].
const PLACES: [&str; 18] = [
    "front-left",
    "front-right",
    "front-center",
    "rear-center",
    "rear-left",
    "rear-right",
    "lfe",
    "front-left-of-center",
    "front-right-of-center",
    "side-left",
    "side-right",
    "top-center",
    "top-front-left",
    "top-front-right",
    "top-front-center",
    "top-rear-left",
    "top-rear-right",
    "top-rear-center",
];
const BEFORE_AUX: i32 = 11;
const AUX: i32 = 32;
const ALIASES: [(&str, i32); 4] = [("left", 0), ("right", 1), ("center", 2), ("subwoofer", 6)];
/// All channels together.
const MONO: (&str, i32) = ("mono", -1);

/// One channel of a device, in a map: column `n` of the data is the `n`th of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel {
    /// The device's channel of this number, from 0.
    Number(usize),
    /// The device's channel at this place, such as `"left"` or `"lfe"`; see [`channel_names`]. Where the system does not
    /// tell places, the channel of the name's number. `"mono"` is [`Channel::All`].
    Name(String),
    /// All channels of the device: a recording has their mean, what is played goes to each of them.
    All,
}

impl From<usize> for Channel {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Channel {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

/// The names of places and their numbers: 0 for `"front-left"` and so on, -1 for `"mono"`.
///
/// ```
/// let names = sounddevice::channel_names();
/// assert!(names.contains(&("lfe".to_string(), 6)));
/// ```
pub fn channel_names() -> Vec<(String, i32)> {
    let place =
        |(name, number): (&&str, i32)| ((*name).to_string(), if number < BEFORE_AUX { number } else { number + AUX });
    let aux = (0..AUX).map(|number| (format!("aux{number}"), BEFORE_AUX + number));
    let named = [MONO].into_iter().chain(ALIASES).map(|(name, number)| (name.to_string(), number));
    let mut names: Vec<_> = named.chain(PLACES.iter().zip(0..).map(place)).chain(aux).collect();
    names.sort_by_key(|(_, number)| *number);
    names
}

/// Where a column goes, or comes from: one channel of the device, or all of them.
pub(crate) type Pick = Option<usize>;

fn number(name: &str) -> Result<i32> {
    let found = channel_names().into_iter().find(|(known, _)| known == name);
    found.map(|(_, number)| number).ok_or_else(|| {
        let message = format!("Unknown channel '{name}': expected a position such as 'left', 'lfe' or 'mono'");
        Error::new(ErrorKind::InvalidArgValue, message)
    })
}

/// Names that nobody has.
pub(crate) fn check(map: &[Channel]) -> Result<()> {
    map.iter().try_for_each(|channel| match channel {
        Channel::Name(name) => number(name).map(drop),
        _ => Ok(()),
    })
}

/// Finds the channels of a device that has `most` of them; `places` has the numbers of their names, and is asked at most once.
pub(crate) fn picks(
    map: &[Channel],
    device: &str,
    most: usize,
    places: impl FnOnce() -> Result<Vec<i32>>,
) -> Result<Vec<Pick>> {
    let named = map.iter().any(|channel| matches!(channel, Channel::Name(_)));
    let places = if named { places()? } else { Vec::new() };
    let invalid = |what: String| {
        let message = format!("Invalid number of channels: '{device}' has {most}, {what}");
        Error::new(ErrorKind::InvalidChannels, message)
    };
    if map.is_empty() {
        return Err(invalid("expected at least one to be chosen".into()));
    }
    let pick = |channel: &Channel| match channel {
        Channel::All => Ok(None),
        Channel::Number(number) if *number < most => Ok(Some(*number)),
        Channel::Number(number) => Err(invalid(format!("got number {number} (from 0)"))),
        Channel::Name(name) => match number(name)? {
            -1 => Ok(None),
            wanted => {
                let place = if places.is_empty() {
                    usize::try_from(wanted).ok()
                } else {
                    places.iter().position(|place| *place == wanted)
                };
                place.filter(|place| *place < most).map(Some).ok_or_else(|| invalid(format!("and none is '{name}'")))
            }
        },
    };
    map.iter().map(pick).collect()
}

/// How many channels of the device that takes.
pub(crate) fn needed(picks: &[Pick], most: usize) -> usize {
    picks.iter().map(|pick| pick.map_or(most, |channel| channel + 1)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_pulse_audios_and_their_numbers_one_less() {
        let names = channel_names();
        let number = |wanted: &str| names.iter().find(|(name, _)| name == wanted).map(|(_, number)| *number);
        assert_eq!(names.len(), 55);
        let known = [
            ("mono", -1),
            ("left", 0),
            ("front-right", 1),
            ("center", 2),
            ("lfe", 6),
            ("subwoofer", 6),
            ("side-right", 10),
            ("aux0", 11),
            ("aux31", 42),
            ("top-center", 43),
            ("top-rear-center", 49),
        ];
        known.into_iter().for_each(|(name, expected)| assert_eq!(number(name), Some(expected), "{name}"));
    }

    #[test]
    fn a_map_names_channels_by_number_and_place() {
        // 7.1 as PulseAudio has it.
        let surround = [0, 1, 4, 5, 2, 6, 9, 10];
        let map = ["lfe", "left", "mono", "side-left"].map(Channel::from);
        let found = picks(&map, "x", 8, || Ok(surround.to_vec())).expect("all are there");
        assert_eq!(found, [Some(5), Some(0), None, Some(6)]);
        assert_eq!(needed(&found, 8), 8);
        let found = picks(&map[..2], "x", 8, || Ok(Vec::new())).expect("by number");
        assert_eq!((found.as_slice(), needed(&found, 8)), (&[Some(6), Some(0)][..], 7));
        let kind = |map: &[Channel], most| picks(map, "x", most, || Ok(vec![0, 1])).map_err(|error| error.kind());
        assert_eq!(kind(&[1.into(), 0.into()], 2), Ok(vec![Some(1), Some(0)]));
        assert_eq!(kind(&[2.into()], 2), Err(ErrorKind::InvalidChannels));
        assert_eq!(kind(&["lfe".into()], 2), Err(ErrorKind::InvalidChannels));
        assert_eq!(kind(&["foo".into()], 2), Err(ErrorKind::InvalidArgValue));
        assert_eq!(kind(&[], 2), Err(ErrorKind::InvalidChannels));
        assert!(check(&["left".into(), 99.into()]).is_ok());
    }
}
