//! Cookie headers that are made to hurt, over raw sockets: the answer is that of no session, or a
//! refusal by the server, and what it costs is bounded.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use sealed_session::{Clock, Codec, CookieOptions, SessionLayer};

use crate::support::server::Server;
use crate::support::{EIGHT, Login, SEVEN, START, ring, seconds, who};

/// Counts how often it is asked: once when a request with a cookie arrives, and once for each token
/// that is opened.
struct Counting(AtomicUsize);

impl Clock for Counting {
    fn now(&self) -> SystemTime {
        self.0.fetch_add(1, Ordering::Relaxed);
        UNIX_EPOCH + seconds(START)
    }
}

struct Setting {
    clock: Arc<Counting>,
    codec: Codec<Login>,
    server: Server,
}

const LOGGED_IN: &str = "Some(7)";
const EMPTY: &str = "None";

impl Setting {
    fn new() -> Self {
        Self::with(CookieOptions::new())
    }

    fn with(options: CookieOptions) -> Self {
        let clock = Arc::new(Counting(AtomicUsize::new(0)));
        let codec = Codec::<Login>::builder(ring(&[1])).cookie(options).clock(clock.clone());
        let codec = codec.build().unwrap();
        let layer = SessionLayer::new(codec.clone());
        let server = Server::start(Router::new().route("/", get(who)).layer(layer));
        Self { clock, codec, server }
    }

    fn token(&self) -> String {
        self.codec.encode(&SEVEN).unwrap()
    }

    /// Sealed under a key that the server does not have.
    fn forgery(&self) -> String {
        Codec::<Login>::new(ring(&[9])).unwrap().encode(&SEVEN).unwrap()
    }

