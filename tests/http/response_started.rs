//! After the response has begun nothing can be written, and every write says so.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::routing::get;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use sealed_session::{
    Codec, Dynamic, Entries, Session, SessionError, SessionErrorKind, SessionKind, SessionLayer,
};

use crate::support::server::{Server, UPGRADE};
use crate::support::{Browser, HOUR, Login, SEVEN};

/// A handle that has outlived its response.
fn kept_past_the_response<K: SessionKind>(
    browser: &mut Browser,
    codec: &Codec<K>,
    looks: bool,
) -> Session<K> {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    browser.visit(codec, move |session| {
        if looks {
            assert!(!session.is_empty());
        }
        *keep.lock().unwrap() = Some(session);
        Ok(())
    });
    kept.lock().unwrap().take().unwrap()
}

#[track_caller]
fn is_too_late<T>(result: Result<T, SessionError>) {
    let error = result.err().expect("an error");
    assert_eq!(*error.kind(), SessionErrorKind::ResponseStarted);
}

#[test]
fn every_write_of_entries_is_an_error() {
    for looks in [false, true] {
        let mut browser = Browser::new();
        let codec = browser.codec::<Dynamic>();
        browser.visit(&codec, |session| session.insert("a", 1));
        let session = kept_past_the_response(&mut browser, &codec, looks);
        is_too_late(session.insert("a", 2));
        is_too_late(session.insert("a", 1));
        is_too_late(session.remove("a"));
        is_too_late(session.remove("b"));
        is_too_late(session.take::<u32>("a"));
        is_too_late(session.set(Entries::new()));
        is_too_late(session.update(|_| panic!("it ran")));
        is_too_late(session.touch());
        is_too_late(session.set_idle_timeout(HOUR));
        is_too_late(session.regenerate_keeping(&["a"]));
        is_too_late(session.set_cookie_options(session.cookie_options().max_age(HOUR)));
    }
}

#[test]
fn every_write_of_typed_data_is_an_error() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let none = kept_past_the_response(&mut browser, &codec, false);
    is_too_late(none.set(SEVEN));
    is_too_late(none.update(|_| panic!("it ran")));
    is_too_late(none.touch());
    is_too_late(none.set_idle_timeout(HOUR));
}

#[test]
fn the_old_data_can_still_be_read() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("a", 1));
    for looks in [false, true] {
        let session = kept_past_the_response(&mut browser, &codec, looks);
        session.insert("a", 2).unwrap_err();
        session.delete();
        session.regenerate();
        assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
    }
}

#[cfg(feature = "tracing")]
#[test]
fn a_failure_that_cannot_be_returned_is_logged_as_an_error() {
    type End = fn(&Session);
    let ends: [(&str, End); 2] = [("delete", Session::delete), ("regenerate", Session::regenerate)];
    for (name, end) in ends {
        let mut browser = Browser::new();
        let codec = browser.codec::<Dynamic>();
        browser.visit(&codec, |session| session.insert("a", 1));
        let (_, log) = crate::support::log::log_of(|| {
            browser.visit(&codec, move |session| {
                end(&session);
                session.insert("a", 1)
            })
        });
        assert!(!log.contains("ERROR"), "{name} in time: {log}");
        let session = kept_past_the_response(&mut browser, &codec, false);
        let (_, log) = crate::support::log::log_of(|| end(&session));
        let line = log.lines().find(|line| line.starts_with("ERROR")).unwrap();
        assert!(line.contains("too late") && line.contains(name), "{line}");
    }
}

#[test]
fn an_update_that_the_response_overtakes_is_an_error() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let (give, take) = std::sync::mpsc::channel();
    let outcome = std::thread::scope(|scope| {
        let (begun_tell, begun) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel();
        let updater = scope.spawn(move || {
            let session: Session<Login> = take.recv().unwrap();
            session.update(|login| {
                begun_tell.send(()).unwrap();
                ended.recv().unwrap();
                login.user_id = 8;
            })
        });
        let begun = Arc::new(Mutex::new(begun));
        let page = browser.visit(&codec, move |session| {
            session.set(SEVEN)?;
            give.send(session).unwrap();
            begun.lock().unwrap().recv().unwrap();
            Ok(())
        });
        end.send(()).unwrap();
        page.set_cookie();
        updater.join().unwrap()
    });
    is_too_late(outcome);
    browser.visit(&codec, |session| {
        assert_eq!(session.data(), Some(SEVEN));
        Ok(())
    });
}

fn outcome(result: Result<(), SessionError>) -> String {
    match result {
        Ok(()) => "written".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

#[test]
fn a_streaming_body_writes_too_late() {
    let mut browser = Browser::new();
    let handler = |session: Session| async move {
        session.insert("a", 1)?;
        let first = Full::new(Bytes::from("first, "));
        let later = first.map_frame(move |frame| {
            frame.map_data(|first| {
                let late = outcome(session.insert("a", 2));
                Bytes::from([&first[..], late.as_bytes()].concat())
            })
        });
        let body = later.with_trailers(std::future::ready(None::<Result<HeaderMap, Infallible>>));
        Ok::<_, SessionError>(Body::from_stream(body.into_data_stream()))
    };
    let app =
        Router::new().route("/", get(handler)).layer(SessionLayer::new(browser.codec::<Dynamic>()));
    let page = browser.fetch(&Server::start(app), "GET /", "");
    page.set_cookie();
    assert!(page.body.contains("first, ResponseStarted"), "{}", page.body);
}

#[test]
fn a_websocket_reads_its_session_and_writes_too_late() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let handler = |session: Session, upgrade: WebSocketUpgrade| async move {
        session.insert("a", 1)?;
        Ok::<_, SessionError>(upgrade.on_upgrade(|mut socket| async move {
            let read = session.get::<u32>("a");
            let late = outcome(session.insert("a", 2));
            let text = format!("{read:?}, {late}");
            socket.send(Message::text(text)).await.unwrap();
        }))
    };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(codec.clone()));
    let page = browser.fetch(&Server::start(app), "GET /", UPGRADE);
    assert!(page.body.contains("Ok(Some(1)), ResponseStarted"), "{}", page.body);
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<u32>("a")?, Some(1));
        Ok(())
    });
}

#[test]
fn a_write_after_the_request_was_abandoned_is_an_error() {
    use tower::{Layer as _, Service as _};

    let codec = Browser::new().codec::<Dynamic>();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let service = tower::service_fn(move |request: http::Request<()>| {
        *keep.lock().unwrap() = request.extensions().get::<Session>().cloned();
        std::future::pending::<Result<http::Response<()>, Infallible>>()
    });
    let response = SessionLayer::new(codec).layer(service).call(http::Request::new(()));
    let session = kept.lock().unwrap().take().unwrap();
    session.insert("a", 1).unwrap();
    drop(response);
    is_too_late(session.insert("a", 2));
}
