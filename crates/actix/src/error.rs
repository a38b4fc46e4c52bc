//! `Rejection` and `SessionError`: the errors of `sealed_session` as errors of actix-web, with their responses.
//!
//! No response says anything about the session; the log says what was wrong.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use sealed_session::{SessionRejection, adapter};

/// Why an extractor has no session for a handler: the error of [`Session`](crate::Session),
/// [`Current`](crate::Current), [`Peek`](crate::Peek) and [`Maybe`](crate::Maybe).
///
/// It answers 401 if there is no session, 503 with `Retry-After` while it is not known whether the session was
/// ended, and 500 if the program is wrong: the log then says what is.
///
/// ```
/// use actix_web::http::header::LOCATION;
/// use actix_web::{HttpResponse, ResponseError as _};
/// use sealed_session::SessionRejection;
/// use sealed_session_actix::{Current, Rejection};
/// # use sealed_session::SessionKind;
/// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
///
/// async fn me(login: Result<Current<Login>, Rejection>) -> HttpResponse {
///     match login {
///         Ok(login) => HttpResponse::Ok().body(format!("user {}", login.user_id)),
///         Err(Rejection(SessionRejection::NoSession)) => {
///             HttpResponse::SeeOther().insert_header((LOCATION, "/log-in")).finish()
///         }
///         Err(other) => other.error_response(),
///     }
/// }
/// ```
///
/// For all routes at once, with actix-web's `ErrorHandlers`:
///
/// ```
/// use actix_web::dev::ServiceResponse;
/// use actix_web::http::StatusCode;
/// use actix_web::http::header::LOCATION;
/// use actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers};
/// use actix_web::{App, HttpResponse};
/// use sealed_session::SessionRejection;
/// use sealed_session_actix::Rejection;
/// # use sealed_session::{Codec, Dynamic, Key, Keyring};
/// # use sealed_session_actix::SessionMiddleware;
///
/// fn ask_to_log_in<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
///     let error = response.response().error();
///     let rejection = error.and_then(|error| error.as_error::<Rejection>());
///     Ok(ErrorHandlerResponse::Response(match rejection {
///         Some(Rejection(SessionRejection::NoSession)) => {
///             let (request, _) = response.into_parts();
///             let to_log_in = HttpResponse::SeeOther().insert_header((LOCATION, "/log-in")).finish();
///             ServiceResponse::new(request, to_log_in).map_into_right_body()
///         }
///         _ => response.map_into_left_body(),
///     }))
/// }
///
/// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
/// let app = App::new()
///     .wrap(ErrorHandlers::new().handler(StatusCode::UNAUTHORIZED, ask_to_log_in))
///     .wrap(SessionMiddleware::new(codec));
/// # let _ = app;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection(
    /// What is wrong.
    pub SessionRejection,
);

impl Deref for Rejection {
    type Target = SessionRejection;

    fn deref(&self) -> &SessionRejection {
        &self.0
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SessionRejection::MissingLayer { kind, present, .. } = &self.0 else {
            return self.0.fmt(f);
        };
        write!(
            f,
            "no SessionMiddleware for `{kind}` on this route: add \
             `.wrap(SessionMiddleware::new(codec))` with a `Codec::<{}>` to the App or the scope",
            kind.rsplit("::").next().unwrap_or(kind)
        )?;
        if !present.is_empty() {
            write!(f, " (there are some for the cookies {})", present.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        status(self.status())
    }

    fn error_response(&self) -> HttpResponse {
        answer(self.status_code(), self.public_text())
    }
}

/// A handler could not read or change its session: [`sealed_session::SessionError`] as an error of actix-web.
///
/// ```
/// use sealed_session_actix::{Session, SessionError};
///
/// async fn set_colour(session: Session) -> Result<&'static str, SessionError> {
///     session.insert("colour", "blue")?;
///     Ok("blue")
/// }
/// ```
///
/// It answers 401 if the session was ended, 503 with `Retry-After` while that is not known, and otherwise 500. The
/// log has the error; the response says nothing about the session. A middleware finds it with
/// `response.response().error()` and [`as_error`](actix_web::Error::as_error).
///
/// In a handler that returns [`actix_web::Result`], `?` cannot convert two times: write
/// `session.insert("colour", "blue").map_err(SessionError::from)?`.
#[derive(Debug)]
pub struct SessionError {
    error: sealed_session::SessionError,
    /// It was logged: actix-web may ask more than once for the response.
    logged: AtomicBool,
}

impl SessionError {
    /// The error, which knows nothing of actix-web.
    ///
    /// ```
    /// # use sealed_session_actix::SessionError;
    /// fn cause(error: SessionError) -> sealed_session::SessionError {
    ///     error.into_inner()
    /// }
    /// ```
    #[must_use]
    pub fn into_inner(self) -> sealed_session::SessionError {
        self.error
    }
}

impl<E: Into<sealed_session::SessionError>> From<E> for SessionError {
    fn from(error: E) -> Self {
        Self { error: error.into(), logged: AtomicBool::new(false) }
    }
}

impl Deref for SessionError {
    type Target = sealed_session::SessionError;

    fn deref(&self) -> &Self::Target {
        &self.error
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl ResponseError for SessionError {
    fn status_code(&self) -> StatusCode {
        status(self.error.status())
    }

    fn error_response(&self) -> HttpResponse {
        if !self.logged.swap(true, Ordering::Relaxed) {
            log(self);
        }
        answer(self.status_code(), "the session could not be used")
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// While it is not known which sessions have ended, the clients do not all come back at once.
fn answer(status: StatusCode, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header(ContentType::plaintext());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((RETRY_AFTER, adapter::retry_after()));
    }
    response.body(text)
}

/// The target is that of sealed-session, for a subscriber's filter.
pub(crate) fn log(error: &dyn fmt::Display) {
    tracing::error!(target: "sealed_session", "{error}");
}
