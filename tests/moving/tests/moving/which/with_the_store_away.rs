//! What happens to logged-in users while a store cannot be reached.

use std::time::Duration;

use axum::http::StatusCode;
use sealed_session::revocation::{
    Appended, AtStart, Batch, Mark, Position, RevocationStore, StoreError, Target, WhenAway,
};
use sealed_session::{Codec, Dynamic, Keyring, Revocations};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::apps;
use crate::browser::Browser;

/// A store that cannot be reached.
#[derive(Clone, Debug)]
struct Away;

fn away() -> StoreError {
    "it cannot be reached".into()
}

impl RevocationStore for Away {
    async fn append(
        &self,
        _: &[Target],
        _: u64,
        _: u64,
    ) -> std::result::Result<Appended, StoreError> {
        Err(away())
    }

    async fn publish(&self, _: &[Mark]) -> std::result::Result<(), StoreError> {
        Err(away())
    }

    async fn read(
        &self,
        _: Option<&Position>,
        _: Duration,
    ) -> std::result::Result<Batch, StoreError> {
        Err(away())
    }

    async fn heartbeat(&self) -> std::result::Result<(), StoreError> {
        Err(away())
    }
}

#[async_trait::async_trait]
impl SessionStore for Away {
    async fn save(&self, _: &Record) -> Result<()> {
        Err(Error::Backend(away().to_string()))
    }

    async fn load(&self, _: &Id) -> Result<Option<Record>> {
        Err(Error::Backend(away().to_string()))
    }

    async fn delete(&self, _: &Id) -> Result<()> {
        Err(Error::Backend(away().to_string()))
    }
}

#[tokio::test]
async fn sealed_session_has_no_store() {
    let mut browser = Browser::new();
    let site = apps::ours_by_default();
    browser.get(&site, "/write/7").await;
    assert_eq!(browser.get(&site, "/read").await.body, "7");
}

#[tokio::test]
async fn sealed_session_with_revocations_serves_them_if_it_was_told_to() {
    for (when_away, status) in
        [(AtStart::ServeUnread, StatusCode::OK), (AtStart::Refuse, StatusCode::SERVICE_UNAVAILABLE)]
    {
        let mut browser = Browser::new();
        browser.get(&apps::ours_by_default(), "/write/7").await;
        let revocations = Revocations::open(Away, WhenAway::KeepServing, when_away).await;
        let codec = Codec::<Dynamic>::builder(Keyring::new(apps::key()))
            .revocations(&revocations.expect("it does not wait"))
            .build()
            .expect("a codec");
        assert_eq!(browser.get(&apps::ours(codec), "/read").await.status, status);
    }
}

#[tokio::test]
async fn tower_sessions_answers_with_errors() {
    let mut browser = Browser::new();
    browser.take("/", &format!("id={}; Path=/; Secure", Id::default()));
    let answer = browser.get(&apps::tower_sessions(Away, "id"), "/read").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}
