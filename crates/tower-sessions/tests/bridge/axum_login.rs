//! axum-login 0.18: log-in, permissions and log-out by its own `AuthSession`, middleware and macros.
//!
//! The journeys are those of its `tests/integration-test.rs` (MIT licence), without a server and a database.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_login::{
    AuthManager, AuthUser, AuthnBackend, AuthzBackend, login_required, permission_required,
};
use http::StatusCode;
use http::header::LOCATION;
use sealed_session_tower_sessions::v0_14::SealedSessionLayer;
use sealed_session_tower_sessions::v0_15;
use tower::layer::layer_fn;

use crate::support::{Browser, codec};

#[derive(Clone, Debug)]
struct User {
    id: u64,
    name: String,
    password: String,
}

impl AuthUser for User {
    type Id = u64;

    fn id(&self) -> u64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Clone)]
struct Users(Arc<Mutex<Vec<User>>>);

impl Users {
    fn new() -> Self {
        let user = |id, name: &str| User { id, name: name.into(), password: "hunter42".into() };
        Self(Arc::new(Mutex::new(vec![user(1, "ferris"), user(2, "admin")])))
    }

    fn find(&self, matches: impl Fn(&User) -> bool) -> Option<User> {
        self.0.lock().unwrap().iter().find(|user| matches(user)).cloned()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = (String, String);
    type Error = std::convert::Infallible;

    async fn authenticate(
        &self,
        (name, password): (String, String),
    ) -> Result<Option<User>, Self::Error> {
        Ok(self.find(|user| user.name == name && user.password == password))
    }

    async fn get_user(&self, id: &u64) -> Result<Option<User>, Self::Error> {
        Ok(self.find(|user| user.id == *id))
    }
}

impl AuthzBackend for Users {
    type Permission = &'static str;

    async fn get_group_permissions(
        &self,
        user: &User,
    ) -> Result<HashSet<&'static str>, Self::Error> {
        Ok(if user.name == "admin" { HashSet::from(["restricted.read"]) } else { HashSet::new() })
    }
}

type AuthSession = axum_login::AuthSession<Users>;

async fn log_in(
    mut auth: AuthSession,
    Path((name, password)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Ok(Some(user)) = auth.authenticate((name, password)).await else {
        auth.session.insert("message", "Invalid credentials").await.unwrap();
        return Redirect::to("/login").into_response();
    };
    if auth.login(&user).await.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    Redirect::to(query.get("next").map_or("/", String::as_str)).into_response()
}

async fn log_out(mut auth: AuthSession) -> Response {
    match auth.logout().await {
        Ok(_) => Redirect::to("/login").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn protected() -> Router {
    Router::new()
        .route("/restricted", get(|| async { "restricted" }))
        .route_layer(permission_required!(Users, login_url = "/login", "restricted.read"))
        .route("/", get(|auth: AuthSession| async move { auth.user.unwrap().name }))
        .route_layer(login_required!(Users, login_url = "/login"))
        .route(
            "/login",
            get(|auth: AuthSession| async move {
                auth.session.remove::<String>("message").await.unwrap().unwrap_or_default()
            }),
        )
        .route("/login/{name}/{password}", get(log_in))
        .route("/logout", get(log_out))
        .route(
            "/id",
            get(|auth: AuthSession| async move {
                auth.session.id().map_or("none".to_owned(), |id| id.to_string())
            }),
        )
}

fn site() -> (Browser, Users) {
    let users = Users::new();
    let backend = users.clone();
    let app = protected()
        .layer(layer_fn(move |inner| AuthManager::new(inner, backend.clone(), "axum-login.data")))
        .layer(SealedSessionLayer::new(codec()));
    (Browser::new(app), users)
}

impl Browser {
    async fn is_sent(&mut self, path: &str, to: &str) {
        let answer = self.get(path).await;
        assert!(answer.status.is_redirection(), "{path}: {}", answer.status);
        assert_eq!(answer.headers[LOCATION], to, "{path}");
    }
}

#[tokio::test]
async fn a_user_logs_in_and_out() {
    let (mut browser, _) = site();
    browser.is_sent("/", "/login?next=%2F").await;
    assert!(browser.cookies.is_empty());

    browser.is_sent("/login/ferris/bogus", "/login").await;
    assert!(browser.cookies.contains_key("id"));
    assert_eq!(browser.get("/login").await.ok().body, "Invalid credentials");
    assert_eq!(browser.get("/login").await.ok().body, "");

    let before = browser.get("/id").await.ok().body;
    browser.is_sent("/login/ferris/hunter42?next=%2Fid", "/id").await;
    assert_ne!(browser.get("/id").await.ok().body, before, "another id after a log-in");
    assert_eq!(browser.get("/").await.ok().body, "ferris");

    browser.is_sent("/logout", "/login").await;
    assert!(browser.cookies.is_empty());
    browser.is_sent("/", "/login?next=%2F").await;
}

#[tokio::test]
async fn only_who_has_the_permission_sees_a_page() {
    let (mut browser, _) = site();
    browser.is_sent("/restricted", "/login?next=%2Frestricted").await;
    browser.is_sent("/login/ferris/hunter42", "/").await;
    browser.is_sent("/restricted", "/login?next=%2Frestricted").await;
    browser.is_sent("/logout", "/login").await;
    browser.is_sent("/login/admin/hunter42", "/").await;
    assert_eq!(browser.get("/restricted").await.ok().body, "restricted");
}

#[tokio::test]
async fn a_changed_password_ends_the_users_sessions() {
    let (mut browser, users) = site();
    browser.is_sent("/login/ferris/hunter42", "/").await;
    let mut elsewhere = Browser { app: browser.app.clone(), cookies: Default::default() };
    elsewhere.is_sent("/login/ferris/hunter42", "/").await;
    users.0.lock().unwrap()[0].password = "hunter43".into();
    for browser in [&mut browser, &mut elsewhere] {
        browser.is_sent("/", "/login?next=%2F").await;
        assert!(browser.cookies.is_empty(), "axum-login flushes it");
    }
}

#[tokio::test]
async fn a_page_that_changes_nothing_sets_no_cookie() {
    let (mut browser, _) = site();
    browser.is_sent("/login/admin/hunter42", "/").await;
    for path in ["/", "/restricted", "/id"] {
        browser.get(path).await.ok().sets_nothing();
    }
}

#[tokio::test]
async fn with_another_version_of_tower_sessions_every_request_is_a_500() {
    let app = protected()
        .layer(layer_fn(|inner| AuthManager::new(inner, Users::new(), "axum-login.data")))
        .layer(v0_15::SealedSessionLayer::new(codec()));
    let answer = Browser::new(app).get("/login").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}
