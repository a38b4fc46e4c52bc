//! A session without HTTP types: what an adapter for another framework hands in and gets out.

use sealed_session::adapter::{HeaderChange, RequestHead, ResponseHead, Sessions};
use sealed_session::{
    Codec, CookieOptions, Dynamic, Entries, Session, SessionErrorKind, SessionKind,
    SessionRejection,
};

use crate::support::{HOUR, Login, SEVEN, START, key, ring};

fn codec() -> (Codec<Dynamic>, sealed_session::TestClock) {
    let clock = sealed_session::TestClock::at(START);
    (Codec::builder(ring(&[1])).clock(clock.clone()).build().unwrap(), clock)
}

fn cookie(codec: &Codec<Dynamic>) -> String {
    let mut entries = Entries::new();
    entries.insert("a", 1).unwrap();
    format!("session={}", codec.encode(&entries).unwrap())
}

fn request(headers: &[(&str, &str)]) -> RequestHead {
    let mut head = RequestHead::new("GET");
    for (name, value) in headers {
        head.header(name, value.as_bytes());
    }
    head
}

/// The changes as text: `+` adds, `=` sets, `-` removes. Of a cookie only its name.
fn changes<K: SessionKind>(
    session: &Session<K>,
    status: u16,
    headers: &[(&str, &str)],
) -> Vec<String> {
    let text = |value: &[u8]| {
        let value = String::from_utf8(value.to_vec()).unwrap();
        value.split('=').next().unwrap_or_default().to_owned()
    };
    let changes = session.finish(ResponseHead::new(status, &headers));
    changes
        .map(|change| match change {
            HeaderChange::Append { name, value } => format!("+ {name}: {}", text(&value)),
            HeaderChange::Set { name, value } => format!("= {name}: {}", text(&value)),
            HeaderChange::Remove { name } => format!("- {name}"),
        })
        .collect()
}

#[test]
fn what_nobody_looked_at_changes_nothing() {
    let (codec, _) = codec();
    let session = Session::new(codec.clone(), request(&[("cookie", &cookie(&codec))]));
    assert_eq!(changes(&session, 200, &[]), <[&str; 0]>::default());
}

#[test]
fn what_was_read_varies_and_what_was_written_is_set() {
    let (codec, _) = codec();
    let session = Session::new(codec.clone(), request(&[("Cookie", &cookie(&codec))]));
    assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
    assert_eq!(changes(&session, 200, &[]), ["+ vary: Cookie"]);

    let session = Session::new(codec.clone(), request(&[("cookie", &cookie(&codec))]));
    session.insert("a", 2).unwrap();
    assert_eq!(
        changes(&session, 200, &[]),
        ["= cache-control: no-store", "+ set-cookie: session", "+ vary: Cookie"]
    );
    assert_eq!(
        session.insert("a", 3).unwrap_err().kind(),
        &SessionErrorKind::ResponseStarted,
        "nothing is lost in silence"
    );
}

#[test]
fn a_write_takes_the_response_out_of_shared_caches() {
    let (codec, _) = codec();
    let session = Session::new(codec.clone(), RequestHead::new("GET"));
    session.insert("a", 2).unwrap();
    let headers = [
        ("cache-control", "public, max-age=60"),
        ("cdn-cache-control", "max-age=600"),
        ("surrogate-control", "no-store"),
        ("vary", "accept, cookie"),
    ];
    assert_eq!(
        changes(&session, 200, &headers),
        ["- cdn-cache-control", "= cache-control: private, max-age", "+ set-cookie: session"]
    );
}

#[test]
fn each_named_header_of_the_request_matters_and_others_do_not() {
    assert_eq!(RequestHead::HEADERS, ["cookie", "sec-fetch-mode", "sec-purpose"]);
    let (codec, clock) = codec();
    let cookie = cookie(&codec);
    clock.advance(13 * HOUR);
    // A slow request refreshes a session that has used up half of its time only if it opens a page.
    let refreshes = |headers: &[(&str, &str)]| {
        let session = Session::new(codec.clone(), request(headers));
        let _ = session.data();
        clock.advance(2 * HOUR);
        let changes = changes(&session, 200, &[]);
        clock.go_back(2 * HOUR);
        changes.iter().any(|change| change.starts_with("+ set-cookie"))
    };
    let cookie = ("cookie", cookie.as_str());
    assert!(!refreshes(&[cookie]));
    assert!(refreshes(&[cookie, ("Sec-Fetch-Mode", "navigate")]));
    assert!(!refreshes(&[cookie, ("sec-fetch-mode", "cors"), ("accept", "navigate")]));
}

