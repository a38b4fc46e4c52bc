//! `flash` and `take_flash`: messages for the next page, in a cookie of their own.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use sealed_session::{
    Codec, CookieOptions, Dynamic, EncodeErrorKind, Session, SessionErrorKind, SessionLayer,
};

use crate::support::{Browser, key, ring, seconds};

/// `/say` leaves a message; `/page` shows what there is; `/N` shows it in a response of status N.
fn site(codec: &Codec<Dynamic>) -> Router {
    async fn say(session: Session) -> Response {
        session.flash("saved").unwrap();
        (StatusCode::SEE_OTHER, [("location", "/page")]).into_response()
    }
    fn show(session: &Session, status: u16) -> Response {
        let messages: Vec<String> = session.take_flash().unwrap();
        (StatusCode::from_u16(status).unwrap(), messages.join(",")).into_response()
    }
    let mut site = Router::new()
        .route("/say", get(say))
        .route("/page", get(async |session: Session| show(&session, 200)))
        .route("/other", get(async || "nothing of sessions"))
        .route("/log-out", get(async |session: Session| session.delete()))
        .route("/insert", get(async |session: Session| session.insert("a", 1)));
    for status in [204, 301, 303, 304, 404, 408, 422, 500, 503] {
        let handler = get(async move |session: Session| show(&session, status));
        site = site.route(&format!("/{status}"), handler);
    }
    site.layer(SessionLayer::new(codec.clone()))
}

fn told() -> (Browser, Router) {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let site = site(&codec);
    let page = browser.get(&site, "/say");
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(browser.cookie("session-flash").is_some());
    (browser, site)
}

#[test]
fn a_message_is_shown_once_on_the_page_after_the_redirect() {
    let (mut browser, site) = told();
    let page = browser.get(&site, "/page");
    assert_eq!(page.body, "saved");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(browser.cookie("session-flash").is_none());
    let page = browser.get(&site, "/page");
    assert_eq!(page.body, "");
    assert_eq!(page.set_cookies(), <[&str; 0]>::default());
}

#[test]
fn its_cookie_has_the_attributes_of_the_sessions_and_lasts_five_minutes() {
    let mut browser = Browser::new();
    let options = CookieOptions::host_prefixed();
    let codec = browser.builder::<Dynamic>().cookie(options).build().unwrap();
    let page = browser.get(&site(&codec), "/say");
    let cookies = page.set_cookies();
    assert_eq!(cookies.len(), 1);
    assert!(cookies[0].starts_with("__Host-session-flash="), "{cookies:?}");
    assert!(
        cookies[0].ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=300"),
        "{cookies:?}"
    );
}

#[test]
fn a_kept_copy_of_its_cookie_is_worth_nothing_after_five_minutes() {
    let (mut browser, site) = told();
    let copy = browser.cookie("session-flash").unwrap().to_owned();
    browser.clock.advance(seconds(299));
    browser.set_cookie("session-flash", &copy);
    assert_eq!(browser.get(&site, "/page").body, "saved");
    browser.clock.advance(seconds(1));
    browser.set_cookie("session-flash", &copy);
    assert_eq!(browser.get(&site, "/page").body, "");
}

#[test]
fn other_pages_and_redirects_and_failures_leave_it() {
    let (mut browser, site) = told();
    for path in ["/other", "/301", "/303", "/304", "/408", "/500", "/503"] {
        let page = browser.get(&site, path);
        assert_eq!(page.set_cookies(), <[&str; 0]>::default(), "{path}");
    }
    assert_eq!(browser.get(&site, "/page").body, "saved");
}

#[test]
fn a_page_that_says_what_was_wrong_with_the_request_takes_it() {
    for path in ["/204", "/404", "/422"] {
        let (mut browser, site) = told();
        browser.get(&site, path);
        assert_eq!(browser.get(&site, "/page").body, "", "{path}");
    }
}

#[test]
fn a_request_whose_response_nobody_may_see_takes_nothing() {
    let (mut browser, site) = told();
    let head = Request::head("/page").body(Body::empty()).unwrap();
    assert_eq!(browser.send(&site, head).set_cookies(), <[&str; 0]>::default());
    for purpose in ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"] {
        let request = Request::get("/page").header("sec-purpose", purpose);
        let page = browser.send(&site, request.body(Body::empty()).unwrap());
        assert_eq!((page.body.as_str(), page.set_cookies().len()), ("", 0), "{purpose}");
    }
    assert_eq!(browser.get(&site, "/page").body, "saved");
}

