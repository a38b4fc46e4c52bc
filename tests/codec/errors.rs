//! An error in a log says what is wrong and where, in one line, and reveals no secret.

use std::collections::BTreeMap;

use sealed_session::{
    Codec, Current, DecodeErrorKind, EncodeErrorKind, Entries, Key, KeyErrorKind, Keyring,
    SessionError, SessionErrorKind, SessionKind,
};
use serde::{Deserialize, Serialize};

use crate::support::{TempDir, key, ring};

const SECRET: &str = "hunter2";

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct ByPlace {
    seats: BTreeMap<(u8, u8), String>,
}

impl SessionKind for ByPlace {
    type Data = Self;
    const NAME: &'static str = "seats";
}

fn seats() -> ByPlace {
    ByPlace { seats: BTreeMap::from([((1, 2), SECRET.to_owned())]) }
}

#[track_caller]
fn says(error: &impl std::fmt::Display, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
    assert!(!text.contains('\n') && !text.ends_with('.') && !text.contains(SECRET), "{text:?}");
}

#[test]
fn data_that_json_cannot_express_is_an_error_with_a_reason() {
    let error = Codec::<ByPlace>::new(ring(&[7])).unwrap().encode(seats()).unwrap_err();
    assert!(matches!(error.kind(), EncodeErrorKind::Serialize { .. }));
    says(&error, &["could not be serialized to JSON", "key must be a string"]);
}

#[test]
fn an_error_names_what_a_fastify_token_cannot_hold() {
    let codec = Codec::<sealed_session::Dynamic>::new(Keyring::fastify(key(7))).unwrap();
    let mut entries = Entries::new();
    entries.insert("__ts", SECRET).unwrap();
    says(&codec.encode(&entries).unwrap_err(), &["`__ts`", "reserved"]);

    struct List;
    impl SessionKind for List {
        type Data = Vec<String>;
        const NAME: &'static str = "list";
    }
    let codec = Codec::<List>::new(Keyring::fastify(key(8))).unwrap();
    let error = codec.encode(vec![SECRET.to_owned()]).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::NotAnObject);
    says(&error, &["not a JSON object", "fastify"]);
    says(&EncodeErrorKind::NoRoomForIdleTimeout, &["cannot carry", "idle timeout", "fastify"]);
}

#[test]
fn an_error_says_what_the_system_lacks() {
    says(&EncodeErrorKind::Randomness, &["operating system", "no randomness"]);
    says(&KeyErrorKind::Randomness, &["operating system", "no randomness"]);
    says(&DecodeErrorKind::UnsupportedVersion, &["version", "not supported"]);
}

#[test]
fn a_codec_error_converts_to_a_session_error() {
    fn handler() -> Result<String, SessionError> {
        let codec = Codec::<ByPlace>::new(ring(&[7])).unwrap();
        Ok(codec.encode(seats())?)
    }
    let error = handler().unwrap_err();
    assert!(matches!(error.kind(), SessionErrorKind::Encode(EncodeErrorKind::Serialize { .. })));
    says(&error, &["could not be serialized to JSON"]);
}

/// What a program prints whose `main` returns the error: its `Debug`.
#[track_caller]
fn main_prints(error: impl std::error::Error + 'static, expected: &str) {
    let error: Box<dyn std::error::Error> = Box::new(error);
    assert_eq!(format!("{error:?}"), expected);
    assert_eq!(format!("{error:#?}"), expected);
}

#[test]
fn a_program_that_ends_with_a_key_error_prints_what_is_wrong_and_why() {
    let error = Key::from_file("no/such/key").unwrap_err();
    main_prints(
        error,
        "cannot read the key file no/such/key: No such file or directory (os error 2)",
    );

    let dir = TempDir::new();
    let path = dir.path().join("key");
    std::fs::write(&path, [7; 31]).unwrap();
    let error = Key::from_file(&path).unwrap_err();
    let cause = Key::parse([7; 31]).unwrap_err();
    main_prints(
        error,
        &format!("the key file {} does not contain a valid key: {cause}", path.display()),
    );
}

#[test]
fn a_program_that_ends_with_any_other_error_prints_its_text() {
    let codec = Codec::<ByPlace>::new(ring(&[7])).unwrap();
    main_prints(codec.decode("?").unwrap_err(), &DecodeErrorKind::Malformed.to_string());

    let error = codec.encode(seats()).unwrap_err();
    let text = error.to_string();
    main_prints(error, &text);
    main_prints(SessionError::from(codec.encode(seats()).unwrap_err()), &text);

    let builder = Codec::<ByPlace>::builder(ring(&[7]));
    let error = builder.idle_timeout(std::time::Duration::ZERO).build().unwrap_err();
    let text = error.to_string();
    main_prints(error, &text);
}

#[test]
fn an_unwrap_of_an_error_prints_its_text() {
    let panic = std::panic::catch_unwind(|| Key::from_hex("7").unwrap()).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("expected a key (32 raw bytes"), "{message}");
}

#[test]
fn the_data_of_a_session_can_be_cloned_out_of_its_extractor() {
    let current = Current::<ByPlace>(seats());
    assert_eq!(current.clone().0, current.0);
    says(&format!("{current:?}"), &["seats"]);
}
