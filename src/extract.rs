//! axum extractors: `Session<K>`, `Current<K>`, `Peek<K>`, their `Option`s, and the responses without
//! a session.

use std::any::type_name;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::error::{DecodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::SessionKind;
use crate::logging;
use crate::middleware::{LayerConflict, cookie_names};
use crate::session::Session;

/// The data of a session that must be there: an extractor that answers 401 Unauthorized if it is
/// not. `Option<Current<K>>` is `None` instead.
///
/// ```
/// # use sealed_session::{Current, SessionKind};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// async fn me(Current(login): Current<Login>) -> String {
///     login.user_id.to_string()
/// }
/// async fn home(login: Option<Current<Login>>) -> &'static str {
///     if login.is_some() { "in" } else { "out" }
/// }
/// ```
///
/// For another response than the plain 401, take the `Option` and redirect.
pub struct Current<K: SessionKind>(
    /// The data at the time when the extractor ran.
    pub K::Data,
);

/// Like [`Current`], but it does not count as activity, so the session is not refreshed. Use it for
/// requests that the user did not cause, such as those of a page that polls. `Option<Peek<K>>` is
/// `None` if there is no session.
///
/// ```
/// # use sealed_session::{Peek, SessionKind};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// async fn unread_messages(Peek(login): Peek<Login>) -> String {
///     format!("messages of user {}", login.user_id)
/// }
/// ```
pub struct Peek<K: SessionKind>(
    /// The data at the time when the extractor ran.
    pub K::Data,
);

/// What `Current` and `Peek` have in common: they differ in how they read the session.
macro_rules! data_extractor {
    ($extractor:ident, $read:ident) => {
        impl<K: SessionKind> Deref for $extractor<K> {
            type Target = K::Data;

            fn deref(&self) -> &K::Data {
                &self.0
            }
        }

        impl<K: SessionKind> DerefMut for $extractor<K> {
            /// Changes this copy of the data; the session is not changed.
            fn deref_mut(&mut self) -> &mut K::Data {
                &mut self.0
            }
        }

        impl<K: SessionKind<Data: Clone>> Clone for $extractor<K> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<K: SessionKind> fmt::Debug for $extractor<K> {
            /// The kind's name; nothing of the data.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($extractor))
                    .field("kind", &K::NAME)
                    .finish_non_exhaustive()
            }
        }

        impl<S: Sync, K: SessionKind> FromRequestParts<S> for $extractor<K> {
            type Rejection = SessionRejection;

            async fn from_request_parts(
                parts: &mut Parts,
                state: &S,
            ) -> Result<Self, SessionRejection> {
                let data = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state);
                data.await?.ok_or(SessionRejection::NoSession)
            }
        }

        impl<S: Sync, K: SessionKind> OptionalFromRequestParts<S> for $extractor<K> {
            type Rejection = SessionRejection;

            /// `None` if there is no session; a missing layer is still an error.
            async fn from_request_parts(
                parts: &mut Parts,
                _state: &S,
            ) -> Result<Option<Self>, SessionRejection> {
                let session = available::<K>(parts)?;
                let data = session.$read();
                // A kind that has data before anything is written (`Dynamic`) can be empty all the
                // same.
                Ok(data.filter(|data| !K::is_empty(data)).map(Self))
            }
        }
    };
}

data_extractor!(Current, data);
data_extractor!(Peek, peek_data);

/// Why a session could not be extracted.
///
/// ```
/// # use axum::response::{IntoResponse, Redirect, Response};
/// # use sealed_session::{Current, SessionKind, SessionRejection};
/// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// async fn me(login: Result<Current<Login>, SessionRejection>) -> Response {
///     match login {
///         Ok(login) => format!("user {}", login.user_id).into_response(),
///         Err(SessionRejection::NoSession) => Redirect::to("/log-in").into_response(),
///         Err(mistake) => mistake.into_response(),
///     }
/// }
/// # let _ = axum::routing::get::<_, _, ()>(me);
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionRejection {
    /// The request passed no layer of this kind: 500. The log says which layer to add.
    #[non_exhaustive]
    MissingLayer {
        /// The kind's type.
        kind: &'static str,
        /// The names of the cookies whose session layers the request did pass, in alphabetical order.
        present: Vec<String>,
    },
    /// The request passed two layers of one cookie or one kind, or two that share a fastify key: 500.
    /// The log says which.
    #[non_exhaustive]
    ClashingLayers {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// [`Current`] without a session: 401.
    NoSession,
    /// It is not known whether the session was ended: 503, with `Retry-After`. The cookie stays as it
    /// is.
    Unavailable,
}

impl fmt::Display for SessionRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingLayer { kind, present } => {
                write!(
                    f,
                    "no SessionLayer for `{kind}` on this route: add \
                     `.layer(SessionLayer::new(Codec::<{}>::new(keyring)?))` after its routes",
                    kind.rsplit("::").next().unwrap_or(kind)
                )?;
                if !present.is_empty() {
                    write!(f, " (there are layers for the cookies {})", present.join(", "))?;
                }
                Ok(())
            }
            Self::ClashingLayers { reason } => f.write_str(reason),
            Self::NoSession => f.write_str("no session"),
            Self::Unavailable => SessionErrorKind::Unavailable.fmt(f),
        }
    }
}

impl std::error::Error for SessionRejection {}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoSession => (StatusCode::UNAUTHORIZED, self.to_string()).into_response(),
            Self::Unavailable => unavailable(self.to_string()),
            // The client sees the body; names of types and cookies are for the log.
            Self::MissingLayer { .. } | Self::ClashingLayers { .. } => {
                logging::rejected(&self);
                let body = "the session could not be used: see the server's log";
                (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
            }
        }
    }
}

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        logging::failed(&self);
        let body = "the session could not be used";
        let mut response = match self.kind() {
            SessionErrorKind::Unavailable => unavailable(body.to_owned()),
            SessionErrorKind::Ended => (StatusCode::UNAUTHORIZED, body).into_response(),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, body).into_response(),
        };
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl<S: Sync, K: SessionKind> FromRequestParts<S> for Session<K> {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        session(parts)
    }
}

impl<S: Sync, K: SessionKind> OptionalFromRequestParts<S> for Session<K> {
    type Rejection = SessionRejection;

    /// `None` if there is no session; a missing layer is still an error.
    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, SessionRejection> {
        Ok(Some(available(parts)?).filter(|session: &Self| !session.is_empty()))
    }
}

/// The session, unless it is not known whether it was ended.
fn available<K: SessionKind>(parts: &Parts) -> Result<Session<K>, SessionRejection> {
    let session = session::<K>(parts)?;
    match session.refused() {
        Some(DecodeErrorKind::Unavailable) => Err(SessionRejection::Unavailable),
        _ => Ok(session),
    }
}

/// The response while it is not known which sessions have ended. The clients do not all come back at
/// once.
fn unavailable(body: String) -> Response {
    let random = RandomState::new().build_hasher().finish();
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(2 + random % 9));
    response
}

fn session<K: SessionKind>(parts: &Parts) -> Result<Session<K>, SessionRejection> {
    if let Some(clash) = parts.extensions.get::<LayerConflict>() {
        let reason = clash.to_string();
        return Err(SessionRejection::ClashingLayers { reason });
    }
    parts.extensions.get::<Session<K>>().cloned().ok_or_else(|| {
        let mut present: Vec<_> = cookie_names(&parts.extensions).map(str::to_owned).collect();
        present.sort_unstable();
        SessionRejection::MissingLayer { kind: type_name::<K>(), present }
    })
}
