//! `Expiry`: set by a handler, by the layer, or by the codec. The codec's clock stands still.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use sealed_session::TestClock;
use sealed_session_tower_sessions::v0_14::SealedSessionLayer;
use sealed_session_tower_sessions::v0_14::tower_sessions_core::{Expiry, Session};
use sealed_session_tower_sessions::{ExpiryError, SessionData};
use time::OffsetDateTime;

#[path = "../../../../tests/support/log.rs"]
mod log;

use crate::records::routes;
use crate::support::{Answer, Browser, DAY, HOUR, START, builder, clocked};

fn at(seconds: u64) -> Expiry {
    let time = OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap()).unwrap();
    Expiry::AtDateTime(time)
}

fn inactivity(duration: Duration) -> Expiry {
    Expiry::OnInactivity(duration.try_into().unwrap())
}

fn expiring() -> Router {
    let show = get(|session: Session| async move { format!("{:?}", session.expiry()) });
    let idle = |Path(seconds): Path<i64>, session: Session| async move {
        session.set_expiry(Some(Expiry::OnInactivity(time::Duration::seconds(seconds))));
    };
    let at = |Path(seconds): Path<u64>, session: Session| async move {
        session.set_expiry(Some(at(seconds)));
    };
    let end = |session: Session| async move { session.set_expiry(Some(Expiry::OnSessionEnd)) };
    let none = |session: Session| async move { session.set_expiry(None) };
    let cycle = |session: Session| async move {
        session.insert("foo", 44).await.unwrap();
        session.cycle_id().await.unwrap();
    };
    let delete = |session: Session| async move { session.delete().await.unwrap() };
    let flush = |session: Session| async move {
        session.flush().await.unwrap();
        session.insert("foo", 7).await.unwrap();
    };
    routes()
        .route("/expiry", show)
        .route("/idle/{seconds}", get(idle))
        .route("/at/{seconds}", get(at))
        .route("/end", get(end))
        .route("/none", get(none))
        .route("/cycle", get(cycle))
        .route("/flush", get(flush))
        .route("/delete", get(delete))
        .route(
            "/change",
            get(|session: Session| async move { session.insert("foo", 43).await.unwrap() }),
        )
}

async fn begun() -> (Browser, TestClock) {
    let (codec, clock) = clocked();
    let mut browser = Browser::new(expiring().layer(SealedSessionLayer::new(codec)));
    browser.get("/insert").await.ok();
    (browser, clock)
}

async fn expiry(browser: &mut Browser) -> String {
    browser.get("/expiry").await.ok().body
}

fn shown(expiry: Option<Expiry>) -> String {
    format!("{expiry:?}")
}

#[track_caller]
fn max_age(answer: &Answer) -> Option<Duration> {
    answer.cookie().max_age().map(|age| age.try_into().unwrap())
}

async fn is_alive(browser: &mut Browser) -> bool {
    browser.get("/get").await.ok().body != "None"
}

#[tokio::test]
async fn an_inactivity_that_a_handler_sets_is_kept_and_enforced() {
    let (mut browser, clock) = begun().await;
    assert_eq!(expiry(&mut browser).await, "None");
    assert_eq!(max_age(&browser.get("/idle/3600").await.ok()), Some(HOUR));
    assert_eq!(expiry(&mut browser).await, shown(Some(inactivity(HOUR))));
    // A later save keeps it.
    assert_eq!(max_age(&browser.get("/change").await.ok()), Some(HOUR));
    assert_eq!(expiry(&mut browser).await, shown(Some(inactivity(HOUR))));
    // Reading moves it on, and the cookie with it.
    for _ in 0..4 {
        clock.advance(HOUR / 2);
        assert_eq!(max_age(&browser.get("/get").await.ok()), Some(HOUR));
    }
    clock.advance(HOUR);
    assert!(!is_alive(&mut browser).await);
}

#[tokio::test]
async fn an_inactivity_longer_than_the_codecs_is_enforced_too() {
    let (mut browser, clock) = begun().await;
    browser.get(&format!("/idle/{}", 7 * DAY.as_secs())).await.ok();
    clock.advance(6 * DAY);
    assert!(is_alive(&mut browser).await);
    clock.advance(7 * DAY);
    assert!(!is_alive(&mut browser).await);
}

