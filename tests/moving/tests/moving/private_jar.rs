//! From axum-extra's `PrivateCookieJar`: `docs/guide/moving_from_private_cookie_jar.md`.

use std::time::SystemTime;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum_extra::extract::cookie::Key as OldKey;
use moving::private_jar::after::{Login, OldLogins, app, carry_over};
use moving::private_jar::before;
use sealed_session::{Codec, Key, Keyring, Revocations, SessionLayer, Tag};

use crate::browser::{Browser, Program};
use crate::suite::{
    Gate, Site, keeps_its_promises, later, logged_in_before, plant_old, test_routes,
};

struct PrivateJar {
    old_key: OldKey,
    key: Key,
    revocations: Revocations,
}

impl PrivateJar {
    fn old(&self, end: SystemTime) -> OldLogins {
        OldLogins { key: self.old_key.clone(), end, revocations: self.revocations.clone() }
    }

    fn keyring(&self) -> Keyring {
        Keyring::new(self.key.clone())
    }

    async fn ban(&self, user: u64) {
        self.revocations.end_all(&Tag::new("user", user)).await.expect("in memory");
    }
}

impl Site for PrivateJar {
    const OLD: &'static str = "session";

    fn new() -> Self {
        let key = Key::generate().expect("randomness");
        Self { old_key: OldKey::generate(), key, revocations: Revocations::in_memory() }
    }

    fn before(&self) -> impl Program {
        before::app(self.old_key.clone())
    }

    fn until(&self, end: SystemTime) -> impl Program {
        app(self.keyring(), self.old(end)).expect("a codec")
    }

    fn with_test_routes(&self, gate: Gate) -> impl Program {
        let builder = Codec::<Login>::builder(self.keyring()).revocations(&self.revocations);
        Router::new()
            .merge(test_routes::<Login>(gate))
            .layer(from_fn_with_state(self.old(later()), carry_over))
            .layer(SessionLayer::new(builder.build().expect("a codec")))
    }
}

keeps_its_promises!(PrivateJar);

#[tokio::test]
async fn a_cookie_of_tower_cookies_is_carried_over_as_well() {
    let site = PrivateJar::new();
    let key = tower_cookies::Key::from(site.old_key.master());
    let mut jar = tower_cookies::cookie::CookieJar::new();
    jar.private_mut(&key).add(("session", "7"));
    let mut browser = Browser::new();
    let line = jar.get("session").expect("a cookie").encoded().to_string();
    browser.take("/", &format!("{line}; Path=/"));
    assert_eq!(browser.me(&site.after()).await.as_deref(), Some("7"));
}

#[tokio::test]
async fn a_log_out_removes_an_old_cookie_that_does_not_come_with_its_request() {
    let site = PrivateJar::new();
    let mut browser = Browser::new();
    browser.post(&site.after(), "/log-in/7").await;
    let answer = browser.post(&site.after(), "/log-out").await;
    let removes = |name: &str| answer.set_cookies().iter().any(|line| line.starts_with(name));
    assert!(removes("login=;") && removes("session=;"), "{answer:?}");
}

#[tokio::test]
async fn another_old_cookie_of_the_user_does_not_undo_a_log_out_either() {
    let site = PrivateJar::new();
    let mut phone = logged_in_before(&site).await;
    let mut laptop = logged_in_before(&site).await;
    assert_ne!(phone.value("session"), laptop.value("session"));
    phone.me(&site.after()).await;
    phone.post(&site.after(), "/log-out").await;
    assert_eq!(laptop.me(&site.after()).await, None);
}

#[tokio::test]
async fn a_log_out_elsewhere_leaves_a_session_that_was_carried_over() {
    let site = PrivateJar::new();
    let mut phone = logged_in_before(&site).await;
    let mut laptop = logged_in_before(&site).await;
    laptop.me(&site.after()).await;
    phone.post(&site.after(), "/log-out").await;
    assert_eq!(laptop.me(&site.after()).await.as_deref(), Some("7"));
}

#[tokio::test]
async fn until_a_log_out_a_stolen_old_cookie_is_a_login() {
    let site = PrivateJar::new();
    let mut browser = logged_in_before(&site).await;
    let mut thief = browser.clone();
    browser.me(&site.after()).await;
    assert_eq!(thief.me(&site.after()).await.as_deref(), Some("7"));
}

#[tokio::test]
async fn an_old_cookie_does_not_undo_a_ban() {
    let site = PrivateJar::new();
    let mut browser = logged_in_before(&site).await;
    let mut kept = browser.clone();
    browser.me(&site.after()).await;
    site.ban(7).await;
    assert_eq!(browser.me(&site.after()).await, None);
    assert_eq!(kept.me(&site.after()).await, None);
}

#[tokio::test]
async fn an_old_cookie_does_not_replace_a_session_that_was_ended() {
    let site = PrivateJar::new();
    let mut browser = Browser::new();
    browser.post(&site.after(), "/log-in/7").await;
    plant_old(&site, &mut browser, 8).await;
    site.ban(7).await;
    assert_eq!(browser.me(&site.after()).await, None);
}

#[tokio::test]
async fn an_old_cookie_under_a_path_that_is_not_listed_is_not_removed() {
    let site = PrivateJar::new();
    let mut browser = Browser::new();
    let answer = Browser::new().send(&site.before(), "POST", "/log-in/7").await;
    browser.take("/", &answer.set_cookies()[0].replace("Path=/", "Path=/me"));
    browser.me(&site.after()).await;
    assert_eq!(browser.names(), ["login", "session"]);
    // That does not undo a log-out.
    browser.post(&site.after(), "/log-out").await;
    assert_eq!(browser.names(), ["session"]);
    assert_eq!(browser.me(&site.after()).await, None);
}

#[tokio::test]
async fn no_cache_keeps_a_removal() {
    let site = PrivateJar::new();
    let mut browser = logged_in_before(&site).await;
    let answer = browser.get(&site.until(SystemTime::UNIX_EPOCH), "/me").await;
    assert_eq!(answer.cache_control(), Some("no-store"));
}
