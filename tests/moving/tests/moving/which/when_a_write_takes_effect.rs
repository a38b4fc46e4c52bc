//! What a handler has to do so that what it wrote reaches the browser.

use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore as _};

use super::apps::{self, Actix};
use crate::browser::{Browser, Program};

async fn names_after(site: &impl Program, path: &str) -> Vec<String> {
    let mut browser = Browser::new();
    browser.get(site, path).await;
    browser.names()
}

#[tokio::test]
async fn sealed_session_sends_it_with_the_response() {
    assert_eq!(names_after(&apps::ours_by_default(), "/write/7").await, ["session"]);
}

#[tokio::test]
async fn the_private_jar_sends_it_if_the_handler_returns_the_jar() {
    let site = apps::jar(apps::cookie_key(7), "session");
    assert_eq!(names_after(&site, "/write/7").await, ["session"]);
    assert!(names_after(&site, "/forget").await.is_empty());
}

#[tokio::test]
async fn tower_cookies_sends_it_with_the_response() {
    assert_eq!(names_after(&apps::tower_cookies(), "/forget").await, ["session"]);
}

#[tokio::test]
async fn actix_session_sends_it_with_the_response() {
    assert_eq!(names_after(&Actix { key: 7, name: "id" }, "/write/7").await, ["id"]);
}

#[tokio::test]
async fn seshcookie_sends_it_with_the_response() {
    let site = apps::seshcookie(apps::seshcookie_keys(7), "session");
    assert_eq!(names_after(&site, "/write/7").await, ["session"]);
}

#[tokio::test]
async fn tower_sessions_stores_it_with_the_response_or_at_once() {
    let store = MemoryStore::default();
    assert_eq!(names_after(&apps::tower_sessions(store.clone(), "id"), "/write/7").await, ["id"]);
    let other = store.clone();
    let handler = async move |session: Session| {
        session.insert("text", "saved").await.expect("in memory");
        session.save().await.expect("in memory");
        let id = session.id().expect("it was saved");
        let record = other.load(&id).await.expect("in memory");
        record.map_or(0, |record| record.data.len()).to_string()
    };
    let site = axum::Router::new()
        .route("/save", axum::routing::get(handler))
        .layer(SessionManagerLayer::new(store));
    assert_eq!(Browser::new().get(&site, "/save").await.body, "1");
}
