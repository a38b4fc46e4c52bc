//! The sites that the browser test visits: every host name leads here, over HTTP and over TLS.
//!
//! `browser-server certificate DIR` makes the certificate of a run. `browser-server DIR` serves with it,
//! says on stdout at which ports and what it is asked and answers, and ends when its stdin does, so that
//! none outlives the test. `--mark-deletions` turns that setting on.

mod certificate;
mod control;
mod draft;
mod elsewhere;
mod login;
mod same_site;
mod shapes;
mod visitor;
mod wire;

use std::error::Error;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::extract::Query;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use axum_server::tls_rustls::RustlsConfig;
use sealed_session::{Codec, Dynamic, Key, Keyring, SessionKind, SessionLayer, TestClock};
use serde::Deserialize;

use crate::control::Control;

/// The idle timeout of all sessions here: one that was not used for six minutes is due for a refresh.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How long a remembered session lasts.
const REMEMBERED: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What handlers share.
#[derive(Clone)]
struct Shared {
    keyring: Keyring,
    control: Control,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["certificate", directory] => certificate::make(Path::new(directory)),
        [directory] => serve(Path::new(directory), false),
        [directory, "--mark-deletions"] => serve(Path::new(directory), true),
        _ => {
            Err("usage: browser-server certificate DIR | browser-server DIR [--mark-deletions]"
                .into())
        }
    }
}

fn serve(directory: &Path, mark_deletions: bool) -> Result<(), Box<dyn Error>> {
    std::thread::spawn(|| {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let app = site(mark_deletions)?.into_make_service();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (plain, http) = listen()?;
        let (secure, https) = listen()?;
        let (certificate, key) = certificate::files(directory);
        let certificate = RustlsConfig::from_pem_file(certificate, key).await?;
        wire::say(&serde_json::json!({ "event": "listening", "http": http, "https": https }));
        let secure = axum_server::from_tcp_rustls(secure, certificate)?.serve(app.clone());
        tokio::spawn(secure);
        axum_server::from_tcp(plain)?.serve(app).await?;
        Ok(())
    })
}

fn listen() -> Result<(TcpListener, u16), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

fn site(mark_deletions: bool) -> Result<Router, Box<dyn Error>> {
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let control = Control::new(TestClock::at(now));
    let first = Key::generate()?;
    let both = Keyring::new(Key::generate()?).with_previous(first.clone())?;
    let keyring = Keyring::new(first);
    let logins = Codec::<login::Login>::builder(keyring.clone())
        .idle_timeout(IDLE)
        .remember_timeout(REMEMBERED)
        .mark_deletions(mark_deletions)
        .clock(control.clock())
        .build()?;
    let visitors = Codec::<Dynamic>::builder(keyring.clone())
        .idle_timeout(IDLE)
        .clock(control.clock())
        .build()?;
    let rotate = {
        let (logins, visitors) = (logins.clone(), visitors.clone());
        move || {
            logins.replace_keyring(both.clone());
            visitors.replace_keyring(both.clone());
        }
    };
    let shared = Shared { keyring: keyring.clone(), control: control.clone() };
    Ok(Router::new()
        .merge(login::routes())
        .merge(visitor::routes())
        .route("/slow", get(slow))
        .route("/style.css", get(style))
        .layer(SessionLayer::new(logins))
        .layer(SessionLayer::new(visitors))
        .merge(draft::routes(&keyring)?)
        .merge(same_site::routes(&keyring)?)
        .merge(shapes::routes(&keyring)?)
        .merge(elsewhere::routes())
        .with_state(shared)
        .layer(middleware::from_fn(wire::tell))
        // What the test orders is not part of what it watches.
        .merge(control.routes(rotate)))
}

/// Never names a session.
async fn slow(control: Control) -> &'static str {
    control.released().await;
    "slow"
}

/// A file that caches may keep for a year, as a file server would send it.
async fn style(headers: HeaderMap) -> Response {
    const TAG: &str = "\"version-1\"";
    let cacheable = [(CACHE_CONTROL, "public, max-age=31536000"), (ETAG, TAG)];
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
    shared: Shared,
    data: &K::Data,
    Query(Age { minutes }): Query<Age>,
) -> Result<[(HeaderName, String); 1], StatusCode> {
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    let clock = shared.control.clock_behind(Duration::from_secs(60 * minutes));
    let codec = Codec::<K>::builder(shared.keyring).idle_timeout(IDLE).clock(clock).build();
    let codec = codec.map_err(|_| failed)?;
    let (name, token) = (codec.cookie_name(), codec.encode(data).map_err(|_| failed)?);
    Ok([(SET_COOKIE, format!("{name}={token}; HttpOnly; Secure; SameSite=Lax; Path=/"))])
}
