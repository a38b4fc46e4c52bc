//! What Node's `@fastify/secure-session` takes and this crate does not: one test for each.

use std::time::Duration;

use sealed_session::DecodeErrorKind::{
    self, Expired, InvalidPayload, Malformed, NoMatchingKey, TimestampInFuture,
};
use sealed_session::{
    Codec, ConfigErrorKind, CookieOptions, Dynamic, EncodeErrorKind, Entries, FastifyKey, Key,
    Keyring, TestClock,
};

use crate::support::fastify::{
    EXPIRY, builder, codec, derived_secret, find, seal, seal_bare, seven, sign, vectors,
};
use crate::support::{START, at, key, percent_encode};

/// Node reads the plaintext; here it is refused for this reason.
#[track_caller]
fn refuses_payload(plaintext: impl AsRef<[u8]>, reason: DecodeErrorKind) {
    refuses(&seven(), &seal(7, plaintext), reason);
}

#[track_caller]
fn refuses(codec: &Codec<Dynamic>, cookie: &str, reason: DecodeErrorKind) {
    assert_eq!(codec.decode(cookie).unwrap_err().kind(), &reason, "{cookie}");
}

#[track_caller]
fn opens(codec: &Codec<Dynamic>, cookie: &str) {
    assert_eq!(codec.decode(cookie).unwrap().info.refreshed_at, at(START));
}

/// Node takes these spellings; here each is refused.
#[track_caller]
fn refuses_spellings(prefix: &str, but: &[&str]) {
    let lax = vectors().lax.into_iter().filter(|vector| vector.name.starts_with(prefix));
    let mut refused = 0;
    for vector in lax.filter(|vector| !but.contains(&vector.name.as_str())) {
        assert!(vector.node.accepted || vector.note.starts_with("refused"), "{}", vector.name);
        let codec = seven();
        assert!(codec.decode(&vector.cookie).is_err(), "{}", vector.name);
        refused += usize::from(vector.node.accepted);
    }
    assert!(refused > 0);
}

