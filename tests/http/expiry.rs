//! How long a session lasts: both timeouts, what refreshes it, and “remember me”.
#![allow(clippy::unit_arg, reason = "a handler of one call reads better")]

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sealed_session::{
    Codec, CookieOptions, Current, Dynamic, Session, SessionError, SessionErrorKind, SessionLayer,
};

use crate::support::{Browser, DAY, EIGHT, HOUR, Login, SEVEN, START, at, seconds};

fn opens(browser: &mut Browser, codec: &Codec<Login>) -> bool {
    let app = Router::new()
        .route("/", get(|login: Option<Current<Login>>| async move { login.is_some().to_string() }))
        .layer(SessionLayer::new(codec.clone()));
    browser.get(&app, "/").body == "true"
}

/// A browser that has just logged in, and a codec with an idle timeout of 1000 seconds.
fn logged_in() -> (Browser, Codec<Login>) {
    let mut browser = Browser::new();
    let codec = browser.builder().idle_timeout(seconds(1000)).build().unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    (browser, codec)
}

#[test]
fn a_session_ends_when_its_idle_timeout_is_over() {
    for (after, open) in [(999, true), (1000, false), (1001, false)] {
        let (mut browser, codec) = logged_in();
        browser.clock.advance(seconds(after));
        assert_eq!(opens(&mut browser, &codec), open, "after {after} s");
    }
}

#[test]
fn an_expired_session_writes_no_cookie_and_is_not_revived() {
    let (mut browser, codec) = logged_in();
    browser.clock.advance(seconds(1000));
    let page = browser.visit(&codec, |session| {
        assert!(session.is_empty() && session.info().is_none());
        session.touch()
    });
    assert!(page.set_cookies().is_empty());
}

#[test]
fn a_session_in_use_ends_when_its_absolute_timeout_is_over() {
    let mut browser = Browser::new();
    let codec = browser
        .builder::<Login>()
        .idle_timeout(seconds(1000))
        .absolute_timeout(seconds(5000))
        .build()
        .unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    for _ in 0..9 {
        browser.clock.advance(seconds(500));
        assert!(opens(&mut browser, &codec));
        browser.visit(&codec, |session| session.touch());
    }
    browser.clock.advance(seconds(499));
    assert!(opens(&mut browser, &codec));
    browser.clock.advance(seconds(1));
    assert!(!opens(&mut browser, &codec));
}

#[test]
fn reading_refreshes_after_a_tenth_of_the_idle_timeout_and_not_before() {
    let (mut browser, codec) = logged_in();
    browser.clock.advance(seconds(99));
    let page = browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    });
    assert!(page.set_cookies().is_empty());
    browser.clock.advance(seconds(1));
    let page = browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    });
    page.set_cookie();
    let page = browser.visit(&codec, |session| {
        let info = session.info().unwrap();
        assert_eq!(info.refreshed_at, at(START + 100));
        assert_eq!(info.created_at, Some(at(START)));
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    });
    assert!(page.set_cookies().is_empty(), "refreshed a moment ago");
}

#[test]
fn every_way_of_reading_refreshes() {
    type Read = fn(&Session) -> Result<(), SessionError>;
    let reads: [(&str, Read); 9] = [
        ("take what is not there", |session| session.take::<u32>("b").map(drop)),
        ("data", |session| Ok(drop(session.data()))),
        ("entries", |session| Ok(drop(session.entries()))),
        ("get", |session| session.get::<u32>("a").map(drop)),
        ("get another", |session| session.get::<u32>("b").map(drop)),
        ("update", |session| session.update(|_| ()).map(drop)),
        ("write what is there", |session| session.insert("a", 1)),
        ("remove what is not there", |session| session.remove("b").map(drop)),
        ("touch", Session::touch),
    ];
    for (name, read) in reads {
        let mut browser = Browser::new();
        let codec = browser.codec::<Dynamic>();
        browser.visit(&codec, |session| session.insert("a", 1));
        browser.clock.advance(3 * HOUR);
        let page = browser.visit(&codec, move |session| read(&session));
        assert_eq!(page.set_cookies().len(), 1, "{name}");
    }
}

#[test]
fn a_handler_that_does_not_look_refreshes_nothing() {
    let (mut browser, codec) = logged_in();
    browser.clock.advance(seconds(900));
    let page = browser.visit(&codec, |_session| Ok(()));
    assert!(page.set_cookies().is_empty());
    browser.clock.advance(seconds(100));
    assert!(!opens(&mut browser, &codec));
}

