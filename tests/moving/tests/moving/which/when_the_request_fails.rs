//! What becomes of a write of a handler that answers with a 500.

use tower_sessions::MemoryStore;

use super::apps::{self, Actix};
use crate::browser::{Browser, Program};

async fn is_sent(site: &impl Program) -> bool {
    let answer = Browser::new().get(site, "/fail").await;
    assert_eq!(answer.status, 500);
    !answer.set_cookies().is_empty()
}

#[tokio::test]
async fn sealed_session_does_not_send_it() {
    assert!(!is_sent(&apps::ours_by_default()).await);
}

#[tokio::test]
async fn the_private_jar_sends_it_if_the_handler_returns_the_jar() {
    assert!(is_sent(&apps::jar(apps::cookie_key(7), "session")).await);
}

#[tokio::test]
async fn actix_session_sends_it() {
    assert!(is_sent(&Actix { key: 7, name: "id" }).await);
}

#[tokio::test]
async fn seshcookie_sends_it() {
    assert!(is_sent(&apps::seshcookie(apps::seshcookie_keys(7), "session")).await);
}

#[tokio::test]
async fn tower_sessions_does_not_store_it() {
    assert!(!is_sent(&apps::tower_sessions(MemoryStore::default(), "id")).await);
}
