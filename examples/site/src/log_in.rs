//! Log in, “remember me”, “your session has expired”, log out.
//!
//! What is not here: a limit on how often a password can be tried. It belongs in front of the site, or
//! beside the accounts, but not into the session: whoever tries passwords brings no cookie.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use sealed_session::{DecodeErrorKind, Session};
use serde::Deserialize;

use crate::App;
use crate::errors::Failure;
use crate::next::Next;
use crate::page::{Flash, Page, show};
use crate::sessions::{self, Visit};

#[derive(Template)]
#[template(path = "log_in.html")]
struct LogInPage<'a> {
    page: Page,
    next: Next,
    name: &'a str,
    has_expired: bool,
    is_wrong: bool,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    pub(crate) next: Next,
}

pub(crate) async fn page(
    page: Page,
    session: Session<Visit>,
    Query(Asked { next }): Query<Asked>,
) -> Result<Response, Failure> {
    if page.user.is_some() {
        return Ok(next.redirect().into_response());
    }
    // Why there is no session is for the log. Whoever had one is told only that it is over.
    let has_expired =
        matches!(session.refused(), Some(DecodeErrorKind::Expired | DecodeErrorKind::Ended));
    show(&LogInPage { page, next, name: "", has_expired, is_wrong: false })
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    /// A ticked box sends something, an empty one nothing.
    remember: Option<String>,
    #[serde(default)]
    next: Next,
}

pub(crate) async fn log_in(
    State(app): State<App>,
    page: Page,
    session: Session<Visit>,
    Form(form): Form<Credentials>,
) -> Result<Response, Failure> {
    let Some(account) = app.accounts.log_in(form.name.trim(), &form.password).await? else {
        // One answer for an unknown name and for a wrong password: it does not tell which names exist.
        let (name, next) = (form.name.trim(), form.next);
        let again = show(&LogInPage { page, next, name, has_expired: false, is_wrong: true })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
    };
    sessions::log_in(&session, account.id, form.remember.is_some()).await?;
    session.flash(Flash::done(format!("Welcome back, {}.", account.name)))?;
    Ok(form.next.redirect().into_response())
}

/// Ends the session on the server, so that a copy of its cookie is worth nothing. The cart goes with it:
/// the next visitor may be somebody else.
pub(crate) async fn log_out(session: Session<Visit>) -> Result<Redirect, Failure> {
    session.end().await?;
    session.flash(Flash::done("You are logged out."))?;
    Ok(Redirect::to("/"))
}