#[test]
fn cookies_in_several_headers_are_one_list() {
    let (codec, _) = codec();
    let ours = cookie(&codec);
    for lines in [["theme=dark", ours.as_str()], [ours.as_str(), "theme=dark"]] {
        let session = Session::new(codec.clone(), request(&lines.map(|line| ("cookie", line))));
        assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
        assert_eq!(codec.decode_cookie_lines(&lines).unwrap().data.get("a").unwrap(), Some(1));
    }
}

#[test]
fn one_cookie_has_one_session_on_a_request() {
    let (codec, _) = codec();
    let logins = Codec::<Login>::new(ring(&[1])).unwrap();
    let mut sessions = Sessions::new();
    assert_eq!(
        sessions.get::<Login>().unwrap_err().to_string(),
        "no SessionLayer for `http::support::Login` on this route: add \
         `.layer(SessionLayer::new(Codec::<Login>::new(keyring)?))` after its routes"
    );
    assert!(sessions.begin(&codec, RequestHead::new("GET")).is_some());
    assert!(sessions.begin(&logins, RequestHead::new("GET")).is_some());
    sessions.get::<Login>().unwrap().set(SEVEN).unwrap();
    assert_eq!(sessions.get::<Login>().unwrap().data(), Some(SEVEN));

    let options = CookieOptions::new().name("session");
    let same = Codec::<Login>::builder(ring(&[2])).cookie(options).build().unwrap();
    let mut sessions = Sessions::new();
    assert!(sessions.begin(&codec, RequestHead::new("GET")).is_some());
    assert!(sessions.begin(&same, RequestHead::new("GET")).is_none());
    let refused = sessions.get::<Dynamic>().unwrap_err();
    assert!(matches!(refused, SessionRejection::ClashingLayers { .. }), "{refused}");
}

#[test]
fn the_sessions_of_a_request_share_the_room_for_cookies() {
    let codec = Codec::<Dynamic>::builder(ring(&[1])).max_cookie_header(4000).build().unwrap();
    let logins = Codec::<Login>::builder(ring(&[1]));
    let logins = logins.max_cookie_header(4000).build().unwrap();
    let mut sessions = Sessions::new();
    let one = sessions.begin(&codec, RequestHead::new("GET")).unwrap();
    let two = sessions.begin(&logins, RequestHead::new("GET")).unwrap();
    one.insert("a", "x".repeat(2850)).unwrap();
    let error = two.set(SEVEN).unwrap_err();
    assert!(matches!(error.kind(), SessionErrorKind::CookieHeaderTooLarge { .. }), "{error}");
}

#[test]
fn nothing_of_a_cookie_is_printed() {
    let codec = Codec::<Dynamic>::new(sealed_session::Keyring::new(key(1))).unwrap();
    let head = request(&[("cookie", "session=SECRET")]);
    let session = Session::new(codec, head.clone());
    session.insert("a", "SECRET").unwrap();
    let headers: [(&str, &str); 0] = [];
    let response = ResponseHead::new(200, &headers);
    let changes = session.finish(response);
    let printed = format!("{head:?} {response:?} {changes:?} {session:?}");
    let cookies: Vec<_> = changes.collect();
    let printed = format!("{printed} {cookies:?}");
    assert!(!printed.contains("SECRET") && !printed.contains("session="), "{printed}");
}

#[test]
fn headers_may_be_written_in_any_letter_case() {
    let (codec, _) = codec();
    let session = Session::new(codec, RequestHead::new("GET"));
    session.insert("a", 1).unwrap();
    let headers = [
        ("CDN-Cache-Control", "max-age=600"),
        ("Cache-Control", "public, max-age=600"),
        ("Vary", "Cookie"),
    ];
    assert_eq!(
        changes(&session, 200, &headers),
        ["- cdn-cache-control", "= cache-control: private, max-age", "+ set-cookie: session"]
    );
}
