//! No key, token or plaintext in any `Debug` or `Display`.

use std::fmt::Debug;

#[cfg(feature = "passphrase")]
use sealed_session::Salt;
use sealed_session::{Codec, DecodeError, Key, Keyring, SessionKind, TestClock};
use serde::{Deserialize, Serialize};

use crate::support::{NamedLogin, START, ring};

/// No byte is the digits of another number that is printed.
const KEY: [u8; 32] = [
    0xf1, 0xe2, 0xd3, 0xc4, 0xb5, 0xa6, 0x97, 0x88, 0x79, 0x6a, 0x5b, 0x4c, 0x3d, 0x2e, 0x9f, 0xa0,
    0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x87, 0x98, 0x69, 0x7a, 0x4b, 0x5c, 0x2d, 0x3e, 0x8f, 0xb0,
];

fn key() -> Key {
    Key::from_bytes(KEY).unwrap()
}

fn codec() -> Codec<NamedLogin> {
    Codec::builder(Keyring::new(key())).clock(TestClock::at(START)).build().unwrap()
}

fn login() -> NamedLogin {
    NamedLogin { user: "Scheherazade".to_owned() }
}

/// Any six bytes of `secret` in a row, in each way that one might print them.
#[track_caller]
fn hides(secret: &[u8], shown: &str) {
    use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding as _};

    for bytes in secret.windows(6) {
        let list = format!("{bytes:?}");
        let list = list.trim_matches(['[', ']']);
        let hex_list: Vec<_> = bytes.iter().map(|byte| format!("{byte:x}")).collect();
        for form in [
            list.to_owned(),
            list.replace(' ', ""),
            hex::encode(bytes),
            hex::encode_upper(bytes),
            hex_list.join(", "),
            hex_list.join(" "),
            Base64Unpadded::encode_string(bytes),
            Base64UrlUnpadded::encode_string(bytes),
            String::from_utf8_lossy(bytes).into_owned(),
            bytes.escape_ascii().to_string(),
        ] {
            assert!(!shown.contains(&form), "{form:?} is in {shown:?}");
        }
    }
}

#[track_caller]
fn debug_hides(secret: &[u8], value: &impl Debug) {
    hides(secret, &format!("{value:?}"));
    hides(secret, &format!("{value:#?}").split_whitespace().collect::<String>());
    hides(secret, &format!("{value:02x?}"));
}

#[test]
fn the_check_itself_finds_a_key_however_it_is_printed() {
    for shown in [
        format!("{KEY:?}"),
        format!("{KEY:02x?}"),
        key().to_hex().to_string(),
        key().to_hex().to_uppercase(),
        key().to_base64().to_string(),
        String::from_utf8_lossy(&KEY).into_owned(),
    ] {
        let caught = std::panic::catch_unwind(|| hides(&KEY, &shown));
        assert!(caught.is_err(), "{shown}");
    }
}

#[test]
fn debug_of_a_key_says_only_that_it_is_one() {
    debug_hides(&KEY, &key());
    assert_eq!(format!("{:?}", key()), "Key(..)");
}

#[test]
fn debug_of_a_keyring_and_a_codec_leaks_no_key() {
    let ring = ring(&[7]);
    let ring = ring.with_previous(key()).unwrap();
    debug_hides(&KEY, &ring);
    debug_hides(&KEY, &Codec::<NamedLogin>::builder(ring.clone()));
    debug_hides(&KEY, &Codec::<NamedLogin>::new(ring).unwrap());
}

#[cfg(feature = "passphrase")]
#[test]
fn debug_of_a_salt_leaks_no_salt() {
    debug_hides(&KEY[..16], &Salt::from_slice(&KEY[..16]).unwrap());
}

#[test]
fn debug_of_an_opened_session_leaks_neither_data_nor_key() {
    let codec = codec();
    let opened = codec.decode(codec.encode(login()).unwrap()).unwrap();
    assert_eq!(opened.data.user, login().user);
    debug_hides(&KEY, &opened);
    debug_hides(login().user.as_bytes(), &opened);
}

#[test]
fn errors_of_key_text_do_not_quote_it() {
    let hex = key().to_hex();
    let base64 = key().to_base64();
    for text in [
        hex[1..].to_owned(),
        format!("{}g", &hex[1..]),
        format!("{}\n\n", &*hex),
        format!("{}*=", &base64[..42]),
        base64[1..].replace('=', "~~"),
        base64[..40].to_owned(),
    ] {
        let error = Key::parse(&text).unwrap_err();
        debug_hides(text.as_bytes(), &error);
        debug_hides(&KEY, &error);
        hides(text.as_bytes(), &error.to_string());
    }
    let error = Key::from_slice(&KEY[..31]).unwrap_err();
    debug_hides(&KEY, &error);
    hides(&KEY, &error.to_string());
}

#[cfg(feature = "passphrase")]
#[test]
fn the_error_of_a_passphrase_does_not_quote_it() {
    let passphrase = "far too short to be taken";
    let salt = Salt::from_bytes([1; 16]);
    let error = Key::from_passphrase(passphrase, &salt).unwrap_err();
    debug_hides(passphrase.as_bytes(), &error);
    hides(passphrase.as_bytes(), &error.to_string());
}

/// Neither the token, nor what is in it, nor the key.
#[track_caller]
fn quotes_nothing(token: &str, error: &DecodeError) {
    for secret in [token.as_bytes(), login().user.as_bytes(), &KEY] {
        debug_hides(secret, error);
        hides(secret, &error.to_string());
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            hides(secret, &error.to_string());
            source = error.source();
        }
    }
}

#[test]
fn errors_of_opening_quote_neither_token_nor_plaintext() {
    /// Reads what another kind wrote under the same name, so that it is opened but not understood.
    struct Other;
    impl SessionKind for Other {
        type Data = u64;
        const NAME: &'static str = "login";
    }

    let token = codec().encode(login()).unwrap();
    quotes_nothing(&token, &codec().decode(&token[1..]).unwrap_err());
    quotes_nothing(&token, &codec().decode_cookie_header(format!("login=x{token}")).unwrap_err());
    let other =
        Codec::<Other>::builder(Keyring::new(key())).clock(TestClock::at(START)).build().unwrap();
    quotes_nothing(&token, &other.decode(&token).unwrap_err());
}

#[test]
fn errors_of_sealing_do_not_quote_the_data() {
    /// Fails with what it should keep for itself.
    struct Talkative;
    impl Serialize for Talkative {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("Scheherazade is not to be written"))
        }
    }
    impl<'de> Deserialize<'de> for Talkative {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    impl SessionKind for Talkative {
        type Data = Self;
        const NAME: &'static str = "talkative";
    }

    let codec_of_talkative = Codec::<Talkative>::new(Keyring::new(key())).unwrap();
    let error = codec_of_talkative.encode(&Talkative).unwrap_err();
    debug_hides(b"Scheherazade", &error);
    hides(b"Scheherazade", &error.to_string());

    let user = "Scheherazade ".repeat(400);
    let error = codec().encode(&NamedLogin { user }).unwrap_err();
    debug_hides(b"Scheherazade", &error);
    hides(b"Scheherazade", &error.to_string());
}
