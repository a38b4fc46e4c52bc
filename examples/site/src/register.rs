//! A new account. Names are public here, so the form may say that one is taken. A site whose names are
//! e-mail addresses says “we have sent you a message” instead, whether or not there is such an account.

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
use crate::page::{Flash, Page, show};
use crate::passwords::{self, LONGEST_NAME, SHORTEST};
use crate::sessions::{self, Visit};

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage<'a> {
    page: Page,
    next: Next,
    name: &'a str,
    name_problem: Option<&'static str>,
    password_problem: Option<&'static str>,
}

pub(crate) async fn page(
    page: Page,
    Query(Asked { next }): Query<Asked>,
) -> Result<Response, Failure> {
    if page.user.is_some() {
        return Ok(next.redirect().into_response());
    }
    show(&RegisterPage { page, next, name: "", name_problem: None, password_problem: None })
}

#[derive(Deserialize)]
pub(crate) struct Registration {
    name: String,
    password: String,
    #[serde(default)]
    next: Next,
}

pub(crate) async fn register(
    State(app): State<App>,
    page: Page,
    session: Session<Visit>,
    Form(form): Form<Registration>,
) -> Result<Response, Failure> {
    let name = form.name.trim();
    let mut name_problem = passwords::name_problem(name);
    let password_problem = passwords::password_problem(name, &form.password);
    if name_problem.is_none() && password_problem.is_none() {
        if let Some(account) = app.accounts.register(name, &form.password).await? {
            sessions::log_in(&session, account.id, false).await?;
            session.flash(Flash::done(format!("Welcome, {}.", account.name)))?;
            return Ok(form.next.redirect().into_response());
        }
        name_problem = Some("This name is taken.");
    }
    let next = form.next;
    let again = show(&RegisterPage { page, next, name, name_problem, password_problem })?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}
