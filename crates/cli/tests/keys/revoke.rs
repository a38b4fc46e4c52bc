//! `keys revoke`.

use serde_json::json;

use crate::support::{DAY, HOUR, Keys, answered, failed, id, json, name_at};

const DAYS: i64 = DAY as i64;

#[test]
fn without_a_terminal_it_only_says_what_it_would_cost() {
    let keys = Keys::with([-50 * DAYS]);
    let before = keys.contents();
    let output = keys.run("revoke", &[&id(1)]);
    failed(&output, 1, &["not-confirmed", "--yes", "Everyone active since", "50 days ago"]);
    assert_eq!(keys.contents(), before);
}

#[test]
fn a_key_that_waits_takes_over_under_a_new_name() {
    let keys = Keys::with([3 * DAYS, -50 * DAYS, -140 * DAYS]);
    let answer = json(&keys.run_at(keys.start, "revoke", &[&id(2), "--yes", "--json"]), 0);
    let now = keys.name(0);
    assert_eq!(answer["seals"]["name"], json!(now));
    assert_eq!(answer["seals"]["id"], json!(id(1)));
    let tombstone = format!("{}.revoked", id(2));
    assert_eq!(keys.contents()[&tombstone], format!("{}\n", id(2)).into_bytes());
    // Its file is there for a day, but is no key any more.
    assert_eq!(keys.names(".key"), [keys.name(-140 * DAYS), keys.name(-50 * DAYS), now.clone()]);
    assert_eq!(keys.contents()[&now], [1; 32]);
    // For a server that starts later; one that runs has known it.
    assert_eq!(keys.sealing_at(keys.start + HOUR), now);
    assert_eq!(keys.files().len(), 2);
    assert_eq!(keys.names(".tmp"), [""; 0]);
}

#[test]
fn else_an_older_key_seals_again_and_a_next_one_is_added() {
    let keys = Keys::with([-50 * DAYS, -140 * DAYS]);
    let answer = json(&keys.run_at(keys.start, "revoke", &[&id(1), "--yes", "--json"]), 0);
    assert_eq!(answer["seals"]["id"], json!(id(2)));
    let next = name_at((keys.start + 7 * DAY).next_multiple_of(HOUR));
    assert_eq!(keys.names(".key"), [keys.name(-140 * DAYS), keys.name(-50 * DAYS), next]);
    assert_eq!(keys.sealing_at(keys.start), keys.name(-140 * DAYS));
}

#[test]
fn else_a_new_key_seals_at_once() {
    let keys = Keys::with([-50 * DAYS]);
    let answer = json(&keys.run_at(keys.start, "revoke", &[&id(1), "--yes", "--json"]), 0);
    assert_eq!(answer["seals"]["name"], json!(keys.name(0)));
    assert_eq!(keys.sealing_at(keys.start), keys.name(0));
}

#[test]
fn a_key_that_does_not_seal_only_gets_a_tombstone() {
    let keys = Keys::with([3 * DAYS, -50 * DAYS, -140 * DAYS]);
    let before = keys.names(".key");
    let answer = json(&keys.run("revoke", &[&id(3), "--yes", "--json"]), 0);
    assert_eq!(answer["seals"], json!(null));
    assert!(answer["logged_out"]["not_since"].is_string());
    let answer = json(&keys.run("revoke", &[&id(1), "--yes", "--json"]), 0);
    assert_eq!(answer["logged_out"], json!(null));
    assert_eq!(keys.names(".key"), before);
    assert_eq!(keys.names(".revoked").len(), 2);
}

#[test]
fn removing_the_tombstone_takes_it_back() {
    let keys = Keys::with([3 * DAYS, -50 * DAYS]);
    answered(&keys.run("revoke", &[&id(2), "--yes"]), 0);
    assert!(keys.files().iter().all(|file| file.key().expose_secret() != &[2; 32]));
    std::fs::remove_file(keys.path().join(format!("{}.revoked", id(2)))).unwrap();
    assert!(keys.files().iter().any(|file| file.key().expose_secret() == &[2; 32]));
}

#[test]
fn the_file_of_a_revoked_key_goes_a_day_later_and_the_tombstone_stays() {
    let keys = Keys::with([3 * DAYS, -50 * DAYS]);
    answered(&keys.run("revoke", &[&id(2), "--yes"]), 0);
    for day in 0..2 {
        answered(&keys.run_at(keys.start + day * DAY + HOUR, "rotate", &["--every", "90d"]), 0);
    }
    assert!(!keys.contents().values().any(|content| content == &[2; 32]));
    assert_eq!(keys.names(".revoked"), [format!("{}.revoked", id(2))]);
    assert_eq!(keys.files().len(), 1);
}

#[test]
fn what_is_refused_has_a_name() {
    let keys = Keys::with([-50 * DAYS]);
    failed(&keys.run("revoke", &["4b596b6x", "--yes"]), 2, &[]);
    let unknown = keys.run("revoke", &[&id(9), "--yes"]);
    failed(&unknown, 1, &["unknown-id", "--force"]);
    answered(&keys.run("revoke", &[&id(9), "--yes", "--force"]), 0);
    answered(&keys.run("revoke", &[&id(1), "--yes"]), 0);
    failed(&keys.run("revoke", &[&id(1), "--yes"]), 1, &["already-revoked"]);
    answered(&keys.run("rotate", &[]), 0);
    let year_ago = keys.start - 365 * DAY;
    let key = keys.files().iter().next().unwrap().id().to_string();
    let output = keys.run_at(year_ago, "revoke", &[&key, "--yes"]);
    failed(&output, 1, &["clock-before-last-run", "--accept-clock"]);
}

#[test]
fn a_broken_state_does_not_keep_a_leaked_key_in_use() {
    let keys = Keys::with([-50 * DAYS, -140 * DAYS]);
    keys.put("rotation-state.json", "");
    failed(&keys.run("revoke", &[&id(1), "--yes"]), 2, &["rotation-state.json", "remove it"]);
    answered(&keys.run("revoke", &[&id(1), "--yes", "--accept-clock"]), 0);
    assert_eq!(keys.names(".revoked"), [format!("{}.revoked", id(1))]);
}

#[test]
fn it_believes_the_clock_for_as_long_as_the_last_run_was_told() {
    let keys = Keys::with([-50 * DAYS, -140 * DAYS]);
    answered(&keys.run_at(keys.start, "rotate", &["--every", "90d", "--max-gap", "40d"]), 0);
    let revoke = |days| keys.run_at(keys.start + days * DAY, "revoke", &[&id(1), "--yes"]);
    failed(&revoke(41), 1, &["long-after-last-run"]);
    answered(&revoke(30), 0);
}
