//! What a response says of the session, and how a test fails on it.

use sealed_session::testing::{SessionChange, TestCookie};
use sealed_session::{Codec, CookieOptions, SameSite, TestClock};

use super::panic_of;
use super::support::{DAY, EIGHT, Login, NamedLogin, SEVEN, START, at, codec_at, ring};

fn codec() -> Codec<Login> {
    codec_at(&[1], START)
}

fn seven() -> String {
    codec().set_cookie(&TestCookie::new(&codec(), SEVEN).token()).unwrap()
}

fn of<L: AsRef<[u8]>>(set_cookies: &[L]) -> SessionChange<Login> {
    SessionChange::of_set_cookies(&codec(), set_cookies)
}

/// A response that no test can use.
#[track_caller]
fn fails(set_cookies: &[String], expected: &str) {
    assert_eq!(panic_of(|| of(set_cookies)), expected);
}

#[test]
fn a_response_without_the_sessions_cookie_keeps_it() {
    of::<&str>(&[]).assert_kept();
    of(&["theme=dark; Path=/", "login2=; Max-Age=0", "logi=7", "", "login", "=7"]).assert_kept();
}

#[test]
fn a_removal_is_told_from_a_session() {
    of(&[codec().remove_cookie()]).assert_removed();
    of(&["login=; Path=/; Max-Age=0"]).assert_removed();
    of(&["login=; Path=/; Max-Age=-1"]).assert_removed();
    of(&["login=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT"]).assert_removed();
    // `Max-Age` has precedence.
    let kept = seven() + "; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    of(&[kept]).expect_set();
}

#[test]
fn a_session_that_is_set_has_its_data_times_and_attributes() {
    let options = CookieOptions::secure_prefixed()
        .domain("example.org")
        .path("/shop")
        .same_site(SameSite::None)
        .partitioned(true);
    let codec = Codec::<Login>::builder(ring(&[1]))
        .cookie(options)
        .remember_timeout(30 * DAY)
        .clock(TestClock::at(START))
        .build()
        .unwrap();
    let token = TestCookie::new(&codec, SEVEN).remembered().token();
    let set =
        SessionChange::of_set_cookies(&codec, [codec.set_cookie(&token).unwrap()]).expect_set();
    assert_eq!((&set.data, set.header()), (&SEVEN, &*format!("__Secure-login={token}")));
    assert_eq!(set.info.expires_at, at(START) + 30 * DAY);
    let attributes = &set.attributes;
    assert_eq!(attributes.path.as_deref(), Some("/shop"));
    assert_eq!(attributes.domain.as_deref(), Some("example.org"));
    assert_eq!(attributes.max_age, Some(30 * DAY));
    assert_eq!(attributes.same_site, Some(SameSite::None));
    assert!(attributes.secure && attributes.http_only && attributes.partitioned);
    assert_eq!(
        attributes.to_string(),
        "Path=/shop; Domain=example.org; Max-Age=2592000; SameSite=None; HttpOnly; Secure; Partitioned"
    );
}

#[test]
fn attributes_are_read_as_browsers_read_them() {
    let token = TestCookie::new(&codec(), SEVEN).token();
    let set = of(&[format!(" login = {token} ;PATH=/ ; samesite=strict;secure;Max-Age=60;New")]);
    let attributes = set.expect_set().attributes;
    assert_eq!(attributes.to_string(), "Path=/; Max-Age=60; SameSite=Strict; Secure");
}

#[test]
fn a_line_that_browsers_ignore_is_no_change() {
    of(&[seven().replace("; ", "\0; ")]).assert_kept();
    of(&[&b"login=\xff; Path=/; Max-Age=0"[..]]).assert_kept();
}

#[test]
fn a_cookie_that_was_left_under_another_path_may_be_removed() {
    let old = "login=; Path=/old; Max-Age=0".to_owned();
    of(&[&old]).assert_kept();
    assert_eq!(of(&[old, seven()]).expect_set().data, SEVEN);
}

#[test]
fn a_failure_says_what_the_response_does_instead() {
    let kept = "but it keeps the session as it is: no Set-Cookie has the session's name";
    let removed = "but it removes the session's cookie";
    let set =
        "but it sets the session to Login { user_id: 7 } (Path=/; SameSite=Lax; HttpOnly; Secure)";
    let keeps = || of::<&str>(&[]);
    let removes = || of(&[codec().remove_cookie()]);
    let sets = || of(&[seven()]);

    let should = "the response should keep the session as it is, ";
    assert_eq!(panic_of(|| removes().assert_kept()), format!("{should}{removed}"));
    assert_eq!(panic_of(|| sets().assert_kept()), format!("{should}{set}"));

    let should = "the response should remove the session's cookie, ";
    assert_eq!(panic_of(|| keeps().assert_removed()), format!("{should}{kept}"));
    assert_eq!(panic_of(|| sets().assert_removed()), format!("{should}{set}"));

    let should = "the response should set the session, ";
    assert_eq!(panic_of(|| keeps().expect_set()), format!("{should}{kept}"));
    assert_eq!(panic_of(|| removes().expect_set()), format!("{should}{removed}"));
}

#[test]
fn a_session_that_is_set_twice_fails_the_test() {
    fails(&[seven(), seven()], "the response sets the cookie `login` 2 times");
    fails(&[seven(), codec().remove_cookie()], "the response sets the cookie `login` 2 times");
}

#[test]
fn a_cookie_beside_the_sessions_fails_the_test() {
    let beside = |attributes| [seven().replace("; Path=/", attributes)];
    fails(
        &beside("; Path=/shop; Domain=.example.org"),
        "the response sets a cookie `login` with Path=/shop, Domain=example.org, but the codec's has \
         Path=/: a browser keeps both",
    );
    fails(
        &beside("; Partitioned"),
        "the response sets a cookie `login` with no Path, Partitioned, but the codec's has Path=/: a \
         browser keeps both",
    );
}

#[test]
fn a_session_that_does_not_open_fails_the_test_without_its_token() {
    let other = codec_at::<Login>(&[2], START);
    let token = TestCookie::new(&other, EIGHT).token();
    let line = other.set_cookie(&token).unwrap();
    fails(
        &[line],
        "the response sets a cookie `login` that the codec does not open: no key in the keyring opens \
         the token",
    );
}

#[test]
fn no_message_has_the_token() {
    let codec = codec_at::<NamedLogin>(&[1], START);
    let token = TestCookie::new(&codec, NamedLogin { user: "ada".to_owned() }).token();
    let line = codec.set_cookie(&token).unwrap();
    let change = || SessionChange::of_set_cookies(&codec, [&line]);
    for text in [
        panic_of(|| change().assert_kept()),
        panic_of(|| change().assert_removed()),
        panic_of(|| SessionChange::of_set_cookies(&codec, [&line, &line])),
        format!("{:?}", change()),
    ] {
        assert!(!text.contains(&token[..20]), "{text}");
    }
}

#[cfg(feature = "tower")]
#[test]
fn it_reads_the_headers_of_a_response() {
    let response = http::Response::builder()
        .header("set-cookie", "theme=dark")
        .header("set-cookie", codec().remove_cookie())
        .body(())
        .unwrap();
    SessionChange::of(&codec(), response.headers()).assert_removed();
}
