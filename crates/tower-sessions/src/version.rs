//! `Version`: what differs between the versions of tower-sessions. One macro writes it for all of them.

use std::sync::Arc;

use sealed_session::SessionKind;

use crate::data::SessionData;
use crate::lifetime::Lifetime;
use crate::request::Request;

/// A version of tower-sessions: [`v0_14::Tower`](crate::v0_14::Tower) or
/// [`v0_15::Tower`](crate::v0_15::Tower). Only this crate implements it.
pub trait Version: sealed::Sealed + Sized + Send + Sync + 'static {
    /// `tower_sessions::Expiry` of this version.
    type Expiry;

    #[doc(hidden)]
    type Session: Clone + Send + Sync + 'static;

    #[doc(hidden)]
    fn lifetime(expiry: Self::Expiry) -> Lifetime;

    #[doc(hidden)]
    fn random_id() -> i128;

    /// The session for the request. While it lives, so does what the store knows of its expiry.
    #[doc(hidden)]
    fn begin<K: SessionKind<Data = SessionData>>(request: Arc<Request<K>>) -> Arc<Self::Session>;

    #[doc(hidden)]
    fn id(session: &Self::Session) -> Option<i128>;

    #[doc(hidden)]
    fn is_modified(session: &Self::Session) -> bool;

    #[doc(hidden)]
    fn is_empty(session: &Self::Session) -> impl Future<Output = bool> + Send;

    /// Saves the session. The error is for the log.
    #[doc(hidden)]
    fn save(session: &Self::Session) -> impl Future<Output = Result<(), String>> + Send;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

