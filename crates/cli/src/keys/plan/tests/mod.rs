//! The rules one by one. `simulation` has them together, over years.

mod revoke;

use sealed_session::Key;

use super::{
    Act, DAY, Directory, HOUR, MINUTE, Plan, Present, SECOND, Verdict, removable_at, rotate,
    verdict,
};
use crate::keys::settings::{Longest, Settings};
use crate::keys::state::State;

/// 2026-11-21T12:00:00Z.
const NOW: u64 = 1_795_262_400_000;

fn key(number: u8, from: u64) -> Present {
    let id = Key::from_bytes([number; 32]).unwrap().id();
    Present { name: format!("{from}.key"), id, from, changed: Some(from) }
}

/// Keys at these times, which are given in any order.
fn directory(times: &[u64]) -> Directory {
    let mut keys: Vec<_> = times.iter().zip(1..).map(|(from, number)| key(number, *from)).collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.from));
    Directory { keys, ..Directory::default() }
}

fn every_90_days() -> Settings {
    Settings { every: Some(90 * DAY), longest: Longest::Of(30 * DAY), ..Settings::default() }
}

/// From when the key seals that a first run adds.
#[track_caller]
fn added(times: &[u64], settings: &Settings, now: u64) -> Option<u64> {
    match rotate(&directory(times), settings, None, now).unwrap().act {
        Act::Add { from } => Some(from),
        Act::Sweep(_) => None,
    }
}

fn refused(times: &[u64], settings: &Settings, past: Option<&State>, now: u64) -> &'static str {
    rotate(&directory(times), settings, past, now).map_or_else(|refusal| refusal.name(), |_| "")
}

/// The state after a run that was not refused.
fn state_at(times: &[u64], settings: &Settings, now: u64) -> State {
    rotate(&directory(times), settings, None, now).unwrap().state
}

#[test]
fn an_empty_directory_gets_a_key_dated_now() {
    for settings in [every_90_days(), Settings::default()] {
        assert_eq!(added(&[], &settings, NOW + 999), Some(NOW));
    }
}

#[test]
fn a_key_that_waits_is_enough() {
    assert_eq!(added(&[NOW + 3 * DAY, NOW - DAY], &every_90_days(), NOW), None);
    assert_eq!(added(&[NOW + 3 * DAY, NOW - DAY], &Settings::default(), NOW), None);
}

#[test]
fn a_key_is_added_a_week_before_it_is_due() {
    let settings = every_90_days();
    let due = NOW + 83 * DAY;
    assert_eq!(added(&[NOW], &settings, due - 1), None);
    assert_eq!(added(&[NOW], &settings, due), Some(NOW + 90 * DAY));
    assert_eq!(added(&[NOW], &settings, due - HOUR), None);
}

#[test]
fn a_late_run_gives_servers_the_same_time_and_rounds_up_to_the_hour() {
    let settings = every_90_days();
    let late = NOW + 300 * DAY;
    assert_eq!(added(&[NOW], &settings, late), Some(late + 7 * DAY));
    assert_eq!(added(&[NOW], &settings, late + 1), Some(late + 7 * DAY + HOUR));
}

#[test]
fn keys_that_follow_each_other_in_seconds_are_not_rounded_to_the_hour() {
    let settings =
        Settings { every: Some(4 * SECOND), after: 3 * SECOND, settle: 500, ..Settings::default() };
    assert_eq!(added(&[NOW], &settings, NOW + SECOND), Some(NOW + 4 * SECOND));
    assert_eq!(added(&[NOW], &settings, NOW + 2 * SECOND + 1), Some(NOW + 6 * SECOND));
    let settings = Settings { every: Some(DAY), after: 2 * HOUR, ..Settings::default() };
    assert_eq!(added(&[NOW], &settings, NOW + 23 * HOUR + 1), Some(NOW + 25 * HOUR + MINUTE));
}

#[test]
fn without_every_each_run_adds_a_key_unless_one_waits() {
    let settings = Settings::default();
    assert_eq!(added(&[NOW], &settings, NOW), Some(NOW + 7 * DAY));
}

#[test]
fn a_revoked_key_takes_no_name_and_counts_for_nothing() {
    let mut there = directory(&[]);
    there.revoked = vec![key(9, NOW), key(8, NOW + SECOND)];
    there.tombstones = vec![there.revoked[0].id, there.revoked[1].id];
    let before = Directory { keys: there.revoked.clone(), ..Directory::default() };
    let past = rotate(&before, &every_90_days(), None, NOW - HOUR).unwrap().state;
    let plan = rotate(&there, &every_90_days(), Some(&past), NOW).unwrap();
    assert_eq!(plan.act, Act::Add { from: NOW + 2 * SECOND });
}

#[test]
fn a_key_too_far_ahead_is_refused() {
    let bound = NOW + 7 * DAY + 90 * DAY;
    assert_eq!(refused(&[NOW, bound], &every_90_days(), None, NOW), "");
    assert_eq!(refused(&[NOW, bound + 1], &every_90_days(), None, NOW), "key-too-far-ahead");
    assert_eq!(refused(&[NOW, bound + 1], &Settings::default(), None, NOW), "key-too-far-ahead");
}

