//! The bytes of a mark, and the names of days: what `FORMAT.md` describes. It knows no connection.

use sealed_session::Tag;
use sealed_session::revocation::{Mark, ShortId, Target};

pub(crate) const DAY: u64 = 24 * 60 * 60;
/// The end of the year 9999. A mark is not kept for longer.
const LAST_SECOND: u64 = 253_402_300_799;
/// The highest number that the script computes with, and some room below it.
pub(crate) const HIGHEST: u64 = 9_007_199_254_000_000;

const SESSION: u8 = 1;
const TAG: u8 = 2;
/// Added to the kind of a mark that has a number of its own.
const NUMBERED: u8 = 0x10;

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(u64);

impl Day {
    /// The day on which a mark expires, and the second of that day.
    pub(crate) fn of(until: u64) -> (Self, u32) {
        let until = until.min(LAST_SECOND);
        let second = u32::try_from(until % DAY).expect("a day has fewer seconds than that");
        (Self(until / DAY), second)
    }

    /// When its stream expires, in seconds since the Unix epoch: a day after its end.
    pub(crate) fn expires_at(self) -> u64 {
        (self.0 + 2) * DAY
    }

    /// Such as `2030-01-31`.
    pub(crate) fn name(self) -> String {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `None` if it is not the name of a day.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let mut parts = name.splitn(3, '-').map(|part| part.parse::<u64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day)
        {
            return None;
        }
        // As above, days_from_civil.
        let year = year - u64::from(month <= 2);
        let (era, year_of_era) = (year / 400, year % 400);
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * shifted + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let found = Self((era * 146_097 + day_of_era).checked_sub(719_468)?);
        (found.name() == name).then_some(found)
    }
}

/// The bytes of a mark. Without a number it has that of its entry.
pub(crate) fn encode(target: &Target, number: Option<u64>, second: u32) -> Vec<u8> {
    let (kind, name) = match target {
        Target::Session(id) => (SESSION, id.to_bytes().to_vec()),
        Target::Tag(tag) => (TAG, tag.as_bytes().to_vec()),
    };
    let numbered = if number.is_some() { NUMBERED } else { 0 };
    let [_, high, middle, low] = second.to_be_bytes();
    let mut bytes = vec![kind | numbered, high, middle, low];
    bytes.extend(name);
    bytes.extend(number.iter().flat_map(|number| number.to_be_bytes()));
    bytes
}

/// The mark of an entry with this number on this day. `None` if this version does not know it.
pub(crate) fn decode(bytes: &[u8], day: Day, number: u64) -> Option<Mark> {
    let (&[kind, high, middle, low], rest) = bytes.split_first_chunk()?;
    let (target, rest) = match kind & !NUMBERED {
        SESSION => {
            let (id, rest) = rest.split_first_chunk()?;
            (Target::Session(ShortId::from_bytes(*id)), rest)
        }
        TAG => {
            let (tag, rest) = rest.split_first_chunk()?;
            (Target::Tag(Tag::from_bytes(*tag)), rest)
        }
        _ => return None,
    };
    let number = match kind & NUMBERED {
        0 if rest.is_empty() => number,
        NUMBERED => u64::from_be_bytes(rest.try_into().ok()?),
        _ => return None,
    };
    let second = u64::from(u32::from_be_bytes([0, high, middle, low]));
    if second >= DAY || number > HIGHEST {
        return None;
    }
    Some(Mark { target, number, until: day.0 * DAY + second })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let targets =
            [Target::Session(ShortId::from_bytes([7; 8])), Target::Tag(Tag::new("user", 7))];
        for target in targets {
            for number in [None, Some(12)] {
                let until = 1_800_000_123;
                let (day, second) = Day::of(until);
                let bytes = encode(&target, number, second);
                let mark = Mark { target, number: number.unwrap_or(99), until };
                assert_eq!(decode(&bytes, day, 99), Some(mark));
                for length in 0..bytes.len() {
                    assert_eq!(decode(&bytes[..length], day, 99), None);
                }
                assert_eq!(decode(&[bytes, vec![0]].concat(), day, 99), None);
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let id = Target::Session(ShortId::from_bytes([7; 8]));
        assert_eq!(encode(&id, None, 0x01_02_03), [1, 1, 2, 3, 7, 7, 7, 7, 7, 7, 7, 7]);
        let numbered = encode(&id, Some(5), 0);
        assert_eq!(numbered, [0x11, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 5]);
    }

    #[test]
    fn unknown_entries_are_no_marks() {
        let day = Day::of(1_800_000_000).0;
        assert_eq!(decode(&[3, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], day, 1), None);
        assert_eq!(decode(&[1, 255, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], day, 1), None);
        assert_eq!(decode(&[], day, 1), None);
    }

    #[test]
    fn each_day_has_one_name() {
        for (until, name) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_761_600, "2027-01-01"),
            (u64::MAX, "9999-12-31"),
        ] {
            assert_eq!(Day::of(until).0.name(), name);
        }
        for day in 0..80_000 {
            assert_eq!(Day::from_name(&Day(day).name()), Some(Day(day)));
        }
        for name in ["", "2027", "2027-13-01", "2027-02-29", "2027-1-1", "+2027-01-01", "x-y-z"] {
            assert_eq!(Day::from_name(name), None, "{name}");
        }
    }
}