#[test]
fn a_shorter_timeout_applies_at_once_and_a_longer_one_from_the_next_refresh() {
    let (mut browser, _) = logged_in();
    let shorter = browser.builder::<Login>().idle_timeout(seconds(500)).build().unwrap();
    let longer = browser.builder::<Login>().idle_timeout(seconds(9000)).build().unwrap();
    browser.clock.advance(seconds(500));
    assert!(!opens(&mut browser, &shorter));
    browser.visit(&longer, |session| {
        assert_eq!(session.info().unwrap().expires_at, at(START + 1000));
        Ok(drop(session.data()))
    });
    browser.visit(&longer, |session| {
        assert_eq!(session.info().unwrap().expires_at, at(START + 500 + 9000));
        Ok(())
    });
}

/// Logs in and is remembered for so long, by a codec with the default timeouts.
fn remembered(browser: &mut Browser, own: Duration) -> (Codec<Login>, Option<u64>) {
    let codec = browser.codec::<Login>();
    let page = browser.visit(&codec, move |session| {
        session.set(SEVEN)?;
        session.set_idle_timeout(own)
    });
    (codec, page.max_age())
}

#[test]
fn max_age_follows_a_longer_per_session_timeout() {
    let mut browser = Browser::new();
    let (codec, max_age) = remembered(&mut browser, 7 * DAY);
    let week = Some(7 * 86_400);
    assert_eq!(max_age, week);
    browser.clock.advance(seconds(5));
    let page = browser.visit(&codec, |session| session.set(EIGHT));
    assert_eq!(page.max_age(), week, "on a later write");
    browser.clock.advance(DAY);
    let page = browser.visit(&codec, |session| Ok(drop(session.data())));
    assert_eq!(page.max_age(), week, "on a refresh");
    browser.visit(&codec, |session| {
        assert_eq!(session.info().unwrap().own_idle_timeout, Some(7 * DAY));
        Ok(())
    });
}

#[test]
fn an_own_idle_timeout_without_a_session_is_an_error() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let page = browser.visit(&codec, |session| {
        session.regenerate();
        let error = session.set_idle_timeout(7 * DAY).unwrap_err();
        assert_eq!(*error.kind(), SessionErrorKind::NoSession);
        session.set(SEVEN)
    });
    assert_eq!(page.max_age(), None);
}

#[test]
fn a_remembered_session_outlives_the_browser_and_another_does_not() {
    for (own, stays) in [(7 * DAY, true), (DAY, false), (HOUR, false)] {
        let mut browser = Browser::new();
        let (codec, max_age) = remembered(&mut browser, own);
        assert_eq!(max_age.is_some(), stays, "{own:?}");
        browser.close();
        assert_eq!(opens(&mut browser, &codec), stays, "{own:?}");
    }
}

#[test]
fn a_remembered_session_ends_by_its_own_timeout() {
    for (after, open) in [(7 * 86_400 - 1, true), (7 * 86_400, false)] {
        let mut browser = Browser::new();
        let (codec, _) = remembered(&mut browser, 7 * DAY);
        let kept = browser.cookie("login").unwrap().to_owned();
        browser.clock.advance(seconds(after));
        browser.set_cookie("login", &kept);
        assert_eq!(opens(&mut browser, &codec), open, "after {after} s");
    }
}

#[test]
fn a_shorter_timeout_of_its_own_is_enforced() {
    let mut browser = Browser::new();
    let (codec, _) = remembered(&mut browser, HOUR);
    browser.clock.advance(HOUR);
    assert!(!opens(&mut browser, &codec));
}

#[test]
fn max_age_does_not_outlast_the_absolute_timeout() {
    let mut browser = Browser::new();
    let (codec, _) = remembered(&mut browser, 20 * DAY);
    browser.clock.advance(15 * DAY);
    let page = browser.visit(&codec, |session| session.touch());
    assert_eq!(page.max_age(), Some(15 * 86_400));
}

#[test]
fn max_age_is_at_most_400_days() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Login>().absolute_timeout(1000 * DAY).build().unwrap();
    let page = browser.visit(&codec, |session| {
        session.set(SEVEN)?;
        session.set_idle_timeout(1000 * DAY)
    });
    assert_eq!(page.max_age(), Some(400 * 86_400));
}

