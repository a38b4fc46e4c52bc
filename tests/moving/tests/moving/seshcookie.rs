//! From seshcookie: `docs/guide/moving_from_seshcookie.md`.

use std::time::SystemTime;

use axum::Router;
use axum::middleware::from_fn_with_state;
use moving::seshcookie::after::{Login, OldLogins, User, app, carry_over};
use moving::seshcookie::before;
use sealed_session::{Codec, Key, Keyring, Revocations, SessionLayer, Tag};
use seshcookie::{SessionConfig, SessionKeys};

use crate::browser::{Browser, Program};
use crate::suite::{Gate, Site, keeps_its_promises, later, logged_in_before, test_routes};

struct Seshcookie {
    key: Key,
    revocations: Revocations,
}

impl Seshcookie {
    fn old(&self, end: SystemTime) -> OldLogins {
        OldLogins { end, revocations: self.revocations.clone() }
    }

    fn keyring(&self) -> Keyring {
        Keyring::new(self.key.clone())
    }
}

fn old_keys() -> SessionKeys {
    SessionKeys::new(&[7; 32]).expect("a key")
}

impl Site for Seshcookie {
    const OLD: &'static str = "session";

    fn new() -> Self {
        let key = Key::generate().expect("randomness");
        Self { key, revocations: Revocations::in_memory() }
    }

    fn before(&self) -> impl Program {
        before::app(old_keys()).expect("a layer")
    }

    fn until(&self, end: SystemTime) -> impl Program {
        app(self.keyring(), old_keys(), self.old(end)).expect("layers")
    }

    fn with_test_routes(&self, gate: Gate) -> impl Program {
        let old_layer = seshcookie::SessionLayer::<User>::new(old_keys(), SessionConfig::default());
        let builder = Codec::<Login>::builder(self.keyring()).revocations(&self.revocations);
        Router::new()
            .merge(test_routes::<Login>(gate))
            .layer(from_fn_with_state(self.old(later()), carry_over))
            .layer(old_layer.expect("a layer"))
            .layer(SessionLayer::new(builder.build().expect("a codec")))
    }
}

keeps_its_promises!(Seshcookie);

#[tokio::test]
async fn an_old_cookie_does_not_undo_a_ban() {
    let site = Seshcookie::new();
    let mut browser = logged_in_before(&site).await;
    let mut kept = browser.clone();
    browser.me(&site.after()).await;
    site.revocations.end_all(&Tag::new("user", 7)).await.expect("in memory");
    assert_eq!(browser.me(&site.after()).await, None);
    assert_eq!(kept.me(&site.after()).await, None);
}

#[tokio::test]
async fn until_a_log_out_a_stolen_old_cookie_is_a_login() {
    let site = Seshcookie::new();
    let mut browser = logged_in_before(&site).await;
    let mut thief = browser.clone();
    browser.me(&site.after()).await;
    assert_eq!(thief.me(&site.after()).await.as_deref(), Some("7"));
}

#[tokio::test]
async fn a_log_out_removes_an_old_cookie_that_does_not_come_with_its_request() {
    let site = Seshcookie::new();
    let mut browser = Browser::new();
    browser.post(&site.after(), "/log-in/7").await;
    let answer = browser.post(&site.after(), "/log-out").await;
    let removes = |name: &str| answer.set_cookies().iter().any(|line| line.starts_with(name));
    assert!(removes("login=;") && removes("session=;"), "{answer:?}");
}

#[tokio::test]
async fn no_cache_keeps_a_removal() {
    let site = Seshcookie::new();
    let mut browser = logged_in_before(&site).await;
    let answer = browser.get(&site.until(SystemTime::UNIX_EPOCH), "/me").await;
    assert_eq!(answer.cache_control(), Some("no-store"));
}
