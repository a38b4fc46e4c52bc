//! Several keys in one file, or in one environment variable.

use std::error::Error as _;
use std::path::PathBuf;
use std::process::Command;

use sealed_session::{Codec, Dynamic, Entries, KeyError, KeyErrorKind, KeyLengthHint, Keyring};

use crate::support::{TempDir, child, key, ring};
use crate::{HEX, raw};

fn hex_of(byte: u8) -> String {
    key(byte).to_hex().to_string()
}

fn file(dir: &TempDir, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join("keys");
    std::fs::write(&path, content).unwrap();
    path
}

/// It has the keys of these bytes, in this order.
#[track_caller]
fn has_keys(keyring: Result<Keyring, KeyError>, bytes: &[u8]) {
    let keyring = keyring.unwrap();
    assert_eq!(keyring.len(), bytes.len());
    let codec = Codec::<Dynamic>::new(keyring).unwrap();
    for (index, byte) in bytes.iter().enumerate() {
        let other = Codec::<Dynamic>::new(ring(&[*byte])).unwrap();
        let token = other.encode(Entries::new()).unwrap();
        assert_eq!(codec.decode(token).unwrap().info.key_index, index);
    }
}

/// Why the content of a file is no list of keys.
#[track_caller]
fn cause(content: impl AsRef<[u8]>) -> KeyErrorKind {
    let dir = TempDir::new();
    let path = file(&dir, content);
    let error = Keyring::from_file(&path).unwrap_err();
    assert!(
        matches!(error.kind(), KeyErrorKind::FileContent { path: named, .. } if *named == path)
    );
    error.source().unwrap().downcast_ref::<KeyError>().unwrap().kind().clone()
}

#[test]
fn a_file_may_hold_several_keys_newest_first() {
    let dir = TempDir::new();
    let (one, two, three) = (hex_of(1), hex_of(2), key(3).to_base64());
    for content in [
        format!("{one}\n{two}\n{}", *three),
        format!("{one}\r\n{two}\r\n{}\r\n", *three),
        format!("# newest\n{one}\n\n \t\n  # older\n{two}\n#\n{}\n\n", *three),
        format!("# clé\n{one}\n{two}\n{}", &three[..43]),
    ] {
        has_keys(Keyring::from_file(file(&dir, content)), &[1, 2, 3]);
    }
}

#[test]
fn a_file_with_one_key_may_have_any_form() {
    let dir = TempDir::new();
    for content in [
        [1; 32].to_vec(),
        hex_of(1).into_bytes(),
        format!("{}\r\n", hex_of(1)).into_bytes(),
        key(1).to_base64().as_bytes().to_vec(),
        format!("# made on Monday\n{}\n\n", hex_of(1)).into_bytes(),
    ] {
        has_keys(Keyring::from_file(file(&dir, content)), &[1]);
    }
    // It happens to have bytes that separate keys in a text.
    let mut raw = raw();
    (raw[3], raw[9], raw[31]) = (b'\n', b'#', b'\n');
    assert_eq!(Keyring::from_file(file(&dir, raw)).unwrap().len(), 1);
}

#[test]
fn names_the_place_of_a_key_that_is_not_valid() {
    let dir = TempDir::new();
    let path = file(&dir, format!("# newest\n{}\n\n{} \n", hex_of(1), hex_of(2)));
    let error = Keyring::from_file(&path).unwrap_err();
    let cause = error.source().unwrap();
    let place = cause.downcast_ref::<KeyError>().unwrap().kind();
    assert!(matches!(place, KeyErrorKind::InList { position: 2, .. }), "{error:?}");
    assert!(cause.source().unwrap().to_string().contains("ends with a space"), "{error:?}");
    assert!(!format!("{error:?}").contains("0202"), "{error:?}");
}

#[test]
fn what_is_wrong_with_a_single_key_is_said_as_of_a_key_file() {
    use KeyLengthHint::{Empty, LeadingSpace, RawWithNewline};

    for (content, expected) in [
        (Vec::new(), Empty),
        ([&[200; 32][..], b"\n"].concat(), RawWithNewline),
        (format!(" {HEX}").into_bytes(), LeadingSpace),
    ] {
        let cause = cause(content);
        assert!(
            matches!(cause, KeyErrorKind::Length { hint: Some(hint), .. } if hint == expected),
            "{cause:?}"
        );
    }
}

#[test]
fn refuses_a_list_without_keys_with_a_key_twice_or_too_long() {
    assert_eq!(cause("# none\n#\n"), KeyErrorKind::NoKeys);
    let twice = cause(format!("{}\n{}\n{}", hex_of(1), hex_of(2), *key(1).to_base64()));
    assert!(matches!(twice, KeyErrorKind::Duplicate { id, .. } if id == key(1).id()));
    let comment = format!("{}\n#", hex_of(1));
    let padded = |len: usize| format!("{comment:#<len$}");
    let dir = TempDir::new();
    has_keys(Keyring::from_file(file(&dir, padded(16 * 1024))), &[1]);
    let too_long = cause(padded(16 * 1024 + 1));
    assert!(matches!(too_long, KeyErrorKind::Length { found: 16_385, .. }), "{too_long:?}");
}

#[test]
fn an_environment_variable_may_hold_several_keys() {
    if child::in_child() {
        return has_keys(Keyring::from_env("SESSION_KEYS"), &[1, 2, 3]);
    }
    for between in [",", " ", ", ", "\n", "\r\n", " ,\t", "\n# older, by far\n"] {
        let value = format!("{}{between}{}{between}{}", hex_of(1), hex_of(2), *key(3).to_base64());
        child::run_in_child(
            module_path!(),
            "an_environment_variable_may_hold_several_keys",
            |exe| {
                let mut command = Command::new(exe);
                command.env("SESSION_KEYS", format!("{value}\n"));
                command
            },
        );
    }
}

#[test]
fn an_environment_variable_that_is_no_list_is_named_and_not_quoted() {
    if child::in_child() {
        let error = Keyring::from_env("SESSION_KEYS").unwrap_err();
        let text = format!("{error:?}");
        assert!(text.starts_with("cannot read a key from the environment variable SESSION_KEYS: "));
        let wanted = std::env::var("WANTED").unwrap();
        return assert!(text.contains(&wanted) && !text.contains("0101"), "{text}");
    }
    for (value, wanted) in [
        (String::new(), "found 0 bytes"),
        (" , ".to_owned(), "found 0 bytes"),
        (hex_of(1)[1..].to_owned(), "found 63 bytes"),
        (format!("{},{}", hex_of(2), &hex_of(1)[2..]), "key 2 of the list"),
        (format!("{0} {0}", hex_of(1)), "already contains"),
    ] {
        child::run_in_child(
            module_path!(),
            "an_environment_variable_that_is_no_list_is_named_and_not_quoted",
            |exe| {
                let mut command = Command::new(exe);
                command.env("SESSION_KEYS", value).env("WANTED", wanted);
                command
            },
        );
    }
}
