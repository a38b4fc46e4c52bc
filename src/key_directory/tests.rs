//! The rules, without files: which key seals, and which set may follow.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::files::{KeyFile, KeyFiles};
use super::in_force::{InForce, Waits};
use crate::crypto::key::Key;
use crate::crypto::key_id::KeyId;
use crate::error::KeyErrorKind;

const WAITS: Waits = Waits { settle: 300, stale: 7000 };

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

fn key(number: u8) -> Key {
    Key::from_bytes([number; 32]).unwrap()
}

fn id(number: u8) -> KeyId {
    key(number).id()
}

/// A key of this number, which seals from this time on and whose file changed at this one.
fn file(number: u8, from: u64, changed: impl Into<Option<u64>>) -> KeyFile {
    let name = KeyFile::name_at(at(from));
    let changed = changed.into().map(at);
    KeyFile::new(PathBuf::from(&name), name, at(from), key(number), changed, None)
}

fn files(keys: impl IntoIterator<Item = KeyFile>, revoked: &[u8]) -> KeyFiles {
    let tombstones: BTreeSet<_> = revoked.iter().map(|number| id(*number)).collect();
    KeyFiles::new("keys".into(), keys, tombstones)
}

fn start(keys: impl IntoIterator<Item = KeyFile>, now: u64) -> InForce {
    InForce::at_start(files(keys, &[]), now, WAITS).unwrap()
}

#[track_caller]
fn seals(set: &InForce, expected: &[(u64, u8)]) {
    for (now, number) in expected {
        assert_eq!(set.sealing(*now).id(), id(*number), "at {now}");
    }
}

#[test]
fn known_counts_at_a_start_from_the_time_of_the_file() {
    let set = start([file(2, 10_000, 9_900), file(1, 1000, 900)], 10_000);
    seals(&set, &[(10_000, 1), (10_199, 1), (10_200, 2)]);
}

#[test]
fn a_time_of_a_file_in_the_future_or_not_to_be_had_counts_as_now() {
    for changed in [Some(10_001), Some(u64::MAX / 2), None] {
        let set = start([file(2, 10_000, changed), file(1, 1000, 900)], 10_000);
        seals(&set, &[(10_000, 1), (10_299, 1), (10_300, 2)]);
    }
}

#[test]
fn known_counts_from_the_look_that_found_the_key() {
    let set = start([file(1, 1000, 900)], 5000);
    let found = files([file(2, 6000, 10), file(1, 1000, 900)], &[]);
    let set = set.followed_by(found, 6100, WAITS).unwrap();
    seals(&set, &[(6100, 1), (6399, 1), (6400, 2)]);
}

#[test]
fn a_key_that_gets_another_name_keeps_since_when_it_is_known() {
    let set = start([file(2, 90_000, 900), file(1, 1000, 900)], 5000);
    let renamed = files([file(2, 6000, 6000), file(1, 1000, 900)], &[]);
    let set = set.followed_by(renamed, 6000, WAITS).unwrap();
    seals(&set, &[(5999, 1), (6000, 2)]);
}

#[test]
fn a_key_that_was_gone_for_a_look_is_a_new_one() {
    let set = start([file(2, 6000, 900), file(1, 1000, 900)], 5000);
    let set = set.followed_by(files([file(1, 1000, 900)], &[]), 5100, WAITS).unwrap();
    let back = files([file(2, 6000, 900), file(1, 1000, 900)], &[]);
    let set = set.followed_by(back, 5900, WAITS).unwrap();
    seals(&set, &[(6000, 1), (6199, 1), (6200, 2)]);
}

#[test]
fn a_clock_that_was_ahead_when_a_key_was_found_does_not_make_it_wait() {
    let set = start([file(1, 1000, 900)], 5000);
    let found = || files([file(2, 6000, 10), file(1, 1000, 900)], &[]);
    let set = set.followed_by(found(), 5_000_000, WAITS).unwrap();
    let set = set.followed_by(found(), 6100, WAITS).unwrap();
    seals(&set, &[(6399, 1), (6400, 2)]);
}

#[test]
fn on_a_new_machine_a_key_whose_time_came_long_ago_is_known() {
    // The oldest may be about to be removed. It must not seal again.
    let keys = || [file(3, 90_000, None), file(2, 2000, None), file(1, 1000, None)];
    seals(&start(keys(), 9001), &[(9001, 1), (9299, 1), (9300, 2)]);
    seals(&start(keys(), 9300), &[(9300, 2)]);
    seals(&start(keys(), 50_000), &[(50_000, 2)]);
}

#[test]
fn without_a_settled_key_the_oldest_one_seals_whose_time_has_come() {
    let set = start([file(3, 9000, None), file(2, 8000, None), file(1, 7000, None)], 8500);
    seals(&set, &[(8500, 1), (8799, 1), (8800, 2)]);
}

