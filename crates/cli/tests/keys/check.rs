//! `keys check`.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use sealed_session::Key;
use serde_json::json;

use crate::support::{Keys, answered, id, json};

/// Checks these files of the directory.
fn check(keys: &Keys, files: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealed-session"))
        .args(["keys", "check", "--json"])
        .args(files)
        .current_dir(keys.path())
        .output()
        .unwrap()
}

#[test]
fn says_the_form_and_the_id_of_each_key() {
    let keys = Keys::new();
    let key = |byte| Key::from_bytes([byte; 32]).unwrap();
    keys.put("raw", [1; 32]);
    keys.put("hex", format!("{}\n", &*key(2).to_hex()));
    keys.put("base64", format!("{}\r\n", &*key(3).to_base64()));
    keys.put("text", format!("# newest\n{}\n{}\n", &*key(4).to_hex(), &*key(5).to_hex()));
    let answer = json(&check(&keys, &["raw", "hex", "base64", "text"]), 0);
    for (place, (form, ids)) in [
        ("raw", vec![id(1)]),
        ("hex", vec![id(2)]),
        ("base64", vec![id(3)]),
        ("text", vec![id(4), id(5)]),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(answer[place]["form"], json!(form));
        assert_eq!(answer[place]["ids"], json!(ids));
        assert_eq!(answer[place]["mode"], json!("0600"));
    }
}

#[test]
fn the_same_key_twice_is_found_in_whatever_form() {
    let keys = Keys::new();
    keys.put("raw", [1; 32]);
    keys.put("hex", "01".repeat(32));
    let answer = json(&check(&keys, &["raw", "hex"]), 2);
    assert_eq!(answer[0]["same_as"], json!(null));
    assert_eq!(answer[1]["same_as"], json!("raw"));
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let keys = Keys::new();
    keys.put("short", [1; 31]);
    let answer = json(&check(&keys, &["short", "missing", "."]), 2);
    for (place, words) in ["31 bytes", "No such file", "keys status"].into_iter().enumerate() {
        let error = answer[place]["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_file_that_others_can_read_is_a_warning() {
    let keys = Keys::new();
    keys.put("key", [1; 32]);
    let path = keys.path().join("key");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap();
    let answer = json(&check(&keys, &["key"]), 1);
    assert_eq!((&answer[0]["exposed"], &answer[0]["mode"]), (&json!(true), &json!("0640")));
    let text = Command::new(env!("CARGO_BIN_EXE_sealed-session"))
        .args(["keys", "check", "key"])
        .current_dir(keys.path())
        .output()
        .unwrap();
    assert!(answered(&text, 1).contains("chmod 600"));
}
