#![cfg_attr(docsrs, feature(doc_cfg))]
//! Web sessions that live in the browser, sealed, for actix-web: the middleware and the extractors of
//! [`sealed_session`].
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use sealed_session::{Codec, Dynamic, Key, Keyring};
//! use sealed_session_actix::{Session, SessionError, SessionMiddleware};
//!
//! async fn visits(session: Session) -> Result<String, SessionError> {
//!     let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
//!     session.insert("visits", visits)?; // too large for a cookie? the error is here
//!     Ok(visits.to_string())
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Once, not for each worker: all of them share the codec and its keys.
//!     let codec = Codec::<Dynamic>::new(Keyring::new(Key::from_file("secret-key")?))?;
//!     HttpServer::new(move || {
//!         App::new()
//!             .wrap(SessionMiddleware::new(codec.clone()))
//!             .route("/visits", web::get().to(visits))
//!     })
//!     .bind("127.0.0.1:3000")?
//!     .run()
//!     .await?;
//!     Ok(())
//! }
//! ```
//!
//! Keys, codecs, expiry, rotation, log-ins and the methods of a session are those of [`sealed_session`], and its
//! [guide](sealed_session::guide) applies. Its programs are for axum; here the names are these:
//!
//! | axum | actix-web |
//! |---|---|
//! | `sealed_session::Session<K>` | [`Session<K>`](Session), which has the methods of the other |
//! | `Current<K>`, `Peek<K>` | [`Current<K>`](Current), [`Peek<K>`](Peek) |
//! | `Option<Current<K>>` | [`Maybe<Current<K>>`](Maybe) |
//! | `Result<Current<K>, SessionRejection>` | `Result<Current<K>, Rejection>` |
//! | `Result<_, SessionError>` of a handler | the same with [`SessionError`] of this crate |
//! | `.layer(SessionLayer::new(codec))` | `.wrap(SessionMiddleware::new(codec))` |
//!
//! # A log-in
//!
//! ```
//! use actix_web::http::header::LOCATION;
//! use actix_web::{HttpResponse, web};
//! use sealed_session::SessionKind;
//! use sealed_session_actix::{Current, Maybe, Session, SessionError};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Clone)]
//! struct Login { user_id: u64 }
//! impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
//!
//! async fn log_in(session: Session<Login>) -> Result<HttpResponse, SessionError> {
//!     session.regenerate(); // nothing of the anonymous session survives a log-in
//!     session.set(Login { user_id: 7 })?;
//!     Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/")).finish())
//! }
//! async fn me(Current(login): Current<Login>) -> String { login.user_id.to_string() } // 401 if absent
//! async fn home(Maybe(login): Maybe<Current<Login>>) -> &'static str {
//!     if login.is_some() { "in" } else { "out" }
//! }
//! async fn log_out(session: Session<Login>) -> &'static str { session.delete(); "bye" }
//! # let _ = |config: &mut web::ServiceConfig| {
//! #     config.route("/log-in", web::post().to(log_in)).route("/me", web::get().to(me))
//! #         .route("/", web::get().to(home)).route("/log-out", web::post().to(log_out));
//! # };
//! ```
//!
//! To send whoever is not logged in to the log-in page, see [`Rejection`].
//!
//! # In a middleware
//!
//! The extractors work in [`actix_web::middleware::from_fn`] as well. Register such a middleware *before* the
//! [`SessionMiddleware`]: what `wrap` adds last sees a request first.
//!
//! ```
//! # use actix_web::body::MessageBody;
//! # use actix_web::dev::{ServiceRequest, ServiceResponse};
//! # use actix_web::middleware::{Next, from_fn};
//! # use actix_web::{App, Error};
//! # use sealed_session::{Codec, Key, Keyring, SessionKind};
//! # use sealed_session_actix::{Current, SessionMiddleware};
//! # #[derive(serde::Serialize, serde::Deserialize, Clone)]
//! # struct Login { user_id: u64 }
//! # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
//! # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
//! async fn only_users(
//!     _login: Current<Login>, // 401 for everybody else
//!     request: ServiceRequest,
//!     next: Next<impl MessageBody>,
//! ) -> Result<ServiceResponse<impl MessageBody>, Error> {
//!     next.call(request).await
//! }
//! let app = App::new().wrap(from_fn(only_users)).wrap(SessionMiddleware::new(codec.clone()));
//! # let _ = app;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod error;
mod extract;
mod headers;
mod middleware;

pub use self::error::{Rejection, SessionError};
pub use self::extract::{Current, Maybe, Peek, Session};
pub use self::middleware::{ResponseFuture, SessionMiddleware, SessionService};

/// Its program is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
