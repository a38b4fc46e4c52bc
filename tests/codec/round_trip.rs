//! `Codec`: session to token and back, in a text and in a `Cookie` header.

use sealed_session::{
    Codec, CookieOptions, DecodeErrorKind, Dynamic, EncodeError, EncodeErrorKind, Entries,
    SessionKind, TestClock,
};
use serde_json::json;

use crate::support::{self, NamedLogin, START, at, codec_at, entries, percent_encode, ring};

struct Admin;
impl SessionKind for Admin {
    type Data = NamedLogin;
    const NAME: &'static str = "admin";
}

const DAY: u64 = support::DAY.as_secs();

fn codec() -> Codec<NamedLogin> {
    codec_at(&[7], START)
}

fn login(user: &str) -> NamedLogin {
    NamedLogin { user: user.to_owned() }
}

fn token(user: &str) -> String {
    codec().encode(login(user)).unwrap()
}

#[track_caller]
fn refuses(token: impl AsRef<[u8]>, wanted: DecodeErrorKind) {
    assert_eq!(codec().decode(token).unwrap_err().kind(), &wanted);
}

/// The header's session is that of `user`.
#[track_caller]
fn finds(header: impl AsRef<[u8]>, user: &str) {
    let header = header.as_ref();
    let opened = codec().decode_cookie_header(header);
    let opened = opened.unwrap_or_else(|e| panic!("{e} in {}", String::from_utf8_lossy(header)));
    assert_eq!(opened.data.user, user);
}

#[track_caller]
fn finds_none(header: impl AsRef<[u8]>, wanted: DecodeErrorKind) {
    let header = header.as_ref();
    let error = codec().decode_cookie_header(header).unwrap_err();
    assert_eq!(error.kind(), &wanted, "{}", String::from_utf8_lossy(header));
}

#[test]
fn opens_what_it_sealed() {
    for user in ["", "ada", "Zoë 🦀", "\0\n\"\\", &"x".repeat(2980)] {
        let opened = codec().decode(token(user)).unwrap();
        assert_eq!(opened.data, login(user));
        assert_eq!(opened.info.created_at, Some(at(START)));
        assert_eq!(opened.info.refreshed_at, at(START));
        assert_eq!(opened.info.expires_at, at(START + DAY));
        assert_eq!(opened.info.own_idle_timeout, None);
        assert_eq!(opened.info.key_index, 0);
    }
}

#[test]
fn opens_the_entries_that_it_sealed() {
    let codec = codec_at::<Dynamic>(&[7], START);
    let mut entries = Entries::new();
    entries.insert("visits", 3).unwrap();
    entries.insert("名前", "Zoë").unwrap();
    let opened = codec.decode(codec.encode(&entries).unwrap()).unwrap();
    assert_eq!(opened.data.get::<u32>("visits").unwrap(), Some(3));
    assert_eq!(opened.data.get::<String>("名前").unwrap().unwrap(), "Zoë");
    assert_eq!(opened.data.len(), 2);
}

#[test]
fn a_token_needs_no_escapes_in_a_cookie_or_a_url() {
    let token = token("Zoë 🦀");
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    assert!(token.bytes().all(allowed), "{token}");
}

#[test]
fn one_kinds_token_does_not_open_as_another() {
    let admins = codec_at::<Admin>(&[7], START);
    let kind = *admins.decode(token("ada")).unwrap_err().kind();
    assert_eq!(kind, DecodeErrorKind::NoMatchingKey);
}

#[test]
fn a_token_is_bound_to_the_whole_name() {
    let prefixed = Codec::<NamedLogin>::builder(ring(&[7]))
        .clock(TestClock::at(START))
        .cookie(CookieOptions::host_prefixed())
        .build()
        .unwrap();
    assert_eq!(prefixed.cookie_name(), "__Host-login");
    assert_eq!(prefixed.decode(token("ada")).unwrap_err().kind(), &DecodeErrorKind::NoMatchingKey);
    refuses(prefixed.encode(login("ada")).unwrap(), DecodeErrorKind::NoMatchingKey);
}

