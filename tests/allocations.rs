//! How many allocations a session adds to a request through axum: a bound, so that it cannot creep.

#![cfg(feature = "axum")]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use axum::routing::get;
use sealed_session::{
    Codec, Current, Dynamic, Entries, Session, SessionError, SessionKind, SessionLayer,
};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use support::{entries, ring};

const BODY: &str = "the same in every handler";

#[derive(Serialize, Deserialize)]
struct Login {
    user_id: u64,
    visits: u32,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "session";
}

fn stored() -> Entries {
    entries(r#"{"user_id":1000001,"name":"Ada","visits":12,"theme":"dark"}"#)
}

/// What the second request to `app` allocates, so that nothing is counted that happens once.
async fn allocations(app: &Router, cookie: Option<&str>) -> u64 {
    // As `axum::serve` does; without it a router builds its layers anew for each request.
    let app = app.clone().with_state::<()>(());
    // Shared already, as the parts of the buffer are that hyper read.
    let cookie = cookie.map(|cookie| HeaderValue::from_str(cookie).unwrap());
    let mut count = 0;
    for _ in 0..2 {
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        if let Some(cookie) = &cookie {
            request.headers_mut().insert(header::COOKIE, cookie.clone());
        }
        let app = app.clone();
        count = 0;
        let mut future = Box::pin(app.oneshot(request));
        let mut response: Option<Response<Body>> = None;
        while response.is_none() {
            let counted = allocation_counter::measure(|| {
                let waker = std::task::Waker::noop();
                let mut context = std::task::Context::from_waker(waker);
                if let std::task::Poll::Ready(ready) = future.as_mut().poll(&mut context) {
                    response = Some(ready.unwrap());
                }
            });
            count += counted.count_total;
        }
        assert!(response.unwrap().status().is_success());
    }
    count
}

/// What a session adds to the same request without one.
async fn added(with: Router, without: Router, cookie: Option<&str>) -> u64 {
    let without = allocations(&without, cookie).await;
    let with = allocations(&with, cookie).await;
    println!("{with} allocations, {without} without a session");
    with - without
}

fn bare() -> Router {
    Router::new().route("/", get(async || BODY))
}

fn no_op() -> Router {
    bare().layer(tower::layer::util::Identity::new())
}

fn dynamic_cookie() -> (SessionLayer<Dynamic>, String) {
    let codec = Codec::<Dynamic>::new(ring(&[7])).unwrap();
    let cookie = format!("session={}", codec.encode(stored()).unwrap());
    (SessionLayer::new(codec), cookie)
}

#[tokio::test]
async fn a_session_that_nobody_asks_for() {
    let (layer, cookie) = dynamic_cookie();
    assert!(added(bare().layer(layer.clone()), no_op(), Some(&cookie)).await <= 3);
    assert!(added(bare().layer(layer), no_op(), None).await <= 3);
}

#[tokio::test]
async fn reading_an_entry() {
    async fn handler(session: Session) -> Result<&'static str, SessionError> {
        assert_eq!(session.get::<u32>("visits")?, Some(12));
        Ok(BODY)
    }
    let (layer, cookie) = dynamic_cookie();
    let app = Router::new().route("/", get(handler)).layer(layer);
    assert!(added(app, bare(), Some(&cookie)).await <= 10);
}

#[tokio::test]
async fn writing_an_entry() {
    async fn handler(session: Session) -> Result<&'static str, SessionError> {
        session.insert("visits", 13)?;
        Ok(BODY)
    }
    let (layer, cookie) = dynamic_cookie();
    let app = Router::new().route("/", get(handler)).layer(layer);
    assert!(added(app, bare(), Some(&cookie)).await <= 17);
}

#[tokio::test]
async fn reading_typed_data_that_allocates_nothing_itself() {
    async fn handler(Current(login): Current<Login>) -> &'static str {
        assert_eq!(login.visits, 12);
        BODY
    }
    let codec = Codec::<Login>::new(ring(&[7])).unwrap();
    let login = Login { user_id: 1_000_001, visits: 12 };
    let cookie = format!("session={}", codec.encode(&login).unwrap());
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(codec));
    // The type's own are what more there may be.
    assert!(added(app, no_op(), Some(&cookie)).await <= 4);
}
