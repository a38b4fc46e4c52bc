//! What the name of a file in a directory of keys says: from when a key seals, or which key is revoked.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::clock::unix_millis;
use crate::crypto::key_id::KeyId;

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key that seals from this time on.
    Key(SystemTime),
    /// The key with this id is revoked.
    Tombstone(KeyId),
    /// It was meant as one of the two, but its name does not say what it must.
    Misnamed,
    /// Nothing to do with keys: `..data`, `.nfs…`, `….tmp`.
    Other,
}

impl Kind {
    pub(super) fn of(name: &str) -> Self {
        // A dot begins the name of what an editor, a file system or a mount keeps for itself.
        if name.starts_with('.') {
            Self::Other
        } else if name.ends_with(".key") {
            time_of(name).map_or(Self::Misnamed, Self::Key)
        } else if let Some(id) = name.strip_suffix(".revoked") {
            id.parse().map_or(Self::Misnamed, Self::Tombstone)
        } else {
            Self::Other
        }
    }
}

/// The name of a key that seals from this time on, to the second.
pub(super) fn name_at(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z.key");
    let seconds = (unix_millis(time) / 1000).min(LAST);
    OffsetDateTime::from_unix_timestamp(seconds as i64)
        .expect("a time from 1970 to 9999")
        .format(format)
        .expect("the format needs only a date and a time")
}

/// The time that such a name says. Exactly one name says a time.
pub(super) fn time_of(name: &str) -> Option<SystemTime> {
    let format = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z.key");
    let time = PrimitiveDateTime::parse(name, format).ok()?.assume_utc();
    let seconds = u64::try_from(time.unix_timestamp()).ok()?;
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    (name_at(time) == name).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_name_says_the_second_from_which_a_key_seals() {
        for (seconds, name) in [
            (0, "1970-01-01T00-00-00Z.key"),
            (951_782_399, "2000-02-28T23-59-59Z.key"),
            (951_782_400, "2000-02-29T00-00-00Z.key"),
            (1_795_262_400, "2026-11-21T12-00-00Z.key"),
            (4_294_967_296, "2106-02-07T06-28-16Z.key"),
            (LAST, "9999-12-31T23-59-59Z.key"),
        ] {
            assert_eq!(name_at(at(seconds)), name);
            assert_eq!(time_of(name), Some(at(seconds)), "{name}");
            assert_eq!(Kind::of(name), Kind::Key(at(seconds)));
        }
    }

    #[test]
    fn every_time_and_its_name_say_the_same() {
        let mut seconds = 0;
        while seconds < LAST {
            assert_eq!(time_of(&name_at(at(seconds))), Some(at(seconds)));
            seconds += 10_000_019;
        }
    }

    #[test]
    fn a_time_that_no_name_says_counts_as_the_nearest() {
        assert_eq!(name_at(at(LAST + 1)), name_at(at(LAST)));
        assert_eq!(name_at(UNIX_EPOCH - Duration::from_secs(1)), name_at(UNIX_EPOCH));
        assert_eq!(name_at(at(7) + Duration::from_millis(999)), name_at(at(7)));
    }

    #[test]
    fn a_key_whose_name_says_no_possible_time_is_misnamed() {
        for name in [
            "key",
            "2026-11-21",
            "2026-11-21T12-00-00",
            "2026-11-21T12-00Z",
            "2026-11-21t12-00-00Z",
            "2026-11-21T12-00-00z",
            "2026-11-21 12-00-00Z",
            "2026-11-21T12:00:00Z",
            "2026-11-21T12-00-00.5Z",
            "2026-11-21T12-00-00+01",
            "2026-11-21T24-00-00Z",
            "2026-11-21T12-60-00Z",
            "2016-12-31T23-59-60Z",
            "2026-02-29T12-00-00Z",
            "2026-13-01T12-00-00Z",
            "2026-00-01T12-00-00Z",
            "1969-12-31T23-59-59Z",
            "26-11-21T12-00-00Z",
            "+2026-11-21T12-00-00Z",
            "-2026-11-21T12-00-00Z",
            "+10000-01-01T00-00-00Z",
            "2026-1-21T12-00-00Z",
            " 2026-11-21T12-00-00Z",
            "2026-11-21T12-00-00Z (copy)",
            "",
        ] {
            let name = format!("{name}.key");
            assert_eq!(time_of(&name), None, "{name}");
            let kind = if name == ".key" { Kind::Other } else { Kind::Misnamed };
            assert_eq!(Kind::of(&name), kind, "{name}");
        }
    }

    #[test]
    fn anything_that_does_not_end_as_a_key_or_a_tombstone_is_ignored() {
        for name in [
            "..data",
            "..2026_11_21_12_00_00.123",
            ".nfs000000000012",
            ".nfs00000.key",
            ".2026-11-21T12-00-00Z.key",
            "2026-11-21T12-00-00Z.key.tmp",
            "2026-11-21T12-00-00Z.key~",
            "2026-11-21T12-00-00Z.KEY",
            "rotation.json",
            "README",
            "lost+found",
        ] {
            assert_eq!(Kind::of(name), Kind::Other, "{name}");
        }
    }

    #[test]
    fn a_tombstone_has_the_id_of_a_key() {
        let id = "4b596b61".parse().unwrap();
        assert_eq!(Kind::of("4b596b61.revoked"), Kind::Tombstone(id));
        assert_eq!(Kind::of("4B596B61.revoked"), Kind::Tombstone(id));
        for name in ["4b596b6.revoked", "2026-11-21T12-00-00Z.revoked", "key.revoked"] {
            assert_eq!(Kind::of(name), Kind::Misnamed, "{name}");
        }
        assert_eq!(Kind::of(".revoked"), Kind::Other);
    }
}
