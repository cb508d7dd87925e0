//! Speakers and microphones: devices by the one thing they are wanted for, found by what people remember of their names.
//!
//! The same hardware is often reached through several host APIs. The first of them that has something fitting decides, so
//! that what the others call it makes nothing ambiguous.

use super::{DeviceInfo, Devices, Kind};
use crate::error::Result;

/// Whether a name fits a query, both in lower case.
type Fits = fn(&str, &str) -> bool;
/// Whether a card is meant by this query more than others that fit.
type Exactly = fn(&DeviceInfo, &str) -> bool;

impl Devices {
    /// All that plays, in the order of host APIs.
    pub fn speakers(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.cards(Kind::Output, false)
    }

    /// All that hears, in the order of host APIs; with `include_loopback` also what hears an output.
    pub fn microphones(&self, include_loopback: bool) -> impl Iterator<Item = &DeviceInfo> {
        self.cards(Kind::Input, include_loopback)
    }

    /// The output with this id; else the only one with this part in its name, in any case; else the only one whose name
    /// begins with the first of these letters and has the others in their order: "FS2i2" is "Focusrite Scarlett 2i2". Among
    /// several that fit, a name that is the whole query counts, or letters that also agree in case. An empty query is the
    /// default output.
    ///
    /// # Errors
    /// `NoSuchDevice` where none fits; `AmbiguousDevice` where several do, and the message names them; `TimedOut` where none
    /// fits and a host API that may have it did not answer.
    ///
    /// ```
    /// # let device = sounddevice::virtual_host().device().name("Focusrite Scarlett 2i2").create()?;
    /// let devices = sounddevice::devices()?;
    /// assert_eq!(devices.find_speaker("FS2i2")?.name, "Focusrite Scarlett 2i2");
    /// # device.remove();
    /// # Ok::<(), sounddevice::Error>(())
    /// ```
    pub fn find_speaker(&self, query: &str) -> Result<&DeviceInfo> {
        self.find_card(query, Kind::Output, false)
    }

    /// The same for inputs; those that hear an output are found with `include_loopback` only.
    ///
    /// # Errors
    /// As [`Devices::find_speaker`].
    pub fn find_microphone(&self, query: &str, include_loopback: bool) -> Result<&DeviceInfo> {
        self.find_card(query, Kind::Input, include_loopback)
    }

    fn cards(&self, kind: Kind, loopback: bool) -> impl Iterator<Item = &DeviceInfo> {
        let wanted = move |device: &&DeviceInfo| device.max_channels(kind) > 0 && (loopback || !device.is_loopback);
        self.infos.iter().filter(wanted)
    }

    fn find_card(&self, query: &str, kind: Kind, loopback: bool) -> Result<&DeviceInfo> {
        if query.is_empty() {
            return self.resolve(None, kind);
        }
        if let Some(card) = self.cards(kind, loopback).find(|card| card.id == query) {
            return Ok(card);
        }
        let what = if kind == Kind::Output { "speaker" } else { "microphone" };
        let lower = query.to_lowercase();
        let ways: [(Fits, Exactly); 2] = [
            (|name, query| name.contains(query), |card, query| card.name.to_lowercase() == query.to_lowercase()),
            (in_order, |card, query| in_order(&card.name, query)),
        ];
        for (fits, exactly) in ways {
            for host in &self.host_apis {
                let fitting: Vec<&DeviceInfo> = self
                    .cards(kind, loopback)
                    .filter(|card| card.host_api == host.index && fits(&card.name.to_lowercase(), &lower))
                    .collect();
                match fitting[..] {
                    [] => {}
                    [card] => return Ok(card),
                    _ => {
                        let mut exact = fitting.iter().filter(|card| exactly(card, query));
                        return match (exact.next(), exact.next()) {
                            (Some(card), None) => Ok(card),
                            _ => Err(super::find::ambiguous(what, query, &fitting)),
                        };
                    }
                }
            }
        }
        Err(self.none(Some(&query.into()), format!("No {what} matching '{query}'")))
    }
}

