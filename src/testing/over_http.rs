//! What needs HTTP's types: reading a response's headers, and sending requests through a service.

use std::future::poll_fn;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response};
use tower_service::Service;

use super::{CookieJar, SessionChange};
use crate::codec::Codec;
use crate::kind::SessionKind;

impl<T> SessionChange<T> {
    /// What a response with these headers does with the session of this codec.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session::testing::SessionChange;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let response = http::Response::new("no cookies");
    /// SessionChange::of(&codec, response.headers()).assert_kept();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`of_set_cookies`](Self::of_set_cookies).
    #[track_caller]
    pub fn of<K: SessionKind<Data = T>>(codec: &Codec<K>, headers: &HeaderMap) -> Self {
        Self::of_set_cookies(codec, headers.get_all(SET_COOKIE))
    }
}

impl CookieJar {
    /// Sends a request through a clone of the service, with the cookies of the jar, and keeps those of the
    /// response. The service is an axum `Router`, or any other. It is called as `oneshot` calls it: once it
    /// is ready.
    ///
    /// ```
    /// # #[cfg(feature = "axum")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use axum::{Router, body::Body, http::Request, routing::get};
    /// # use sealed_session::testing::CookieJar;
    /// let app = Router::new().route("/", get(|| async { [("set-cookie", "theme=dark; Path=/")] }));
    /// let mut jar = CookieJar::new();
    /// jar.call(&app, Request::get("/").body(Body::empty())?).await?;
    /// assert_eq!(jar.get("theme"), Some("dark"));
    /// # Ok(()) }
    /// # #[cfg(not(feature = "axum"))] fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// That of the service. An axum `Router` has none.
    ///
    /// # Panics
    ///
    /// As [`keep`](Self::keep).
    pub async fn call<S, B, R>(
        &mut self,
        service: &S,
        mut request: Request<B>,
    ) -> Result<Response<R>, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone,
    {
        let mut service = service.clone();
        self.attach(&mut request);
        let path = request.uri().path().to_owned();
        poll_fn(|cx| service.poll_ready(cx)).await?;
        let response = service.call(request).await?;
        self.store(&path, response.headers());
        Ok(response)
    }

    /// Adds the cookies of the jar to a request, after those that it has already.
    ///
    /// ```
    /// # use sealed_session::testing::CookieJar;
    /// let mut jar = CookieJar::new();
    /// jar.keep("/", "theme=dark; Path=/");
    /// let mut request = http::Request::get("/").body(())?;
    /// jar.attach(&mut request);
    /// assert_eq!(request.headers()["cookie"], "theme=dark");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::missing_panics_doc, reason = "the jar keeps no control characters")]
    pub fn attach<B>(&self, request: &mut Request<B>) {
        let Some(kept) = self.header(request.uri().path()) else { return };
        let mut line = Vec::new();
        for cookies in request.headers().get_all(COOKIE) {
            line.extend_from_slice(cookies.as_bytes());
            line.extend_from_slice(b"; ");
        }
        line.extend_from_slice(kept.as_bytes());
        let line = HeaderValue::from_bytes(&line).expect("no control characters");
        request.headers_mut().insert(COOKIE, line);
    }

    /// Keeps the cookies of a response to a request with this path.
    ///
    /// ```
    /// # use sealed_session::testing::CookieJar;
    /// let response = http::Response::builder().header("set-cookie", "theme=dark; Path=/").body(())?;
    /// let mut jar = CookieJar::new();
    /// jar.store("/", response.headers());
    /// assert_eq!(jar.get("theme"), Some("dark"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`keep`](Self::keep).
    #[track_caller]
    pub fn store(&mut self, path: &str, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            self.keep(path, line);
        }
    }
}
