//! From tower-sessions: `docs/guide/moving_from_tower_sessions.md`.

use std::time::SystemTime;

use axum::Router;
use axum::middleware::from_fn_with_state;
use moving::tower_sessions::after::{Login, app, carry_over};
use moving::tower_sessions::before;
use sealed_session::{Codec, Key, Keyring, SessionLayer};
use tower_sessions::{MemoryStore, SessionManagerLayer};

use crate::browser::Program;
use crate::suite::{Gate, Site, keeps_its_promises, later, logged_in_before, test_routes};

struct TowerSessions {
    store: MemoryStore,
    key: Key,
}

impl TowerSessions {
    fn keyring(&self) -> Keyring {
        Keyring::new(self.key.clone())
    }
}

impl Site for TowerSessions {
    const OLD: &'static str = "id";

    fn new() -> Self {
        Self { store: MemoryStore::default(), key: Key::generate().expect("randomness") }
    }

    fn before(&self) -> impl Program {
        before::app(self.store.clone())
    }

    fn until(&self, end: SystemTime) -> impl Program {
        app(self.keyring(), self.store.clone(), end).expect("a codec")
    }

    fn with_test_routes(&self, gate: Gate) -> impl Program {
        Router::new()
            .merge(test_routes::<Login>(gate))
            .layer(from_fn_with_state(later(), carry_over))
            .layer(SessionManagerLayer::new(self.store.clone()))
            .layer(SessionLayer::new(Codec::<Login>::new(self.keyring()).expect("a codec")))
    }
}

keeps_its_promises!(TowerSessions);

#[tokio::test]
async fn a_stolen_old_cookie_is_worth_nothing_once_the_session_was_carried_over() {
    let site = TowerSessions::new();
    let mut browser = logged_in_before(&site).await;
    let mut thief = browser.clone();
    browser.me(&site.after()).await;
    assert_eq!(thief.me(&site.after()).await, None);
    assert_eq!(thief.me(&site.before()).await, None);
}
