//! Cookies that no handler asked for (a refresh, a rotation): where they are left out, so that they
//! undo nothing and reach nobody else, and where they are sent all the same, so that nobody who is
//! active is logged out. And what a handler's own write does on such responses.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::SET_COOKIE;
use http::{HeaderValue, Request, StatusCode};
use sealed_session::{Codec, Dynamic, Session, SessionLayer, TestClock};

use crate::support::{Browser, HOUR, Page, START, at, ring, seconds};

const IDLE: Duration = HOUR;
const CACHE_CONTROL: &str = "cache-control";
const CDN: &str = "cdn-cache-control";
const ETAG: &str = "etag";
const EXPIRES: &str = "expires";

/// What the handler does, and how it answers.
#[derive(Clone, Copy)]
struct Answer {
    takes: Duration,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    act: fn(&Session),
}

const QUICK: Answer =
    Answer { takes: Duration::ZERO, status: 200, headers: &[], act: |session| reads(session) };

fn reads(session: &Session) {
    assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
}

fn writes(session: &Session) {
    session.insert("a", 2).unwrap();
}

impl Answer {
    fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    fn act(self, act: fn(&Session)) -> Self {
        Self { act, ..self }
    }
}

/// A browser whose session was refreshed so long ago.
struct Visitor {
    browser: Browser,
    codec: Codec<Dynamic>,
}

impl Visitor {
    fn after(used: Duration) -> Self {
        let mut browser = Browser::new();
        let codec = browser.builder::<Dynamic>().idle_timeout(IDLE).build().unwrap();
        browser.visit(&codec, |session| session.insert("a", 1));
        browser.clock.advance(used);
        Self { browser, codec }
    }

    fn rotating(used: Duration) -> Self {
        let visitor = Self::after(used);
        visitor.codec.replace_keyring(ring(&[2, 1]));
        visitor
    }

    fn asks(&mut self, answer: Answer, mode: Option<&'static str>) -> Page {
        self.asks_through(SessionLayer::new(self.codec.clone()), answer, mode)
    }

    fn asks_through(
        &mut self,
        layer: SessionLayer<Dynamic>,
        answer: Answer,
        mode: Option<&'static str>,
    ) -> Page {
        let clock = self.browser.clock.clone();
        let handler = move |session: Session| async move { respond(&session, answer, &clock) };
        let app = Router::new().route("/", get(handler)).layer(layer);
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        if let Some(mode) = mode {
            request.headers_mut().insert("sec-fetch-mode", HeaderValue::from_static(mode));
        }
        self.browser.send(&app, request)
    }

    fn is_set(&mut self, answer: Answer, mode: Option<&'static str>) -> bool {
        !self.asks(answer, mode).set_cookies().is_empty()
    }
}

fn respond(session: &Session, answer: Answer, clock: &TestClock) -> Response {
    (answer.act)(session);
    clock.advance(answer.takes);
    let mut response = StatusCode::from_u16(answer.status).unwrap().into_response();
    for (name, value) in answer.headers {
        response.headers_mut().append(*name, HeaderValue::from_static(value));
    }
    response
}

fn part(numerator: u32, denominator: u32) -> Duration {
    IDLE * numerator / denominator
}

const A_SECOND: Duration = Duration::from_secs(1);
const LONGER: Duration = Duration::from_millis(1001);

#[test]
fn a_slow_request_refreshes_only_a_session_that_would_soon_end() {
    let just_over = |used| used + A_SECOND;
    for (used, takes, mode, sent) in [
        (part(1, 5), Duration::ZERO, None, true),
        (part(1, 5), A_SECOND, None, true),
        (part(1, 5), LONGER, None, false),
        (part(1, 5), LONGER, Some("navigate"), false),
        (part(1, 2), LONGER, Some("navigate"), false),
        (just_over(part(1, 2)), LONGER, Some("navigate"), true),
        (just_over(part(1, 2)), LONGER, Some("cors"), false),
        (just_over(part(1, 2)), LONGER, None, false),
        (part(3, 4), LONGER, None, false),
        (just_over(part(3, 4)), LONGER, None, true),
        (just_over(part(3, 4)), LONGER, Some("cors"), true),
    ] {
        let set = Visitor::after(used).is_set(QUICK.taking(takes), mode);
        assert_eq!(set, sent, "{used:?} used, took {takes:?}, {mode:?}");
    }
}

