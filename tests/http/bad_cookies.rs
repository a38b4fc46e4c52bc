//! A bad cookie is an empty session: whatever is sent, the answer is the one without a cookie.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, StatusCode};
use sealed_session::{Codec, CookieOptions, Dynamic, Session, SessionKind, SessionLayer};
use serde_json::value::RawValue;

use crate::support::server::Server;
use crate::support::{Admin, Browser, DAY, Login, Page, SEVEN, START, ring};

async fn who(session: Session<Login>) -> String {
    format!("{:?}", session.data())
}

fn app(codec: &Codec<Login>) -> Router {
    Router::new().route("/", get(who)).layer(SessionLayer::new(codec.clone()))
}

fn with_cookies(browser: &Browser, app: &Router, headers: &[&[u8]]) -> Page {
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    for header in headers {
        let header = HeaderValue::from_bytes(header).unwrap();
        request.headers_mut().append(COOKIE, header);
    }
    browser.send_plain(app, request)
}

/// The app, a valid token for it, and its answer without any cookie.
struct Setting {
    browser: Browser,
    app: Router,
    token: String,
    empty: Page,
}

impl Setting {
    fn new(keys: &[u8]) -> Self {
        let browser = Browser::new();
        let codec = browser.builder_with(keys).build().unwrap();
        let app = app(&codec);
        let empty = with_cookies(&browser, &app, &[]);
        assert_eq!(empty.body, "None");
        assert!(!empty.headers.contains_key(SET_COOKIE));
        Self { token: codec.encode(&SEVEN).unwrap(), browser, app, empty }
    }

    fn page(&self, headers: &[&[u8]]) -> Page {
        with_cookies(&self.browser, &self.app, headers)
    }

    #[track_caller]
    fn opens(&self, headers: &[&str]) {
        let headers: Vec<_> = headers.iter().map(|header| header.as_bytes()).collect();
        assert_eq!(self.page(&headers).body, "Some(Login { user_id: 7 })");
    }

    #[track_caller]
    fn is_empty(&self, headers: &[&str]) {
        let headers: Vec<_> = headers.iter().map(|header| header.as_bytes()).collect();
        assert_eq!(self.page(&headers), self.empty);
    }
}

#[test]
fn a_cookie_with_any_bit_flipped_is_an_empty_session() {
    for keys in [&[1][..], &[2, 1]] {
        let setting = Setting::new(keys);
        let good = format!("login={}", setting.token).into_bytes();
        assert_ne!(setting.page(&[&good]), setting.empty);
        let mut sent = 0;
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            if HeaderValue::from_bytes(&bad).is_ok() {
                assert_eq!(setting.page(&[&bad]), setting.empty, "bit {bit}");
                sent += 1;
            }
        }
        // The others make control characters, which no request can carry.
        assert!(sent > good.len() * 6, "{sent} of {}", good.len() * 8);
    }
}

#[test]
fn a_cookie_cut_short_or_with_something_added_is_an_empty_session() {
    let setting = Setting::new(&[1]);
    let token = &setting.token;
    for len in 0..token.len() {
        setting.is_empty(&[&format!("login={}", &token[..len])]);
        setting.is_empty(&[&format!("login={}", &token[token.len() - len..])]);
    }
    for added in ["A", "=", "==", "\"", "%3D", ".", "\u{e4}", "\tA"] {
        setting.is_empty(&[&format!("login={token}{added}")]);
        setting.is_empty(&[&format!("login={added}{token}")]);
    }
}

#[test]
fn the_first_of_several_cookies_that_opens_counts_and_four_are_tried() {
    let setting = Setting::new(&[1]);
    let good = format!("login={}", setting.token);
    let after = |count: usize| format!("{}{good}", "login=junk; ".repeat(count));
    for junk in 0..4 {
        setting.opens(&[&after(junk)]);
    }
    for junk in 4..7 {
        setting.is_empty(&[&after(junk)]);
    }
    setting.opens(&[&format!("{good}; {}", after(1000))]);
    setting.is_empty(&[&after(1000)]);
    setting.opens(&[&format!("{}{good}", "other=1; ".repeat(1000))]);
}

