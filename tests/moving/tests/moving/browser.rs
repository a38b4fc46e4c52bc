//! A browser: its cookies, and what it sees of a response.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use cookie_store::CookieStore;
use tower::ServiceExt as _;
use url::Url;

/// Answers requests, in whatever framework it is written.
pub(crate) trait Program {
    async fn call(&self, request: Request<Body>) -> Answer;
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    pub(crate) headers: HeaderMap,
}

/// Keeps cookies by host, domain and path. Clones are browsers with the same cookies.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    cookies: CookieStore,
}

impl Program for Router {
    async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, body, headers: parts.headers }
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The names of the cookies, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.cookies.iter_unexpired().map(|c| c.name().to_owned()).collect();
        names.sort();
        names
    }

    /// The value of a cookie, as it is sent.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let mut all = self.cookies.iter_unexpired();
        all.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
    }

    /// Takes a `Set-Cookie` line, as if it had come from this path.
    pub(crate) fn take(&mut self, path: &str, line: &str) {
        // That a cookie which is removed was not there is an error of the store's.
        let _ = self.cookies.parse(line, &url(path));
    }

    /// Sends the request, but does not take the cookies that come back: the response is on its way.
    pub(crate) async fn send(&self, program: &impl Program, method: &str, path: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        let cookies: Vec<_> = self
            .cookies
            .get_request_values(&url(path))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        program.call(request.body(Body::empty()).expect("a request")).await
    }

    /// Sends the request, and takes the cookies that come back.
    async fn request(&mut self, program: &impl Program, method: &str, path: &str) -> Answer {
        let answer = self.send(program, method, path).await;
        self.receive(path, &answer);
        answer
    }

    pub(crate) fn receive(&mut self, path: &str, answer: &Answer) {
        for line in answer.set_cookies() {
            self.take(path, line);
        }
    }

    pub(crate) async fn get(&mut self, program: &impl Program, path: &str) -> Answer {
        self.request(program, "GET", path).await
    }

    pub(crate) async fn post(&mut self, program: &impl Program, path: &str) -> Answer {
        self.request(program, "POST", path).await
    }

    /// Who the site says is logged in.
    pub(crate) async fn me(&mut self, program: &impl Program) -> Option<String> {
        let answer = self.get(program, "/me").await;
        (answer.status == StatusCode::OK).then_some(answer.body)
    }
}

impl Answer {
    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        let values = self.headers.get_all(SET_COOKIE).iter();
        values.map(|value| value.to_str().expect("text")).collect()
    }

    pub(crate) fn cache_control(&self) -> Option<&str> {
        self.headers.get(CACHE_CONTROL)?.to_str().ok()
    }
}

fn url(path: &str) -> Url {
    Url::parse("https://www.example.org").and_then(|url| url.join(path)).expect("a path")
}