#[test]
fn a_clock_that_jumped_is_refused_until_a_person_accepts_it() {
    let settings = every_90_days();
    let past = state_at(&[NOW], &settings, NOW);
    let at = |now| refused(&[NOW], &settings, Some(&past), now);
    assert_eq!(at(NOW - settings.settle), "");
    assert_eq!(at(NOW - settings.settle - 1), "clock-before-last-run");
    assert_eq!(at(NOW + 7 * DAY), "");
    assert_eq!(at(NOW + 7 * DAY + 1), "long-after-last-run");
    let accepting = Settings { accept_clock: true, ..settings };
    for now in [NOW - 365 * DAY, NOW + 365 * DAY] {
        // A key of the year before is too far ahead: that is another refusal.
        let times = [now - DAY];
        let plan = rotate(&directory(&times), &accepting, Some(&past), now).unwrap();
        assert_eq!(plan.state.last_run, now);
    }
}

#[test]
fn the_stamp_of_the_last_run_does_not_go_back_by_itself() {
    let settings = every_90_days();
    let past = state_at(&[NOW], &settings, NOW);
    let now = NOW - settings.settle;
    let Plan { state, .. } = rotate(&directory(&[NOW]), &settings, Some(&past), now).unwrap();
    assert_eq!(state.last_run, NOW);
}

#[test]
fn a_directory_that_lost_its_keys_is_refused() {
    let settings = every_90_days();
    let past = state_at(&[NOW], &settings, NOW);
    assert_eq!(refused(&[], &settings, Some(&past), NOW), "keys-vanished");
    let forced = Settings { force: true, ..settings.clone() };
    assert_eq!(refused(&[], &forced, Some(&past), NOW), "");
    // A tombstone of another key excuses nothing; one of each key does.
    let revoked = |id| Directory { tombstones: vec![id], ..Directory::default() };
    let own = directory(&[NOW]).keys[0].id;
    let other = directory(&[NOW, NOW - DAY]).keys[1].id;
    let name =
        |there: &Directory| rotate(there, &settings, Some(&past), NOW).err().map(|r| r.name());
    assert_eq!(name(&revoked(other)), Some("keys-vanished"));
    assert_eq!(name(&revoked(own)), None);
}

/// Runs daily from a time on; when each run removes what. The clock of file times stands still.
fn removals(
    mut there: Directory,
    settings: &Settings,
    from: u64,
    days: u64,
) -> Vec<(u64, Vec<u64>)> {
    let mut past: Option<State> = None;
    let mut removals = Vec::new();
    for now in (0..days).map(|day| from + day * DAY) {
        let plan = rotate(&there, settings, past.as_ref(), now).unwrap();
        match &plan.act {
            Act::Add { from } => there.keys.insert(0, key(0x80 | removals.len() as u8, *from)),
            Act::Sweep(sweep) => {
                let gone: Vec<_> = sweep.remove.iter().map(|leaving| leaving.key.from).collect();
                there.keys.retain(|key| !gone.contains(&key.from));
                if !gone.is_empty() {
                    removals.push((now, gone));
                }
            }
        }
        past = Some(plan.state);
    }
    removals
}

#[test]
fn an_old_key_is_marked_first_and_goes_a_day_later() {
    let settings = every_90_days();
    let there = directory(&[NOW, NOW - 90 * DAY]);
    let state = state_at(&[NOW, NOW - 90 * DAY], &settings, NOW);
    let removable = removable_at(&there, 1, &settings, &state).unwrap();
    assert_eq!(removable, NOW + settings.settle + 30 * DAY + settings.stale);
    // 38 days are the first over 37 days and five minutes. That run marks it.
    assert_eq!(removals(there, &settings, NOW, 60), [(NOW + 39 * DAY, vec![NOW - 90 * DAY])]);
}

#[test]
fn nothing_goes_without_longest() {
    let longest = |longest| Settings { longest, ..every_90_days() };
    for settings in [longest(Longest::Unknown), longest(Longest::Endless)] {
        let there = directory(&[NOW, NOW - 90 * DAY]);
        assert_eq!(removals(there, &settings, NOW, 80), []);
    }
}

#[test]
fn a_longer_setting_of_before_still_counts() {
    let mut settings = every_90_days();
    let there = directory(&[NOW, NOW - 90 * DAY]);
    settings.longest = Longest::Of(60 * DAY);
    let past = rotate(&there, &settings, None, NOW - DAY).unwrap().state;
    settings.longest = Longest::Of(DAY);
    // Servers may have had it until the first run that sees another, whose clock may be wrong.
    let past = rotate(&there, &settings, Some(&past), NOW - HOUR).unwrap().state;
    let past = rotate(&there, &settings, Some(&past), NOW).unwrap().state;
    let removable = removable_at(&there, 1, &settings, &past).unwrap();
    assert_eq!(removable, NOW + settings.settle + 60 * DAY + settings.stale);
    // It does not for a key that begins to seal later.
    let there = directory(&[NOW + 90 * DAY, NOW]);
    let removable = removable_at(&there, 1, &settings, &past).unwrap();
    assert_eq!(removable, NOW + 90 * DAY + settings.settle + 60 * DAY + settings.stale);
    let there = directory(&[NOW + 90 * DAY, NOW + 1]);
    let removable = removable_at(&there, 1, &settings, &past).unwrap();
    assert_eq!(removable, NOW + 90 * DAY + settings.settle + DAY + settings.stale);
}

