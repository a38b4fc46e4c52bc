//! The demo's responses: a page or plain text, redirects, problems, and the headers of all of them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use sealed_session::{EncodeErrorKind, SessionError, SessionErrorKind};

use crate::sessions::{App, Theme};
use crate::{page, plain};

const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    // The page shows a cookie, so no cache may keep it.
    (header::CACHE_CONTROL, "no-store"),
    (header::VARY, "Accept"),
];

/// The format that the client asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Page,
    Text,
}

impl Format {
    fn of(headers: &HeaderMap) -> Self {
        let accepts = |media_type: &str| {
            headers
                .get_all(header::ACCEPT)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .filter_map(|range| range.split(';').next())
                .any(|range| range.trim().eq_ignore_ascii_case(media_type))
        };
        // Browsers ask for HTML by name. Curl accepts anything.
        if accepts("text/html") { Self::Page } else { Self::Text }
    }
}

impl<S: Sync> FromRequestParts<S> for Format {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

/// The response to a form: a redirect (303) to the page. Curl does not follow it and shows the text.
pub(crate) struct Done {
    pub(crate) location: &'static str,
    pub(crate) text: String,
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let location = [(header::LOCATION, self.location)];
        (StatusCode::SEE_OTHER, location, self.text + "\n").into_response()
    }
}

/// A request that failed. [`finish`] writes it as a page or as text.
#[derive(Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) text: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, title, text }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<FormRejection> for Problem {
    fn from(rejection: FormRejection) -> Self {
        let title = "The form could not be read";
        Self::new(rejection.status(), title, rejection.body_text())
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error.kind() {
            SessionErrorKind::Encode(EncodeErrorKind::TooLarge(size)) => Self::new(
                StatusCode::BAD_REQUEST,
                "That is too long for a cookie",
                format!(
                    "The cookie would have {} bytes, but a browser stores at most {}. Please choose a \
                     name that is at least {} bytes shorter.",
                    size.size,
                    size.limit,
                    // Four characters of the cookie are three bytes of the session.
                    ((size.size - size.limit) * 3).div_ceil(4),
                ),
            ),
            _ => Self::internal(&error),
        }
    }
}

impl Problem {
    /// The cause is for the terminal, not for the client.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        eprintln!("error: {}", chain(error));
        let title = "Something went wrong";
        let text = "The terminal in which the demo runs shows the reason.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, title, text)
    }
}

/// Writes the body of a problem in the client's format, and the headers that all responses have.
pub(crate) async fn finish(
    State(app): State<Arc<App>>,
    format: Format,
    request: Request,
    next: Next,
) -> Response {
    let cookies = request.headers().get(header::COOKIE).cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let (body, content_type) = match format {
            Format::Page => (
                page::problem(&problem, theme(&app, cookies.as_ref())).into_string(),
                "text/html; charset=utf-8",
            ),
            Format::Text => (plain::problem(&problem), "text/plain; charset=utf-8"),
        };
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        if name == header::VARY {
            response.headers_mut().append(name, value);
        } else {
            response.headers_mut().entry(name).or_insert(value);
        }
    }
    response
}

/// Outside the session layers there is no session handle, so the codec decodes the header directly.
fn theme(app: &App, cookies: Option<&HeaderValue>) -> Theme {
    cookies
        .and_then(|cookies| app.preferences.decode_cookie_header(cookies).ok())
        .map(|decoded| decoded.data.theme)
        .unwrap_or_default()
}

/// Refuses forms that another site sends. Browsers send `Sec-Fetch-Site`. Other clients do not, and
/// they have no cookies that a site could abuse.
pub(crate) async fn own_forms_only(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    let own = site.is_none_or(|site| site == "same-origin" || site == "none");
    if own || request.method() == Method::GET || request.method() == Method::HEAD {
        return next.run(request).await;
    }
    let title = "This form came from another site";
    Problem::new(StatusCode::FORBIDDEN, title, "Only the demo's own page may send it.")
        .into_response()
}

/// A page or a text, depending on the format.
pub(crate) fn page_or_text(
    format: Format,
    page: impl FnOnce() -> crate::html::Html,
    text: impl FnOnce() -> String,
) -> Response {
    match format {
        Format::Page => Html(page().into_string()).into_response(),
        Format::Text => text().into_response(),
    }
}

/// An operation that failed, and its cause.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    cause: Box<dyn Error + Send + Sync>,
}

impl Failure {
    pub(crate) fn new(what: String, cause: impl Error + Send + Sync + 'static) -> Self {
        let cause = Box::new(cause);
        Self { what, cause }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": caused by ")
}
