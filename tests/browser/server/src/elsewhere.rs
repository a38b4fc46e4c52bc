//! What needs no session: an empty page, a redirect to anywhere, and any `Set-Cookie`, as a broken or hostile
//! sibling would send it.

use axum::Router;
use axum::extract::Query;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{AppendHeaders, Html};
use axum::routing::{any, get};
use serde::Deserialize;

use crate::Shared;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/page", get(async || Html("<!doctype html><title>A page</title>")))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/shown", get(async || StatusCode::NO_CONTENT))
        .route("/go", any(go))
        .route("/plant", get(plant))
        .fallback(async || StatusCode::NOT_FOUND)
}

#[derive(Deserialize)]
struct Target {
    to: String,
}

/// What an identity provider answers at the end: 302, whatever the method was.
async fn go(Query(Target { to }): Query<Target>) -> (StatusCode, [(HeaderName, String); 1]) {
    (StatusCode::FOUND, [(LOCATION, to)])
}

#[derive(Deserialize)]
struct Planted {
    cookie: String,
}

async fn plant(
    Query(Planted { cookie }): Query<Planted>,
) -> (AppendHeaders<[(HeaderName, String); 1]>, &'static str) {
    (AppendHeaders([(SET_COOKIE, cookie)]), "planted")
}
