//! The password once more, before a dangerous step (re-authentication; OWASP ASVS 5.0, 7.5.1 and 7.5.3). `Confirmed`
//! sends here whoever has logged in more than a few minutes ago.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sealed_session::Session;
use serde::Deserialize;

use crate::App;
use crate::errors::Failure;
use crate::log_in::Asked;
use crate::next::Next;
use crate::page::{Page, show};
use crate::roles::User;
use crate::sessions::{self, Visit};

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    page: Page,
    next: Next,
    name: String,
    is_wrong: bool,
}

pub(crate) async fn page(
    User(account): User,
    page: Page,
    Query(Asked { next }): Query<Asked>,
) -> Result<Response, Failure> {
    show(&ConfirmPage { page, next, name: account.name, is_wrong: false })
}

#[derive(Deserialize)]
pub(crate) struct Confirmation {
    password: String,
    #[serde(default)]
    next: Next,
}

pub(crate) async fn confirm(
    State(app): State<App>,
    User(account): User,
    page: Page,
    session: Session<Visit>,
    Form(Confirmation { password, next }): Form<Confirmation>,
) -> Result<Response, Failure> {
    if app.accounts.log_in(&account.name, &password).await?.is_none() {
        let again = show(&ConfirmPage { page, next, name: account.name, is_wrong: true })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
    }
    let remember = sessions::is_remembered(&session);
    sessions::confirm(&session, account.id, remember).await?;
    Ok(next.redirect().into_response())
}
