//! What counts as activity and refreshes a session, and what only looks.
#![allow(clippy::unit_arg, reason = "a handler of one call reads better")]

use std::future::Future;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use http::StatusCode;
use sealed_session::{
    Codec, Current, Dynamic, Peek, Session, SessionError, SessionErrorKind, SessionLayer,
};

use crate::support::{Browser, HOUR, Login, SEVEN, seconds};

type Use = fn(&Session) -> Result<(), SessionError>;

/// Whether the response sets a cookie after a handler has used a session that is due like this.
fn refreshes(codec: impl FnOnce(&Browser) -> Codec<Dynamic>, use_it: Use) -> bool {
    let mut browser = Browser::new();
    let codec = codec(&browser);
    browser.visit(&codec, |session| session.insert("a", 1));
    browser.clock.advance(3 * HOUR);
    let page = browser.visit(&codec, move |session| use_it(&session));
    !page.set_cookies().is_empty()
}

const LOOKS: [(&str, Use); 11] = [
    ("is_empty", |session| Ok(assert!(!session.is_empty()))),
    ("info", |session| Ok(assert!(session.info().is_some()))),
    ("refused", |session| Ok(assert!(session.refused().is_none()))),
    ("contains", |session| Ok(assert!(session.contains("a")))),
    ("len", |session| Ok(assert_eq!(session.len(), 1))),
    ("keys", |session| Ok(assert_eq!(session.keys(), ["a"]))),
    ("peek_data", |session| Ok(assert_eq!(session.peek_data().unwrap().len(), 1))),
    ("peek", |session| Ok(assert_eq!(session.peek::<u32>("a")?, Some(1)))),
    ("get of another type", |session| Ok(assert!(session.get::<String>("a").is_err()))),
    ("take of another type", |session| Ok(assert!(session.take::<String>("a").is_err()))),
    ("a write that is too large", |session| {
        Ok(assert!(session.insert("b", "x".repeat(5000)).is_err()))
    }),
];

#[test]
fn looking_is_not_activity_and_neither_is_an_error() {
    for (name, look) in LOOKS {
        assert!(!refreshes(Browser::codec, look), "{name}");
    }
}

#[test]
fn a_codec_can_be_built_so_that_only_writes_and_touch_count() {
    let codec =
        |browser: &Browser| browser.builder::<Dynamic>().refresh_on_read(false).build().unwrap();
    let reads: [(&str, Use); 4] = [
        ("take what is not there", |session| session.take::<u32>("b").map(drop)),
        ("data", |session| Ok(drop(session.data()))),
        ("entries", |session| Ok(drop(session.entries()))),
        ("get", |session| session.get::<u32>("a").map(drop)),
    ];
    for (name, read) in reads.into_iter().chain(LOOKS) {
        assert!(!refreshes(codec, read), "{name}");
    }
    let writes: [(&str, Use); 4] = [
        ("write", |session| session.insert("a", 2)),
        ("write what is there", |session| session.insert("a", 1)),
        ("update", |session| session.update(|_| ()).map(drop)),
        ("touch", Session::touch),
    ];
    for (name, write) in writes {
        assert!(refreshes(codec, write), "{name}");
    }
}

/// Whether a request to a handler with these extractors refreshes a login that is due.
#[track_caller]
fn extractor_refreshes<A, F>(extractor: fn(A) -> F) -> bool
where
    A: axum::extract::FromRequestParts<()> + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut browser = Browser::new();
    let codec = browser.codec::<Login>();
    browser.visit(&codec, |session| session.set(SEVEN));
    browser.clock.advance(3 * HOUR);
    let app = Router::new()
        .route("/", get(move |found: A| extractor(found)))
        .layer(SessionLayer::new(codec));
    let page = browser.get(&app, "/");
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(
        page.all("vary").len(),
        usize::from(!std::any::type_name::<A>().starts_with("sealed_session::session::Session"))
    );
    !page.set_cookies().is_empty()
}

#[test]
fn current_counts_and_the_session_itself_and_peek_do_not() {
    assert!(extractor_refreshes(|_: Current<Login>| async {}));
    assert!(extractor_refreshes(|found: Option<Current<Login>>| async move {
        assert!(found.is_some());
    }));
    assert!(!extractor_refreshes(|_: Session<Login>| async {}));
    assert!(!extractor_refreshes(|found: Option<Session<Login>>| async move {
        assert!(found.is_some());
    }));
    assert!(!extractor_refreshes(|Peek(login): Peek<Login>| async move {
        assert_eq!(login.user_id, 7);
    }));
    assert!(!extractor_refreshes(|found: Option<Peek<Login>>| async move {
        assert_eq!(found.unwrap().user_id, 7);
    }));
}

#[test]
fn a_page_that_polls_with_peek_keeps_nobody_logged_in() {
    let mut browser = Browser::new();
    let codec = browser.builder::<Login>().idle_timeout(HOUR).build().unwrap();
    browser.visit(&codec, |session| session.set(SEVEN));
    let app = Router::new()
        .route(
            "/poll",
            get(|login: Option<Peek<Login>>| async move { login.is_some().to_string() }),
        )
        .route("/me", get(|_: Peek<Login>| async {}))
        .layer(SessionLayer::new(codec));
    for poll in 0..120 {
        browser.clock.advance(seconds(60));
        let page = browser.get(&app, "/poll");
        assert_eq!(page.body, (poll < 59).to_string(), "after {} minutes", poll + 1);
        assert!(page.set_cookies().is_empty());
    }
    let page = browser.get(&app, "/me");
    assert_eq!((page.status.as_u16(), page.body.as_str()), (401, "no session"));
}

#[test]
fn a_metrics_layer_that_looks_changes_nothing() {
    async fn metrics(session: Session, request: Request, next: Next) -> axum::response::Response {
        let _labels = (session.is_empty(), session.info(), session.refused(), session.len());
        next.run(request).await
    }
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("a", 1));
    browser.clock.advance(3 * HOUR);
    let app = Router::new()
        .route("/", get(|| async {}))
        .layer(from_fn(metrics))
        .layer(SessionLayer::new(codec));
    assert!(browser.get(&app, "/").set_cookies().is_empty());
}

#[test]
fn an_entry_of_another_type_is_an_error_at_each_visit_and_refreshes_nothing() {
    let mut browser = Browser::new();
    let codec = browser.codec::<Dynamic>();
    browser.visit(&codec, |session| session.insert("visits", "many"));
    for _ in 0..3 {
        browser.clock.advance(3 * HOUR);
        let page = browser.visit(&codec, |session| {
            let error = session.get::<u32>("visits").unwrap_err();
            assert!(matches!(error.kind(), SessionErrorKind::EntryType { .. }));
            Ok(())
        });
        assert!(page.set_cookies().is_empty());
    }
}
