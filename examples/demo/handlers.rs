//! The handlers: how a program uses its sessions.

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
        // A long name can fill the cookie, so that the counter cannot get another digit.
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
        // Decode the same cookies again to show their parts.
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
        let title = "That is not a name";
        let text = "Please enter a name in one line, without control characters.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, title, text));
    }
    // Nothing of the old session survives a login.
    session.regenerate();
    session.set(Login { name: name.to_owned(), visits: 0 })?;
    if remember.is_some() {
        session.set_idle_timeout(REMEMBERED_IDLE)?;
    }
    Ok(Done { location: "/login", text: format!("logged in as {name}") })
}

/// The page after a log-in. If the browser has sent back the new cookie, it redirects to the home page.
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

/// Anybody at this machine may rotate the key, logged in or not. One previous key is kept, so a session
/// is lost only if the key is rotated twice before the session's next request.
///
/// The sessions are opened first, under the old keys. So this response leaves them unchanged, and the
/// next page can show a cookie that the previous key opens.
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
    let text = "The demo has only one page, at /.";
    Problem::new(StatusCode::NOT_FOUND, "There is nothing here", text)
}

pub(crate) async fn wrong_method() -> Problem {
    let text = "Read the page with GET, and send its forms with POST.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", text)
}
