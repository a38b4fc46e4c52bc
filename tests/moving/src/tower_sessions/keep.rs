use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use sealed_session::{Codec, ConfigError, CookieOptions, Key, Keyring};
use sealed_session_tower_sessions::TowerSession;
use sealed_session_tower_sessions::v0_15::SealedSessionLayer;
use tower_sessions::cookie::Cookie;
use tower_sessions::session::{Error, Id};
use tower_sessions::{MemoryStore, Session, SessionStore};

/// From then on old sessions are ignored: 1 January 2027 (`date -u -d 2027-01-01 +%s`).
const OLD_SESSIONS_END: Duration = Duration::from_secs(1_798_761_600);

/// The name of the old cookie. The new one has another.
const OLD_NAME: &str = "id";

/// Removes the old cookie, with the Path and the Domain of the old layer.
const REMOVE_OLD: &str = "id=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict";

/// The sessions from before the move.
#[derive(Clone)]
pub struct OldSessions<S> {
    pub store: S,
    /// When they are ignored.
    pub end: SystemTime,
}

fn old_id(headers: &HeaderMap) -> Option<Id> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == OLD_NAME)?.value().parse().ok()
}

/// Moves a record from the store into the cookie; also at the log-out.
pub async fn carry_over<S: SessionStore + Clone>(
    State(old): State<OldSessions<S>>,
    sealed: sealed_session::Session<TowerSession>,
    session: Session,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let Some(id) = old_id(request.headers()) else { return Ok(next.run(request).await) };
    let load = async || old.store.load(&id).await.map_err(|error| failed(error.into()));
    let mut carried = None;
    // A session of ours wins. One that was refused has expired or was ended: the old one must not
    // undo that.
    if sealed.is_empty()
        && sealed.refused().is_none()
        && SystemTime::now() < old.end
        && let Some(record) = load().await?
    {
        carried = record.data.get("user_id").cloned();
        for (name, value) in record.data {
            session.insert_value(&name, value).await.map_err(failed)?;
        }
    }
    let mut response = next.run(request).await;
    // The user may have logged out while this request was handled.
    if carried.is_some()
        && session.get_value("user_id").await.map_err(failed)? == carried
        && load().await?.is_none()
    {
        session.flush().await.map_err(failed)?;
    }
    // A response that failed does not carry our cookie, so the old session has to stay.
    let status = response.status();
    let fails = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
    if session.is_empty().await || !fails {
        old.store.delete(&id).await.map_err(|error| failed(error.into()))?;
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, HeaderValue::from_static(REMOVE_OLD));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

fn failed(error: Error) -> StatusCode {
    eprintln!("sessions: {error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

// The handlers stay as they were.

// Once the password was checked.
async fn log_in(Path(user_id): Path<u64>, session: Session) -> Result<(), StatusCode> {
    session.cycle_id().await.map_err(failed)?;
    session.insert("user_id", user_id).await.map_err(failed)
}

async fn me(session: Session) -> Result<String, StatusCode> {
    let user_id = session.get::<u64>("user_id").await.map_err(failed)?;
    Ok(user_id.ok_or(StatusCode::UNAUTHORIZED)?.to_string())
}

async fn log_out(session: Session) -> Result<(), StatusCode> {
    session.flush().await.map_err(failed)
}

pub fn codec(keyring: Keyring) -> Result<Codec<TowerSession>, ConfigError> {
    Codec::builder(keyring).cookie(CookieOptions::new().name("login")).build()
}

pub fn app<S: SessionStore + Clone>(codec: Codec<TowerSession>, old: OldSessions<S>) -> Router {
    Router::new()
        .route("/log-in/{user_id}", post(log_in))
        .route("/me", get(me))
        .route("/log-out", post(log_out))
        .layer(from_fn_with_state(old, carry_over::<S>)) // inside the layer, so above it
        .layer(SealedSessionLayer::new(codec)) // was: SessionManagerLayer::new(store)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let codec = codec(Keyring::new(Key::from_file("secret-key")?))?;
    let store = MemoryStore::default(); // the store that you have
    let old = OldSessions { store, end: UNIX_EPOCH + OLD_SESSIONS_END };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(codec, old)).await?;
    Ok(())
}
