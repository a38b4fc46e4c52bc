//! A handler panics, fails, times out or is dropped after it wrote; a body ends too early. Over a
//! socket: what the browser gets, and what it may rely on.

use std::future::pending;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Full};
use sealed_session::{Codec, Dynamic, Session, SessionError, SessionErrorKind, SessionLayer};

use crate::support::Browser;
use crate::support::server::Server;

/// Routes under one layer, with one that says what is in the session.
fn app(codec: &Codec<Dynamic>, routes: Router) -> Router {
    async fn show(session: Session) -> Result<String, SessionError> {
        Ok(format!("{:?}", session.get::<u32>("a")?))
    }
    async fn write(session: Session) -> Result<(), SessionError> {
        session.insert("a", 1)
    }
    routes
        .route("/show", get(show))
        .route("/write", get(write))
        .layer(SessionLayer::new(codec.clone()))
}

/// Everything the server says on a connection of its own, until it closes.
fn raw(server: &Server, request: &str) -> Vec<u8> {
    let mut stream = server.connect();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server that gives up may also reset the connection.
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn cookie_of(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let cookie = text.lines().find_map(|line| line.strip_prefix("set-cookie: session="))?;
    Some(cookie.split(';').next().unwrap().to_owned())
}

#[track_caller]
fn shows(browser: &mut Browser, server: &Server, wanted: &str) {
    let page = browser.fetch(server, "GET /show", "");
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, wanted));
}

#[test]
fn a_handler_that_panics_after_a_write_answers_nothing_and_the_session_stays_as_it_was() {
    async fn panics(session: Session) {
        session.insert("a", 2).unwrap();
        // Without a word on stderr.
        resume_unwind(Box::new("the handler's own fault"));
    }
    let mut browser = Browser::new();
    let server = Server::start(app(&browser.codec(), Router::new().route("/panics", get(panics))));
    browser.fetch(&server, "GET /write", "");
    let cookie = browser.cookie("session").unwrap().to_owned();
    let request = format!("GET /panics HTTP/1.1\r\nHost: a\r\nCookie: session={cookie}\r\n\r\n");
    assert_eq!(raw(&server, &request), b"");
    shows(&mut browser, &server, "Some(1)");
}

#[test]
fn a_task_that_panics_in_update_leaves_the_session_whole() {
    async fn panics_aside(session: Session) -> Result<(), SessionError> {
        session.insert("a", 2)?;
        let task = session.clone();
        let panicked = tokio::spawn(async move {
            let _ = task.update(|entries| resume_unwind(Box::new(entries.remove("a"))));
        });
        assert!(panicked.await.unwrap_err().is_panic());
        session.insert("b", 3)
    }
    let mut browser = Browser::new();
    let routes = Router::new().route("/panics_aside", get(panics_aside));
    let server = Server::start(app(&browser.codec(), routes));
    assert_eq!(browser.fetch(&server, "GET /panics_aside", "").status, StatusCode::OK);
    shows(&mut browser, &server, "Some(2)");
}

#[test]
fn data_that_panics_while_it_is_read_harms_only_its_own_request() {
    #[derive(serde::Serialize, Clone)]
    struct Fragile(u32);
    impl<'de> serde::Deserialize<'de> for Fragile {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match serde::Deserialize::deserialize(deserializer)? {
                13 => resume_unwind(Box::new("unlucky")),
                number => Ok(Self(number)),
            }
        }
    }
    /// The same cookie, read by what does not mind.
    struct Sturdy;
    impl sealed_session::SessionKind for Sturdy {
        type Data = u32;
        const NAME: &'static str = "fragile";
    }
    impl sealed_session::SessionKind for Fragile {
        type Data = Self;
        const NAME: &'static str = "fragile";
    }
    async fn show(session: Session<Fragile>) -> String {
        session.data().map_or("none".to_owned(), |data| data.0.to_string())
    }
    let mut browser = Browser::new();
    let sturdy = browser.codec::<Sturdy>();
    let layer = SessionLayer::new(browser.codec::<Fragile>());
    let server = Server::start(Router::new().route("/show", get(show)).layer(layer));
    let token = sturdy.encode(13).unwrap();
    let unlucky = format!("GET /show HTTP/1.1\r\nHost: a\r\nCookie: fragile={token}\r\n\r\n");
    assert_eq!(raw(&server, &unlucky), b"");
    browser.set_cookie("fragile", &sturdy.encode(12).unwrap());
    assert_eq!(browser.fetch(&server, "GET /show", "").body, "12");
}

#[test]
fn a_handler_that_fails_after_a_write_answers_without_it() {
    async fn fails(session: Session) -> Result<(), StatusCode> {
        session.insert("a", 2).map_err(|_| StatusCode::IM_A_TEAPOT)?;
        Err(StatusCode::SERVICE_UNAVAILABLE)
    }
    let mut browser = Browser::new();
    let server = Server::start(app(&browser.codec(), Router::new().route("/fails", get(fails))));
    let page = browser.fetch(&server, "GET /fails", "");
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    shows(&mut browser, &server, "None");
}

/// Writes, and then never ends.
async fn hangs(session: Session) -> Result<(), SessionError> {
    session.insert("a", 2)?;
    pending().await
}

