//! Records and ids: what is written, when, and under which name.

use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use http::header::VARY;
use sealed_session::{Codec, CookieOptions, Dynamic, SessionId};
use sealed_session_tower_sessions::TowerSession;
use sealed_session_tower_sessions::v0_14::tower_sessions_core::Session;
use sealed_session_tower_sessions::v0_14::{SealedSessionLayer, sealed_id, tower_id};
use sealed_session_tower_sessions::v0_15;
use tokio::sync::Barrier;

use crate::support::{Browser, HOUR, clocked, codec, keyring};

/// Routes that most tests need.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/static", get(|| async { "nothing of the session" }))
        .route(
            "/insert",
            get(|session: Session| async move { session.insert("foo", 42).await.unwrap() }),
        )
        .route(
            "/get",
            get(|session: Session| async move {
                format!("{:?}", session.get::<u32>("foo").await.unwrap())
            }),
        )
        .route("/id", get(|session: Session| async move { id(&session) }))
        .route(
            "/save",
            get(|session: Session| async move {
                session.save().await.unwrap();
                id(&session)
            }),
        )
}

pub(crate) fn id(session: &Session) -> String {
    session.id().map_or("none".to_owned(), |id| id.to_string())
}

fn browser(routes: Router) -> Browser {
    Browser::new(routes.layer(SealedSessionLayer::new(codec())))
}

#[tokio::test]
async fn an_id_is_none_before_the_first_save_and_then_stays() {
    let routes = routes()
        .route(
            "/begin",
            get(|session: Session| async move {
                assert_eq!(session.id(), None);
                session.insert("a", 1).await.unwrap();
                assert_eq!(session.id(), None);
                session.save().await.unwrap();
                id(&session)
            }),
        )
        .route(
            "/change",
            get(|session: Session| async move {
                let before = session.id();
                session.insert("a", 2).await.unwrap();
                session.save().await.unwrap();
                assert_eq!(session.id(), before);
                id(&session)
            }),
        );
    let mut browser = browser(routes);
    assert_eq!(browser.get("/id").await.ok().body, "none");
    let begun = browser.get("/begin").await.ok().body;
    for path in ["/id", "/change", "/id", "/insert"] {
        let answer = browser.get(path).await.ok();
        assert!(answer.body.is_empty() || answer.body == begun, "{path}");
    }
    assert_eq!(browser.get("/id").await.ok().body, begun);
}

#[tokio::test]
async fn the_id_is_that_of_the_sealed_session() {
    type Sealed = sealed_session::Session<TowerSession>;
    let both = get(|session: Session, Extension(sealed): Extension<Sealed>| async move {
        let id = session.id().unwrap();
        assert_eq!(sealed_id(id), sealed.id().unwrap());
        assert_eq!(tower_id(sealed.id().unwrap()), id);
    });
    let mut browser = browser(routes().route("/both", both));
    browser.get("/insert").await.ok();
    browser.get("/both").await.ok();

    // Both versions name it by the same text.
    let sealed = SessionId::from_bytes([7; 16]);
    assert_eq!(tower_id(sealed).to_string(), v0_15::tower_id(sealed).to_string());
    assert_eq!(v0_15::sealed_id(v0_15::tower_id(sealed)), sealed);
}

#[tokio::test]
async fn an_id_that_the_client_makes_up_is_never_adopted() {
    let made_up = tower_id(SessionId::from_bytes([7; 16])).to_string();
    let app = routes().layer(SealedSessionLayer::new(codec()));
    let mut browser = Browser::with(app, "id", &made_up);
    assert_eq!(browser.get("/id").await.ok().body, "none");
    let saved = browser.get("/save").await.ok().body;
    assert_ne!(saved, made_up);
    assert_eq!(browser.get("/id").await.ok().body, saved);
}

#[tokio::test]
async fn a_cookie_planted_before_a_log_in_does_not_open_what_follows() {
    let log_in = get(|session: Session| async move {
        session.cycle_id().await.unwrap();
        session.insert("user", "alice").await.unwrap();
    });
    let user = get(|session: Session| async move {
        session.get::<String>("user").await.unwrap().unwrap_or_default()
    });
    let routes = routes().route("/log_in", log_in).route("/user", user);
    let mut attacker = browser(routes);
    attacker.get("/insert").await.ok();
    let mut victim = attacker.clone();
    victim.get("/log_in").await.ok();
    assert_eq!(victim.get("/user").await.ok().body, "alice");
    assert_eq!(victim.get("/get").await.ok().body, "Some(42)");
    assert_eq!(attacker.get("/user").await.ok().body, "");
    assert_ne!(attacker.get("/id").await.body, victim.get("/id").await.body);
}

