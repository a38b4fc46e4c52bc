//! The libraries that keep the data on the server, in memory: no round trip to a store is in their
//! figures.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::get;
use http::{StatusCode, Uri};
use serde_json::Value;

use super::{answer, finish, number, untouched};
use crate::sample::{Sample, visits};

fn members(uri: &Uri, len: usize) -> BTreeMap<String, Value> {
    serde_json::from_slice(&Sample::new(number(uri), len).json()).expect("an object")
}

pub(super) fn tower_sessions(len: usize) -> Router {
    use tower_sessions::session::Error;
    use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

    fn failed(_: Error) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
    async fn read(session: Session) -> Result<String, StatusCode> {
        let found = session.get::<u64>("user_id").await.map_err(failed)?;
        Ok(answer(found.unwrap_or_default()))
    }
    async fn write(session: Session) -> Result<String, StatusCode> {
        let visits = visits();
        session.insert("visits", visits).await.map_err(failed)?;
        Ok(answer(visits.into()))
    }
    async fn read_visits(session: Session) -> Result<String, StatusCode> {
        Ok(answer(session.get("visits").await.map_err(failed)?.unwrap_or_default()))
    }
    let begin = async move |uri: Uri, session: Session| -> Result<(), StatusCode> {
        for (name, value) in members(&uri, len) {
            session.insert_value(&name, value).await.map_err(failed)?;
        }
        Ok(())
    };
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/visits", get(read_visits))
        .layer(SessionManagerLayer::new(MemoryStore::default()))
}

pub(super) fn axum_session(len: usize) -> Router {
    use axum_session::{
        SessionConfig, SessionLayer, SessionNullPool, SessionNullSession, SessionNullSessionStore,
    };

    async fn read(session: SessionNullSession) -> String {
        answer(session.get::<u64>("user_id").unwrap_or_default())
    }
    async fn write(session: SessionNullSession) -> String {
        let visits = visits();
        session.set("visits", visits);
        answer(visits.into())
    }
    async fn read_visits(session: SessionNullSession) -> String {
        answer(session.get::<u64>("visits").unwrap_or_default())
    }
    let begin = async move |uri: Uri, session: SessionNullSession| {
        for (name, value) in members(&uri, len) {
            session.set(&name, value);
        }
    };
    // The layer spawns a task that sweeps; on a runtime that nobody drives it stays out of the way.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _entered = runtime.enter();
    let store = finish(SessionNullSessionStore::new(None, SessionConfig::default()));
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/visits", get(read_visits))
        .layer(SessionLayer::<SessionNullPool>::new(store.expect("a store")))
        .with_state(())
}
