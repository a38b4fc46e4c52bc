//! The tests of tower-sessions itself, as far as they fit, for 0.14 and 0.15.
//!
//! Ported from `tests/common/mod.rs` (`route_tests!`), `src/service.rs` and
//! `tower-sessions-core/src/session.rs` (`test_cycle_id`) of tower-sessions 0.14 and 0.15 by Max
//! Countryman, MIT licence. The names are theirs. Not ported: tests of stores, of signed and private
//! cookies, and of attributes, which are the codec's here. Where a sealed cookie behaves otherwise, the
//! test says so.

use axum::Router;
use axum::routing::get;
use sealed_session::{CookieOptions, SameSite};
use time::{Duration, OffsetDateTime};
use tower_cookies::cookie;

use crate::support::{Answer, Browser, builder};

/// As tower-sessions by default: `SameSite=Strict`.
fn codec(
    domain: Option<&'static str>,
) -> sealed_session::Codec<sealed_session_tower_sessions::TowerSession> {
    let cookie = CookieOptions::new().same_site(SameSite::Strict);
    let cookie = match domain {
        Some(domain) => cookie.domain(domain),
        None => cookie,
    };
    builder().cookie(cookie).build().unwrap()
}

#[track_caller]
fn lasts(answer: &Answer, expected: Duration) {
    let actual = answer.cookie().max_age().expect("a Max-Age");
    assert!((actual - expected).abs() <= Duration::seconds(1), "{actual}");
}

