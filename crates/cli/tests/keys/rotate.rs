//! `keys rotate`.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use sealed_session::Key;
use serde_json::json;

use crate::support::{DAY, HOUR, Keys, answered, failed, id, json, name_at};

const EVERY: [&str; 4] = ["--every", "90d", "--longest", "30d"];
const DAYS: i64 = DAY as i64;

#[test]
fn an_empty_directory_gets_a_key_that_only_its_owner_can_read() {
    let keys = Keys::new();
    let text = answered(&keys.run("rotate", &EVERY), 0);
    let [name] = &keys.names(".key")[..] else { panic!("not one key") };
    let path = keys.path().join(name);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let key = Key::from_file(&path).unwrap();
    assert!(text.starts_with(&format!("added {name} ({})", key.id())), "{text}");
    assert_eq!(std::fs::read(path).unwrap().len(), 32);
    assert_eq!(keys.sealing_at(keys.start + 1), *name);
    assert_eq!(keys.names(".tmp"), [""; 0]);
}

#[test]
fn nothing_secret_is_printed_or_left_beside_the_key() {
    let keys = Keys::new();
    let output = keys.run("rotate", &["--json"]);
    let file = keys.files();
    let key = file.iter().next().unwrap().key();
    let state = keys.contents().remove("rotation-state.json").unwrap();
    for text in [output.stdout, output.stderr, state] {
        let text = String::from_utf8(text).unwrap().to_lowercase();
        let forms = [key.to_hex().to_lowercase(), key.to_base64().to_lowercase()];
        assert!(forms.iter().all(|secret| !text.contains(secret.trim_end_matches('='))), "{text}");
    }
}

#[test]
fn a_second_run_changes_nothing_but_the_state() {
    let keys = Keys::new();
    answered(&keys.run("rotate", &EVERY), 0);
    let before = keys.names(".key");
    let text = answered(&keys.run("rotate", &EVERY), 0);
    assert!(text.starts_with("nothing to add until"), "{text}");
    assert_eq!(keys.names(".key"), before);
}

#[test]
fn the_next_key_is_there_a_week_before_it_seals() {
    let keys = Keys::with([-84 * DAYS]);
    let answer = json(&keys.run_at(keys.start, "rotate", &["--every", "90d", "--json"]), 0);
    let next = keys.name(6 * DAYS);
    // A week from now is later than 90 days after the newest key.
    let rounded = name_at((keys.start + 7 * DAY).next_multiple_of(HOUR));
    assert!(next < rounded);
    assert_eq!(answer["added"]["name"], json!(rounded));
    assert_eq!(answer["next"], answer["added"]);
    assert_eq!(keys.names(".key"), [keys.name(-84 * DAYS), rounded]);
}

#[test]
fn a_dry_run_changes_nothing() {
    for keys in [Keys::new(), Keys::with([-100 * DAYS])] {
        let before = keys.contents();
        let answer = json(&keys.run("rotate", &["--every", "90d", "--dry-run", "--json"]), 0);
        assert_eq!(answer["dry_run"], json!(true));
        assert!(answer["added"]["name"].is_string());
        assert_eq!(keys.contents(), before);
    }
}

#[test]
fn what_is_refused_has_a_name_and_changes_nothing() {
    let keys = Keys::with([-DAYS]);
    answered(&keys.run("rotate", &EVERY), 0);
    let before = keys.contents();
    let year = 365 * DAY;
    for (now, name) in
        [(keys.start - year, "clock-before-last-run"), (keys.start + year, "long-after-last-run")]
    {
        let output = keys.run_at(now, "rotate", &[&EVERY[..], &["--json"]].concat());
        failed(&output, 1, &[&format!("refused ({name}): "), "--accept-clock"]);
        assert_eq!(json(&output, 1)["refused"], json!(name));
        assert_eq!(keys.contents(), before);
    }
    let output = keys.run("rotate", &["--after", "9m"]);
    failed(&output, 1, &["after-too-short", "--after 9m", "--settle 5m"]);
    let output = keys.run("rotate", &["--every", "1d"]);
    failed(&output, 1, &["every-too-short", "--every 1d", "--after 7d"]);
    assert_eq!(keys.contents(), before);
}

