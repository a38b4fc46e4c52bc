//! A site with a log-in, small enough to see how each tool tests it: `cargo test -p tested`.
//!
//! `tests/` has one file a tool. The application takes its codec as an argument, so that a test keeps a clone.

use axum::Router;
use axum::extract::Form;
use axum::response::Redirect;
use axum::routing::{get, post};
use sealed_session::{Codec, Current, Session, SessionError, SessionKind, SessionLayer};
use serde::{Deserialize, Serialize};

/// Who is logged in.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Login {
    /// The user's number.
    pub user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

/// What the form of the log-in page sends. A real one would have a password.
#[derive(Deserialize)]
pub struct LogInForm {
    user_id: u64,
    remember: Option<String>,
}

/// The site.
pub fn app(codec: Codec<Login>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/me", get(me))
        .route("/log-in", post(log_in))
        .route("/log-out", post(log_out))
        .layer(SessionLayer::new(codec))
}

async fn home(login: Option<Current<Login>>) -> &'static str {
    if login.is_some() { "Welcome back" } else { "Welcome" }
}

async fn me(Current(login): Current<Login>) -> String {
    format!("user {}", login.user_id)
}

/// Logs a user in.
///
/// # Errors
///
/// What the session's methods say.
pub async fn log_in(
    session: Session<Login>,
    Form(form): Form<LogInForm>,
) -> Result<Redirect, SessionError> {
    session.regenerate();
    session.set(Login { user_id: form.user_id })?;
    if form.remember.is_some() {
        session.remember()?;
    }
    Ok(Redirect::to("/me"))
}

/// Logs the user out of this browser.
pub async fn log_out(session: Session<Login>) -> Redirect {
    session.delete();
    Redirect::to("/")
}
