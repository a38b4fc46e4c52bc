//! What a handler asks for, as extractors: `User` (somebody is logged in), `Admin` (the administrator),
//! `Confirmed` (somebody who has entered the password within the last minutes). A handler that takes one of
//! them cannot be reached without it.

use std::time::Duration;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use sealed_session::{Current, Session, SessionRejection};

use crate::App;
use crate::accounts::{Account, Role};
use crate::errors::Failure;
use crate::sessions::Visit;

/// How long a log-in counts as proof for a dangerous step.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Who is logged in. `Option<User>` for pages that are for everybody.
#[derive(Clone)]
pub(crate) struct User(pub(crate) Account);

/// An administrator who is logged in.
pub(crate) struct Admin;

/// Somebody who has entered the password lately.
pub(crate) struct Confirmed(pub(crate) Account);

impl OptionalFromRequestParts<App> for User {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Failure> {
        // Several extractors of one request ask for it; the database is asked once.
        if let Some(user) = parts.extensions.get::<Self>() {
            return Ok(Some(user.clone()));
        }
        let visit: Option<Current<Visit>> = parts.extract_with_state(app).await?;
        let Some(id) = visit.and_then(|visit| visit.user) else { return Ok(None) };
        // `None` if the account was deleted: then its sessions are nobody's.
        let Some(account) = app.accounts.find(id).await? else { return Ok(None) };
        parts.extensions.insert(Self(account.clone()));
        Ok(Some(Self(account)))
    }
}

impl FromRequestParts<App> for User {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let user: Option<Self> = parts.extract_with_state(app).await?;
        // What the library's own `Current` answers, so that one middleware redirects both to the log-in.
        user.ok_or(Failure::Rejected(SessionRejection::NoSession))
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let User(account) = parts.extract_with_state(app).await?;
        match account.role {
            Role::Admin => Ok(Self),
            Role::Member => Err(Failure::Forbidden),
        }
    }
}

impl FromRequestParts<App> for Confirmed {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let User(account) = parts.extract_with_state(app).await?;
        let session: Session<Visit> = parts.extract_with_state(app).await?;
        // A session begins when the password is entered, and only then: neither use nor a new key of the
        // server makes it younger.
        let began = session.info().and_then(|info| info.created_at);
        // Another server's clock may be ahead: such a session has just begun.
        let age = began.map(|began| app.clock.now().duration_since(began).unwrap_or_default());
        match age {
            Some(age) if age < FRESH => Ok(Self(account)),
            _ => Err(Failure::NotConfirmed),
        }
    }
}
