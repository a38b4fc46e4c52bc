//! What a codec tells of its tokens, without HTTP.

use sealed_session::{
    Codec, DecodeErrorKind, Dynamic, EncodeErrorKind, Entries, Keyring, SessionKind, TestClock,
};

use crate::support::heard::Heard;
use crate::support::{DAY, EIGHT, HOUR, Login, SEVEN, START, key, ring};

struct Site {
    keyring: Keyring,
    clock: TestClock,
    heard: Heard,
}

impl Site {
    fn new() -> Self {
        let (keyring, clock) = (ring(&[1]), TestClock::at(START));
        Self { keyring, clock, heard: Heard::default() }
    }

    fn codec<K: SessionKind>(&self) -> Codec<K> {
        let builder = Codec::builder(self.keyring.clone()).clock(self.clock.clone());
        self.heard.by(builder).build().unwrap()
    }
}

#[test]
fn tells_once_what_is_sealed_and_opened_and_of_which_session() {
    let site = Site::new();
    let codec = site.codec::<Login>();
    let token = codec.encode(SEVEN).unwrap();
    let id = codec.decode(&token).unwrap().info.id;
    assert!(id.is_some());
    codec.decode_cookie_header(format!("login={token}; a=b")).unwrap();
    let opened = ("login opened by 1 (sealing)".to_owned(), id);
    let sealed = ("login sealed by 1".to_owned(), id);
    assert_eq!(site.heard.take_all(), [sealed, opened.clone(), opened]);
}

#[test]
fn tells_why_a_token_is_refused() {
    let site = Site::new();
    let codec = site.codec::<Login>();
    let token = codec.encode(SEVEN).unwrap();
    let other = Codec::<Login>::new(ring(&[9])).unwrap().encode(SEVEN).unwrap();
    site.heard.take();
    for (bad, reason) in [("junk", "malformed"), (&other, "no_matching_key")] {
        codec.decode(bad).unwrap_err();
        codec.decode_cookie_header(format!("login={bad}")).unwrap_err();
        let line = format!("login refused: {reason}");
        site.heard.is(&[&line, &line]);
    }
    site.clock.advance(2 * DAY);
    codec.decode(&token).unwrap_err();
    site.heard.is(&["login refused: expired"]);
}

#[test]
fn a_cookie_that_is_not_there_is_no_event() {
    let site = Site::new();
    let codec = site.codec::<Login>();
    let error = codec.decode_cookie_header("theme=dark").unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::Missing);
    site.heard.is(&[]);
}

#[test]
fn of_several_cookies_the_one_that_counts_is_told() {
    let site = Site::new();
    let codec = site.codec::<Login>();
    let token = codec.encode(SEVEN).unwrap();
    site.heard.take();
    codec.decode_cookie_header(format!("login=junk; login={token}")).unwrap();
    site.heard.is(&["login opened by 1 (sealing)"]);
    codec.decode_cookie_header("login=junk; login=more").unwrap_err();
    site.heard.is(&["login refused: malformed"]);
}

#[test]
fn text_of_headers_is_no_event() {
    let site = Site::new();
    let codec = site.codec::<Login>();
    let token = codec.encode(SEVEN).unwrap();
    site.heard.take();
    codec.set_cookie(&token).unwrap();
    let _ = codec.remove_cookie();
    site.heard.is(&[]);
}

#[test]
fn refreshing_and_resealing_are_told_apart() {
    let site = Site::new();
    let codec = site.codec::<Login>();
    let mut decoded = codec.decode(codec.encode(SEVEN).unwrap()).unwrap();
    site.heard.take();
    site.clock.advance(HOUR);
    codec.refresh(&decoded).unwrap();
    site.heard.is(&["login refreshed by 1"]);
    // Its data may have been changed, and nothing else is different.
    decoded.data = EIGHT;
    codec.reseal(&decoded).unwrap();
    site.heard.is(&["login sealed by 1"]);

    site.keyring.replace(ring(&[2, 1])).unwrap();
    codec.reseal(&decoded).unwrap();
    codec.refresh(&decoded).unwrap();
    site.heard.is(&["login resealed by 2 after 1", "login resealed by 2 after 1"]);
    let id = decoded.info.id;
    codec.reseal(&decoded).unwrap();
    assert_eq!(site.heard.take_all(), [("login resealed by 2 after 1".to_owned(), id)]);

    site.keyring.replace(ring(&[3, 2])).unwrap();
    codec.refresh(&decoded).unwrap();
    site.heard.is(&["login resealed by 3 after 1"]);
}

#[test]
fn the_age_of_the_key_is_told() {
    let site = Site::new();
    let codec = site.codec::<Login>();
    let tokens: Vec<_> = [1, 2, 3]
        .map(|key| {
            let codec = Codec::<Login>::builder(ring(&[key])).clock(site.clock.clone());
            codec.build().unwrap().encode(SEVEN).unwrap()
        })
        .into();
    site.keyring.replace(ring(&[2, 1]).with_next(key(3)).unwrap()).unwrap();
    let decoded: Vec<_> = tokens.iter().map(|token| codec.decode(token).unwrap()).collect();
    site.heard.is(&[
        "login opened by 1 (older)",
        "login opened by 2 (sealing)",
        "login opened by 3 (newer)",
    ]);
    // What a newer key sealed is refreshed by the one that seals here: not a step of the rotation.
    for decoded in &decoded {
        codec.refresh(decoded).unwrap();
    }
    site.heard.is(&["login resealed by 2 after 1", "login refreshed by 2", "login refreshed by 2"]);
}

#[test]
fn what_is_too_large_is_told_and_not_sealed() {
    let site = Site::new();
    let codec = site.codec::<Dynamic>();
    let mut entries = Entries::new();
    entries.insert("draft", "x".repeat(5000)).unwrap();
    let error = codec.encode(&entries).unwrap_err();
    assert!(matches!(error.kind(), EncodeErrorKind::TooLarge(_)));
    site.heard.is(&["session too_large: above 4096"]);
}

#[cfg(feature = "fastify")]
#[test]
fn a_token_without_an_id_is_told_without_one() {
    let site = Site::new();
    site.keyring.replace(Keyring::fastify(key(1))).unwrap();
    let codec = site.codec::<Login>();
    let decoded = codec.decode(codec.encode(SEVEN).unwrap()).unwrap();
    codec.refresh(&decoded).unwrap();
    assert!(site.heard.take_all().iter().all(|(_, session)| session.is_none()));

    // One key for both formats: a token of the other one is older all the same.
    let node = codec.encode(SEVEN).unwrap();
    site.keyring.replace(ring(&[1]).with_previous_fastify(key(1)).unwrap()).unwrap();
    let native = codec.encode(SEVEN).unwrap();
    site.heard.take();
    for token in [node, native] {
        codec.refresh(&codec.decode(token).unwrap()).unwrap();
    }
    site.heard.is(&[
        "login opened by 1 (older)",
        "login resealed by 1 after 1",
        "login opened by 1 (sealing)",
        "login refreshed by 1",
    ]);
}

#[test]
fn a_hook_may_use_the_codec_and_does_not_hear_itself() {
    let heard = Heard::default();
    let (own, inner) = (heard.clone(), Codec::<Login>::new(ring(&[1])).unwrap());
    let codec = Codec::<Login>::builder(ring(&[1]))
        .on_event(move |event| {
            own.note(event);
            let token = inner.encode(SEVEN).unwrap();
            inner.decode(token).unwrap();
        })
        .build()
        .unwrap();
    codec.encode(SEVEN).unwrap();
    heard.is(&["login sealed by 1"]);
}
