//! Web sessions that live in the browser, sealed.
//!
//! A session is serialized to JSON, sealed with XSalsa20-Poly1305 (NaCl's *secretbox*) and sent as a
//! cookie; the next request brings it back. The server stores nothing, and every server that holds
//! the key can open it. Nobody else can read, change or create a session, and its expiry is stored
//! inside the seal.
//!
//! The limits of cookies apply: a copy of a cookie opens until it expires or is
//! [ended](guide::ending_sessions), the later of two parallel responses wins, and a session holds about
//! 3 kB. The [threat model](guide::threat_model) has the whole list.
//!
//! # Contents
//!
//! - [Start](#start), [typed sessions](#typed-sessions), [several sessions](#several-sessions),
//!   [expiry and cookie attributes](#expiry-and-cookie-attributes), [rotation](#rotation),
//!   [a key from a passphrase](#a-key-from-a-passphrase), [outside HTTP](#outside-http),
//!   [tests](#tests), [ending sessions](#ending-sessions), [interoperating with Node](#interoperating-with-node)
//! - [Features](#features)
//! - The guide: [log in, “remember me”, log out](guide::log_in), [roles](guide::roles), [CSRF](guide::csrf),
//!   [flash messages](guide::flash), [a cart](guide::cart), [re-authentication](guide::reauthentication),
//!   [rotation](guide::rotation), [rotation in production](guide::rotation_in_production),
//!   [expiry](guide::expiry), [ending sessions](guide::ending_sessions),
//!   [several sessions](guide::several_sessions), [OAuth](guide::oauth), [websockets and streams](guide::websockets),
//!   [testing](guide::testing), [deployment](guide::deployment),
//!   [moving from Node](guide::moving_from_node), [the threat model](guide::threat_model)
//!
//! # Start
//!
//! `cargo run --bin genkey -- --output secret-key`, in this crate's repository, generates a key file
//! that only you can read. Then:
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use sealed_session::{Codec, Dynamic, Key, Keyring, Session, SessionError, SessionLayer};
//!
//! let keyring = Keyring::new(Key::from_file("secret-key")?);
//! let app = Router::new()
//!     .route("/visits", get(visits))
//!     .layer(SessionLayer::new(Codec::<Dynamic>::new(keyring)?));
//!
//! async fn visits(session: Session) -> Result<String, SessionError> { // Session<Dynamic>
//!     let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
//!     session.insert("visits", visits)?; // too large for a cookie? the error is here
//!     Ok(visits.to_string())
//! }
//! # let _: Router = app;
//! # Ok(()) }
//! ```
//!
//! [`SessionLayer`] gives every request its [`Session`]. If the session has changed, the response
//! sets its cookie. A missing, bad or expired cookie is an empty session, not an error.
//!
//! # Typed sessions
//!
//! A [`SessionKind`] names the type of a session's data and its cookie. [`Current`] extracts the data
//! and answers 401 if there is no session; `Option<Current>` is for pages that anybody may see.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sealed_session::{Current, Session, SessionError, SessionKind};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Clone)]
//! struct Login { user_id: u64 }
//! impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
//!
//! async fn log_in(session: Session<Login>, remember: bool) -> Result<(), SessionError> {
//!     session.regenerate();                // nothing of the anonymous session survives
//!     session.set(Login { user_id: 7 })?;
//!     if remember { session.remember()?; } // needs `CodecBuilder::remember_timeout`
//!     Ok(())
//! }
//! async fn me(Current(login): Current<Login>) -> String { login.user_id.to_string() }
//! async fn home(login: Option<Current<Login>>) -> &'static str {
//!     if login.is_some() { "in" } else { "out" }
//! }
//! async fn log_out(session: Session<Login>) { session.delete(); }
//! # let keyring = sealed_session::Keyring::new(sealed_session::Key::generate()?);
//! # let layer = sealed_session::SessionLayer::new(sealed_session::Codec::<Login>::new(keyring)?);
//! # let app: axum::Router = axum::Router::new()
//! #     .route("/", axum::routing::get(home))
//! #     .route("/me", axum::routing::get(me))
//! #     .route("/in", axum::routing::post(|session| log_in(session, false)))
//! #     .route("/out", axum::routing::post(log_out))
//! #     .layer(layer);
//! # Ok(()) }
//! ```
//!
//! # Several sessions
//!
//! Use one kind per session, even if two hold the same type of data. They may share a keyring: a
//! cookie copied under another session's name does not open. ([More](guide::several_sessions).)
//!
//! ```
//! # #[derive(serde::Serialize, serde::Deserialize, Clone)]
//! # struct Login { user_id: u64 }
//! # impl sealed_session::SessionKind for Login {
//! #     type Data = Self; const NAME: &'static str = "login";
//! # }
//! # type Error = Box<dyn std::error::Error>;
//! # #[cfg(feature = "axum")]
//! # fn example(app: axum::Router, keyring: sealed_session::Keyring) -> Result<(), Error> {
//! use sealed_session::{Codec, SessionKind, SessionLayer};
//!
//! struct Admin;
//! impl SessionKind for Admin { type Data = Login; const NAME: &'static str = "admin"; }
//!
//! let logins = Codec::<Login>::new(keyring.clone())?;
//! let admins = Codec::<Admin>::new(keyring)?;
//! let app = app.layer(SessionLayer::new(logins)).layer(SessionLayer::new(admins));
//! # let _: axum::Router = app;
//! # Ok(()) }
//! ```
//!
//! # Expiry and cookie attributes
//!
//! ```
//! use std::time::Duration;
//! use sealed_session::{Codec, CookieOptions, Key, Keyring, SameSite};
//!
//! # #[derive(serde::Serialize, serde::Deserialize, Clone)]
//! # struct Login { user_id: u64 }
//! # impl sealed_session::SessionKind for Login {
//! #     type Data = Self; const NAME: &'static str = "login";
//! # }
//! # let keyring = Keyring::new(Key::generate()?);
//! let logins = Codec::<Login>::builder(keyring)
//!     .idle_timeout(Duration::from_secs(24 * 60 * 60))
//!     .absolute_timeout(Duration::from_secs(30 * 24 * 60 * 60))
//!     .remember_timeout(Duration::from_secs(30 * 24 * 60 * 60))
//!     .cookie(CookieOptions::host_prefixed().same_site(SameSite::Lax))
//!     .build()?; // a bad combination is an error here, not in a browser
//! # assert_eq!(logins.cookie_name(), "__Host-login");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The first two timeouts are the defaults, and there is no remember timeout by default. `HttpOnly`,
//! `Secure`, `SameSite=Lax` and `Path=/` are set by default. The prefix `__Host-` is recommended.
//! ([More](guide::expiry).)
//!
//! # Rotation
//!
//! List the keys newest first. Old cookies still open and are re-sealed under the newest key.
//! ([More](guide::rotation).)
//!
//! ```
//! use sealed_session::{Codec, Dynamic, Key, KeyError, Keyring};
//!
//! fn rotate(codec: &Codec<Dynamic>) -> Result<(), KeyError> {
//!     let keyring = Keyring::new(Key::from_file("key-2026-11")?)
//!         .with_previous(Key::from_file("key-2026-08")?)?;
//!     codec.replace_keyring(keyring); // also while the server runs
//!     Ok(())
//! }
//! ```
//!
//! With the feature `key-directory`, keys rotate by themselves: the name of each file says from when its
//! key seals, and running servers follow the directory. Every server knows a key before any seals with it.
//!
//! ```no_run
//! # #[cfg(feature = "key-directory")]
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sealed_session::{Codec, Dynamic, KeyDirectory};
//!
//! let keys = KeyDirectory::open("keys")?; // filled by `sealed-session keys rotate keys`
//! let codec = Codec::<Dynamic>::new(keys.keyring())?;
//! # Ok(()) }
//! ```
//!
//! # A key from a passphrase
//!
//! Argon2id at libsodium's MODERATE cost takes about a second and 256 MiB, once, at start-up. A key
//! from `genkey` is stronger.
//!
//! ```
//! # #[cfg(feature = "passphrase")]
//! # fn example() {
//! use sealed_session::{Key, KeyError, Salt};
//!
//! fn key(passphrase: &str, salt: [u8; 16]) -> Result<Key, KeyError> {
//!     Key::from_passphrase(passphrase, &Salt::from_bytes(salt))
//! }
//! # }
//! ```
//!
//! # Outside HTTP
//!
//! Websockets, jobs, links in e-mail, another framework: a [`Codec`] needs no HTTP types.
//! ([More](guide::websockets).)
//!
//! ```
//! use sealed_session::{Codec, Decoded, Key, Keyring};
//!
//! # #[derive(serde::Serialize, serde::Deserialize, Clone)]
//! # struct Login { user_id: u64 }
//! # impl sealed_session::SessionKind for Login {
//! #     type Data = Self; const NAME: &'static str = "login";
//! # }
//! # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
//! let token: String = codec.encode(&Login { user_id: 7 })?;
//! let decoded: Decoded<Login> = codec.decode(&token)?; // data, and info: id, times, key
//! # assert_eq!((decoded.data.user_id, decoded.info.key_index), (7, 0));
//! let decoded = codec.decode_cookie_header(format!("a=b; login={token}"))?;
//! # assert_eq!(decoded.data.user_id, 7);
//! let line = codec.set_cookie(&codec.refresh(&decoded)?)?; // a Set-Cookie header's value
//! # assert!(line.starts_with("login="));
//! let line = codec.remove_cookie();
//! # assert!(line.contains("Max-Age=0"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tests
//!
//! Use a [`TestClock`]. With the feature `testing`, a test makes up the cookie of any session, and reads
//! what a response does with it. ([More](guide::testing).)
//!
//! ```
//! use std::time::Duration;
//! use sealed_session::{Codec, DecodeErrorKind, Key, Keyring, TestClock};
//!
//! # #[derive(serde::Serialize, serde::Deserialize, Clone)]
//! # struct Login { user_id: u64 }
//! # impl sealed_session::SessionKind for Login {
//! #     type Data = Self; const NAME: &'static str = "login";
//! # }
//! # let keyring = Keyring::new(Key::generate()?);
//! let clock = TestClock::at(1_700_000_000);
//! let codec = Codec::<Login>::builder(keyring).clock(clock.clone()).build()?;
//! let token = codec.encode(&Login { user_id: 7 })?;
//! clock.advance(Duration::from_secs(86_400));
//! assert!(matches!(codec.decode(&token).unwrap_err().kind(), DecodeErrorKind::Expired));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```
//! # #[derive(serde::Serialize, serde::Deserialize, Debug)]
//! # struct Login { user_id: u64 }
//! # impl sealed_session::SessionKind for Login {
//! #     type Data = Self; const NAME: &'static str = "login";
//! # }
//! # #[cfg(all(feature = "axum", feature = "testing"))]
//! # async fn example(
//! #     app: axum::Router,
//! #     codec: sealed_session::Codec<Login>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! # use axum::{body::Body, http::Request};
//! # use tower::ServiceExt as _;
//! use sealed_session::testing::{SessionChange, TestCookie};
//!
//! let cookie = TestCookie::new(&codec, Login { user_id: 7 }).remembered().header();
//! let request = Request::post("/log-out").header("cookie", cookie).body(Body::empty())?;
//! let response = app.oneshot(request).await?;
//! SessionChange::of(&codec, response.headers()).assert_removed();
//! # Ok(()) }
//! ```
//!
//! # Interoperating with Node
//!
//! A Node service that keeps its sessions with `@fastify/secure-session` can share them, permanently
//! or until a site has moved. ([More](guide::moving_from_node).)
//!
//! ```
//! # #[cfg(feature = "fastify")]
//! # fn example() {
//! use sealed_session::{Key, KeyError, Keyring};
//!
//! /// Reads and writes Node's cookies.
//! fn share(node: Key) -> Keyring {
//!     Keyring::fastify(node)
//! }
//! /// Reads Node's cookies, and re-seals each as a token of this crate.
//! fn take_over(new: Key, node: Key) -> Result<Keyring, KeyError> {
//!     Keyring::new(new).with_previous_fastify(node)
//! }
//! # }
//! ```
//!
//! # Ending sessions
//!
//! With the feature `revocation`, the server ends a session wherever its cookie was copied to. Openings
//! look into a table of the process, and no request waits for a store. ([More](guide::ending_sessions).)
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "revocation"))]
//! # fn example(keyring: sealed_session::Keyring) -> Result<(), Box<dyn std::error::Error>> {
//! use sealed_session::{Codec, Revocations, Session, SessionError, SessionKind, Tag};
//! # use serde::{Deserialize, Serialize};
//!
//! # #[derive(Serialize, Deserialize, Clone)]
//! # struct Login { user_id: u64 }
//! impl SessionKind for Login {
//!     type Data = Self;
//!     const NAME: &'static str = "login";
//!     fn tags(login: &Self) -> Vec<Tag> { vec![Tag::new("user", login.user_id)] }
//! }
//!
//! let revocations = Revocations::in_memory(); // or in a file, or on Redis
//! let logins = Codec::<Login>::builder(keyring).revocations(&revocations).build()?;
//!
//! async fn log_out(session: Session<Login>) -> Result<(), SessionError> {
//!     session.end().await
//! }
//! async fn log_out_elsewhere(session: Session<Login>, user: Tag) -> Result<(), SessionError> {
//!     session.end_others(&user).await
//! }
//! # let _ = logins;
//! # Ok(()) }
//! ```
//!
//! # Features
//!
//! All features except `key-directory`, `metrics`, `oauth`, `simd`, `revocation`, `registry` and `testing`
//! are on by default. They are additive. Without any feature, keys, keyring and codec remain, with no HTTP
//! and no async.
//!
//! | feature | adds |
//! |---|---|
//! | `axum` | the extractors `Session<K>`, `Current<K>` and `Peek<K>`; implies `tower` |
//! | `tower` | `SessionLayer`, and `Session<K>` in the request's extensions; implies `session` |
//! | `session` | `Session<K>`, without HTTP types, and what an adapter for another framework needs |
//! | `passphrase` | `Key::from_passphrase`, `Salt` |
//! | `fastify` | `Keyring::fastify`, `FastifyKey`: the cookies of Node's `@fastify/secure-session` |
//! | `tracing` | logs: refused and sealed cookies at debug level, mistakes and late writes at error level |
//! | `metrics` | counts what codecs do, by cookie and key, with the `metrics` crate ([more](CodecEvent#metrics)). Off by default |
//! | `cli` | the program `genkey`; implies `passphrase` |
//! | `simd` | computes the same cipher with `dryoc`'s vectorised code. Off by default |
//! | `revocation` | `Revocations`: ends sessions on the server. Off by default |
//! | `registry` | `Registry`: lists a user's sessions; implies `revocation` and `session`. Off by default |
//! | `key-directory` | `KeyDirectory`: keys in files, which rotate by themselves. Off by default |
//! | `oauth` | `OAuthCookies`: what an OAuth or OpenID Connect login keeps until its callback. Off by default |
//! | `testing` | `testing`: for the tests of your application ([more](guide::testing)). Off by default |
//!
//! A library that depends on this crate should use `default-features = false` and name the features
//! that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
// clippy.toml says which, and why.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

