//! The native token against libsodium, and against everything that is nearly a token.
//!
//! `vectors/native.json` is written by `vectors/native.py` with libsodium (`PyNaCl`). Its
//! sub-keys also open what the crate seals.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use sealed_session::DecodeErrorKind::{self, Malformed, NoMatchingKey, TooLong};
use sealed_session::{Codec, CookieOptions, Dynamic, Key, Keyring, SessionKind, TestClock};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::support::Raw;

#[derive(Deserialize)]
struct Vectors {
    open: Vec<Opens>,
    refused: Vec<Refused>,
}

/// Times are in milliseconds, timeouts in seconds.
#[derive(Deserialize)]
struct Opens {
    case: String,
    key: String,
    name: String,
    subkey: String,
    nonce: String,
    id: String,
    created_at: u64,
    refreshed_at: u64,
    idle_timeout: u64,
    own_idle_timeout: bool,
    header: String,
    json: String,
    token: String,
    now: u64,
    expires_at: u64,
}

#[derive(Deserialize)]
struct Refused {
    case: String,
    key: String,
    name: String,
    token: String,
    now: u64,
    kind: String,
}

const MAX_TIMEOUT: u64 = (1 << 31) - 1;

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/native.json")).unwrap()
}

fn clock(millis: u64) -> TestClock {
    let clock = TestClock::at(0);
    clock.advance(Duration::from_millis(millis));
    clock
}

