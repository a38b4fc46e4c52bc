//! `SessionService` and its response future: the session in, the headers out.
//!
//! It asks nothing of the inner service's body or error, boxes nothing, and leaves an error of the
//! inner service as it is: without a response there is no cookie.

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

/// The service that [`SessionLayer`](crate::SessionLayer) makes.
pub struct SessionService<S, K> {
    inner: S,
    shared: Arc<Shared<K>>,
}

/// Says why the browser makes a request (Fetch Metadata).
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

/// What the session has to know of the request. When it arrived is asked only where a cookie came.
fn incoming<B>(request: &Request<B>, core: &CodecInner) -> Incoming {
    let mut cookies = request.headers().get_all(COOKIE).iter().cloned();
    let Some(first) = cookies.next() else { return Incoming::default() };
    let mode = request.headers().get(SEC_FETCH_MODE);
    Incoming {
        first: Some(first),
        rest: cookies.collect(),
        arrival: core.coarse_now(),
        navigates: mode.is_some_and(|mode| mode == "navigate"),
        ..Incoming::default()
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
    /// The response future of [`SessionService`].
    pub struct ResponseFuture<F, K: SessionKind> {
        #[pin]
        inner: F,
        // `None` where another layer serves the cookie.
        session: Option<Session<K>>,
        keep_writes_on_error: bool,
    }

    impl<F, K: SessionKind> PinnedDrop for ResponseFuture<F, K> {
        fn drop(this: Pin<&mut Self>) {
            // Dropped before there was a response, or failed without one: what is written from now
            // on can reach nobody.
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
