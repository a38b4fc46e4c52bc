//! The cookies of Node's `@fastify/secure-session`, read and written; and the move away from them.
//!
//! `vectors/fastify.json` is written by the plugin itself (`interop/node/vectors.mjs`). What Node
//! takes and this crate does not is in `lax.rs`.

use std::time::Duration;

use sealed_session::{
    Codec, CookieOptions, DecodeErrorKind, Dynamic, EncodeErrorKind, Entries, FastifyKey, Key,
    Keyring, SessionKind, TestClock,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::support::fastify::{
    EXPIRY, Vector, builder, codec, derived_secret, find, open, seal, seal_bare, seven, sign,
    vectors,
};
use crate::support::{Browser, START, at, entries, key, percent_encode, seconds, secs};

/// The key that the peer makes of a passphrase; `keys/passphrase.rs` tests that this crate does, too.
fn derived(vector: &Vector) -> Option<Key> {
    let known = match (vector.secret.as_deref()?, vector.salt.as_deref()) {
        ("averylogphrasebiggerthanthirtytwochars", Some("mq9hDxBVDbspDR6n")) => {
            "fa4edddde76d7a8f4a7d89b3a93effcc51d9e7bf176b6441c5d82a3b86c2f82b"
        }
        ("averylogphrasebiggerthanthirtytwochars", None) => {
            "b26d7bb1252a79d7f24e1af3ba192dda3fb33e965905edcff87493ace649b67e"
        }
        _ => return Some(derive(vector)),
    };
    Some(Key::from_hex(known).unwrap())
}

#[cfg(feature = "passphrase")]
fn derive(vector: &Vector) -> Key {
    use sealed_session::Salt;

    // The peer takes one byte of each of the salt's characters.
    let salt: Option<Vec<u8>> =
        vector.salt.as_deref().map(|salt| salt.chars().map(|c| c as u8).collect());
    let salt = salt.map_or(Salt::FASTIFY_DEFAULT, |salt| Salt::from_slice(&salt).unwrap());
    Key::from_passphrase(vector.secret.as_deref().unwrap(), &salt).unwrap()
}

#[cfg(not(feature = "passphrase"))]
fn derive(vector: &Vector) -> Key {
    unreachable!("{}: nothing here derives its key", vector.name);
}

/// The ring of a vector, as the peer is configured for it.
fn ring(vector: &Vector) -> Keyring {
    let derived = derived(vector);
    let keys = match &derived {
        Some(key) => vec![key.clone()],
        None => vector.keys.iter().map(|hex| Key::from_hex(hex).unwrap()).collect(),
    };
    let mut keys = keys.into_iter().map(|key| match (vector.signed, &vector.secret) {
        (false, _) => key.into(),
        (true, None) => FastifyKey::signed(key),
        (true, Some(secret)) => FastifyKey::signed_with_secret(key, secret),
    });
    let primary = keys.next().unwrap();
    keys.fold(Keyring::fastify(primary), |ring, key| ring.with_previous_fastify(key).unwrap())
}

fn codec_of(vector: &Vector) -> Codec<Dynamic> {
    builder(ring(vector))
        .idle_timeout(Duration::from_secs(vector.expiry))
        .clock(TestClock::at(vector.now as u64))
        .build()
        .unwrap()
}

/// Both sides read the same of it.
#[track_caller]
fn agrees_with_node(vector: &Vector) {
    let name = &vector.name;
    let opened = codec_of(vector).decode(&vector.cookie);
    if !vector.node.accepted {
        assert!(opened.is_err(), "{name}: Node refuses it");
        return;
    }
    let opened = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
    let (found, wanted) = (json(&opened.data), vector.node.data.as_deref().unwrap());
    // Where half a surrogate or a deep nesting is in it, the text must be the same.
    match (serde_json::from_str::<Value>(&found), serde_json::from_str::<Value>(wanted)) {
        (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{name}"),
        _ => assert_eq!(found, wanted, "{name}"),
    }
    assert_eq!(
        Value::from(secs(opened.info.refreshed_at)),
        *vector.node.ts.as_ref().unwrap(),
        "{name}"
    );
    assert_eq!(
        opened.info.expires_at,
        opened.info.refreshed_at + Duration::from_secs(vector.expiry),
        "{name}"
    );
    assert_eq!(opened.info.created_at, None, "{name}");
    assert_eq!(opened.info.key_index > 0, vector.node.reseals, "{name}");
}

fn json(entries: &Entries) -> String {
    serde_json::to_string(entries).unwrap()
}

#[test]
fn reads_what_node_wrote_and_refuses_what_node_refuses() {
    // Keeping the sessions of an older signing key is this crate's alone (`lax.rs`).
    let written = vectors().written.into_iter().filter(|v| v.name != "signed by an older key");
    // Of these no key is known above.
    let known = written.filter(|v| cfg!(feature = "passphrase") || !v.name.contains("not ASCII"));
    let count = known.inspect(agrees_with_node).count();
    assert!(count > 80, "{count}");
}

#[test]
fn reads_the_short_forms_that_node_reads() {
    let strict = vectors().lax.into_iter().filter(|vector| vector.note.starts_with("strict"));
    let count = strict.inspect(agrees_with_node).count();
    assert!(count > 8, "{count}");
}

#[test]
fn refuses_what_node_refuses_or_fails_on() {
    let refused = vectors().lax.into_iter().filter(|v| !v.node.accepted);
    // What this crate takes beyond Node: `an_unescaped_separator_opens_outside_a_cookie_header`, and the
    // signatures of older keys.
    let beyond = ["spelling: a raw semicolon", "signature: of an older key"];
    let count = refused
        .filter(|vector| !beyond.contains(&vector.name.as_str()))
        .inspect(agrees_with_node)
        .count();
    assert!(count > 30, "{count}");
}

#[test]
fn reads_the_vector_that_anybody_can_generate() {
    let token =
        "5FJpIeb+eJ3NQkB9oIitRfLJHYFas9zeBXT2HoXqvx68oQjDVft50h4=;AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    assert_eq!(seal_bare(7, r#"{"__ts":1700000000,"a":1}"#), token);
    for cookie in [token.to_owned(), percent_encode(token)] {
        let opened = seven().decode(cookie).unwrap();
        assert_eq!(
            (json(&opened.data).as_str(), opened.info.refreshed_at),
            (r#"{"a":1}"#, at(START))
        );
    }
}

#[test]
fn with_several_sessions_the_secret_of_the_last_one_signs_all() {
    let vector = find(vectors().written, "signed, one of two sessions");
    let secret = derived_secret(&hex::decode(&vector.signing_keys[0]).unwrap());
    let key = FastifyKey::signed_with_secret(Key::from_hex(&vector.keys[0]).unwrap(), secret);
    assert!(codec(Keyring::fastify(key)).decode(vector.cookie).is_ok());
}

#[test]
fn writes_the_shortest_form_that_node_reads() {
    for (data, plaintext) in [
        ("{}", r#"{"__ts":1700000000}"#),
        (r#"{"a":1}"#, r#"{"a":1,"__ts":1700000000}"#),
        (r#"{"a":"Grüße 😀","10":[]}"#, r#"{"a":"Grüße 😀","10":[],"__ts":1700000000}"#),
        (r#"{"a":1 }"#, r#"{"a":1,"__ts":1700000000}"#),
    ] {
        let token = seven().encode(entries(data)).unwrap();
        assert_eq!(open(7, &token), plaintext);
        assert_eq!(token.len(), ((16 + plaintext.len()) * 4).div_ceil(3) + 3 + 32);
    }
}

#[test]
fn signs_the_token_as_it_is_before_percent_encoding() {
    let secret = "a secret of the application's own";
    for (key, secret) in [
        (FastifyKey::signed(key(7)), derived_secret(&[7; 32])),
        (FastifyKey::signed_with_secret(key(7), secret), secret.to_owned()),
    ] {
        let cookie = codec(Keyring::fastify(key)).encode(entries(r#"{"a":1}"#)).unwrap();
        let token = cookie.split('.').next().unwrap().replace("%3B", ";");
        assert_eq!(cookie.replace("%3B", ";"), sign(&secret, &token));
    }
}

#[test]
fn derives_the_signing_secret_as_node_does() {
    let known = "17cdc7bca3f2a0bda60c6de5b96f82a36239b44bde397a3862d529ba8b3d7c62";
    assert_eq!(derived_secret(&[7; 32]), known);
    let cookie = sign(known, &seal_bare(7, r#"{"__ts":1700000000}"#));
    let codec = codec(Keyring::fastify(FastifyKey::signed(key(7))));
    assert!(codec.decode(cookie).is_ok());
}

#[test]
fn accepts_exactly_as_much_as_a_browser_stores() {
    for (ring, most) in
        [(Keyring::fastify(key(7)), 2998), (Keyring::fastify(FastifyKey::signed(key(7))), 2965)]
    {
        let codec = codec(ring);
        let of = |len| codec.encode(entries(&format!(r#"{{"a":"{}"}}"#, "x".repeat(len))));
        let token = of(most).unwrap();
        assert!("session".len() + token.len() <= 4096);
        assert!(codec.decode(token).is_ok());
        assert!(matches!(of(most + 1).unwrap_err().kind(), EncodeErrorKind::TooLarge(_)));
    }
}

/// A kind without content.
#[derive(Serialize, Deserialize, Clone)]
struct Nothing {}

impl SessionKind for Nothing {
    type Data = Self;
    const NAME: &'static str = "nothing";
}

#[cfg(feature = "axum")]
#[test]
fn an_empty_object_is_counted_as_long_as_it_is() {
    let token = builder::<Nothing>(Keyring::fastify(key(8))).build().unwrap();
    let room = 256 - "=".len() - token.encode(Nothing {}).unwrap().len();
    for (name, fits) in [(room, true), (room + 1, false)] {
        let cookie = CookieOptions::new().name("n".repeat(name));
        let builder = builder::<Nothing>(Keyring::fastify(key(7))).max_cookie_header(256);
        let codec = builder.cookie(cookie).build().unwrap();
        Browser::new().visit(&codec, move |session| {
            assert_eq!(session.set(Nothing {}).is_ok(), fits, "{name}");
            Ok(())
        });
    }
}

#[test]
fn only_an_object_can_be_sealed() {
    struct List;
    impl SessionKind for List {
        type Data = Vec<u8>;
        const NAME: &'static str = "session";
    }
    let codec = builder::<List>(Keyring::fastify(key(7))).build().unwrap();
    assert_eq!(codec.encode(vec![1]).unwrap_err().kind(), &EncodeErrorKind::NotAnObject);
}

/// All that one flipped bit of a cookie leaves that still opens.
fn opens_when_flipped(codec: &Codec<Dynamic>, cookie: &str) -> Vec<String> {
    let mut opened = Vec::new();
    for at in 0..cookie.len() * 8 {
        let mut bytes = cookie.as_bytes().to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        if codec.decode(&bytes).is_ok() {
            opened.push(String::from_utf8(bytes).unwrap());
        }
    }
    opened
}

#[test]
fn only_the_letter_case_of_an_escape_may_be_flipped() {
    let signing = codec(Keyring::fastify(FastifyKey::signed(key(7))));
    let dated = |n: usize| format!(r#"{{"__ts":1700000000,"a":"{}"}}"#, "x".repeat(n));
    for n in 0..6 {
        let wide = seal(7, dated(n));
        let signed = percent_encode(&sign(&derived_secret(&[7; 32]), &seal_bare(7, dated(n))));
        let written = |codec: &Codec<_>| codec.encode(entries(r#"{"a":1}"#)).unwrap();
        for (codec, cookie) in [
            (&seven(), wide),
            (&seven(), written(&seven())),
            (&signing, signed),
            (&signing, written(&signing)),
        ] {
            assert!(codec.decode(&cookie).is_ok());
            let passed = opens_when_flipped(codec, &cookie);
            assert_eq!(passed.len(), cookie.matches('%').count());
            for flipped in passed {
                assert!(flipped.eq_ignore_ascii_case(&cookie));
                let at = flipped.bytes().zip(cookie.bytes()).position(|(a, b)| a != b).unwrap();
                assert_eq!(&flipped[at - 2..at - 1], "%");
            }
        }
    }
}

#[test]
fn expires_in_the_same_second_as_in_node() {
    let clock = crate::support::fastify::clock();
    let codec = builder::<Dynamic>(Keyring::fastify(key(7))).clock(clock.clone()).build().unwrap();
    let cookie = seal(7, r#"{"__ts":1700000000}"#);
    clock.set(START + EXPIRY - 1);
    assert!(codec.decode(&cookie).is_ok());
    clock.set(START + EXPIRY);
    assert_eq!(codec.decode(&cookie).unwrap_err().kind(), &DecodeErrorKind::Expired);
}

#[test]
fn a_reseal_keeps_the_time() {
    let ring = Keyring::fastify(key(8)).with_previous_fastify(key(7)).unwrap();
    let codec = builder::<Dynamic>(ring).clock(TestClock::at(START + 50)).build().unwrap();
    let opened = codec.decode(seal(7, r#"{"a":1,"__ts":1700000000}"#)).unwrap();
    assert_eq!(opened.info.key_index, 1);
    let token = codec.reseal(&opened).unwrap();
    assert_eq!(open(8, &token), r#"{"a":1,"__ts":1700000000}"#);
}

#[test]
fn the_time_may_stand_anywhere() {
    for plaintext in [
        r#"{"__ts":1700000000,"a":1,"b":2}"#,
        r#"{"a":1,"__ts":1700000000,"b":2}"#,
        r#"{"a":1,"b":2,"__ts":1700000000}"#,
        " { \"a\" : 1 , \"\\u005f_ts\" : 1700000000 , \"b\" : 2 } \n",
    ] {
        let opened = seven().decode(seal(7, plaintext)).unwrap();
        let names: Vec<_> = opened.data.names().collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(opened.data.get::<u8>("b").unwrap(), Some(2));
    }
}

#[test]
fn a_fastify_token_cannot_carry_a_per_session_idle_timeout() {
    let mut opened = seven().decode(seal(7, r#"{"__ts":1700000000}"#)).unwrap();
    opened.info.own_idle_timeout = Some(Duration::from_secs(60));
    let error = seven().reseal(&opened).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::NoRoomForIdleTimeout);
}

#[test]
fn an_expiry_may_exceed_the_absolute_timeout_that_the_token_does_not_have() {
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    assert!(builder::<Dynamic>(Keyring::fastify(key(7))).idle_timeout(year).build().is_ok());
    assert!(builder::<Dynamic>(Keyring::new(key(7))).idle_timeout(year).build().is_err());
}

mod moving {
    use super::*;

    const COOKIE: &str = r#"{"__ts":1700000000,"user":{"id":7}}"#;

    fn ring() -> Keyring {
        Keyring::new(key(8)).with_previous_fastify(key(7)).unwrap()
    }

    #[test]
    fn a_session_of_node_comes_back_in_the_native_token() {
        let clock = TestClock::at(START + 50);
        let codec = builder::<Dynamic>(ring()).clock(clock.clone()).build().unwrap();
        let opened = codec.decode(seal(7, COOKIE)).unwrap();
        assert_eq!((opened.info.key_index, opened.info.created_at), (1, None));
        let token = codec.reseal(&opened).unwrap();
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));

        let native = builder::<Dynamic>(Keyring::new(key(8))).clock(clock).build().unwrap();
        let moved = native.decode(token).unwrap();
        assert_eq!((moved.info.created_at, moved.info.refreshed_at), (Some(at(START)), at(START)));
        assert_eq!(json(&moved.data), r#"{"user":{"id":7}}"#);
    }

    #[test]
    fn a_native_session_comes_back_in_the_token_of_node() {
        let back = codec(Keyring::fastify(key(7)).with_previous(key(8)).unwrap());
        let native = codec(ring()).encode(entries(r#"{"a":1}"#)).unwrap();
        let opened = back.decode(native).unwrap();
        assert_eq!(opened.info.key_index, 1);
        let token = back.reseal(&opened).unwrap();
        assert_eq!(open(7, &token), r#"{"a":1,"__ts":1700000000}"#);
    }

    #[test]
    fn a_native_session_refreshed_by_a_clock_that_went_back_lives_from_its_creation() {
        let back = codec(Keyring::fastify(key(7)).with_previous(key(8)).unwrap());
        let native = codec(ring()).encode(entries(r#"{"a":1}"#)).unwrap();
        let mut opened = back.decode(native).unwrap();
        opened.info.created_at = Some(at(START + 5));
        let token = back.reseal(&opened).unwrap();
        assert_eq!(open(7, &token), r#"{"a":1,"__ts":1700000005}"#);
    }

    #[test]
    fn a_native_key_opens_no_token_of_node() {
        let native = codec(Keyring::new(key(7)));
        assert!(native.decode(seal(7, COOKIE)).is_err());
        let fastify = codec(Keyring::fastify(key(7)));
        assert!(fastify.decode(native.encode(entries("{}")).unwrap()).is_err());
    }

    #[cfg(feature = "axum")]
    #[test]
    fn a_request_reseals_a_session_only_the_first_time() {
        use sealed_session::Session;

        let mut browser = Browser::new();
        browser.clock.advance(Duration::from_secs(50));
        let codec = builder::<Dynamic>(ring()).clock(browser.clock.clone()).build().unwrap();
        browser.set_cookie("session", &seal(7, COOKIE));
        browser.visit(&codec, |_session: Session| Ok(())).set_cookie();
        let page = browser.visit(&codec, |session: Session| {
            let info = session.info().unwrap();
            assert_eq!((info.key_index, info.created_at), (0, Some(at(START))));
            assert_eq!(info.refreshed_at, at(START));
            assert!(session.contains("user"));
            Ok(())
        });
        assert!(page.set_cookies().is_empty());
    }
}

#[test]
fn a_session_that_its_token_cannot_name_has_no_id() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Dynamic>().build().unwrap();
    codec.replace_keyring(Keyring::fastify(key(9)));
    browser.visit(&codec, |session| {
        session.insert("a", 1)?;
        assert_eq!(session.id(), None);
        Ok(())
    });
}

#[test]
fn what_becomes_of_a_node_session_began_when_node_last_wrote_it() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Dynamic>().build().unwrap();
    codec.replace_keyring(Keyring::fastify(key(9)));
    browser.visit(&codec, |session| session.insert("a", 1));
    codec.replace_keyring(Keyring::new(key(1)).with_previous_fastify(key(9)).unwrap());
    browser.clock.advance(seconds(60 * 60));
    browser.visit(&codec, |session| session.insert("a", 2));
    browser.visit(&codec, |session| {
        assert_eq!(session.info().unwrap().created_at, Some(at(START)));
        Ok(())
    });
}
