//! What happens to a session that is larger than a browser's 4096 bytes.

use axum::http::StatusCode;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use tower_sessions::MemoryStore;

use super::apps::{self, Actix};
use crate::browser::{Browser, Program};

/// The status of a write of this length, and how long the cookie is that it sets: name and value.
async fn write(site: &impl Program, len: usize) -> (StatusCode, usize) {
    let answer = Browser::new().send(site, "GET", &format!("/write/{len}")).await;
    let lines = answer.set_cookies();
    let pair = lines.first().and_then(|line| line.split(';').next()).unwrap_or_default();
    (answer.status, pair.len().saturating_sub(1))
}

#[tokio::test]
async fn sealed_session_makes_it_an_error_in_the_handler() {
    let site = apps::ours_by_default();
    let (status, len) = write(&site, 2900).await;
    assert!(status == StatusCode::OK && (3800..=4096).contains(&len), "{len}");
    assert_eq!(write(&site, 3100).await, (StatusCode::INTERNAL_SERVER_ERROR, 0));
}

#[tokio::test]
async fn the_private_jar_sends_nine_kilobytes() {
    let (status, len) = write(&apps::jar(apps::cookie_key(7), "session"), 6600).await;
    assert!(status == StatusCode::OK && len > 8800, "{len}");
}

#[tokio::test]
async fn actix_session_checks_before_it_encrypts() {
    let site = Actix { key: 7, name: "id" };
    let (status, len) = write(&site, 4000).await;
    assert!(status == StatusCode::OK && len > 5000, "{len}");
    assert_eq!(write(&site, 4100).await, (StatusCode::INTERNAL_SERVER_ERROR, 0));
}

#[tokio::test]
async fn seshcookie_sends_nine_kilobytes() {
    let site = apps::seshcookie(apps::seshcookie_keys(7), "session");
    let (status, len) = write(&site, 6700).await;
    assert!(status == StatusCode::OK && len > 8900, "{len}");
}

#[tokio::test]
async fn tower_sessions_holds_a_megabyte_behind_a_short_cookie() {
    let site = apps::tower_sessions(MemoryStore::default(), "id");
    let mut browser = Browser::new();
    browser.get(&site, "/write/1000000").await;
    assert_eq!(browser.get(&site, "/read").await.body, "1000000");
    assert_eq!(browser.value("id").map(|id| id.len()), Some(22));
}

#[test]
fn a_jwt_is_as_long_as_it_gets() {
    let claims = json!({ "text": "x".repeat(6700) });
    let key = EncodingKey::from_secret(&[7; 32]).expect("a key");
    assert!(encode(&Header::default(), &claims, &key).expect("a token").len() > 8900);
}
