//! This crate, as named entries and typed.

use axum::Router;
use axum::routing::get;
use http::Uri;
use sealed_session::{Codec, Current, Dynamic, Key, Keyring, Session, SessionError, SessionLayer};

use super::{answer, number, untouched};
use crate::sample::{Sample, visits};

fn keyring() -> Keyring {
    Keyring::new(Key::from_bytes([7; 32]).expect("a key"))
}

pub(super) fn dynamic(len: usize) -> Router {
    async fn read(session: Session) -> Result<String, SessionError> {
        Ok(answer(session.get::<u64>("user_id")?.unwrap_or_default()))
    }
    async fn write(session: Session) -> Result<String, SessionError> {
        let visits = visits();
        session.insert("visits", visits)?;
        Ok(answer(visits.into()))
    }
    async fn read_visits(session: Session) -> Result<String, SessionError> {
        Ok(answer(session.get("visits")?.unwrap_or_default()))
    }
    let begin = async move |uri: Uri, session: Session| {
        session.set(Sample::new(number(&uri), len).entries())
    };
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/visits", get(read_visits))
        .layer(SessionLayer::new(Codec::<Dynamic>::new(keyring()).expect("a codec")))
}

pub(super) fn typed(len: usize) -> Router {
    async fn read(Current(session): Current<Sample>) -> String {
        answer(session.user_id)
    }
    async fn write(session: Session<Sample>) -> Result<String, SessionError> {
        let visits = visits();
        let _ = session.update(|data| data.visits = visits)?;
        Ok(answer(visits.into()))
    }
    async fn read_visits(Current(session): Current<Sample>) -> String {
        answer(session.visits.into())
    }
    let begin =
        async move |uri: Uri, session: Session<Sample>| session.set(Sample::new(number(&uri), len));
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/visits", get(read_visits))
        .layer(SessionLayer::new(Codec::<Sample>::new(keyring()).expect("a codec")))
}
