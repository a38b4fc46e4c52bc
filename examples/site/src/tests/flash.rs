//! Messages of the last step.

use axum::http::{Method, StatusCode};

use super::{PASSWORD, Site};

const MESSAGE: &str = "Sealing wax is in your cart.";

#[tokio::test]
async fn a_message_shows_once() {
    let site = Site::new();
    let mut browser = site.browser();
    browser.post("/cart", &[("product", "1")]).await;
    browser.get("/").await.assert_shows(MESSAGE);
    browser.get("/").await.assert_lacks(MESSAGE);
}

#[tokio::test]
async fn messages_add_up() {
    let site = Site::new();
    let mut browser = site.browser();
    browser.post("/cart", &[("product", "1")]).await;
    browser.post("/cart", &[("product", "4")]).await;
    let page = browser.get("/").await;
    page.assert_shows(MESSAGE);
    page.assert_shows("Ribbon is in your cart.");
}

#[tokio::test]
async fn a_message_survives_a_redirect_whose_handler_took_it() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    browser.get("/").await;
    browser.post("/cart", &[("product", "1")]).await;
    // It builds a page, and then redirects instead.
    browser.post("/cart", &[("product", "1"), ("count", "0")]).await;
    assert_eq!(browser.get("/order").await.status, StatusCode::SEE_OTHER);
    browser.get("/cart").await.assert_shows(MESSAGE);
    browser.get("/cart").await.assert_lacks(MESSAGE);
}

#[tokio::test]
async fn a_message_is_not_eaten_by_what_nobody_sees() {
    let site = Site::new();
    let mut browser = site.browser();
    browser.post("/cart", &[("product", "1")]).await;
    assert_eq!(browser.send(Method::HEAD, "/", &[], &[]).await.status, StatusCode::OK);
    browser.send(Method::GET, "/", &[("sec-purpose", "prefetch")], &[]).await.assert_lacks(MESSAGE);
    browser.get("/style.css").await;
    browser.get("/").await.assert_shows(MESSAGE);
}

#[tokio::test]
async fn a_message_shows_beside_the_form_that_comes_back() {
    let site = Site::new();
    let mut browser = site.browser();
    browser.post("/cart", &[("product", "1")]).await;
    let fields = [("name", "ada"), ("password", "not the one")];
    browser.post("/log-in", &fields).await.assert_shows(MESSAGE);
    browser.get("/").await.assert_lacks(MESSAGE);
}

#[tokio::test]
async fn a_log_out_leaves_its_message() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    browser.post_and_follow("/log-out", &[]).await.assert_shows("You are logged out.");
    site.logged_in("ada").await;
    browser.log_in("ada", PASSWORD).await;
}
