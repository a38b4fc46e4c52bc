use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use axum_extra::extract::PrivateCookieJar;
use axum_extra::extract::cookie::{CookieJar, Key as OldKey};
use sealed_session::{
    Codec, ConfigError, Current, Key, Keyring, RevocationError, Revocations, Session, SessionError,
    SessionKind, SessionLayer, Tag,
};
use serde::{Deserialize, Serialize};

/// From then on old cookies are ignored: 1 January 2027 (`date -u -d 2027-01-01 +%s`).
const OLD_COOKIES_END: Duration = Duration::from_secs(1_798_761_600);

/// The name of the old cookie. The new one has another.
const OLD_NAME: &str = "session";

/// Removes the old cookie: a line for each Path and Domain that it was ever set with.
const REMOVE_OLD: &[&str] = &["session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"];

#[derive(Serialize, Deserialize, Clone)]
pub struct Login {
    user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![Tag::new("user", login.user_id)]
    }
}

/// The logins from before the move.
#[derive(Clone)]
pub struct OldLogins {
    pub key: OldKey,
    /// When they are ignored.
    pub end: SystemTime,
    pub revocations: Revocations,
}

impl Login {
    /// Has a mark as soon as the user has logged out anywhere.
    fn old_cookies(&self) -> Tag {
        Tag::new("old cookies", self.user_id)
    }
}

impl OldLogins {
    /// Who is logged in with an old cookie.
    fn read(&self, headers: &HeaderMap) -> Option<Login> {
        let jar = PrivateCookieJar::from_headers(headers, self.key.clone());
        let user_id = jar.get(OLD_NAME)?.value().parse().ok()?;
        Some(Login { user_id })
    }

    /// Whether old cookies of this user still count: not after the end, and not after the user has
    /// logged out, was banned or has a new password since the move. It does not matter who kept a copy.
    fn count(&self, login: &Login) -> Result<bool, RevocationError> {
        let ended = self.revocations.has_mark(&Tag::new("user", login.user_id))?
            || self.revocations.has_mark(&login.old_cookies())?;
        Ok(!ended && SystemTime::now() < self.end)
    }
}

/// Makes a session of an old cookie, and removes that; also at the log-out.
pub async fn carry_over(
    State(old): State<OldLogins>,
    session: Session<Login>,
    request: Request,
    next: Next,
) -> Result<Response, SessionError> {
    let came = CookieJar::from_headers(request.headers()).get(OLD_NAME).is_some();
    // A session of ours wins. One that was refused has expired or was ended: the old cookie must not
    // undo that.
    let mut carried = None;
    if session.is_empty()
        && session.refused().is_none()
        && let Some(login) = old.read(request.headers())
        && old.count(&login)?
    {
        session.set(login.clone())?;
        carried = Some((session.id(), login));
    }
    let before = session.peek_data();
    let mut response = next.run(request).await;
    // The user may have logged out while this request was handled.
    if let Some((id, login)) = carried
        && session.id() == id
        && !old.count(&login)?
    {
        session.delete();
    }
    let logged_out = before.filter(|_| session.is_empty());
    if let Some(login) = &logged_out
        && let Err(error) = old.revocations.end_all(&login.old_cookies()).await
    {
        response = SessionError::from(error).into_response();
    }
    // A response that failed does not carry our cookie, so the old one has to stay.
    let status = response.status();
    let failed = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
    if logged_out.is_some() || (came && !failed) {
        for line in REMOVE_OLD {
            response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(line));
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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

async fn log_out(session: Session<Login>) -> Result<(), SessionError> {
    session.end().await
}

pub fn app(keyring: Keyring, old: OldLogins) -> Result<Router, ConfigError> {
    let codec = Codec::<Login>::builder(keyring).revocations(&old.revocations).build()?;
    Ok(Router::new()
        .route("/log-in/{user_id}", post(log_in))
        .route("/me", get(me))
        .route("/log-out", post(log_out))
        .layer(from_fn_with_state(old, carry_over)) // inside our layer, so above it
        .layer(SessionLayer::new(codec)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keyring = Keyring::new(Key::from_file("secret-key")?);
    let old = OldLogins {
        key: OldKey::try_from(&*std::fs::read("cookie-key")?)?,
        end: UNIX_EPOCH + OLD_COOKIES_END,
        revocations: Revocations::in_memory(), // or a store, see below
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    serve(listener, app(keyring, old)?).await?;
    Ok(())
}
