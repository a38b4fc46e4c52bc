//! Keys: every form in which one is taken, and every mistake that is named.

use sealed_session::{Key, KeyError, KeyErrorKind, KeyLengthHint, Keyring};

use crate::support::key;
use crate::{HEX, is_the_key, raw};

/// The same key.
const STANDARD: &str = "++++/wARIjNEVWZ3iZqrvM3e7/ASNFZ4mrze8QMlR2A";

#[track_caller]
fn parses(content: impl AsRef<[u8]>) {
    is_the_key(Key::parse(content));
}

/// The kind of the error, whose message must contain `words`.
#[track_caller]
fn fails(key: Result<Key, KeyError>, words: &[&str]) -> KeyErrorKind {
    let error = key.expect_err("a key came of it");
    let message = error.to_string();
    for words in words {
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
    error.kind().clone()
}

#[track_caller]
fn wrong_length(content: impl AsRef<[u8]>, words: &[&str]) {
    let len = content.as_ref().len();
    let kind = fails(Key::parse(&content), words);
    assert!(matches!(kind, KeyErrorKind::Length { found, .. } if found == len), "{kind:?}");
    let found = format!("found {len} bytes");
    fails(Key::parse(&content), &[&found, "expected a key (32 raw bytes"]);
}

#[track_caller]
fn wrong_text(key: Result<Key, KeyError>) {
    let kind = fails(key, &["is not valid"]);
    assert!(matches!(kind, KeyErrorKind::InvalidEncoding { .. }), "{kind:?}");
}

fn url_safe() -> String {
    STANDARD.replace('+', "-").replace('/', "_")
}

#[test]
fn accepts_32_raw_bytes() {
    is_the_key(Key::from_bytes(raw()));
    is_the_key(Key::from_slice(&raw()));
    parses(raw());
}

#[test]
fn accepts_hex_in_either_letter_case() {
    is_the_key(Key::from_hex(HEX));
    is_the_key(Key::from_hex(HEX.to_uppercase()));
    let mixed = HEX[..32].to_uppercase() + &HEX[32..];
    is_the_key(Key::from_hex(&mixed));
    parses(HEX);
    parses(mixed);
}

#[test]
fn accepts_base64_in_either_alphabet_with_or_without_padding() {
    for text in [STANDARD.to_owned(), url_safe()] {
        is_the_key(Key::from_base64(&text));
        is_the_key(Key::from_base64(format!("{text}=")));
        parses(&text);
        parses(format!("{text}="));
    }
}

#[test]
fn writes_hex_and_base64() {
    let key = Key::from_bytes(raw()).unwrap();
    assert_eq!(*key.to_hex(), HEX);
    assert_eq!(*key.to_base64(), format!("{STANDARD}="));
}

#[test]
fn accepts_text_with_one_line_ending() {
    for text in [HEX, STANDARD, &format!("{STANDARD}="), &url_safe()] {
        parses(format!("{text}\n"));
        parses(format!("{text}\r\n"));
    }
}

#[test]
fn refuses_text_with_more_than_one_line_ending_or_other_space() {
    for text in [HEX, STANDARD, &format!("{STANDARD}=")] {
        for (before, after) in [
            ("", "\n\n"),
            ("", "\r\n\r\n"),
            ("", "\n\r\n"),
            ("", "\r\r\n"),
            ("", "\r"),
            ("", "\n\r"),
            ("", " "),
            ("", " \n"),
            ("", "\t"),
            ("", "\0"),
            (" ", ""),
            ("\n", ""),
            ("\u{feff}", ""),
        ] {
            let content = format!("{before}{text}{after}");
            assert!(Key::parse(&content).is_err(), "{content:?}");
        }
    }
}

#[test]
fn recognizes_raw_bytes_by_their_length_alone() {
    // Whatever they look like: 31 hex digits and a newline are 32 bytes, and so are 32 newlines.
    for content in [format!("{}\n", &HEX[..31]), "\n".repeat(32), HEX[..32].to_owned()] {
        let key = Key::parse(&content).unwrap();
        assert_eq!(key.expose_secret(), content.as_bytes());
    }
}

#[test]
fn guesses_the_newline_that_an_editor_adds() {
    let guess = ["the last byte is a newline", "did an editor or a shell add it"];
    wrong_length([&raw()[..], b"\n"].concat(), &guess);
    wrong_length([&raw()[..], b"\r\n"].concat(), &guess);
}

#[test]
fn does_not_guess_a_newline_that_is_not_there() {
    let error = Key::parse([7; 33]).unwrap_err().to_string();
    assert!(!error.contains("newline"), "{error}");
}

#[test]
fn guesses_what_surrounds_a_key_as_text() {
    for text in [HEX, STANDARD, &format!("{STANDARD}=")] {
        let hints = |before: &str, after: &str, words: &str, expected: KeyLengthHint| {
            let content = format!("{before}{text}{after}");
            let found = content.len();
            // With a space, 43 characters are 44, which is a length of a key: that is another error.
            let counted = content.strip_suffix('\n').unwrap_or(&content).trim_end_matches('\r');
            if counted.len() == 44 {
                wrong_text(Key::parse(&content));
                return;
            }
            let kind = fails(Key::parse(&content), &[words]);
            assert!(
                matches!(kind, KeyErrorKind::Length { found: len, hint: Some(hint), .. }
                    if (len, hint) == (found, expected)),
                "{content:?}: {kind:?}"
            );
        };
        for after in ["", "\n", "\r\n"] {
            hints("\u{feff}", after, "a UTF-8 byte order mark", KeyLengthHint::ByteOrderMark);
            for before in [" ", "\t", "  ", "\n"] {
                hints(before, after, "begins with a space", KeyLengthHint::LeadingSpace);
            }
        }
        for after in ["\n\n", "\r\n\r\n", "\n\n\n"] {
            hints("", after, "more than one line ending", KeyLengthHint::LineEndings);
        }
        for after in [" ", "  \n", "\t\n"] {
            hints("", after, "ends with a space", KeyLengthHint::TrailingSpace);
        }
    }
}

#[test]
fn guesses_a_redirection_in_powershell() {
    let utf16 = |text: &str| -> Vec<u8> {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect()
    };
    for content in [utf16(&format!("{HEX}\r\n")), utf16(&format!("{STANDARD}=\r\n"))] {
        wrong_length(content, &["UTF-16", "genkey --output"]);
    }
}

#[test]
fn does_not_guess_spaces_around_something_that_is_not_a_key() {
    for content in [format!(" {}", &HEX[3..]), " ".repeat(65), "x".repeat(65)] {
        let kind = fails(Key::parse(&content), &[]);
        assert!(matches!(kind, KeyErrorKind::Length { hint: None, .. }), "{content:?}: {kind:?}");
    }
}

#[test]
fn guesses_the_reason_for_other_lengths() {
    wrong_length([7; 31], &["one byte is missing"]);
    wrong_length([], &["did the command that writes it fail?"]);
    wrong_length([7; 16], &["a smaller cipher"]);
    wrong_length([7; 24], &["a smaller cipher"]);
    wrong_length([&[7; 63][..], b"\n"].concat(), &["63 hex digits and a newline"]);
    wrong_length([7; 1000], &[]);
}

#[test]
fn refuses_the_wrong_length_in_each_form() {
    for len in (0..100).filter(|len| *len != 32) {
        let kind = fails(Key::from_slice(&vec![7; len]), &[]);
        assert!(matches!(kind, KeyErrorKind::Length { found, .. } if found == len));
    }
    for len in (0..100).filter(|len| *len != 64) {
        let kind = fails(Key::from_hex("a".repeat(len)), &[]);
        assert!(matches!(kind, KeyErrorKind::Length { found, .. } if found == len));
    }
    for len in (0..100).filter(|len| ![43, 44].contains(len)) {
        let kind = fails(Key::from_base64("A".repeat(len)), &[]);
        assert!(matches!(kind, KeyErrorKind::Length { found, .. } if found == len));
    }
}

#[test]
fn guesses_nothing_about_a_key_in_another_form() {
    for key in [
        Key::from_slice(&[7; 64]),
        Key::from_hex("a".repeat(43)),
        Key::from_hex("a".repeat(44)),
        Key::from_base64("a".repeat(64)),
    ] {
        let kind = fails(key, &[]);
        assert!(matches!(kind, KeyErrorKind::Length { hint: None, .. }), "{kind:?}");
    }
}

#[test]
fn refuses_hex_with_any_other_character() {
    for at in 0..64 {
        for other in ["g", "G", "/", ":", "@", "`", " ", "\0", "-"] {
            let mut text = HEX.to_owned();
            text.replace_range(at..=at, other);
            wrong_text(Key::from_hex(&text));
            wrong_text(Key::parse(&text));
        }
    }
}

#[test]
fn refuses_base64_with_any_other_character() {
    for at in 0..43 {
        for other in [".", ",", "*", "=", " ", "\n", "\0", "@", "["] {
            let mut text = STANDARD.to_owned();
            text.replace_range(at..=at, other);
            wrong_text(Key::from_base64(&text));
            wrong_text(Key::from_base64(format!("{text}=")));
        }
    }
}

#[test]
fn refuses_a_mixture_of_the_alphabets() {
    for (from, to) in [("+", "-"), ("/", "_")] {
        let text = STANDARD.replacen(from, to, 1);
        wrong_text(Key::from_base64(&text));
        wrong_text(Key::from_base64(format!("{text}=")));
    }
}

#[test]
fn refuses_base64_whose_unused_bits_are_not_zero() {
    assert!(STANDARD.ends_with('A'));
    for last in ["B", "C", "D"] {
        for text in [&url_safe(), STANDARD] {
            let text = format!("{}{last}", &text[..42]);
            wrong_text(Key::from_base64(&text));
            wrong_text(Key::from_base64(format!("{text}=")));
        }
    }
}

#[test]
fn refuses_base64_with_the_wrong_padding() {
    wrong_text(Key::from_base64(format!("{}==", &STANDARD[..42])));
    wrong_text(Key::from_base64(format!("{}=", &STANDARD[..42])));
    wrong_text(Key::from_base64(format!("{STANDARD}A")));
}

#[test]
fn refuses_a_key_of_zeros_in_every_form() {
    let zero_text = "A".repeat(43);
    for key in [
        Key::from_bytes([0; 32]),
        Key::from_slice(&[0; 32]),
        Key::from_hex("0".repeat(64)),
        Key::from_base64(&zero_text),
        Key::from_base64(format!("{zero_text}=")),
        Key::parse([0; 32]),
        Key::parse(format!("{}\n", "0".repeat(64))),
    ] {
        assert_eq!(fails(key, &["all zeros"]), KeyErrorKind::AllZero);
    }
}

#[test]
fn accepts_a_key_with_a_single_bit_set() {
    for bit in 0..256 {
        let mut bytes = [0; 32];
        bytes[bit / 8] = 1 << (bit % 8);
        assert!(Key::from_bytes(bytes).is_ok());
    }
}

#[test]
fn generates_a_different_key_each_time() {
    assert_ne!(Key::generate().unwrap(), Key::generate().unwrap());
}

#[test]
fn keys_are_equal_only_if_every_bit_is_equal() {
    let key = Key::from_bytes(raw()).unwrap();
    assert_eq!(key, Key::from_hex(HEX).unwrap());
    for bit in 0..256 {
        let mut bytes = raw();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(key, Key::from_bytes(bytes).unwrap());
    }
}

/// The ids are from Python's `hashlib`:
/// `blake2b(key=key, person=b"sealed-sessionid", digest_size=32).hexdigest()[:8]`.
#[test]
fn the_id_of_a_key_is_what_python_computes() {
    let counted: Vec<u8> = (0..32).collect();
    for (key, id) in [
        (&[1; 32][..], "0971c7dc"),
        (&[7; 32], "4b596b61"),
        (&[255; 32], "95f08861"),
        (&raw(), "5eb7efee"),
        (&counted, "a0c92e07"),
    ] {
        assert_eq!(Key::from_slice(key).unwrap().id().to_string(), id);
    }
}

#[test]
fn the_id_of_a_key_does_not_depend_on_its_encoding() {
    let ids = [
        Key::from_bytes(raw()).unwrap(),
        Key::from_hex(HEX).unwrap(),
        Key::from_base64(STANDARD).unwrap(),
    ]
    .map(|key| key.id());
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn an_id_is_printed_as_8_lower_case_hex_digits_with_leading_zeros() {
    let id = key(1).id();
    assert_eq!(format!("{id} {id:?}"), "0971c7dc 0971c7dc");
}

#[test]
fn ids_are_ordered_as_they_are_printed() {
    let mut ids: Vec<_> = (1..=64).map(|byte| key(byte).id()).collect();
    ids.sort();
    let printed: Vec<_> = ids.iter().map(ToString::to_string).collect();
    assert!(printed.is_sorted());
    let distinct: std::collections::HashSet<_> = ids.into_iter().collect();
    assert_eq!(distinct.len(), 64);
}

#[test]
fn a_keyring_refuses_a_key_that_it_already_contains() {
    let ring = Keyring::new(key(1)).with_previous(key(2)).unwrap();
    assert_eq!(ring.len(), 2);
    for again in [1, 2] {
        let error = ring.clone().with_previous(key(again)).unwrap_err();
        assert!(
            matches!(error.kind(), KeyErrorKind::Duplicate { id, .. } if *id == key(again).id())
        );
        let id = if again == 1 { "0971c7dc" } else { "368bf21c" };
        assert_eq!(
            error.to_string(),
            format!("the keyring already contains the key with the id {id}")
        );
    }
    assert_eq!(ring.with_previous(key(3)).unwrap().len(), 3);
}

#[cfg(feature = "fastify")]
#[test]
fn a_keyring_names_the_node_key_that_it_already_contains() {
    let error = Keyring::fastify(key(1)).with_previous_fastify(key(1)).unwrap_err();
    assert!(matches!(error.kind(), KeyErrorKind::Duplicate { id, .. } if *id == key(1).id()));
}