macro_rules! upstream {
    ($version:ident) => {
        mod $version {
            use sealed_session_tower_sessions::$version::SealedSessionLayer;
            use sealed_session_tower_sessions::$version::tower_sessions_core::{Expiry, Session};

            use super::*;

            fn routes() -> Router {
                Router::new()
                    .route("/", get(|_: Session| async move { "Hello, world!" }))
                    .route(
                        "/insert",
                        get(|session: Session| async move {
                            session.insert("foo", 42).await.unwrap();
                        }),
                    )
                    .route(
                        "/get",
                        get(|session: Session| async move {
                            session.get::<usize>("foo").await.unwrap().unwrap().to_string()
                        }),
                    )
                    .route(
                        "/get_value",
                        get(|session: Session| async move {
                            format!("{:?}", session.get_value("foo").await.unwrap())
                        }),
                    )
                    .route(
                        "/remove_value",
                        get(|session: Session| async move {
                            session.remove_value("foo").await.unwrap();
                        }),
                    )
                    .route(
                        "/cycle_id",
                        get(|session: Session| async move {
                            session.cycle_id().await.unwrap();
                        }),
                    )
                    .route(
                        "/flush",
                        get(|session: Session| async move {
                            session.flush().await.unwrap();
                        }),
                    )
                    .route(
                        "/set_expiry",
                        get(|session: Session| async move {
                            let expiry = OffsetDateTime::now_utc() + Duration::days(1);
                            session.set_expiry(Some(Expiry::AtDateTime(expiry)));
                        }),
                    )
                    .route(
                        "/remove_expiry",
                        get(|session: Session| async move {
                            session.set_expiry(Some(Expiry::OnSessionEnd));
                        }),
                    )
            }

            fn layer(expiry: Option<Expiry>, domain: Option<&'static str>) -> SealedSessionLayer {
                let layer = SealedSessionLayer::new(codec(domain));
                match expiry {
                    Some(expiry) => layer.with_expiry(expiry).unwrap(),
                    None => layer,
                }
            }

            fn app(max_age: Option<Duration>, domain: Option<&'static str>) -> Router {
                routes().layer(layer(max_age.map(Expiry::OnInactivity), domain))
            }

            fn hour() -> Browser {
                Browser::new(app(Some(Duration::hours(1)), None))
            }

            #[tokio::test]
            async fn no_session_set() {
                hour().get("/").await.ok().sets_nothing();
            }

            #[tokio::test]
            async fn bogus_session_cookie() {
                let app = app(Some(Duration::hours(1)), None);
                let mut browser = Browser::with(app, "id", "AAAAAAAAAAAAAAAAAAAAAA");
                let answer = browser.get("/insert").await.ok();
                assert_ne!(answer.cookie().value(), "AAAAAAAAAAAAAAAAAAAAAA");
                assert_eq!(browser.get("/get").await.body, "42");
            }

            /// tower-sessions removes such a cookie. Here a bad cookie is left alone.
            #[tokio::test]
            async fn malformed_session_cookie() {
                let app = app(Some(Duration::hours(1)), None);
                Browser::with(app, "id", "malformed").get("/").await.ok().sets_nothing();
            }

            #[tokio::test]
            async fn insert_session() {
                let cookie = hour().get("/insert").await.ok().cookie();
                assert_eq!(cookie.name(), "id");
                assert_eq!(cookie.http_only(), Some(true));
                assert_eq!(cookie.same_site(), Some(cookie::SameSite::Strict));
                assert!(cookie.max_age().is_some_and(|age| age <= Duration::hours(1)));
                assert_eq!(cookie.secure(), Some(true));
                assert_eq!(cookie.path(), Some("/"));
            }

            #[tokio::test]
            async fn session_max_age() {
                let cookie = Browser::new(app(None, None)).get("/insert").await.ok().cookie();
                assert_eq!(cookie.name(), "id");
                assert_eq!(cookie.same_site(), Some(cookie::SameSite::Strict));
                assert_eq!(cookie.max_age(), None);
            }

            #[tokio::test]
            async fn get_session() {
                let mut browser = hour();
                browser.get("/insert").await.ok();
                assert_eq!(browser.get("/get").await.ok().body, "42");
            }

            #[tokio::test]
            async fn get_no_value() {
                assert_eq!(hour().get("/get_value").await.ok().body, "None");
            }

            /// The first cookie still opens, because there is no store; the browser has a new one.
            #[tokio::test]
            async fn remove_last_value() {
                let mut browser = hour();
                browser.get("/insert").await.ok();
                browser.get("/remove_value").await.ok();
                assert_eq!(browser.get("/get_value").await.ok().body, "None");
            }

            #[tokio::test]
            async fn cycle_session_id() {
                let mut browser = hour();
                let first = browser.get("/insert").await.cookie();
                let second = browser.get("/cycle_id").await.ok().cookie();
                assert_ne!(first.value(), second.value());
                assert_eq!(browser.get("/get").await.ok().body, "42");
            }

            #[tokio::test]
            async fn flush_session() {
                let mut browser = hour();
                browser.get("/insert").await.ok();
                let answer = browser.get("/flush").await.ok();
                answer.removes("id");
                assert_eq!(answer.cookie().path(), Some("/"));
            }

            #[tokio::test]
            async fn flush_with_domain() {
                let mut browser = Browser::new(app(Some(Duration::hours(1)), Some("localhost")));
                browser.get("/insert").await.ok();
                let answer = browser.get("/flush").await.ok();
                answer.removes("id");
                assert_eq!(answer.cookie().domain(), Some("localhost"));
                assert_eq!(answer.cookie().path(), Some("/"));
            }

            #[tokio::test]
            async fn set_expiry() {
                let mut browser = hour();
                lasts(&browser.get("/insert").await.ok(), Duration::hours(1));
                lasts(&browser.get("/set_expiry").await.ok(), Duration::days(1));
            }

            #[tokio::test]
            async fn change_expiry_type() {
                let mut browser = Browser::new(app(None, Some("localhost")));
                assert_eq!(browser.get("/insert").await.ok().cookie().max_age(), None);
                lasts(&browser.get("/set_expiry").await.ok(), Duration::days(1));

                let mut browser = hour();
                lasts(&browser.get("/insert").await.ok(), Duration::hours(1));
                assert_eq!(browser.get("/remove_expiry").await.ok().cookie().max_age(), None);
            }

            // From here on: src/service.rs.

            #[tokio::test]
            async fn basic_service_test() {
                let mut browser = Browser::new(app(None, None));
                browser.get("/insert").await.ok().cookie();
                browser.get("/insert").await.ok().sets_nothing();
            }

            #[tokio::test]
            async fn bogus_cookie_test() {
                Browser::with(app(None, None), "id", "bogus").get("/insert").await.ok().cookie();
            }

            #[tokio::test]
            async fn expiry_on_session_end_test() {
                let app = routes().layer(layer(Some(Expiry::OnSessionEnd), None));
                assert_eq!(Browser::new(app).get("/insert").await.cookie().max_age(), None);
            }

            #[tokio::test]
            async fn expiry_on_inactivity_test() {
                let expiry = Expiry::OnInactivity(Duration::hours(2));
                let app = routes().layer(layer(Some(expiry), None));
                lasts(&Browser::new(app).get("/insert").await, Duration::hours(2));
            }

            #[tokio::test]
            async fn expiry_at_date_time_test() {
                let expiry = Expiry::AtDateTime(OffsetDateTime::now_utc() + Duration::weeks(1));
                let app = routes().layer(layer(Some(expiry), None));
                lasts(&Browser::new(app).get("/insert").await, Duration::weeks(1));
            }

            /// Theirs compares the records' expiry dates; here a cookie that was sealed again shows it.
            #[tokio::test]
            async fn always_save_test() {
                let expiries = [
                    (Expiry::OnSessionEnd, None),
                    (Expiry::OnInactivity(Duration::hours(2)), Some(Duration::hours(2))),
                    (
                        Expiry::AtDateTime(OffsetDateTime::now_utc() + Duration::weeks(1)),
                        Some(Duration::weeks(1)),
                    ),
                ];
                for (expiry, max_age) in expiries {
                    let layer = layer(Some(expiry), None).with_always_save(true);
                    let mut browser = Browser::new(routes().layer(layer));
                    let first = browser.get("/insert").await.ok().cookie();
                    let again = browser.get("/insert").await.ok();
                    assert_ne!(first.value(), again.cookie().value());
                    match max_age {
                        Some(max_age) => lasts(&again, max_age),
                        None => assert_eq!(again.cookie().max_age(), None),
                    }
                }
            }

            // From src/session.rs of tower-sessions-core.

            #[tokio::test]
            async fn test_cycle_id() {
                let cycle = get(|session: Session| async move {
                    let initial = session.id().unwrap();
                    session.insert("foo", 42).await.unwrap();
                    session.save().await.unwrap();
                    session.cycle_id().await.unwrap();
                    assert_eq!(session.id(), None);
                    assert_eq!(session.get::<i32>("foo").await.unwrap(), Some(42));
                    session.save().await.unwrap();
                    assert_ne!(session.id().unwrap(), initial);
                });
                let routes = Router::new()
                    .route(
                        "/begin",
                        get(|session: Session| async move {
                            session.insert("begun", true).await.unwrap();
                        }),
                    )
                    .route("/cycle", cycle);
                let mut browser = Browser::new(routes.layer(layer(None, None)));
                browser.get("/begin").await.ok();
                browser.get("/cycle").await.ok();
            }
        }
    };
}

upstream!(v0_14);
upstream!(v0_15);
