//! The headers of the response, and that everything else of it passes as it is.
#![allow(clippy::unit_arg, reason = "a handler of one call reads better")]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::io::{Read as _, Write as _};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::response::AppendHeaders;
use axum::routing::get;
use http::header::{CACHE_CONTROL, ETAG, SET_COOKIE, VARY};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use sealed_session::{
    Codec, CookieOptions, Dynamic, SameSite, Session, SessionError, SessionLayer,
};
use tower::{Layer as _, Service};

use crate::support::server::{Server, UPGRADE};
use crate::support::{Admin, Browser, DAY, Login, Page, SEVEN, ring};

/// The attributes behind the value.
#[track_caller]
fn attributes(page: &Page) -> &str {
    let (_, attributes) = page.set_cookie().split_once("; ").unwrap();
    attributes
}

fn removed_by(options: CookieOptions) -> String {
    let mut browser = Browser::new();
    let codec = browser.builder::<Login>().cookie(options).build().unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    let page = browser.visit(&codec, |session| Ok(session.delete()));
    assert_eq!(browser.cookie(codec.cookie_name()), None);
    page.set_cookie().to_owned()
}

#[test]
fn a_cookie_has_the_safe_attributes() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let page = browser.visit(&codec, |session| session.set(SEVEN));
    let token = browser.cookie("login").unwrap();
    assert_eq!(page.set_cookie(), format!("login={token}; HttpOnly; SameSite=Lax; Secure; Path=/"));
    assert!(codec.decode(token).is_ok());
}

#[test]
fn a_cookie_has_the_attributes_it_was_given() {
    let mut browser = Browser::new();
    let options = CookieOptions::secure_prefixed()
        .name("sid")
        .path("/app")
        .domain("example.org")
        .same_site(SameSite::None)
        .partitioned(true)
        .max_age(DAY);
    let codec = browser.builder::<Login>().cookie(options).build().unwrap();
    let page = browser.visit(&codec, |session| session.set(SEVEN));
    assert!(page.set_cookie().starts_with("__Secure-sid="));
    assert_eq!(
        attributes(&page),
        "HttpOnly; SameSite=None; Partitioned; Secure; Path=/app; Domain=example.org; Max-Age=86400"
    );
    let codec = browser
        .builder::<Login>()
        .cookie(CookieOptions::new().danger_allow_plain_http().danger_allow_script_access())
        .build()
        .unwrap();
    let page = browser.visit(&codec, |session| session.set(SEVEN));
    assert_eq!(attributes(&page), "SameSite=Lax; Path=/");
}

#[test]
fn removal_repeats_the_attributes() {
    let gone = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    assert_eq!(
        removed_by(CookieOptions::new()),
        format!("login=; HttpOnly; SameSite=Lax; Secure; Path=/; {gone}")
    );
    assert_eq!(
        removed_by(CookieOptions::host_prefixed().same_site(SameSite::Strict)),
        format!("__Host-login=; HttpOnly; SameSite=Strict; Secure; Path=/; {gone}")
    );
    let all = CookieOptions::secure_prefixed()
        .domain("example.org")
        .same_site(SameSite::None)
        .partitioned(true)
        .max_age(DAY);
    assert_eq!(
        removed_by(all),
        format!(
            "__Secure-login=; HttpOnly; SameSite=None; Partitioned; Secure; Path=/; \
             Domain=example.org; {gone}"
        )
    );
    assert_eq!(
        removed_by(CookieOptions::new().danger_allow_plain_http()),
        format!("login=; HttpOnly; SameSite=Lax; Path=/; {gone}")
    );
}

/// An app whose handler answers with these headers, after it did this with the session.
fn app(
    codec: &Codec<Login>,
    headers: &'static [(&'static str, &'static str)],
    handler: impl Fn(&Session<Login>) -> Result<(), SessionError> + Clone + Send + Sync + 'static,
) -> Router {
    let handler = move |session: Session<Login>| {
        ready(handler(&session).map(|()| AppendHeaders(headers.iter().copied())))
    };
    Router::new().fallback(handler).layer(SessionLayer::new(codec.clone()))
}