#[test]
fn a_payload_without_a_time_is_refused() {
    refuses_payload(r#"{"a":1}"#, InvalidPayload);
    refuses_payload("{}", InvalidPayload);
}

#[test]
fn a_time_inside_a_value_is_not_the_sessions_time() {
    refuses_payload(r#"{"a":{"__ts":1700000000}}"#, InvalidPayload);
}

#[test]
fn a_time_that_is_a_text_is_refused() {
    for time in [r#""1700000000""#, r#""soon""#, r#""""#] {
        refuses_payload(format!(r#"{{"__ts":{time},"a":1}}"#), InvalidPayload);
    }
}

#[test]
fn a_time_that_is_an_object_or_an_array_is_refused() {
    for time in ["{}", r#"{"a":1}"#, "[]", "[1700000000]"] {
        refuses_payload(format!(r#"{{"__ts":{time},"a":1}}"#), InvalidPayload);
    }
}

#[test]
fn a_time_that_is_not_whole_seconds_in_digits_is_refused() {
    for time in ["1700000000.25", "1700000000.0", "1.7e9", "1e400", "18446744073709551616", "-1"] {
        refuses_payload(format!(r#"{{"__ts":{time},"a":1}}"#), InvalidPayload);
    }
}

#[test]
fn a_zero_is_a_time_and_zeros_before_a_number_are_not() {
    let builder = builder::<Dynamic>(Keyring::fastify(key(7))).clock(TestClock::at(0));
    let codec = builder.build().unwrap();
    opens_with(&codec, 0);
    for time in ["00", "01"] {
        refuses(&codec, &seal(7, format!(r#"{{"__ts":{time},"a":1}}"#)), InvalidPayload);
    }
}

#[test]
fn a_time_that_is_not_a_number_is_refused() {
    for time in ["null", "true", "false"] {
        refuses_payload(format!(r#"{{"__ts":{time},"a":1}}"#), InvalidPayload);
    }
}

#[test]
fn a_time_in_the_future_is_refused_beyond_a_minute() {
    opens_at(START + 60);
    for time in [START + 61, START * 1000, u64::MAX] {
        refuses_payload(format!(r#"{{"__ts":{time},"a":1}}"#), TimestampInFuture);
    }
}

#[track_caller]
fn opens_at(time: u64) {
    opens_with(&seven(), time);
}

#[track_caller]
fn opens_with(codec: &Codec<Dynamic>, time: u64) {
    let opened = codec.decode(seal(7, format!(r#"{{"__ts":{time},"a":1}}"#))).unwrap();
    assert_eq!(opened.info.refreshed_at, at(time));
}

#[test]
fn a_time_that_is_there_twice_is_refused() {
    refuses_payload(r#"{"__ts":1,"a":1,"__ts":1700000000}"#, InvalidPayload);
    refuses_payload(r#"{"__ts":1700000000,"a":1,"__ts":1}"#, InvalidPayload);
    refuses_payload(r#"{"__ts":1700000000,"a":1,"\u005f_ts":1700000000}"#, InvalidPayload);
}

#[test]
fn junk_in_the_base64_is_refused() {
    refuses_spellings("junk: ", &[]);
}

#[test]
fn slack_bits_are_refused() {
    refuses_spellings("slack bits: ", &[]);
}

#[test]
fn a_character_that_completes_no_byte_is_refused() {
    refuses_spellings("a single character behind a whole nonce", &[]);
}

#[test]
fn the_url_safe_alphabet_is_refused() {
    refuses_spellings("spelling: url-safe", &[]);
    refuses_spellings("spelling: both alphabets", &[]);
}

#[test]
fn wrong_padding_is_refused() {
    refuses_spellings("spelling: one = ", &[]);
}

#[test]
fn a_third_part_is_refused() {
    refuses_spellings("spelling: a third part", &[]);
    refuses_spellings("spelling: a semicolon behind", &[]);
}

#[test]
fn escapes_that_node_does_not_write_are_refused() {
    refuses_spellings("spelling: letters escaped", &[]);
    refuses_spellings("spelling: every character escaped", &[]);
}

#[test]
fn quotes_round_the_value_are_refused() {
    refuses_spellings("spelling: in double quotes", &[]);
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    refuses_payload(b"{\"__ts\":1700000000,\"a\":\"\xff\"}", InvalidPayload);
    refuses_payload(b"{\"__ts\":1700000000,\"a\":\"\xed\xa0\x80\"}", InvalidPayload);
    refuses_payload(b"{\"__ts\":1700000000,\"\xc0\x80\":1}", InvalidPayload);
}

#[test]
fn a_payload_that_is_not_an_object_is_refused() {
    for plaintext in ["null", "1", "true", r#""x""#, "[]", "[1,2]", r#"[{"__ts":1700000000}]"#] {
        refuses_payload(plaintext, InvalidPayload);
    }
}

#[test]
fn a_payload_that_is_not_json_is_refused() {
    for plaintext in [
        "",
        "hello",
        r#"{"__ts":1700000000"#,
        r#"{"__ts":"#,
        r#"{"__ts":1700000000}x"#,
        r#"{"__ts":1700000000}{}"#,
        r#"{"__ts":1700000000,}"#,
        "\u{feff}{\"__ts\":1700000000}",
        "{\"__ts\":1700000000,\"a\":\"\n\"}",
        r#"{"__ts":1700000000,"a":01}"#,
        r#"{"__ts":1700000000,"a":NaN}"#,
    ] {
        refuses_payload(plaintext, InvalidPayload);
    }
}

#[test]
fn two_members_of_one_name_are_refused() {
    refuses_payload(r#"{"__ts":1700000000,"a":1,"a":2}"#, InvalidPayload);
    refuses_payload(r#"{"__ts":1700000000,"a":1,"\u0061":2}"#, InvalidPayload);
}

#[test]
fn a_session_too_large_for_a_browser_is_refused() {
    let plaintext = format!(r#"{{"__ts":1700000000,"a":"{}"}}"#, "x".repeat(3000));
    refuses_payload(plaintext, DecodeErrorKind::TooLong);
}

fn signing() -> Codec<Dynamic> {
    codec(Keyring::fastify(FastifyKey::signed(key(7))))
}

const DATED: &str = r#"{"__ts":1700000000,"a":1}"#;

#[test]
fn a_signature_that_was_stripped_is_refused() {
    opens(&signing(), &percent_encode(&sign(&derived_secret(&[7; 32]), &seal_bare(7, DATED))));
    refuses(&signing(), &seal(7, DATED), NoMatchingKey);
    refuses(&signing(), &find(vectors().lax, "signature: stripped").cookie, NoMatchingKey);
}

#[test]
fn a_signature_that_is_cut_short_is_refused() {
    for name in ["signature: empty, the dot there", "signature: one character"] {
        assert!(signing().decode(find(vectors().lax, name).cookie).is_err(), "{name}");
    }
    let signed = sign(&derived_secret(&[7; 32]), &seal_bare(7, DATED));
    for len in signed.find('.').unwrap()..signed.len() {
        assert!(signing().decode(percent_encode(&signed[..len])).is_err(), "{len}");
    }
}

#[test]
fn a_wrong_signature_is_refused() {
    let token = seal_bare(7, DATED);
    for signed in [
        sign(&derived_secret(&[8; 32]), &token),
        sign(&"07".repeat(32), &token),
        sign(&derived_secret(&[7; 32]), "another text").replace("another text", &token),
        format!("{token}.{}", "A".repeat(43)),
    ] {
        refuses(&signing(), &percent_encode(&signed), NoMatchingKey);
    }
    for name in ["signature: wrong, behind a semicolon", "signature: wrong, behind a ="] {
        assert!(signing().decode(find(vectors().lax, name).cookie).is_err(), "{name}");
    }
}

/// Node, too: it compares the text.
#[test]
fn a_padded_signature_is_refused() {
    let signed = sign(&derived_secret(&[7; 32]), &seal_bare(7, DATED));
    assert!(signing().decode(percent_encode(&format!("{signed}="))).is_err());
}

#[test]
fn a_signed_cookie_is_refused_where_signing_is_not_configured() {
    let signed = sign(&derived_secret(&[7; 32]), &seal_bare(7, DATED));
    refuses(&seven(), &percent_encode(&signed), NoMatchingKey);
}

#[test]
fn a_signature_does_not_make_an_unsigned_key_open() {
    // The ring has a signing key, and the cookie its valid signature; but another key sealed it.
    let ring = Keyring::fastify(FastifyKey::signed(key(7))).with_previous_fastify(key(8)).unwrap();
    let token = seal_bare(8, DATED);
    opens(&codec(ring.clone()), &percent_encode(&token));
    refuses(&codec(ring), &percent_encode(&sign(&derived_secret(&[7; 32]), &token)), NoMatchingKey);
}

#[test]
fn a_rotation_of_signed_cookies_keeps_sessions() {
    let vector = find(vectors().lax, "signature: of an older key");
    assert!(!vector.node.accepted, "Node drops them");
    let keys = vector.keys.iter().map(|hex| FastifyKey::signed(Key::from_hex(hex).unwrap()));
    let [new, old] = keys.collect::<Vec<_>>().try_into().unwrap();
    let codec = codec(Keyring::fastify(new).with_previous_fastify(old).unwrap());
    assert_eq!(codec.decode(vector.cookie).unwrap().info.key_index, 1);
}

#[test]
fn the_name_of_the_time_is_reserved() {
    let mut entries = Entries::new();
    entries.insert("__ts", 1).unwrap();
    let reserved = |codec: &Codec<Dynamic>| codec.encode(&entries).map_err(|e| e.kind().clone());
    assert!(matches!(
        reserved(&seven()),
        Err(EncodeErrorKind::Reserved { entry, .. }) if entry == "__ts"
    ));
    let native = Keyring::new(key(8)).with_previous_fastify(key(7)).unwrap();
    assert!(reserved(&codec(native)).is_ok(), "our own token has no use for it");
}

#[test]
fn an_escape_does_not_circumvent_the_reserved_name() {
    let entries: Entries = serde_json::from_str(r#"{"\u005f_ts":1}"#).unwrap();
    let error = seven().encode(&entries).unwrap_err();
    assert!(matches!(error.kind(), EncodeErrorKind::Reserved { .. }));
}

#[test]
fn an_expiry_of_zero_is_refused() {
    for timeout in [Duration::ZERO, Duration::from_millis(500)] {
        let builder = Codec::<Dynamic>::builder(Keyring::fastify(key(7))).idle_timeout(timeout);
        let error = builder.build().unwrap_err();
        assert!(matches!(error.kind(), ConfigErrorKind::Timeout { .. }), "{error}");
    }
}

#[test]
fn a_key_for_two_cookies_is_refused_at_start_up() {
    let shared = FastifyKey::from(key(7));
    let build = |name: &'static str| {
        let builder = builder::<Dynamic>(Keyring::fastify(shared.clone()));
        builder.cookie(CookieOptions::new().name(name)).build()
    };
    let _one = build("one").unwrap();
    let _same = build("one").unwrap();
    let error = build("two").unwrap_err();
    assert!(matches!(
        error.kind(),
        ConfigErrorKind::SharedKey { other, cookie, .. } if other == "one" && cookie == "two"
    ));
}

#[test]
fn a_key_may_serve_two_cookies_where_that_is_asked_for() {
    let shared = FastifyKey::from(key(7));
    let _codecs = ["one", "two"].map(|name| {
        let builder = builder::<Dynamic>(Keyring::fastify(shared.clone()));
        let builder = builder.danger_share_fastify_key();
        builder.cookie(CookieOptions::new().name(name)).build().unwrap()
    });
}

#[test]
fn a_key_of_zeros_is_refused() {
    assert!(Key::from_bytes([0; 32]).is_err());
}

#[test]
fn undated_sessions_open_only_if_configured() {
    let undated = FastifyKey::from(key(7)).danger_accept_undated();
    let lax = codec(Keyring::fastify(undated));
    let opened = lax.decode(seal(7, r#"{"a":1}"#)).unwrap();
    assert_eq!((opened.info.refreshed_at, opened.info.expires_at), (at(START), at(START + EXPIRY)));
    for time in ["null", r#""1700000000""#, "{}", "1e9"] {
        refuses(&lax, &seal(7, format!(r#"{{"__ts":{time}}}"#)), InvalidPayload);
    }
    refuses(&lax, &seal(7, r#"{"__ts":1}"#), Expired);
}

#[test]
fn undated_sessions_of_another_key_are_refused() {
    let undated = FastifyKey::from(key(8)).danger_accept_undated();
    let codec = codec(Keyring::fastify(key(7)).with_previous_fastify(undated).unwrap());
    refuses(&codec, &seal(7, r#"{"a":1}"#), InvalidPayload);
    assert!(codec.decode(seal(8, r#"{"a":1}"#)).is_ok());
}

#[test]
fn an_unescaped_separator_opens_outside_a_cookie_header() {
    opens(&seven(), &seal_bare(7, DATED));
    refuses(&seven(), seal_bare(7, DATED).split(';').next().unwrap(), Malformed);
}

#[test]
fn a_clock_that_went_back_refuses_what_is_from_the_future() {
    let clock = TestClock::at(START - 61);
    let codec = builder::<Dynamic>(Keyring::fastify(key(7))).clock(clock).build().unwrap();
    refuses(&codec, &seal(7, DATED), TimestampInFuture);
}

#[cfg(all(feature = "axum", feature = "tracing"))]
mod http {
    use ::http::{Request, StatusCode};
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use sealed_session::{Session, SessionErrorKind, SessionLayer};

    use super::*;
    use crate::support::log::log_of;
    use crate::support::{Admin, Browser, Login};

    async fn both(_login: Session<Login>, _admin: Session<Admin>) -> &'static str {
        "both"
    }

    fn app(one: Keyring, other: Keyring) -> Router {
        Router::new()
            .route("/", get(both))
            .layer(SessionLayer::new(builder::<Login>(one).build().unwrap()))
            .layer(SessionLayer::new(builder::<Admin>(other).build().unwrap()))
    }

    fn visit(app: &Router) -> (StatusCode, String) {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let page = Browser::new().send_plain(app, request);
        (page.status, page.body)
    }

    #[test]
    fn one_key_loaded_twice_for_two_cookies_is_a_500_that_names_them() {
        let app = app(Keyring::fastify(key(7)), Keyring::fastify(key(7)));
        let ((status, _body), log) = log_of(|| visit(&app));
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(log.contains("login") && log.contains("admin"), "{log}");
    }

    #[test]
    fn one_key_loaded_twice_is_found_among_the_previous_ones() {
        let moving = Keyring::new(key(8)).with_previous_fastify(key(7)).unwrap();
        let (status, _body) = visit(&app(Keyring::fastify(key(7)), moving));
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn one_key_loaded_twice_may_be_shared_if_either_codec_allows_it() {
        let login = || builder::<Login>(Keyring::fastify(key(7)));
        let admin = || builder::<Admin>(Keyring::fastify(key(7)));
        for (login, admin) in [
            (login().danger_share_fastify_key(), admin()),
            (login(), admin().danger_share_fastify_key()),
        ] {
            let app = Router::new()
                .route("/", get(both))
                .layer(SessionLayer::new(login.build().unwrap()))
                .layer(SessionLayer::new(admin.build().unwrap()));
            assert_eq!(visit(&app), (StatusCode::OK, "both".to_owned()));
        }
    }

    #[test]
    fn two_keys_for_two_cookies_are_allowed() {
        let (status, body) = visit(&app(Keyring::fastify(key(7)), Keyring::fastify(key(8))));
        assert_eq!((status, body.as_str()), (StatusCode::OK, "both"));
    }

    #[test]
    fn the_reserved_name_is_an_error_in_the_handler() {
        let page = Browser::new().visit(&seven(), |session: Session| {
            session.insert("a", 1)?;
            let error = session.insert("__ts", 5).unwrap_err();
            assert!(matches!(
                error.kind(),
                SessionErrorKind::Encode(EncodeErrorKind::Reserved { entry, .. }) if entry == "__ts"
            ));
            assert_eq!(session.get::<u8>("a")?, Some(1), "what was there stays");
            Ok(())
        });
        page.set_cookie();
    }

    #[test]
    fn a_per_session_idle_timeout_is_an_error_in_the_handler() {
        Browser::new().visit(&seven(), |session: Session| {
            session.insert("a", 1)?;
            let error = session.set_idle_timeout(Duration::from_secs(60)).unwrap_err();
            let kind = SessionErrorKind::Encode(EncodeErrorKind::NoRoomForIdleTimeout);
            assert_eq!(error.kind(), &kind);
            Ok(())
        });
    }

    #[test]
    fn a_second_cookie_of_the_name_is_tried() {
        let request =
            Request::get("/").header("cookie", format!("session=junk; session={}", seal(7, DATED)));
        let handler = |session: Session| async move { session.contains("a").to_string() };
        let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(seven()));
        let page = Browser::new().send_plain(&app, request.body(Body::empty()).unwrap());
        assert_eq!(page.body, "true");
    }
}
