//! `SessionLayer`: what is added to a router.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::{conflict, service::SessionService};
use crate::codec::Codec;
use crate::kind::SessionKind;

/// Gives every request a [`Session<K>`](crate::Session), and the response its cookie if the session
/// changed.
///
/// ```no_run
/// # use sealed_session::{Codec, Dynamic, Key, Keyring, SessionLayer};
/// # let keyring = Keyring::new(Key::generate()?);
/// # let routes = axum::Router::<()>::new();
/// let app = routes.layer(SessionLayer::new(Codec::<Dynamic>::new(keyring)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// One layer a kind, and one kind a cookie name: two layers with one cookie name on a request are
/// reported at error level, and every session extractor on it answers 500 and names the cookie. Which
/// layers a request has passed is told by the sessions in its extensions: leave them there.
///
/// A response that sets a cookie also gets `Cache-Control: no-store`, unless the handler chose one,
/// and a response that depends on the session gets `Vary: Cookie`. A response that a shared cache could
/// keep leaves as `private` if a handler wrote the session, and without a cookie if none did.
///
/// What a handler wrote is not sent with a response that says that the request failed; see
/// [`keep_writes_on_error`](Self::keep_writes_on_error). So put layers that answer for a handler, such
/// as tower-http's `CatchPanic` and `Timeout`, inside this one.
///
/// A cookie that no handler wrote, because it only refreshes the session or moves it to another key, is
/// left out where it could undo what another response did: after more than a second, on a 304, on a
/// failure, and on a publicly cacheable response. [The guide](crate::guide::expiry) has the rule.
#[must_use = "a layer does nothing until it is added to a service"]
pub struct SessionLayer<K> {
    shared: Arc<Shared<K>>,
}

/// Behind one pointer, because axum copies a route's services for every connection.
pub(super) struct Shared<K> {
    pub(super) codec: Codec<K>,
    pub(super) keep_writes_on_error: bool,
}

impl<K: SessionKind> SessionLayer<K> {
    /// A layer for the sessions of this codec.
    pub fn new(codec: Codec<K>) -> Self {
        conflict::register::<K>();
        Self { shared: Arc::new(Shared { codec, keep_writes_on_error: false }) }
    }

    /// Whether what a handler wrote is sent although its response says that the request failed: 5xx,
    /// or 408, which tower-http's `Timeout` answers. Default: it is not, and the log says so, because
    /// half of what the handler wanted may be missing. What removes the cookie is sent in any case.
    pub fn keep_writes_on_error(self, keep: bool) -> Self {
        let codec = self.shared.codec.clone();
        Self { shared: Arc::new(Shared { codec, keep_writes_on_error: keep }) }
    }
}

// Not derived: that would ask the kind to be `Clone` and `Debug`, too.
impl<K> Clone for SessionLayer<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K> fmt::Debug for SessionLayer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer")
            .field("codec", &self.shared.codec)
            .field("keep_writes_on_error", &self.shared.keep_writes_on_error)
            .finish()
    }
}

impl<S, K: SessionKind> Layer<S> for SessionLayer<K> {
    type Service = SessionService<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService::new(inner, self.shared.clone())
    }
}
