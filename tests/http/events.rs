//! What a codec tells of the sessions of requests: each event once, and only where something was done.
#![allow(clippy::unit_arg, reason = "a handler of one call reads better")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use http::header::ETAG;
use sealed_session::{
    Codec, CodecEventKind, Dynamic, Session, SessionErrorKind, SessionKind, SessionLayer,
};

use crate::support::heard::Heard;
use crate::support::{Admin, Browser, DAY, EIGHT, HOUR, Login, NamedLogin, SEVEN, key, ring};

/// A browser, and a codec that is heard, for key 1.
fn site<K: SessionKind>() -> (Browser, Codec<K>, Heard) {
    let (browser, heard) = (Browser::new(), Heard::default());
    let codec = heard.by(browser.builder()).build().unwrap();
    (browser, codec, heard)
}

/// The same, and the browser is logged in.
fn logged_in() -> (Browser, Codec<Login>, Heard) {
    let (mut browser, codec, heard) = site::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    heard.is(&["login sealed by 1"]);
    (browser, codec, heard)
}

const OPENED: &str = "login opened by 1 (sealing)";

#[test]
fn a_request_that_does_not_use_its_session_has_no_event() {
    let (mut browser, codec, heard) = logged_in();
    browser.visit(&codec, |_session| Ok(()));
    heard.is(&[]);
}

#[test]
fn a_request_without_a_cookie_has_no_event_until_something_is_written() {
    let (mut browser, codec, heard) = site::<Login>();
    browser.visit(&codec, |session| {
        assert!(session.is_empty());
        session.regenerate();
        Ok(session.delete())
    });
    heard.is(&[]);
}

#[test]
fn opening_is_told_once_however_often_the_session_is_read() {
    let (mut browser, codec, heard) = logged_in();
    browser.visit(&codec, |session| {
        for _ in 0..3 {
            assert_eq!(session.clone().data(), Some(SEVEN));
        }
        Ok(())
    });
    heard.is(&[OPENED]);
}

#[test]
fn opening_is_told_once_if_many_tasks_open_at_once() {
    let (mut browser, codec, heard) = logged_in();
    for _ in 0..50 {
        browser.visit(&codec, |session| {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| assert!(!session.is_empty()));
                }
            });
            Ok(())
        });
        heard.is(&[OPENED]);
    }
}

#[test]
fn writing_refreshing_and_removing_are_told_apart() {
    let (mut browser, codec, heard) = logged_in();
    browser.visit(&codec, |session| session.set(EIGHT));
    heard.is(&[OPENED, "login sealed by 1"]);
    browser.visit(&codec, |session| session.set(EIGHT));
    heard.is(&[OPENED]);
    browser.visit(&codec, |session| session.touch());
    heard.is(&[OPENED, "login refreshed by 1"]);
    browser.visit(&codec, |session| session.set_idle_timeout(DAY * 2));
    heard.is(&[OPENED, "login refreshed by 1"]);
    browser.clock.advance(5 * HOUR);
    browser.visit(&codec, |session| {
        assert!(session.data().is_some());
        Ok(())
    });
    heard.is(&[OPENED, "login refreshed by 1"]);
    browser.visit(&codec, |session| {
        session.regenerate();
        session.set(SEVEN)
    });
    heard.is(&[OPENED, "login sealed by 1"]);
    browser.visit(&codec, |session| Ok(session.delete()));
    heard.is(&[OPENED, "login removed"]);
}

#[test]
fn each_event_of_a_session_has_its_name() {
    let (mut browser, codec, heard) = site::<Login>();
    let (sender, ids) = mpsc::channel();
    let sent = sender.clone();
    browser.visit(&codec, move |session| {
        session.set(SEVEN)?;
        sent.send(session.id()).unwrap();
        Ok(())
    });
    browser.visit(&codec, |session| session.touch());
    browser.visit(&codec, move |session| {
        session.set(EIGHT)?;
        sender.send(session.id()).unwrap();
        Ok(session.delete())
    });
    let id = ids.recv().unwrap();
    assert!(id.is_some() && id == ids.recv().unwrap());
    let told = heard.take_all();
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|(_, session)| *session == id), "{told:?}");
}