// A test of a store uses the public names.
#[cfg(all(test, feature = "registry"))]
extern crate self as sealed_session;

#[cfg(feature = "session")]
pub mod adapter;
mod clock;
#[cfg_attr(
    not(feature = "session"),
    allow(dead_code, unused_imports, reason = "for the session handle")
)]
mod codec;
#[cfg_attr(
    not(feature = "session"),
    allow(dead_code, unused_imports, reason = "for the session handle")
)]
mod cookies;
mod crypto;
mod error;
#[cfg_attr(
    not(feature = "session"),
    allow(dead_code, unused_imports, reason = "for the session handle")
)]
mod events;
#[cfg(feature = "axum")]
mod extract;
pub mod guide;
#[cfg(feature = "key-directory")]
mod key_directory;
#[cfg_attr(
    not(feature = "session"),
    allow(dead_code, unused_imports, reason = "for the session handle")
)]
mod kind;
#[cfg_attr(
    not(feature = "session"),
    allow(dead_code, unused_imports, reason = "for the session handle")
)]
mod logging;
#[cfg(feature = "revocation")]
mod marks;
mod members;
#[cfg(feature = "tower")]
mod middleware;
#[cfg(feature = "oauth")]
mod oauth;
mod plaintext;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(feature = "revocation")]
pub mod revocation;
#[cfg_attr(
    not(feature = "session"),
    allow(dead_code, unused_imports, reason = "for the session handle")
)]
mod scheme;
#[cfg(feature = "session")]
mod session;
mod session_id;
#[cfg_attr(
    not(feature = "session"),
    allow(dead_code, unused_imports, reason = "for the session handle")
)]
mod sync;
#[cfg(feature = "testing")]
pub mod testing;

