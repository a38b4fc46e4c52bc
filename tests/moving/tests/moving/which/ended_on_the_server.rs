//! Whether a copy of the cookie still opens after a log-out.

use sealed_session::{Codec, Dynamic, Keyring, Revocations, Session, SessionLayer};
use tower_sessions::MemoryStore;

use super::apps::{self, Actix};
use crate::browser::{Browser, Program};

/// What `/read` answers to a copy of the cookie after the log-out.
async fn read_after_the_log_out(site: &impl Program) -> String {
    let mut browser = Browser::new();
    browser.get(site, "/write/7").await;
    let mut copy = browser.clone();
    assert_eq!(copy.get(site, "/read").await.body, "7");
    browser.get(site, "/log-out").await;
    assert!(browser.names().is_empty(), "{:?}", browser.names());
    copy.get(site, "/read").await.body
}

#[tokio::test]
async fn a_copy_of_a_sealed_session_does_not_open_with_revocations() {
    let revocations = Revocations::in_memory();
    let builder = Codec::<Dynamic>::builder(Keyring::new(apps::key())).revocations(&revocations);
    let codec = builder.build().expect("a codec");
    let mut browser = Browser::new();
    let site = apps::ours(codec.clone());
    browser.get(&site, "/write/7").await;
    let mut copy = browser.clone();
    let end = axum::Router::new()
        .route("/end", axum::routing::get(async |session: Session| session.end().await))
        .layer(SessionLayer::new(codec));
    assert_eq!(copy.get(&site, "/read").await.body, "7");
    browser.get(&end, "/end").await;
    assert_eq!(copy.get(&site, "/read").await.body, "0");
}

#[tokio::test]
async fn a_copy_of_a_sealed_session_opens_without_them() {
    assert_eq!(read_after_the_log_out(&apps::ours_by_default()).await, "7");
}

#[tokio::test]
async fn a_copy_from_the_private_jar_opens() {
    let site = apps::jar(apps::cookie_key(7), "session");
    assert_eq!(read_after_the_log_out(&site).await, "7");
}

#[tokio::test]
async fn a_copy_from_actix_session_opens() {
    assert_eq!(read_after_the_log_out(&Actix { key: 7, name: "id" }).await, "7");
}

#[tokio::test]
async fn a_copy_from_seshcookie_opens() {
    let site = apps::seshcookie(apps::seshcookie_keys(7), "session");
    assert_eq!(read_after_the_log_out(&site).await, "7");
}

#[tokio::test]
async fn a_copy_from_tower_sessions_does_not_open() {
    let site = apps::tower_sessions(MemoryStore::default(), "id");
    assert_eq!(read_after_the_log_out(&site).await, "0");
}
