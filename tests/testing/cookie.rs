//! Cookies of sessions that never were.

use std::time::Duration;

use sealed_session::testing::TestCookie;
use sealed_session::{Codec, DecodeErrorKind, Decoded, Dynamic, Entries, SessionKind, TestClock};

use super::panic_of;
use super::support::{
    DAY, HOUR, Login, NamedLogin, SEVEN, START, at, codec_at, key, ring, seconds,
};

fn codec() -> Codec<Login> {
    Codec::builder(ring(&[1]))
        .clock(TestClock::at(START))
        .remember_timeout(30 * DAY)
        .build()
        .unwrap()
}

#[track_caller]
fn opened(cookie: TestCookie<Login>) -> Decoded<Login> {
    codec().decode_cookie_header(cookie.header()).unwrap()
}

#[track_caller]
fn refused(codec: &Codec<Login>, cookie: TestCookie<Login>, reason: DecodeErrorKind) {
    assert_eq!(*codec.decode(cookie.token()).unwrap_err().kind(), reason);
}

#[test]
fn it_is_the_cookie_of_a_session_that_begins_now() {
    let header = TestCookie::new(&codec(), SEVEN).header();
    assert!(header.starts_with("login="), "{header}");
    let Decoded { data, info, .. } = codec().decode_cookie_header(&header).unwrap();
    assert_eq!(data, SEVEN);
    assert_eq!((info.created_at, info.refreshed_at), (Some(at(START)), at(START)));
    assert_eq!((info.expires_at, info.own_idle_timeout), (at(START) + DAY, None));
}

#[test]
fn two_cookies_are_two_sessions() {
    let id = || opened(TestCookie::new(&codec(), SEVEN)).info.id.unwrap();
    assert_ne!(id(), id());
}

#[test]
fn a_remembered_one_has_the_remember_timeout() {
    let info = opened(TestCookie::new(&codec(), SEVEN).remembered()).info;
    assert_eq!((info.own_idle_timeout, info.expires_at), (Some(30 * DAY), at(START) + 30 * DAY));
}

#[test]
fn one_can_have_its_own_idle_timeout() {
    let info = opened(TestCookie::new(&codec(), SEVEN).idle_timeout(HOUR)).info;
    assert_eq!((info.own_idle_timeout, info.expires_at), (Some(HOUR), at(START) + HOUR));
}

#[test]
fn one_can_be_old_and_in_use() {
    let info = opened(TestCookie::new(&codec(), SEVEN).created_ago(5 * DAY)).info;
    assert_eq!((info.created_at, info.refreshed_at), (Some(at(START) - 5 * DAY), at(START)));
}

#[test]
fn one_can_have_been_unused_for_a_while() {
    let info = opened(TestCookie::new(&codec(), SEVEN).refreshed_ago(HOUR)).info;
    let then = at(START) - HOUR;
    assert_eq!((info.created_at, info.refreshed_at), (Some(then), then));
    let info = opened(TestCookie::new(&codec(), SEVEN).created_ago(DAY).refreshed_ago(HOUR)).info;
    assert_eq!((info.created_at, info.refreshed_at), (Some(at(START) - DAY), then));
    // It cannot have been used before it began.
    let young = TestCookie::new(&codec(), SEVEN).created_ago(seconds(1)).refreshed_ago(HOUR);
    assert_eq!(opened(young).info.created_at, Some(then));
}

#[test]
fn an_expired_one_expired_a_second_ago() {
    let codec = codec();
    for cookie in [
        TestCookie::new(&codec, SEVEN).expired(),
        TestCookie::new(&codec, SEVEN).remembered().expired(),
        TestCookie::new(&codec, SEVEN).idle_timeout(HOUR).expired(),
        TestCookie::new(&codec, SEVEN).created_ago(10 * DAY).expired(),
    ] {
        let token = cookie.token();
        assert_eq!(*codec.decode(&token).unwrap_err().kind(), DecodeErrorKind::Expired);
        assert_eq!(codec.token_info(&token).unwrap().expires_at, at(START - 1));
    }
}

#[test]
fn one_that_is_older_than_the_absolute_timeout_is_expired() {
    let cookie = TestCookie::new(&codec(), SEVEN).created_ago(31 * DAY);
    refused(&codec(), cookie, DecodeErrorKind::Expired);
}

