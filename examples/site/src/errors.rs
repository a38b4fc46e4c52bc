//! Every failure becomes a page, and “log in first” a redirect. What went wrong goes to the log; the visitor
//! reads what can be done.

use std::sync::Arc;

use askama::Template;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use sealed_session::{RevocationError, SessionError, SessionErrorKind, SessionRejection};
use tower_http::csrf::ProtectionError;

use crate::accounts::AccountError;
use crate::next::Next;

/// Why a handler did not answer.
pub(crate) enum Failure {
    /// No session, or nobody can tell at the moment.
    Rejected(SessionRejection),
    Session(SessionError),
    /// The password has to be entered once more.
    NotConfirmed,
    Forbidden,
    NotFound,
    Internal(AccountError),
}

/// In a response's extensions: see `Failure::NotConfirmed`.
#[derive(Clone)]
struct NotConfirmed;

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Rejected(rejection) => rejection.into_response(),
            Self::Session(error) => error.into_response(),
            Self::NotConfirmed => {
                let mut response = StatusCode::FORBIDDEN.into_response();
                response.extensions_mut().insert(NotConfirmed);
                response
            }
            Self::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Internal(error) => {
                eprintln!("error: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl From<SessionRejection> for Failure {
    fn from(rejection: SessionRejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<RevocationError> for Failure {
    fn from(error: RevocationError) -> Self {
        Self::Session(error.into())
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        Self::Internal(error)
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.into())
    }
}

pub(crate) async fn not_found() -> Failure {
    Failure::NotFound
}

/// A middleware. The library leaves in a response why it failed, whichever handler or extractor it was, so
/// that one place can say it in the site's own way.
pub(crate) async fn explain(request: Request, next: middleware::Next) -> Response {
    let here = Next::from(request.uri().to_string());
    let response = next.run(request).await;
    let why = response.extensions();
    if matches!(why.get(), Some(SessionRejection::NoSession)) || was_ended(&response) {
        return Redirect::to(&here.after("/log-in")).into_response();
    }
    if why.get::<NotConfirmed>().is_some() {
        return Redirect::to(&here.after("/confirm")).into_response();
    }
    let status = response.status();
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|is| is.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    problem_page(response)
}

/// The session ended, by another request, while this one was under way.
fn was_ended(response: &Response) -> bool {
    let error = response.extensions().get::<Arc<SessionError>>();
    error.is_some_and(|error| *error.kind() == SessionErrorKind::Ended)
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    title: &'static str,
    text: &'static str,
}

/// The same response, with a page as its body. Its headers stay, among them `Retry-After` and `Allow`.
fn problem_page(mut response: Response) -> Response {
    let (title, text) = match response.status() {
        StatusCode::FORBIDDEN if response.extensions().get::<ProtectionError>().is_some() => (
            "This form came from another site",
            "We did nothing. If you meant to, please do it on our own page.",
        ),
        StatusCode::FORBIDDEN => ("Not for you", "This page is for the administrator."),
        StatusCode::NOT_FOUND => ("Nothing here", "There is no such page."),
        StatusCode::SERVICE_UNAVAILABLE => (
            "Please try again in a moment",
            "We cannot tell right now who is logged in. You do not have to log in again.",
        ),
        status if status.is_client_error() => {
            ("We do not understand that", "Please go back and try again.")
        }
        _ => ("Something went wrong", "It is our fault, and in our log. Please try again."),
    };
    let Ok(page) = (ProblemPage { title, text }).render() else { return response };
    *response.body_mut() = page.into();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}