#[test]
fn a_successor_counts_from_when_its_file_came() {
    let settings = every_90_days();
    let mut there = directory(&[NOW, NOW - 90 * DAY]);
    let state = state_at(&[], &settings, NOW);
    let late = NOW + 20 * DAY;
    there.keys[0].changed = Some(late);
    let removable = |there: &Directory, state: &State| removable_at(there, 1, &settings, state);
    let rest = settings.settle + 30 * DAY + settings.stale;
    assert_eq!(removable(&there, &state), Some(late + rest));
    there.keys[0].changed = None;
    assert_eq!(removable(&there, &state), None);
    // An earlier run saw it: a copy of the directory has newer times.
    let state = rotate(&there, &settings, None, NOW + DAY).unwrap().state;
    there.keys[0].changed = Some(late);
    assert_eq!(removable(&there, &state), Some(NOW + DAY + rest));
    // But not another file of that name.
    there.keys[0].id = key(77, 0).id;
    assert_eq!(removable(&there, &state), Some(late + rest));
}

/// The marks of a directory whose older key is removable, after another run with these settings.
fn marks_after(settings: &Settings, now: u64) -> Option<u64> {
    let there = directory(&[NOW - 60 * DAY, NOW - 150 * DAY]);
    let past = rotate(&there, &every_90_days(), None, NOW).unwrap().state;
    assert_eq!(past.removable_since(&there.keys[1]), Some(NOW));
    let state = rotate(&there, settings, Some(&past), now).unwrap().state;
    state.removable_since(&there.keys[1])
}

#[test]
fn a_mark_is_taken_back_from_a_key_that_is_needed_again() {
    let settings = every_90_days();
    assert_eq!(marks_after(&settings, NOW + HOUR), Some(NOW));
    let longer = Settings { longest: Longest::Of(60 * DAY), ..settings.clone() };
    assert_eq!(marks_after(&longer, NOW + HOUR), None);
    let unknown = Settings { longest: Longest::Unknown, ..settings };
    assert_eq!(marks_after(&unknown, NOW + HOUR), None);
}

#[test]
fn marks_of_a_clock_that_was_perhaps_wrong_count_for_nothing() {
    let accepting = Settings { accept_clock: true, ..every_90_days() };
    let now = NOW + 10 * DAY;
    assert_eq!(marks_after(&accepting, now), Some(now));
    // The clock was right all the time.
    assert_eq!(marks_after(&accepting, NOW + HOUR), Some(NOW));
}

#[test]
fn a_clock_that_is_behind_does_not_make_a_file_older() {
    let settings = every_90_days();
    let mut there = directory(&[NOW - 2 * DAY, NOW - 90 * DAY]);
    there.keys[0].changed = Some(NOW);
    let state = rotate(&there, &settings, None, NOW - DAY).unwrap().state;
    assert_eq!(state.there_since(&there.keys[0]), Some(NOW));
}

#[test]
fn the_file_of_a_revoked_key_goes_after_a_day_and_the_key_that_seals_stays() {
    let settings = every_90_days();
    let mut there = directory(&[NOW]);
    there.revoked = vec![key(9, NOW - DAY)];
    there.tombstones = vec![there.revoked[0].id];
    let first = rotate(&there, &settings, None, NOW).unwrap();
    let Act::Sweep(sweep) = first.act else { panic!("it added a key") };
    assert!(sweep.remove.is_empty());
    assert_eq!(sweep.marked[0].at, NOW + DAY);
    let second = rotate(&there, &settings, Some(&first.state), NOW + DAY).unwrap();
    let Act::Sweep(sweep) = second.act else { panic!("it added a key") };
    assert_eq!(sweep.remove[0].key, there.revoked[0]);
    assert!(sweep.marked.is_empty());
}

#[test]
fn of_two_keys_added_at_once_the_later_goes() {
    let before = directory(&[NOW]);
    let (early, late) = (NOW + 7 * DAY, NOW + 8 * DAY);
    let both = directory(&[NOW, early, late]);
    let name = |from| format!("{from}.key");
    assert_eq!(verdict(&before, &both, &name(late), false), Verdict::Withdraw);
    assert_eq!(verdict(&before, &both, &name(early), false), Verdict::Wait);
    // The other run looked before the earlier key was there, and is done.
    assert_eq!(verdict(&before, &both, &name(early), true), Verdict::Withdraw);
    let one = directory(&[NOW, early]);
    assert_eq!(verdict(&before, &one, &name(early), true), Verdict::Keep);
    // In an empty directory both are dated now.
    assert_eq!(verdict(&directory(&[]), &one, &name(early), false), Verdict::Withdraw);
    assert_eq!(verdict(&directory(&[]), &one, &name(NOW), false), Verdict::Wait);
}