#[test]
fn a_key_of_a_wrong_clock_stops_the_rotation_and_is_named() {
    let keys = Keys::with([-DAYS, 400 * DAYS]);
    let before = keys.contents();
    let output = keys.run("rotate", &EVERY);
    failed(&output, 1, &["key-too-far-ahead", &keys.name(400 * DAYS), &id(2)]);
    assert_eq!(keys.contents(), before);
    // What it says helps.
    answered(&keys.run("revoke", &[&id(2), "--yes"]), 0);
    answered(&keys.run("rotate", &EVERY), 0);
}

#[test]
fn a_broken_set_is_left_alone() {
    for (name, content) in [
        ("2026-02-30T12-00-00Z.key", &[1; 32][..]),
        ("2026-02-03T12-00-00Z.key", &[1; 31]),
        ("2026-02-03T12-00-00Z.key", &[0; 32]),
    ] {
        let keys = Keys::new();
        keys.put(name, content);
        let before = keys.contents();
        failed(&keys.run("rotate", &EVERY), 2, &[name]);
        assert_eq!(keys.contents(), before);
    }
    let twice = Keys::with([-DAYS]);
    twice.put(&twice.name(0), [1; 32]);
    failed(&twice.run("rotate", &EVERY), 2, &[&id(1)]);
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let keys = Keys::new();
    std::fs::remove_dir(keys.path()).unwrap();
    failed(&keys.run("rotate", &EVERY), 2, &["mkdir -m 700"]);
    assert!(!keys.path().exists());
}

#[test]
fn a_directory_that_lost_its_keys_gets_none_unless_forced() {
    let keys = Keys::new();
    answered(&keys.run("rotate", &EVERY), 0);
    answered(&keys.run("rotate", &EVERY), 0);
    std::fs::remove_file(keys.path().join(&keys.names(".key")[0])).unwrap();
    failed(&keys.run("rotate", &EVERY), 1, &["keys-vanished"]);
    assert_eq!(keys.names(".key"), [""; 0]);
    answered(&keys.run("rotate", &["--force"]), 0);
    assert_eq!(keys.names(".key").len(), 1);
}

#[test]
fn an_old_key_goes_in_two_steps_when_no_session_needs_it() {
    let keys = Keys::with([-30 * DAYS, -120 * DAYS]);
    let rotate = |now| json(&keys.run_at(now, "rotate", &[&EVERY[..], &["--json"]].concat()), 0);
    let (settle, longest, stale) = (300, 30 * DAY, 7 * DAY);
    // The files came at the start.
    let removable = keys.start + settle + longest + stale;
    for day in 0..37 {
        let answer = rotate(keys.start + day * DAY);
        assert_eq!((&answer["marked"], &answer["removed"]), (&json!([]), &json!([])), "{day}");
    }
    let marked = removable + 60;
    assert_eq!(rotate(marked)["marked"][0]["name"], json!(keys.name(-120 * DAYS)));
    assert_eq!(rotate(marked + DAY - 1)["removed"], json!([]));
    assert_eq!(rotate(marked + DAY)["removed"][0]["id"], json!(id(2)));
    assert_eq!(keys.names(".key"), [keys.name(-30 * DAYS)]);
}

