//! The cart, before and after the log-in.

use axum::http::StatusCode;

use super::{PASSWORD, Site};

#[tokio::test]
async fn a_cart_from_before_the_log_in_survives_it() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    browser.post("/cart", &[("product", "2")]).await;
    browser.log_in("ada", PASSWORD).await;
    browser.get("/cart").await.assert_shows("€24.90");
}

#[tokio::test]
async fn a_cart_survives_a_registration() {
    let site = Site::new();
    let mut browser = site.browser();
    browser.post("/cart", &[("product", "2")]).await;
    browser.post("/register", &[("name", "ada"), ("password", PASSWORD)]).await;
    browser.get("/cart").await.assert_shows("€24.90");
}

#[tokio::test]
async fn a_cart_is_not_left_to_the_next_user_of_the_browser() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    site.registered("bob").await;
    browser.post("/cart", &[("product", "2")]).await;
    // Ada forgot to log out.
    browser.log_in("bob", PASSWORD).await;
    browser.get("/cart").await.assert_shows("nothing in it");
    // Bob does not.
    browser.post("/cart", &[("product", "2")]).await;
    browser.post("/log-out", &[]).await;
    browser.get("/cart").await.assert_shows("nothing in it");
}

#[tokio::test]
async fn ordering_asks_for_a_log_in_and_goes_on_after_it() {
    let site = Site::new();
    site.registered("ada").await;
    let mut browser = site.browser();
    browser.post("/cart", &[("product", "2")]).await;
    let answer = browser.get("/order").await;
    assert_eq!(answer.location(), Some("/log-in?next=%2Forder"));
    assert_eq!(browser.post("/order", &[]).await.location(), Some("/log-in?next=%2Forder"));
    let fields = [("name", "ada"), ("password", PASSWORD), ("next", "/order")];
    browser.post_and_follow("/log-in", &fields).await.assert_shows("Place the order");
    browser.post_and_follow("/order", &[]).await.assert_shows("Thank you, ada: 1 ordered.");
    browser.get("/cart").await.assert_shows("nothing in it");
}

#[tokio::test]
async fn nothing_is_ordered_twice() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    browser.post("/cart", &[("product", "2")]).await;
    browser.post("/order", &[]).await;
    let page = browser.post_and_follow("/order", &[]).await;
    page.assert_shows("There was nothing in your cart.");
    assert_eq!(browser.get("/order").await.location(), Some("/cart"));
}

#[tokio::test]
async fn a_cart_stays_small() {
    let site = Site::new();
    let mut browser = site.browser();
    for _ in 0..20 {
        browser.post("/cart", &[("product", "1")]).await;
    }
    browser.get("/cart").await.assert_shows("€67.50");
    browser.post("/cart", &[("product", "1"), ("count", "255")]).await;
    browser.get("/cart").await.assert_shows("€67.50");
    browser.post("/cart", &[("product", "1"), ("count", "0")]).await;
    browser.get("/cart").await.assert_shows("nothing in it");
}

#[tokio::test]
async fn what_the_shop_does_not_have_is_not_sold() {
    let site = Site::new();
    let mut browser = site.browser();
    let answer = browser.post("/cart", &[("product", "77")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    for (product, count) in [("x", "1"), ("1", "-1"), ("1", "many"), ("256", "1")] {
        let answer = browser.post("/cart", &[("product", product), ("count", count)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{product} {count}");
        answer.assert_shows("We do not understand that");
    }
    assert!(browser.jar.header("/").is_none());
}