fn time(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

fn codec<K: SessionKind>(key: &str, name: &str, now: u64) -> Codec<K> {
    Codec::builder(Keyring::new(Key::from_hex(key).unwrap()))
        .cookie(CookieOptions::new().name(name.to_owned()))
        .clock(clock(now))
        .build()
        .unwrap()
}

/// Small tokens whose lengths leave 0, 2 and 4 unused bits in the last character.
fn small_tokens() -> Vec<Opens> {
    let mut small = vectors().open;
    small.retain(|vector| vector.token.len() < 150 && vector.name == "session");
    small.sort_by_key(|vector| vector.token.len() % 4);
    small.dedup_by_key(|vector| vector.token.len() % 4);
    let classes: Vec<_> = small.iter().map(|v| v.token.len() % 4).collect();
    assert_eq!(classes, [0, 2, 3]);
    small
}

#[track_caller]
fn refuses(vector: &Opens, token: impl AsRef<[u8]>, kinds: &[DecodeErrorKind]) {
    let token = token.as_ref();
    let shown = String::from_utf8_lossy(token);
    match codec::<Raw>(&vector.key, &vector.name, vector.now).decode(token) {
        Ok(_) => panic!("{}: {shown:?} opens", vector.case),
        Err(error) => assert!(
            kinds.contains(error.kind()),
            "{}: {shown:?} is refused as {:?}",
            vector.case,
            error.kind()
        ),
    }
}

#[test]
fn opens_what_libsodium_sealed() {
    for vector in vectors().open {
        let case = &vector.case;
        let decoded = codec::<Raw>(&vector.key, &vector.name, vector.now)
            .decode(&vector.token)
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(decoded.data.get(), vector.json.trim(), "{case}");
        let info = decoded.info;
        assert_eq!(info.id.map(|id| id.to_string()), Some(vector.id), "{case}");
        assert_eq!(info.created_at, Some(time(vector.created_at)), "{case}");
        assert_eq!(info.refreshed_at, time(vector.refreshed_at), "{case}");
        assert_eq!(info.expires_at, time(vector.expires_at), "{case}");
        let own = vector.own_idle_timeout.then(|| Duration::from_secs(vector.idle_timeout));
        assert_eq!(info.own_idle_timeout, own, "{case}");
        assert_eq!(info.key_index, 0, "{case}");
    }
}

#[test]
fn opens_what_libsodium_sealed_as_a_dynamic_session() {
    for vector in vectors().open {
        let codec = codec::<Dynamic>(&vector.key, &vector.name, vector.now);
        let decoded = codec.decode(&vector.token);
        assert!(decoded.is_ok(), "{}: {decoded:?}", vector.case);
    }
}

#[test]
fn refuses_what_libsodium_sealed_but_is_not_a_session() {
    for vector in vectors().refused {
        let codec = codec::<Dynamic>(&vector.key, &vector.name, vector.now);
        let error = codec.decode(&vector.token).expect_err(&vector.case);
        assert_eq!(format!("{:?}", error.kind()), vector.kind, "{}", vector.case);
    }
}

#[test]
fn seals_what_opens_under_libsodiums_sub_key() {
    for vector in vectors().open {
        let case = &vector.case;
        // The codec's timeouts are the vector's, so that the header must be the same to the bit.
        let codec = Codec::<Raw>::builder(Keyring::new(Key::from_hex(&vector.key).unwrap()))
            .cookie(CookieOptions::new().name(vector.name.clone()))
            .idle_timeout(Duration::from_secs(vector.idle_timeout))
            .absolute_timeout(Duration::from_secs(MAX_TIMEOUT))
            .clock(clock(vector.now))
            .build()
            .unwrap();
        let token = codec
            .reseal(&codec.decode(&vector.token).unwrap())
            .unwrap_or_else(|error| panic!("{case}: {error}"));

        let bytes = Base64UrlUnpadded::decode_vec(&token).unwrap();
        let (nonce, sealed) = bytes.split_at(24);
        let (tag, ciphertext) = sealed.split_at(16);
        assert_ne!(hex::encode(nonce), vector.nonce, "{case}: a nonce twice");
        let subkey = hex::decode(&vector.subkey).unwrap();
        let mut plaintext = ciphertext.to_vec();
        XSalsa20Poly1305::new_from_slice(&subkey)
            .unwrap()
            .decrypt_in_place_detached(nonce.into(), &[], &mut plaintext, tag.into())
            .unwrap_or_else(|_| panic!("{case}: another key, or another framing"));
        let (header, json) = plaintext.split_at(vector.header.len() / 2);
        assert_eq!(hex::encode(header), vector.header, "{case}: the id and the times, too");
        assert_eq!(json, vector.json.trim().as_bytes(), "{case}");
    }
}

#[test]
fn seals_the_same_data_differently_each_time() {
    let codec = codec::<Raw>(&"07".repeat(32), "session", 1_700_000_000_000);
    let data = RawValue::from_string("{}".to_owned()).unwrap();
    let tokens: std::collections::HashSet<_> =
        (0..5_000).map(|_| codec.encode(&data).unwrap()[..32].to_owned()).collect();
    assert_eq!(tokens.len(), 5_000, "24 bytes of nonce are 32 characters");
}

#[test]
fn refuses_every_flipped_bit_of_the_text() {
    for vector in small_tokens() {
        let codec = codec::<Raw>(&vector.key, &vector.name, vector.now);
        for bit in 0..vector.token.len() * 8 {
            let mut token = vector.token.clone().into_bytes();
            token[bit / 8] ^= 1 << (bit % 8);
            let kind = codec.decode(&token).map(|_| ()).map_err(|e| *e.kind());
            assert!(
                matches!(kind, Err(NoMatchingKey | Malformed)),
                "{}, bit {bit}: {kind:?}",
                vector.case
            );
        }
    }
}

#[test]
fn refuses_every_flipped_bit_of_the_bytes_as_forged() {
    for vector in small_tokens() {
        let codec = codec::<Raw>(&vector.key, &vector.name, vector.now);
        let bytes = Base64UrlUnpadded::decode_vec(&vector.token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let token = Base64UrlUnpadded::encode_string(&bytes);
            let kind = codec.decode(token).map(|_| ()).map_err(|e| *e.kind());
            assert_eq!(kind, Err(NoMatchingKey), "{}, bit {bit}", vector.case);
        }
    }
}

#[test]
fn refuses_every_other_form_of_the_last_character() {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for vector in small_tokens() {
        let (last, rest) = vector.token.as_bytes().split_last().unwrap();
        for other in ALPHABET.iter().filter(|other| *other != last) {
            refuses(&vector, [rest, &[*other]].concat(), &[NoMatchingKey, Malformed]);
        }
    }
}

#[test]
fn refuses_every_truncation() {
    for vector in small_tokens() {
        for len in 0..vector.token.len() {
            refuses(&vector, &vector.token[..len], &[NoMatchingKey, Malformed]);
            refuses(
                &vector,
                &vector.token[vector.token.len() - len..],
                &[NoMatchingKey, Malformed],
            );
        }
    }
}

#[test]
fn refuses_every_insertion() {
    for vector in small_tokens() {
        for at in 0..=vector.token.len() {
            for inserted in ["A", "_", "AAAA", "=", "+", "%", ";", " ", "\n", "\0", "é"] {
                let mut token = vector.token.clone();
                token.insert_str(at, inserted);
                refuses(&vector, token, &[NoMatchingKey, Malformed]);
            }
        }
    }
}

#[test]
fn refuses_padding() {
    for vector in small_tokens() {
        for padding in ["=", "==", "==="] {
            refuses(&vector, format!("{}{padding}", vector.token), &[Malformed]);
        }
    }
}

#[test]
fn refuses_the_standard_alphabet() {
    let mut seen = 0;
    for vector in vectors().open {
        let standard = vector.token.replace('-', "+").replace('_', "/");
        if standard != vector.token {
            refuses(&vector, standard, &[Malformed]);
            seen += 1;
        }
    }
    assert!(seen > 10);
}

#[test]
fn refuses_another_key() {
    for mut vector in vectors().open {
        vector.key = hex::encode([0x55; 32]);
        refuses(&vector, &vector.token, &[NoMatchingKey]);
    }
}

#[test]
fn refuses_another_name() {
    let mut seen = 0;
    for mut vector in vectors().open {
        vector.name = format!("{:.254}x", vector.name);
        if vector.name.len() + vector.token.len() <= 4096 {
            refuses(&vector, &vector.token, &[NoMatchingKey]);
            seen += 1;
        }
    }
    assert!(seen > 30);
}

#[test]
fn refuses_an_empty_token_and_tokens_of_zeros() {
    for vector in small_tokens() {
        refuses(&vector, "", &[Malformed]);
        // 24 bytes of nonce, 16 of tag and 32 of header; and one byte less.
        refuses(&vector, "A".repeat(96), &[NoMatchingKey]);
        refuses(&vector, "A".repeat(95), &[Malformed]);
    }
}

#[test]
fn does_not_decode_a_token_longer_than_a_cookie() {
    for vector in small_tokens() {
        let room = 4096 - vector.name.len();
        // Even what is no base64 at all: its length alone is looked at.
        refuses(&vector, "é".repeat(room), &[TooLong]);
        refuses(&vector, "A".repeat(room + 1), &[TooLong]);
        refuses(&vector, "A".repeat(room), &[Malformed]);
        refuses(&vector, "A".repeat(room - 1), &[NoMatchingKey]);
        refuses(&vector, "A".repeat(1 << 20), &[TooLong]);
    }
}