#[test]
fn nothing_goes_while_nobody_says_how_long_sessions_live() {
    let run = |keys: &Keys, text: &str| {
        if !text.is_empty() {
            keys.put("rotation.json", text);
        }
        let mut kept = json!(null);
        for day in 0..60 {
            let now = keys.start + day * DAY;
            kept =
                json(&keys.run_at(now, "rotate", &["--every", "90d", "--json"]), 0)["kept"].clone();
        }
        (keys.names(".key").len(), kept)
    };
    let keys = || Keys::with([-10 * DAYS, -100 * DAYS]);
    assert_eq!(run(&keys(), ""), (2, json!("longest-unknown")));
    let endless = r#"{"longest":null,"settle":300,"stale":604800}"#;
    assert_eq!(run(&keys(), endless), (2, json!("longest-endless")));
    let month = r#"{"longest":2592000,"settle":300,"stale":604800}"#;
    assert_eq!(run(&keys(), month), (1, json!(null)));
    let unreadable = keys();
    unreadable.put("rotation.json", "longest: 30d");
    failed(&unreadable.run("rotate", &EVERY), 2, &["rotation.json"]);
}

#[test]
fn who_can_read_the_newest_key_can_read_the_next() {
    let keys = Keys::with([-85 * DAYS]);
    let newest = keys.path().join(keys.name(-85 * DAYS));
    for mode in [0o640, 0o664] {
        std::fs::set_permissions(&newest, PermissionsExt::from_mode(mode)).unwrap();
        answered(&keys.run("rotate", &EVERY), 0);
        let next = keys.path().join(&keys.names(".key")[1]);
        assert_eq!(next.metadata().unwrap().permissions().mode() & 0o7777, 0o640);
        std::fs::remove_file(next).unwrap();
    }
}

#[test]
fn a_key_made_by_root_belongs_to_who_has_the_others() {
    use std::os::unix::fs::{MetadataExt as _, chown};

    let keys = Keys::with([-85 * DAYS]);
    let newest = keys.path().join(keys.name(-85 * DAYS));
    if chown(&newest, Some(1234), Some(1235)).is_err() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    answered(&keys.run("rotate", &EVERY), 0);
    for name in [&keys.names(".key")[1], "rotation-state.json"] {
        let metadata = keys.path().join(name).metadata().unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1234, 1235), "{name}");
    }
}

#[test]
fn what_a_killed_run_left_behind_goes_after_an_hour() {
    let keys = Keys::with([-DAYS]);
    let left = ".2026-11-21T12-00-00Z.key.0123456789abcdef.tmp";
    keys.put(left, [9; 32]);
    answered(&keys.run("rotate", &EVERY), 0);
    assert_eq!(keys.names(".tmp"), [left]);
    let file = std::fs::File::options().write(true).open(keys.path().join(left)).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(2 * HOUR)).unwrap();
    answered(&keys.run("rotate", &EVERY), 0);
    assert_eq!(keys.names(".tmp"), [""; 0]);
}

#[test]
fn a_run_waits_for_another_one() {
    let keys = Keys::with([-DAYS]);
    let lock = std::fs::File::open(keys.path()).unwrap();
    lock.lock().unwrap();
    let mut waiting = keys.command("rotate", &EVERY).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(waiting.try_wait().unwrap().is_none());
    assert_eq!(keys.names(".json"), [""; 0]);
    drop(lock);
    answered(&waiting.wait_with_output().unwrap(), 0);
}

/// All begin at once.
fn fifty_at_once(keys: &Keys) {
    let children: Vec<_> = (0..50)
        .map(|_| keys.command("rotate", &EVERY).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    for child in children {
        answered(&child.wait_with_output().unwrap(), 0);
    }
}

#[test]
fn fifty_runs_at_once_make_one_key() {
    let empty = Keys::new();
    fifty_at_once(&empty);
    assert_eq!(empty.names(".key").len(), 1);
    let due = Keys::with([-85 * DAYS]);
    fifty_at_once(&due);
    assert_eq!(due.names(".key").len(), 2);
    let late = Keys::with([-300 * DAYS]);
    fifty_at_once(&late);
    assert_eq!(late.names(".key").len(), 2);
    assert_eq!(late.names(".tmp"), [""; 0]);
}