#[test]
fn cookie_headers_that_were_split_count_as_one() {
    let setting = Setting::new(&[1]);
    let good = format!("login={}", setting.token);
    setting.opens(&["a=b", &good, "c=d"]);
    setting.opens(&["login=junk", "login=junk; login=junk", &good]);
    setting.is_empty(&["login=junk; login=junk", "login=junk; login=junk", &good]);
}

#[test]
fn a_malformed_cookie_of_that_name_is_an_empty_session() {
    let setting = Setting::new(&[1]);
    let token = &setting.token;
    for header in [
        "login".to_owned(),
        "login=".to_owned(),
        "login;".to_owned(),
        ";;; ; =; ==".to_owned(),
        format!("login={{}}; {token}"),
        format!("Login={token}"),
        format!("LOGIN={token}"),
        format!("xlogin={token}"),
        format!("login2={token}"),
        format!("__Host-login={token}"),
        format!("login =  {token}"),
        format!("login=\"{token}\""),
        format!("login={token}\t{token}"),
        format!("a=\"; login2={token}\""),
    ] {
        setting.is_empty(&[&header]);
    }
    let page = setting.page(&[b"login=\xff\xfe\x80", b"\xc3=\x28"]);
    assert_eq!(page, setting.empty);
    let not_utf8 = [b"x=\xff; login=".as_slice(), token.as_bytes()].concat();
    assert_ne!(setting.page(&[&not_utf8]), setting.empty, "beside the good one");
}

#[test]
fn an_oversized_cookie_over_a_socket_is_an_empty_session() {
    let setting = Setting::new(&[1]);
    let server = Server::start(setting.app.clone());
    let junk = "A".repeat(64 * 1024);
    for cookie in [&junk, &format!("{}{junk}", setting.token)] {
        let header = format!("login={cookie}");
        setting.is_empty(&[&header]);
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {header}\r\n\r\n");
        let page = server.exchange(request.as_bytes());
        assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "None"));
        assert!(page.set_cookies().is_empty());
    }
    setting.opens(&[&format!("login={junk}; login={}", setting.token)]);
}

#[test]
fn a_nul_byte_does_not_reach_the_session() {
    let setting = Setting::new(&[1]);
    let server = Server::start(setting.app.clone());
    let request = |cookie: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n");
    let nul = request(&format!("login={}\0", setting.token));
    assert_eq!(server.exchange(nul.as_bytes()).status, StatusCode::BAD_REQUEST);
    let good = request(&format!("login={}", setting.token));
    assert_eq!(server.exchange(good.as_bytes()).status, StatusCode::OK);
}

#[test]
fn a_cookie_under_another_sessions_name_does_not_open() {
    let setting = Setting::new(&[1]);
    let browser = &setting.browser;
    let admin = browser.codec::<Admin>().encode(&SEVEN).unwrap();
    setting.is_empty(&[&format!("login={admin}")]);
    setting.is_empty(&[&format!("admin={admin}")]);
    let prefixed = CookieOptions::host_prefixed();
    let prefixed = browser.builder::<Login>().cookie(prefixed).build().unwrap();
    let token = prefixed.encode(&SEVEN).unwrap();
    setting.is_empty(&[&format!("login={token}")]);
}

/// Any JSON, under the name of `Login`'s cookie or of `Dynamic`'s.
struct Any<const ENTRIES: bool>;

impl<const ENTRIES: bool> SessionKind for Any<ENTRIES> {
    type Data = Box<RawValue>;
    const NAME: &'static str = if ENTRIES { "session" } else { "login" };
}

