//! What only the administrator sees: the accounts, and a button that logs one of them out everywhere.

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{Redirect, Response};
use sealed_session::Session;
use serde::Deserialize;

use crate::App;
use crate::accounts::{Account, Role};
use crate::errors::Failure;
use crate::page::{Flash, Page, show};
use crate::roles::Admin;
use crate::sessions::{Visit, user_tag};

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    page: Page,
    accounts: Vec<Account>,
}

pub(crate) async fn page(
    State(app): State<App>,
    _: Admin,
    page: Page,
) -> Result<Response, Failure> {
    show(&AdminPage { page, accounts: app.accounts.all().await? })
}

#[derive(Deserialize)]
pub(crate) struct Who {
    id: i64,
}

pub(crate) async fn log_out_user(
    State(app): State<App>,
    _: Admin,
    session: Session<Visit>,
    Form(who): Form<Who>,
) -> Result<Redirect, Failure> {
    let account = app.accounts.find(who.id).await?.ok_or(Failure::NotFound)?;
    app.revocations.end_all(&user_tag(account.id)).await?;
    session.flash(Flash::done(format!("{} is logged out everywhere.", account.name)))?;
    Ok(Redirect::to("/admin"))
}
