//! What is actix-web's own. Everything else is in tests/frameworks, for axum as well.

#[path = "../../../tests/support/log.rs"]
mod log;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorImATeapot;
use actix_web::http::header::SET_COOKIE;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, call_service, init_service, read_body, try_call_service};
use actix_web::{App, Error, HttpResponse, web};
use sealed_session::{Codec, Dynamic, Key, Keyring, SessionErrorKind, SessionKind};
use sealed_session_actix::{Current, Rejection, Session, SessionError, SessionMiddleware};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone)]
struct Login {
    user_id: u64,
}

impl SessionKind for Login {
    type Data = Self;
    const NAME: &'static str = "login";
}

fn middleware<K: SessionKind>() -> SessionMiddleware<K> {
    SessionMiddleware::new(Codec::new(Keyring::new(Key::generate().unwrap())).unwrap())
}

/// What `site` answers to a request for `/`, and its log.
fn get(site: fn(&mut web::ServiceConfig)) -> (u16, String, String) {
    let (answer, log) = log::log_of(|| {
        actix_web::rt::System::new().block_on(async {
            let app = init_service(App::new().configure(site)).await;
            let response = call_service(&app, TestRequest::get().to_request()).await;
            (response.status().as_u16(), read_body(response).await)
        })
    });
    (answer.0, String::from_utf8(answer.1.to_vec()).unwrap(), log)
}

#[test]
fn an_option_where_the_middleware_was_forgotten_is_none_and_the_log_has_an_error() {
    let (status, body, log) = get(|site| {
        let handler = async |login: Option<Current<Login>>| login.is_some().to_string();
        site.route("/", web::get().to(handler));
    });
    assert_eq!((status, body.as_str()), (200, "false"));
    let errors: Vec<_> = log.lines().filter(|line| line.starts_with("ERROR")).collect();
    let [error] = errors[..] else { panic!("{log}") };
    assert!(error.contains("no SessionMiddleware for") && error.contains("Login`"), "{error}");
}

#[test]
fn current_of_a_session_without_entries_is_a_401() {
    let (status, body, _) = get(|site| {
        let handler = async |entries: Current<Dynamic>| entries.len().to_string();
        site.service(web::resource("/").wrap(middleware::<Dynamic>()).to(handler));
    });
    assert_eq!((status, body.as_str()), (401, "no session"));
}

#[test]
fn a_handler_of_any_error_can_fail_with_that_of_a_session() {
    async fn handler(session: Session) -> actix_web::Result<HttpResponse> {
        session.insert("large", "x".repeat(5000)).map_err(SessionError::from)?;
        Err(ErrorImATeapot("not reached"))
    }
    let (status, body, log) = get(|site| {
        site.service(web::resource("/").wrap(middleware::<Dynamic>()).to(handler));
    });
    assert_eq!((status, body.as_str()), (500, "the session could not be used"));
    assert_eq!(log.matches("ERROR sealed_session").count(), 1, "{log}");
}

/// Fails after the session was written.
async fn fail(
    session: Session<Login>,
    _: ServiceRequest,
    _: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    session.regenerate();
    session.set(Login { user_id: 7 }).map_err(SessionError::from)?;
    Err(ErrorImATeapot("short and stout"))
}

async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let result = next.call(request).await;
    let error = result.err().expect("an error, not a response");
    assert_eq!(error.to_string(), "short and stout");
    Err::<ServiceResponse<BoxBody>, _>(error)
}

#[actix_web::test]
async fn an_error_of_a_middleware_passes_as_it_is_and_its_response_has_the_cookie() {
    let app = App::new()
        .route("/", web::get().to(async || "not reached"))
        .wrap(from_fn(fail))
        .wrap(middleware::<Login>())
        .wrap(from_fn(observe));
    let app = init_service(app).await;
    let result = try_call_service(&app, TestRequest::get().to_request()).await;
    let error = result.err().expect("an error, not a response");
    // Asked again, it answers the same.
    for _ in 0..2 {
        let response = error.error_response();
        assert_eq!(response.status().as_u16(), 418);
        assert_eq!(response.headers().get_all(SET_COOKIE).count(), 1);
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
    }
}

#[actix_web::test]
async fn the_error_of_a_handler_is_found_in_its_response() {
    async fn read(session: Session) -> Result<&'static str, SessionError> {
        session.touch()?;
        session.insert("a", 1)?;
        session.get::<String>("a")?;
        Ok("not reached")
    }
    let app = App::new()
        .route("/", web::get().to(read))
        .route("/current", web::get().to(async |_: Current<Dynamic>| "not reached"))
        .wrap(middleware::<Dynamic>());
    let app = init_service(app).await;
    let response = call_service(&app, TestRequest::get().to_request()).await;
    let error = response.response().error().and_then(|error| error.as_error::<SessionError>());
    assert!(matches!(error.unwrap().kind(), SessionErrorKind::EntryType { .. }));
    let response = call_service(&app, TestRequest::get().uri("/current").to_request()).await;
    let error = response.response().error().and_then(|error| error.as_error::<Rejection>());
    assert!(!error.unwrap().is_mistake());
}

#[actix_web::test]
async fn debug_shows_nothing_of_a_session() {
    async fn shown(session: Session, current: Option<Current<Dynamic>>) -> String {
        session.insert("who", "ann").unwrap();
        format!("{session:?} {:?} {current:?}", session.clone().into_inner())
    }
    let app = App::new().route("/", web::get().to(shown)).wrap(middleware::<Dynamic>());
    let app = init_service(app).await;
    let response = call_service(&app, TestRequest::get().to_request()).await;
    let shown = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    assert!(shown.contains("Session") && !shown.contains("who") && !shown.contains("ann"));
}