#[test]
fn an_authentic_payload_of_another_shape_is_an_empty_session() {
    let setting = Setting::new(&[1]);
    let entries = Router::new()
        .route(
            "/",
            get(|session: Session| async move {
                format!("{} {:?}", session.is_empty(), session.get::<u32>("user_id").unwrap())
            }),
        )
        .layer(SessionLayer::new(setting.browser.codec::<Dynamic>()));
    let no_entries = with_cookies(&setting.browser, &entries, &[]);
    let deep = format!("{}{}", "[".repeat(1400), "]".repeat(1400));
    for json in ["null", "1", "1e400", "\"text\"", "[]", &deep, r#"{"user_id":7,"user_id":8}"#] {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        let token = setting.browser.codec::<Any<true>>().encode(&json).unwrap();
        let page =
            with_cookies(&setting.browser, &entries, &[format!("session={token}").as_bytes()]);
        assert_eq!(page, no_entries, "{}", json.get());
    }
    for json in [
        "null",
        "1",
        "1e400",
        "[]",
        "{}",
        &deep,
        r#"{"user_id":"7"}"#,
        r#"{"user_id":-1}"#,
        r#"{"user_id":7,"user_id":8}"#,
    ] {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        let typed = setting.browser.codec::<Any<false>>().encode(&json).unwrap();
        setting.is_empty(&[&format!("login={typed}")]);
    }
}

#[cfg(feature = "tracing")]
#[test]
fn the_log_tells_the_reason_at_debug_level_and_nothing_secret() {
    let setting = Setting::new(&[1]);
    let browser = &setting.browser;
    let secret = Login { user_id: 7_777_777_777 };
    let token = browser.codec::<Login>().encode(&secret).unwrap();
    let shape = RawValue::from_string(r#"{"user_id":"7777777777"}"#.to_owned()).unwrap();
    let shape = browser.codec::<Any<false>>().encode(&shape).unwrap();
    let forged = browser.builder_with::<Login>(&[9]).build().unwrap();
    let forged = forged.encode(&secret).unwrap();
    let long = token.repeat(100);
    let junk = format!("!{}", &token[1..]);
    let day = DAY;
    for (bad, later, reason) in [
        (&junk, day / 2, "the token is malformed"),
        (&forged, day / 2, "no key in the keyring opens"),
        (&long, day / 2, "exceeds the maximum length"),
        (&shape, day / 2, "not a session of this kind"),
        (&token, 3 * day, "expired"),
    ] {
        browser.clock.set(START);
        browser.clock.advance(later);
        let cookie = format!("login={bad}");
        let (page, log) = crate::support::log::log_of(|| {
            with_cookies(browser, &setting.app, &[cookie.as_bytes()])
        });
        assert_eq!(page, setting.empty);
        let ours: Vec<_> = log.lines().filter(|line| line.contains(" sealed_session")).collect();
        assert!(
            matches!(ours[..], [line] if line.starts_with("DEBUG") && line.contains(reason)),
            "{log}"
        );
        says_nothing_secret(&log, bad);
    }
}

#[cfg(feature = "tracing")]
#[test]
fn the_log_of_a_session_that_is_written_has_nothing_secret() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    for keys in [&[1][..], &[2, 1]] {
        codec.replace_keyring(ring(keys));
        let (_, log) = crate::support::log::log_of(|| {
            browser.visit(&codec, |session| {
                session.insert("n", 7_777_777_777_u64)?;
                session.get::<String>("n").unwrap_err();
                session.insert("big", "7777777777".repeat(2000)).unwrap_err();
                session.touch()
            })
        });
        says_nothing_secret(&log, browser.cookie("session").unwrap());
    }
    let handler = |session: Session| async move {
        session.insert("n", 1)?;
        session.insert("n", "7777777777".repeat(2000))
    };
    let app = Router::new().fallback(handler).layer(SessionLayer::new(codec));
    let (page, log) = crate::support::log::log_of(|| browser.get(&app, "/"));
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(log.contains("ERROR sealed_session"), "{log}");
    says_nothing_secret(&log, browser.cookie("session").unwrap());
    assert!(!format!("{page:?}").contains("7777777777"));
}

#[cfg(feature = "tracing")]
#[track_caller]
fn says_nothing_secret(log: &str, cookie: &str) {
    assert!(!log.contains("7777777777"), "plaintext: {log}");
    let parts = cookie.as_bytes().chunks_exact(8);
    for part in parts.map(|part| std::str::from_utf8(part).unwrap()) {
        assert!(!log.contains(part), "cookie: {log}");
    }
    for key in ["01010101", "AQEBAQEB", "1, 1, 1, 1", "02020202", "AgICAgIC", "2, 2, 2, 2"] {
        assert!(!log.contains(key), "key: {log}");
    }
}
