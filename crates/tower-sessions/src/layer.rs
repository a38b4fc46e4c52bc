//! `SealedSessionLayer`: the layer for a router.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use sealed_session::{Codec, SessionKind, SessionLayer, SessionService};
use tower_layer::Layer;

use crate::data::{SessionData, TowerSession};
use crate::lifetime::ExpiryError;
use crate::request::{Settings, seconds, whole};
use crate::service::TowerSessionService;
use crate::version::Version;

/// Gives every request a `tower_sessions::Session` whose record lives in a sealed cookie: it takes the
/// place of `SessionManagerLayer` and its store.
///
/// Name it by the version of tower-sessions: `v0_14::SealedSessionLayer` or `v0_15::SealedSessionLayer`.
///
/// ```
/// # #[cfg(feature = "v0_14")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use sealed_session::{Codec, Key, Keyring};
/// use sealed_session_tower_sessions::v0_14::SealedSessionLayer;
/// # use sealed_session_tower_sessions::TowerSession;
///
/// let codec = Codec::<TowerSession>::new(Keyring::new(Key::generate()?))?;
/// let app = axum::Router::<()>::new().layer(SealedSessionLayer::new(codec));
/// # Ok(()) }
/// # #[cfg(feature = "v0_14")]
/// # example().unwrap();
/// ```
///
/// It contains a [`sealed_session::SessionLayer`], whose rules apply to the cookie: one layer per cookie
/// name; what a handler wrote is not sent with a 5xx. Name, path and other attributes of the cookie are
/// those of the codec. Two of these layers on one route need two kinds, and the inner one's session is the
/// one that handlers see.
///
/// The cookie is opened for every request, because tower-sessions tells a session's id without asking its
/// store. So every response says `Vary: Cookie`. Keep routes that caches share, such as those of static
/// files, outside.
#[must_use = "a layer does nothing until it is added to a service"]
pub struct SealedSessionLayer<V: Version, K = TowerSession> {
    settings: Arc<Settings<K>>,
    version: PhantomData<fn() -> V>,
}

impl<V: Version, K: SessionKind<Data = SessionData>> SealedSessionLayer<V, K> {
    /// A layer for the sessions of this codec.
    ///
    /// ```
    /// # #[cfg(feature = "v0_14")]
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use sealed_session::{Codec, Key, Keyring};
    /// # use sealed_session_tower_sessions::{TowerSession, v0_14::SealedSessionLayer};
    /// # let codec = Codec::<TowerSession>::new(Keyring::new(Key::generate()?))?;
    /// let layer = SealedSessionLayer::new(codec.clone()); // the clone shares its keys with the layer
    /// # Ok(()) }
    /// # #[cfg(feature = "v0_14")]
    /// # example().unwrap();
    /// ```
    pub fn new(codec: Codec<K>) -> Self {
        let settings = Settings {
            codec,
            lifetime: None,
            always_save: false,
            keep_writes_on_error: false,
            has_warned: Arc::default(),
        };
        Self { settings: Arc::new(settings), version: PhantomData }
    }

    /// The expiry of sessions for which handlers set no other. Default: the codec's timeouts, and a cookie
    /// with the codec's attributes.
    ///
    /// The codec's own `idle_timeout` does the same as `OnInactivity`, in one place; this is for code that
    /// moves.
    ///
    /// ```
    /// # #[cfg(feature = "v0_14")]
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use sealed_session::{Codec, Key, Keyring};
    /// # use sealed_session_tower_sessions::TowerSession;
    /// use sealed_session_tower_sessions::v0_14::{SealedSessionLayer, tower_sessions_core::Expiry};
    ///
    /// # let codec = Codec::<TowerSession>::new(Keyring::new(Key::generate()?))?;
    /// let layer = SealedSessionLayer::new(codec)
    ///     .with_expiry(Expiry::OnInactivity(time::Duration::hours(1)))?;
    /// # Ok(()) }
    /// # #[cfg(feature = "v0_14")]
    /// # example().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`ExpiryError`] if it has passed, or is longer than the codec's absolute timeout.
    pub fn with_expiry(self, expiry: V::Expiry) -> Result<Self, ExpiryError> {
        let codec = &self.settings.codec;
        let (now, absolute) = (seconds(codec.now()), whole(codec.absolute_timeout()));
        let lifetime = V::lifetime(expiry).check(now, absolute)?;
        Ok(self.with(|settings| settings.lifetime = Some(lifetime)))
    }

    /// Whether a session is saved and refreshed with every response, even if no handler has changed it.
    /// Default: `false`. Reading already keeps a session alive: it is refreshed when a tenth of its idle
    /// timeout has passed.
    ///
    /// ```
    /// # #[cfg(feature = "v0_14")]
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use sealed_session::{Codec, Key, Keyring};
    /// # use sealed_session_tower_sessions::{TowerSession, v0_14::SealedSessionLayer};
    /// # let codec = Codec::<TowerSession>::new(Keyring::new(Key::generate()?))?;
    /// let layer = SealedSessionLayer::new(codec).with_always_save(true);
    /// # Ok(()) }
    /// # #[cfg(feature = "v0_14")]
    /// # example().unwrap();
    /// ```
    pub fn with_always_save(self, always_save: bool) -> Self {
        self.with(|settings| settings.always_save = always_save)
    }

    /// Whether what a handler wrote is sent although its response says that the request failed: 5xx, or
    /// 408. Default: `false`, as in tower-sessions. See
    /// [`SessionLayer::keep_writes_on_error`](sealed_session::SessionLayer::keep_writes_on_error).
    ///
    /// ```
    /// # #[cfg(feature = "v0_14")]
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use sealed_session::{Codec, Key, Keyring};
    /// # use sealed_session_tower_sessions::{TowerSession, v0_14::SealedSessionLayer};
    /// # let codec = Codec::<TowerSession>::new(Keyring::new(Key::generate()?))?;
    /// let layer = SealedSessionLayer::new(codec).keep_writes_on_error(true);
    /// # Ok(()) }
    /// # #[cfg(feature = "v0_14")]
    /// # example().unwrap();
    /// ```
    pub fn keep_writes_on_error(self, keep: bool) -> Self {
        self.with(|settings| settings.keep_writes_on_error = keep)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings<K>)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S, V: Version, K: SessionKind<Data = SessionData>> Layer<S> for SealedSessionLayer<V, K> {
    type Service = SessionService<TowerSessionService<S, V, K>, K>;

    fn layer(&self, inner: S) -> Self::Service {
        let Settings { codec, keep_writes_on_error, .. } = &*self.settings;
        SessionLayer::new(codec.clone())
            .keep_writes_on_error(*keep_writes_on_error)
            .layer(TowerSessionService::new(inner, self.settings.clone()))
    }
}

// Not derived, because that would require the kind to be `Clone` and `Debug` as well.
impl<V: Version, K> Clone for SealedSessionLayer<V, K> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone(), version: PhantomData }
    }
}

impl<V: Version, K> fmt::Debug for SealedSessionLayer<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSessionLayer")
            .field("codec", &self.settings.codec)
            .field("expiry", &self.settings.lifetime)
            .field("always_save", &self.settings.always_save)
            .field("keep_writes_on_error", &self.settings.keep_writes_on_error)
            .finish()
    }
}
