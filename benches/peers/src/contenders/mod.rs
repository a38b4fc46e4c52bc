//! One session through each library, the way its documentation shows: a router each with the same
//! four routes, `/begin`, `/untouched`, `/read` and `/write`.

mod ours;
mod sealed;
mod stored;

use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, Response};
use tower::{Layer, Service};

use crate::measure::Lane;
use crate::sample::SESSIONS;

pub const BARE: &str = "bare router";
pub const NO_OP: &str = "no-op layer";
pub const DYNAMIC: &str = "sealed-session, entries";
pub const TYPED: &str = "sealed-session, typed";

/// Where the data is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nothing,
    Sealed,
    Stored,
}

pub struct Contender {
    pub name: &'static str,
    pub kind: Kind,
    router: Router,
    cookies: Vec<HeaderValue>,
    /// Of the last write, whole.
    pub set_cookie_len: usize,
}

/// The routes that every contender has.
#[derive(Clone, Copy)]
pub enum Route {
    Untouched,
    Read,
    Write,
}

impl Route {
    pub const ALL: [Self; 3] = [Self::Untouched, Self::Read, Self::Write];

    pub fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Untouched => "/untouched",
            Self::Read => "/read",
            Self::Write => "/write",
        }
    }
}

/// All of them, with sessions of `len` bytes of JSON.
pub fn all(len: usize) -> Vec<Contender> {
    let plain = plain_routes();
    let make = |name, kind, router| Contender::new(name, kind, router, len);
    vec![
        make(BARE, Kind::Nothing, plain.clone()),
        make(NO_OP, Kind::Nothing, plain.layer(NoOpLayer)),
        make(DYNAMIC, Kind::Sealed, ours::dynamic(len)),
        make(TYPED, Kind::Sealed, ours::typed(len)),
        make("tower-cookies, private", Kind::Sealed, sealed::tower_cookies(len)),
        make("axum-extra, PrivateCookieJar", Kind::Sealed, sealed::axum_extra(len)),
        make("seshcookie", Kind::Sealed, sealed::seshcookie(len)),
        make("tower-sessions, memory store", Kind::Stored, stored::tower_sessions(len)),
        make("axum_session, memory store", Kind::Stored, stored::axum_session(len)),
    ]
}

/// What every handler of a read answers, and of a write.
fn answer(number: u64) -> String {
    number.to_string()
}

async fn untouched() -> String {
    answer(std::hint::black_box(1_234_567))
}

fn plain_routes() -> Router {
    Router::new()
        .route("/begin", get(untouched))
        .route("/untouched", get(untouched))
        .route("/read", get(untouched))
        .route("/write", get(untouched))
}

impl Contender {
    fn new(name: &'static str, kind: Kind, router: Router, len: usize) -> Self {
        // As `axum::serve` does: otherwise every request builds the layers anew.
        let mut router = router.with_state(());
        let mut cookies = Vec::new();
        for i in 0..SESSIONS {
            let response = call(&mut router, request(&format!("/begin?{i}"), None));
            assert!(response.status().is_success(), "{name}: {}", response.status());
            let pairs: Vec<_> = set_cookies(&response)
                .map(|cookie| cookie.split(';').next().expect("a pair").to_owned())
                .collect();
            assert_eq!(pairs.is_empty(), kind == Kind::Nothing, "{name}");
            let header = if pairs.is_empty() { "other=1".to_owned() } else { pairs.join("; ") };
            cookies.push(HeaderValue::try_from(header).expect("a cookie"));
        }
        let mut contender = Self { name, kind, router, cookies, set_cookie_len: 0 };
        contender.prove(len);
        contender
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub fn cookies(&self) -> &[HeaderValue] {
        &self.cookies
    }

    /// That it reads what was begun, and that a write is read back.
    fn prove(&mut self, len: usize) {
        if self.kind == Kind::Nothing {
            return;
        }
        let name = self.name;
        let wanted = crate::sample::Sample::new(3, len).user_id.to_string();
        let read = call(&mut self.router, request("/read", Some(&self.cookies[3])));
        assert_eq!(body(read), wanted, "{name} reads");
        let write = call(&mut self.router, request("/write", Some(&self.cookies[3])));
        self.set_cookie_len = set_cookies(&write).map(|cookie| cookie.len()).sum();
        let pairs: Vec<_> =
            set_cookies(&write).filter_map(|c| c.split(';').next().map(str::to_owned)).collect();
        let written = body(write);
        let mut header = self.cookies[3].clone();
        if !pairs.is_empty() {
            header = HeaderValue::try_from(pairs.join("; ")).expect("a cookie");
        }
        let visits = call(&mut self.router, request("/visits", Some(&header)));
        assert_eq!(body(visits), written, "{name} writes");
    }

    pub fn lane(&self, route: Route) -> Lane {
        let mut router = self.router.clone();
        let cookies = self.cookies.clone();
        Lane::consuming(
            format!("{}: {}", self.name, route.name()),
            move |i| request(route.path(), Some(&cookies[i])),
            move |request| call(&mut router, request),
        )
    }
}

fn request(path: &str, cookie: Option<&HeaderValue>) -> Request<Body> {
    let mut request = Request::builder().uri(path).body(Body::empty()).expect("a request");
    if let Some(cookie) = cookie {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    request
}

fn set_cookies(response: &Response<Body>) -> impl Iterator<Item = &str> {
    response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok())
}

/// One poll: nobody here waits for anything, so no runtime is in the figures.
fn call(router: &mut Router, request: Request<Body>) -> Response<Body> {
    finish(router.call(request)).expect("a router is infallible")
}

pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a contender waits"),
    }
}

fn body(response: Response<Body>) -> String {
    assert!(response.status().is_success(), "{}", response.status());
    let bytes = finish(axum::body::to_bytes(response.into_body(), usize::MAX)).expect("a body");
    String::from_utf8(bytes.to_vec()).expect("a number")
}

/// The number of the session that is to begin.
fn number(uri: &http::Uri) -> usize {
    uri.query().and_then(|query| query.parse().ok()).unwrap_or_default()
}

#[derive(Clone, Copy)]
struct NoOpLayer;

#[derive(Clone)]
struct NoOp<S>(S);

impl<S> Layer<S> for NoOpLayer {
    type Service = NoOp<S>;

    fn layer(&self, inner: S) -> NoOp<S> {
        NoOp(inner)
    }
}

impl<S: Service<R>, R> Service<R> for NoOp<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}
