//! Log in, “remember me”, expiry, log out, and where the log-in leads.

use std::time::Instant;

use axum::http::StatusCode;

use super::browser::SESSION;
use super::{HOUR, MINUTE, PASSWORD, Site};

#[tokio::test]
async fn a_name_and_its_password_log_in() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    assert!(!browser.is_logged_in().await);
    browser.log_in("ada", PASSWORD).await;
    assert!(browser.is_logged_in().await);
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_get_the_same_answer() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    let wrong = browser.post("/log-in", &[("name", "ada"), ("password", "not the one")]).await;
    let unknown = browser.post("/log-in", &[("name", "eve"), ("password", "not the one")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.status, unknown.status);
    wrong.assert_shows("do not belong together");
    assert_eq!(wrong.body, unknown.body.replace("eve", "ada"));
    assert_eq!(wrong.set_cookie(SESSION), None);
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let site = Site::new();
    site.registered("ada").await;
    let mut fastest = [f64::INFINITY; 2];
    for _ in 0..5 {
        for (fastest, name) in fastest.iter_mut().zip(["ada", "eve"]) {
            let start = Instant::now();
            assert!(site.app.accounts.log_in(name, "not the one").await.unwrap().is_none());
            *fastest = fastest.min(start.elapsed().as_secs_f64());
        }
    }
    // Without the hash it is a hundredth.
    assert!(fastest[1] > fastest[0] / 3.0, "{fastest:?}");
}

#[tokio::test]
async fn an_id_from_before_the_log_in_is_worth_nothing_after_it() {
    let site = Site::new();
    site.registered("ada").await;
    // The attacker begins a session and plants its cookie in the victim's browser.
    let mut attacker = site.browser();
    attacker.post("/cart", &[("product", "1")]).await;
    let mut victim = attacker.clone();
    site.clock.advance(HOUR);
    victim.log_in("ada", PASSWORD).await;
    let (before, after) = (site.session(&attacker), site.session(&victim));
    assert_ne!(before.id, after.id);
    assert_eq!(before.created_at.map(|then| then + HOUR), after.created_at);
    assert!(victim.is_logged_in().await);
    assert!(!attacker.is_logged_in().await);
}

#[tokio::test]
async fn a_copied_cookie_is_refused_after_the_log_out() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    let mut thief = browser.clone();
    assert!(thief.is_logged_in().await);
    let page = browser.post_and_follow("/log-out", &[]).await;
    page.assert_shows("You are logged out.");
    assert!(browser.jar.get(SESSION).is_none());
    assert!(!thief.is_logged_in().await);
}

#[tokio::test]
async fn a_link_cannot_log_anybody_out() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    assert_eq!(browser.get("/log-out").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(browser.is_logged_in().await);
}

#[tokio::test]
async fn an_idle_session_expires_and_the_log_in_says_so() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    site.clock.advance(8 * HOUR);
    let answer = browser.get("/settings").await;
    assert_eq!(answer.location(), Some("/log-in?next=%2Fsettings"));
    browser.get("/log-in").await.assert_shows("Your session has expired");
    browser.log_in("ada", PASSWORD).await;
    assert!(browser.is_logged_in().await);
}

#[tokio::test]
async fn nothing_expires_for_a_first_visitor_or_after_a_log_out() {
    let site = Site::new();
    site.browser().get("/log-in").await.assert_lacks("expired");
    let mut browser = site.registered("ada").await;
    browser.post("/log-out", &[]).await;
    browser.get("/log-in").await.assert_lacks("expired");
}

#[tokio::test]
async fn remember_me_outlives_the_browser_and_the_idle_timeout() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    let plain = browser.post("/log-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert!(!plain.set_cookie(SESSION).unwrap().contains("Max-Age"));

    let mut browser = site.browser();
    let fields = [("name", "ada"), ("password", PASSWORD), ("remember", "on")];
    let remembered = browser.post("/log-in", &fields).await;
    assert!(remembered.set_cookie(SESSION).unwrap().contains("Max-Age=2592000"));
    site.clock.advance(29 * 24 * HOUR);
    assert!(browser.is_logged_in().await);
    // It was refreshed by that visit.
    site.clock.advance(29 * 24 * HOUR);
    assert!(browser.is_logged_in().await);
    site.clock.advance(31 * 24 * HOUR);
    assert!(!browser.is_logged_in().await);
}

#[tokio::test]
async fn a_session_in_use_does_not_expire() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    for _ in 0..10 {
        site.clock.advance(7 * HOUR + 59 * MINUTE);
        assert!(browser.is_logged_in().await);
    }
}

#[tokio::test]
async fn a_page_that_needs_a_log_in_comes_after_it() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    let answer = browser.get("/settings/password?from=mail").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let log_in = answer.location().unwrap();
    assert_eq!(log_in, "/log-in?next=%2Fsettings%2Fpassword%3Ffrom%3Dmail");
    let page = browser.get(log_in).await;
    page.assert_shows(r#"name="next" value="/settings/password?from=mail""#);
    let fields =
        [("name", "ada"), ("password", PASSWORD), ("next", "/settings/password?from=mail")];
    let answer = browser.post("/log-in", &fields).await;
    assert_eq!(answer.location(), Some("/settings/password?from=mail"));
}

#[tokio::test]
async fn the_log_in_leads_to_no_other_site() {
    let site = Site::new();
    site.registered("ada").await;
    for address in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "%2f%2fevil.example",
        "/%2f%2fevil.example",
        "/\t/evil.example",
        "/\r\n/evil.example",
        "javascript:alert(1)",
    ] {
        let mut browser = site.browser();
        let fields = [("name", "ada"), ("password", PASSWORD), ("next", address)];
        let answer = browser.post("/log-in", &fields).await;
        assert_eq!(answer.location(), Some("/"), "{address:?}");
        // And for whoever is logged in already.
        let encoded =
            percent_encoding::utf8_percent_encode(address, percent_encoding::NON_ALPHANUMERIC);
        let answer = browser.get(&format!("/log-in?next={encoded}")).await;
        assert_eq!(answer.location(), Some("/"), "{address:?}");
    }
}

#[tokio::test]
async fn what_was_typed_comes_back_escaped() {
    let site = Site::new();
    let fields = [("name", "\"><script>alert(1)</script>"), ("password", "x")];
    let page = site.browser().post("/log-in", &fields).await;
    page.assert_lacks("<script");
    page.assert_shows("&#60;script");
}