/// Whether the name begins with the first of these letters and has the others after it, in their order.
fn in_order(name: &str, letters: &str) -> bool {
    let mut name_letters = name.chars();
    let mut letters = letters.chars().filter(|letter| !letter.is_whitespace());
    letters.next().is_some_and(|first| name_letters.next() == Some(first))
        && letters.all(|letter| name_letters.any(|other| other == letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::choice::Choice;
    use crate::backend::{DeviceRecord, HostListing};
    use crate::device::registry::{compose, hosts};
    use crate::error::ErrorKind;

    fn record(name: &str, inputs: u16, outputs: u16, is_loopback: bool) -> DeviceRecord {
        DeviceRecord {
            key: name.to_lowercase().replace(' ', "_"),
            name: name.into(),
            max_input_channels: inputs,
            max_output_channels: outputs,
            low_input_latency: 0.0,
            low_output_latency: 0.0,
            high_input_latency: 0.0,
            high_output_latency: 0.0,
            default_sample_rate: 48_000.0,
            is_loopback,
        }
    }

    /// The first host API has these, the next one the same interface once more.
    fn devices() -> Devices {
        let first = vec![
            record("Focusrite Scarlett 2i2", 0, 2, false),
            record("Focusrite Scarlett 18i20", 18, 20, false),
            record("Twin", 0, 2, false),
            record("Twins (left [a+b])", 0, 2, false),
            record("Built-in", 2, 2, false),
            record("Monitor of Built-in", 2, 0, true),
            record("Ünïcödé", 1, 1, false),
        ];
        let second = vec![record("Scarlett 2i2, direct", 0, 2, false), record("Built-in, direct", 0, 2, false)];
        let listing = |devices| HostListing { default_output: Some(4), default_input: None, devices };
        let mut listings: Vec<Option<HostListing>> = hosts().iter().map(|_| Some(HostListing::default())).collect();
        listings[0] = Some(listing(first));
        listings[1] = Some(HostListing { default_output: None, ..listing(second) });
        compose(Choice::Named, listings, Some(Ok(Vec::new())))
    }

    fn speaker(query: &str) -> std::result::Result<String, ErrorKind> {
        devices().find_speaker(query).map(|card| card.name.clone()).map_err(|error| error.kind())
    }

    #[test]
    fn a_card_is_found_by_id_then_part_of_its_name_then_letters_in_order() {
        let id = devices().find_speaker("Built-in").expect("it is there").id.clone();
        assert_eq!(speaker(&id).as_deref(), Ok("Built-in"));
        assert_eq!(speaker("2I2").as_deref(), Ok("Focusrite Scarlett 2i2"), "in any case, by the first host API");
        assert_eq!(speaker("FS2i2").as_deref(), Ok("Focusrite Scarlett 2i2"));
        assert_eq!(speaker("fs18").as_deref(), Ok("Focusrite Scarlett 18i20"));
        assert_eq!(speaker("2i2, direct").as_deref(), Ok("Scarlett 2i2, direct"));
        assert_eq!(speaker("ÜNÏ").as_deref(), Ok("Ünïcödé"));
        assert_eq!(speaker("twin").as_deref(), Ok("Twin"), "the whole name");
        assert_eq!(speaker("").as_deref(), Ok("Built-in"), "the default one");
    }

    #[test]
    fn what_fits_several_or_none_is_refused() {
        assert_eq!(speaker("zzz"), Err(ErrorKind::NoSuchDevice));
        assert_eq!(speaker("cS2"), Err(ErrorKind::NoSuchDevice), "letters begin where the name does");
        assert_eq!(speaker("Monitor"), Err(ErrorKind::NoSuchDevice), "it only hears");
        for query in ["Scarlett", "FS2"] {
            let devices = devices();
            let error = devices.find_speaker(query).expect_err("two fit");
            assert_eq!(error.kind(), ErrorKind::AmbiguousDevice, "{query}");
            assert!(error.message().contains("Scarlett 2i2, ") && error.message().contains("18i20"), "{error}");
        }
    }

    #[test]
    fn letters_that_mean_something_in_patterns_are_letters() {
        assert_eq!(speaker("[a+b]").as_deref(), Ok("Twins (left [a+b])"));
        for query in ["[", "(", "T.*", "\\", "?", "^", "$", "*"] {
            let found = speaker(query);
            assert!(
                matches!(&found, Ok(name) if name.contains(query)) || found == Err(ErrorKind::NoSuchDevice),
                "{query}"
            );
        }
    }

    #[test]
    fn what_hears_an_output_is_found_only_where_it_is_wanted() {
        let devices = devices();
        let names = |loopback| devices.microphones(loopback).map(|card| card.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names(false), ["Focusrite Scarlett 18i20", "Built-in", "Ünïcödé"]);
        assert_eq!(names(true)[2], "Monitor of Built-in");
        assert_eq!(devices.find_microphone("monitor", true).expect("it is wanted").max_input_channels, 2);
        assert_eq!(devices.find_microphone("monitor", false).expect_err("it is not").kind(), ErrorKind::NoSuchDevice);
        assert_eq!(devices.find_microphone("Built-in", false).expect("one is left").name, "Built-in");
        assert_eq!(devices.speakers().count(), 8);
    }
}