#[tokio::test]
async fn a_session_that_was_not_changed_writes_nothing() {
    let mut browser = browser(routes());
    for path in ["/static", "/get", "/id"] {
        browser.get(path).await.ok().sets_nothing();
    }
    browser.get("/insert").await.ok().cookie();
    for path in ["/static", "/get", "/id", "/insert"] {
        browser.get(path).await.ok().sets_nothing();
    }
}

#[tokio::test]
async fn every_response_depends_on_the_cookie() {
    let mut browser = browser(routes());
    for path in ["/static", "/insert", "/static"] {
        assert_eq!(browser.get(path).await.ok().headers[VARY], "Cookie");
    }
}

#[tokio::test]
async fn a_record_without_entries_is_a_session_that_was_saved() {
    let mut browser = browser(routes());
    let id = browser.get("/save").await.ok().body;
    assert_ne!(id, "none");
    assert_eq!(browser.get("/id").await.ok().body, id);
    assert_eq!(browser.get("/get").await.ok().body, "None");
}

#[tokio::test]
async fn a_flushed_session_can_be_followed_by_a_new_one() {
    let relog = get(|session: Session| async move {
        let old = session.id();
        session.flush().await.unwrap();
        assert_eq!(session.id(), None);
        session.insert("new", true).await.unwrap();
        session.save().await.unwrap();
        assert_ne!(session.id(), old);
        id(&session)
    });
    let mut browser = browser(routes().route("/relog", relog));
    let old = browser.get("/save").await.ok().body;
    browser.get("/insert").await.ok();
    let answer = browser.get("/relog").await.ok();
    assert_ne!(answer.cookie().value(), "");
    assert_ne!(answer.body, old);
    assert_eq!(browser.get("/id").await.ok().body, answer.body);
    assert_eq!(browser.get("/get").await.ok().body, "None");
}

