//! Forms of other sites.

use axum::http::{Method, StatusCode};

use super::browser::SESSION;
use super::{PASSWORD, Site};

const FORMS: [&str; 9] = [
    "/cart",
    "/order",
    "/log-in",
    "/log-out",
    "/register",
    "/confirm",
    "/settings/password",
    "/settings/sessions",
    "/settings/delete",
];

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    for form in FORMS.into_iter().chain(["/admin"]) {
        for headers in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")][..],
            // A sibling, whose cookies `SameSite` would let through.
            &[("sec-fetch-site", "same-site"), ("origin", "https://blog.example")],
            // A browser that does not send `Sec-Fetch-Site`.
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ] {
            let fields = [("name", "eve"), ("password", PASSWORD), ("product", "1"), ("id", "1")];
            let answer = browser.send(Method::POST, form, headers, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form} {headers:?}");
            answer.assert_shows("This form came from another site");
            assert_eq!(answer.set_cookie(SESSION), None, "{form}");
        }
    }
    assert!(browser.is_logged_in().await);
    browser.get("/cart").await.assert_shows("nothing in it");
}

#[tokio::test]
async fn the_site_s_own_forms_work_in_every_browser() {
    let site = Site::new();
    for headers in [
        &[("sec-fetch-site", "same-origin"), ("origin", "https://shop.example")][..],
        &[("origin", "https://shop.example")],
        // No browser.
        &[],
    ] {
        let mut browser = site.browser();
        let answer = browser.send(Method::POST, "/cart", headers, &[("product", "1")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{headers:?}");
    }
}

#[tokio::test]
async fn a_link_from_another_site_works() {
    let site = Site::new();
    let mut browser = site.registered("ada").await;
    let headers = [("sec-fetch-site", "cross-site")];
    let answer = browser.send(Method::GET, "/settings", &headers, &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
}
