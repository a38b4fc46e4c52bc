//! The site: one page with a session, and what operators look at. The test of the run-book serves it too.

use std::sync::Arc;

use axum::{Router, routing::get};
use sealed_session::{
    Clock, Codec, ConfigError, Dynamic, KeyDirectory, Session, SessionError, SessionLayer,
};

use super::counters::Counters;

/// The site on these keys.
pub(crate) fn app(keys: &KeyDirectory, clock: impl Clock) -> Result<Router, ConfigError> {
    let counters = Arc::new(Counters::default());
    let counting = counters.clone();
    let codec = Codec::<Dynamic>::builder(keys.keyring())
        .clock(clock)
        .on_event(move |event| counting.count(event))
        .build()?;

    let (status, settings) = (keys.clone(), keys.clone());
    Ok(Router::new()
        .route("/visits", get(visits))
        .layer(SessionLayer::new(codec))
        // A service that anybody can reach would keep these to itself. They hold no secret.
        .route("/metrics", get(move || async move { counters.text() }))
        .route("/keys", get(move || async move { in_force(&status) }))
        .route("/rotation.json", get(move || async move { rotation_settings(&settings) })))
}

async fn visits(session: Session) -> Result<String, SessionError> {
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(format!("{visits}\n"))
}

/// What this server has found in its directory.
fn in_force(keys: &KeyDirectory) -> String {
    let status = keys.status();
    let (sealing, fingerprint) = (status.sealing, status.fingerprint);
    let text = format!("{sealing} seals; keys: {}; fingerprint {fingerprint}\n", status.keys.len());
    match status.last_error {
        Some(error) => format!("{text}the last look failed: {error}\n"),
        None => text,
    }
}

/// For the tool, which must know how long sessions last.
fn rotation_settings(keys: &KeyDirectory) -> String {
    format!("{}\n", keys.rotation_settings())
}
