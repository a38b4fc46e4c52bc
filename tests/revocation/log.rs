//! What is logged of sessions that end, and of the stores.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::header::COOKIE;
use http::{Request, Response};
use sealed_session::registry::{ListKey, Record, Recording, Registry, RegistryStore, Seen};
use sealed_session::revocation::{AtStart, Status, StoreError, WhenAway};
use sealed_session::{
    Codec, CodecBuilder, Keyring, Revocations, Session, SessionError, SessionId, SessionLayer,
};
use tower::ServiceExt as _;

use crate::codec::{Account, account, user};
use crate::registry::Away;
use crate::session::{Switch, until};
use crate::support::log::log_of;
use crate::support::{key, ring, seconds};

/// What is logged while this runs, with all tasks that it starts.
fn log_while<F: Future>(work: impl FnOnce() -> F) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    log_of(|| {
        runtime.block_on(async {
            work().await;
            // What was spawned meanwhile fails at once.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
    })
    .1
}

/// The level and the code of one line.
#[track_caller]
fn says(log: &str, level: &str, code: &str) {
    let code = format!(" code=\"{code}\"");
    let lines: Vec<_> = log.lines().filter(|line| line.contains(&code)).collect();
    let [line] = lines[..] else { panic!("not one line with{code}: {log}") };
    assert!(line.starts_with(level), "{line}");
}

#[test]
fn a_store_that_goes_and_comes_back_empty_is_logged_once_each() {
    let switch = Arc::new(AtomicBool::new(true));
    let log = log_while(async || {
        let store = Switch(switch.clone());
        let revocations =
            Revocations::open(store, WhenAway::KeepServing, AtStart::Wait(seconds(10)))
                .await
                .unwrap();
        revocations.end_all(&user(7)).await.unwrap();
        switch.store(false, Ordering::SeqCst);
        until(&revocations, |status| matches!(status, Status::Stale { .. })).await;
        switch.store(true, Ordering::SeqCst);
        until(&revocations, |status| status == Status::Live).await;
    });
    says(&log, "ERROR", "revocations_stale");
    says(&log, "WARN", "marks_published_again");
    assert!(log.contains(" count=1"), "{log}");
    says(&log, "INFO", "revocations_live");
}

#[test]
fn an_ending_that_the_store_does_not_confirm_is_logged() {
    let log = log_while(async || {
        let store = Switch(Arc::new(AtomicBool::new(false)));
        let revocations =
            Revocations::open(store, WhenAway::KeepServing, AtStart::ServeUnread).await.unwrap();
        revocations.end_all(&user(7)).await.unwrap_err();
    });
    says(&log, "WARN", "ending_unconfirmed");
}

async fn request<F, R>(codec: &Codec<Account>, cookie: &str, handler: F) -> Response<Body>
where
    F: Fn(Session<Account>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(), SessionError>> + Send + 'static,
{
    let app = Router::new().fallback(handler).layer(SessionLayer::new(codec.clone()));
    let request = Request::get("/").header(COOKIE, cookie).body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap()
}

fn builder() -> CodecBuilder<Account> {
    Codec::builder(ring(&[1]))
}

fn cookie(codec: &Codec<Account>) -> String {
    format!("account={}", codec.encode(account(7)).unwrap())
}

#[test]
fn a_deletion_of_a_session_that_cannot_be_judged_is_logged_as_such() {
    let log = log_while(async || {
        let store = Switch(Arc::new(AtomicBool::new(false)));
        let revocations =
            Revocations::open(store, WhenAway::KeepServing, AtStart::Refuse).await.unwrap();
        let codec = builder().revocations(&revocations).build().unwrap();
        request(&codec, &cookie(&codec), async |session: Session<Account>| {
            session.delete();
            Ok(())
        })
        .await;
    });
    let line = log.lines().find(|line| line.contains("method=\"delete\"")).expect(&log);
    says(line, "ERROR", "unavailable");
}

#[test]
fn what_a_session_would_have_sent_is_logged_if_it_was_ended_meanwhile() {
    let log = log_while(async || {
        let revocations = Revocations::in_memory();
        let codec = builder().revocations(&revocations).build().unwrap();
        request(&codec, &cookie(&codec), move |session: Session<Account>| {
            let revocations = revocations.clone();
            async move {
                session.set(account(7))?;
                Ok(revocations.end_all(&user(7)).await?)
            }
        })
        .await;
    });
    says(&log, "WARN", "ended");
}

#[test]
fn a_keyring_under_which_nothing_could_be_ended_is_logged() {
    let codec = builder().revocations(&Revocations::in_memory()).build().unwrap();
    let (_, log) = log_of(|| codec.replace_keyring(Keyring::fastify(key(2))));
    says(&log, "ERROR", "keyring_refused");
}

/// A store that keeps records and cannot remove them.
struct Sticky(Mutex<Vec<Record>>);

impl RegistryStore for Sticky {
    async fn put(
        &self,
        _: ListKey,
        record: &Record,
        _: Option<usize>,
        _: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(Vec::new())
    }

    async fn note_seen(&self, _: &[Seen]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list(
        &self,
        _: ListKey,
        _: Option<(u64, SessionId)>,
        _: usize,
        _: u64,
    ) -> Result<Vec<Record>, StoreError> {
        Ok(self.0.lock().unwrap().first().cloned().into_iter().collect())
    }

    async fn count(&self, _: ListKey, _: u64) -> Result<usize, StoreError> {
        Ok(1)
    }

    async fn remove(&self, _: ListKey, _: &[SessionId]) -> Result<(), StoreError> {
        Err("read only".into())
    }
}

/// A log-in, which this registry records.
async fn log_in(registry: &Registry, revocations: &Revocations) {
    let codec = builder().revocations(revocations).registry(registry).build().unwrap();
    let registry = registry.clone();
    request(&codec, "", move |session: Session<Account>| {
        let registry = registry.clone();
        async move {
            session.set(account(7))?;
            registry.record(&session, "phone").await
        }
    })
    .await;
}

#[test]
fn a_log_in_that_is_in_no_list_is_logged() {
    let log = log_while(async || {
        let revocations = Revocations::in_memory();
        let registry = Registry::new(Away, &key(3), &revocations, Recording::BestEffort);
        log_in(&registry, &revocations).await;
    });
    says(&log, "WARN", "not_recorded");
}

#[test]
fn a_session_that_has_ended_and_stays_in_a_list_is_logged() {
    let log = log_while(async || {
        let revocations = Revocations::in_memory();
        let store = Sticky(Mutex::default());
        let registry = Registry::new(store, &key(3), &revocations, Recording::Required);
        log_in(&registry, &revocations).await;
        registry.end_all(&user(7)).await.unwrap();
        // It is not shown.
        assert!(registry.list(&user(7)).await.unwrap().entries.is_empty());
    });
    assert!(log.contains(" code=\"not_forgotten\"") && !log.contains("not_recorded"), "{log}");
}
