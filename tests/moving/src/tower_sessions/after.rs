use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use sealed_session::{
    Codec, ConfigError, Current, Key, Keyring, Session, SessionError, SessionKind, SessionLayer,
};
use serde::{Deserialize, Serialize};
use tower_sessions::{MemoryStore, SessionManagerLayer, SessionStore};

/// From then on old sessions are ignored: 1 January 2027 (`date -u -d 2027-01-01 +%s`).
const OLD_SESSIONS_END: Duration = Duration::from_secs(1_798_761_600);

#[derive(Serialize, Deserialize, Clone)]
pub struct Login {
    user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login"; // not the name of the old cookie
}

fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("sessions: {error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Makes a session of ours from one in the store, and deletes that; also at the log-out.
pub async fn carry_over(
    State(end): State<SystemTime>,
    old: tower_sessions::Session,
    session: Session<Login>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let user_id = old.get::<u64>("user_id").await.map_err(failed)?;
    let came = old.id().is_some();
    let mut carried = None;
    // A session of ours wins. One that was refused has expired or was ended: the old one must not
    // undo that.
    if session.is_empty()
        && session.refused().is_none()
        && SystemTime::now() < end
        && let Some(user_id) = user_id
    {
        session.set(Login { user_id }).map_err(failed)?;
        carried = session.id();
    }
    let response = next.run(request).await;
    // The user may have logged out while this request was handled.
    if carried.is_some() && session.id() == carried {
        old.load().await.map_err(failed)?;
        if old.get::<u64>("user_id").await.map_err(failed)? != user_id {
            session.delete();
        }
    }
    // A response that failed does not carry our cookie, so the old session has to stay.
    let status = response.status();
    let fails = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
    if came && (session.is_empty() || !fails) {
        old.flush().await.map_err(failed)?; // the record, and then the cookie
    }
    Ok(response)
}

// Once the password was checked.
async fn log_in(Path(user_id): Path<u64>, session: Session<Login>) -> Result<(), SessionError> {
    session.regenerate();
    session.set(Login { user_id })
}

async fn me(Current(login): Current<Login>) -> String {
    login.user_id.to_string()
}

async fn log_out(session: Session<Login>) {
    session.delete();
}

pub fn app(
    keyring: Keyring,
    store: impl SessionStore + Clone,
    end: SystemTime,
) -> Result<Router, ConfigError> {
    Ok(Router::new()
        .route("/log-in/{user_id}", post(log_in))
        .route("/me", get(me))
        .route("/log-out", post(log_out))
        .layer(from_fn_with_state(end, carry_over)) // inside the layers, so above them
        .layer(SessionManagerLayer::new(store))
        .layer(SessionLayer::new(Codec::<Login>::new(keyring)?)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keyring = Keyring::new(Key::from_file("secret-key")?);
    let store = MemoryStore::default(); // the store that you have
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(keyring, store, UNIX_EPOCH + OLD_SESSIONS_END)?).await?;
    Ok(())
}
