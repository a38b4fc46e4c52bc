//! axum extractors: `Session<K>`, `Current<K>`, `Peek<K>`, their `Option`s, and the responses without
//! a session.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::adapter;
use crate::error::{DecodeErrorKind, SessionError, SessionRejection};
use crate::kind::SessionKind;
use crate::logging;
use crate::middleware::cookie_names;
use crate::session::{LayerConflict, Session};

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

impl IntoResponse for SessionRejection {
    /// The rejection itself is in the response's extensions, so that a middleware can answer otherwise.
    fn into_response(self) -> Response {
        if self.is_mistake() {
            logging::rejected(&self);
        }
        let mut response = answer(self.status(), self.public_text().to_owned());
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        logging::failed(&self);
        let body = "the session could not be used";
        let mut response = answer(self.status(), body.to_owned());
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

/// While it is not known which sessions have ended, the clients do not all come back at once.
fn answer(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from(adapter::retry_after());
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

fn session<K: SessionKind>(parts: &Parts) -> Result<Session<K>, SessionRejection> {
    if let Some(clash) = parts.extensions.get::<LayerConflict>() {
        let reason = clash.to_string();
        return Err(SessionRejection::ClashingLayers { reason });
    }
    let session = parts.extensions.get::<Session<K>>().cloned();
    session.ok_or_else(|| SessionRejection::missing::<K>(cookie_names(&parts.extensions)))
}
