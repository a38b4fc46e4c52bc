//! `SessionService` and its response future: they put the session into the request and the headers into
//! the response.
//!
//! It works with any body and error type, boxes nothing, and passes inner errors through unchanged:
//! without a response there is no cookie.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{COOKIE, HeaderName};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::conflict::{self, Pass};
use super::layer::Shared;
use crate::codec::CodecInner;
use crate::kind::SessionKind;
use crate::logging;
use crate::session::{Incoming, Reply, Session};

/// The service that [`SessionLayer`](crate::SessionLayer) creates. You rarely have to name it.
///
/// ```
/// # use sealed_session::{Codec, Dynamic, Key, Keyring, SessionLayer, SessionService};
/// # use tower::Layer as _;
/// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
/// let service: SessionService<axum::Router, Dynamic> =
///     SessionLayer::new(codec).layer(axum::Router::new());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SessionService<S, K> {
    inner: S,
    shared: Arc<Shared<K>>,
}

/// The header that says why the browser makes a request (Fetch Metadata).
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

impl<S, K> SessionService<S, K> {
    pub(super) fn new(inner: S, shared: Arc<Shared<K>>) -> Self {
        Self { inner, shared }
    }
}

impl<S, K, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S, K>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    K: SessionKind,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let Shared { codec, keep_writes_on_error } = &*self.shared;
        let mut session = None;
        let pass = conflict::check_conflict(request.extensions_mut(), codec);
        if pass != Pass::Refused {
            let incoming = incoming(&request, codec.inner());
            let new = Session::new(codec.clone(), incoming);
            request.extensions_mut().insert(new.clone());
            session = Some(new);
        }
        if pass == Pass::Beside {
            conflict::join_all(request.extensions());
        }
        let keep_writes_on_error = *keep_writes_on_error;
        ResponseFuture { inner: self.inner.call(request), session, keep_writes_on_error }
    }
}

/// The parts of the request that the session needs. The clock is read only if there is a cookie.
fn incoming<B>(request: &Request<B>, core: &CodecInner) -> Incoming {
    let mut cookies = request.headers().get_all(COOKIE).iter().cloned();
    let nothing = Incoming {
        #[cfg(feature = "revocation")]
        seen: core.seen_now(),
        ..Incoming::default()
    };
    let Some(first) = cookies.next() else { return nothing };
    let mode = request.headers().get(SEC_FETCH_MODE);
    Incoming {
        first: Some(first),
        rest: cookies.collect(),
        arrival: core.coarse_now(),
        navigates: mode.is_some_and(|mode| mode == "navigate"),
        ..nothing
    }
}

impl<S: Clone, K> Clone for SessionService<S, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: self.shared.clone() }
    }
}

impl<S: fmt::Debug, K> fmt::Debug for SessionService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("codec", &self.shared.codec)
            .finish()
    }
}

pin_project! {
    /// The response future of [`SessionService`]. You rarely have to name it.
    ///
    /// ```
    /// use sealed_session::{Dynamic, ResponseFuture};
    ///
    /// /// The future of a service behind a session layer, whose own future is `F`.
    /// type WithSession<F> = ResponseFuture<F, Dynamic>;
    /// ```
    pub struct ResponseFuture<F, K: SessionKind> {
        #[pin]
        inner: F,
        // `None` if this layer conflicts with another.
        session: Option<Session<K>>,
        keep_writes_on_error: bool,
    }

    impl<F, K: SessionKind> PinnedDrop for ResponseFuture<F, K> {
        fn drop(this: Pin<&mut Self>) {
            // Dropped before there was a response, or failed without one: no response can carry
            // later writes.
            if let Some(session) = this.project().session {
                session.close();
            }
        }
    }
}

impl<F, K, ResBody, E> Future for ResponseFuture<F, K>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    K: SessionKind,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Some(session) = this.session.take() {
            let status = response.status();
            let reply = Reply { status, headers: response.headers() };
            let outcome = session.finish(reply, *this.keep_writes_on_error);
            if outcome.is_some_and(|outcome| outcome.write(status, response.headers_mut())) {
                logging::made_private(session.core().cookie.name());
            }
        }
        Poll::Ready(Ok(response))
    }
}

impl<F, K: SessionKind> fmt::Debug for ResponseFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