#[test]
fn a_clock_that_goes_back_meanwhile_counts_as_slow() {
    let mut visitor = Visitor::after(part(1, 5));
    let clock = visitor.browser.clock.clone();
    let handler = move |session: Session| async move {
        reads(&session);
        clock.go_back(Duration::from_millis(1));
    };
    let layer = SessionLayer::new(visitor.codec.clone());
    let app = Router::new().route("/", get(handler)).layer(layer);
    assert!(visitor.browser.get(&app, "/").set_cookies().is_empty());
}

#[test]
fn the_next_request_carries_what_a_slow_one_left_out() {
    let mut visitor = Visitor::after(part(1, 5));
    assert!(!visitor.is_set(QUICK.taking(seconds(5)), None));
    assert!(visitor.is_set(QUICK, None));
}

#[test]
fn a_user_of_a_service_with_only_slow_responses_stays_logged_in() {
    let mut visitor = Visitor::after(Duration::ZERO);
    for _ in 0..100 {
        visitor.browser.clock.advance(part(1, 6));
        visitor.asks(QUICK.taking(seconds(3)), None);
    }
}

#[test]
fn a_user_of_pages_that_only_answer_304_stays_logged_in() {
    let mut visitor = Visitor::after(Duration::ZERO);
    let unchanged = QUICK.status(304).headers(&[(ETAG, "\"a\"")]);
    let mut refreshed = 0;
    for _ in 0..100 {
        visitor.browser.clock.advance(part(1, 6));
        let page = visitor.asks(unchanged, None);
        if !page.set_cookies().is_empty() {
            assert_eq!(page.all(CACHE_CONTROL), ["private"]);
            refreshed += 1;
        }
    }
    assert!((10..40).contains(&refreshed), "{refreshed}");
}

#[test]
fn a_session_that_ends_while_the_handler_runs_is_not_revived_by_a_refresh() {
    let mut visitor = Visitor::after(part(9, 10));
    assert!(!visitor.is_set(QUICK.taking(part(1, 10)), Some("navigate")));
    let mut visitor = Visitor::after(part(9, 10));
    assert!(visitor.is_set(QUICK.taking(part(1, 10) - A_SECOND), None));
}

#[test]
fn a_rotation_in_a_slow_request_waits_for_the_next_one() {
    let untouched = QUICK.act(|_session| ());
    // It lengthens no session's life, so it waits however much of that is used.
    let mut late = Visitor::rotating(part(9, 10));
    assert!(!late.is_set(untouched.taking(LONGER), Some("navigate")));
    let mut visitor = Visitor::rotating(seconds(5));
    assert!(!visitor.is_set(untouched.taking(LONGER), Some("navigate")));
    let page = visitor.asks(untouched, None);
    page.set_cookie();
    // Which kept the session's age.
    visitor.browser.visit(&visitor.codec, |session| {
        assert_eq!(session.info().unwrap().refreshed_at, at(START));
        Ok(())
    });
}

#[test]
fn a_failure_carries_no_automatic_cookie_however_urgent() {
    for status in [500, 502, 503, 504, 599, 408] {
        let answer = QUICK.status(status);
        assert!(!Visitor::after(part(9, 10)).is_set(answer, Some("navigate")), "{status}");
        assert!(!Visitor::rotating(part(9, 10)).is_set(answer, None), "{status}");
    }
    for status in [200, 204, 302, 400, 404, 422] {
        assert!(Visitor::after(part(1, 5)).is_set(QUICK.status(status), None), "{status}");
    }
}