#[test]
fn a_response_that_sets_a_cookie_is_not_stored_unless_the_handler_chose() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    let page = browser.get(&app(&codec, &[], |session| session.set(SEVEN)), "/");
    assert_eq!(page.all(CACHE_CONTROL), ["no-store"]);
    let page = browser.get(&app(&codec, &[], |session| Ok(session.delete())), "/");
    assert_eq!(page.all(CACHE_CONTROL), ["no-store"], "on a removal, too");
    let chosen =
        app(&codec, &[("cache-control", "private, max-age=5")], |session| session.set(SEVEN));
    assert_eq!(browser.get(&chosen, "/").all(CACHE_CONTROL), ["private, max-age=5"]);
}

#[test]
fn a_response_whose_handler_looked_varies_by_cookie_once() {
    for (there, wanted) in [
        (&[][..], &["Cookie"][..]),
        (&[("vary", "Accept")], &["Accept", "Cookie"]),
        (&[("vary", "x-cookie, cookies")], &["x-cookie, cookies", "Cookie"]),
        (&[("vary", "*")], &["*"]),
        (&[("vary", "Cookie")], &["Cookie"]),
        (&[("vary", "Accept,cOOKIE ,Origin")], &["Accept,cOOKIE ,Origin"]),
        (&[("vary", "Accept"), ("vary", "cookie")], &["Accept", "cookie"]),
        (&[("vary", "Accept"), ("vary", "Origin, *")], &["Accept", "Origin, *"]),
    ] {
        for write in [false, true] {
            let mut browser = Browser::new();
            let codec = browser.codec();
            let app = app(&codec, there, move |session| {
                assert!(session.is_empty());
                if write { session.set(SEVEN) } else { Ok(()) }
            });
            let page = browser.get(&app, "/");
            assert_eq!(page.all(VARY), wanted);
            assert_eq!(page.set_cookies().len(), usize::from(write));
        }
    }
}

#[test]
fn a_response_whose_handler_did_not_look_is_unchanged() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    let with = browser.get(&app(&codec, &[("x-a", "b")], |_| Ok(())), "/");
    let handler = || async { AppendHeaders([("x-a", "b")]) };
    let without = browser.get(&Router::new().fallback(handler), "/");
    assert_eq!(with, without);
}

#[test]
fn a_response_that_changed_nothing_sets_no_cookie_and_may_be_stored() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    let page = browser.visit(&codec, |session| session.set(session.data().unwrap()));
    assert!(page.set_cookies().is_empty() && page.all(CACHE_CONTROL).is_empty());
}

