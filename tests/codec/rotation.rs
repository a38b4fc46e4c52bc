//! Rotation of keys: the newest seals, all open, and none outlives its place in the ring.

use std::time::Duration;

use sealed_session::{
    Codec, DecodeErrorKind, Dynamic, Entries, KeyErrorKind, Keyring, SessionKind, TestClock,
};

use crate::support::{Admin, Login, SEVEN, START, at, codec_at, key, ring, seconds};

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

fn codec_on(keyring: Keyring) -> Codec<Dynamic> {
    Codec::builder(keyring).clock(TestClock::at(START)).build().unwrap()
}

#[test]
fn a_next_key_opens_and_does_not_seal() {
    let keyring = ring(&[2, 1]).with_next(key(3)).unwrap();
    assert_eq!(keyring.len(), 3);
    let codec = codec_on(keyring);
    for (index, byte) in [3, 2, 1].into_iter().enumerate() {
        opens(&codec, &token(&self::codec(&[byte])), index);
    }
    let sealed = token(&codec);
    opens(&codec, &sealed, 1);
    opens(&self::codec(&[2]), &sealed, 0);
    refuses(&self::codec(&[3]), &sealed);
}

#[test]
fn of_two_next_keys_the_later_one_is_the_newest() {
    let keyring = ring(&[1]).with_next(key(2)).unwrap().with_next(key(3)).unwrap();
    let codec = codec_on(keyring.with_previous(key(9)).unwrap());
    for (index, byte) in [3, 2, 1, 9].into_iter().enumerate() {
        opens(&codec, &token(&self::codec(&[byte])), index);
    }
    opens(&self::codec(&[1]), &token(&codec), 0);
}

#[test]
fn a_next_key_that_is_already_there_is_refused() {
    let id = key(1).id();
    let error = ring(&[2, 1]).with_next(key(1)).unwrap_err();
    assert!(matches!(error.kind(), KeyErrorKind::Duplicate { id: found, .. } if *found == id));
}

/// Two codecs of different names on one keyring.
fn two(keyring: &Keyring) -> (Codec<Login>, Codec<Admin>) {
    (Codec::new(keyring.clone()).unwrap(), Codec::new(keyring.clone()).unwrap())
}

fn sealed_by<K: SessionKind<Data = Login>>(codec: &Codec<K>) -> String {
    codec.decode(codec.encode(SEVEN).unwrap()).unwrap().info.key_id.to_string()
}

#[test]
fn replacing_the_keys_of_a_keyring_reaches_every_codec_on_it() {
    let keyring = ring(&[1]);
    let (logins, admins) = two(&keyring);
    let (login, admin) = (logins.encode(SEVEN).unwrap(), admins.encode(SEVEN).unwrap());
    keyring.clone().replace(ring(&[2, 1])).unwrap();
    assert_eq!(sealed_by(&logins), key(2).id().to_string());
    assert_eq!(sealed_by(&admins), key(2).id().to_string());
    assert_eq!(logins.decode(&login).unwrap().info.key_index, 1);
    keyring.replace(ring(&[2])).unwrap();
    assert_eq!(logins.decode(&login).unwrap_err().kind(), &DecodeErrorKind::NoMatchingKey);
    assert_eq!(admins.decode(&admin).unwrap_err().kind(), &DecodeErrorKind::NoMatchingKey);
    assert_eq!(keyring.len(), 1);
}

#[test]
fn an_added_key_makes_a_separate_keyring() {
    let keyring = ring(&[1]);
    let (logins, admins) = two(&keyring);
    let more = keyring.clone().with_next(key(3)).unwrap().with_previous(key(2)).unwrap();
    assert_eq!((keyring.len(), more.len()), (1, 3));
    keyring.replace(ring(&[4])).unwrap();
    assert_eq!(more.len(), 3);
    more.replace(ring(&[5])).unwrap();
    assert_eq!(sealed_by(&logins), key(4).id().to_string());
    assert_eq!(sealed_by(&admins), key(4).id().to_string());
}

#[test]
fn a_codec_whose_keyring_was_replaced_follows_only_the_new_one() {
    let (one, two) = (ring(&[1]), ring(&[2]));
    let codec = Codec::<Login>::new(one.clone()).unwrap();
    codec.replace_keyring(two.clone());
    one.replace(ring(&[3])).unwrap();
    assert_eq!(sealed_by(&codec), key(2).id().to_string());
    two.replace(ring(&[4])).unwrap();
    assert_eq!(sealed_by(&codec), key(4).id().to_string());
}

#[test]
fn a_keyring_replaced_by_itself_stays_as_it_is() {
    let keyring = ring(&[2, 1]);
    keyring.replace(keyring.clone()).unwrap();
    assert_eq!(keyring.len(), 2);
}

/// After `replace` has returned, nothing that begins uses the old keys, whichever codec it is.
#[test]
fn no_codec_lags_behind_another() {
    let keyring = ring(&[1]);
    let (logins, admins) = two(&keyring);
    std::thread::scope(|scope| {
        let (turn, turns) = std::sync::mpsc::channel::<u8>();
        let (used, uses) = std::sync::mpsc::channel();
        scope.spawn(move || {
            for byte in turns {
                used.send((byte, sealed_by(&admins), sealed_by(&logins))).unwrap();
            }
        });
        for byte in 2..100 {
            keyring.replace(ring(&[byte])).unwrap();
            turn.send(byte).unwrap();
            let id = key(byte).id().to_string();
            assert_eq!(uses.recv().unwrap(), (byte, id.clone(), id));
        }
    });
}

#[cfg(feature = "fastify")]
#[test]
fn keys_that_a_codec_cannot_use_are_refused() {
    let keyring = ring(&[1]);
    let remembers = Codec::<Login>::builder(keyring.clone()).remember_timeout(seconds(90_000));
    let codec = remembers.build().unwrap();
    let error = keyring.replace(Keyring::fastify(key(2))).unwrap_err();
    assert_eq!(error.kind(), &KeyErrorKind::NeedsNative);
    assert_eq!(sealed_by(&codec), key(1).id().to_string());
    keyring.replace(ring(&[2]).with_previous_fastify(key(3)).unwrap()).unwrap();
    assert_eq!(sealed_by(&codec), key(2).id().to_string());
}
