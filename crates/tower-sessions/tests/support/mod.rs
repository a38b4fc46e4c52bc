//! A browser in a few lines, and codecs for tests. Each test program uses a part of it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use sealed_session::{Codec, CodecBuilder, Key, Keyring, TestClock};
use sealed_session_tower_sessions::TowerSession;
use tower::ServiceExt as _;
use tower_cookies::Cookie;

pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn keyring() -> Keyring {
    Keyring::new(Key::generate().unwrap())
}

pub(crate) fn builder() -> CodecBuilder<TowerSession> {
    Codec::builder(keyring())
}

pub(crate) fn codec() -> Codec<TowerSession> {
    builder().build().unwrap()
}

/// A codec whose clock stands still: idle 24 hours, absolute 30 days.
pub(crate) fn clocked() -> (Codec<TowerSession>, TestClock) {
    let clock = TestClock::at(START);
    (builder().clock(clock.clone()).build().unwrap(), clock)
}

/// Keeps cookies as a browser does, but for how long.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) app: Router,
    pub(crate) cookies: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(app: Router) -> Self {
        Self { app, cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let answer = self.ask(path).await;
        self.take(&answer);
        answer
    }

    /// Asks without heeding what the answer sets.
    pub(crate) async fn ask(&self, path: &str) -> Answer {
        let mut request = Request::builder().uri(path);
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub(crate) fn take(&mut self, answer: &Answer) {
        for cookie in answer.cookies() {
            if cookie.max_age().is_some_and(|age| age <= time::Duration::ZERO) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
    }

    pub(crate) fn with(app: Router, name: &str, value: &str) -> Self {
        let mut browser = Self::new(app);
        browser.cookies.insert(name.to_owned(), value.to_owned());
        browser
    }
}

impl Answer {
    pub(crate) fn cookies(&self) -> Vec<Cookie<'static>> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        lines.map(|line| Cookie::parse(line.to_str().unwrap().to_owned()).unwrap()).collect()
    }

    /// The one cookie that it sets.
    #[track_caller]
    pub(crate) fn cookie(&self) -> Cookie<'static> {
        let mut cookies = self.cookies();
        assert_eq!(cookies.len(), 1, "{:?}", self.headers);
        cookies.remove(0)
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn sets_nothing(&self) {
        assert!(!self.headers.contains_key(SET_COOKIE), "{:?}", self.headers);
    }

    #[track_caller]
    pub(crate) fn removes(&self, name: &str) {
        let cookie = self.cookie();
        assert_eq!((cookie.name(), cookie.value()), (name, ""));
        assert_eq!(cookie.max_age(), Some(time::Duration::ZERO));
    }
}