#[test]
fn if_no_keys_time_has_come_the_earliest_seals() {
    let set = start([file(2, 9000, 900), file(1, 8000, 900)], 5000);
    seals(&set, &[(5000, 1), (8999, 1), (9000, 2)]);
    assert!(set.is_early(7999) && !set.is_early(8000));
}

#[test]
fn a_key_on_its_own_seals_at_once() {
    seals(&start([file(1, 9000, None)], 5000), &[(5000, 1), (9000, 1)]);
}

/// Keys without dates, in a file that changed at this time.
fn list(numbers: &[u8], changed: u64) -> KeyFiles {
    files(numbers.iter().map(|number| file(*number, 0, changed)), &[])
}

#[test]
fn a_key_without_a_date_seals_when_it_has_settled() {
    let set = InForce::at_start(list(&[2, 1], 900), 5000, WAITS).unwrap();
    seals(&set, &[(5000, 2)]);
    let set = set.followed_by(list(&[3, 2, 1], 6000), 6000, WAITS).unwrap();
    seals(&set, &[(6000, 2), (6299, 2), (6300, 3)]);
}

#[test]
fn at_a_start_only_the_first_key_without_a_date_can_be_new() {
    for now in [6000, 6299] {
        let set = InForce::at_start(list(&[3, 2, 1], 6000), now, WAITS).unwrap();
        seals(&set, &[(now, 2), (6299, 2), (6300, 3)]);
    }
}