#[tokio::test]
async fn a_date_ends_the_session_however_often_it_is_used() {
    let (mut browser, clock) = begun().await;
    let end = START + 3 * DAY.as_secs();
    let answer = browser.get(&format!("/at/{end}")).await.ok();
    assert_eq!(max_age(&answer), Some(3 * DAY));
    assert_eq!(expiry(&mut browser).await, shown(Some(at(end))));
    // It is longer than the codec's idle timeout, and lives on unused.
    clock.advance(2 * DAY);
    let answer = browser.get("/change").await.ok();
    assert_eq!(max_age(&answer), Some(DAY));
    assert_eq!(expiry(&mut browser).await, shown(Some(at(end))));
    clock.advance(DAY - Duration::from_secs(1));
    assert!(is_alive(&mut browser).await);
    let stale = browser.clone();
    clock.advance(Duration::from_secs(1));
    assert!(!is_alive(&mut browser).await);
    assert_eq!(browser.get("/id").await.ok().body, "none");
    // What is inserted now begins a new session.
    let mut after = stale;
    after.get("/insert").await.ok().cookie();
    assert!(is_alive(&mut after).await);
    assert_eq!(expiry(&mut after).await, "None");
}

#[tokio::test]
async fn an_expiry_can_be_taken_back() {
    for path in ["/end", "/none"] {
        let (mut browser, clock) = begun().await;
        browser.get("/idle/60").await.ok();
        assert_eq!(max_age(&browser.get(path).await.ok()), None);
        let expected = (path == "/end").then_some(Expiry::OnSessionEnd);
        assert_eq!(expiry(&mut browser).await, shown(expected));
        clock.advance(20 * HOUR);
        assert!(is_alive(&mut browser).await);
        clock.advance(25 * HOUR);
        assert!(!is_alive(&mut browser).await);
    }
}

#[tokio::test]
async fn an_expiry_in_the_past_ends_the_session() {
    let (browser, _clock) = begun().await;
    for path in ["/idle/0".to_owned(), "/idle/-9".to_owned(), format!("/at/{START}")] {
        browser.clone().get(&path).await.ok().removes("id");
    }
    // And begins none.
    Browser::new(browser.app).get("/idle/0").await.ok().sets_nothing();
}

#[tokio::test]
async fn another_id_keeps_the_expiry_and_a_flush_does_not() {
    let (codec, _clock) = clocked();
    let mut browser = Browser::new(expiring().layer(SealedSessionLayer::new(codec.clone())));
    browser.get("/insert").await.ok();
    browser.get("/idle/60").await.ok();
    assert_eq!(max_age(&browser.get("/cycle").await.ok()), Some(Duration::from_secs(60)));
    assert_eq!(expiry(&mut browser).await, shown(Some(inactivity(Duration::from_secs(60)))));
    let answer = browser.get("/flush").await.ok();
    assert_eq!((max_age(&answer), answer.cookie().value().is_empty()), (None, false));
    assert_eq!(expiry(&mut browser).await, "None");
    let sealed = codec.decode(&browser.cookies["id"]).unwrap();
    assert_eq!(sealed.info.own_idle_timeout, None);
}

#[test]
fn an_expiry_beyond_the_absolute_timeout_is_cut_and_warned_of_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ((), log) = log::log_of(|| {
        runtime.block_on(async {
            let (mut browser, clock) = begun().await;
            let answer = browser.get(&format!("/idle/{}", 90 * DAY.as_secs())).await.ok();
            assert_eq!(max_age(&answer), Some(30 * DAY));
            clock.advance(10 * DAY);
            let late = START + 90 * DAY.as_secs();
            let answer = browser.get(&format!("/at/{late}")).await.ok();
            assert_eq!(max_age(&answer), Some(20 * DAY));
            let end = START + 30 * DAY.as_secs();
            assert_eq!(expiry(&mut browser).await, shown(Some(at(end))));
            clock.advance(20 * DAY);
            assert!(!is_alive(&mut browser).await);
        });
    });
    assert_eq!(log.matches("beyond the codec's absolute timeout").count(), 1, "{log}");
}

#[test]
fn deleting_a_session_that_was_not_changed_warns_of_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ((), log) = log::log_of(|| {
        runtime.block_on(async {
            let (mut browser, _clock) = begun().await;
            browser.get("/idle/60").await.ok();
            browser.get("/delete").await.ok().removes("id");
        });
    });
    assert!(!log.contains("WARN sealed_session"), "{log}");
}

