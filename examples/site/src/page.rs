//! What every page shows: who is logged in, what is in the cart, and what the last step has to say (flash).

use askama::Template;
use axum::RequestPartsExt as _;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use sealed_session::Session;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::accounts::{Account, Role};
use crate::cart::Cart;
use crate::errors::Failure;
use crate::roles::User;
use crate::sessions::Visit;

/// A message that the next page shows, once. A handler that redirects leaves it with
/// `session.flash(…)`; it survives any number of redirects.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Flash {
    pub(crate) text: String,
    pub(crate) is_problem: bool,
}

impl Flash {
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_problem: false }
    }

    pub(crate) fn problem(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_problem: true }
    }
}

/// What the frame round every page needs. A handler that takes it shows a page.
pub(crate) struct Page {
    pub(crate) user: Option<Account>,
    pub(crate) cart: Cart,
    pub(crate) flashes: Vec<Flash>,
}

impl Page {
    pub(crate) fn is_admin(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.role == Role::Admin)
    }
}

impl FromRequestParts<App> for Page {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let user: Option<User> = parts.extract_with_state(app).await?;
        let session: Session<Visit> = parts.extract_with_state(app).await?;
        let cart = session.data().unwrap_or_default().cart;
        // Taken for good only if the response is a page: after a redirect they are still there.
        let flashes = session.take_flash()?;
        Ok(Self { user: user.map(|User(account)| account), cart, flashes })
    }
}

/// A page. Without `no-store`, *Back* shows it again after the log-out, to whoever sits there then.
pub(crate) fn show(template: &impl Template) -> Result<Response, Failure> {
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((no_store, Html(template.render()?)).into_response())
}

pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("icon.svg"))
}