pub use crate::clock::{Clock, SystemClock, TestClock};
pub use crate::codec::{Codec, CodecBuilder, Decoded, TokenInfo};
pub use crate::cookies::{CookieOptions, SameSite};
#[cfg(feature = "fastify")]
pub use crate::crypto::fastify_key::FastifyKey;
pub use crate::crypto::key::Key;
pub use crate::crypto::key_id::{InvalidKeyId, KeyId};
pub use crate::crypto::keyring::Keyring;
#[cfg(feature = "passphrase")]
pub use crate::crypto::passphrase::Salt;
#[cfg(feature = "session")]
pub use crate::error::SessionRejection;
pub use crate::error::{
    ConfigError, ConfigErrorKind, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind,
    KeyError, KeyErrorKind, KeyLengthHint, SessionError, SessionErrorKind, TooLarge,
};
#[cfg(feature = "oauth")]
pub use crate::error::{OAuthError, OAuthErrorKind};
#[cfg(feature = "revocation")]
pub use crate::error::{RevocationError, RevocationErrorKind};
pub use crate::events::{CodecEvent, CodecEventKind, KeyAge};
#[cfg(feature = "axum")]
pub use crate::extract::{Current, Peek};
#[cfg(feature = "key-directory")]
pub use crate::key_directory::{
    KeyDirectory, KeyDirectoryBuilder, KeyDirectoryStatus, KeyFile, KeyFiles, KeyStatus,
    RotationSettings,
};
pub use crate::kind::{Dynamic, Entries, SessionKind};
#[cfg(feature = "tower")]
pub use crate::middleware::{ResponseFuture, SessionLayer, SessionService};
#[cfg(feature = "oauth")]
pub use crate::oauth::{
    OAuthCookies, OAuthCookiesBuilder, OAuthFinished, OAuthLogin, OAuthStarted,
};
#[cfg(feature = "revocation")]
pub use crate::revocation::{Revocations, Tag};
#[cfg(feature = "session")]
pub use crate::session::{Session, Updated};
pub use crate::session_id::{InvalidSessionId, SessionId};

/// What the hidden method of [`SessionKind`] takes. Not for use outside this crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::kind::Internal;
    pub use crate::plaintext::Json;
}