#[test]
fn entries_are_told_of_as_typed_data_is() {
    let (mut browser, codec, heard) = site::<Dynamic>();
    browser.visit(&codec, |session| {
        session.insert("a", 1)?;
        session.insert("b", 2)
    });
    heard.is(&["session sealed by 1"]);
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<u32>("a")?, Some(1));
        session.regenerate_keeping(&["b"])
    });
    heard.is(&["session opened by 1 (sealing)", "session sealed by 1"]);
    browser.visit(&codec, |session| session.remove("b").map(drop));
    heard.is(&["session opened by 1 (sealing)", "session removed"]);
}

#[test]
fn a_refused_cookie_is_told_once_and_so_is_its_removal() {
    let (mut browser, codec, heard) = logged_in();
    browser.clock.advance(3 * DAY);
    browser.visit(&codec, |session| {
        assert!(session.is_empty() && session.data().is_none());
        Ok(())
    });
    heard.is(&["login refused: expired"]);
    browser.set_cookie("login", "junk");
    browser.visit(&codec, |session| Ok(session.delete()));
    let told = [("login refused: malformed", None), ("login removed", None)];
    assert_eq!(heard.take_all(), told.map(|(line, session)| (line.to_owned(), session)));
}

#[test]
fn a_rotation_is_told_step_by_step() {
    let (mut browser, codec, heard) = logged_in();
    codec.replace_keyring(ring(&[1]).with_next(key(2)).unwrap());
    browser.visit(&codec, |_session| Ok(()));
    heard.is(&[]);
    codec.replace_keyring(ring(&[2, 1]));
    browser.visit(&codec, |_session| Ok(()));
    heard.is(&["login opened by 1 (older)", "login resealed by 2 after 1"]);
    browser.visit(&codec, |session| session.set(EIGHT));
    heard.is(&["login opened by 2 (sealing)", "login sealed by 2"]);
    // One server is behind.
    codec.replace_keyring(ring(&[1]).with_next(key(2)).unwrap());
    browser.visit(&codec, |session| {
        assert!(!session.is_empty());
        Ok(())
    });
    heard.is(&["login opened by 2 (newer)"]);
    codec.replace_keyring(ring(&[3]));
    browser.visit(&codec, |session| {
        assert!(session.is_empty());
        Ok(())
    });
    heard.is(&["login refused: no_matching_key"]);
}

#[test]
fn a_write_during_a_rotation_is_a_write() {
    let (mut browser, codec, heard) = logged_in();
    codec.replace_keyring(ring(&[2, 1]));
    browser.visit(&codec, |session| session.set(EIGHT));
    heard.is(&["login opened by 1 (older)", "login sealed by 2"]);
    codec.replace_keyring(ring(&[3, 2]));
    browser.visit(&codec, |session| session.touch());
    heard.is(&["login opened by 2 (older)", "login resealed by 3 after 2"]);
}

#[test]
fn what_is_too_large_is_told_at_each_try() {
    let (mut browser, codec, heard) = site::<Dynamic>();
    browser.visit(&codec, |session| {
        session.insert("a", 1)?;
        session.insert("b", "x".repeat(5000)).unwrap_err();
        session.set(session.entries())
    });
    heard.is(&["session too_large: above 4096", "session sealed by 1"]);

    let (mut browser, codec, heard) = site::<NamedLogin>();
    browser.visit(&codec, |session| {
        session.set(NamedLogin { user: "x".repeat(5000) }).unwrap_err();
        Ok(())
    });
    heard.is(&["login too_large: above 4096"]);

    let heard = Heard::default();
    let codec = heard.by(browser.builder::<Dynamic>()).max_cookie_header(300).build().unwrap();
    browser.visit(&codec, |session| {
        let error = session.insert("a", "x".repeat(500)).unwrap_err();
        assert!(matches!(error.kind(), SessionErrorKind::CookieHeaderTooLarge { .. }));
        Ok(())
    });
    heard.is(&["session too_large: above 300"]);
}

