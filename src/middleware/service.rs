//! `SessionService` and its response future: they put the session into the request and the headers into
//! the response.
//!
//! It works with any body and error type, boxes nothing, and passes inner errors through unchanged:
//! without a response there is no cookie.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::conflict::{self, Pass};
use super::headers;
use super::layer::Shared;
use crate::kind::SessionKind;
use crate::session::{ResponseHead, Session};

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
            let new = Session::begin(codec.clone(), headers::head(&request));
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
            let head = ResponseHead::new(response.status().as_u16(), response.headers())
                .keep_writes_on_error(*this.keep_writes_on_error);
            if let Some(changes) = session.changes(head) {
                headers::change(response.headers_mut(), changes);
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
