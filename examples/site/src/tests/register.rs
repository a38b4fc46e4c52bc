//! New accounts.

use axum::http::StatusCode;

use super::{PASSWORD, Site};

#[tokio::test]
async fn a_new_account_is_logged_in() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    browser.get("/").await.assert_shows("Welcome, ada.");
    assert!(browser.is_logged_in().await);
}

#[tokio::test]
async fn a_name_is_taken_in_any_letter_case() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    let answer = browser.post("/register", &[("name", "ADA"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.assert_shows("This name is taken.");
    assert!(!browser.is_logged_in().await);
}

#[tokio::test]
async fn names_that_look_alike_are_refused() {
    let site = Site::new();
    for name in ["", "ada lovelace", "ad\u{430}", "ada\u{200b}", "a@b", &"a".repeat(33)] {
        let fields = [("name", name), ("password", PASSWORD)];
        let answer = site.browser().post("/register", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}");
    }
}

#[tokio::test]
async fn passwords_are_long_enough_and_not_endless() {
    let site = Site::new();
    for password in ["", "seven77", "ada12345", &"a".repeat(129)] {
        let fields = [("name", "ada"), ("password", password)];
        let answer = site.browser().post("/register", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{password:?}");
        answer.assert_shows("aria-invalid");
    }
    // Spaces and other scripts are as good as any.
    for (name, password) in
        [("bob", " \u{1f56f} wachs \u{1f56f}".to_owned()), ("eve", "x".repeat(128))]
    {
        let fields = [("name", name), ("password", password.as_str())];
        let answer = site.browser().post("/register", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{password:?}");
        site.browser().log_in(name, &password).await;
    }
}
