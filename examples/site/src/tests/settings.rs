//! Dangerous steps.

use axum::http::StatusCode;

use super::browser::SESSION;
use super::{HOUR, MINUTE, PASSWORD, Site};

const CONFIRM: &str = "/confirm?next=%2Fsettings%2Fdelete";

#[tokio::test]
async fn a_dangerous_step_is_refused_with_an_old_session() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    site.clock.advance(5 * MINUTE);
    assert_eq!(browser.get("/settings/delete").await.location(), Some(CONFIRM));
    assert_eq!(browser.post("/settings/delete", &[]).await.location(), Some(CONFIRM));
    assert!(browser.is_logged_in().await);
}

#[tokio::test]
async fn a_dangerous_step_is_taken_with_a_new_session() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    site.clock.advance(5 * MINUTE - std::time::Duration::from_secs(1));
    assert_eq!(browser.get("/settings/delete").await.status, StatusCode::OK);
}

#[tokio::test]
async fn neither_use_nor_ending_others_makes_a_session_younger() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    site.clock.advance(4 * MINUTE);
    browser.get("/settings").await;
    browser.post("/cart", &[("product", "1")]).await;
    assert_eq!(browser.post("/settings/sessions", &[]).await.location(), Some("/settings"));
    site.clock.advance(MINUTE);
    assert_eq!(browser.get("/settings/delete").await.location(), Some(CONFIRM));
    let sessions = Some("/confirm?next=%2Fsettings%2Fsessions");
    assert_eq!(browser.post("/settings/sessions", &[]).await.location(), sessions);
}

#[tokio::test]
async fn the_password_makes_the_session_young_and_ends_the_old_one() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    browser.post("/cart", &[("product", "2")]).await;
    site.clock.advance(HOUR);
    let mut thief = browser.clone();
    browser.get(CONFIRM).await.assert_shows(r#"name="next" value="/settings/delete""#);
    let fields = [("password", PASSWORD), ("next", "/settings/delete")];
    browser.post_and_follow("/confirm", &fields).await.assert_shows("Delete the account ada?");
    browser.get("/cart").await.assert_shows("€24.90");
    assert!(!thief.is_logged_in().await);
    assert_eq!(thief.post("/settings/delete", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(browser.is_logged_in().await);
}

#[tokio::test]
async fn a_wrong_password_confirms_nothing() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    site.clock.advance(HOUR);
    let fields = [("password", "not the one"), ("next", "/settings/delete")];
    let answer = browser.post("/confirm", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.assert_shows("This is not your password.");
    assert_eq!(browser.get("/settings/delete").await.location(), Some(CONFIRM));
}

#[tokio::test]
async fn a_remembered_session_stays_remembered_when_it_is_confirmed() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    let fields = [("name", "ada"), ("password", PASSWORD), ("remember", "on")];
    browser.post("/log-in", &fields).await;
    site.clock.advance(HOUR);
    let answer = browser.post("/confirm", &[("password", PASSWORD)]).await;
    assert!(answer.set_cookie(SESSION).unwrap().contains("Max-Age=2592000"));
}

#[tokio::test]
async fn a_new_password_logs_out_everywhere_else() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    let mut other = site.logged_in("ada").await;
    let mut thief = browser.clone();
    let fields = [("current", PASSWORD), ("new", "four brass seals")];
    let page = browser.post_and_follow("/settings/password", &fields).await;
    page.assert_shows("Your password is changed.");
    assert!(browser.is_logged_in().await);
    assert!(!other.is_logged_in().await);
    assert!(!thief.is_logged_in().await);
    site.browser().log_in("ada", "four brass seals").await;
    let old = other.post("/log-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_new_password_needs_the_old_one() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    for (current, new) in [("not the one", "four brass seals"), (PASSWORD, "short")] {
        let answer =
            browser.post("/settings/password", &[("current", current), ("new", new)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    site.browser().log_in("ada", PASSWORD).await;
}

#[tokio::test]
async fn log_out_elsewhere_leaves_this_browser_logged_in() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    let mut other = site.logged_in("ada").await;
    let page = browser.post_and_follow("/settings/sessions", &[]).await;
    page.assert_shows("You are logged out everywhere else.");
    assert!(browser.is_logged_in().await);
    assert!(!other.is_logged_in().await);
}

#[tokio::test]
async fn a_deleted_account_is_logged_out_everywhere() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    let mut other = site.logged_in("ada").await;
    let page = browser.post_and_follow("/settings/delete", &[]).await;
    page.assert_shows("The account ada is deleted.");
    assert!(browser.jar.get(SESSION).is_none());
    assert!(!other.is_logged_in().await);
    other.get("/log-in").await.assert_shows("Your session has expired");
    let answer = browser.post("/log-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}