#[test]
fn what_is_not_sent_is_not_told() {
    let (mut browser, codec, heard) = logged_in();
    let layer = SessionLayer::new(codec.clone());
    let fails = |session: Session<Login>| async move {
        session.set(EIGHT).unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let unchanged = |session: Session<Login>| async move {
        assert!(session.data().is_some());
        (StatusCode::NOT_MODIFIED, [(ETAG, "\"1\"")])
    };
    let routes = Router::new().route("/fails", get(fails)).route("/unchanged", get(unchanged));
    let app = routes.layer(layer);
    browser.get(&app, "/fails");
    heard.is(&[OPENED]);
    // Due for a refresh, which another response has to bring.
    browser.clock.advance(3 * HOUR);
    browser.get(&app, "/unchanged");
    heard.is(&[OPENED]);
}

#[test]
fn two_sessions_of_a_request_are_told_of_by_their_names() {
    let mut browser = Browser::new();
    let heard = Heard::default();
    let logins = heard.by(browser.builder::<Login>()).build().unwrap();
    let admins = heard.by(browser.builder::<Admin>()).build().unwrap();
    let handler = |login: Session<Login>, admin: Session<Admin>| async move {
        login.set(SEVEN)?;
        admin.set(EIGHT)
    };
    let app = Router::new().fallback(handler);
    let app = app.layer(SessionLayer::new(logins)).layer(SessionLayer::new(admins));
    browser.get(&app, "/");
    let mut told = heard.take();
    told.sort();
    assert_eq!(told, ["admin sealed by 1", "login sealed by 1"]);
}

#[test]
fn the_mark_of_a_deletion_is_not_told() {
    let (mut browser, heard) = (Browser::new(), Heard::default());
    let builder = browser.builder::<Login>().mark_deletions(true);
    let codec = heard.by(builder).build().unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    let token = browser.cookie("login").unwrap().to_owned();
    browser.visit(&codec, |session| Ok(session.delete()));
    heard.is(&["login sealed by 1", OPENED, "login removed"]);
    assert!(browser.cookie("login-ended").is_some());
    browser.set_cookie("login", &token);
    browser.visit(&codec, |session| {
        assert!(session.is_empty());
        Ok(())
    });
    heard.is(&["login refused: ended", "login removed"]);
}

/// Fails instead of hanging.
fn within_ten_seconds(work: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        work();
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(Duration::from_secs(10)).expect("it hangs, or has panicked");
}

#[test]
fn a_hook_may_use_the_session_and_the_codec() {
    within_ten_seconds(|| {
        let mut browser = Browser::new();
        let heard = Heard::default();
        let current = Arc::new(OnceLock::<Session<Dynamic>>::new());
        let inner = browser.codec::<Dynamic>();
        let (seen, own) = (current.clone(), heard.clone());
        let codec = browser
            .builder::<Dynamic>()
            .on_event(move |event| {
                own.note(event);
                if let Some(session) = seen.get() {
                    let _ = (session.is_empty(), session.info(), session.data());
                    let _ = session.insert("hook", 1);
                    let _ = session.insert("hook", "x".repeat(5000));
                }
                inner.decode(inner.encode(sealed_session::Entries::new()).unwrap()).unwrap();
            })
            .build()
            .unwrap();
        let first = browser.codec::<Dynamic>();
        browser.visit(&first, |session| session.insert("a", 1));
        browser.visit(&codec, move |session| {
            assert!(current.set(session.clone()).is_ok());
            assert_eq!(session.get::<u32>("a")?, Some(1));
            assert_eq!(session.get::<u32>("hook")?, Some(1), "the hook has written it");
            session.insert("big", "x".repeat(5000)).unwrap_err();
            Ok(())
        });
        heard.is(&[
            "session opened by 1 (sealing)",
            "session too_large: above 4096",
            "session sealed by 1",
        ]);
    });
}

#[test]
fn a_hook_that_panics_leaves_the_session_usable() {
    let mut browser = Browser::new();
    let heard = Heard::default();
    browser.visit(&browser.codec::<Login>(), |session| session.set(SEVEN));
    let own = heard.clone();
    let codec = browser
        .builder::<Login>()
        .on_event(move |event| {
            own.note(event);
            assert!(!matches!(event.kind, CodecEventKind::Opened { .. }), "a mistake of the hook");
        })
        .build()
        .unwrap();
    for _ in 0..2 {
        browser.visit(&codec, |session| {
            catch_unwind(AssertUnwindSafe(|| session.data())).unwrap_err();
            assert_eq!(session.data(), Some(SEVEN));
            session.set(EIGHT)?;
            session.set(SEVEN)?;
            session.touch()
        });
        heard.is(&[OPENED, "login sealed by 1"]);
    }
}

#[test]
fn no_event_carries_a_cookie_a_key_or_a_plaintext() {
    let (mut browser, heard) = (Browser::new(), Arc::new(std::sync::Mutex::new(String::new())));
    let text = heard.clone();
    let codec = browser
        .builder::<Dynamic>()
        .on_event(move |event| text.lock().unwrap().push_str(&format!("{event:?}\n")))
        .build()
        .unwrap();
    browser.visit(&codec, |session| session.insert("name", "7777777777"));
    let token = browser.cookie("session").unwrap().to_owned();
    codec.replace_keyring(ring(&[2, 1]));
    browser.visit(&codec, |session| {
        session.insert("big", "7777777777".repeat(2000)).unwrap_err();
        session.touch()
    });
    browser.set_cookie("session", &token[1..]);
    browser.visit(&codec, |session| Ok(session.delete()));
    let heard = heard.lock().unwrap();
    assert_eq!(heard.lines().count(), 6, "{heard}");
    for secret in ["7777777777", "name", &token[..8], &token[8..16], "01010101", "1, 1, 1"] {
        assert!(!heard.contains(secret), "{heard}");
    }
}

#[cfg(feature = "tracing")]
#[test]
fn the_log_has_each_event_at_its_level_with_key_and_session() {
    let (mut browser, codec, _) = site::<Dynamic>();
    let mut log_of = |handler: fn(Session<Dynamic>) -> Result<(), sealed_session::SessionError>| {
        let (_, log) = crate::support::log::log_of(|| browser.visit(&codec, handler));
        log
    };
    let (one, two) = (key(1).id(), key(2).id());
    #[track_caller]
    fn has(log: &str, parts: &[&str]) {
        let line = log.lines().find(|line| parts.iter().all(|part| line.contains(part)));
        assert!(line.is_some_and(|line| line.contains(" sealed_session")), "{parts:?}: {log}");
    }
    let by_one = format!("key={one}");
    let log = log_of(|session| {
        session.insert("a", "x".repeat(5000)).unwrap_err();
        session.insert("a", 1)
    });
    has(&log, &["WARN", "code=\"too_large\"", " size=", " limit=4096"]);
    has(&log, &["DEBUG", "session sealed", &by_one, " session="]);
    let log = log_of(|session| session.touch());
    has(&log, &["TRACE", "session opened", &by_one, "key_age=\"sealing\"", " session="]);
    has(&log, &["DEBUG", "session refreshed", &by_one, " session="]);
    codec.replace_keyring(ring(&[2, 1]));
    let log = log_of(|_session| Ok(()));
    let again = [&format!("key={two}")[..], &format!("previous={one}"), " session="];
    has(&log, &[&["DEBUG", "session sealed again"], &again[..]].concat());
    let log = log_of(|session| Ok(session.delete()));
    has(&log, &["DEBUG", "session cookie removed", " session="]);
}