#[test]
fn cookies_of_the_handler_and_of_other_sessions_are_kept() {
    let mut browser = Browser::new();
    let (logins, admins) = (browser.codec::<Login>(), browser.codec::<Admin>());
    let handler = |login: Session<Login>, admin: Session<Admin>| async move {
        login.set(SEVEN)?;
        admin.set(SEVEN)?;
        Ok::<_, SessionError>(AppendHeaders([(SET_COOKIE, "theme=dark; Path=/")]))
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(SessionLayer::new(logins))
        .layer(SessionLayer::new(admins));
    let page = browser.get(&app, "/");
    let names: Vec<_> =
        page.set_cookies().iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
    assert_eq!(names, ["theme", "login", "admin"]);
    assert_eq!(page.all(VARY), ["Cookie"]);
    assert_eq!(page.all(CACHE_CONTROL), ["no-store"]);
}

#[test]
fn head_and_304_carry_the_cookie_and_no_body() {
    let mut browser = Browser::new();
    let not_modified = |session: Session| async move {
        session.insert("seen", true)?;
        Ok::<_, SessionError>((StatusCode::NOT_MODIFIED, [(ETAG, "\"1\"")]))
    };
    let page = |session: Session| async move {
        session.insert("a", 1)?;
        Ok::<_, SessionError>("a body")
    };
    let app = Router::new()
        .route("/page", get(page))
        .route("/304", get(not_modified))
        .layer(SessionLayer::new(browser.codec::<Dynamic>()));
    let server = Server::start(app);
    let page = browser.fetch(&server, "HEAD /page", "");
    page.set_cookie();
    assert_eq!((page.all("content-length"), page.body.as_str()), (vec!["6"], ""));
    let page = browser.fetch(&server, "GET /304", "If-None-Match: \"1\"\r\n");
    page.set_cookie();
    assert_eq!(page.status, StatusCode::NOT_MODIFIED);
    assert_eq!((page.all(ETAG), page.body.as_str()), (vec!["\"1\""], ""));
}

#[test]
fn an_upgrade_carries_the_cookie() {
    let mut browser = Browser::new();
    let handler = |session: Session, upgrade: WebSocketUpgrade| async move {
        session.insert("a", 1)?;
        Ok::<_, SessionError>(upgrade.on_upgrade(|_socket| async {}))
    };
    let app =
        Router::new().route("/", get(handler)).layer(SessionLayer::new(browser.codec::<Dynamic>()));
    let page = browser.fetch(&Server::start(app), "GET /", UPGRADE);
    assert_eq!(page.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(page.all("sec-websocket-accept"), ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
    page.set_cookie();
}

#[test]
fn a_streaming_body_is_neither_held_back_nor_changed() {
    let (open_gate, gate) = tokio::sync::oneshot::channel::<()>();
    let gate = Arc::new(Mutex::new(Some(gate)));
    let handler = move |session: Session| async move {
        session.insert("a", 1)?;
        let gate = gate.lock().unwrap().take().unwrap();
        let body = Full::new(Bytes::from("first")).with_trailers(async {
            gate.await.unwrap();
            None::<Result<HeaderMap, Infallible>>
        });
        Ok::<_, SessionError>(Body::from_stream(body.into_data_stream()))
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(SessionLayer::new(Browser::new().codec::<Dynamic>()));
    let server = Server::start(app);
    let mut stream = server.connect();
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    while !answer.ends_with(b"5\r\nfirst\r\n") {
        let len = stream.read(&mut chunk).unwrap();
        assert!(len > 0, "the server closed early");
        answer.extend_from_slice(&chunk[..len]);
    }
    // The first chunk is here while the body is still being made.
    open_gate.send(()).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"0\r\n\r\n");
    assert!(String::from_utf8(answer).unwrap().contains("set-cookie: session="));
}

/// Not an `http_body::Body`, and without a `Default`.
#[derive(Debug, PartialEq)]
struct Words(Vec<String>);

/// Neither `'static` nor a `std::error::Error`.
#[derive(Debug, PartialEq)]
struct Refused<'w>(&'w str);

struct Bare<'w>(&'w str);

impl<'w> Service<Request<Words>> for Bare<'w> {
    type Response = Response<Words>;
    type Error = Refused<'w>;
    type Future = Ready<Result<Response<Words>, Refused<'w>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused<'w>>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Words>) -> Self::Future {
        let session = request.extensions().get::<Session<Login>>().unwrap();
        session.set(SEVEN).unwrap();
        let words = request.into_body();
        ready(if words.0.is_empty() { Err(Refused(self.0)) } else { Ok(Response::new(words)) })
    }
}

#[test]
fn a_service_works_with_any_body_and_error_type() {
    let reason = String::from("no words");
    let codec = Codec::<Login>::new(ring(&[1])).unwrap();
    let mut service = SessionLayer::new(codec).layer(Bare(&reason));
    let mut call = |words: &[&str]| {
        let words = Words(words.iter().map(|word| (*word).to_owned()).collect());
        let future = pin!(service.call(Request::new(words)));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it waits for nothing"),
        }
    };
    assert_eq!(call(&[]).unwrap_err(), Refused("no words"));
    let response = call(&["a", "b"]).unwrap();
    assert!(response.headers().contains_key(SET_COOKIE));
    assert_eq!(response.into_body(), Words(vec!["a".into(), "b".into()]));
}

/// Says of itself how ready it is, and serves nothing.
struct Busy(Poll<Result<(), &'static str>>);

impl Service<Request<()>> for Busy {
    type Response = Response<()>;
    type Error = &'static str;
    type Future = Ready<Result<Response<()>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.0
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Err("not to be called"))
    }
}

#[test]
fn a_service_is_ready_when_the_inner_service_is_ready() {
    for readiness in [Poll::Ready(Ok(())), Poll::Ready(Err("broken")), Poll::Pending] {
        let codec = Codec::<Login>::new(ring(&[1])).unwrap();
        let mut service = SessionLayer::new(codec).layer(Busy(readiness));
        assert_eq!(service.poll_ready(&mut Context::from_waker(Waker::noop())), readiness);
    }
}
