//! Too large is an error in the handler, before any header leaves.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, reason = "helpers of tests, too, may unwrap")]

mod support;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use sealed_session::{Dynamic, SealErrorKind, Session, SessionErrorKind, SessionLayer};

use support::Browser;
use support::server::Server;

#[test]
fn eleven_kilobytes_are_an_error_in_the_handler_and_no_cookie() {
    let mut browser = Browser::new();
    let app = Router::new()
        .route(
            "/error",
            get(|session: Session| async move { session.insert("text", "x".repeat(11_000)) }),
        )
        .route(
            "/fallback",
            get(|session: Session| async move {
                match session.insert("text", "x".repeat(11_000)) {
                    Ok(()) => "kept",
                    Err(_) => "that was too much",
                }
            }),
        )
        .layer(SessionLayer::new(browser.codec::<Dynamic>()));
    let server = Server::start(app);
    let page = browser.fetch(&server, "GET /error", "");
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(page.body, "the session could not be used");
    assert!(page.set_cookies().is_empty());
    let page = browser.fetch(&server, "GET /fallback", "");
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "that was too much"));
    assert!(page.set_cookies().is_empty());
}

#[test]
fn what_is_too_large_is_known_to_the_byte_and_what_was_there_stays() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("a", 1));
    browser.visit(&codec, |session| {
        session.insert("a", "x".repeat(3003))?;
        let error = session.insert("a", "x".repeat(3004)).unwrap_err();
        let SessionErrorKind::Seal(SealErrorKind::TooLarge(size)) = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!((size.size, size.limit, size.json), (4097, 4096, 3012));
        assert_eq!(size.entry, Some(("a".to_owned(), 3006)));
        let error = session.insert("b", 1).unwrap_err();
        let SessionErrorKind::Seal(SealErrorKind::TooLarge(size)) = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!(size.entry, Some(("b".to_owned(), 1)));
        assert!(session.update(|entries| entries.insert("b", &1)).is_err());
        Ok(())
    });
    let token = browser.cookie("session").unwrap();
    assert!("session".len() + token.len() <= 4096);
    browser.visit(&codec, |session| {
        assert_eq!(session.get::<String>("a")?.unwrap().len(), 3003);
        assert!(!session.contains("b"));
        Ok(())
    });
}