#[test]
fn regeneration_forgets_to_remember() {
    let mut browser = Browser::new();
    let (codec, _) = remembered(&mut browser, 7 * DAY);
    let page = browser.visit(&codec, |session| {
        session.regenerate();
        session.set(SEVEN)
    });
    assert_eq!(page.max_age(), None);
}

#[test]
fn max_age_for_one_response_overrides_the_sessions_own() {
    let mut browser = Browser::new();
    let (codec, _) = remembered(&mut browser, 7 * DAY);
    let page = browser.visit(&codec, |session| {
        session.set_cookie_options(session.cookie_options().max_age(HOUR))?;
        session.touch()
    });
    assert_eq!(page.max_age(), Some(3600));
}

#[test]
fn expiry_is_enforced_regardless_of_max_age() {
    let mut browser = Browser::new();
    let codec = browser
        .builder::<Login>()
        .idle_timeout(HOUR)
        .cookie(CookieOptions::new().max_age(400 * DAY))
        .build()
        .unwrap();
    let page = browser.visit(&codec, |session| session.set(SEVEN));
    assert_eq!(page.max_age(), Some(400 * 86_400));
    browser.clock.advance(HOUR);
    assert!(browser.cookie("login").is_some());
    assert!(!opens(&mut browser, &codec));
}

#[test]
fn a_copy_of_a_deleted_session_opens_until_it_expires() {
    let (mut browser, codec) = logged_in();
    let copy = browser.cookie("login").unwrap().to_owned();
    browser.visit(&codec, |session| Ok(session.delete()));
    assert!(!opens(&mut browser, &codec));
    for (after, open) in [(999, true), (1000, false)] {
        browser.clock.set(START + after);
        browser.set_cookie("login", &copy);
        assert_eq!(opens(&mut browser, &codec), open, "after {after} s");
    }
}

#[test]
fn a_session_from_the_future_is_refused_beyond_a_small_skew() {
    for (behind, open) in [(60, true), (61, false)] {
        let (mut browser, codec) = logged_in();
        browser.clock.go_back(seconds(behind));
        assert_eq!(opens(&mut browser, &codec), open, "{behind} s");
    }
}

#[test]
fn the_later_of_two_parallel_responses_wins() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("a", 0));
    let before = browser.cookie("session").unwrap().to_owned();
    browser.visit(&codec, |session| session.insert("a", 1));
    // The second request left with the cookie of before the first one's response.
    browser.set_cookie("session", &before);
    browser.visit(&codec, |session| session.insert("b", 2));
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<u32>("a")?, Some(0), "the first one's write is lost");
        assert_eq!(session.get::<u32>("b")?, Some(2));
        Ok(())
    });
}

#[test]
fn a_refresh_that_becomes_due_while_the_handler_runs_waits_for_the_next_request() {
    let (mut browser, codec) = logged_in();
    let clock = browser.clock.clone();
    let page = browser.visit(&codec, move |session| {
        assert_eq!(session.data(), Some(SEVEN));
        Ok(clock.advance(seconds(950)))
    });
    assert!(page.set_cookies().is_empty());
    assert!(opens(&mut browser, &codec));
    browser.clock.advance(seconds(999));
    assert!(opens(&mut browser, &codec));
}

#[test]
fn a_write_lasts_from_the_response_on_even_if_the_handler_was_slow() {
    let (mut browser, codec) = logged_in();
    let clock = browser.clock.clone();
    browser.visit(&codec, move |session| {
        session.regenerate();
        session.set(EIGHT)?;
        Ok(clock.advance(seconds(1001)))
    });
    let now = START + 1001;
    browser.visit(&codec, move |session| {
        let info = session.info().unwrap();
        assert_eq!((info.created_at, info.refreshed_at), (Some(at(now)), at(now)));
        Ok(())
    });
}

#[test]
fn a_session_is_remembered_also_for_as_long_as_others_idle() {
    let mut browser = Browser::new();
    let builder = browser.builder::<Login>().idle_timeout(7 * DAY).remember_timeout(7 * DAY);
    let codec = builder.build().unwrap();
    let page = browser.visit(&codec, |session| {
        session.set(SEVEN)?;
        session.remember()
    });
    assert_eq!(page.max_age(), Some(7 * 86_400));
    browser.close();
    assert!(opens(&mut browser, &codec));
}
