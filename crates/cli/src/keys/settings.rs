//! What a run is told: by its arguments, and by `rotation.json` in the directory, which a server prints.

use std::error::Error;

use serde::Deserialize;

use super::directory::KeysDir;
use super::plan::{DAY, HOUR, MINUTE, Refusal};
use crate::failure::Failure;

const FILE: &str = "rotation.json";

/// Longer durations are mistakes, and their sums would end in years that names cannot say.
const LONGEST_DURATION: u64 = 100 * 366 * DAY;

/// Durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// How long each key seals. Without it, each run adds a key unless one waits.
    pub(crate) every: Option<u64>,
    /// How long before it seals a key is added, at least.
    pub(crate) after: u64,
    pub(crate) longest: Longest,
    /// How long servers know a key before they seal with it.
    pub(crate) settle: u64,
    /// How long a server may be without the directory.
    pub(crate) stale: u64,
    /// How long after the last run a clock is still believed.
    pub(crate) max_gap: u64,
    /// How long a key is marked before it goes.
    pub(crate) sweep_after: u64,
    pub(crate) accept_clock: bool,
    pub(crate) force: bool,
}

/// How long a session lives without being sealed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Longest {
    /// Nobody said it, and there is no default: a guess would log people out.
    Unknown,
    /// A server says that its sessions have no end, as Node's without a time.
    Endless,
    Of(u64),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            every: None,
            after: 7 * DAY,
            longest: Longest::Unknown,
            settle: 5 * MINUTE,
            stale: 7 * DAY,
            max_gap: 7 * DAY,
            sweep_after: 24 * HOUR,
            accept_clock: false,
            force: false,
        }
    }
}

impl Settings {
    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let Self { after, settle, stale, max_gap, sweep_after, .. } = *self;
        let longest = match self.longest {
            Longest::Of(longest) => longest,
            Longest::Unknown | Longest::Endless => 0,
        };
        let every = self.every.unwrap_or(after);
        let all = [every, after, longest, settle, stale, max_gap, sweep_after];
        if all.into_iter().any(|duration| duration > LONGEST_DURATION) {
            return Err(Refusal::TooLong);
        }
        if every < after {
            return Err(Refusal::EveryTooShort { every, after });
        }
        if self.force {
            return Ok(());
        }
        if after < 2 * settle {
            return Err(Refusal::AfterTooShort { after, settle });
        }
        if sweep_after < 24 * HOUR {
            return Err(Refusal::SweepTooSoon { sweep_after });
        }
        Ok(())
    }
}

/// `rotation.json`: what the servers on the directory need. Seconds; other members are ignored.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct FromServer {
    /// `null` if their sessions have no end.
    #[serde(default, deserialize_with = "present")]
    longest: Option<Option<f64>>,
    settle: Option<f64>,
    stale: Option<f64>,
}

/// Tells `null` from what is not there.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl FromServer {
    /// What the directory says; nothing if it has no such file.
    pub(crate) fn read(directory: &KeysDir) -> Result<Self, Failure> {
        let wrong = |cause: Box<dyn Error>| {
            let path = directory.path().join(FILE);
            Failure::caused_by(format!("cannot use {}", path.display()), cause)
        };
        match directory.content(FILE).map_err(|error| wrong(error.into()))? {
            Some(text) => Self::parse(&text).map_err(|error| wrong(error.into())),
            None => Ok(Self::default()),
        }
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let parsed: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let all = [parsed.longest.flatten(), parsed.settle, parsed.stale];
        match all.into_iter().flatten().all(|seconds| seconds >= 0.0 && seconds.is_finite()) {
            true => Ok(parsed),
            false => Err("a duration is negative".to_owned()),
        }
    }

    /// With what the arguments say, and the defaults. Of two values the greater one rules: an argument
    /// cannot take from a server what that needs.
    pub(crate) fn settings(
        &self,
        longest: Option<u64>,
        settle: Option<u64>,
        stale: Option<u64>,
    ) -> Settings {
        let defaults = Settings::default();
        let settle = self.settle.map(millis).max(settle).unwrap_or(defaults.settle);
        let stale = self.stale.map(millis).max(stale).unwrap_or(defaults.stale);
        let longest = match self.longest {
            Some(None) => Longest::Endless,
            Some(Some(seconds)) => Longest::Of(millis(seconds).max(longest.unwrap_or(0))),
            None => longest.map_or(Longest::Unknown, Longest::Of),
        };
        Settings { longest, settle, stale, ..defaults }
    }
}

/// Rounded up; a number that is too large becomes the largest.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked by `parse`")]
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::{DAY, FromServer, Longest, Settings};
    use crate::keys::plan::{HOUR, Refusal};

    fn file(text: &str) -> FromServer {
        FromServer::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn of_argument_and_file_the_greater_rules() {
        let file = file(r#"{"longest": 86400, "settle": 0.5, "stale": 60, "later": []}"#);
        let settings = file.settings(None, None, None);
        assert_eq!(settings.longest, Longest::Of(DAY));
        assert_eq!((settings.settle, settings.stale), (500, 60_000));
        let settings = file.settings(Some(HOUR), Some(400), Some(61_000));
        assert_eq!(settings.longest, Longest::Of(DAY));
        assert_eq!((settings.settle, settings.stale), (500, 61_000));
    }

    #[test]
    fn how_long_sessions_live_has_no_default() {
        let longest = |text, argument| file(text).settings(argument, None, None).longest;
        assert_eq!(longest("{}", None), Longest::Unknown);
        assert_eq!(longest("{}", Some(DAY)), Longest::Of(DAY));
        // A server that says it cannot be known is believed.
        assert_eq!(longest(r#"{"longest": null}"#, Some(DAY)), Longest::Endless);
    }

    #[test]
    fn refuses_a_file_that_it_does_not_understand() {
        for text in ["", "[]", r#"{"longest": "30d"}"#, r#"{"settle": -1}"#] {
            assert!(FromServer::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn refuses_settings_that_cannot_be_meant() {
        let check = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().map_err(|refusal| refusal.name())
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|s| s.after = 2 * s.settle), Ok(()));
        assert_eq!(check(|s| s.after = 2 * s.settle - 1), Err("after-too-short"));
        assert_eq!(
            check(|s| {
                s.after = 0;
                s.force = true;
            }),
            Ok(())
        );
        assert_eq!(check(|s| s.every = Some(s.after - 1)), Err("every-too-short"));
        assert_eq!(check(|s| s.sweep_after = DAY - 1), Err("sweep-too-soon"));
        assert_eq!(check(|s| s.longest = Longest::Of(u64::MAX)), Err(Refusal::TooLong.name()));
    }
}
