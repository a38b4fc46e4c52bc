//! A typed session: who is logged in, and a count that handlers write.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use sealed_session::{Current, Keyring, Session, SessionError, SessionKind};
use serde::{Deserialize, Serialize};

use crate::{Age, LONG, SLOW, aged};

#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct Login {
    user: u32,
    count: u32,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

pub(crate) fn routes() -> Router<Keyring> {
    Router::new()
        .route("/log-in", post(log_in))
        .route("/log-out", post(async |session: Session<Login>| session.delete()))
        .route("/who", get(who))
        .route("/count", post(count))
        .route("/poll", get(poll))
        .route("/slow-count", get(slow_count))
        .route("/slow-page", get(slow_page))
}

async fn log_in(State(keyring): State<Keyring>, age: Query<Age>) -> impl IntoResponse {
    aged::<Login>(keyring, &Login { user: 7, count: 0 }, age)
}

async fn who(login: Option<Current<Login>>) -> String {
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
async fn poll(Current(login): Current<Login>) -> String {
    tokio::time::sleep(LONG).await;
    format!("no news for user {}", login.user)
}

/// Reads the session, takes long, and writes what it has read with one more.
async fn slow_count(session: Session<Login>, login: Current<Login>) -> Result<(), SessionError> {
    tokio::time::sleep(LONG).await;
    count(session, login).await
}

async fn slow_page(Current(login): Current<Login>) -> Html<String> {
    tokio::time::sleep(SLOW).await;
    Html(format!("<!doctype html><title>A slow page</title><p>user {}", login.user))
}
