//! `TowerSessionService` and its response future: they put the session into the request, and save it.
//!
//! They follow tower-sessions' middleware, but for the cookie, which the service around them writes.
//! Only a response whose session has to be saved boxes a future.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use sealed_session::{Session, SessionKind};
use tower_service::Service;

use crate::data::SessionData;
use crate::request::{self, Settings};
use crate::version::Version;

/// The service inside the one that a [`SealedSessionLayer`](crate::SealedSessionLayer) creates. You rarely
/// have to name it.
pub struct TowerSessionService<S, V, K> {
    inner: S,
    settings: Arc<Settings<K>>,
    version: PhantomData<fn() -> V>,
}

impl<S, V, K> TowerSessionService<S, V, K> {
    pub(crate) fn new(inner: S, settings: Arc<Settings<K>>) -> Self {
        Self { inner, settings, version: PhantomData }
    }
}

/// In the request's extensions: it has passed a layer of this kind.
struct Passed<K>(PhantomData<fn() -> K>);

impl<K> Clone for Passed<K> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

/// The session of one request, as both sides see it.
struct Bridge<V: Version, K: SessionKind<Data = SessionData>> {
    request: Arc<request::Request<K>>,
    /// It lives until the response has begun, for what the store asks it.
    session: Arc<V::Session>,
}

impl<S, V, K, ReqBody, ResBody> Service<Request<ReqBody>> for TowerSessionService<S, V, K>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    V: Version,
    K: SessionKind<Data = SessionData>,
    ResBody: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TowerResponseFuture<S::Future, V, K, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let extensions = request.extensions_mut();
        let is_first = extensions.insert(Passed::<K>(PhantomData)).is_none();
        let sealed = extensions.get::<Session<K>>().filter(|_| is_first).cloned();
        let Some(sealed) = sealed else {
            let cookie = self.settings.codec.cookie_name();
            tracing::error!(cookie, "two session layers of one cookie or one kind: answering 500");
            return TowerResponseFuture::Refused { body: PhantomData };
        };
        let store = request::Request::new(sealed, self.settings.clone(), V::random_id);
        let store = Arc::new(store);
        let session = V::begin(store.clone());
        extensions.insert(V::Session::clone(&session));
        TowerResponseFuture::Handler {
            inner: self.inner.call(request),
            bridge: Bridge { request: store, session },
            saving: None,
        }
    }
}

impl<S: Clone, V, K> Clone for TowerSessionService<S, V, K> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.settings.clone())
    }
}

impl<S: fmt::Debug, V, K> fmt::Debug for TowerSessionService<S, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerSessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// Saves the session. Whether the response may go out as it is.
type Saving = Pin<Box<dyn Future<Output = bool> + Send>>;

pin_project! {
    /// The response future of [`TowerSessionService`]. You rarely have to name it.
    #[project = Projection]
    pub enum TowerResponseFuture<F, V: Version, K: SessionKind<Data = SessionData>, B> {
        #[doc(hidden)]
        Handler {
            #[pin]
            inner: F,
            bridge: Bridge<V, K>,
            // The response waits until the session is saved.
            saving: Option<(Saving, Option<Response<B>>)>,
        },
        // The layer conflicts with another.
        #[doc(hidden)]
        Refused { body: PhantomData<fn() -> B> },
    }
}

impl<F, V, K, B, E> Future for TowerResponseFuture<F, V, K, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    V: Version,
    K: SessionKind<Data = SessionData>,
    B: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Projection::Handler { mut inner, bridge, saving } = self.project() else {
            return Poll::Ready(Ok(failed()));
        };
        loop {
            let mut response = match saving {
                None => {
                    let response = ready!(inner.as_mut().poll(cx))?;
                    if let Some(future) = bridge.save(response.status()) {
                        *saving = Some((future, Some(response)));
                        continue;
                    }
                    response
                }
                Some((future, response)) => {
                    let is_saved = ready!(future.as_mut().poll(cx));
                    response.take().filter(|_| is_saved).unwrap_or_else(failed)
                }
            };
            bridge.finish(&mut response);
            return Poll::Ready(Ok(response));
        }
    }
}

impl<V: Version, K: SessionKind<Data = SessionData>> Bridge<V, K> {
    /// Saves the session, if it has to be saved with a response of this status.
    fn save(&self, status: StatusCode) -> Option<Saving> {
        let settings = self.request.settings();
        // As the service around this one, which would not send it.
        let has_failed = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
        let is_due = settings.always_save || V::is_modified(&self.session);
        if !is_due || (has_failed && !settings.keep_writes_on_error) {
            return None;
        }
        let (request, session) = (self.request.clone(), self.session.clone());
        let cookie = settings.codec.cookie_name().to_owned();
        let always_save = settings.always_save;
        Some(Box::pin(async move {
            if V::is_empty(&session).await {
                return true;
            }
            if V::id(&session).is_some_and(|id| request.is_deleted(id)) {
                tracing::warn!(
                    cookie,
                    "a session was changed and deleted in one request; what was changed is not \
                     saved, because that would bring the session back"
                );
                return true;
            }
            if let Err(error) = V::save(&session).await {
                tracing::error!(cookie, %error, "the session could not be saved: answering 500");
                return false;
            }
            if always_save {
                request.touch();
            }
            true
        }))
    }

    fn finish<B>(&self, response: &mut Response<B>) {
        self.request.set_max_age();
        // What gives up with a plain 500, such as axum-login, cannot know that it is worth another try.
        if self.request.was_unavailable() && response.status() == StatusCode::INTERNAL_SERVER_ERROR
        {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            // The clients do not all come back at once.
            let random = RandomState::new().build_hasher().finish();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(2 + random % 9));
        }
    }
}

fn failed<B: Default>() -> Response<B> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

impl<F, V: Version, K: SessionKind<Data = SessionData>, B> fmt::Debug
    for TowerResponseFuture<F, V, K, B>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerResponseFuture").finish_non_exhaustive()
    }
}