const PUBLIC: [&[(&str, &str)]; 14] = [
    &[(CACHE_CONTROL, "public, max-age=31536000, immutable")],
    &[(CACHE_CONTROL, "Public")],
    &[(CACHE_CONTROL, "s-maxage=60")],
    &[(CACHE_CONTROL, "immutable")],
    &[(CACHE_CONTROL, "max-age=60")],
    &[(CACHE_CONTROL, "no-transform"), (CACHE_CONTROL, "max-age = 60")],
    &[(CACHE_CONTROL, "private, public")],
    &[(CACHE_CONTROL, "private=\"x-name\", max-age=60")],
    &[(CACHE_CONTROL, "x=\"a, private, b\", max-age=60")],
    &[(EXPIRES, "Thu, 01 Jan 2099 00:00:00 GMT")],
    &[(CACHE_CONTROL, "private"), (CDN, "max-age=60")],
    &[("surrogate-control", "max-age=60")],
    &[(ETAG, "\"a\"")],
    &[("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")],
];

const NOT_PUBLIC: [&[(&str, &str)]; 14] = [
    &[],
    // What pages say to be kept by nobody; a user of such pages alone stays logged in.
    &[(CACHE_CONTROL, "no-cache, must-revalidate"), (EXPIRES, "0")],
    &[(CACHE_CONTROL, "max-age=0, must-revalidate"), (ETAG, "\"a\"")],
    &[(CACHE_CONTROL, "no-cache, max-age=60")],
    &[(EXPIRES, "Thu, 19 Nov 1981 08:52:00 GMT"), (ETAG, "\"a\"")],
    &[(CACHE_CONTROL, "no-cache"), (EXPIRES, "Thu, 01 Jan 2099 00:00:00 GMT")],
    &[(CACHE_CONTROL, "private, max-age=60")],
    &[(CACHE_CONTROL, "no-store")],
    &[(CACHE_CONTROL, "no-cache"), (ETAG, "\"a\"")],
    &[(CACHE_CONTROL, "PRIVATE"), (EXPIRES, "Thu, 01 Jan 2099 00:00:00 GMT")],
    &[(CDN, "no-store")],
    &[(CDN, "no-cache")],
    &[(CDN, "max-age=0")],
    &[(CDN, "private"), (CACHE_CONTROL, "private")],
];

#[test]
fn a_publicly_cacheable_response_carries_no_automatic_cookie_however_urgent() {
    for headers in PUBLIC {
        let answer = QUICK.headers(headers);
        assert!(!Visitor::after(part(9, 10)).is_set(answer, Some("navigate")), "{headers:?}");
        let answer = answer.act(|_session| ());
        assert!(!Visitor::rotating(part(9, 10)).is_set(answer, Some("navigate")), "{headers:?}");
    }
    for headers in NOT_PUBLIC {
        let page = Visitor::after(part(1, 5)).asks(QUICK.headers(headers), None);
        page.set_cookie();
        is_one_users(&page);
    }
    let unchanged = QUICK.status(304).headers(PUBLIC[0]).act(|_session| ());
    assert!(!Visitor::rotating(part(9, 10)).is_set(unchanged, Some("navigate")), "a 304");
}

#[test]
fn a_304_is_private_if_it_carries_an_automatic_cookie() {
    let unchanged = QUICK.status(304);
    let (etag, no_cache) = (&[(ETAG, "\"a\"")], &[(CACHE_CONTROL, "no-cache"), (ETAG, "\"a\"")]);
    assert!(!Visitor::after(part(1, 2)).is_set(unchanged.headers(etag), None));
    let urgent = || Visitor::after(part(4, 5));
    assert_eq!(urgent().asks(unchanged.headers(etag), None).all(CACHE_CONTROL), ["private"]);
    let page = urgent().asks(unchanged.headers(no_cache), None);
    assert_eq!(page.all(CACHE_CONTROL), ["private, no-cache"]);
    page.set_cookie();
}

