//! `SessionService` and its response future: the session in, the headers out.
//!
//! It asks nothing of the inner service's body or error, boxes nothing, and leaves an error of the
//! inner service as it is: without a response there is no cookie.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::layers;
use crate::codec::Codec;
use crate::kind::SessionKind;
use crate::session::{Incoming, Outcome, Session};

/// The service that [`SessionLayer`](crate::SessionLayer) makes.
pub struct SessionService<S, K: SessionKind> {
    inner: S,
    codec: Codec<K>,
}

impl<S, K: SessionKind> SessionService<S, K> {
    pub(super) fn new(inner: S, codec: Codec<K>) -> Self {
        Self { inner, codec }
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
        let mut session = None;
        if layers::may_pass(request.extensions_mut(), &self.codec) {
            let mut cookies = request.headers().get_all(COOKIE).iter().cloned();
            let incoming = Incoming { first: cookies.next(), rest: cookies.collect() };
            let new = Session::new(self.codec.clone(), incoming);
            request.extensions_mut().insert(new.clone());
            session = Some(new);
        }
        ResponseFuture { inner: self.inner.call(request), session }
    }
}

impl<S: Clone, K: SessionKind> Clone for SessionService<S, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), codec: self.codec.clone() }
    }
}

impl<S: fmt::Debug, K: SessionKind> fmt::Debug for SessionService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("codec", &self.codec)
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
            session.finish().write(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}

impl<F, K: SessionKind> fmt::Debug for ResponseFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl Outcome {
    fn write(self, headers: &mut HeaderMap) {
        if let Some(cookie) = self.set_cookie {
            headers.append(SET_COOKIE, cookie);
            // A response that sets a cookie is one user's; a shared cache must not keep it.
            headers
                .entry(CACHE_CONTROL)
                .or_insert_with(|| const { HeaderValue::from_static("no-store") });
        }
        if self.vary && !varies_by_cookie(headers) {
            headers.append(VARY, const { HeaderValue::from_static("Cookie") });
        }
    }
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    headers.get_all(VARY).iter().flat_map(|value| value.as_bytes().split(|b| *b == b',')).any(
        |field| {
            let field = field.trim_ascii();
            field == b"*" || field.eq_ignore_ascii_case(b"cookie")
        },
    )
}
