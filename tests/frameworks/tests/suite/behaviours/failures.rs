//! Requests that fail: in the handler, in a middleware, or in an extractor.

use sealed_session::{Dynamic, Session, SessionErrorKind};

use crate::browser::Browser;
use crate::framework::{Admin, EIGHT, Framework, Login, Reply, SEVEN, codec};

on_each_framework![
    an_error_by_question_mark_is_a_500_and_logged_once,
    a_failed_response_sends_no_write_and_the_log_says_so,
    a_failed_response_still_removes_the_cookie,
    writes_are_kept_on_an_error_if_that_is_asked,
    a_response_that_blames_the_client_sends_the_write,
    a_rejection_sends_what_a_middleware_wrote,
    a_middleware_that_rejects_sends_what_another_wrote,
    a_middleware_that_fails_after_a_deletion_removes_the_cookie,
    a_middleware_that_fails_sends_no_write,
];

const UNUSABLE: &str = "the session could not be used";

fn an_error_by_question_mark_is_a_500_and_logged_once<F: Framework>() {
    let server = F::default()
        .at("/", |session: Session| {
            session.insert("who", "ann")?;
            session.get::<u32>("who")?;
            Ok(())
        })
        .sessions(&codec::<Dynamic>())
        .serve();
    let page = Browser::default().get(&server, "/");
    page.is(500, UNUSABLE);
    assert_eq!(page.all("content-type"), ["text/plain; charset=utf-8"]);
    let [error] = &server.errors()[..] else { panic!("{:?}", server.errors()) };
    assert!(error.starts_with("ERROR sealed_session"), "{error}");
    assert!(error.contains("`who` could not be deserialized as `u32`"), "{error}");
}

/// `/log-in`, `/who`, and `/write/N` and `/delete/N` for a response with this status.
fn site<F: Framework>() -> F {
    let mut site = F::default()
        .at("/log-in", |session: Session<Login>| session.set(SEVEN))
        .at("/who", |session: Session<Login>| {
            Ok(format!("{:?}", session.data().map(|login| login.user_id)))
        });
    for status in [404, 408, 500, 503] {
        site = site
            .at(&format!("/write/{status}"), move |session: Session<Login>| {
                session.set(EIGHT)?;
                Ok(Reply::status(status))
            })
            .at(&format!("/delete/{status}"), move |session: Session<Login>| {
                session.delete();
                Ok(Reply::status(status))
            });
    }
    site
}

fn a_failed_response_sends_no_write_and_the_log_says_so<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    for status in [408, 500, 503] {
        let page = browser.get(&server, &format!("/write/{status}"));
        assert_eq!(page.status, status);
        page.sets_nothing();
        let log = server.log();
        assert!(log.contains(&format!("status={status}")), "{log}");
    }
    browser.get(&server, "/who").is(200, "Some(7)");
}

fn a_failed_response_still_removes_the_cookie<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).serve();
    for status in [404, 408, 500, 503] {
        let mut browser = Browser::default();
        browser.get(&server, "/log-in");
        browser.get(&server, &format!("/delete/{status}")).removes("login");
    }
}

fn writes_are_kept_on_an_error_if_that_is_asked<F: Framework>() {
    let server = site::<F>().sessions_with(&codec::<Login>(), true).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/write/500").set_cookie();
    browser.get(&server, "/who").is(200, "Some(8)");
}

fn a_response_that_blames_the_client_sends_the_write<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/write/404").set_cookie();
    browser.get(&server, "/who").is(200, "Some(8)");
}

fn a_rejection_sends_what_a_middleware_wrote<F: Framework>() {
    let server = F::default()
        .extractors::<Admin>("/admin")
        .before(|session: &Session<Login>| session.set(EIGHT))
        .sessions(&codec::<Login>())
        .sessions(&codec::<Admin>())
        .serve();
    let page = Browser::default().get(&server, "/admin/current");
    page.is(401, "no session");
    assert!(page.set_cookie().starts_with("login="));
    assert_eq!(page.all("cache-control"), ["no-store"]);
    assert_eq!(page.all("vary"), ["Cookie"]);
}

fn a_middleware_that_rejects_sends_what_another_wrote<F: Framework>() {
    let server = F::default()
        .plain("/", || "for admins".into())
        .only_users::<Admin>()
        .before(|session: &Session<Login>| session.set(EIGHT))
        .sessions(&codec::<Login>())
        .sessions(&codec::<Admin>())
        .serve();
    let page = Browser::default().get(&server, "/");
    page.is(401, "no session");
    assert!(page.set_cookie().starts_with("login="));
    assert_eq!(page.all("cache-control"), ["no-store"]);
    assert_eq!(page.all("vary"), ["Cookie"]);
}

fn a_middleware_that_fails_after_a_deletion_removes_the_cookie<F: Framework>() {
    let log_in = F::default().at("/", |session: Session<Login>| session.set(SEVEN));
    let log_in = log_in.sessions(&codec::<Login>()).serve();
    let server = F::default()
        .plain("/", || "not reached".into())
        .before(|session: &Session<Login>| {
            session.delete();
            let error = session.set(EIGHT).unwrap_err();
            assert_eq!(*error.kind(), SessionErrorKind::Deleted);
            Err(error)
        })
        .sessions(&codec::<Login>())
        .serve();
    let mut browser = Browser::default();
    browser.get(&log_in, "/").set_cookie();
    let page = browser.get(&server, "/");
    page.is(500, UNUSABLE);
    page.removes("login");
    assert_eq!(server.errors().len(), 1, "{:?}", server.errors());
}

fn a_middleware_that_fails_sends_no_write<F: Framework>() {
    let server = F::default()
        .plain("/", || "not reached".into())
        .before(|session: &Session| {
            session.insert("a", 1)?;
            session.get::<String>("a").map(drop)
        })
        .sessions(&codec::<Dynamic>())
        .serve();
    let page = Browser::default().get(&server, "/");
    page.is(500, UNUSABLE);
    page.sets_nothing();
    assert!(server.log().contains("changes are not sent"), "{}", server.log());
}
