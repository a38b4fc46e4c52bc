//! A codec with revocations: `flush` and `cycle_id` end the session, and what cannot be judged is neither
//! empty nor valid.

#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use http::header::RETRY_AFTER;
use sealed_session::revocation::{
    Appended, AtStart, Batch, Mark, Position, RevocationStore, StoreError, Target, WhenAway,
};
use sealed_session::{Codec, Revocations, SessionKind, Tag};
use sealed_session_tower_sessions::v0_14::SealedSessionLayer;
use sealed_session_tower_sessions::v0_14::tower_sessions_core::Session;
use sealed_session_tower_sessions::{SessionData, TowerSession};

use crate::support::{Browser, builder, keyring};

fn routes() -> Router {
    let insert = |session: Session| async move { session.insert("user", 7).await.unwrap() };
    let user = |session: Session| async move {
        format!("{:?}", session.get::<u64>("user").await.unwrap())
    };
    let flush = |session: Session| async move {
        match session.flush().await {
            Ok(()) => "flushed".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let cycle = |session: Session| async move { session.cycle_id().await.unwrap() };
    let relog = |session: Session| async move {
        session.flush().await.unwrap();
        session.insert("user", 8).await.unwrap();
    };
    let id = |session: Session| async move { session.id().unwrap().to_string() };
    Router::new()
        .route("/static", get(|| async { "nothing of the session" }))
        .route("/insert", get(insert))
        .route("/user", get(user))
        .route("/flush", get(flush))
        .route("/cycle", get(cycle))
        .route("/relog", get(relog))
        .route("/id", get(id))
}

fn app(revocations: &Revocations) -> Router {
    let codec = builder().revocations(revocations).build().unwrap();
    routes().layer(SealedSessionLayer::new(codec))
}

async fn logged_in(app: Router) -> Browser {
    let mut browser = Browser::new(app);
    browser.get("/insert").await.ok();
    assert_eq!(browser.get("/user").await.ok().body, "Some(7)");
    browser
}

#[tokio::test]
async fn a_copy_of_a_flushed_session_is_refused() {
    let mut browser = logged_in(app(&Revocations::in_memory())).await;
    let mut thief = browser.clone();
    let answer = browser.get("/flush").await.ok();
    assert_eq!(answer.body, "flushed");
    answer.removes("id");
    assert_eq!(thief.get("/user").await.ok().body, "None");
    // What begins after it is another session.
    browser.get("/insert").await.ok();
    assert_eq!(browser.get("/user").await.ok().body, "Some(7)");
}

#[tokio::test]
async fn the_old_id_of_a_cycled_session_is_refused() {
    let mut browser = logged_in(app(&Revocations::in_memory())).await;
    let mut old = browser.clone();
    browser.get("/cycle").await.ok();
    assert_eq!(browser.get("/user").await.ok().body, "Some(7)");
    assert_eq!(old.get("/user").await.ok().body, "None");
}

#[tokio::test]
async fn a_session_after_a_flush_in_the_same_request_is_valid() {
    let mut browser = logged_in(app(&Revocations::in_memory())).await;
    let mut old = browser.clone();
    browser.get("/relog").await.ok();
    assert_eq!(browser.get("/user").await.ok().body, "Some(8)");
    assert_eq!(old.get("/user").await.ok().body, "None");
}

#[tokio::test]
async fn without_revocations_a_flush_is_for_this_browser() {
    let layer = SealedSessionLayer::new(builder().build().unwrap());
    let mut browser = logged_in(routes().layer(layer)).await;
    let mut copy = browser.clone();
    browser.get("/flush").await.ok().removes("id");
    assert_eq!(copy.get("/user").await.ok().body, "Some(7)");
}

/// Sessions of one user.
enum Account {}

impl SessionKind for Account {
    type Data = SessionData;
    const NAME: &'static str = "account";

    fn tags(data: &SessionData) -> Vec<Tag> {
        let user = data.get::<u64>("user").ok().flatten();
        user.map(|user| Tag::new("user", user)).into_iter().collect()
    }
}

#[tokio::test]
async fn all_sessions_of_a_user_end_by_a_tag() {
    let revocations = Revocations::in_memory();
    let codec = Codec::<Account>::builder(keyring()).revocations(&revocations).build().unwrap();
    let saved = |session: Session| async move {
        session.insert("colour", "green").await.unwrap();
        session.save().await.unwrap();
        session.insert("user", 7).await.unwrap();
        session.save().await.unwrap();
        session.insert("colour", "blue").await.unwrap();
        session.save().await.unwrap();
    };
    let routes = routes().route("/saved", get(saved));
    let app = routes.layer(SealedSessionLayer::new(codec));
    let mut sessions = [logged_in(app.clone()).await, logged_in(app.clone()).await];
    // Also one that got its user, and with it another id, while it was there already.
    let mut late = Browser::new(app);
    late.get("/saved").await.ok();
    late.get("/saved").await.ok();
    assert_eq!(late.get("/user").await.ok().body, "Some(7)");
    revocations.end_all(&Tag::new("user", 7)).await.unwrap();
    for browser in sessions.iter_mut().chain([&mut late]) {
        assert_eq!(browser.get("/user").await.ok().body, "None");
    }
}

/// A store that is there only when it is told so. It keeps nothing.
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn answer<T>(&self, answer: T) -> Result<T, StoreError> {
        if self.0.load(Ordering::SeqCst) { Ok(answer) } else { Err("switched off".into()) }
    }
}

impl RevocationStore for Switch {
    async fn append(&self, _: &[Target], _: u64, lowest: u64) -> Result<Appended, StoreError> {
        self.answer(Appended { number: lowest, confirmed: true })
    }

    async fn publish(&self, _: &[Mark]) -> Result<(), StoreError> {
        self.answer(())
    }

    async fn read(&self, _: Option<&Position>, wait: Duration) -> Result<Batch, StoreError> {
        tokio::time::sleep(wait.min(Duration::from_millis(10))).await;
        self.answer(Batch { marks: Vec::new(), position: Position::new("0"), complete: true })
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        self.answer(())
    }
}

/// The revocations of a store that is on or off when they begin, and its switch.
async fn with_store(on: bool, at_start: AtStart) -> (Revocations, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(on));
    let store = Switch(switch.clone());
    (Revocations::open(store, WhenAway::KeepServing, at_start).await.unwrap(), switch)
}