#[tokio::test]
async fn a_flush_stands_even_if_the_response_fails() {
    let fails = get(|session: Session| async move {
        session.flush().await.unwrap();
        session.insert("new", true).await.unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let saves = get(|session: Session| async move {
        session.flush().await.unwrap();
        session.insert("new", true).await.unwrap();
        session.save().await.unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let mut browser = browser(routes().route("/fails", fails).route("/saves", saves));
    browser.get("/insert").await.ok();
    browser.ask("/fails").await.removes("id");
    browser.ask("/saves").await.removes("id");
}

#[tokio::test]
async fn a_log_in_whose_response_fails_leaves_the_session_as_it_was() {
    let log_in = get(|session: Session| async move {
        session.cycle_id().await.unwrap();
        session.insert("user", 7).await.unwrap();
        session.save().await.unwrap();
        StatusCode::BAD_GATEWAY
    });
    let mut browser = browser(routes().route("/log_in", log_in));
    browser.get("/insert").await.ok();
    let answer = browser.get("/log_in").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    answer.sets_nothing();
    assert_eq!(browser.get("/get").await.ok().body, "Some(42)");
}

#[tokio::test]
async fn a_deleted_session_is_not_brought_back_by_what_was_changed() {
    let log_out = get(|session: Session| async move {
        session.insert("last_seen", 1).await.unwrap();
        session.delete().await.unwrap();
    });
    let saves = get(|session: Session| async move {
        session.insert("last_seen", 2).await.unwrap();
        session.delete().await.unwrap();
        let error = session.save().await.unwrap_err().to_string();
        assert!(error.contains("`flush`"), "{error}");
    });
    let mut browser = browser(routes().route("/log_out", log_out).route("/saves", saves));
    browser.get("/insert").await.ok();
    browser.ask("/log_out").await.ok().removes("id");
    browser.ask("/saves").await.ok().removes("id");
}

#[tokio::test]
async fn cycling_the_id_of_no_session_begins_one_when_something_is_inserted() {
    let cycle = get(|session: Session| async move { session.cycle_id().await.unwrap() });
    let log_in = get(|session: Session| async move {
        session.cycle_id().await.unwrap();
        session.cycle_id().await.unwrap();
        session.insert("foo", 42).await.unwrap();
    });
    let mut browser = browser(routes().route("/cycle", cycle).route("/log_in", log_in));
    browser.get("/cycle").await.ok().sets_nothing();
    browser.get("/log_in").await.ok();
    assert_eq!(browser.get("/get").await.ok().body, "Some(42)");
}

#[tokio::test]
async fn clear_keeps_the_session_and_its_id() {
    let clear = get(|session: Session| async move { session.clear().await });
    let mut browser = browser(routes().route("/clear", clear));
    browser.get("/insert").await.ok();
    let id = browser.get("/id").await.body;
    browser.get("/clear").await.ok().cookie();
    assert_eq!(browser.get("/get").await.ok().body, "None");
    assert_eq!(browser.get("/id").await.body, id);
}

#[tokio::test]
async fn load_forgets_what_was_not_saved() {
    let reload = get(|session: Session| async move {
        session.insert("foo", 1).await.unwrap();
        session.load().await.unwrap();
        assert_eq!(session.get::<u32>("foo").await.unwrap(), Some(42));
        session.insert("foo", 2).await.unwrap();
        session.save().await.unwrap();
        session.load().await.unwrap();
        assert_eq!(session.get::<u32>("foo").await.unwrap(), Some(2));
    });
    let mut browser = browser(routes().route("/reload", reload));
    browser.get("/insert").await.ok();
    browser.get("/reload").await.ok();
    assert_eq!(browser.get("/get").await.ok().body, "Some(2)");
}

#[tokio::test]
async fn reading_a_session_keeps_it_alive() {
    let (codec, clock) = clocked();
    let mut browser = Browser::new(routes().layer(SealedSessionLayer::new(codec)));
    browser.get("/insert").await.ok();
    for _ in 0..5 {
        clock.advance(20 * HOUR);
        browser.get("/get").await.ok().cookie();
    }
    assert_eq!(browser.get("/get").await.ok().body, "Some(42)");
    // Nobody reads it.
    clock.advance(20 * HOUR);
    browser.get("/static").await.ok().sets_nothing();
    clock.advance(5 * HOUR);
    assert_eq!(browser.get("/get").await.ok().body, "None");
    assert_eq!(browser.get("/id").await.ok().body, "none");
}

#[tokio::test]
async fn of_two_requests_at_once_the_later_response_wins() {
    let barrier = Arc::new(Barrier::new(2));
    let set = |name: &'static str| {
        let barrier = barrier.clone();
        get(move |session: Session| async move {
            session.insert(name, true).await.unwrap();
            // Both have read the session before either is answered.
            barrier.wait().await;
        })
    };
    let both = get(|session: Session| async move {
        let has = async |name| session.get::<bool>(name).await.unwrap().is_some();
        format!("{} {} {:?}", has("one").await, has("two").await, session.id())
    });
    let routes = routes().route("/one", set("one")).route("/two", set("two")).route("/both", both);
    let mut browser = browser(routes);
    browser.get("/insert").await.ok();
    let id = format!("{:?}", browser.get("/both").await.body.rsplit(' ').next());
    let (one, two) = tokio::join!(browser.ask("/one"), browser.ask("/two"));
    browser.take(&one);
    browser.take(&two);
    let after = browser.get("/both").await.ok().body;
    assert!(after.starts_with("false true"), "{after}");
    // It is one session all the same.
    assert_eq!(format!("{:?}", after.rsplit(' ').next()), id);
}

#[tokio::test]
async fn tasks_of_one_request_share_the_session() {
    let count = get(|session: Session| async move {
        let tasks: Vec<_> = (0..20)
            .map(|task| {
                let session = session.clone();
                tokio::spawn(async move {
                    session.insert(&format!("task {task}"), task).await.unwrap();
                    session.save().await.unwrap();
                    session.id().unwrap()
                })
            })
            .collect();
        let mut ids = Vec::new();
        for task in tasks {
            ids.push(task.await.unwrap());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "one session begins, however many save it");
    });
    let entries = get(|session: Session| async move {
        let mut found = 0;
        for task in 0..20 {
            let entry = session.get::<u32>(&format!("task {task}")).await.unwrap();
            found += u32::from(entry == Some(task));
        }
        found.to_string()
    });
    let mut browser = browser(routes().route("/count", count).route("/entries", entries));
    browser.get("/count").await.ok();
    assert_eq!(browser.get("/entries").await.ok().body, "20");
}

#[tokio::test]
async fn a_site_that_leaves_tower_sessions_keeps_its_sessions() {
    let ring = keyring();
    let before = Codec::<TowerSession>::new(ring.clone()).unwrap();
    let mut browser = Browser::new(routes().layer(SealedSessionLayer::new(before)));
    let id = browser.get("/save").await.ok().body;
    browser.get("/insert").await.ok();
    let options = CookieOptions::new().name("id");
    let after = Codec::<Dynamic>::builder(ring).cookie(options).build().unwrap();
    let decoded = after.decode(&browser.cookies["id"]).unwrap();
    assert_eq!(decoded.data.get::<u32>("foo").unwrap(), Some(42));
    assert_eq!(tower_id(decoded.info.id.unwrap()).to_string(), id);
}
