//! Whether one request can have two sessions of the same type of data.

use actix_web::{App, HttpResponse, web};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use sealed_session::{Codec, Keyring, Session, SessionError, SessionKind, SessionLayer};
use tower_sessions::{MemoryStore, SessionManagerLayer};

use super::apps::{self, Actix};
use crate::browser::{Answer, Browser, Program};

#[tokio::test]
async fn sealed_session_tells_them_apart_by_their_kinds() {
    struct One;
    impl SessionKind for One {
        type Data = u64;
        const NAME: &'static str = "one";
    }
    struct Other;
    impl SessionKind for Other {
        type Data = u64;
        const NAME: &'static str = "other";
    }
    let write = async |one: Session<One>, other: Session<Other>| {
        one.set(1)?;
        other.set(2)
    };
    let read = async |one: Session<One>, other: Session<Other>| {
        format!("{:?} {:?}", one.data(), other.data())
    };
    let keyring = Keyring::new(apps::key());
    let site = Router::new()
        .route(
            "/write",
            get(async move |one, other| -> Result<(), SessionError> { write(one, other).await }),
        )
        .route("/read", get(read))
        .layer(SessionLayer::new(Codec::<One>::new(keyring.clone()).expect("a codec")))
        .layer(SessionLayer::new(Codec::<Other>::new(keyring).expect("a codec")));
    let mut browser = Browser::new();
    browser.get(&site, "/write").await;
    assert_eq!(browser.get(&site, "/read").await.body, "Some(1) Some(2)");
}

#[tokio::test]
async fn the_private_jar_tells_them_apart_by_their_names() {
    let [one, other] = ["one", "other"].map(|name| apps::jar(apps::cookie_key(7), name));
    let mut browser = Browser::new();
    browser.get(&one, "/write/1").await;
    browser.get(&other, "/write/2").await;
    assert_eq!(browser.get(&one, "/read").await.body, "1");
    assert_eq!(browser.get(&other, "/read").await.body, "2");
}

#[tokio::test]
async fn of_two_layers_of_actix_session_only_the_inner_one_is_written() {
    struct Two;
    impl Program for Two {
        async fn call(&self, request: Request<Body>) -> Answer {
            let write = async |session: actix_session::Session| {
                session.insert("text", "one").map(|()| HttpResponse::Ok().finish())
            };
            let app = App::new()
                .route("/write", web::get().to(write))
                .wrap(Actix { key: 7, name: "one" }.layer())
                .wrap(Actix { key: 7, name: "other" }.layer());
            crate::actix::call(&actix_web::test::init_service(app).await, request).await
        }
    }
    let mut browser = Browser::new();
    browser.get(&Two, "/write").await;
    assert_eq!(browser.names(), ["one"]);
}

#[tokio::test]
async fn of_two_layers_of_seshcookie_handlers_see_the_inner_one() {
    let inner = apps::seshcookie(apps::seshcookie_keys(7), "inner");
    let config = seshcookie::SessionConfig::default().cookie_name("outer");
    let outer = seshcookie::SessionLayer::<String>::new(apps::seshcookie_keys(7), config);
    let mut browser = Browser::new();
    browser.get(&inner.layer(outer.expect("a layer")), "/write/7").await;
    assert_eq!(browser.names(), ["inner"]);
}

#[tokio::test]
async fn of_two_layers_of_tower_sessions_handlers_see_the_inner_one() {
    let inner = apps::tower_sessions(MemoryStore::default(), "inner");
    let outer = SessionManagerLayer::new(MemoryStore::default()).with_name("outer");
    let mut browser = Browser::new();
    browser.get(&inner.layer(outer), "/write/7").await;
    assert_eq!(browser.names(), ["inner"]);
}
