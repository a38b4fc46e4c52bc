//! One session for each form of cookie, at `/shapes/NAME`.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::routing::{get, post};
use sealed_session::{
    Codec, CookieOptions, Current, Keyring, SameSite, Session, SessionError, SessionKind,
    SessionLayer,
};
use serde::Deserialize;

use crate::Shared;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Shape;

impl SessionKind for Shape {
    type Data = u32;
    const NAME: &'static str = "shape";
}

/// The name is the cookie's as well, after the prefix.
fn shapes() -> [(&'static str, CookieOptions); 10] {
    let new = CookieOptions::new;
    let none = || new().same_site(SameSite::None);
    [
        ("default", new()),
        ("host", CookieOptions::host_prefixed()),
        ("domain", CookieOptions::secure_prefixed().domain("a.test")),
        ("path", new().path("/shapes/path")),
        ("strict", new().same_site(SameSite::Strict)),
        ("none", none()),
        ("partitioned", none().partitioned(true)),
        ("script", new().danger_allow_script_access()),
        ("plain", new().danger_allow_plain_http()),
        ("kept", new().max_age(400 * DAY)),
    ]
}

pub(crate) fn routes(keyring: &Keyring) -> Result<Router<Shared>, Box<dyn Error>> {
    shapes().into_iter().try_fold(Router::new(), |router, (name, options)| {
        let codec = Codec::<Shape>::builder(keyring.clone()).cookie(options.name(name)).build()?;
        let routes = Router::new()
            .route("/begin", post(begin))
            .route("/end", post(async |session: Session<Shape>| session.delete()))
            .route("/who", get(who))
            .layer(SessionLayer::new(codec));
        Ok(router.nest(&format!("/shapes/{name}"), routes))
    })
}

#[derive(Deserialize)]
struct User {
    user: u32,
}

async fn begin(session: Session<Shape>, Query(user): Query<User>) -> Result<(), SessionError> {
    session.set(user.user)
}

async fn who(user: Option<Current<Shape>>) -> String {
    user.map_or("nobody".to_owned(), |Current(user)| format!("user {user}"))
}
