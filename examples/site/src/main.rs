//! A small shop with everything that a log-in needs. `cargo run -p site`, then open the address that it
//! prints. The first account that you register is the administrator's.
//!
//! Each file is one subject, in the order in which they are best read. There is no JavaScript, and the server
//! stores the accounts and which sessions have ended; the sessions themselves are in the browsers.

mod accounts; // who may log in: names, passwords and roles, in SQLite
mod admin; // what only the administrator sees
mod cart; // a cart from before the log-in, which survives it
mod confirm; // the password once more, before a dangerous step
mod errors; // every failure becomes a page, and “log in first” a redirect
mod log_in; // log in, “remember me”, “your session has expired”, log out
mod next; // where to go after the log-in: only to a page of this site
mod page; // what every page shows: who is logged in, the cart, messages of the last step (flash)
mod passwords; // which passwords are accepted, and how they are stored
mod register; // a new account
mod roles; // what a handler asks for: `User`, `Admin`, `Confirmed`
mod sessions; // what a session holds, how long it lives, and what a log-in does to it
mod settings; // a new password, log out everywhere else, delete the account
mod start; // the variables, the key and the files

#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware;
use axum::routing::{get, post};
use sealed_session::{Clock, ConfigError, Keyring, Revocations, SessionLayer};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::accounts::Accounts;

/// The longest form that is read, in bytes. None of the site's needs more than a few hundred.
const LONGEST_FORM: usize = 16 * 1024;

/// No page needs a script, and none may be framed.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                              base-uri 'none'; frame-ancestors 'none'";

/// What the handlers share.
#[derive(Clone)]
struct App {
    accounts: Accounts,
    revocations: Revocations,
    clock: Arc<dyn Clock>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    start::serve().await
}

/// The whole site.
fn site(app: App, keyring: Keyring) -> Result<Router, ConfigError> {
    let sessions = sessions::codec(keyring, &app)?;
    let router = Router::new()
        .route("/", get(cart::shop))
        .route("/cart", get(cart::cart).post(cart::change))
        .route("/order", get(cart::review).post(cart::order))
        .route("/log-in", get(log_in::page).post(log_in::log_in))
        .route("/log-out", post(log_in::log_out))
        .route("/register", get(register::page).post(register::register))
        .route("/confirm", get(confirm::page).post(confirm::confirm))
        .route("/settings", get(settings::page))
        .route("/settings/password", get(settings::password_page).post(settings::change_password))
        .route("/settings/sessions", get(settings::sessions_page).post(settings::log_out_elsewhere))
        .route("/settings/delete", get(settings::delete_page).post(settings::delete))
        .route("/admin", get(admin::page).post(admin::log_out_user))
        .fallback(errors::not_found)
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        // Refuses forms that another site sends (CSRF): before a handler sees them.
        .layer(CsrfLayer::new())
        // Inside the session layer, so that a redirect carries what happened to the session.
        .layer(middleware::from_fn(errors::explain))
        .layer(SessionLayer::new(sessions))
        // These are the same for everybody, and need no session.
        .route("/style.css", get(page::style))
        .route("/icon.svg", get(page::icon));
    Ok([
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ]
    .into_iter()
    .fold(router, |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value)))
    })
    .with_state(app))
}
