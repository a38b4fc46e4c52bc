//! `keys status`.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{DAY, Keys, answered, failed, id, json};

const DAYS: i64 = DAY as i64;

#[track_caller]
fn findings(keys: &Keys, status: i32) -> Vec<String> {
    let answer = json(&keys.run("status", &["--json"]), status);
    let findings = answer["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["name"].as_str().unwrap().to_owned()).collect()
}

/// A directory that is rotated, with a key of each kind.
fn rotated() -> Keys {
    let keys = Keys::with([5 * DAYS, -85 * DAYS, -175 * DAYS]);
    answered(&keys.run("rotate", &["--every", "90d", "--longest", "30d"]), 0);
    keys
}

#[test]
fn says_which_key_does_what() {
    let keys = rotated();
    let answer = json(&keys.run("status", &["--json"]), 0);
    let states: Vec<_> = answer["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["id"].as_str().unwrap(), key["state"].as_str().unwrap(), &key["mode"]))
        .collect();
    let mode = json!("0600");
    let (next, seals, opens) = (id(1), id(2), id(3));
    assert_eq!(
        states,
        [(&*next, "next", &mode), (&*seals, "seals", &mode), (&*opens, "opens", &mode)]
    );
    assert_eq!(answer["keys"][0]["removable"], Value::Null);
    assert!(answer["keys"][2]["removable"].is_string());
    assert_eq!(answer["fingerprint"], json!(keys.files().fingerprint()));
    let text = answered(&keys.run("status", &[]), 0);
    for words in [&*keys.name(5 * DAYS), &seals, "seals since", "seals from", "opens", "0600"] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
}

#[test]
fn a_key_that_others_can_read_is_a_warning() {
    let keys = rotated();
    let path = keys.path().join(keys.name(-85 * DAYS));
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(findings(&keys, 1), ["exposed-key"]);
    std::fs::set_permissions(keys.path(), PermissionsExt::from_mode(0o770)).unwrap();
    assert_eq!(findings(&keys, 1), ["exposed-key", "exposed-directory"]);
}

#[test]
fn a_set_that_servers_refuse_is_critical() {
    assert_eq!(findings(&Keys::new(), 2), ["no-keys"]);
    let gone = rotated();
    for name in gone.names(".key") {
        std::fs::remove_file(gone.path().join(name)).unwrap();
    }
    assert_eq!(findings(&gone, 2)[0], "no-keys");
    assert!(answered(&gone.run("status", &[]), 2).contains("is the directory mounted"));
    std::fs::remove_dir_all(gone.path()).unwrap();
    let missing = json(&gone.run("status", &["--json"]), 2);
    assert_eq!(missing["keys"], json!([]));
    assert_eq!(missing["findings"][0]["name"], json!("broken-set"));
    let broken = Keys::with([-DAYS]);
    broken.put(&broken.name(0), [1; 31]);
    assert_eq!(findings(&broken, 2), ["broken-set"]);
    failed(&broken.run("status", &[]), 2, &[&broken.name(0), "31"]);
    assert_eq!(findings(&Keys::with([DAYS]), 2), ["no-key-seals"]);
}

#[test]
fn what_cannot_be_read_beside_the_keys_is_a_warning() {
    let keys = rotated();
    keys.put("rotation.json", "{");
    assert_eq!(findings(&keys, 1), ["unreadable"]);
}

#[test]
fn a_rotation_that_stopped_is_a_warning() {
    let keys = rotated();
    let output = keys.run_at(keys.start + 8 * DAY, "status", &["--json"]);
    assert_eq!(json(&output, 1)["findings"][0]["name"], json!("rotation-overdue"));
}

#[test]
fn a_key_that_no_session_needs_says_so() {
    let keys = rotated();
    for day in (0..40).step_by(5) {
        let now = keys.start + day * DAY;
        answered(&keys.run_at(now, "rotate", &["--every", "90d", "--longest", "30d"]), 0);
    }
    let now = keys.start + 38 * DAY;
    answered(&keys.run_at(now, "rotate", &["--every", "90d", "--longest", "30d"]), 0);
    let answer = json(&keys.run_at(now, "status", &["--json"]), 0);
    assert!(answer["keys"][2]["marked"].is_string(), "{answer}");
}

#[test]
fn the_file_of_a_revoked_key_is_a_warning() {
    let keys = rotated();
    answered(&keys.run("revoke", &[&id(3), "--yes"]), 0);
    assert_eq!(findings(&keys, 1), ["revoked-file"]);
}

#[test]
fn a_key_that_somebody_removed_is_a_warning() {
    let keys = rotated();
    std::fs::remove_file(keys.path().join(keys.name(5 * DAYS))).unwrap();
    assert!(!findings(&keys, 0).contains(&"key-gone".to_owned()), "a next key has sealed nothing");
    std::fs::remove_file(keys.path().join(keys.name(-85 * DAYS))).unwrap();
    assert!(findings(&keys, 1).contains(&"key-gone".to_owned()));
    answered(&keys.run("revoke", &[&id(2), "--yes", "--force"]), 0);
    assert!(!findings(&keys, 1).contains(&"key-gone".to_owned()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_its_messages_changes_no_exit_status() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let broken = Keys::with([-DAYS]);
    broken.put(&broken.name(0), [1; 31]);
    for command in ["rotate", "status"] {
        let status = broken.command(command, &[]).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{command}");
    }
    let ahead = Keys::with([500 * DAYS, -DAYS]);
    assert_eq!(ahead.command("rotate", &[]).stderr(full()).status().unwrap().code(), Some(1));
    // An answer that nobody gets is no answer.
    failed(
        &rotated().command("status", &[]).stdout(full()).output().unwrap(),
        2,
        &["standard output"],
    );
}
