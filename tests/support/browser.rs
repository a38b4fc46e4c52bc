//! A browser of one site, and what it gets.

use std::future::ready;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt as _;
use sealed_session::{
    Clock as _, Codec, CodecBuilder, Keyring, Session, SessionError, SessionKind, SessionLayer,
    TestClock,
};
use tower::ServiceExt as _;

use super::{Login, START, ring, secs, server};

/// A handler that says who is logged in.
pub(crate) async fn who(session: Session<Login>) -> String {
    format!("{:?}", session.data().map(|login| login.user_id))
}

/// A browser of one site. It keeps cookies as RFC 6265 says: by name, domain and path, and for as
/// long as `Max-Age` says on its own clock, which is also the servers'.
pub(crate) struct Browser {
    pub(crate) clock: TestClock,
    jar: Vec<Kept>,
    runtime: tokio::runtime::Runtime,
}

#[derive(Clone, Debug)]
struct Kept {
    name: String,
    value: String,
    domain: String,
    path: String,
    /// `None`: until the browser is closed.
    until: Option<u64>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self {
            clock: TestClock::at(START),
            jar: Vec::new(),
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
        if let Some(cookies) = self.cookie_header(request.uri().path()) {
            let cookies = HeaderValue::try_from(cookies).unwrap();
            request.headers_mut().insert(COOKIE, cookies);
        }
        let page = self.send_plain(app, request);
        self.keep(&page);
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
        let cookies = self.cookie_header(path);
        let cookies = cookies.map_or(String::new(), |cookies| format!("Cookie: {cookies}\r\n"));
        let page = server.exchange(
            format!("{line} HTTP/1.1\r\nHost: example.org\r\n{headers}{cookies}\r\n").as_bytes(),
        );
        self.keep(&page);
        page
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|kept| kept.name == name).map(|kept| kept.value.as_str())
    }

    /// Puts a cookie into the jar, as someone who kept a copy would.
    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.keep_one(&format!("{name}={value}; Path=/"));
    }

    /// Quits: what has no `Max-Age` is forgotten.
    pub(crate) fn close(&mut self) {
        self.jar.retain(|kept| kept.until.is_some());
    }

    fn cookie_header(&mut self, path: &str) -> Option<String> {
        let now = secs(self.clock.now());
        self.jar.retain(|kept| kept.until.is_none_or(|until| now < until));
        let pairs: Vec<_> = self
            .jar
            .iter()
            .filter(|kept| path.starts_with(&kept.path))
            .map(|kept| format!("{}={}", kept.name, kept.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn keep(&mut self, page: &Page) {
        for cookie in page.set_cookies() {
            self.keep_one(cookie);
        }
    }

    fn keep_one(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once("; ").unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        assert!(name.len() + value.len() <= 4096, "no browser keeps it");
        let attribute = |wanted: &str| {
            attributes
                .split("; ")
                .find_map(|attribute| attribute.strip_prefix(wanted)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let max_age = attribute("Max-Age").map(|age| age.parse::<u64>().unwrap());
        let new = Kept {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: attribute("Domain").unwrap_or_default(),
            path: attribute("Path").expect("no path: the browser would guess one"),
            until: max_age.map(|age| secs(self.clock.now()) + age),
        };
        self.jar.retain(|old| {
            (&old.name, &old.domain, &old.path) != (&new.name, &new.domain, &new.path)
        });
        if max_age != Some(0) {
            self.jar.push(new);
        }
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