/// Gives up as soon as the handler waits for anything.
async fn impatient(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(Duration::ZERO, next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

#[test]
fn a_timeout_outside_the_layer_sets_no_cookie() {
    let mut browser = Browser::new();
    let routes = Router::new().route("/hangs", get(hangs));
    let server = Server::start(app(&browser.codec(), routes).layer(from_fn(impatient)));
    browser.fetch(&server, "GET /write", "");
    let page = browser.fetch(&server, "GET /hangs", "");
    assert_eq!(page.status, StatusCode::REQUEST_TIMEOUT);
    assert!(page.set_cookies().is_empty());
    shows(&mut browser, &server, "Some(1)");
}

#[test]
fn a_timeout_inside_the_layer_answers_without_the_earlier_writes() {
    let mut browser = Browser::new();
    let routes = Router::new().route("/hangs", get(hangs)).layer(from_fn(impatient));
    let server = Server::start(app(&browser.codec(), routes));
    browser.fetch(&server, "GET /write", "");
    let page = browser.fetch(&server, "GET /hangs", "");
    assert_eq!(page.status, StatusCode::REQUEST_TIMEOUT);
    shows(&mut browser, &server, "Some(1)");
}

#[test]
fn a_handler_that_is_dropped_when_the_browser_disconnects_changes_nothing() {
    /// Tells when it is dropped.
    struct Tells(mpsc::Sender<()>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let mut browser = Browser::new();
    let (wrote, written) = mpsc::channel();
    let (gone, dropped) = mpsc::channel();
    let handler = move |session: Session| async move {
        let _tells = Tells(gone);
        session.insert("a", 2).unwrap();
        wrote.send(()).unwrap();
        pending::<()>().await;
    };
    let server = Server::start(app(&browser.codec(), Router::new().route("/waits", get(handler))));
    browser.fetch(&server, "GET /write", "");
    let cookie = browser.cookie("session").unwrap().to_owned();
    let mut stream = server.connect();
    let request = format!("GET /waits HTTP/1.1\r\nHost: a\r\nCookie: session={cookie}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    written.recv().unwrap();
    drop(stream);
    dropped.recv().unwrap();
    shows(&mut browser, &server, "Some(1)");
}

#[test]
fn a_body_that_fails_does_not_undo_the_cookie_sent_before_it() {
    let mut browser = Browser::new();
    let (fail, failing) = tokio::sync::oneshot::channel::<()>();
    let failing = Arc::new(Mutex::new(Some(failing)));
    let (tell, told) = mpsc::channel();
    let handler = move |session: Session| async move {
        session.insert("a", 2).unwrap();
        let failing = failing.lock().unwrap().take().unwrap();
        let beginning = Full::new(Bytes::from("a beginning")).map_err(|never| match never {});
        let body = beginning.with_trailers(async move {
            failing.await.unwrap();
            tell.send(session.insert("a", 3)).unwrap();
            Some(Err::<HeaderMap, _>(io::Error::other("the disk is gone")))
        });
        Body::from_stream(body.into_data_stream())
    };
    let server = Server::start(app(&browser.codec(), Router::new().route("/fails", get(handler))));
    let mut stream = server.connect();
    stream.write_all(b"GET /fails HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    while !answer.ends_with(b"a beginning\r\n") {
        let len = stream.read(&mut chunk).unwrap();
        assert!(len > 0, "the server closed early");
        answer.extend_from_slice(&chunk[..len]);
    }
    fail.send(()).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(rest, b"", "it looks like an end");
    let error = told.recv().unwrap().unwrap_err();
    assert_eq!(*error.kind(), SessionErrorKind::ResponseStarted);
    browser.set_cookie("session", &cookie_of(&answer).unwrap());
    shows(&mut browser, &server, "Some(2)");
}

#[test]
fn the_handler_decides_on_an_interrupted_upload_and_its_write_counts() {
    async fn uploads(session: Session, body: Body) -> Result<StatusCode, SessionError> {
        session.insert("a", 2)?;
        let whole = body.collect().await.is_ok();
        session.insert("whole", whole)?;
        Ok(if whole { StatusCode::OK } else { StatusCode::BAD_REQUEST })
    }
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let server = Server::start(app(&codec, Router::new().route("/uploads", post(uploads))));
    let mut stream = server.connect();
    let head = "POST /uploads HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"not a hundred bytes").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // The server may also drop the handler of a browser that is gone; then there is no answer.
    if let Some(cookie) = cookie_of(&answer) {
        let data = codec.decode(&cookie).unwrap().data;
        assert_eq!(data.get::<bool>("whole").unwrap(), Some(false));
        assert_eq!(data.get::<u32>("a").unwrap(), Some(2));
    } else {
        assert!(answer.is_empty());
    }
    browser.fetch(&server, "GET /write", "");
    shows(&mut browser, &server, "Some(1)");
}

#[test]
fn parallel_requests_of_one_browser_each_answer_with_what_they_read_and_wrote() {
    async fn number(session: Session, path: axum::extract::Path<u32>) -> Result<(), SessionError> {
        session.insert("number", path.0)?;
        // Lets the others in between.
        tokio::task::yield_now().await;
        session.insert("again", path.0)
    }
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    let routes = Router::new().route("/number/{number}", get(number));
    let server = Server::start(app(&codec, routes));
    browser.fetch(&server, "GET /write", "");
    let cookie = browser.cookie("session").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (server, codec) = (&server, &codec);
            scope.spawn(move || {
                for number in (0..25).map(|n| 100 * thread + n) {
                    let answer = server.exchange(
                        format!(
                            "GET /number/{number} HTTP/1.1\r\nHost: a\r\n\
                             Cookie: session={cookie}\r\n\r\n"
                        )
                        .as_bytes(),
                    );
                    let data = answer.change(codec).expect_set().data;
                    assert_eq!(data.get::<u32>("a").unwrap(), Some(1));
                    assert_eq!(data.get::<u32>("number").unwrap(), Some(number));
                    assert_eq!(data.get::<u32>("again").unwrap(), Some(number));
                }
            });
        }
    });
}
