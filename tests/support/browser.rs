//! A browser of one site, and what it gets.

use std::future::ready;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use http::header::SET_COOKIE;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use sealed_session::testing::{CookieJar, SessionChange};
use sealed_session::{
    Codec, CodecBuilder, Keyring, Session, SessionError, SessionKind, SessionLayer, TestClock,
};
use tower::ServiceExt as _;

use super::{Login, START, ring, server};

/// A handler that says who is logged in.
pub(crate) async fn who(session: Session<Login>) -> String {
    format!("{:?}", session.data().map(|login| login.user_id))
}

/// A browser of one site. Its clock is also the servers'.
pub(crate) struct Browser {
    pub(crate) clock: TestClock,
    jar: CookieJar,
    runtime: tokio::runtime::Runtime,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let clock = TestClock::at(START);
        Self {
            jar: CookieJar::new().clock(clock.clone()),
            clock,
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
        }
    }

    /// A builder for codecs on this browser's clock, with key 1.
    pub(crate) fn builder<K: SessionKind>(&self) -> CodecBuilder<K> {
        self.builder_with(&[1])
    }

    pub(crate) fn builder_with<K: SessionKind>(&self, keys: &[u8]) -> CodecBuilder<K> {
        self.builder_on(ring(keys))
    }

    pub(crate) fn builder_on<K: SessionKind>(&self, keyring: Keyring) -> CodecBuilder<K> {
        Codec::builder(keyring).clock(self.clock.clone())
    }

    pub(crate) fn codec<K: SessionKind>(&self) -> Codec<K> {
        self.builder().build().unwrap()
    }

    /// One request to an app of one handler under one layer; it must succeed.
    #[track_caller]
    pub(crate) fn visit<K: SessionKind>(
        &mut self,
        codec: &Codec<K>,
        handler: impl FnOnce(Session<K>) -> Result<(), SessionError> + Clone + Send + Sync + 'static,
    ) -> Page {
        let handler = move |session: Session<K>| ready(handler(session).into_response());
        let layer = SessionLayer::new(codec.clone());
        let page = self.get(&Router::new().fallback(handler).layer(layer), "/");
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page
    }

    pub(crate) fn get(&mut self, app: &Router, path: &str) -> Page {
        self.send(app, Request::get(path).body(Body::empty()).unwrap())
    }

    /// Sends the request with the cookies of the jar, and keeps those of the response.
    pub(crate) fn send(&mut self, app: &Router, mut request: Request<Body>) -> Page {
        let path = request.uri().path().to_owned();
        self.jar.attach(&mut request);
        let page = self.send_plain(app, request);
        self.jar.store(&path, &page.headers);
        page
    }

    /// Sends the request as it is; the jar stays out of it.
    pub(crate) fn send_plain(&self, app: &Router, request: Request<Body>) -> Page {
        self.runtime.block_on(async {
            let response = app.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Page {
                status: parts.status,
                headers: parts.headers,
                body: String::from_utf8_lossy(&body).into_owned(),
            }
        })
    }

    /// The same over a socket. `line` is a method and a path.
    pub(crate) fn fetch(&mut self, server: &server::Server, line: &str, headers: &str) -> Page {
        let path = line.split(' ').nth(1).unwrap();
        let cookies = self.jar.header(path);
        let cookies = cookies.map_or(String::new(), |cookies| format!("Cookie: {cookies}\r\n"));
        let page = server.exchange(
            format!("{line} HTTP/1.1\r\nHost: example.org\r\n{headers}{cookies}\r\n").as_bytes(),
        );
        self.jar.store(path, &page.headers);
        page
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.get(name)
    }

    /// Puts a cookie into the jar, as someone who kept a copy would.
    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.jar.keep("/", format!("{name}={value}; Path=/"));
    }

    /// Quits: what has no `Max-Age` is forgotten.
    pub(crate) fn close(&mut self) {
        self.jar.close_browser();
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn all(&self, name: impl http::header::AsHeaderName) -> Vec<&str> {
        let values = self.headers.get_all(name);
        values.iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// What the response does with the session.
    #[track_caller]
    pub(crate) fn change<K: SessionKind>(&self, codec: &Codec<K>) -> SessionChange<K::Data> {
        SessionChange::of(codec, &self.headers)
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.all(SET_COOKIE)
    }

    /// The one cookie that the response sets.
    #[track_caller]
    pub(crate) fn set_cookie(&self) -> &str {
        match self.set_cookies()[..] {
            [one] => one,
            ref other => panic!("{} cookies instead of one", other.len()),
        }
    }

    /// The one cookie's `Max-Age`, if it has any.
    #[track_caller]
    pub(crate) fn max_age(&self) -> Option<u64> {
        let age = self.set_cookie().split("; Max-Age=").nth(1)?;
        age.split(';').next()?.parse().ok()
    }
}