macro_rules! version {
    ($module:ident, $core:ident, $number:literal) => {
        #[doc = concat!("For tower-sessions ", $number, ".")]
        pub mod $module {
            use std::fmt;
            use std::sync::{Arc, OnceLock, Weak};

            use async_trait::async_trait;
            use sealed_session::{SessionId, SessionKind};
            use time::{Duration, OffsetDateTime};
            use tower_sessions_core::session::{Id, Record};
            use tower_sessions_core::session_store::{Error, Result};
            use tower_sessions_core::{Expiry, Session, SessionStore};
            pub use $core as tower_sessions_core;

            use crate::data::{SessionData, TowerSession};
            use crate::lifetime::Lifetime;
            use crate::request::{self, Request, StoreError};
            use crate::version::{Version, sealed::Sealed};

            #[doc = concat!("The layer for tower-sessions ", $number, ":")]
            /// see [`SealedSessionLayer`](crate::SealedSessionLayer).
            pub type SealedSessionLayer<K = TowerSession> = crate::SealedSessionLayer<Tower, K>;

            #[doc = concat!("tower-sessions ", $number, ", as a type: see [`Version`].")]
            #[derive(Clone, Copy, Debug)]
            pub enum Tower {}

            /// The id by which `sealed_session` names a session of this id: the same bytes. Its log and its
            /// revocations use it.
            ///
            /// ```
            #[doc = concat!("# use sealed_session_tower_sessions::", stringify!($module), "::*;")]
            /// # use tower_sessions_core::session::Id;
            /// let id = Id::default();
            /// assert_eq!(tower_id(sealed_id(id)), id);
            /// ```
            #[must_use]
            pub fn sealed_id(id: Id) -> SessionId {
                request::sealed_id(id.0)
            }

            /// The id by which tower-sessions names a session of this id: for example in the list of a
            /// registry.
            ///
            /// ```
            #[doc = concat!("# use sealed_session_tower_sessions::", stringify!($module), "::*;")]
            /// # use sealed_session::SessionId;
            /// let id = tower_id(SessionId::from_bytes([0; 16]));
            /// assert_eq!(id.to_string(), "A".repeat(22));
            /// ```
            #[must_use]
            pub fn tower_id(id: SessionId) -> Id {
                Id(request::tower_id(id))
            }

            impl Sealed for Tower {}

            impl Version for Tower {
                type Expiry = Expiry;
                type Session = Session;

                fn lifetime(expiry: Expiry) -> Lifetime {
                    match expiry {
                        Expiry::OnSessionEnd => Lifetime::SessionEnd,
                        // A part of a second counts as a whole one.
                        Expiry::OnInactivity(lasts) => Lifetime::Idle(
                            lasts
                                .whole_seconds()
                                .saturating_add(i64::from(lasts.subsec_nanoseconds() > 0)),
                        ),
                        Expiry::AtDateTime(time) => Lifetime::At(time.unix_timestamp()),
                    }
                }

                fn random_id() -> i128 {
                    Id::default().0
                }

                fn begin<K: SessionKind<Data = SessionData>>(
                    request: Arc<Request<K>>,
                ) -> Arc<Session> {
                    let (id, expiry) = (request.id().map(Id), request.lifetime().map(expiry));
                    let store = Arc::new(Store { request, session: OnceLock::new() });
                    let session = Arc::new(Session::new(id, store.clone(), expiry));
                    // Weak, because the session holds the store.
                    let _ = store.session.set(Arc::downgrade(&session));
                    session
                }

                fn id(session: &Session) -> Option<i128> {
                    session.id().map(|id| id.0)
                }

                fn is_modified(session: &Session) -> bool {
                    session.is_modified()
                }

                async fn is_empty(session: &Session) -> bool {
                    session.is_empty().await
                }

                async fn save(session: &Session) -> std::result::Result<(), String> {
                    session.save().await.map_err(|error| error.to_string())
                }
            }

            fn expiry(lifetime: Lifetime) -> Expiry {
                match lifetime {
                    Lifetime::SessionEnd => Expiry::OnSessionEnd,
                    Lifetime::Idle(seconds) => Expiry::OnInactivity(Duration::seconds(seconds)),
                    Lifetime::At(time) => Expiry::AtDateTime(date(time)),
                }
            }

            /// A time that `time` cannot represent is far away.
            fn date(unix_seconds: i64) -> OffsetDateTime {
                OffsetDateTime::from_unix_timestamp(unix_seconds)
                    .unwrap_or(time::PrimitiveDateTime::MAX.assume_utc())
            }

            /// The store of one request's session.
            struct Store<K: SessionKind<Data = SessionData>> {
                request: Arc<Request<K>>,
                /// It alone knows the expiry, of which a record has only the time when it ends.
                session: OnceLock<Weak<Session>>,
            }

            impl<K: SessionKind<Data = SessionData>> Store<K> {
                fn lifetime(&self) -> Option<Lifetime> {
                    let session = self.session.get().and_then(Weak::upgrade);
                    session.and_then(|session| session.expiry()).map(Tower::lifetime)
                }

                /// What follows `flush` is a new session, so it has not the expiry of the old one.
                /// `cycle_id`, which has taken the id away before, keeps it, and `delete`, which
                /// changes nothing, begins nothing.
                fn forget_expiry(&self, deleted: Id) {
                    let session = self.session.get().and_then(Weak::upgrade);
                    let flushed = session
                        .filter(|session| session.id() == Some(deleted) && session.is_modified());
                    if let Some(session) = flushed {
                        session.set_expiry(self.request.layers_lifetime().map(expiry));
                    }
                }
            }

            #[async_trait]
            impl<K: SessionKind<Data = SessionData>> SessionStore for Store<K> {
                async fn create(&self, record: &mut Record) -> Result<()> {
                    let created = self.request.create(record.id.0, &record.data, self.lifetime());
                    record.id = Id(created.map_err(error)?);
                    Ok(())
                }

                async fn save(&self, record: &Record) -> Result<()> {
                    let saved = self.request.save(record.id.0, &record.data, self.lifetime());
                    saved.map_err(error)
                }

                async fn load(&self, id: &Id) -> Result<Option<Record>> {
                    let loaded = self.request.load(id.0).map_err(error)?;
                    Ok(loaded.map(|loaded| Record {
                        id: *id,
                        data: loaded.data,
                        expiry_date: date(loaded.expires_at),
                    }))
                }

                async fn delete(&self, id: &Id) -> Result<()> {
                    self.request.delete(id.0).await.map_err(error)?;
                    self.forget_expiry(*id);
                    Ok(())
                }
            }

            fn error(error: StoreError) -> Error {
                match error {
                    StoreError::Encode(text) => Error::Encode(text),
                    StoreError::Decode(text) => Error::Decode(text),
                    StoreError::Backend(text) => Error::Backend(text),
                }
            }

            impl<K: SessionKind<Data = SessionData>> fmt::Debug for Store<K> {
                /// Nothing of the session.
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct("Store").finish_non_exhaustive()
                }
            }
        }
    };
}

pub(crate) use version;