#[test]
fn authentic_json_of_another_shape_is_refused() {
    let entries: Entries = serde_json::from_str(r#"{"user":7}"#).unwrap();
    let named_login = Codec::<Dynamic>::builder(ring(&[7]))
        .clock(TestClock::at(START))
        .cookie(CookieOptions::new().name("login"))
        .build()
        .unwrap();
    refuses(named_login.encode(&entries).unwrap(), DecodeErrorKind::InvalidPayload);
}

/// There is one decoder: what it refuses is not tried as anything weaker (CVE-2026-39324).
#[test]
fn tries_no_other_decoder_after_its_own() {
    use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

    let json = br#"{"user":"mallory"}"#;
    let framed = [&[0; 24 + 16][..], &header(), json].concat();
    for token in [
        String::from_utf8(json.to_vec()).unwrap(),
        Base64::encode_string(json),
        Base64UrlUnpadded::encode_string(json),
        // Ours in all but the seal.
        Base64UrlUnpadded::encode_string(&framed),
        // Node's, under this very key.
        NODE.to_owned(),
        percent_encode(NODE),
        percent_encode(NODE).replace("%3D", ""),
        NODE.split(';').next().unwrap().to_owned(),
    ] {
        let kind = *codec().decode(&token).expect_err(&token).kind();
        assert!(
            matches!(kind, DecodeErrorKind::NoMatchingKey | DecodeErrorKind::Malformed),
            "{kind:?}"
        );
        codec().decode_cookie_header(format!("login={token}")).expect_err(&token);
    }
}

/// What Node's `@fastify/secure-session` 8.4 made under the key of sevens, of `{"__ts":1700000000,"a":1}`.
const NODE: &str =
    "5FJpIeb+eJ3NQkB9oIitRfLJHYFas9zeBXT2HoXqvx68oQjDVft50h4=;AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";

/// A valid header: version 1, no flag, an id, created at START and not refreshed since, a day of idle
/// timeout.
fn header() -> Vec<u8> {
    let header = [
        &[1, 0][..],
        &[0xa5; 16],
        &(START * 1000).to_be_bytes()[2..],
        &[0; 4],
        &(DAY as u32).to_be_bytes(),
    ]
    .concat();
    assert_eq!(header.len(), 32);
    header
}

#[test]
fn finds_its_cookie_among_others() {
    let token = token("ada");
    finds(format!("login={token}"), "ada");
    finds(format!("a=b; login={token}; c=d"), "ada");
    finds(format!("a=b;login={token};c=d"), "ada");
    finds(format!("=; ;; a; login={token}; \u{e9}"), "ada");
    finds([b"a=\xff\xfe; login=", token.as_bytes()].concat(), "ada");
}

#[test]
fn takes_no_cookie_of_another_name() {
    let token = token("ada");
    for name in ["xlogin", "login2", "login-", "Login", "LOGIN", "logi", "__Host-login", "a=login"]
    {
        finds_none(format!("{name}={token}"), DecodeErrorKind::Missing);
    }
    finds_none(format!("login ={token}"), DecodeErrorKind::Missing);
    finds_none("login", DecodeErrorKind::Missing);
    finds_none("", DecodeErrorKind::Missing);
}

#[test]
fn a_longer_name_in_front_does_not_hide_the_cookie() {
    finds(format!("login2={}; login={}", token("eve"), token("ada")), "ada");
}

#[test]
fn an_empty_or_quoted_cookie_is_malformed() {
    finds_none("login=", DecodeErrorKind::Malformed);
    finds_none(format!("login=\"{}\"", token("ada")), DecodeErrorKind::Malformed);
}

#[test]
fn tries_the_next_cookie_after_one_that_does_not_open() {
    let token = token("ada");
    let forged = Codec::<NamedLogin>::new(ring(&[8])).unwrap().encode(login("eve")).unwrap();
    let expired = codec_at::<NamedLogin>(&[7], START - DAY).encode(login("eve")).unwrap();
    let future = codec_at::<NamedLogin>(&[7], START + DAY).encode(login("eve")).unwrap();
    for junk in ["junk", "", "%00", &forged, &expired, &future, &"A".repeat(5000)] {
        finds(format!("login={junk}; login={token}"), "ada");
    }
}

#[test]
fn the_first_cookie_that_opens_counts() {
    finds(format!("login=junk; login={}; login={}", token("ada"), token("eve")), "ada");
}

#[test]
fn tries_at_most_four_cookies_of_its_name() {
    let valid = format!("login={}", token("ada"));
    for junk in 0..4 {
        finds(format!("{}{valid}", "login=junk; ".repeat(junk)), "ada");
    }
    finds_none(format!("{}{valid}", "login=junk; ".repeat(4)), DecodeErrorKind::Malformed);
    // Others do not count.
    finds(format!("{}{valid}", "logout=junk; ".repeat(40)), "ada");
}

#[test]
fn says_why_the_first_of_several_does_not_open() {
    let forged = Codec::<NamedLogin>::new(ring(&[8])).unwrap().encode(login("eve")).unwrap();
    finds_none(format!("login={forged}; login=junk"), DecodeErrorKind::NoMatchingKey);
    finds_none(format!("login=junk; login={forged}"), DecodeErrorKind::Malformed);
}

/// The characters that so many bytes take in unpadded base64.
fn base64_len(bytes: usize) -> usize {
    bytes / 3 * 4 + [0, 2, 3][bytes % 3]
}

#[track_caller]
fn encode_sized(name_len: usize, json_len: usize) -> Result<String, EncodeError> {
    let codec = Codec::<NamedLogin>::builder(ring(&[7]))
        .clock(TestClock::at(START))
        .cookie(CookieOptions::new().name("n".repeat(name_len)))
        .build()
        .unwrap();
    let data = login(&"x".repeat(json_len - r#"{"user":""}"#.len()));
    let token = codec.encode(&data)?;
    assert_eq!(codec.decode(&token).unwrap().data, data);
    Ok(token)
}

#[test]
fn seals_up_to_4096_bytes_of_name_and_value() {
    let mut exact = 0;
    for name_len in (1..=9).chain([64, 255]) {
        let largest = (0..4096).rfind(|json| name_len + base64_len(72 + json) <= 4096).unwrap();
        let token = encode_sized(name_len, largest).unwrap();
        assert_eq!(token.len(), base64_len(72 + largest));
        exact += usize::from(name_len + token.len() == 4096);

        let error = encode_sized(name_len, largest + 1).unwrap_err();
        let EncodeErrorKind::TooLarge(size) = error.kind() else { panic!("{error:?}") };
        assert_eq!(size.cookie, "n".repeat(name_len));
        assert_eq!(size.size, name_len + base64_len(72 + largest + 1));
        assert_eq!((size.limit, size.json), (4096, largest + 1));
        assert_eq!(size.entry, None);
    }
    assert!(exact > 4, "some fill the cookie to the last byte: {exact}");
}

#[test]
fn says_how_large_the_cookie_would_have_been() {
    let error = encode_sized(5, 2997).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the cookie `nnnnn` would have 4097 bytes, 1 more than the 4096 that browsers store: \
         5 for the name, 4092 for the sealed value of 2997 bytes of JSON"
    );
}

#[test]
fn refuses_11_kilobytes() {
    let error = codec().encode(login(&"x".repeat(11_000))).unwrap_err();
    assert!(matches!(error.kind(), EncodeErrorKind::TooLarge(size) if size.size > 14_000));
}

#[test]
fn a_set_cookie_value_takes_no_text_that_is_no_token() {
    let codec = codec_at::<Dynamic>(&[1], START);
    let token = codec.encode(Entries::new()).unwrap();
    assert!(codec.set_cookie(&token).unwrap().starts_with(&format!("session={token}; ")));
    for text in ["x; Domain=example.org", "x\r\nX-Injected: 1", "x y", "x,y", "\u{e9}", "\"x\""] {
        let error = codec.set_cookie(text).unwrap_err();
        assert_eq!(*error.kind(), EncodeErrorKind::NotAToken, "{text:?}");
    }
}

#[test]
fn a_set_cookie_value_keeps_a_remembered_session_for_as_long_as_it_lives() {
    let clock = TestClock::at(START);
    let builder = Codec::<Dynamic>::builder(ring(&[1])).clock(clock.clone());
    let codec = builder.remember_timeout(30 * support::DAY).build().unwrap();
    let token = codec.encode(Entries::new()).unwrap();
    assert!(!codec.set_cookie(&token).unwrap().contains("Max-Age"));
    let mut decoded = codec.decode(&token).unwrap();
    decoded.info.own_idle_timeout = Some(30 * support::DAY);
    let token = codec.reseal(&decoded).unwrap();
    clock.advance(support::DAY);
    let line = codec.set_cookie(&token).unwrap();
    assert!(line.contains("; Max-Age=2505600"), "{line}");
    let removal = codec.remove_cookie();
    assert!(removal.starts_with("session=; ") && removal.contains("; Max-Age=0"), "{removal}");
}

#[test]
fn entries_are_equal_if_they_say_the_same_in_any_order() {
    let one = entries(r#"{"a":1,"b":{"c":2,"d":3}}"#);
    assert_eq!(one, entries(r#"{"b":{"d":3,"c":2},"a":1}"#));
    assert_ne!(one, entries(r#"{"a":1,"b":{"c":3,"d":2}}"#));
}

#[test]
fn entries_are_collected_and_of_two_of_one_name_the_last_counts() {
    let values = [("a", json!(1)), ("b", json!([2])), ("a", json!(3))];
    let collected: Entries = values.into_iter().collect();
    assert_eq!(collected, entries(r#"{"a":3,"b":[2]}"#));
    let all: Vec<_> = collected.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(all, ["a: 3", "b: [2]"]);
    assert!((&collected).into_iter().eq(collected.iter()));
}

#[test]
fn what_is_printed_of_a_decoded_token_is_its_info_without_the_data() {
    let codec = codec();
    let decoded = codec.decode(codec.encode(login("ada")).unwrap()).unwrap();
    let printed = format!("{decoded:?}");
    assert!(printed.contains("Decoded") && printed.contains("expires_at"), "{printed}");
    assert!(!printed.contains("ada"), "{printed}");
}
