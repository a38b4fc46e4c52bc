//! Rotation of keys: the newest seals, all open, and none outlives its place in the ring.

use std::time::Duration;

use sealed_session::{Codec, DecodeErrorKind, Dynamic, Entries, TestClock};

use crate::support::{START, at, codec_at, ring};

fn codec(keys: &[u8]) -> Codec<Dynamic> {
    codec_at(keys, START)
}

fn token(codec: &Codec<Dynamic>) -> String {
    let mut entries = Entries::new();
    entries.insert("user", "ada").unwrap();
    codec.encode(&entries).unwrap()
}

#[track_caller]
fn opens(codec: &Codec<Dynamic>, token: &str, key_index: usize) {
    let opened = codec.decode(token).unwrap();
    assert_eq!(opened.info.key_index, key_index);
    assert_eq!(opened.data.get::<String>("user").unwrap().unwrap(), "ada");
}

#[track_caller]
fn refuses(codec: &Codec<Dynamic>, token: &str) {
    assert_eq!(codec.decode(token).unwrap_err().kind(), &DecodeErrorKind::NoMatchingKey);
}

#[test]
fn opens_with_every_key_and_says_which() {
    let codec = codec(&[4, 3, 2, 1]);
    for (index, byte) in [4, 3, 2, 1].into_iter().enumerate() {
        opens(&codec, &token(&self::codec(&[byte])), index);
    }
}

/// CVE-2025-47278.
#[test]
fn seals_with_the_newest_key() {
    let token = token(&codec(&[3, 2, 1]));
    opens(&codec(&[3]), &token, 0);
    refuses(&codec(&[2, 1]), &token);
}

#[test]
fn a_key_that_is_not_in_the_keyring_opens_nothing() {
    refuses(&codec(&[3, 2]), &token(&codec(&[1])));
}

#[test]
fn reseals_under_the_primary() {
    let codec = codec(&[2, 1]);
    let opened = codec.decode(token(&self::codec(&[1]))).unwrap();
    assert_eq!(opened.info.key_index, 1);
    let resealed = codec.reseal(&opened).unwrap();
    opens(&codec, &resealed, 0);
    refuses(&self::codec(&[1]), &resealed);
}

#[test]
fn a_reseal_keeps_the_times() {
    let clock = TestClock::at(START);
    let codec = Codec::<Dynamic>::builder(ring(&[1])).clock(clock.clone()).build().unwrap();
    let mut opened = codec.decode(token(&codec)).unwrap();
    opened.info.refreshed_at = at(START + 10);
    opened.info.own_idle_timeout = Some(Duration::from_secs(1000));
    let before = codec.decode(codec.reseal(&opened).unwrap()).unwrap();

    clock.advance(Duration::from_secs(500));
    codec.replace_keyring(ring(&[2, 1]));
    let after = codec.decode(codec.reseal(&before).unwrap()).unwrap();
    assert_eq!(after.info.created_at, Some(at(START)));
    assert_eq!(after.info.refreshed_at, at(START + 10));
    assert_eq!(after.info.own_idle_timeout, Some(Duration::from_secs(1000)));
    assert_eq!(after.info.expires_at, before.info.expires_at);
}

#[test]
fn a_replaced_keyring_seals_with_its_primary_at_once() {
    let codec = codec(&[1]);
    codec.replace_keyring(ring(&[2, 1]));
    opens(&self::codec(&[2]), &token(&codec), 0);
}

#[test]
fn a_replaced_keyring_still_opens_with_the_key_that_it_keeps() {
    let codec = codec(&[1]);
    let old = token(&codec);
    codec.replace_keyring(ring(&[2, 1]));
    opens(&codec, &old, 1);
}

#[test]
fn a_replaced_keyring_drops_the_key_that_it_leaves_out() {
    let codec = codec(&[2, 1]);
    let old = token(&self::codec(&[1]));
    opens(&codec, &old, 1);
    codec.replace_keyring(ring(&[2]));
    refuses(&codec, &old);
}

#[test]
fn a_replaced_keyring_reaches_every_clone() {
    let codec = codec(&[1]);
    let before = codec.clone();
    let old = token(&codec);
    before.clone().replace_keyring(ring(&[2]));
    for codec in [&codec, &before] {
        opens(&self::codec(&[2]), &token(codec), 0);
        refuses(codec, &old);
    }
}

#[test]
fn a_replaced_keyring_does_not_reach_another_codec() {
    let (one, other) = (codec(&[1]), codec(&[1]));
    one.replace_keyring(ring(&[2]));
    opens(&other, &token(&codec(&[1])), 0);
    refuses(&other, &token(&one));
}

#[test]
fn a_replaced_keyring_is_bound_to_the_codecs_name() {
    let codec = codec(&[1]);
    codec.replace_keyring(ring(&[2]));
    let other = Codec::<Dynamic>::builder(ring(&[2]))
        .cookie(sealed_session::CookieOptions::new().name("other"))
        .clock(TestClock::at(START))
        .build()
        .unwrap();
    refuses(&codec, &token(&other));
}

#[test]
fn a_rotation_back_opens_what_the_older_key_sealed() {
    let codec = codec(&[2]);
    let of_two = token(&codec);
    codec.replace_keyring(ring(&[1, 2]));
    opens(&codec, &of_two, 1);
    codec.replace_keyring(ring(&[2, 1]));
    opens(&codec, &of_two, 0);
}

#[test]
fn replaces_keys_while_other_threads_seal_and_open() {
    let codec = codec(&[2, 1]);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert!(codec.decode(token(&codec)).is_ok());
                }
            });
        }
        for round in 0..500 {
            codec.replace_keyring(ring(if round % 2 == 0 { &[1, 2] } else { &[2, 1] }));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