    /// Status and body of the answer to a request with these lines, and how many tokens were opened
    /// for it.
    fn ask(&self, lines: &[u8]) -> (u16, String, usize) {
        let before = self.clock.0.load(Ordering::Relaxed);
        let request =
            [b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", lines, b"\r\n"].concat();
        let mut stream = self.server.connect();
        // A server that has seen enough does not wait for the rest.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8(answer).unwrap();
        let status = text.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
        assert!(!text.contains("set-cookie"), "{text}");
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
        let asked = self.clock.0.load(Ordering::Relaxed) - before;
        let opened = asked.saturating_sub(usize::from(status == 200));
        (status, body, opened)
    }

    #[track_caller]
    fn answers(&self, lines: impl AsRef<[u8]>, body: &str) -> usize {
        let (status, found, opened) = self.ask(lines.as_ref());
        assert_eq!((status, found.as_str()), (200, body));
        opened
    }

    /// The server itself does not take so much, and serves the next. It hangs up while more is
    /// coming, so that its answer may get lost.
    #[track_caller]
    fn is_too_much(&self, lines: impl AsRef<[u8]>) {
        let (status, _, opened) = self.ask(lines.as_ref());
        assert!(matches!(status, 431 | 0) && opened == 0, "{status}, {opened}");
        self.answers(format!("Cookie: login={}\r\n", self.token()), LOGGED_IN);
    }

    /// The server itself does not take it, and serves the next.
    #[track_caller]
    fn is_refused(&self, lines: impl AsRef<[u8]>, wanted: u16) {
        let (status, _, opened) = self.ask(lines.as_ref());
        assert_eq!((status, opened), (wanted, 0));
        self.answers(format!("Cookie: login={}\r\n", self.token()), LOGGED_IN);
    }
}

#[test]
fn four_of_a_thousand_cookies_of_the_name_are_opened() {
    let setting = Setting::new();
    let forgery = setting.forgery();
    let cookies = vec![format!("login={forgery}"); 1000].join("; ");
    assert_eq!(setting.answers(format!("Cookie: {cookies}\r\n"), EMPTY), 4);
    let good = setting.token();
    let line = format!("Cookie: login={forgery}; login={forgery}; login={good}; {cookies}\r\n");
    assert_eq!(setting.answers(line, LOGGED_IN), 3);
}

#[test]
fn none_of_a_thousand_cookies_that_are_too_long_or_empty_is_opened() {
    let setting = Setting::new();
    let long =
        format!("Cookie: {}\r\n", vec![format!("login={}", "A".repeat(4097)); 90].join("; "));
    assert_eq!(setting.answers(long, EMPTY), 0);
    let junk = "login=; ".repeat(1000);
    let opened = setting.answers(format!("Cookie: {junk}a=b\r\n"), EMPTY);
    assert!(opened <= 4, "{opened}");
}

#[test]
fn four_cookies_are_opened_even_if_they_come_in_separate_headers() {
    let setting = Setting::new();
    let lines = format!("Cookie: login={}\r\n", setting.forgery()).repeat(90);
    assert_eq!(setting.answers(lines, EMPTY), 4);
    // The server takes a hundred headers.
    let lines = format!("Cookie: login={}\r\n", setting.forgery()).repeat(1000);
    setting.is_too_much(lines);
}

#[test]
fn sixty_four_kilobytes_are_not_opened() {
    let setting = Setting::new();
    for value in ["A".repeat(64 * 1024), "%".repeat(64 * 1024), "login=".repeat(11_000)] {
        assert_eq!(setting.answers(format!("Cookie: login={value}\r\n"), EMPTY), 0);
    }
    let semicolons = ";".repeat(64 * 1024);
    assert_eq!(setting.answers(format!("Cookie: {semicolons}\r\n"), EMPTY), 0);
    let line = format!("Cookie: {semicolons}login={}\r\n", setting.token());
    assert_eq!(setting.answers(line, LOGGED_IN), 1);
}

#[test]
fn a_megabyte_is_refused_before_it_reaches_the_session() {
    let setting = Setting::new();
    setting.is_too_much(format!("Cookie: login={}\r\n", "A".repeat(1 << 20)));
}

#[test]
fn bytes_that_are_not_utf_8_are_an_empty_session_and_do_not_affect_other_cookies() {
    let setting = Setting::new();
    for bad in
        [&b"\xff\xfe\x80"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x28"]
    {
        let line = [b"Cookie: login=", bad, b"\r\n"].concat();
        setting.answers(line, EMPTY);
        let good = format!("; login={}\r\n", setting.token());
        let line = [b"Cookie: ", bad, b"=", bad, good.as_bytes()].concat();
        setting.answers(line, LOGGED_IN);
        let line = [b"Cookie: login=", setting.token().as_bytes(), bad, b"\r\n"].concat();
        setting.answers(line, EMPTY);
    }
}

#[test]
fn a_folded_line_is_refused() {
    let setting = Setting::new();
    let token = setting.token();
    let (one, two) = token.split_at(20);
    for fold in ["\r\n ", "\r\n\t", "\n "] {
        setting.is_refused(format!("Cookie: login={one}{fold}{two}\r\n"), 400);
        setting.is_refused(format!("Cookie: a=b;{fold}login={token}\r\n"), 400);
    }
}

#[test]
fn a_control_character_is_refused() {
    let setting = Setting::new();
    for byte in (0..0x20).chain([0x7f]).filter(|byte| !b"\t\r\n".contains(byte)) {
        let line = [b"Cookie: login=", setting.token().as_bytes(), &[byte], b"\r\n"].concat();
        setting.is_refused(line, 400);
    }
}

#[test]
fn a_bare_carriage_return_cannot_add_a_second_header() {
    let setting = Setting::new();
    let line = format!("X: a\rCookie: login={}\r\n", setting.token());
    setting.is_refused(line, 400);
}

#[test]
fn quotes_are_part_of_the_value_and_a_name_alone_is_not_a_cookie() {
    let setting = Setting::new();
    let token = setting.token();
    for cookie in [
        format!("login=\"{token}\""),
        format!("login=\"{token}"),
        format!("\"login\"={token}"),
        format!("login='{token}'"),
        "login".to_owned(),
        format!("login; {token}"),
        format!("login\t={token}"),
        format!("={token}"),
        token.clone(),
        format!("login=={token}"),
        format!("login={}", token.replace('A', "%41") + "%20"),
        format!("login={token},"),
        format!("$Version=1, login=\"{token}\""),
    ] {
        setting.answers(format!("Cookie: {cookie}\r\n"), EMPTY);
    }
}

#[test]
fn a_prefix_in_odd_case_is_another_cookie() {
    let setting = Setting::with(CookieOptions::host_prefixed());
    let token = setting.token();
    assert_eq!(setting.codec.cookie_name(), "__Host-login");
    for name in ["__host-login", "__HOST-login", "__hOsT-login", "__Secure-login", "login"] {
        assert_eq!(setting.answers(format!("Cookie: {name}={token}\r\n"), EMPTY), 0, "{name}");
    }
    setting.answers(format!("Cookie: __host-login=x; __Host-login={token}\r\n"), LOGGED_IN);
}

#[test]
fn the_header_name_may_be_in_any_letter_case() {
    let setting = Setting::new();
    for name in ["cookie", "COOKIE", "cOOkIE"] {
        setting.answers(format!("{name}: login={}\r\n", setting.token()), LOGGED_IN);
    }
    setting.is_refused(format!("Cookie : login={}\r\n", setting.token()), 400);
}

#[test]
fn the_first_of_two_valid_cookies_counts_in_one_header_or_two() {
    let setting = Setting::new();
    let (seven, eight) = (setting.token(), setting.codec.encode(&EIGHT).unwrap());
    for joint in ["; ", "\r\nCookie: "] {
        let opened =
            setting.answers(format!("Cookie: login={seven}{joint}login={eight}\r\n"), LOGGED_IN);
        assert_eq!(opened, 1);
        let opened =
            setting.answers(format!("Cookie: login={eight}{joint}login={seven}\r\n"), "Some(8)");
        assert_eq!(opened, 1);
    }
}
