//! The site that the browser test visits. It prints `listening PORT`, and ends when its stdin does, so
//! that none outlives the test.
//!
//! The clock is the real one. The test does not wait until a session is old: `?minutes=N` begins one
//! that was last used so long ago, sealed by a clock that is behind.

mod login;
mod visitor;

use std::error::Error;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::Query;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use sealed_session::{Codec, Dynamic, Key, Keyring, SessionKind, SessionLayer, TestClock};
use serde::Deserialize;

/// The idle timeout of all sessions here: one that was not used for six minutes is due for a refresh.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How long a long poll waits.
const LONG: Duration = Duration::from_millis(3500);
/// How long a slow page takes: more than the second after which an answer counts as slow.
const SLOW: Duration = Duration::from_millis(1500);

fn main() -> Result<(), Box<dyn Error>> {
    std::thread::spawn(|| {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let app = site()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("listening {}", listener.local_addr()?.port());
        axum::serve(listener, app).await?;
        Ok(())
    })
}

fn site() -> Result<Router, Box<dyn Error>> {
    let first = Key::generate()?;
    let both = Keyring::new(Key::generate()?).with_previous(first.clone())?;
    let keyring = Keyring::new(first);
    let logins = Codec::<login::Login>::builder(keyring.clone()).idle_timeout(IDLE).build()?;
    let visitors = Codec::<Dynamic>::builder(keyring.clone()).idle_timeout(IDLE).build()?;
    let rotate = {
        let (logins, visitors) = (logins.clone(), visitors.clone());
        async move || {
            logins.replace_keyring(both.clone());
            visitors.replace_keyring(both);
        }
    };
    Ok(Router::new()
        .merge(login::routes())
        .merge(visitor::routes())
        .route("/slow", get(slow))
        .route("/style.css", get(style))
        .layer(SessionLayer::new(logins))
        .layer(SessionLayer::new(visitors))
        // Without sessions: opening a tab and rotating the key change no cookie.
        .route("/", get(async || Html("<!doctype html><title>A tab</title>")))
        .route("/rotate", post(rotate))
        .with_state(keyring))
}

/// Never names a session.
async fn slow() -> &'static str {
    tokio::time::sleep(LONG).await;
    "slow"
}

/// A file that caches may keep for a year, as a file server would send it.
async fn style(headers: HeaderMap) -> Response {
    const TAG: &str = "\"version-1\"";
    let cacheable = [(CACHE_CONTROL, "public, max-age=31536000, immutable"), (ETAG, TAG)];
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag == TAG) {
        return (StatusCode::NOT_MODIFIED, cacheable).into_response();
    }
    (cacheable, [(CONTENT_TYPE, "text/css")], "body { color: teal }").into_response()
}

#[derive(Deserialize)]
struct Age {
    minutes: u64,
}

/// The header that sets the cookie of a session that was begun so long ago, and not used since.
fn aged<K: SessionKind>(
    keyring: Keyring,
    data: &K::Data,
    Query(Age { minutes }): Query<Age>,
) -> Result<[(HeaderName, String); 1], StatusCode> {
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
    let clock = TestClock::at(now.saturating_sub(60 * minutes));
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    let codec = Codec::<K>::builder(keyring).idle_timeout(IDLE).clock(clock).build();
    let codec = codec.map_err(|_| failed)?;
    let (name, token) = (codec.cookie_name(), codec.encode(data).map_err(|_| failed)?);
    Ok([(SET_COOKIE, format!("{name}={token}; HttpOnly; Secure; SameSite=Lax; Path=/"))])
}
