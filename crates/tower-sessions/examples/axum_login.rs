//! axum-login without a session store: `AuthSession`, a page for everybody who is logged in, and one for
//! those with a permission.
//!
//!     cargo run -p sealed-session-tower-sessions --features v0_14 --example axum_login
//!
//! Log in as ferris or admin, with the password hunter42. (A real site stores hashes of passwords, and has a
//! `secret-key` of its own.)

use std::collections::HashSet;
use std::convert::Infallible;

use axum::Router;
use axum::extract::Form;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_login::{
    AuthManager, AuthUser, AuthnBackend, AuthzBackend, login_required, permission_required,
};
use http::StatusCode;
use sealed_session::{Codec, CookieOptions, Key, Keyring};
use sealed_session_tower_sessions::TowerSession;
use sealed_session_tower_sessions::v0_14::SealedSessionLayer;
use serde::Deserialize;
use tower::layer::layer_fn;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Key::from_file("secret-key")? on a real site: with this one a restart logs everybody out.
    let keyring = Keyring::new(Key::generate()?);
    // Without HTTPS, as here, browsers keep no cookie that is `Secure` and not of localhost.
    let cookie = CookieOptions::new().danger_allow_plain_http();
    let codec = Codec::<TowerSession>::builder(keyring).cookie(cookie).build()?;

    let app = Router::new()
        .route("/restricted", get(restricted))
        .route_layer(permission_required!(Users, login_url = "/login", "restricted.read"))
        .route("/", get(home))
        .route_layer(login_required!(Users, login_url = "/login"))
        .route("/login", get(form).post(log_in))
        .route("/logout", post(log_out))
        // Instead of AuthManagerLayerBuilder::new(backend, SessionManagerLayer::new(store)).build():
        .layer(layer_fn(|inner| AuthManager::new(inner, Users, "axum-login.data")))
        .layer(SealedSessionLayer::new(codec));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

type AuthSession = axum_login::AuthSession<Users>;

async fn form() -> Html<&'static str> {
    Html(
        "<form method=post>
           <input name=name placeholder=ferris autofocus>
           <input name=password type=password placeholder=hunter42>
           <button>Log in</button>
         </form>",
    )
}

async fn log_in(mut auth: AuthSession, Form(credentials): Form<Credentials>) -> Response {
    match auth.authenticate(credentials).await {
        Ok(Some(user)) => match auth.login(&user).await {
            Ok(()) => Redirect::to("/").into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Ok(None) => Redirect::to("/login").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn log_out(mut auth: AuthSession) -> Response {
    match auth.logout().await {
        Ok(_) => Redirect::to("/login").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn home(auth: AuthSession) -> Html<String> {
    let name = auth.user.map_or("nobody", |user| user.name);
    Html(format!(
        "<p>Hello, {name}.</p> <a href=/restricted>For admins</a>
         <form method=post action=/logout><button>Log out</button></form>"
    ))
}

async fn restricted() -> &'static str {
    "Only who may read this reads this."
}

#[derive(Clone, Debug)]
struct User {
    id: u64,
    name: &'static str,
    password: &'static str,
}

impl AuthUser for User {
    type Id = u64;

    fn id(&self) -> u64 {
        self.id
    }

    /// The cookie has a copy: a session ends when the user's password is another.
    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

const USERS: [User; 2] = [
    User { id: 1, name: "ferris", password: "hunter42" },
    User { id: 2, name: "admin", password: "hunter42" },
];

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Clone)]
struct Users;

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, credentials: Credentials) -> Result<Option<User>, Infallible> {
        let Credentials { name, password } = credentials;
        Ok(USERS.into_iter().find(|user| user.name == name && user.password == password))
    }

    async fn get_user(&self, id: &u64) -> Result<Option<User>, Infallible> {
        Ok(USERS.into_iter().find(|user| user.id == *id))
    }
}

impl AuthzBackend for Users {
    type Permission = &'static str;

    async fn get_user_permissions(&self, user: &User) -> Result<HashSet<&'static str>, Infallible> {
        Ok(if user.name == "admin" { HashSet::from(["restricted.read"]) } else { HashSet::new() })
    }
}
