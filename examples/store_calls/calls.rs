//! What `authsessions` and `@fastify/session` do with a store, call by call.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use sealed_session::registry::Registry;
use sealed_session::{
    Codec, Current, DecodeErrorKind, Dynamic, Key, Keyring, Revocations, Session, SessionError,
    SessionKind, SessionLayer, Tag,
};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

type Failure = Box<dyn Error>;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Login {
    user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";

    fn tags(login: &Self) -> Vec<Tag> {
        vec![user(login.user_id)]
    }
}

fn user(user_id: u64) -> Tag {
    Tag::new("user", user_id)
}

/// What the application notes about a session.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Metadata {
    address: String,
}

#[derive(Clone)]
struct App {
    logins: Codec<Login>,
    registry: Registry,
}

/// All of them, one after the other.
pub(crate) async fn all(revocations: &Revocations, registry: &Registry) -> Result<(), Failure> {
    let logins = Codec::<Login>::builder(Keyring::new(Key::generate()?))
        .revocations(revocations)
        .registry(registry)
        .build()?;
    let app = App { logins: logins.clone(), registry: registry.clone() };
    let router = Router::new()
        .route("/sessions", post(create).get(list))
        .route("/me", get(me))
        .route("/destroy", post(destroy))
        .route("/api/me", get(api_me))
        .layer(SessionLayer::new(logins))
        .with_state(app.clone());
    like_authsessions(&app, &router).await?;
    like_fastify_session(revocations).await
}

// authsessions: create a session for a user, with a label and metadata.
async fn create(
    State(app): State<App>,
    session: Session<Login>,
) -> Result<&'static str, SessionError> {
    session.regenerate();
    session.set(Login { user_id: 7 })?;
    let metadata = Metadata { address: "192.0.2.7".to_owned() };
    app.registry.record(&session, "Firefox on Linux").metadata(metadata).await?;
    Ok("created")
}

// authsessions: the user of a session.
async fn me(Current(login): Current<Login>) -> String {
    login.user_id.to_string()
}

// authsessions: the sessions of a user.
async fn list(
    State(app): State<App>,
    session: Session<Login>,
    Current(login): Current<Login>,
) -> Result<String, SessionError> {
    let page = app.registry.list(&user(login.user_id)).this(session.id()).await?;
    let line = |entry: sealed_session::registry::Entry| {
        let address = entry.metadata::<Metadata>().map(|metadata| metadata.address);
        let this = if entry.is_this { " (this)" } else { "" };
        format!("{}, {}{this}\n", entry.label, address.unwrap_or_default())
    };
    Ok(page.entries.into_iter().map(line).collect())
}

// authsessions: destroy a session.
async fn destroy(
    State(app): State<App>,
    session: Session<Login>,
) -> Result<&'static str, SessionError> {
    if let (Some(login), Some(id)) = (session.data(), session.id()) {
        app.registry.end(&user(login.user_id), id).await?;
    }
    session.end().await?;
    Ok("destroyed")
}

/// The same session for a program, in a header instead of a cookie.
async fn api_me(State(app): State<App>, headers: HeaderMap) -> Result<String, Response<Body>> {
    let refuse = |status: StatusCode| status.into_response();
    let token =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| refuse(StatusCode::UNAUTHORIZED))?;
    let login = app.logins.decode(token).map_err(|error| match error.kind() {
        DecodeErrorKind::Unavailable => refuse(StatusCode::SERVICE_UNAVAILABLE),
        _ => refuse(StatusCode::UNAUTHORIZED),
    })?;
    Ok(login.data.user_id.to_string())
}