#[track_caller]
fn is_gone(result: Result<InForce, KeyErrorKind>, number: u8) {
    match result {
        Err(KeyErrorKind::KeyGone { id: gone, .. }) if gone == id(number) => {}
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn a_set_without_the_key_that_seals_here_is_broken() {
    let set = start([file(3, 90_000, 900), file(2, 2000, 900), file(1, 1000, 900)], 5000);
    let without = |revoked: &[u8]| files([file(3, 90_000, 900), file(1, 1000, 900)], revoked);
    is_gone(set.followed_by(without(&[]), 5000, WAITS), 2);
    is_gone(set.followed_by(without(&[1]), 5000, WAITS), 2);
    let revoked = set.followed_by(without(&[2]), 5000, WAITS).unwrap();
    seals(&revoked, &[(5000, 1)]);
    // Another key under its name is not the key.
    let other = files([file(4, 2000, 900), file(1, 1000, 900)], &[]);
    is_gone(set.followed_by(other, 5000, WAITS), 2);
}

#[test]
fn a_set_without_a_key_that_others_may_seal_with_is_broken() {
    let keys = || [file(3, 6000, 900), file(2, 2000, 900), file(1, 1000, 900)];
    let set = start(keys(), 5000);
    let old = || files([file(2, 2000, 900), file(1, 1000, 900)], &[]);
    // In good time it may go.
    assert!(set.followed_by(old(), 5699, WAITS).is_ok());
    is_gone(set.followed_by(old(), 5700, WAITS), 3);
    // Its time has come, and it has not settled here.
    let set =
        start([file(2, 2000, 900)], 5900).followed_by(files(keys(), &[]), 6000, WAITS).unwrap();
    seals(&set, &[(6100, 2)]);
    is_gone(set.followed_by(old(), 6100, WAITS), 3);
}

#[test]
fn a_set_without_an_older_key_is_not_broken() {
    let set = start([file(2, 2000, 900), file(1, 1000, 900)], 5000);
    let set = set.followed_by(files([file(2, 2000, 900)], &[]), 5000, WAITS).unwrap();
    assert_eq!(set.keys().count(), 1);
}

#[test]
fn an_empty_set_is_broken() {
    let set = start([file(1, 1000, 900)], 5000);
    for (keys, tombstones, count) in
        [(vec![], &[][..], 0), (vec![], &[1][..], 0), (vec![file(1, 1000, 900)], &[1][..], 1)]
    {
        let empty = files(keys, tombstones);
        let error = set.followed_by(empty.clone(), 5000, WAITS).err();
        assert!(
            matches!(error, Some(KeyErrorKind::EmptyDirectory { revoked, .. }) if revoked == count)
        );
        assert!(InForce::at_start(empty, 5000, WAITS).is_err());
    }
}

#[test]
fn a_key_whose_id_has_a_tombstone_is_never_loaded_whatever_its_name() {
    let keys = || [file(2, 2000, 900), file(1, 1000, 900), file(3, 3000, 900)];
    let set = InForce::at_start(files(keys(), &[3, 9]), 5000, WAITS).unwrap();
    seals(&set, &[(5000, 2)]);
    assert_eq!(set.keys().count(), 2);
    let set = start(keys(), 5000).followed_by(files(keys(), &[3]), 5000, WAITS).unwrap();
    seals(&set, &[(5000, 2)]);
}

#[test]
fn settle_does_not_apply_where_the_key_it_would_wait_behind_is_revoked() {
    // A new key dated now is the only one.
    let set = start([file(1, 1000, 900)], 5000);
    let found = files([file(2, 5000, 5000), file(1, 1000, 900)], &[1]);
    seals(&set.followed_by(found, 5001, WAITS).unwrap(), &[(5001, 2)]);
    // A waiting key, which all know, takes over.
    let set = start([file(2, 90_000, 900), file(1, 1000, 900)], 5000);
    let found = files([file(2, 5000, 5000), file(1, 1000, 900)], &[1]);
    seals(&set.followed_by(found, 5001, WAITS).unwrap(), &[(5001, 2)]);
    // An older key, which all know, takes over until the new one has settled.
    let set = start([file(2, 2000, 900), file(1, 1000, 900)], 5000);
    let found = files([file(3, 5000, 5000), file(2, 2000, 900), file(1, 1000, 900)], &[2]);
    seals(&set.followed_by(found, 5001, WAITS).unwrap(), &[(5001, 1), (5300, 1), (5301, 3)]);
}

#[test]
fn the_fingerprint_is_of_names_keys_and_tombstones() {
    let one = files([file(2, 2000, 900), file(1, 1000, 900)], &[7]);
    let same = files([file(1, 1000, 5), file(7, 9000, 5), file(2, 2000, None)], &[7]);
    assert_eq!(one.fingerprint(), same.fingerprint());
    assert_eq!(one.fingerprint().len(), 8);
    for other in [
        files([file(2, 2000, 900), file(1, 1000, 900)], &[]),
        files([file(2, 2000, 900), file(1, 1000, 900)], &[8]),
        files([file(2, 3000, 900), file(1, 1000, 900)], &[7]),
        files([file(3, 2000, 900), file(1, 1000, 900)], &[7]),
        files([file(2, 2000, 900)], &[7]),
    ] {
        assert_ne!(one.fingerprint(), other.fingerprint(), "{other:?}");
    }
}

/// The rule as it is said in words: the newest key that has come and has settled, or else the oldest that
/// has come, of those that were there at the start or else of all, or else the earliest.
fn by_the_rule(keys: &[(KeyFile, u64)], started: u64, now: u64) -> KeyId {
    let come = || keys.iter().filter(|(file, _)| file.seals_from <= at(now));
    let settled = come().filter(|(_, known)| now >= known + WAITS.settle);
    let newest = settled.max_by_key(|(file, _)| file.seals_from);
    let there = || come().filter(|(_, known)| *known <= started);
    let oldest_there = || there().min_by_key(|(file, _)| file.seals_from);
    let oldest = || come().min_by_key(|(file, _)| file.seals_from);
    let earliest = || keys.iter().min_by_key(|(file, _)| file.seals_from);
    newest.or_else(oldest_there).or_else(oldest).or_else(earliest).unwrap().0.id()
}

#[test]
fn which_key_seals_agrees_with_the_rule_at_every_time() {
    let mut random = 7_u64;
    let mut below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % limit
    };
    for _ in 0..3000 {
        let now = 8000 + below(4000);
        let mut keys: Vec<_> = (1..=1 + below(5) as u8)
            .map(|number| {
                // Each at another second, because the rule does not say what happens at the same.
                let from = 10 * below(1200) + u64::from(number);
                let changed = (below(4) > 0).then(|| below(12_000));
                file(number, from, changed)
            })
            .collect();
        let (started, set) = (now, start(keys.clone(), now));
        let known = |file: &KeyFile| {
            let changed = file.changed_at.filter(|changed| *changed <= at(now)).unwrap_or(at(now));
            let known = changed.min(file.seals_from + Duration::from_millis(WAITS.stale));
            known.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
        };
        let mut expected: Vec<_> = keys.iter().map(|file| (file.clone(), known(file))).collect();
        for now in (now..now + 8000).step_by(73) {
            assert_eq!(
                set.sealing(now).id(),
                by_the_rule(&expected, started, now),
                "{expected:?} at {now}"
            );
        }
        // A look that finds one more, and perhaps one less.
        let later = now + below(2000);
        if below(2) == 0 {
            let oldest = keys.iter().map(|file| file.seals_from).min();
            keys.retain(|file| Some(file.seals_from) != oldest);
        }
        keys.push(file(9, 10 * below(1200), below(12_000)));
        let Ok(set) = set.followed_by(files(keys.clone(), &[]), later, WAITS) else { continue };
        expected.retain(|(file, _)| keys.iter().any(|kept| kept.id() == file.id()));
        expected.push((keys.pop().unwrap(), later));
        for now in (later..later + 8000).step_by(73) {
            assert_eq!(
                set.sealing(now).id(),
                by_the_rule(&expected, started, now),
                "{expected:?} at {now}"
            );
        }
    }
}
