//! Human-readable times, in UTC and relative to now.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-03 14:05:09.327 UTC`; a time before 1970 counts as 1970.
pub(crate) fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03} UTC")
}

/// `3 minutes ago`, `in 23 hours`, `just now`.
pub(crate) fn relative(then: SystemTime, now: SystemTime) -> String {
    let (ahead, ago) = (then.duration_since(now), now.duration_since(then));
    match (ahead.map_or(0, |ahead| ahead.as_secs()), ago.map_or(0, |ago| ago.as_secs())) {
        (0, 0) => "just now".to_owned(),
        (ahead, 0) => format!("in {}", duration(ahead)),
        (_, ago) => format!("{} ago", duration(ago)),
    }
}

/// The duration, rounded, in the largest unit that fits at least twice.
pub(crate) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (length, unit) =
        UNITS.into_iter().find(|(length, _)| seconds >= 2 * length).unwrap_or((1, "second"));
    let count = (seconds + length / 2) / length;
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// Year, month and day of a day since 1970-01-01. Years are counted from March, so that the leap
/// day is the last of a year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let in_next_year = month >= 10;
    let month = if in_next_year { month - 9 } else { month + 3 };
    let year = 400 * era + year + u64::from(in_next_year);
    (year, month, day_of_month)
}