async fn like_authsessions(app: &App, router: &Router) -> Result<(), Failure> {
    let (_, cookie) = send(router, post_to("/sessions"), "").await?;
    let (text, _) = send(router, get_from("/me"), &cookie).await?;
    assert_eq!(text, "7");
    let (text, _) = send(router, get_from("/sessions"), &cookie).await?;
    assert_eq!(text, "Firefox on Linux, 192.0.2.7 (this)\n");

    // A Bearer token is what stands in the cookie, or one that was never in a cookie.
    let token = cookie.trim_start_matches("login=").to_owned();
    let bearer = || {
        let request = Request::get("/api/me").header(AUTHORIZATION, format!("Bearer {token}"));
        request.body(Body::empty())
    };
    assert_eq!(send(router, bearer()?, "").await?.0, "7");
    let token_of_a_job = app.logins.encode(Login { user_id: 8 })?;
    assert_eq!(app.logins.decode(&token_of_a_job)?.data.user_id, 8);

    // All sessions, for an administrator.
    assert_eq!(app.registry.list_all().await?.entries.len(), 1);
    assert_eq!(app.registry.count(&user(7)).await?, 1);

    send(router, post_to("/destroy"), &cookie).await?;
    assert!(app.registry.list(&user(7)).await?.entries.is_empty());
    let response = router.clone().oneshot(bearer()?).await?;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    println!("authsessions: create, user, metadata, list, list all, Bearer, destroy");
    Ok(())
}

async fn like_fastify_session(revocations: &Revocations) -> Result<(), Failure> {
    // rolling: a session in use does not expire. (A read refreshes it once in a tenth of the timeout.)
    let (old, new) = (Key::generate()?, Key::generate()?);
    let codec = Codec::<Dynamic>::builder(Keyring::new(old.clone()))
        .idle_timeout(Duration::from_secs(30 * 60))
        .revocations(revocations)
        .build()?;
    let router = Router::new()
        .route(
            "/",
            get(async |session: Session| {
                session.get::<u32>("count").map(|count| format!("{count:?}"))
            }),
        )
        .route("/count", post(count))
        .route("/regenerate", post(async |session: Session| session.regenerate_keeping(&["count"])))
        .route("/destroy", post(async |session: Session| session.end().await))
        .layer(SessionLayer::new(codec.clone()));

    // saveUninitialized: false. A session that nobody wrote sets no cookie.
    let (_, cookie) = send(&router, get_from("/"), "").await?;
    assert_eq!(cookie, "");
    let (_, cookie) = send(&router, post_to("/count"), "").await?;

    // session.reload(): each request reads its own cookie; there is nothing to load again.
    let (text, _) = send(&router, get_from("/"), &cookie).await?;
    assert_eq!(text, "Some(1)");

    // session.regenerate()
    let (_, regenerated) = send(&router, post_to("/regenerate"), &cookie).await?;
    assert_ne!(
        codec.decode_cookie_header(&cookie)?.info.id,
        codec.decode_cookie_header(&regenerated)?.info.id
    );

    // secret: […], changed while the server runs.
    codec.replace_keyring(Keyring::new(new).with_previous(old)?);
    let (_, cookie) = send(&router, get_from("/"), &regenerated).await?;
    assert_eq!(codec.decode_cookie_header(&cookie)?.info.key_index, 0);

    // session.destroy(), for real: a copy does not open either.
    send(&router, post_to("/destroy"), &cookie).await?;
    assert_eq!(*codec.decode_cookie_header(&cookie).unwrap_err().kind(), DecodeErrorKind::Ended);
    println!("@fastify/session: rolling, saveUninitialized, reload, regenerate, secret, destroy");
    Ok(())
}

async fn count(session: Session) -> Result<(), SessionError> {
    let count = session.get::<u32>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)
}

fn get_from(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a valid request")
}

fn post_to(path: &str) -> Request<Body> {
    Request::post(path).body(Body::empty()).expect("a valid request")
}

/// The body of a response, and the cookie that it sets.
async fn send(
    router: &Router,
    mut request: Request<Body>,
    cookie: &str,
) -> Result<(String, String), Failure> {
    if !cookie.is_empty() {
        request.headers_mut().insert(COOKIE, cookie.parse()?);
    }
    let response = router.clone().oneshot(request).await?;
    assert!(response.status().is_success(), "{}", response.status());
    let set = response.headers().get(SET_COOKIE).map(|cookie| cookie.to_str()).transpose()?;
    let set = set.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await?;
    Ok((String::from_utf8(body.to_vec())?, set))
}