#[test]
fn it_neither_begins_nor_writes_a_session_and_survives_a_log_out() {
    let (mut browser, site) = told();
    assert!(browser.cookie("session").is_none());
    browser.get(&site, "/insert");
    let session = browser.cookie("session").unwrap().to_owned();
    browser.get(&site, "/say");
    assert_eq!(browser.get(&site, "/page").body, "saved,saved");
    assert_eq!(browser.cookie("session").unwrap(), session);
    browser.get(&site, "/say");
    browser.get(&site, "/log-out");
    assert!(browser.cookie("session").is_none());
    assert_eq!(browser.get(&site, "/page").body, "saved");
}

#[test]
fn messages_add_up_in_their_order_and_have_any_type() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.flash(("info", 1))?;
        session.flash(("error", 2))
    });
    browser.visit(&codec, |session| session.flash(("info", 3)));
    browser.visit(&codec, |session| {
        let wrong = session.take_flash::<bool>().unwrap_err();
        assert!(matches!(wrong.kind(), SessionErrorKind::EntryType { .. }), "{wrong}");
        let all: Vec<(String, u32)> = session.take_flash()?;
        let all: Vec<_> = all.iter().map(|(level, number)| (level.as_str(), *number)).collect();
        assert_eq!(all, [("info", 1), ("error", 2), ("info", 3)]);
        assert_eq!(session.take_flash::<(String, u32)>()?, []);
        Ok(())
    });
    assert!(browser.cookie("session-flash").is_none());
}

#[test]
fn what_a_redirect_took_comes_back_with_what_it_adds() {
    let (mut browser, _) = told();
    let codec = browser.codec::<Dynamic>();
    let twice = Router::new().fallback(async |session: Session| {
        assert_eq!(session.take_flash::<String>().unwrap(), ["saved"]);
        session.flash("again").unwrap();
        (StatusCode::SEE_OTHER, [("location", "/page")])
    });
    browser.get(&twice.layer(SessionLayer::new(codec.clone())), "/");
    assert_eq!(browser.get(&site(&codec), "/page").body, "saved,again");
}

#[test]
fn a_message_of_the_same_request_can_be_shown_at_once() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let page = browser.visit(&codec, |session| {
        session.flash("now")?;
        assert_eq!(session.take_flash::<String>()?, ["now"]);
        Ok(())
    });
    assert_eq!(page.set_cookies(), <[&str; 0]>::default());
}

#[test]
fn a_failed_request_sends_no_message() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let fails = Router::new().fallback(async |session: Session| {
        session.flash("done").unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let fails = fails.layer(SessionLayer::new(codec.clone()));
    assert_eq!(browser.get(&fails, "/").set_cookies(), <[&str; 0]>::default());
}

#[test]
fn junk_and_other_cookies_are_no_message_and_junk_is_removed() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let site = site(&codec);
    browser.get(&site, "/insert");
    let session = browser.cookie("session").unwrap().to_owned();
    for value in ["", "junk", session.as_str()] {
        browser.set_cookie("session-flash", value);
        assert_eq!(browser.get(&site, "/page").body, "", "{value}");
        assert!(browser.cookie("session-flash").is_none(), "{value}");
    }
    // And the other way round: a message is no session.
    browser.get(&site, "/say");
    let flash = browser.cookie("session-flash").unwrap().to_owned();
    browser.set_cookie("session", &flash);
    browser.visit(&codec, |session| {
        assert!(session.is_empty());
        Ok(())
    });
}

#[test]
fn a_message_that_does_not_fit_is_an_error_and_leaves_the_others() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.flash("small")?;
        let large = session.flash("x".repeat(4000)).unwrap_err();
        assert!(
            matches!(large.kind(), SessionErrorKind::Encode(EncodeErrorKind::TooLarge(size))
                if size.cookie == "session-flash"),
            "{large}"
        );
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.take_flash::<String>()?, ["small"]);
        Ok(())
    });
}

#[test]
fn messages_count_towards_the_size_of_all_cookies() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Dynamic>().max_cookie_header(4000).build().unwrap();
    browser.visit(&codec, |session| {
        session.flash("x".repeat(1500))?;
        let error = session.insert("a", "x".repeat(1500)).unwrap_err();
        assert!(matches!(error.kind(), SessionErrorKind::CookieHeaderTooLarge { .. }), "{error}");
        assert!(error.to_string().contains("session-flash"), "{error}");
        Ok(())
    });
}

#[test]
fn it_follows_the_keyring() {
    let (mut browser, _) = told();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.flash("second"));
    codec.replace_keyring(ring(&[2, 1]));
    browser.visit(&codec, |session| session.flash("third"));
    codec.replace_keyring(ring(&[2]));
    let page = browser.get(&site(&codec), "/page");
    assert_eq!(page.body, "saved,second,third");
}

