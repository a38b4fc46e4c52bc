//! Who reaches what.

use axum::http::StatusCode;

use super::{HOUR, Site};

#[tokio::test]
async fn the_first_account_is_the_administrator_s() {
    let site = Site::new();
    let mut admin = site.registered("ada").await;
    let mut member = site.registered("bob").await;
    assert_eq!(admin.get("/admin").await.status, StatusCode::OK);
    admin.get("/").await.assert_shows(r#"href="/admin""#);
    member.get("/").await.assert_lacks(r#"href="/admin""#);
}

#[tokio::test]
async fn a_member_cannot_reach_the_admin_page() {
    let site = Site::new();
    let mut admin = site.registered("ada").await;
    let mut member = site.registered("bob").await;
    let answer = member.get("/admin").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    answer.assert_lacks("ada");
    let answer = member.post("/admin", &[("id", "1")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(admin.is_logged_in().await);
}

#[tokio::test]
async fn a_visitor_is_sent_to_the_log_in_from_every_page_that_needs_one() {
    let site = Site::new();
    for path in [
        "/order",
        "/confirm",
        "/settings",
        "/settings/password",
        "/settings/sessions",
        "/settings/delete",
        "/admin",
    ] {
        let mut browser = site.browser();
        browser.post("/cart", &[("product", "1")]).await;
        let location = browser.get(path).await.location().map(str::to_owned);
        assert_eq!(location, Some(format!("/log-in?next={}", path.replace('/', "%2F"))));
    }
}

#[tokio::test]
async fn the_administrator_logs_a_user_out_everywhere() {
    let site = Site::new();
    let mut admin = site.registered("ada").await;
    let mut laptop = site.registered("bob").await;
    let mut phone = site.logged_in("bob").await;
    let page = admin.post_and_follow("/admin", &[("id", "2")]).await;
    page.assert_shows("bob is logged out everywhere.");
    assert!(!laptop.is_logged_in().await);
    assert!(!phone.is_logged_in().await);
    laptop.get("/log-in").await.assert_shows("Your session has expired");
    // Bob can come back.
    assert!(site.logged_in("bob").await.is_logged_in().await);
    assert_eq!(admin.post("/admin", &[("id", "99")]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_session_of_an_account_that_is_gone_is_nobody_s() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    site.app.accounts.delete(1).await.unwrap();
    assert!(!browser.is_logged_in().await);
    // The number does not come back with the next account.
    site.clock.advance(HOUR);
    site.registered("eve").await;
    assert!(!browser.is_logged_in().await);
}
