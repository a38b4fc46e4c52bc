//! What all pages have in common.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{Method, StatusCode};

use super::Site;
use super::browser::SESSION;

const PAGES: [&str; 11] = [
    "/",
    "/cart",
    "/order",
    "/log-in",
    "/register",
    "/confirm",
    "/settings",
    "/settings/password",
    "/settings/sessions",
    "/settings/delete",
    "/admin",
];

#[tokio::test]
async fn every_page_needs_no_script_labels_its_fields_and_is_not_kept() {
    let site = Site::new();
    let mut browsers = [site.browser(), site.registered("ada").await];
    browsers[1].post("/cart", &[("product", "1")]).await;
    for browser in &mut browsers {
        for path in PAGES {
            let page = browser.get(path).await;
            if page.status == StatusCode::SEE_OTHER {
                continue;
            }
            assert_eq!(page.status, StatusCode::OK, "{path}");
            // The way back after a log-out leads to the server.
            assert_eq!(page.headers[CACHE_CONTROL], "no-store", "{path}");
            page.assert_lacks("<script");
            page.assert_lacks("style=");
            assert_eq!(page.body.matches("<h1").count(), 1, "{path}");
            for field in page.body.split("<input id=\"").skip(1) {
                let id = field.split('"').next().unwrap();
                page.assert_shows(&format!("for=\"{id}\""));
            }
        }
    }
}

#[tokio::test]
async fn no_page_may_be_framed_or_shared() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    for path in ["/", "/settings", "/nothing", "/style.css"] {
        let answer = browser.get(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "same-origin");
    }
    // No cache may show one user's page to another.
    assert_eq!(browser.get("/settings").await.headers[VARY], "Cookie");
}

#[tokio::test]
async fn every_failure_is_a_page() {
    let site = Site::new();
    let mut browser = site.browser();
    let long = "x".repeat(20_000);
    for (method, path, status) in [
        (Method::GET, "/nothing", StatusCode::NOT_FOUND),
        (Method::PUT, "/", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/log-in?next=a&next=b", StatusCode::BAD_REQUEST),
        (Method::POST, "/log-in", StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = browser.send(method, path, &[], &[("name", &long)]).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers[CONTENT_TYPE], "text/html; charset=utf-8");
        answer.assert_shows("To the shop");
    }
}

#[tokio::test]
async fn a_look_around_sets_no_cookie() {
    let site = Site::new();
    let mut browser = site.browser();
    for path in PAGES {
        assert_eq!(browser.get(path).await.set_cookie(SESSION), None, "{path}");
    }
    assert!(browser.jar.header("/").is_none());
}

#[tokio::test]
async fn a_cookie_that_was_tampered_with_is_nobody_s() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    let mut cookie = browser.jar.get(SESSION).unwrap().to_owned();
    let last = if cookie.ends_with('A') { "B" } else { "A" };
    cookie.replace_range(cookie.len() - 1.., last);
    browser.jar.keep("/", format!("{SESSION}={cookie}; Path=/"));
    assert!(!browser.is_logged_in().await);
    browser.get("/log-in").await.assert_lacks("expired");
}
