//! The keys that systemd gives a service. Each test runs in a process of its own, for its environment.

use std::fs;
use std::path::Path;
use std::process::Command;

use sealed_session::{KeyDirectory, KeyErrorKind};

use super::write_private;
use crate::support::{TempDir, child, key};

/// Runs the test in a child whose credentials are in this directory.
#[track_caller]
fn with_credentials(test: &str, directory: Option<&Path>) {
    child::run_in_child(module_path!(), test, |exe| {
        let mut command = Command::new(exe);
        command.env_remove("CREDENTIALS_DIRECTORY");
        if let Some(directory) = directory {
            command.env("CREDENTIALS_DIRECTORY", directory);
        }
        command
    });
}

#[test]
fn a_credential_may_be_a_directory_of_dated_keys() {
    if child::in_child() {
        let status = KeyDirectory::from_credentials("keys").unwrap().status();
        let names: Vec<_> = status.keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["2026-11-21T12-00-00Z.key", "2025-11-21T12-00-00Z.key"]);
        return;
    }
    let dir = TempDir::new();
    let write = |name: &str, number| write_private(&dir.path().join(name), &[number; 32]);
    write("keys_2025-11-21T12-00-00Z.key", 1);
    write("keys_2026-11-21T12-00-00Z.key", 2);
    write("keys_2027-11-21T12-00-00Z.key", 3);
    write(&format!("keys_{}.revoked", key(3).id()), 0);
    write("keys_rotation.json", 0);
    write("2024-11-21T12-00-00Z.key", 4);
    write("others_x.key", 5);
    with_credentials("a_credential_may_be_a_directory_of_dated_keys", Some(dir.path()));
}

#[test]
fn a_credential_may_be_a_file_of_several_keys() {
    if child::in_child() {
        let status = KeyDirectory::from_credentials("keys").unwrap().status();
        let ids: Vec<_> = status.keys.iter().map(|key| key.id).collect();
        assert_eq!(ids, [key(2).id(), key(1).id()]);
        return;
    }
    let dir = TempDir::new();
    let content = format!("{}\n{}\n", *key(2).to_hex(), *key(1).to_hex());
    write_private(&dir.path().join("keys"), content.as_bytes());
    with_credentials("a_credential_may_be_a_file_of_several_keys", Some(dir.path()));
}

#[test]
fn a_credential_that_is_not_there_says_what_the_unit_needs() {
    if child::in_child() {
        let error = KeyDirectory::builder_from_credentials("keys").open().unwrap_err();
        assert!(matches!(error.kind(), KeyErrorKind::Credential { name, .. } if name == "keys"));
        assert!(error.to_string().contains("LoadCredential=keys:"), "{error}");
        return;
    }
    let test = "a_credential_that_is_not_there_says_what_the_unit_needs";
    let dir = TempDir::new();
    fs::write(dir.path().join("other"), "").unwrap();
    with_credentials(test, Some(dir.path()));
    with_credentials(test, None);
}
