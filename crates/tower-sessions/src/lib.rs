#![cfg_attr(docsrs, feature(doc_cfg))]
//! tower-sessions without a session store: the record of a `tower_sessions::Session` lives in a cookie
//! that [`sealed_session`] seals. Handlers and extractors written for tower-sessions run unchanged, and so
//! does axum-login's `AuthSession`.
//!
//! Choose the version that your handlers use, by a feature:
//!
//! | feature | for |
//! |---|---|
//! | `v0_14` | tower-sessions 0.14, and axum-login 0.18, which needs it |
//! | `v0_15` | tower-sessions 0.15 |
//! | `axum` | `Session` is an extractor, also where nothing else turns that on. On by default |
//! | `revocation` | `flush` ends the session on all servers, if the codec has `Revocations` |
//!
//! ```
//! # #[cfg(all(feature = "v0_14", feature = "axum"))]
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, http::StatusCode, routing::get};
//! use sealed_session::{Codec, Key, Keyring};
//! use sealed_session_tower_sessions::{TowerSession, v0_14::SealedSessionLayer};
//! # use sealed_session_tower_sessions::v0_14::tower_sessions_core as tower_sessions;
//! use tower_sessions::{Session, session};
//!
//! async fn visits(session: Session) -> Result<String, StatusCode> {
//!     let visits = session.get::<u32>("visits").await.map_err(failed)?.unwrap_or(0) + 1;
//!     session.insert("visits", visits).await.map_err(failed)?;
//!     Ok(visits.to_string())
//! }
//!
//! fn failed(_: session::Error) -> StatusCode {
//!     StatusCode::INTERNAL_SERVER_ERROR
//! }
//!
//! # let key = Key::generate()?;
//! // let key = Key::from_file("secret-key")?;
//! let codec = Codec::<TowerSession>::new(Keyring::new(key))?;
//! let app: Router = Router::new()
//!     .route("/visits", get(visits))
//!     .layer(SealedSessionLayer::new(codec)); // was: SessionManagerLayer::new(store)
//! # Ok(()) }
//! # #[cfg(all(feature = "v0_14", feature = "axum"))]
//! # example().unwrap();
//! ```
//!
//! # axum-login
//!
//! `AuthManagerLayerBuilder` wants a `SessionManagerLayer`. `AuthManager`, which it builds, does not:
//!
//! ```text
//! let app = routes
//!     .layer(tower::layer::layer_fn(move |inner| AuthManager::new(inner, backend.clone(), "login")))
//!     .layer(SealedSessionLayer::new(codec));
//! ```
//!
//! `examples/axum_login.rs` is a complete program. With tower-sessions 0.15 this compiles, and every
//! request is answered with 500, because axum-login 0.18 looks for the `Session` of 0.14.
//!
//! # What is different
//!
//! | with a store | with a sealed cookie |
//! |---|---|
//! | a record of any size | about 3 kB. `session.save()` says so in the handler; if the handler does not call it, the response becomes a 500, as for any session that tower-sessions cannot save, and the browser keeps the session that it has. A handler that answers otherwise has to take the data out again, because what is left is saved after it. A `cycle_id` before has ended the old session already |
//! | `flush` and `cycle_id` delete the record | the browser's cookie is removed or replaced. A copy of the old cookie opens until it expires, unless the codec has `Revocations` and this crate the feature `revocation`: then both end the old session on all servers, and are errors if the store of revocations does not confirm it |
//! | two requests at once: the later save wins | the later response wins |
//! | a session lives as long as its record is not older than its expiry, which only a save moves | reading a session keeps it alive as well: it is refreshed when a tenth of its idle timeout has passed |
//! | an expiry that a handler sets is forgotten at the next save | it is sealed with the record, and applies until another is set or the session is flushed |
//! | a cookie that cannot be read is removed | it is left alone, and the session is empty |
//! | `delete`, then a save: the record is there again | `delete` stands: an explicit `save` is an error, and what was changed is not saved at the end. `flush` begins a new session |
//! | `save` in a handler takes effect at once | it takes effect with the response; with a 5xx it does not |
//! | writes after the response are saved | they are errors |
//!
//! The entry `__expiry` is this crate's own. A record without entries is a session all the same, as in
//! tower-sessions.
//!
//! # Ids
//!
//! `Session::id` is the id that `sealed_session` has sealed: the same 16 bytes
//! ([`v0_14::sealed_id`], [`v0_15::sealed_id`]). It is `None` before the first save, stays the same through
//! saves, and changes with `cycle_id`. An id that a client makes up is never taken over. (Under the keys of
//! Node's `@fastify/secure-session`, whose tokens have no id, it is another one for each request.)
//!
//! # Expiry
//!
//! | `Expiry` | the session | its cookie |
//! |---|---|---|
//! | none | the codec's timeouts | the codec's attributes |
//! | `OnSessionEnd` | the codec's timeouts | the codec's attributes, which by default make the browser forget it at its end |
//! | `OnInactivity(d)` | an idle timeout of its own, in whole seconds | `Max-Age` |
//! | `AtDateTime(t)` | ends at `t`, used or not | `Max-Age` |
//!
//! Nothing outlives the codec's absolute timeout. What a layer's
//! [`with_expiry`](SealedSessionLayer::with_expiry) sets beyond it is an error at the start; what a handler
//! sets is cut to it, and the log warns once. What has already passed ends the session. `OnInactivity` and
//! `AtDateTime` need a native key.
//!
//! # While it is not known whether a session was ended
//!
//! Then (see [`SessionErrorKind::Unavailable`](sealed_session::SessionErrorKind)) every call that needs the
//! record is an error, and no cookie leaves. A 500 that comes of it becomes a 503 with `Retry-After`. Until then `Session::id`
//! is a made-up one, which names no session.
//!
//! # Security
//!
//! Sealed data is wiped from memory; tower-sessions' copy of it is not.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![cfg_attr(
    not(any(feature = "v0_14", feature = "v0_15")),
    allow(dead_code, unused_imports, unused_macros, reason = "each version uses it")
)]
#![cfg_attr(
    not(all(feature = "v0_14", feature = "v0_15")),
    allow(rustdoc::broken_intra_doc_links, reason = "links to the other version")
)]

mod data;
mod layer;
mod lifetime;
mod request;
mod service;
mod version;

pub use crate::data::{SessionData, TowerSession};
pub use crate::layer::SealedSessionLayer;
pub use crate::lifetime::ExpiryError;
pub use crate::service::{TowerResponseFuture, TowerSessionService};
pub use crate::version::Version;

#[cfg(feature = "v0_14")]
version::version!(v0_14, tower_sessions_core_0_14, "0.14");
#[cfg(feature = "v0_15")]
version::version!(v0_15, tower_sessions_core_0_15, "0.15");

/// The programs in README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
