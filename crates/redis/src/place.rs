//! `Place`: up to where the store was read, as the text of a `Position`.

use std::collections::BTreeMap;
use std::fmt;

use sealed_session::revocation::Position;

use crate::entry::Day;
use crate::error::RedisStoreError;

/// The id of an entry in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) number: u64,
    sequence: u64,
}

impl Id {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, sequence) = text.split_once('-')?;
        Some(Self { number: number.parse().ok()?, sequence: sequence.parse().ok()? })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.number, self.sequence)
    }
}

/// How far reading has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The end has not been reached yet.
    #[default]
    Reading,
    /// The end was reached by the last reading.
    AtEnd,
    /// The end was reached once, but not by the last reading.
    Behind,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) progress: Progress,
    /// Which history of writes the node had. It changes with a restart or another primary.
    pub(crate) history: String,
    /// What was in the key `epoch`. It changes when the store is emptied.
    pub(crate) epoch: String,
    /// The id in the stream `last`.
    pub(crate) last: Id,
    pub(crate) days: BTreeMap<Day, Id>,
}

impl Place {
    pub(crate) fn parse(position: &Position) -> Result<Self, RedisStoreError> {
        Self::parse_text(position.as_str()).ok_or_else(|| RedisStoreError::unexpected("a position"))
    }

    fn parse_text(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let progress = match parts.next()? {
            "reading" => Progress::Reading,
            "end" => Progress::AtEnd,
            "behind" => Progress::Behind,
            _ => return None,
        };
        let (history, epoch) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let last = Id::parse(parts.next()?)?;
        let day = |part: &str| {
            let (day, id) = part.split_once('=')?;
            Some((Day::from_name(day)?, Id::parse(id)?))
        };
        Some(Self { progress, history, epoch, last, days: parts.map(day).collect::<Option<_>>()? })
    }

    pub(crate) fn to_position(&self) -> Position {
        let progress = match self.progress {
            Progress::Reading => "reading",
            Progress::AtEnd => "end",
            Progress::Behind => "behind",
        };
        let mut text = format!("{progress} {} {} {}", self.history, self.epoch, self.last);
        for (day, id) in &self.days {
            text.push_str(&format!(" {}={id}", day.name()));
        }
        Position::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let (day, id) = (Day::of(1_800_000_000).0, Id { number: 7, sequence: 1 });
        let place = Place {
            progress: Progress::Behind,
            history: "abc".to_owned(),
            epoch: "1-2".to_owned(),
            last: id,
            days: BTreeMap::from([(day, id)]),
        };
        let position = place.to_position();
        assert_eq!(position.as_str(), "behind abc 1-2 7-1 2027-01-15=7-1");
        assert_eq!(Place::parse(&position).unwrap(), place);
        for text in ["", "end", "end a b", "end a b c", "end a b 1-1 x", "end a b 1-1 2027-1-1=1"] {
            assert!(Place::parse(&Position::new(text)).is_err(), "{text}");
        }
    }
}