#[test]
fn one_under_a_previous_key_opens_with_it() {
    let codec = codec_at::<Login>(&[2, 1], START);
    let token = TestCookie::new(&codec, SEVEN).under(key(1)).token();
    assert_eq!(codec.decode(token).unwrap().info.key_index, 1);
}

#[test]
fn one_under_a_strange_key_is_refused() {
    let cookie = TestCookie::new(&codec(), SEVEN).under(ring(&[9, 1]));
    refused(&codec(), cookie, DecodeErrorKind::NoMatchingKey);
}

#[cfg(feature = "fastify")]
#[test]
fn one_can_be_nodes() {
    let node = sealed_session::Keyring::fastify(key(7));
    let codec = Codec::<Dynamic>::builder(ring(&[1]).with_previous_fastify(key(7)).unwrap())
        .clock(TestClock::at(START))
        .build()
        .unwrap();
    let cookie = TestCookie::new(&codec, super::support::entries(r#"{"user":7}"#))
        .refreshed_ago(HOUR)
        .under(node);
    let info = codec.decode(cookie.token()).unwrap().info;
    assert_eq!((info.key_index, info.id, info.refreshed_at), (1, None, at(START) - HOUR));
}

#[cfg(feature = "fastify")]
#[test]
fn nodes_cannot_be_remembered() {
    let cookie = || {
        TestCookie::new(&codec(), SEVEN)
            .remembered()
            .under(sealed_session::Keyring::fastify(key(7)))
    };
    let text = panic_of(|| cookie().token());
    assert!(text.starts_with("the session cannot be sealed: "), "{text}");
}

#[test]
fn what_cannot_be_a_cookie_fails_the_test_and_says_why() {
    let plain = codec_at::<Login>(&[1], START);
    let text = panic_of(|| TestCookie::new(&plain, SEVEN).remembered());
    assert!(text.starts_with("no remember timeout is set"), "{text}");

    for timeout in [Duration::ZERO, Duration::from_millis(1500), 31 * DAY] {
        let text = panic_of(|| TestCookie::new(&plain, SEVEN).idle_timeout(timeout));
        assert!(text.contains("idle timeout"), "{text}");
    }

    let large = NamedLogin { user: "secret".repeat(1000) };
    let codec = codec_at::<NamedLogin>(&[1], START);
    let text = panic_of(|| TestCookie::new(&codec, large).token());
    assert!(text.starts_with("the session cannot be sealed: "), "{text}");
    assert!(!text.contains("secret"));

    let early = codec_at::<Login>(&[1], 100);
    let text = panic_of(|| TestCookie::new(&early, SEVEN).expired().token());
    assert!(text.contains("close to 1970"), "{text}");
}

#[test]
fn the_codecs_events_do_not_count_it() {
    let codec = Codec::<Dynamic>::builder(ring(&[1]))
        .on_event(|event| panic!("{:?}", event.kind))
        .build()
        .unwrap();
    let _ = TestCookie::new(&codec, Entries::new()).token();
}

#[test]
fn its_debug_says_nothing_of_the_session() {
    let cookie = TestCookie::new(
        &codec_at::<NamedLogin>(&[1], START),
        NamedLogin { user: "secret".to_owned() },
    );
    assert_eq!(format!("{cookie:?}"), r#"TestCookie { cookie_name: "login", expired: false, .. }"#);
}

/// A kind whose name alone says what it is; nothing has to be `Debug` or `Clone`.
struct Bare;

impl SessionKind for Bare {
    type Data = u8;
    const NAME: &'static str = "bare";
}

#[test]
fn any_kind_has_cookies() {
    let codec = codec_at::<Bare>(&[1], START);
    assert_eq!(codec.decode(TestCookie::new(&codec, 7).token()).unwrap().data, 7);
}

#[cfg(feature = "fastify")]
#[test]
#[should_panic(expected = "does not say when its session began")]
fn a_beginning_that_nodes_token_cannot_hold_is_refused() {
    let codec = Codec::<Dynamic>::new(sealed_session::Keyring::fastify(key(8))).unwrap();
    let _ = TestCookie::new(&codec, Entries::new()).created_ago(DAY).header();
}
