//! A session that grows to the limit. Its name has five letters, so that name and value can have exactly 4096
//! bytes and, one byte of data later, 4097: a text of base64 never has 4n + 1 characters.

use std::error::Error;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::post;
use sealed_session::{Codec, CookieOptions, Dynamic, Keyring, Session, SessionLayer};
use serde::Deserialize;

use crate::Shared;

pub(crate) fn routes(keyring: &Keyring) -> Result<Router<Shared>, Box<dyn Error>> {
    let codec = Codec::<Dynamic>::builder(keyring.clone())
        .cookie(CookieOptions::new().name("draft"))
        .build()?;
    Ok(Router::new().route("/draft", post(save)).layer(SessionLayer::new(codec)))
}

#[derive(Deserialize)]
struct Size {
    bytes: usize,
}

/// Answers with the error's text if it is too large.
async fn save(session: Session, Query(Size { bytes }): Query<Size>) -> (StatusCode, String) {
    match session.insert("text", "x".repeat(bytes)) {
        Ok(()) => (StatusCode::OK, "saved".to_owned()),
        Err(error) => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
    }
}
