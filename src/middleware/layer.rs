//! `SessionLayer`: the layer for a router.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::{conflict, service::SessionService};
use crate::codec::Codec;
use crate::kind::SessionKind;

/// Gives every request a [`Session<K>`](crate::Session). If the session has changed, the response sets
/// its cookie.
///
/// ```no_run
/// # use sealed_session::{Codec, Dynamic, Key, Keyring, SessionLayer};
/// # let keyring = Keyring::new(Key::generate()?);
/// # let routes = axum::Router::<()>::new();
/// let app = routes.layer(SessionLayer::new(Codec::<Dynamic>::new(keyring)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Use one layer per kind, and one kind per cookie name. If a request passes two layers with one cookie
/// name, the log has an error, and every session extractor on that request answers 500. The log
/// names the cookie. The sessions in the request's extensions show which layers it has passed, so
/// keep them there.
///
/// A response that sets a cookie also gets `Cache-Control: no-store`, unless the handler chose one. A
/// response that depends on the session gets `Vary: Cookie`. If a shared cache could keep a response,
/// it becomes `private` if a handler wrote the session, and has no cookie otherwise.
///
/// A handler's writes are not sent with a response that says that the request failed; see
/// [`keep_writes_on_error`](Self::keep_writes_on_error). So put layers that respond instead of a
/// handler, such as tower-http's `CatchPanic` and `Timeout`, inside this one.
///
/// A cookie that no handler wrote only refreshes the session or moves it to another key. It is left
/// out where it could undo another response's change: after more than a second, on a 304, on a
/// failure, and on a publicly cacheable response. [The guide](crate::guide::expiry) has the exact rule.
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
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, SessionLayer};
    /// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let layer = SessionLayer::new(codec.clone()); // the clone shares its keys with the layer
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(codec: Codec<K>) -> Self {
        conflict::register::<K>();
        Self { shared: Arc::new(Shared { codec, keep_writes_on_error: false }) }
    }

    /// Whether a handler's writes are sent although its response says that the request failed: 5xx, or
    /// 408, which tower-http's `Timeout` answers. Default: `false`, because only half of the handler's
    /// changes may be complete; the log says that they were not sent. The removal of the cookie is
    /// always sent.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, SessionLayer};
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let layer = SessionLayer::new(codec).keep_writes_on_error(true);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_writes_on_error(self, keep: bool) -> Self {
        let codec = self.shared.codec.clone();
        Self { shared: Arc::new(Shared { codec, keep_writes_on_error: keep }) }
    }
}

// Not derived, because that would require the kind to be `Clone` and `Debug` as well.
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
