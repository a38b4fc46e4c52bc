//! A typed session: who is logged in, and a count that handlers write.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use sealed_session::{Current, Session, SessionError, SessionKind};
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::{Age, Shared, aged};

#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct Login {
    user: u32,
    count: u32,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/log-in", post(log_in))
        .route("/log-in/before", post(log_in_before))
        .route("/log-out", post(log_out))
        .route("/who", get(who))
        .route("/count", post(count))
        .route("/poll", get(poll))
        .route("/slow-count", get(slow_count))
        .route("/slow-page", get(slow_page))
        .route("/account", get(account))
}

#[derive(Deserialize)]
struct Remember {
    #[serde(default)]
    remember: bool,
}

async fn log_in(session: Session<Login>, remember: Query<Remember>) -> Result<(), SessionError> {
    session.regenerate();
    session.set(Login { user: 7, count: 0 })?;
    if remember.remember { session.remember() } else { Ok(()) }
}

/// As if the log-in had been so long ago.
async fn log_in_before(State(shared): State<Shared>, age: Query<Age>) -> impl IntoResponse {
    aged::<Login>(shared, &Login { user: 7, count: 0 }, age)
}

async fn log_out(session: Session<Login>) -> Redirect {
    session.delete();
    Redirect::to("/page")
}

async fn who(login: Option<Current<Login>>) -> String {
    name(login.as_ref())
}

fn name(login: Option<&Current<Login>>) -> String {
    login.map_or("nobody".to_owned(), |login| format!("user {}, {}", login.user, login.count))
}

async fn count(
    session: Session<Login>,
    Current(mut login): Current<Login>,
) -> Result<(), SessionError> {
    login.count += 1;
    session.set(login)
}

/// Reads the session, and waits for something that does not come.
async fn poll(Current(login): Current<Login>, control: Control) -> String {
    control.released().await;
    format!("no news for user {}", login.user)
}

/// Reads the session, takes long, and writes what it has read with one more.
async fn slow_count(
    session: Session<Login>,
    login: Current<Login>,
    control: Control,
) -> Result<(), SessionError> {
    control.released().await;
    count(session, login).await
}

async fn slow_page(Current(login): Current<Login>, control: Control) -> Html<String> {
    control.released().await;
    Html(format!("<!doctype html><title>A slow page</title><p>user {}", login.user))
}

/// Tells the test what the user sees, also when the browser shows the page again without asking for it.
const TELL: &str = "addEventListener('pageshow', () => \
                    fetch('/shown?who=' + encodeURIComponent(who.innerText)))";

#[derive(Deserialize)]
struct Caching {
    cache: Option<String>,
}

/// A page for this user alone, with the `Cache-Control` that the test wants, and a form to leave.
async fn account(
    login: Option<Current<Login>>,
    Query(Caching { cache }): Query<Caching>,
) -> impl IntoResponse {
    let page = format!(
        "<!doctype html><title>Account</title><p id=who>{}</p>\
         <form method=post action=/log-out><button>Log out</button></form>\
         <script>{TELL}</script>",
        name(login.as_ref())
    );
    let cache = cache.map(|cache| [(CACHE_CONTROL, cache)]);
    match cache {
        Some(cache) => (cache, Html(page)).into_response(),
        None => Html(page).into_response(),
    }
}
