//! What all pages on moving promise, for each library.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use sealed_session::{Session, SessionKind};
use tokio::sync::Notify;

use crate::browser::{Browser, Program};

/// A site that moves: its keys or stores, and its programs.
pub(crate) trait Site {
    /// The old cookie's name.
    const OLD: &'static str;

    fn new() -> Self;

    fn before(&self) -> impl Program;

    /// The program after the move, to which old cookies count until `end`.
    fn until(&self, end: SystemTime) -> impl Program;

    /// The same middleware before [`test_routes`], or before routes that do the same.
    fn with_test_routes(&self, gate: Gate) -> impl Program;

    fn after(&self) -> impl Program {
        self.until(later())
    }
}

/// Where the handler of `/slow` says that it has begun, and waits.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    arrived: Arc<Notify>,
    opened: Arc<Notify>,
}

impl Gate {
    pub(crate) async fn pass(&self) {
        self.arrived.notify_one();
        self.opened.notified().await;
    }
}

/// `/slow` waits at the gate, and so does `/slow-log-in`, which then logs user 8 in; `/fails` fails, and
/// so does `/log-out-fails`, which has logged out.
pub(crate) fn test_routes<K: SessionKind>(gate: Gate) -> Router {
    let other = gate.clone();
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    let log_in = async move |session: Session<K>| {
        other.pass().await;
        session.regenerate();
        let user = r#"{"user_id":8}"#;
        session.set(serde_json::from_str::<K::Data>(user).expect("a login")).expect("room");
    };
    let log_out = async move |session: Session<K>| {
        session.delete();
        failed
    };
    Router::new()
        .route("/slow", get(async move || gate.pass().await))
        .route("/slow-log-in", get(log_in))
        .route("/fails", get(async move || failed))
        .route("/log-out-fails", get(log_out))
}

pub(crate) fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(30 * 24 * 60 * 60)
}

/// A browser in which user 7 logged in before the move.
pub(crate) async fn logged_in_before(site: &impl Site) -> Browser {
    let mut browser = Browser::new();
    let answer = browser.post(&site.before(), "/log-in/7").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(browser.me(&site.before()).await.as_deref(), Some("7"));
    browser
}

/// Puts the old cookie of another log-in into a browser.
pub(crate) async fn plant_old<S: Site>(site: &S, browser: &mut Browser, user: u64) {
    let path = format!("/log-in/{user}");
    let answer = Browser::new().send(&site.before(), "POST", &path).await;
    browser.receive(&path, &answer);
    assert!(browser.names().contains(&S::OLD.to_owned()));
}

pub(crate) async fn a_login_from_before_the_move_stays<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    assert_eq!(browser.me(&site.after()).await.as_deref(), Some("7"));
    assert_eq!(browser.me(&site.after()).await.as_deref(), Some("7"));
}

pub(crate) async fn the_old_cookie_is_removed_in_the_response_that_sets_ours<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    assert_eq!(browser.names(), [S::OLD]);
    let answer = browser.get(&site.after(), "/me").await;
    assert_eq!(answer.set_cookies().len(), 2, "{answer:?}");
    assert_eq!(answer.cache_control(), Some("no-store"));
    assert_eq!(browser.names(), ["login"]);
    let again = browser.get(&site.after(), "/me").await;
    assert!(again.set_cookies().is_empty(), "{again:?}");
}

pub(crate) async fn after_the_end_the_old_cookie_is_ignored_and_removed<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    let ended = site.until(SystemTime::now() - Duration::from_secs(1));
    assert_eq!(browser.me(&ended).await, None);
    assert!(browser.names().is_empty(), "{:?}", browser.names());
}

pub(crate) async fn a_session_of_ours_wins_over_an_old_cookie<S: Site>() {
    let site = S::new();
    let mut browser = Browser::new();
    browser.post(&site.after(), "/log-in/7").await;
    plant_old(&site, &mut browser, 8).await;
    assert_eq!(browser.me(&site.after()).await.as_deref(), Some("7"));
    assert_eq!(browser.names(), ["login"]);
}

pub(crate) async fn a_session_of_ours_that_is_refused_is_not_replaced<S: Site>() {
    let site = S::new();
    let mut browser = Browser::new();
    browser.take("/", "login=expired; Path=/; Secure");
    plant_old(&site, &mut browser, 8).await;
    assert_eq!(browser.me(&site.after()).await, None);
    assert!(!browser.names().contains(&S::OLD.to_owned()));
}

pub(crate) async fn a_log_out_removes_both_cookies<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    browser.me(&site.after()).await;
    plant_old(&site, &mut browser, 7).await;
    let answer = browser.post(&site.after(), "/log-out").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(browser.names().is_empty(), "{:?}", browser.names());
}

pub(crate) async fn a_log_out_as_the_first_request_removes_the_old_cookie<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    let mut kept = browser.clone();
    browser.post(&site.after(), "/log-out").await;
    assert!(browser.names().is_empty(), "{:?}", browser.names());
    assert_eq!(kept.me(&site.after()).await, None);
}

