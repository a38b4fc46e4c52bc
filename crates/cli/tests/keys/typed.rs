//! A key in place of a name.

use std::process::Command;

use sealed_session::Key;

use crate::support::{Keys, answered, id};

#[test]
fn a_key_that_is_typed_in_place_of_a_name_is_not_repeated() {
    let keys = Keys::with([-1]);
    let dir = keys.path().to_str().unwrap();
    let key = Key::from_bytes([7; 32]).unwrap();
    let (hex, base64) = (key.to_hex(), key.to_base64());
    for key in [&*hex, &*base64, base64.trim_end_matches('=')] {
        let option = format!("--keys={key}");
        for args in [
            &["keys", "check", key][..],
            &["keys", "check", "--json", key],
            &["keys", "status", key],
            &["keys", "status", "--json", key],
            &["keys", "rotate", key],
            &["keys", "rotate", dir, key],
            &["keys", "rotate", dir, "--every", key],
            &["keys", "revoke", key, &id(1)],
            &["keys", "revoke", dir, key],
            &["keys", key],
            &["inspect", "--keys", key, "session=abc"],
            &["inspect", &option, "session=abc"],
            &["inspect", "--keys-env", key, "session=abc"],
            &["inspect", "--fastify-key", key, "session=abc"],
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_sealed-session"))
                .args(args)
                .current_dir(keys.path())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(2), "{args:?}");
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).unwrap();
            assert!(said.contains("this is a key, not a "), "{args:?}: {said}");
            assert!(!said.contains(&key[..20]), "{args:?}: {said}");
        }
    }
    // A file may have such a name.
    keys.put(&hex, [9; 32]);
    let output = Command::new(env!("CARGO_BIN_EXE_sealed-session"))
        .args(["keys", "check", &hex])
        .current_dir(keys.path())
        .output()
        .unwrap();
    assert!(answered(&output, 0).contains(&id(9)));
}