#[test]
fn a_late_message_is_an_error() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keep = kept.clone();
    browser.visit(&codec, move |session| {
        *keep.lock().unwrap() = Some(session);
        Ok(())
    });
    let session = kept.lock().unwrap().take().unwrap();
    let late = session.flash("late").unwrap_err();
    assert_eq!(*late.kind(), SessionErrorKind::ResponseStarted);
    let late = session.take_flash::<String>().unwrap_err();
    assert_eq!(*late.kind(), SessionErrorKind::ResponseStarted);
}

#[cfg(feature = "fastify")]
#[test]
fn a_key_of_node_alone_cannot_seal_messages() {
    let mut browser = Browser::new();
    let codec = browser.builder_on::<Dynamic>(sealed_session::Keyring::fastify(key(41)));
    let codec = codec.build().unwrap();
    browser.visit(&codec, |session| {
        let error = session.flash("hello").unwrap_err();
        assert!(matches!(error.kind(), SessionErrorKind::Config(_)), "{error}");
        Ok(())
    });
}

#[test]
fn what_the_session_has_written_counts_before_the_first_message() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        session.insert("a", "x".repeat(2900))?;
        let error = session.flash("x".repeat(2900)).unwrap_err();
        assert!(matches!(error.kind(), SessionErrorKind::CookieHeaderTooLarge { .. }), "{error}");
        Ok(())
    });
}

struct Panics;

impl<'de> serde::Deserialize<'de> for Panics {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("foreign code")
    }
}

#[test]
fn a_panic_while_messages_are_read_keeps_them() {
    let (mut browser, _) = told();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| {
        let task = session.clone();
        std::thread::spawn(move || drop(task.take_flash::<Panics>())).join().unwrap_err();
        Ok(())
    });
    browser.visit(&codec, |session| {
        assert_eq!(session.take_flash::<String>()?, ["saved"]);
        Ok(())
    });
}

#[test]
fn messages_that_no_page_shows_give_way_to_new_ones() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    for number in 0..200 {
        browser.visit(&codec, move |session| {
            session.flash(format!("Your change number {number} was saved."))
        });
    }
    browser.visit(&codec, |session| {
        let messages: Vec<String> = session.take_flash()?;
        assert!(messages.len() > 50, "{}", messages.len());
        assert_eq!(messages.last().unwrap(), "Your change number 199 was saved.");
        let numbers = messages.iter().map(|text| text.split(' ').nth(3).unwrap().parse::<u32>());
        assert!(numbers.map(Result::unwrap).is_sorted());
        Ok(())
    });
}

#[test]
fn of_two_tasks_that_take_the_messages_one_gets_them() {
    for _ in 0..50 {
        let (mut browser, _) = told();
        let codec = browser.codec::<Dynamic>();
        browser.visit(&codec, |session| {
            let other = session.clone();
            let other = std::thread::spawn(move || other.take_flash::<String>().unwrap());
            let mut all = session.take_flash::<String>()?;
            all.extend(other.join().unwrap());
            assert_eq!(all, ["saved"]);
            Ok(())
        });
        assert!(browser.cookie("session-flash").is_none());
    }
}

#[cfg(all(feature = "fastify", feature = "tracing"))]
#[test]
fn a_message_that_no_key_can_seal_any_more_is_not_lost_in_silence() {
    let (page, log) = crate::support::log::log_of(|| {
        let mut browser = Browser::new();
        let codec = browser.codec::<Dynamic>();
        let same = codec.clone();
        browser.visit(&codec, move |session| {
            session.flash("hello")?;
            same.replace_keyring(sealed_session::Keyring::fastify(key(43)));
            Ok(())
        })
    });
    assert!(page.set_cookies().is_empty());
    assert!(log.contains("messages for the next page are not sent"), "{log}");
}

#[test]
fn a_session_must_not_be_called_as_the_messages_of_another() {
    struct Other;
    impl sealed_session::SessionKind for Other {
        type Data = u32;
        const NAME: &'static str = "session-flash";
    }
    let mut browser = Browser::new();
    let (one, two) = (browser.codec::<Dynamic>(), browser.codec::<Other>());
    let app = Router::new().fallback(async |_: Session, _: Session<Other>| ());
    let app = app.layer(SessionLayer::new(one)).layer(SessionLayer::new(two));
    assert_eq!(browser.get(&app, "/").status, StatusCode::INTERNAL_SERVER_ERROR);
}