pub(crate) async fn a_kept_old_cookie_does_not_undo_a_log_out<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    let mut kept = browser.clone();
    browser.me(&site.after()).await;
    browser.post(&site.after(), "/log-out").await;
    assert_eq!(kept.me(&site.after()).await, None);
    assert!(kept.names().is_empty(), "{:?}", kept.names());
}

pub(crate) async fn a_log_out_is_not_undone_by_the_response_to_a_slow_request<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    let (other, gate) = (browser.clone(), Gate::default());
    let program = site.with_test_routes(gate.clone());
    let mut slow = pin!(other.send(&program, "GET", "/slow"));
    tokio::select! {
        answer = &mut slow => panic!("it did not wait: {answer:?}"),
        () = gate.arrived.notified() => {}
    }
    browser.me(&site.after()).await;
    browser.post(&site.after(), "/log-out").await;
    gate.opened.notify_one();
    browser.receive("/slow", &slow.await);
    assert!(browser.names().is_empty(), "{:?}", browser.names());
}

pub(crate) async fn a_log_out_elsewhere_does_not_undo_a_slow_log_in<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    let (mut other, gate) = (browser.clone(), Gate::default());
    let program = site.with_test_routes(gate.clone());
    let answer = {
        let mut slow = pin!(other.send(&program, "GET", "/slow-log-in"));
        tokio::select! {
            answer = &mut slow => panic!("it did not wait: {answer:?}"),
            () = gate.arrived.notified() => {}
        }
        browser.post(&site.after(), "/log-out").await;
        gate.opened.notify_one();
        slow.await
    };
    other.receive("/slow-log-in", &answer);
    assert_eq!(other.me(&site.after()).await.as_deref(), Some("8"));
}

pub(crate) async fn a_log_out_that_fails_removes_both_cookies<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    browser.me(&site.after()).await;
    plant_old(&site, &mut browser, 7).await;
    let program = site.with_test_routes(Gate::default());
    let answer = browser.get(&program, "/log-out-fails").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(browser.names().is_empty(), "{:?}", browser.names());
}

pub(crate) async fn a_response_that_fails_leaves_the_old_cookie<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    let program = site.with_test_routes(Gate::default());
    let answer = browser.get(&program, "/fails").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(browser.names(), [S::OLD]);
    assert_eq!(browser.me(&site.after()).await.as_deref(), Some("7"));
}

pub(crate) async fn a_user_who_logged_out_can_log_in_where_an_old_cookie_is_left<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    let mut kept = browser.clone();
    browser.post(&site.after(), "/log-out").await;
    assert_eq!(kept.post(&site.after(), "/log-in/7").await.status, StatusCode::OK);
    assert_eq!(kept.me(&site.after()).await.as_deref(), Some("7"));
    assert_eq!(kept.names(), ["login"]);
}

pub(crate) async fn a_roll_back_keeps_only_logins_that_were_not_carried_over<S: Site>() {
    let site = S::new();
    let mut carried = logged_in_before(&site).await;
    let mut away = logged_in_before(&site).await;
    carried.me(&site.after()).await;
    assert_eq!(carried.me(&site.before()).await, None);
    assert_eq!(away.me(&site.before()).await.as_deref(), Some("7"));
}

pub(crate) async fn after_a_roll_back_our_cookie_wins_over_a_newer_login<S: Site>() {
    let site = S::new();
    let mut browser = logged_in_before(&site).await;
    browser.me(&site.after()).await;
    plant_old(&site, &mut browser, 8).await;
    assert_eq!(browser.me(&site.before()).await.as_deref(), Some("8"));
    assert_eq!(browser.me(&site.after()).await.as_deref(), Some("7"));
}

/// A test of each of these for a site.
macro_rules! keeps_its_promises {
    ($site:ty: $($promise:ident)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                crate::suite::$promise::<$site>().await;
            }
        )*
    };
    ($site:ty) => {
        crate::suite::keeps_its_promises! {
            $site:
            a_login_from_before_the_move_stays
            the_old_cookie_is_removed_in_the_response_that_sets_ours
            after_the_end_the_old_cookie_is_ignored_and_removed
            a_session_of_ours_wins_over_an_old_cookie
            a_session_of_ours_that_is_refused_is_not_replaced
            a_log_out_removes_both_cookies
            a_log_out_as_the_first_request_removes_the_old_cookie
            a_kept_old_cookie_does_not_undo_a_log_out
            a_log_out_is_not_undone_by_the_response_to_a_slow_request
            a_log_out_elsewhere_does_not_undo_a_slow_log_in
            a_log_out_that_fails_removes_both_cookies
            a_response_that_fails_leaves_the_old_cookie
            a_user_who_logged_out_can_log_in_where_an_old_cookie_is_left
            a_roll_back_keeps_only_logins_that_were_not_carried_over
            after_a_roll_back_our_cookie_wins_over_a_newer_login
        }
    };
}
pub(crate) use keeps_its_promises;
