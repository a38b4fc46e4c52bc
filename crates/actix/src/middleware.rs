//! `SessionMiddleware`, its service and its response future: they put the session into the request, and the
//! headers into the response.
//!
//! The body is not touched: the headers are final before it begins. Nothing is boxed.

use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, HttpMessage as _, HttpResponse};
use pin_project_lite::pin_project;
use sealed_session::adapter::{HeaderChange, HeaderChanges, ResponseHead, Sessions};
use sealed_session::{Codec, Session, SessionKind};

use crate::headers::{self, View};

/// Gives every request a [`Session<K>`](crate::Session). If the session has changed, the response sets its
/// cookie.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// # use sealed_session::{Codec, Dynamic, Key, Keyring};
/// use sealed_session_actix::SessionMiddleware;
///
/// # let keyring = Keyring::new(Key::generate()?);
/// let codec = Codec::<Dynamic>::new(keyring)?;
/// let server = HttpServer::new(move || App::new().wrap(SessionMiddleware::new(codec.clone())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Use one middleware per kind, and one kind per cookie name. If a request passes two with one cookie name, the
/// log has an error, and every session extractor on that request answers 500.
///
/// A response that sets a cookie also gets `Cache-Control: no-store`, unless the handler chose one. A response
/// that depends on the session gets `Vary: Cookie`. If a shared cache could keep a response, it becomes
/// `private` if a handler wrote the session, and has no cookie otherwise.
///
/// A handler's writes are not sent with a response that says that the request failed; see
/// [`keep_writes_on_error`](Self::keep_writes_on_error).
///
/// # Order
///
/// What [`wrap`](actix_web::App::wrap) adds last sees a request first. So add this middleware after those that
/// use the session, and after those that respond instead of a handler.
///
/// A middleware between this one and the handler can fail instead of responding. The session's outcome then goes
/// into the response that actix-web makes of the error, and the error itself is passed on: outer middlewares
/// find it as it was.
#[must_use = "a middleware does nothing until an `App` or a scope is wrapped in it"]
pub struct SessionMiddleware<K: SessionKind> {
    codec: Codec<K>,
    keep_writes_on_error: bool,
}

impl<K: SessionKind> SessionMiddleware<K> {
    /// A middleware for the sessions of this codec.
    ///
    /// Make the codec outside of the closure that [`HttpServer::new`](actix_web::HttpServer::new) takes, which
    /// runs for each worker, and clone it there: the clones share its keys.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session_actix::SessionMiddleware;
    /// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let middleware = SessionMiddleware::new(codec.clone());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(codec: Codec<K>) -> Self {
        Self { codec, keep_writes_on_error: false }
    }

    /// Whether a handler's writes are sent although its response says that the request failed: 5xx or 408.
    /// Default: `false`, because only half of the handler's changes may be complete; the log says that they
    /// were not sent. The removal of the cookie is always sent.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session_actix::SessionMiddleware;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let middleware = SessionMiddleware::new(codec).keep_writes_on_error(true);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_writes_on_error(mut self, keep: bool) -> Self {
        self.keep_writes_on_error = keep;
        self
    }
}

// Not derived, because that would require the kind to be `Clone` and `Debug` as well.
impl<K: SessionKind> Clone for SessionMiddleware<K> {
    fn clone(&self) -> Self {
        Self { codec: self.codec.clone(), keep_writes_on_error: self.keep_writes_on_error }
    }
}

impl<K: SessionKind> fmt::Debug for SessionMiddleware<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("codec", &self.codec)
            .field("keep_writes_on_error", &self.keep_writes_on_error)
            .finish()
    }
}

impl<S, B, K> Transform<S, ServiceRequest> for SessionMiddleware<K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    K: SessionKind,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = SessionService<S, K>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SessionService { inner, middleware: self.clone() }))
    }
}

/// The service that [`SessionMiddleware`] creates. You rarely have to name it.
pub struct SessionService<S, K: SessionKind> {
    inner: S,
    middleware: SessionMiddleware<K>,
}

impl<S, B, K> Service<ServiceRequest> for SessionService<S, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    K: SessionKind,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = ResponseFuture<S::Future, K>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // Taken out meanwhile, because the log and the codec's clock are foreign code.
        let sessions = request.extensions_mut().remove::<Sessions>();
        let mut sessions = sessions.unwrap_or_default();
        let session = sessions.begin(&self.middleware.codec, headers::head(&request));
        request.extensions_mut().insert(sessions);
        let keep_writes_on_error = self.middleware.keep_writes_on_error;
        ResponseFuture { inner: self.inner.call(request), session, keep_writes_on_error }
    }
}

impl<S: fmt::Debug, K: SessionKind> fmt::Debug for SessionService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("middleware", &self.middleware)
            .finish()
    }
}

pin_project! {
    /// The response future of [`SessionService`]. You rarely have to name it.
    pub struct ResponseFuture<F, K: SessionKind> {
        #[pin]
        inner: F,
        // `None` if this middleware conflicts with another.
        session: Option<Session<K>>,
        keep_writes_on_error: bool,
    }

    impl<F, K: SessionKind> PinnedDrop for ResponseFuture<F, K> {
        fn drop(this: Pin<&mut Self>) {
            // Dropped before there was a response: none can carry later writes.
            if let Some(session) = this.project().session {
                session.close();
            }
        }
    }
}

impl<F, B, K> Future for ResponseFuture<F, K>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    K: SessionKind,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut result = ready!(this.inner.poll(cx));
        if let Some(session) = this.session.take() {
            match &mut result {
                Ok(response) => {
                    let changes = finish(&session, response.response(), *this.keep_writes_on_error);
                    headers::change(response.headers_mut(), changes);
                }
                Err(error) => {
                    let response = error.error_response();
                    let changes = finish(&session, &response, *this.keep_writes_on_error);
                    carry(error, changes.collect());
                }
            }
        }
        Poll::Ready(result)
    }
}

fn finish<K: SessionKind, B>(
    session: &Session<K>,
    response: &HttpResponse<B>,
    keep_writes_on_error: bool,
) -> HeaderChanges {
    let headers = View(response.headers());
    let head = ResponseHead::new(response.status().as_u16(), &headers);
    session.finish(head.keep_writes_on_error(keep_writes_on_error))
}

/// Makes the changes in each response that actix-web makes of the error. It is not made into a response here,
/// because that takes the request, which a middleware cannot keep: routing needs it alone.
fn carry(error: &mut Error, changes: Vec<HeaderChange>) {
    if !changes.is_empty() {
        error.add_response_mapper(move |mut response| {
            headers::change(response.headers_mut(), changes.iter().cloned());
            response
        });
    }
}

impl<F, K: SessionKind> fmt::Debug for ResponseFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
