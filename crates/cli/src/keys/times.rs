//! Times and durations in milliseconds, as the commands read and write them.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use super::plan::{self, Millis};
use crate::time::{parse_duration, relative, rfc3339, utc};

/// A time in an answer: RFC 3339 in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Millis);

impl Time {
    /// `2026-11-21 12:00:00 UTC (in 3 days)`.
    pub(crate) fn seen_from(self, now: Millis) -> String {
        format!("{self} ({})", relative(system_time(self.0), system_time(now)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&utc(system_time(self.0)))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(system_time(self.0)))
    }
}

/// Milliseconds since the Unix epoch. A time before it counts as the epoch.
pub(crate) fn millis(time: SystemTime) -> Millis {
    millis_of(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn system_time(millis: Millis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// A duration in an argument, in milliseconds.
///
/// # Errors
///
/// A sentence for `clap` to show.
pub(crate) fn duration(text: &str) -> Result<u64, String> {
    parse_duration(text).map(millis_of)
}

/// A duration as it is given in an argument: `90d`, `5m`, `500ms`.
pub(crate) fn written(millis: u64) -> String {
    let units =
        [(plan::DAY, "d"), (plan::HOUR, "h"), (plan::MINUTE, "m"), (plan::SECOND, "s"), (1, "ms")];
    let fits = units.into_iter().find(|(unit, _)| millis != 0 && millis.is_multiple_of(*unit));
    fits.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", millis / unit))
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{duration, written};

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["90d", "36h", "5m", "90s", "500ms", "0s"] {
            assert_eq!(written(duration(text).unwrap()), text);
        }
        assert_eq!(written(duration("120m").unwrap()), "2h");
    }
}
