//! What takes the place of a revoked key.

use super::{DAY, HOUR, MINUTE, NOW, SECOND, directory, key};
use crate::keys::plan::{Cost, Refusal, Revocation, Succession, revoke};
use crate::keys::settings::Settings;

#[track_caller]
fn revoked(times: &[u64], from: u64) -> Revocation {
    let there = directory(times);
    let id = there.keys.iter().find(|key| key.from == from).unwrap().id;
    revoke(&there, &Settings::default(), id, NOW + 1).unwrap()
}

#[test]
fn a_key_that_waits_takes_the_place_of_a_revoked_one() {
    let sealing = NOW - 50 * DAY;
    let times = [NOW + 3 * DAY, sealing, NOW - 140 * DAY];
    let Revocation { succession, cost } = revoked(&times, sealing);
    let Succession::TakesOver { key, from } = succession else { panic!("{succession:?}") };
    assert_eq!((key.from, from), (NOW + 3 * DAY, NOW));
    assert_eq!(cost, Cost::ActiveSince(sealing));
}

#[test]
fn else_an_older_key_seals_again_and_a_next_one_is_added() {
    let (sealing, older) = (NOW - 50 * DAY, NOW - 140 * DAY);
    let Revocation { succession, .. } = revoked(&[sealing, older, NOW - 230 * DAY], sealing);
    let Succession::Older { key, next } = succession else { panic!("{succession:?}") };
    assert_eq!((key.from, next), (older, NOW + 7 * DAY + HOUR));
}

#[test]
fn else_a_new_key_is_dated_now_under_a_free_name() {
    assert_eq!(revoked(&[NOW - DAY], NOW - DAY).succession, Succession::New { from: NOW });
    assert_eq!(revoked(&[NOW], NOW).succession, Succession::New { from: NOW + SECOND });
}

#[test]
fn a_key_that_is_about_to_seal_keeps_its_name() {
    let next = NOW + 4 * MINUTE;
    let Revocation { succession, .. } = revoked(&[next, NOW - DAY], NOW - DAY);
    let Succession::AboutToSeal { key } = succession else { panic!("{succession:?}") };
    assert_eq!(key.from, next);
}

#[test]
fn a_key_that_does_not_seal_needs_no_successor() {
    let times = [NOW + 3 * DAY, NOW - 50 * DAY, NOW - 140 * DAY];
    let next = revoked(&times, NOW + 3 * DAY);
    assert_eq!(next, Revocation { succession: Succession::NotNeeded, cost: Cost::Nobody });
    let old = revoked(&times, NOW - 140 * DAY);
    assert_eq!(old.succession, Succession::NotNeeded);
    let until = NOW - 50 * DAY;
    assert_eq!(old.cost, Cost::LastActive { from: NOW - 140 * DAY, until });
}

#[test]
fn an_id_that_is_not_there_is_refused_unless_forced() {
    let mut there = directory(&[NOW]);
    let id = key(99, 0).id;
    let forced = Settings { force: true, ..Settings::default() };
    assert_eq!(revoke(&there, &Settings::default(), id, NOW), Err(Refusal::UnknownId { id }));
    let revocation = revoke(&there, &forced, id, NOW).unwrap();
    assert_eq!(revocation.succession, Succession::NotNeeded);
    there.tombstones = vec![id];
    assert_eq!(revoke(&there, &forced, id, NOW), Err(Refusal::AlreadyRevoked { id }));
}