#[tokio::test]
async fn a_session_whose_expiry_cannot_be_read_is_none() {
    let (codec, _clock) = clocked();
    let data = serde_json::from_str::<SessionData>(r#"{"foo":42,"__expiry":"weekly"}"#).unwrap();
    let token = codec.encode(data).unwrap();
    let app = expiring().layer(SealedSessionLayer::new(codec));
    let mut browser = Browser::with(app, "id", &token);
    assert!(!is_alive(&mut browser).await);
    assert_eq!(browser.get("/id").await.ok().body, "none");
}

#[tokio::test]
async fn the_layers_expiry_is_checked_at_the_start() {
    let (codec, _clock) = clocked();
    let with = |expiry| SealedSessionLayer::new(codec.clone()).with_expiry(expiry);
    assert_eq!(with(inactivity(Duration::ZERO)).unwrap_err(), ExpiryError::Past);
    assert_eq!(with(at(START)).unwrap_err(), ExpiryError::Past);
    let long = 30 * DAY + Duration::from_secs(1);
    for expiry in [inactivity(long), at(START + long.as_secs())] {
        let error = with(expiry).unwrap_err();
        assert!(matches!(error, ExpiryError::BeyondAbsolute { .. }), "{error}");
    }
    for expiry in [Expiry::OnSessionEnd, inactivity(30 * DAY), at(START + 1)] {
        let _ = with(expiry).unwrap();
    }
}

#[tokio::test]
async fn the_layers_expiry_is_that_of_its_sessions_and_not_sealed() {
    let (codec, clock) = clocked();
    let layer = SealedSessionLayer::new(codec.clone()).with_expiry(inactivity(HOUR)).unwrap();
    let mut browser = Browser::new(expiring().layer(layer));
    assert_eq!(max_age(&browser.get("/insert").await.ok()), Some(HOUR));
    assert_eq!(expiry(&mut browser).await, shown(Some(inactivity(HOUR))));
    let sealed = codec.decode(&browser.cookies["id"]).unwrap();
    assert_eq!(sealed.info.idle_timeout, HOUR);
    assert_eq!(format!("{:?}", sealed.data), "SessionData { len: 1, .. }");
    let json = serde_json::to_string(&sealed.data).unwrap();
    assert_eq!(json, r#"{"foo":42}"#);
    // A handler can leave it, and return to it.
    browser.get("/end").await.ok();
    assert_eq!(expiry(&mut browser).await, shown(Some(Expiry::OnSessionEnd)));
    browser.get("/idle/3600").await.ok();
    clock.advance(HOUR);
    assert!(!is_alive(&mut browser).await);
}

#[tokio::test]
async fn a_layers_date_ends_all_its_sessions() {
    let (codec, clock) = clocked();
    let layer = SealedSessionLayer::new(codec).with_expiry(at(START + 60)).unwrap();
    let mut browser = Browser::new(expiring().layer(layer));
    browser.get("/insert").await.ok();
    clock.advance(Duration::from_secs(59));
    assert!(is_alive(&mut browser).await);
    clock.advance(Duration::from_secs(1));
    assert!(!is_alive(&mut browser).await);
    // None begins any more, and none is pretended.
    browser.get("/insert").await.ok().removes("id");
    browser.get("/insert").await.ok().sets_nothing();
}

#[tokio::test]
async fn parts_of_a_second_count_as_a_whole_one() {
    let (codec, clock) = clocked();
    let layer = SealedSessionLayer::new(codec);
    let layer = layer.with_expiry(inactivity(Duration::from_millis(1)));
    let mut browser = Browser::new(expiring().layer(layer.unwrap()));
    assert_eq!(max_age(&browser.get("/insert").await.ok()), Some(Duration::from_secs(1)));
    assert!(is_alive(&mut browser).await);
    clock.advance(Duration::from_secs(1));
    assert!(!is_alive(&mut browser).await);
}

#[tokio::test]
async fn a_cookie_is_kept_for_no_more_than_400_days() {
    let clock = TestClock::at(START);
    let codec = builder().clock(clock).absolute_timeout(500 * DAY).build().unwrap();
    let layer = SealedSessionLayer::new(codec).with_expiry(inactivity(450 * DAY)).unwrap();
    let mut browser = Browser::new(expiring().layer(layer));
    assert_eq!(max_age(&browser.get("/insert").await.ok()), Some(400 * DAY));
}

#[tokio::test]
async fn an_explicit_save_with_a_past_expiry_is_no_failure() {
    let save = |session: Session| async move {
        session.insert("foo", 1).await.unwrap();
        session.set_expiry(Some(at(START - 60)));
        session.save().await.unwrap();
    };
    let app = Router::new().route("/", get(save));
    let (codec, _) = clocked();
    let mut browser = Browser::new(app.layer(SealedSessionLayer::new(codec)));
    browser.get("/").await.ok();
}
