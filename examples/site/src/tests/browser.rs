//! A browser: it keeps cookies, and sends what its forms and links do.

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sealed_session::testing::CookieJar;

pub(super) const SESSION: &str = "__Host-visit";

/// A clone is a thief's copy of all cookies.
#[derive(Clone)]
pub(super) struct Browser {
    router: Router,
    pub(super) jar: CookieJar,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    /// Where it redirects to.
    pub(super) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION).map(|location| location.to_str().unwrap())
    }

    /// The `Set-Cookie` line of this cookie.
    pub(super) fn set_cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        lines.into_iter().find(|line| line.split('=').next() == Some(name))
    }

    #[track_caller]
    pub(super) fn assert_shows(&self, text: &str) {
        assert!(self.body.contains(text), "no {text:?} ({}) in {}", self.status, self.body);
    }

    #[track_caller]
    pub(super) fn assert_lacks(&self, text: &str) {
        assert!(!self.body.contains(text), "{text:?} ({}) in {}", self.status, self.body);
    }
}

impl Browser {
    pub(super) fn new(router: Router) -> Self {
        Self { router, jar: CookieJar::new() }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], &[]).await
    }

    /// A form of the site's own page.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, &[("sec-fetch-site", "same-origin")], fields).await
    }

    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(&method).uri(path).header(HOST, "shop.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = request.body(Body::from(fields.join("&"))).unwrap();
        let response = self.jar.call(&self.router, request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A redirect is followed as a browser does.
    pub(super) async fn post_and_follow(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, fields).await;
        match answer.location() {
            Some(location) => self.get(location).await,
            None => answer,
        }
    }

    /// Logs in, and reads the page that follows, so that no message is left.
    pub(super) async fn log_in(&mut self, name: &str, password: &str) {
        let page = self.post_and_follow("/log-in", &[("name", name), ("password", password)]).await;
        page.assert_shows("Welcome back");
    }

    /// The name that the page shows, if somebody is logged in.
    pub(super) async fn is_logged_in(&mut self) -> bool {
        self.get("/settings").await.status == StatusCode::OK
    }
}
