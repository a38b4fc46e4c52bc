//! The handlers: what a program does with its sessions.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Redirect, Response};
use sealed_session::{Current, Session};
use serde::Deserialize;

use crate::anatomy::Anatomy;
use crate::page::{self, View};
use crate::plain;
use crate::reply::{Done, Format, Problem, page_or_text};
use crate::sessions::{App, Login, Preferences, REMEMBERED_IDLE};

/// Counts the visit if somebody is logged in, and shows everything.
pub(crate) async fn home(
    State(app): State<Arc<App>>,
    format: Format,
    headers: HeaderMap,
    session: Session<Login>,
    preferences: Option<Current<Preferences>>,
) -> Result<Response, Problem> {
    let counted = session.update(|login| {
        login.visits = login.visits.saturating_add(1);
        login.clone()
    });
    let login = match counted.map_err(Problem::from) {
        Ok(login) => login.done(),
        // A name may fill the cookie to the last byte; then the counter stands at nine.
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => session.data(),
        Err(problem) => return Err(problem),
    };
    let (keys, rotated_at) = {
        let keys = app.keys();
        (keys.len(), keys.rotated_at())
    };
    let view = View {
        login,
        preferences: preferences.map(|Current(preferences)| preferences),
        // The same cookies once more, this time to look inside.
        cookies: [Anatomy::of(&app.logins, &headers), Anatomy::of(&app.preferences, &headers)]
            .into_iter()
            .flatten()
            .collect(),
        keys,
        rotated_at,
        address: app.address,
    };
    Ok(page_or_text(format, || page::home(&view), || plain::home(&view)))
}

#[derive(Deserialize)]
pub(crate) struct LoginForm {
    name: String,
    /// A box that is not ticked is not sent.
    remember: Option<Ticked>,
}

#[derive(Deserialize)]
enum Ticked {
    #[serde(rename = "on")]
    On,
}

pub(crate) async fn log_in(
    session: Session<Login>,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Result<Done, Problem> {
    let Form(LoginForm { name, remember }) = form?;
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_control) {
        let title = "That is no name";
        let text = "Please give a name, in one line, without control characters.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, title, text));
    }
    // Nothing of the session before survives a login.
    session.regenerate();
    session.set(Login { name: name.to_owned(), visits: 0 })?;
    if remember.is_some() {
        session.set_idle_timeout(REMEMBERED_IDLE)?;
    }
    Ok(Done { location: "/login", text: format!("logged in as {name}") })
}

/// Where a log-in leads: the cookie that was set must have come back. Then it goes on to the page.
pub(crate) async fn logged_in(
    State(app): State<Arc<App>>,
    login: Option<Current<Login>>,
) -> Result<Redirect, Problem> {
    if login.is_some() {
        return Ok(Redirect::to("/"));
    }
    let text = format!(
        "If you have just logged in, the browser has dropped the cookie, because it is marked \
         Secure. Over plain HTTP, Chromium and Firefox keep such a cookie only for localhost and \
         127.0.0.1, so open http://{}/. Safari keeps none: it needs HTTPS.",
        app.address
    );
    Err(Problem::new(StatusCode::UNAUTHORIZED, "No login came with this request", text))
}

pub(crate) async fn log_out(session: Session<Login>) -> Done {
    session.delete();
    Done { location: "/", text: "logged out".to_owned() }
}

pub(crate) async fn set_preferences(
    session: Session<Preferences>,
    form: Result<Form<Preferences>, FormRejection>,
) -> Result<Done, Problem> {
    let Form(preferences) = form?;
    session.set(preferences)?;
    Ok(Done { location: "/", text: "preferences saved".to_owned() })
}

/// Anybody at this machine may rotate, logged in or not: nobody loses a session by it, unless the key
/// is rotated once more before that session has come by: one previous key is kept.
///
/// It looks at the sessions first, under the old keys. So this response leaves them as they are,
/// and the next page can show a cookie that the previous key opens.
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    _login: Option<Current<Login>>,
    _preferences: Option<Current<Preferences>>,
) -> Result<Done, Problem> {
    match tokio::task::spawn_blocking(move || app.rotate()).await {
        Ok(Ok(())) => Ok(Done { location: "/", text: "key rotated".to_owned() }),
        Ok(Err(error)) => Err(Problem::internal(&*error)),
        Err(error) => Err(Problem::internal(&error)),
    }
}

pub(crate) async fn not_found() -> Problem {
    let text = "The demo has one page, and it is at /.";
    Problem::new(StatusCode::NOT_FOUND, "Nothing is here", text)
}

pub(crate) async fn wrong_method() -> Problem {
    let text = "The page is read with GET; its forms are sent with POST.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Not with this method", text)
}
