//! A small site for each library: `/write/{len}` writes a text of that length, `/read` answers with its
//! length, `/fail` writes and fails, `/log-out` logs out.

use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::web;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use axum_extra::extract::PrivateCookieJar;
use axum_extra::extract::cookie::{Cookie, Key as CookieKey};
use sealed_session::{Codec, Dynamic, Key, Keyring, Session, SessionError, SessionLayer};
use seshcookie::SessionKeys;
use tower_sessions::{SessionManagerLayer, SessionStore};

use crate::browser::{Answer, Program};

const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

fn text(len: usize) -> String {
    "x".repeat(len)
}

pub(super) fn key() -> Key {
    Key::from_bytes([7; 32]).expect("a key")
}

pub(super) fn ours(codec: Codec<Dynamic>) -> Router {
    Router::new()
        .route(
            "/write/{len}",
            get(async |Path(len): Path<usize>, session: Session| session.insert("text", text(len))),
        )
        .route(
            "/read",
            get(async |session: Session| {
                let text = session.get::<String>("text")?.unwrap_or_default();
                Ok::<_, SessionError>(text.len().to_string())
            }),
        )
        .route(
            "/fail",
            get(async |session: Session| {
                session.insert("text", "written")?;
                Ok::<_, SessionError>(FAILED)
            }),
        )
        .route("/log-out", get(async |session: Session| session.delete()))
        .layer(SessionLayer::new(codec))
}

pub(super) fn ours_by_default() -> Router {
    ours(Codec::new(Keyring::new(key())).expect("a codec"))
}

pub(super) fn cookie_key(byte: u8) -> CookieKey {
    CookieKey::from(&[byte; 64])
}

pub(super) fn jar(key: CookieKey, name: &'static str) -> Router {
    let cookie = move |value: String| Cookie::build((name, value)).path("/");
    let write =
        async move |Path(len): Path<usize>, jar: PrivateCookieJar| jar.add(cookie(text(len)));
    let read = async move |jar: PrivateCookieJar| {
        jar.get(name).map_or(0, |cookie| cookie.value().len()).to_string()
    };
    Router::new()
        .route("/write/{len}", get(write))
        .route("/read", get(read))
        .route("/fail", get(async move |jar: PrivateCookieJar| (FAILED, jar.add(cookie(text(7))))))
        .route(
            "/forget",
            get(async move |jar: PrivateCookieJar| {
                let _ = jar.add(cookie(text(7))); // not returned
            }),
        )
        .route(
            "/log-out",
            get(async move |jar: PrivateCookieJar| jar.remove(cookie(String::new()))),
        )
        .with_state(key)
}

pub(super) fn tower_cookies() -> Router {
    use tower_cookies::{Cookie, CookieManagerLayer, Cookies, Key};
    let forget = async |cookies: Cookies| {
        cookies.private(&Key::from(&[7; 64])).add(Cookie::new("session", "7"));
    };
    Router::new().route("/forget", get(forget)).layer(CookieManagerLayer::new())
}

pub(super) fn seshcookie_keys(byte: u8) -> SessionKeys {
    SessionKeys::new(&[byte; 32]).expect("a key")
}

pub(super) fn seshcookie(keys: SessionKeys, name: &str) -> Router {
    use seshcookie::{Session, SessionConfig, SessionLayer};
    let config = SessionConfig::default().cookie_name(name);
    let write = async |Path(len): Path<usize>, session: Session<String>| {
        session.insert(text(len)).await;
    };
    let fail = async |session: Session<String>| {
        session.insert(text(7)).await;
        FAILED
    };
    Router::new()
        .route("/write/{len}", get(write))
        .route(
            "/read",
            get(async |session: Session<String>| {
                session.get().await.map_or(0, |text| text.len()).to_string()
            }),
        )
        .route("/fail", get(fail))
        .route("/log-out", get(async |session: Session<String>| session.clear().await))
        .layer(SessionLayer::<String>::new(keys, config).expect("a layer"))
}

pub(super) fn tower_sessions(store: impl SessionStore + Clone, name: &'static str) -> Router {
    use tower_sessions::Session;
    let write = async |Path(len): Path<usize>, session: Session| {
        session.insert("text", text(len)).await.map_err(|_| FAILED)
    };
    let read = async |session: Session| {
        let text = session.get::<String>("text").await.map_err(|_| FAILED)?;
        Ok::<_, StatusCode>(text.map_or(0, |text| text.len()).to_string())
    };
    let fail = async |session: Session| {
        session.insert("text", text(7)).await.map_err(|_| FAILED)?;
        Err::<(), _>(FAILED)
    };
    Router::new()
        .route("/write/{len}", get(write))
        .route("/read", get(read))
        .route("/fail", get(fail))
        .route("/log-out", get(async |session: Session| session.flush().await.map_err(|_| FAILED)))
        .layer(SessionManagerLayer::new(store).with_name(name))
}

/// actix-session with its cookie store.
pub(super) struct Actix {
    pub(super) key: u8,
    pub(super) name: &'static str,
}

impl Actix {
    pub(super) fn layer(&self) -> SessionMiddleware<CookieSessionStore> {
        let key = actix_web::cookie::Key::from(&[self.key; 64]);
        SessionMiddleware::builder(CookieSessionStore::default(), key)
            .cookie_name(self.name.to_owned())
            .build()
    }
}

fn actix_routes(config: &mut web::ServiceConfig) {
    use actix_session::Session;
    use actix_web::{Error, HttpResponse};
    async fn write(len: web::Path<usize>, session: Session) -> Result<HttpResponse, Error> {
        session.insert("text", text(*len))?;
        Ok(HttpResponse::Ok().finish())
    }
    async fn read(session: Session) -> Result<String, Error> {
        Ok(session.get::<String>("text")?.map_or(0, |text| text.len()).to_string())
    }
    async fn fail(session: Session) -> Result<HttpResponse, Error> {
        session.insert("text", text(7))?;
        Ok(HttpResponse::InternalServerError().finish())
    }
    async fn log_out(session: Session) -> HttpResponse {
        session.purge();
        HttpResponse::Ok().finish()
    }
    config
        .route("/write/{len}", web::get().to(write))
        .route("/read", web::get().to(read))
        .route("/fail", web::get().to(fail))
        .route("/log-out", web::get().to(log_out));
}

impl Program for Actix {
    async fn call(&self, request: Request<Body>) -> Answer {
        let app = actix_web::App::new().configure(actix_routes).wrap(self.layer());
        crate::actix::call(&actix_web::test::init_service(app).await, request).await
    }
}