#[tokio::test]
async fn a_flush_that_the_store_does_not_confirm_is_an_error_and_removes_the_cookie() {
    let at_start = AtStart::Wait(Duration::from_secs(10));
    let (revocations, switch) = with_store(true, at_start).await;
    let mut browser = logged_in(app(&revocations)).await;
    let mut copy = browser.clone();
    switch.store(false, Ordering::SeqCst);
    let answer = browser.get("/flush").await.ok();
    assert!(answer.body.contains("not confirmed"), "{}", answer.body);
    answer.removes("id");
    // On this server it has ended.
    assert_eq!(copy.get("/user").await.ok().body, "None");
}

#[tokio::test]
async fn a_session_that_cannot_be_judged_is_neither_empty_nor_valid() {
    let ring = keyring();
    let plain = Codec::<TowerSession>::new(ring.clone()).unwrap();
    let mut browser = logged_in(routes().layer(SealedSessionLayer::new(plain))).await;
    let id = browser.get("/id").await.ok().body;

    let (revocations, _switch) = with_store(false, AtStart::Refuse).await;
    let codec = Codec::builder(ring).revocations(&revocations).build().unwrap();
    let text = |session: Session| async move {
        assert!(!session.is_empty().await);
        let error = session.get::<u64>("user").await.unwrap_err().to_string();
        assert!(error.contains("try again later"), "{error}");
        for result in [
            session.insert("user", 8).await,
            session.save().await,
            session.load().await,
            session.delete().await,
            session.cycle_id().await,
            session.flush().await,
        ] {
            assert!(result.is_err());
        }
    };
    let fails = |session: Session| async move {
        match session.get::<u64>("user").await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    };
    let clears = |session: Session| async move { session.clear().await };
    let chooses = |session: Session| async move {
        let _ = session.get::<u64>("user").await;
        StatusCode::BAD_GATEWAY
    };
    let routes = routes()
        .route("/text", get(text))
        .route("/fails", get(fails))
        .route("/clears", get(clears))
        .route("/chooses", get(chooses));
    browser.app = routes.layer(SealedSessionLayer::<TowerSession>::new(codec));

    browser.get("/static").await.ok().sets_nothing();
    let made_up = browser.get("/id").await.ok().body;
    assert_ne!(made_up, id);
    assert_ne!(made_up, browser.get("/id").await.ok().body);
    for path in ["/fails", "/text", "/clears"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let retry: u64 = answer.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=30).contains(&retry));
        answer.sets_nothing();
    }
    assert_eq!(browser.get("/chooses").await.status, StatusCode::BAD_GATEWAY);
    // Whoever has no cookie is served.
    browser.cookies.clear();
    assert_eq!(browser.get("/user").await.ok().body, "None");
}

/// A log-out in one tab while another tab's request is handled, which then goes on under a new id.
#[tokio::test]
async fn a_log_out_is_not_undone_by_a_cycle_that_comes_later() {
    let (started, go) =
        (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (tell, wait) = (started.clone(), go.clone());
    let slow = move |session: Session| async move {
        assert_eq!(session.get::<u64>("user").await.unwrap(), Some(7));
        tell.notify_one();
        wait.notified().await;
        // A handler that does not look at errors.
        let _ = session.cycle_id().await;
        let _ = session.insert("late", 1).await;
        let _ = session.save().await;
    };
    let codec = builder().revocations(&Revocations::in_memory()).build().unwrap();
    let app = routes().route("/slow", get(slow)).layer(SealedSessionLayer::new(codec));

    let mut browser = logged_in(app).await;
    let late = browser.clone();
    let late = tokio::spawn(async move { late.ask("/slow").await });
    started.notified().await;
    browser.get("/flush").await.ok();
    go.notify_one();
    browser.take(&late.await.unwrap());
    assert_eq!(browser.get("/user").await.ok().body, "None");
}
