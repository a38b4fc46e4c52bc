//! Times and durations as people write and read them. All are in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// For people.
const YEAR: u64 = 365 * DAY;

/// Seconds since the Unix epoch. A time before it counts as the epoch.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A time for people: `2026-11-21 12:00:00 UTC`.
pub(crate) fn utc(time: SystemTime) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::of(unix_seconds(time));
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A time for programs (RFC 3339): `2026-11-21T12:00:00Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::of(unix_seconds(time));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// How far a time is from now: `in 3 hours`, `5 minutes ago`, `now`.
pub(crate) fn relative(time: SystemTime, now: SystemTime) -> String {
    match (time.duration_since(now), now.duration_since(time)) {
        (Ok(ahead), _) if ahead.as_secs() > 0 => format!("in {}", rounded(ahead)),
        (_, Ok(past)) if past.as_secs() > 0 => format!("{} ago", rounded(past)),
        _ => "now".to_owned(),
    }
}

/// A duration in its largest unit, rounded down: `3 hours`, `1 day`. Two units while the first is small:
/// `1 day 20 hours`.
pub(crate) fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(YEAR, "year"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")];
    let place = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(units.len() - 1);
    let (unit, name) = units[place];
    let count = seconds / unit;
    let first = counted(count, name);
    match units.get(place + 1) {
        Some((smaller, name)) if count < 3 && seconds % unit >= *smaller => {
            format!("{first} {}", counted(seconds % unit / smaller, name))
        }
        _ => first,
    }
}

/// `1 key`, `2 keys`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A duration as an argument: `90d`, `36h`, `5m`, `30s`, `500ms`, or several parts: `1d12h`.
///
/// # Errors
///
/// A sentence for `clap` to show.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as 90d, 36h, 5m or 30s");
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let millis = match &rest[..letters] {
            "d" => DAY * 1000,
            "h" => HOUR * 1000,
            "m" | "min" => MINUTE * 1000,
            "s" => 1000,
            "ms" => 1,
            _ => return Err(wrong()),
        };
        rest = &rest[letters..];
        let part = count.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// A time as an argument: `2026-11-21T12:00:00Z`, also with a space or without seconds, the day alone,
/// or seconds since the Unix epoch.
///
/// # Errors
///
/// A sentence for `clap` to show.
pub(crate) fn parse_time(text: &str) -> Result<SystemTime, String> {
    let wrong = || {
        format!(
            "`{text}` is not a time in UTC such as 2026-11-21T12:00:00Z, nor seconds since 1970"
        )
    };
    // The last second of the year 9999.
    let latest = 253_402_300_799;
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => Civil::parse(text).and_then(|civil| civil.unix_seconds()).ok_or_else(wrong)?,
    };
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    time.filter(|_| seconds <= latest).ok_or_else(wrong)
}

/// A date and a time of day, in the Gregorian calendar and UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Civil {
    /// Howard Hinnant's `civil_from_days` (chrono-Compatible Low-Level Date Algorithms), for days that
    /// are not before 1970. A year begins with March here, so that a leap day is its last day.
    fn of(unix_seconds: u64) -> Self {
        let days = unix_seconds / DAY + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let of_day = unix_seconds % DAY;
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            hour: of_day / HOUR,
            minute: of_day % HOUR / MINUTE,
            second: of_day % MINUTE,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches(" UTC").trim_end_matches(['Z', 'z']);
        let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00"));
        let number = |text: &str, len: usize| {
            let fits = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| text.parse::<u64>().ok()).flatten()
        };
        let mut date = date.split('-');
        let mut time = time.split(':');
        let civil = Self {
            year: number(date.next()?, 4)?,
            month: number(date.next()?, 2)?,
            day: number(date.next()?, 2)?,
            hour: number(time.next()?, 2)?,
            minute: number(time.next()?, 2)?,
            // Fractions are dropped.
            second: time.next().map_or(Some(0), |second| number(second.split('.').next()?, 2))?,
        };
        let over = date.next().is_some() || time.next().is_some();
        let of_day = civil.hour < 24 && civil.minute < 60 && civil.second < 60;
        (!over && of_day).then_some(civil)
    }

    /// `None` for a day that the calendar does not have, and before 1970.
    fn unix_seconds(&self) -> Option<u64> {
        if !(1..=12).contains(&self.month) || self.year < 1970 {
            return None;
        }
        // Howard Hinnant's `days_from_civil`.
        let year = self.year - u64::from(self.month <= 2);
        let from_march = (self.month + 9) % 12;
        let day_of_year = (153 * from_march + 2) / 5 + self.day.checked_sub(1)?;
        let year_of_era = year % 400;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = (year / 400 * 146_097 + day_of_era).checked_sub(719_468)?;
        let seconds = days * DAY + self.hour * HOUR + self.minute * MINUTE + self.second;
        // 31 April would be 1 May.
        (Self::of(seconds) == *self).then_some(seconds)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{parse_duration, parse_time, relative, rfc3339, rounded, utc};

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn writes_times_as_the_calendar_has_them() {
        // `date -u -d @…`
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_003_601, "2023-11-14T23:13:21Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(at(seconds)), text);
            assert_eq!(parse_time(text), Ok(at(seconds)));
            assert_eq!(parse_time(&utc(at(seconds))), Ok(at(seconds)));
        }
        assert_eq!(utc(at(1_700_003_601)), "2023-11-14 23:13:21 UTC");
    }

    #[test]
    fn reads_back_every_day_that_it_writes() {
        for day in 0..200_000 {
            let time = at(day * 86_400 + 12_345);
            assert_eq!(parse_time(&rfc3339(time)), Ok(time));
        }
    }

    #[test]
    fn reads_shorter_forms_and_refuses_what_is_no_time() {
        assert_eq!(parse_time("1700003601"), Ok(at(1_700_003_601)));
        assert_eq!(parse_time("2023-11-14"), parse_time("2023-11-14T00:00:00Z"));
        assert_eq!(parse_time("2023-11-14 23:13"), parse_time("2023-11-14T23:13:00Z"));
        for text in [
            "",
            "yesterday",
            "2023-02-29",
            "2023-04-31",
            "2023-13-01",
            "2023-00-01",
            "2023-01-00",
            "1969-12-31",
            "2023-1-1",
            "2023-01-01T24:00",
            "2023-01-01T10:00:00+01:00",
            "-1",
            "2023-01-01-01",
            "2023-01-01T10:00:00:00",
            "999999999999999",
        ] {
            assert!(parse_time(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        let seconds = Duration::from_secs;
        assert_eq!(parse_duration("90d"), Ok(seconds(90 * 86_400)));
        assert_eq!(parse_duration("1d12h"), Ok(seconds(36 * 3_600)));
        assert_eq!(parse_duration("5m"), Ok(seconds(300)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "d", "5", "5x", "5 m", "-5m", "99999999999999999999d", "999999999999999d"]
        {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        for (count, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (61, "1 minute 1 second"),
            (3 * 60 + 59, "3 minutes"),
            (44 * 3_600, "1 day 20 hours"),
            (86_400 + 59, "1 day"),
            (30 * 86_400, "30 days"),
            (365 * 86_400, "1 year"),
            (1_111 * 86_400, "3 years"),
        ] {
            assert_eq!(rounded(seconds(count)), text);
        }
    }

    #[test]
    fn says_how_far_a_time_is() {
        let now = at(1_000_000);
        assert_eq!(relative(at(1_010_800), now), "in 3 hours");
        assert_eq!(relative(at(999_700), now), "5 minutes ago");
        assert_eq!(relative(now, now), "now");
    }
}
