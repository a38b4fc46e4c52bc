//! A session that anonymous visitors have, too: a basket, and who it is after the log-in.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sealed_session::{Dynamic, Entries, Session, SessionError};

use crate::control::Control;
use crate::{Age, Shared, aged};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/visitor", get(visitor))
        .route("/visitor/begin", post(begin))
        .route("/visitor/log-in", post(log_in))
        .route("/visitor/poll", get(poll))
}

async fn begin(State(shared): State<Shared>, age: Query<Age>) -> Response {
    let mut entries = Entries::new();
    match entries.insert("basket", ["a book"]) {
        Ok(_) => aged::<Dynamic>(shared, &entries, age).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn log_in(session: Session) -> Result<(), SessionError> {
    session.regenerate();
    session.insert("user", 7)
}

async fn visitor(session: Session) -> Result<String, SessionError> {
    Ok(match session.get::<u32>("user")? {
        Some(user) => format!("user {user}"),
        None => "anonymous".to_owned(),
    })
}

/// Reads the session, and waits for something that does not come.
async fn poll(session: Session, control: Control) -> Result<String, SessionError> {
    let basket: Vec<String> = session.get("basket")?.unwrap_or_default();
    control.released().await;
    Ok(format!("{} in the basket", basket.len()))
}
