//! From actix-session's cookie store: `docs/guide/moving_from_actix_session.md`.

use std::time::SystemTime;

use actix_session::SessionMiddleware as OldMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key as OldKey;
use actix_web::middleware::from_fn;
use actix_web::test::init_service;
use actix_web::web::{Data, get};
use actix_web::{App, HttpResponse};
use axum::body::Body;
use axum::http::Request;
use moving::actix::after::{Login, OldLogins, app, carry_over};
use moving::actix::before;
use sealed_session::{Codec, Key, Keyring, Revocations, Tag};
use sealed_session_actix::{Session, SessionMiddleware};

use crate::actix::call;
use crate::browser::{Answer, Program};
use crate::suite::{Gate, Site, keeps_its_promises, later, logged_in_before};

#[derive(Clone)]
struct ActixSession {
    old_key: OldKey,
    key: Key,
    revocations: Revocations,
}

impl ActixSession {
    fn old(&self, end: SystemTime) -> OldLogins {
        OldLogins { key: self.old_key.clone(), end, revocations: self.revocations.clone() }
    }

    fn codec(&self) -> Codec<Login> {
        let builder = Codec::builder(Keyring::new(self.key.clone()));
        builder.revocations(&self.revocations).build().expect("a codec")
    }
}

struct Before(ActixSession);

impl Program for Before {
    async fn call(&self, request: Request<Body>) -> Answer {
        let sessions = before::sessions(self.0.old_key.clone());
        let app = App::new().configure(before::routes).wrap(sessions);
        call(&init_service(app).await, request).await
    }
}

struct After(ActixSession, SystemTime);

impl Program for After {
    async fn call(&self, request: Request<Body>) -> Answer {
        let app = app(self.0.codec(), self.0.old(self.1));
        call(&init_service(app).await, request).await
    }
}

/// As [`test_routes`](crate::suite::test_routes).
struct WithTestRoutes(ActixSession, Gate);

fn failed() -> HttpResponse {
    HttpResponse::InternalServerError().finish()
}

impl Program for WithTestRoutes {
    async fn call(&self, request: Request<Body>) -> Answer {
        let slow = async |gate: Data<Gate>| {
            gate.pass().await;
            HttpResponse::Ok().finish()
        };
        let slow_log_in = async |gate: Data<Gate>, session: Session<Login>| {
            gate.pass().await;
            session.regenerate();
            let user = serde_json::from_str::<Login>(r#"{"user_id":8}"#).expect("a login");
            session.set(user).expect("room");
            HttpResponse::Ok().finish()
        };
        let log_out_fails = async |session: Session<Login>| {
            session.delete();
            failed()
        };
        let old = OldMiddleware::new(CookieSessionStore::default(), self.0.old_key.clone());
        let app = App::new()
            .app_data(Data::new(self.0.old(later())))
            .app_data(Data::new(self.1.clone()))
            .route("/slow", get().to(slow))
            .route("/slow-log-in", get().to(slow_log_in))
            .route("/fails", get().to(async || failed()))
            .route("/log-out-fails", get().to(log_out_fails))
            .wrap(from_fn(carry_over))
            .wrap(old)
            .wrap(SessionMiddleware::new(self.0.codec()));
        call(&init_service(app).await, request).await
    }
}

impl Site for ActixSession {
    const OLD: &'static str = "id";

    fn new() -> Self {
        let key = Key::generate().expect("randomness");
        Self { old_key: OldKey::generate(), key, revocations: Revocations::in_memory() }
    }

    fn before(&self) -> impl Program {
        Before(self.clone())
    }

    fn until(&self, end: SystemTime) -> impl Program {
        After(self.clone(), end)
    }

    fn with_test_routes(&self, gate: Gate) -> impl Program {
        WithTestRoutes(self.clone(), gate)
    }
}

keeps_its_promises!(ActixSession);

#[tokio::test]
async fn until_a_log_out_a_stolen_old_cookie_is_a_login() {
    let site = ActixSession::new();
    let mut browser = logged_in_before(&site).await;
    let mut thief = browser.clone();
    browser.me(&site.after()).await;
    assert_eq!(thief.me(&site.after()).await.as_deref(), Some("7"));
}

#[tokio::test]
async fn an_old_cookie_does_not_undo_a_ban() {
    let site = ActixSession::new();
    let mut browser = logged_in_before(&site).await;
    let mut kept = browser.clone();
    browser.me(&site.after()).await;
    site.revocations.end_all(&Tag::new("user", 7)).await.expect("in memory");
    assert_eq!(browser.me(&site.after()).await, None);
    assert_eq!(kept.me(&site.after()).await, None);
}
