//! Three sessions that differ in `SameSite` alone, and beside them a cookie that does not say it.

use std::error::Error;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect};
use axum::routing::any;
use sealed_session::{
    Codec, CookieOptions, Current, Keyring, SameSite, Session, SessionError, SessionKind,
    SessionLayer,
};

use crate::Shared;

struct Strict;
struct Lax;
struct Unrestricted;

impl SessionKind for Strict {
    type Data = u32;
    const NAME: &'static str = "strict";
}

impl SessionKind for Lax {
    type Data = u32;
    const NAME: &'static str = "lax";
}

impl SessionKind for Unrestricted {
    type Data = u32;
    const NAME: &'static str = "none";
}

pub(crate) fn routes(keyring: &Keyring) -> Result<Router<Shared>, Box<dyn Error>> {
    Ok(Router::new()
        .route("/same-site/begin", any(begin))
        .route("/same-site/seen", any(seen))
        // What a handler of a `form_post` answers, if it wants the cookies nevertheless.
        .route("/same-site/forward", any(forward))
        .layer(layer::<Strict>(keyring, SameSite::Strict)?)
        .layer(layer::<Lax>(keyring, SameSite::Lax)?)
        .layer(layer::<Unrestricted>(keyring, SameSite::None)?))
}

fn layer<K: SessionKind>(
    keyring: &Keyring,
    same_site: SameSite,
) -> Result<SessionLayer<K>, Box<dyn Error>> {
    let options = CookieOptions::new().same_site(same_site);
    let codec = Codec::builder(keyring.clone()).cookie(options).build()?;
    Ok(SessionLayer::new(codec))
}

async fn begin(
    strict: Session<Strict>,
    lax: Session<Lax>,
    none: Session<Unrestricted>,
) -> Result<impl IntoResponse, SessionError> {
    strict.set(7)?;
    lax.set(7)?;
    none.set(7)?;
    let silent = AppendHeaders([(SET_COOKIE, "silent=7; Secure; HttpOnly; Path=/")]);
    Ok((silent, Html("<!doctype html><title>Begun</title>")))
}

async fn forward(RawQuery(query): RawQuery) -> Redirect {
    Redirect::to(&format!("/same-site/seen?{}", query.unwrap_or_default()))
}

/// A page with the sessions that came and opened.
async fn seen(
    strict: Option<Current<Strict>>,
    lax: Option<Current<Lax>>,
    none: Option<Current<Unrestricted>>,
) -> Html<String> {
    let came = [("strict", strict.is_some()), ("lax", lax.is_some()), ("none", none.is_some())];
    let came: Vec<_> = came.into_iter().filter(|(_, came)| *came).map(|(name, _)| name).collect();
    Html(format!("<!doctype html><title>Seen</title><p>{}</p>", came.join(" ")))
}
