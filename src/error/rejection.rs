//! `SessionRejection`: why an extractor has no session for a handler.

use std::any::type_name;
use std::fmt;

use super::{SessionError, SessionErrorKind};

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
///
/// For all routes at once: the response to a rejection has it in its extensions, so that a middleware can
/// answer otherwise, with a redirect or with JSON. Put it inside the session layers: outside of them, its
/// response would be without their cookies.
///
/// ```
/// # use axum::extract::Request;
/// # use axum::middleware::Next;
/// # use axum::response::{IntoResponse, Redirect, Response};
/// # use sealed_session::SessionRejection;
/// async fn ask_to_log_in(request: Request, next: Next) -> Response {
///     let response = next.run(request).await;
///     match response.extensions().get::<SessionRejection>() {
///         Some(SessionRejection::NoSession) => Redirect::to("/log-in").into_response(),
///         _ => response,
///     }
/// }
/// # let _: axum::Router = axum::Router::new().layer(axum::middleware::from_fn(ask_to_log_in));
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
    /// `Current` or `Peek` without a session: 401.
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

impl SessionRejection {
    /// The request has sessions of these cookies, but none of this kind.
    pub(crate) fn missing<'c, K>(present: impl Iterator<Item = &'c str>) -> Self {
        let mut present: Vec<_> = present.map(str::to_owned).collect();
        present.sort_unstable();
        Self::MissingLayer { kind: type_name::<K>(), present }
    }

    /// The status of the response: 401, 500 or 503. With 503 goes `Retry-After`.
    ///
    /// ```
    /// # use sealed_session::SessionRejection;
    /// assert_eq!(SessionRejection::NoSession.status(), 401);
    /// ```
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NoSession => 401,
            Self::Unavailable => 503,
            Self::MissingLayer { .. } | Self::ClashingLayers { .. } => 500,
        }
    }

    /// Whether the program is wrong, rather than the request: then the text is for the log.
    ///
    /// ```
    /// # use sealed_session::SessionRejection;
    /// assert!(!SessionRejection::NoSession.is_mistake());
    /// ```
    #[must_use]
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::MissingLayer { .. } | Self::ClashingLayers { .. })
    }

    /// What the client may read. The names of types and cookies are for the log.
    ///
    /// ```
    /// # use sealed_session::SessionRejection;
    /// assert_eq!(SessionRejection::NoSession.public_text(), "no session");
    /// ```
    #[must_use]
    pub fn public_text(&self) -> &'static str {
        match self {
            Self::NoSession => "no session",
            Self::Unavailable => "it is not known whether the session was ended; try again later",
            Self::MissingLayer { .. } | Self::ClashingLayers { .. } => {
                "the session could not be used: see the server's log"
            }
        }
    }
}

impl SessionError {
    /// The status of the response to a handler that fails with it: 401 for a session that was ended, 503 while
    /// that is not known, otherwise 500. With 503 goes `Retry-After`.
    ///
    /// ```
    /// # use sealed_session::{SessionError, SessionErrorKind};
    /// assert_eq!(SessionError::from(SessionErrorKind::Ended).status(), 401);
    /// ```
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.kind() {
            SessionErrorKind::Unavailable => 503,
            SessionErrorKind::Ended => 401,
            _ => 500,
        }
    }
}
