//! From tower-sessions, with handlers that stay: `docs/guide/moving_from_tower_sessions.md`.

use std::time::SystemTime;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use moving::tower_sessions::before;
use moving::tower_sessions::keep::{OldSessions, app, carry_over, codec};
use sealed_session::{Codec, Key, Keyring};
use sealed_session_tower_sessions::TowerSession;
use sealed_session_tower_sessions::v0_15::SealedSessionLayer;
use tower_sessions::{MemoryStore, Session};

use crate::browser::Program;
use crate::suite::{Gate, Site, keeps_its_promises, later, logged_in_before};

struct Kept {
    store: MemoryStore,
    key: Key,
}

impl Kept {
    fn codec(&self) -> Codec<TowerSession> {
        codec(Keyring::new(self.key.clone())).expect("a codec")
    }

    fn old(&self, end: SystemTime) -> OldSessions<MemoryStore> {
        OldSessions { store: self.store.clone(), end }
    }
}

impl Site for Kept {
    const OLD: &'static str = "id";

    fn new() -> Self {
        Self { store: MemoryStore::default(), key: Key::generate().expect("randomness") }
    }

    fn before(&self) -> impl Program {
        before::app(self.store.clone())
    }

    fn until(&self, end: SystemTime) -> impl Program {
        app(self.codec(), self.old(end))
    }

    fn with_test_routes(&self, gate: Gate) -> impl Program {
        let other = gate.clone();
        let failed = StatusCode::INTERNAL_SERVER_ERROR;
        let log_in = async move |session: Session| {
            other.pass().await;
            session.cycle_id().await.expect("a session");
            session.insert("user_id", 8).await.expect("a session");
        };
        let log_out = async move |session: Session| {
            session.flush().await.expect("a session");
            failed
        };
        Router::new()
            .route("/slow", get(async move || gate.pass().await))
            .route("/slow-log-in", get(log_in))
            .route("/fails", get(async move || failed))
            .route("/log-out-fails", get(log_out))
            .layer(from_fn_with_state(self.old(later()), carry_over))
            .layer(SealedSessionLayer::new(self.codec()))
    }
}

keeps_its_promises!(Kept);

#[tokio::test]
async fn a_stolen_old_cookie_is_worth_nothing_once_the_session_was_carried_over() {
    let site = Kept::new();
    let mut browser = logged_in_before(&site).await;
    let mut thief = browser.clone();
    browser.me(&site.after()).await;
    assert_eq!(thief.me(&site.after()).await, None);
    assert_eq!(thief.me(&site.before()).await, None);
}

#[tokio::test]
async fn no_cache_keeps_a_removal() {
    let site = Kept::new();
    let mut browser = logged_in_before(&site).await;
    let answer = browser.get(&site.until(SystemTime::UNIX_EPOCH), "/me").await;
    assert_eq!(answer.cache_control(), Some("no-store"));
}
