//! Writes after the response has begun, or where there is none.

use std::sync::{Arc, Mutex};

use sealed_session::{Dynamic, Session, SessionError, SessionErrorKind};

use crate::browser::Browser;
use crate::framework::{Framework, Reply, codec};

on_each_framework![
    a_streaming_body_reads_the_session_and_writes_too_late,
    a_task_that_outlives_its_request_writes_too_late,
    a_request_that_is_dropped_closes_its_session,
];

fn kind(result: Result<(), SessionError>) -> SessionErrorKind {
    result.expect_err("too late").kind().clone()
}

fn a_streaming_body_reads_the_session_and_writes_too_late<F: Framework>() {
    let server = F::default()
        .at("/", |session: Session| {
            session.insert("a", 1)?;
            Ok(Reply::late(move || {
                format!("{:?} {:?}", session.get::<u32>("a"), kind(session.insert("a", 2)))
            }))
        })
        .at("/read", |session: Session| Ok(format!("{:?}", session.get::<u32>("a")?)))
        .sessions(&codec::<Dynamic>())
        .serve();
    let mut browser = Browser::default();
    let page = browser.get(&server, "/");
    page.set_cookie();
    assert!(page.body.contains("Ok(Some(1)) ResponseStarted"), "{}", page.body);
    browser.get(&server, "/read").is(200, "Some(1)");
}

/// A place for the session of a request.
type Kept = Arc<Mutex<Option<Session>>>;

fn a_task_that_outlives_its_request_writes_too_late<F: Framework>() {
    let kept = Kept::default();
    let keep = kept.clone();
    let server = F::default()
        .at("/", move |session: Session| {
            session.insert("a", 1)?;
            *keep.lock().unwrap() = Some(session);
            Ok(())
        })
        .sessions(&codec::<Dynamic>())
        .serve();
    Browser::default().get(&server, "/").set_cookie();
    let session = kept.lock().unwrap().take().unwrap();
    assert_eq!(kind(session.insert("a", 2)), SessionErrorKind::ResponseStarted);
    assert_eq!(kind(session.flash("late")), SessionErrorKind::ResponseStarted);
}

fn a_request_that_is_dropped_closes_its_session<F: Framework>() {
    let kept = Kept::default();
    let keep = kept.clone();
    let server = F::default()
        .at_async("/", move |session: Session| {
            session.insert("a", 1).unwrap();
            *keep.lock().unwrap() = Some(session);
            std::future::pending()
        })
        .sessions(&codec::<Dynamic>())
        .impatient()
        .serve();
    let page = Browser::default().get(&server, "/");
    assert_eq!(page.status, 504);
    page.sets_nothing();
    let session = kept.lock().unwrap().take().unwrap();
    assert_eq!(kind(session.insert("a", 2)), SessionErrorKind::ResponseStarted);
}
