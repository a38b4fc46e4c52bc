//! A new password, log out everywhere else, delete the account. Who changes the password enters the old one
//! (OWASP ASVS 5.0, 6.2.3); for the other two it must have been entered lately.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use sealed_session::Session;
use serde::Deserialize;

use crate::App;
use crate::errors::Failure;
use crate::page::{Flash, Page, show};
use crate::passwords::{self, SHORTEST};
use crate::roles::{Confirmed, User};
use crate::sessions::{self, Visit, user_tag};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    page: Page,
    name: String,
}

pub(crate) async fn page(User(account): User, page: Page) -> Result<Response, Failure> {
    show(&SettingsPage { page, name: account.name })
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    page: Page,
    name: String,
    current_problem: Option<&'static str>,
    new_problem: Option<&'static str>,
}

pub(crate) async fn password_page(User(account): User, page: Page) -> Result<Response, Failure> {
    show(&PasswordPage { page, name: account.name, current_problem: None, new_problem: None })
}

#[derive(Deserialize)]
pub(crate) struct NewPassword {
    current: String,
    new: String,
}

pub(crate) async fn change_password(
    State(app): State<App>,
    User(account): User,
    page: Page,
    session: Session<Visit>,
    Form(form): Form<NewPassword>,
) -> Result<Response, Failure> {
    let is_right = app.accounts.log_in(&account.name, &form.current).await?.is_some();
    let current_problem = (!is_right).then_some("This is not your password.");
    let new_problem = passwords::password_problem(&account.name, &form.new);
    if current_problem.is_some() || new_problem.is_some() {
        let name = account.name;
        let again = show(&PasswordPage { page, name, current_problem, new_problem })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
    }
    // In this order, so that a log-in with the old password that is under way is ended, too.
    app.accounts.set_password(account.id, &form.new).await?;
    let remember = sessions::is_remembered(&session);
    sessions::confirm(&session, account.id, remember).await?;
    session.end_others(&user_tag(account.id)).await?;
    session.flash(Flash::done("Your password is changed. You are logged out everywhere else."))?;
    Ok(Redirect::to("/settings").into_response())
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    page: Page,
}

pub(crate) async fn sessions_page(_: Confirmed, page: Page) -> Result<Response, Failure> {
    show(&SessionsPage { page })
}

/// With the password, so that a thief cannot log the owner out. (OWASP ASVS 5.0, 7.5.2.)
pub(crate) async fn log_out_elsewhere(
    Confirmed(account): Confirmed,
    session: Session<Visit>,
) -> Result<Redirect, Failure> {
    session.end_others(&user_tag(account.id)).await?;
    session.flash(Flash::done("You are logged out everywhere else."))?;
    Ok(Redirect::to("/settings"))
}

#[derive(Template)]
#[template(path = "delete.html")]
struct DeletePage {
    page: Page,
    name: String,
}

pub(crate) async fn delete_page(
    Confirmed(account): Confirmed,
    page: Page,
) -> Result<Response, Failure> {
    show(&DeletePage { page, name: account.name })
}

/// The form's own page has asked for the password already; the form cannot know whether it did.
pub(crate) async fn delete(
    State(app): State<App>,
    Confirmed(account): Confirmed,
    session: Session<Visit>,
) -> Result<Redirect, Failure> {
    app.accounts.delete(account.id).await?;
    app.revocations.end_all(&user_tag(account.id)).await?;
    session.delete();
    session.flash(Flash::done(format!("The account {} is deleted.", account.name)))?;
    Ok(Redirect::to("/"))
}
