//! A case that only code inside the crate can cause: the operating system gives no randomness.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::get;
use tower::ServiceExt as _;

use super::SessionLayer;
use crate::clock::TestClock;
use crate::codec::Codec;
use crate::crypto::key::Key;
use crate::crypto::keyring::Keyring;
use crate::crypto::random::tests::FAIL;
use crate::error::{EncodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::{Dynamic, Entries};
use crate::session::Session;

/// Runs on a separate thread, whose nonce generator has no seed yet.
#[track_caller]
fn without_randomness(test: impl AsyncFnOnce() + Send + 'static) {
    std::thread::spawn(|| {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test());
    })
    .join()
    .unwrap();
}

fn keyring(byte: u8) -> Keyring {
    Keyring::new(Key::from_bytes([byte; 32]).unwrap())
}

async fn answer(codec: &Codec<Dynamic>, path: &str, cookie: &str) -> Response<Body> {
    let app = Router::new()
        .route("/insert", get(async |session: Session| session.insert("a", 1)))
        .route("/touch", get(async |session: Session| session.touch()))
        .route("/read", get(async |session: Session| session.get::<u32>("a").map(drop)))
        .route("/delete", get(async |session: Session| session.delete()))
        .layer(SessionLayer::new(codec.clone()));
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap()
}

fn cookie(codec: &Codec<Dynamic>) -> String {
    let mut entries = Entries::new();
    entries.insert("a", 0).unwrap();
    format!("session={}", codec.encode(&entries).unwrap())
}

#[test]
fn a_write_without_randomness_is_the_handlers_error_and_sets_no_cookie() {
    let codec = Codec::<Dynamic>::new(keyring(7)).unwrap();
    let cookie = cookie(&codec);
    without_randomness(async move || {
        FAIL.set(true);
        for path in ["/insert", "/touch"] {
            let response = answer(&codec, path, &cookie).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            assert!(!response.headers().contains_key(header::SET_COOKIE), "{path}");
            let error = response.extensions().get::<Arc<SessionError>>().unwrap();
            let wanted = SessionErrorKind::Encode(EncodeErrorKind::Randomness);
            assert_eq!(*error.kind(), wanted, "{path}");
        }
        FAIL.set(false);
        let response = answer(&codec, "/insert", &cookie).await;
        assert!(response.headers().contains_key(header::SET_COOKIE));
    });
}

#[test]
fn a_refresh_or_rotation_without_randomness_leaves_the_cookie_as_it_is() {
    let clock = TestClock::at(1_700_000_000);
    let codec = Codec::<Dynamic>::builder(keyring(7)).clock(clock.clone()).build().unwrap();
    let cookie = cookie(&codec);
    codec.replace_keyring(keyring(8).with_previous(Key::from_bytes([7; 32]).unwrap()).unwrap());
    clock.advance(Duration::from_secs(12 * 60 * 60));
    without_randomness(async move || {
        FAIL.set(true);
        let response = answer(&codec, "/read", &cookie).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key(header::SET_COOKIE));
        FAIL.set(false);
        let response = answer(&codec, "/read", &cookie).await;
        assert!(response.headers().contains_key(header::SET_COOKIE));
    });
}

#[test]
fn a_deletion_needs_no_randomness() {
    let codec = Codec::<Dynamic>::new(keyring(7)).unwrap();
    let cookie = cookie(&codec);
    without_randomness(async move || {
        FAIL.set(true);
        let response = answer(&codec, "/delete", &cookie).await;
        assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    });
}

#[test]
fn encoding_without_randomness_is_an_error() {
    let codec = Codec::<Dynamic>::new(keyring(7)).unwrap();
    without_randomness(async move || {
        FAIL.set(true);
        let error = codec.encode(Entries::new()).unwrap_err();
        assert_eq!(*error.kind(), EncodeErrorKind::Randomness);
    });
}