/// No cache that users share may keep the response.
#[track_caller]
fn is_one_users(page: &Page) {
    let cache = page.all(CACHE_CONTROL).join(", ").to_lowercase();
    let says = |word: &str| cache.split(", ").any(|directive| directive == word);
    assert!(says("private") || says("no-store"), "{:?}", page.headers);
    for word in ["public", "s-maxage", "immutable"] {
        assert!(!cache.contains(word), "{:?}", page.headers);
    }
    assert!(page.all(CDN).iter().all(|value| ["no-store", "private"].contains(value)));
    assert!(page.all("surrogate-control").is_empty() && page.all("x-accel-expires").is_empty());
}

#[test]
fn a_handlers_write_is_never_publicly_cacheable() {
    let writes = QUICK.act(writes);
    const ODD: [&[(&str, &str)]; 8] = [
        &[(CACHE_CONTROL, "no-transform"), ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")],
        &[(CACHE_CONTROL, "must-revalidate"), (ETAG, "\"a\"")],
        &[(CACHE_CONTROL, "stale-while-revalidate=60"), (ETAG, "\"a\"")],
        &[(CACHE_CONTROL, "")],
        &[(CACHE_CONTROL, "no-cache"), (ETAG, "\"a\"")],
        &[(CACHE_CONTROL, "no-cache"), (CDN, "no-store")],
        &[(CACHE_CONTROL, "x=\"\\\", private, \"")],
        &[("x-accel-expires", "60")],
    ];
    for headers in PUBLIC.into_iter().chain(NOT_PUBLIC).chain(ODD) {
        for status in [200, 301, 304] {
            let answer = writes.status(status).headers(headers);
            let page = Visitor::after(seconds(1)).asks(answer, None);
            page.set_cookie();
            is_one_users(&page);
        }
    }
    let page = Visitor::after(seconds(1)).asks(writes.headers(ODD[5]), None);
    assert_eq!(
        (page.all(CACHE_CONTROL), page.all(CDN)),
        (vec!["private, no-cache"], vec!["no-store"])
    );
    let page = Visitor::after(seconds(1)).asks(writes.headers(PUBLIC[0]), None);
    assert_eq!(page.all(CACHE_CONTROL), ["private, max-age=31536000"]);
}

#[test]
fn a_removal_is_never_publicly_cacheable() {
    let page = Visitor::after(seconds(1)).asks(QUICK.act(Session::delete).headers(PUBLIC[0]), None);
    assert_eq!(page.max_age(), Some(0));
    assert_eq!(page.all(CACHE_CONTROL), ["private, max-age=31536000"]);
}

#[test]
#[cfg(feature = "tracing")]
fn making_a_response_private_and_dropping_a_write_are_warnings() {
    let (_, log) = crate::support::log::log_of(|| {
        Visitor::after(seconds(1)).asks(QUICK.act(writes).headers(PUBLIC[0]), None)
    });
    assert!(log.contains("WARN") && log.contains("Cache-Control: private"), "{log}");
    let (_, log) = crate::support::log::log_of(|| {
        Visitor::after(seconds(1)).asks(QUICK.act(writes).status(500), None)
    });
    assert!(log.contains("WARN") && log.contains("not sent") && log.contains("500"), "{log}");
}

#[test]
#[cfg(feature = "tracing")]
fn a_refresh_that_is_left_to_the_next_request_is_logged_with_the_reason() {
    let (page, log) = crate::support::log::log_of(|| {
        Visitor::after(IDLE / 2).asks(QUICK.taking(seconds(60)), None)
    });
    assert!(page.set_cookies().is_empty());
    let wanted = log.contains("DEBUG") && log.contains("not refreshed by this response why=");
    assert!(wanted || log.contains(" why=") && log.contains("not refreshed"), "{log}");
}

#[test]
fn a_failure_sends_no_write_unless_the_layer_is_told_to() {
    for (keep, sent) in [(false, false), (true, true)] {
        let mut visitor = Visitor::after(seconds(1));
        let layer = SessionLayer::new(visitor.codec.clone()).keep_writes_on_error(keep);
        let page = visitor.asks_through(layer, QUICK.act(writes).status(500), None);
        assert_eq!(!page.set_cookies().is_empty(), sent, "{keep}");
    }
}

#[test]
fn a_failure_still_removes_the_cookie() {
    type Act = fn(&Session);
    let acts: [(&str, Act); 5] = [
        ("delete", Session::delete),
        ("regenerate", Session::regenerate),
        ("write, then delete", |session| {
            writes(session);
            session.delete();
        }),
        ("delete, then a new session", |session| {
            session.delete();
            writes(session);
        }),
        ("remove the last entry", |session| assert!(session.remove("a").unwrap())),
    ];
    for (name, act) in acts {
        let page = Visitor::after(seconds(1)).asks(QUICK.act(act).status(500), None);
        assert_eq!(page.max_age(), Some(0), "{name}");
        assert_eq!(page.all(SET_COOKIE).len(), 1, "{name}");
    }
    let new_session = QUICK.status(500).act(|session| {
        session.regenerate();
        writes(session);
    });
    let page = Visitor::after(seconds(1)).asks(new_session, None);
    assert!(page.set_cookies().is_empty(), "the old session is still the user's");
}

#[test]
fn a_handlers_write_is_sent_however_long_it_took_and_on_a_304() {
    let writes = QUICK.act(writes);
    assert!(Visitor::after(seconds(1)).is_set(writes.taking(seconds(600)), None));
    assert!(Visitor::after(seconds(1)).is_set(writes.status(304), None));
    let touches = QUICK.act(|session| session.touch().unwrap());
    assert!(Visitor::after(seconds(1)).is_set(touches.taking(seconds(600)), None));
}

#[test]
fn a_slow_response_to_a_session_near_its_end_can_still_undo_a_log_out() {
    let mut visitor = Visitor::after(part(4, 5));
    let poll = visitor.asks(QUICK.taking(seconds(4)), None);
    // The log-out's answer came first; the poll's comes after it.
    visitor.asks(QUICK.act(Session::delete), None);
    assert_eq!(visitor.browser.cookie("session"), None);
    let value = poll.set_cookie().split(['=', ';']).nth(1).unwrap();
    visitor.browser.set_cookie("session", value);
    visitor.asks(QUICK, None);
}

#[test]
fn what_only_looks_like_a_public_response_is_none() {
    for headers in [
        // It says nothing of how long a cache may keep it.
        &[(CACHE_CONTROL, "must-revalidate, stale-if-error=60")][..],
        // Past, at the very moment: START and a fifth of an hour.
        &[(EXPIRES, "Tue, 14 Nov 2023 22:25:20 GMT")],
        // One directive with a comma in its quotes.
        &[(CACHE_CONTROL, "x=\"a, public, b\"")],
        &[(CACHE_CONTROL, "x=\"a\\\", public, b\"")],
    ] {
        let mut visitor = Visitor::after(part(1, 5));
        assert_eq!(START + 720, 1_700_000_720);
        assert!(visitor.is_set(QUICK.headers(headers), None), "{headers:?}");
    }
    for headers in [
        &[(EXPIRES, "Tue, 14 Nov 2023 22:25:21 GMT")][..],
        // A CDN may keep it, and is not told to ask.
        &[(CDN, "stale-while-revalidate=60")],
    ] {
        assert!(!Visitor::after(part(1, 5)).is_set(QUICK.headers(headers), None), "{headers:?}");
    }
}

#[test]
fn a_response_that_no_session_was_read_for_does_not_vary() {
    let nothing = QUICK.act(|_| ());
    // The session is opened for the rotation, and the response failed.
    let page = Visitor::rotating(part(1, 5)).asks(nothing.status(500), None);
    assert_eq!((page.set_cookies().len(), page.all("vary").len()), (0, 0));
    let page = Visitor::rotating(part(1, 5)).asks(nothing, None);
    assert_eq!((page.set_cookies().len(), page.all("vary").len()), (1, 1));
}
