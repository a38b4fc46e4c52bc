//! Which key opens, which seals, and what is sealed again.

use sealed_session::{Codec, Dynamic};

use super::{Keys, SETTLE, seals_with, token, token_of};
use crate::support::{START, key, seconds};

#[test]
fn every_key_in_the_directory_opens_at_once() {
    let keys = Keys::of(&[(1, -500_000), (2, 0), (3, 500_000)]);
    let codec = keys.codec(keys.open().keyring());
    for number in [1, 2, 3] {
        let opened = codec.decode(token_of(number, &keys.clock)).unwrap();
        assert_eq!(opened.info.key_id, key(number).id());
    }
}

#[test]
fn the_newest_key_whose_time_has_come_seals_and_the_codecs_clock_says_when() {
    let keys = Keys::of(&[(1, -5000), (2, 1000)]);
    // A file that comes later than the clock says counts as known from now on.
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    seals_with(&codec, 1);
    keys.later(999);
    seals_with(&codec, 1);
    keys.later(1);
    seals_with(&codec, 2);
    keys.clock.go_back(seconds(1));
    seals_with(&codec, 1);
}

#[test]
fn a_key_seals_only_after_this_server_has_known_it_for_settle() {
    let keys = Keys::of(&[(1, -5000)]);
    let directory = keys.open();
    let codec = keys.codec(directory.keyring());
    keys.add(2, 0);
    keys.later(10);
    directory.reload().unwrap();
    seals_with(&codec, 1);
    keys.later(SETTLE.as_secs() - 1);
    seals_with(&codec, 1);
    keys.later(1);
    seals_with(&codec, 2);
}

#[test]
fn at_a_start_a_file_that_has_just_come_settles_first() {
    let keys = Keys::of(&[(1, -5000), (2, -100)]);
    let codec = keys.codec(keys.open().keyring());
    seals_with(&codec, 1);
    keys.later(SETTLE.as_secs());
    seals_with(&codec, 2);
}

#[test]
fn at_a_start_on_a_new_machine_a_key_that_is_long_in_use_seals() {
    let week = 7 * 24 * 60 * 60;
    let keys = Keys::of(&[(1, -3 * week), (2, -week - 300), (3, week)]);
    seals_with(&keys.codec(keys.open().keyring()), 2);
}

#[cfg(unix)]
#[test]
fn at_a_start_a_file_that_has_been_there_for_settle_seals() {
    // The clock of the file system is the real one.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let since_start = i64::try_from(now.as_secs() - START).unwrap();
    let keys = Keys::of(&[(1, -5000), (2, since_start - 1)]);
    keys.clock.set(now.as_secs() + SETTLE.as_secs() - 60);
    seals_with(&keys.codec(keys.open().keyring()), 1);
    keys.later(120);
    seals_with(&keys.codec(keys.open().keyring()), 2);
}

#[test]
fn a_key_on_its_own_seals_at_once() {
    for from in [-5000, 0, 5000] {
        let keys = Keys::of(&[(1, from)]);
        seals_with(&keys.codec(keys.open().keyring()), 1);
    }
}

#[test]
fn two_codecs_on_one_directory_change_at_the_same_moment() {
    let keys = Keys::of(&[(1, -5000), (2, 1000)]);
    let directory = keys.open();
    let one = keys.codec(directory.keyring());
    let other = keys.codec(directory.keyring().clone());
    for _ in 0..1100 {
        keys.later(1);
        let (of_one, of_other) = (token(&one), token(&other));
        let id = |codec: &Codec<Dynamic>, token| codec.decode(token).unwrap().info.key_id;
        assert_eq!(id(&other, of_one), id(&one, of_other));
    }
    seals_with(&one, 2);
    // The same where a look changes the keys: what one seals with the new key, the other opens.
    keys.revoke(2);
    keys.add(3, 1100);
    directory.reload().unwrap();
    for codec in [&one, &other] {
        seals_with(codec, 1);
        assert!(codec.decode(token_of(3, &keys.clock)).is_ok());
        assert!(codec.decode(token_of(2, &keys.clock)).is_err());
    }
}

#[test]
fn a_file_with_several_keys_is_followed_and_its_first_key_seals_when_it_has_settled() {
    let keys = Keys::of(&[]);
    let file = keys.path().join("secret-keys");
    let write = |numbers: &[u8]| {
        let lines = numbers.iter().map(|number| key(*number).to_hex().to_string());
        super::write_private(&file, lines.collect::<Vec<_>>().join("\n").as_bytes());
    };
    write(&[2, 1]);
    let builder = sealed_session::KeyDirectory::builder(&file).clock(keys.clock.clone());
    let directory = builder.look_every(seconds(1_000_000)).open().unwrap();
    let codec = keys.codec(directory.keyring());
    // It has just come: of keys without dates only the first can be new.
    seals_with(&codec, 1);
    keys.later(SETTLE.as_secs());
    seals_with(&codec, 2);
    write(&[3, 2, 1]);
    directory.reload().unwrap();
    seals_with(&codec, 2);
    assert!(codec.decode(token_of(3, &keys.clock)).is_ok());
    keys.later(SETTLE.as_secs());
    seals_with(&codec, 3);
    write(&[2, 1]);
    assert!(directory.reload().is_err());
    seals_with(&codec, 3);
}

#[cfg(feature = "axum")]
mod resealing {
    use axum::Router;
    use axum::routing::get;
    use sealed_session::{Codec, KeyDirectory, SessionLayer};

    use super::super::Keys;
    use crate::support::server::Server;
    use crate::support::{Browser, Login, SEVEN, codec_at, secs, who};
    use sealed_session::Clock as _;

    fn server(keys: &Keys, directory: &KeyDirectory) -> (Server, Codec<Login>) {
        let codec = Codec::<Login>::builder(directory.keyring());
        let codec = codec.clock(keys.clock.clone()).build().unwrap();
        let layer = SessionLayer::new(codec.clone());
        (Server::start(Router::new().route("/", get(who)).layer(layer)), codec)
    }

    /// Whether a request with a cookie of the key of this number sets a new one.
    fn is_resealed(keys: &Keys, server: &Server, number: u8) -> bool {
        let token = codec_at::<Login>(&[number], secs(keys.clock.now())).encode(&SEVEN).unwrap();
        let mut browser = Browser::new();
        browser.set_cookie("login", &token);
        browser.fetch(server, "GET /", "");
        browser.cookie("login") != Some(token.as_str())
    }

    #[test]
    fn only_a_cookie_that_was_opened_by_an_older_key_is_sealed_again() {
        let keys = Keys::of(&[(1, -9000), (2, -8000), (3, 5000)]);
        keys.later(300);
        let directory = keys.open();
        keys.later(300);
        let (server, _) = server(&keys, &directory);
        let resealed = [1, 2, 3].map(|number| is_resealed(&keys, &server, number));
        assert_eq!(resealed, [true, false, false]);
    }

    #[test]
    fn a_next_key_does_not_count_as_rotating() {
        let keys = Keys::of(&[(1, -9000), (2, 5000)]);
        keys.later(300);
        let directory = keys.open();
        let (server, _) = server(&keys, &directory);
        // Nobody asks for the session, so that only a rotation would open it.
        let mut browser = Browser::new();
        browser.set_cookie("login", "not a token");
        let page = browser.fetch(&server, "GET /", "");
        assert!(!page.body.contains("Some"));
        assert!(!is_resealed(&keys, &server, 1));
        assert!(!is_resealed(&keys, &server, 2));
        keys.later(5000);
        assert!(is_resealed(&keys, &server, 1));
    }
}
