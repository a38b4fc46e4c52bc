//! What is wrong with a directory of keys, or will be. Pure.

use serde::Serialize;

use crate::keys::plan::{self, DAY, Directory, Present};
use crate::keys::settings::{Longest, Settings};
use crate::keys::state::State;
use crate::keys::times::{Time, written};

/// How long keys usually seal, where no run has said it.
const USUAL: u64 = 90 * DAY;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Worth knowing.
    Note,
    /// Somebody should look.
    Warning,
    /// People are logged out, or will be when a server starts.
    Critical,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// For programs.
    pub(crate) name: &'static str,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(level: Level, name: &'static str, message: impl Into<String>) -> Self {
        Self { level, name, message: message.into() }
    }
}

/// What the findings are taken from.
pub(crate) struct Seen<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) settings: &'a Settings,
    pub(crate) state: Option<&'a State>,
    pub(crate) now: u64,
}

/// The findings, the worst first.
pub(crate) fn findings(seen: &Seen<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(which_seals(seen));
    findings.extend(clock(seen));
    findings.extend(next_key(seen));
    findings.extend(overdue(seen));
    for file in &seen.directory.revoked {
        findings.push(Finding::new(
            Level::Warning,
            "revoked-file",
            format!("{} is revoked ({}), and its file is still there", file.name, file.id),
        ));
    }
    findings.extend(kept(seen));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

fn which_seals(seen: &Seen<'_>) -> Option<Finding> {
    let keys = &seen.directory.keys;
    let Some(earliest) = keys.last() else {
        let revoked = &seen.directory.tombstones;
        let text = match seen.state.is_some_and(|state| state.knew_other_keys_than(revoked)) {
            true => "there is no key any more: is the directory mounted, or is there a backup?",
            false => "there is no key; `sealed-session keys rotate` makes the first one",
        };
        return Some(Finding::new(Level::Critical, "no-keys", text));
    };
    plan::newest_come(keys, seen.now).is_none().then(|| {
        Finding::new(
            Level::Critical,
            "no-key-seals",
            format!(
                "no key's time has come; {} seals although it is dated {}",
                earliest.name,
                Time(earliest.from)
            ),
        )
    })
}

fn clock(seen: &Seen<'_>) -> Option<Finding> {
    let soon = seen.now.saturating_add(seen.settings.settle);
    let last_run = seen.state.map_or(0, |state| state.last_run);
    if last_run > soon {
        return Some(Finding::new(
            Level::Warning,
            "clock",
            format!(
                "the last rotation was at {} by its clock: one of the two is wrong",
                Time(last_run)
            ),
        ));
    }
    let changed = |file: &&Present| file.changed.is_some_and(|changed| changed > soon);
    seen.directory.keys.iter().find(changed).map(|file| {
        Finding::new(
            Level::Warning,
            "clock",
            format!(
                "{} was changed in the future: this machine's clock is wrong, or was",
                file.name
            ),
        )
    })
}

fn next_key(seen: &Seen<'_>) -> Option<Finding> {
    let Seen { directory, settings, state, now } = *seen;
    let keys = &directory.keys;
    let newest = keys.first().filter(|newest| newest.from > now)?;
    let every = state.and_then(|state| state.every).unwrap_or(USUAL).max(USUAL);
    let after = state.map_or(settings.after, |state| state.after.max(settings.after));
    if newest.from > now.saturating_add(after).saturating_add(every) {
        return Some(Finding::new(
            Level::Warning,
            "key-too-far-ahead",
            format!(
                "{} is further ahead than a rotation dates a key; nothing seals with it yet: `sealed-session \
                 keys revoke DIR {}`",
                newest.name, newest.id
            ),
        ));
    }
    // The one that seals next.
    let waiting = plan::newest_come(keys, now)?.checked_sub(1)?;
    let next = &keys[waiting];
    let there = state.map_or(next.changed, |state| state.there_since(next)).unwrap_or(now);
    let known = next.from.saturating_sub(there);
    (known < settings.settle).then(|| {
        Finding::new(
            Level::Warning,
            "next-key-too-near",
            format!(
                "{} came too late: servers must know a key for {} before they seal with it, and it seals from \
                 {}",
                next.name,
                written(settings.settle),
                Time(next.from)
            ),
        )
    })
}

fn overdue(seen: &Seen<'_>) -> Option<Finding> {
    let Seen { directory, settings, state, now } = *seen;
    let newest = directory.keys.first()?;
    let waits = newest.from > now;
    let warning = |name, message: String| Some(Finding::new(Level::Warning, name, message));
    let Some(state) = state else {
        return match waits {
            true => None,
            false => warning(
                "no-next-key",
                "no key waits, and `sealed-session keys rotate` has never run here".to_owned(),
            ),
        };
    };
    if now > state.last_run.saturating_add(settings.max_gap) {
        let message = format!("the last run of `keys rotate` was at {}", Time(state.last_run));
        return warning("rotation-overdue", message);
    }
    if waits {
        return None;
    }
    let Some(every) = state.every else {
        let message = "no key waits; the last run of `keys rotate` had no --every";
        return Some(Finding::new(Level::Note, "no-next-key", message));
    };
    let due = plan::next_due(newest, every, state.after);
    // A daily run is never that late.
    let late = due.saturating_add(state.after / 2);
    match now > late {
        true => warning("no-next-key", format!("no key waits; one was due at {}", Time(due))),
        false => None,
    }
}

fn kept(seen: &Seen<'_>) -> Option<Finding> {
    let come = plan::newest_come(&seen.directory.keys, seen.now)?;
    let message = match seen.settings.longest {
        Longest::Of(_) => return None,
        Longest::Unknown => "nothing says how long sessions live, so that no key is ever removed",
        Longest::Endless => {
            "rotation.json says that sessions have no end, so that no key is ever removed"
        }
    };
    let has_old = come + 1 < seen.directory.keys.len();
    has_old.then(|| Finding::new(Level::Note, "nothing-is-removed", message))
}

#[cfg(test)]
mod tests {
    use sealed_session::Key;

    use super::{Level, Seen, findings};
    use crate::keys::plan::{self, DAY, Directory, HOUR, MINUTE, Present};
    use crate::keys::settings::{Longest, Settings};
    use crate::keys::state::State;

    const NOW: u64 = 1_795_262_400_000;

    fn directory(times: &[u64]) -> Directory {
        let key = |(from, number): (&u64, u8)| {
            let id = Key::from_bytes([number; 32]).unwrap().id();
            let changed = Some((*from).min(NOW - 10 * DAY));
            Present { name: format!("{from}.key"), id, from: *from, changed }
        };
        let mut keys: Vec<_> = times.iter().zip(1..).map(key).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.from));
        Directory { keys, ..Directory::default() }
    }

    fn settings() -> Settings {
        Settings { every: Some(90 * DAY), longest: Longest::Of(DAY), ..Settings::default() }
    }

    fn state(directory: &Directory, now: u64) -> State {
        plan::rotate(directory, &settings(), None, now).unwrap().state
    }

    fn found(directory: &Directory, state: Option<&State>) -> Vec<(Level, &'static str)> {
        let seen = Seen { directory, settings: &settings(), state, now: NOW };
        findings(&seen).into_iter().map(|finding| (finding.level, finding.name)).collect()
    }

    #[test]
    fn a_directory_that_is_rotated_daily_is_fine() {
        for times in [
            vec![NOW - 80 * DAY, NOW - 170 * DAY],
            vec![NOW + 5 * DAY, NOW - 85 * DAY],
            vec![NOW - 83 * DAY - HOUR],
        ] {
            let directory = directory(&times);
            assert_eq!(found(&directory, Some(&state(&directory, NOW - DAY))), [], "{times:?}");
        }
    }

    #[test]
    fn a_key_that_is_missing_is_found() {
        assert_eq!(found(&directory(&[]), None), [(Level::Critical, "no-keys")]);
        let ahead = directory(&[NOW + DAY]);
        assert_eq!(found(&ahead, None), [(Level::Critical, "no-key-seals")]);
        let never = directory(&[NOW - DAY]);
        assert_eq!(found(&never, None), [(Level::Warning, "no-next-key")]);
        let late = directory(&[NOW - 88 * DAY]);
        let state = state(&late, NOW - DAY);
        assert_eq!(found(&late, Some(&state)), [(Level::Warning, "no-next-key")]);
    }

    #[test]
    fn a_rotation_that_stopped_is_found() {
        let directory = directory(&[NOW - 20 * DAY]);
        let state = state(&directory, NOW - 8 * DAY);
        assert_eq!(found(&directory, Some(&state)), [(Level::Warning, "rotation-overdue")]);
    }

    #[test]
    fn a_clock_that_is_wrong_is_found() {
        let mut directory = directory(&[NOW - DAY]);
        let ahead = state(&directory, NOW + HOUR);
        assert_eq!(found(&directory, Some(&ahead)), [(Level::Warning, "clock")]);
        let state = state(&directory, NOW - DAY);
        directory.keys[0].changed = Some(NOW + HOUR);
        assert_eq!(found(&directory, Some(&state)), [(Level::Warning, "clock")]);
    }

    #[test]
    fn a_next_key_that_servers_will_not_know_in_time_is_found() {
        let mut directory = directory(&[NOW + 2 * MINUTE, NOW - 88 * DAY]);
        directory.keys[0].changed = Some(NOW - MINUTE);
        let state = state(&directory, NOW - DAY);
        assert_eq!(found(&directory, Some(&state)), [(Level::Warning, "next-key-too-near")]);
        let far = self::directory(&[NOW + 400 * DAY, NOW - DAY]);
        assert_eq!(found(&far, Some(&state)), [(Level::Warning, "key-too-far-ahead")]);
    }

    #[test]
    fn a_revoked_key_whose_file_is_there_is_found() {
        let mut directory = directory(&[NOW - DAY, NOW - 2 * DAY]);
        let state = state(&directory, NOW - DAY);
        directory.revoked = directory.keys.split_off(1);
        assert_eq!(found(&directory, Some(&state)), [(Level::Warning, "revoked-file")]);
    }
}
