//! A page “where you are signed in”, with “sign out there” and “everywhere else”.
//!
//! `cargo run -p devices`, then open the address that it prints in two browsers and sign in under one
//! name. The sessions are in the browsers; `devices.db` keeps which of them have ended, and the list, over a
//! restart. `PORT` chooses another port.

mod page;

use std::error::Error;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use sealed_session::registry::{Recording, Registry};
use sealed_session::revocation::{AtStart, WhenAway};
use sealed_session::{
    Codec, CookieOptions, Current, Key, Keyring, Revocations, Session, SessionError,
    SessionErrorKind, SessionId, SessionKind, SessionLayer, Tag,
};
use sealed_session_sqlite::SqliteStore;
use serde::{Deserialize, Serialize};

const FILE: &str = "devices.db";
const KEY_FILE: &str = "devices-key";
/// More than anybody has.
const MOST_DEVICES: usize = 20;

#[derive(Serialize, Deserialize, Clone)]
struct Login {
    name: String,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![login.tag()]
    }
}

impl Login {
    /// What all sessions of this user have in common.
    fn tag(&self) -> Tag {
        Tag::new("user", &self.name)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let key = key()?;

    let store = SqliteStore::open(FILE)?;
    let at_start = AtStart::Wait(Duration::from_secs(10));
    let revocations = Revocations::open(store.clone(), WhenAway::KeepServing, at_start).await?;
    let registry = Registry::new(store, &key, &revocations, Recording::Required);
    let logins = Codec::<Login>::builder(Keyring::new(key))
        .revocations(&revocations)
        .registry(&registry)
        .cookie(CookieOptions::host_prefixed())
        .build()?;

    println!("open http://{}/ in two browsers; press Ctrl-C to stop", listener.local_addr()?);
    let app = Router::new()
        .route("/", get(home))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/sign-out-there", post(sign_out_there))
        .route("/sign-out-elsewhere", post(sign_out_elsewhere))
        .layer(SessionLayer::new(logins))
        .route("/style.css", get(page::style))
        .with_state(registry);
    let stopped = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
    Ok(())
}

async fn home(
    State(registry): State<Registry>,
    session: Session<Login>,
    login: Option<Current<Login>>,
) -> Result<Html<String>, Failure> {
    let Some(Current(login)) = login else {
        return Ok(page::sign_in());
    };
    let list = registry.list(&login.tag()).this(session.id()).limit(100).await;
    let list = list.map_err(SessionError::from)?;
    Ok(page::devices(&login.name, &list.entries))
}

#[derive(Deserialize)]
struct SignIn {
    name: String,
}

async fn sign_in(
    State(registry): State<Registry>,
    session: Session<Login>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, Failure> {
    let name = form.name.trim();
    if name.is_empty() || name.chars().count() > 40 {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::sign_in()).into_response());
    }
    session.regenerate();
    session.set(Login { name: name.to_owned() })?;
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let label = page::device(agent.unwrap_or_default());
    registry.record(&session, label).keep_at_most(MOST_DEVICES).await?;
    Ok(Redirect::to("/").into_response())
}

async fn sign_out(
    State(registry): State<Registry>,
    session: Session<Login>,
) -> Result<Redirect, Failure> {
    if let (Some(login), Some(id)) = (session.data(), session.id()) {
        // Off the list, and ended.
        registry.end(&login.tag(), id).await.map_err(SessionError::from)?;
    }
    session.end().await?;
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
struct There {
    id: SessionId,
}

async fn sign_out_there(
    State(registry): State<Registry>,
    Current(login): Current<Login>,
    Form(there): Form<There>,
) -> Result<Redirect, Failure> {
    // Only if it is one of this user's.
    registry.end(&login.tag(), there.id).await.map_err(SessionError::from)?;
    Ok(Redirect::to("/"))
}

async fn sign_out_elsewhere(
    State(registry): State<Registry>,
    session: Session<Login>,
    Current(login): Current<Login>,
) -> Result<Redirect, Failure> {
    registry.end_others(&session, &login.tag()).await?;
    Ok(Redirect::to("/"))
}

/// A response to a person whose session could not be used.
struct Failure(SessionError);

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self.0.kind() {
            // It was ended from another device.
            SessionErrorKind::Ended => Redirect::to("/").into_response(),
            _ => {
                let mut response = self.0.into_response();
                *response.body_mut() = page::failure().0.into();
                let html = header::HeaderValue::from_static("text/html; charset=utf-8");
                response.headers_mut().insert(header::CONTENT_TYPE, html);
                response
            }
        }
    }
}

/// The key in `devices-key`, which the first start creates.
fn key() -> Result<Key, Box<dyn Error>> {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    if let Ok(mut file) = options.write(true).create_new(true).open(KEY_FILE) {
        file.write_all(Key::generate()?.expose_secret())?;
    }
    Ok(Key::from_file(KEY_FILE)?)
}
