//! What keeps a response that sets a cookie out of shared caches.

use sealed_session::Session;

use crate::browser::Browser;
use crate::framework::{EIGHT, Framework, Login, Reply, SEVEN, builder, clock, seconds};

on_each_framework![
    a_cacheable_response_becomes_private_when_a_handler_wrote,
    a_cacheable_response_carries_no_refresh,
    a_304_carries_a_write_privately_and_no_refresh,
    head_and_304_have_no_body,
];

fn cacheable(reply: Reply) -> Reply {
    reply
        .header("cache-control", "public, max-age=60")
        .header("cdn-cache-control", "max-age=600")
        .header("surrogate-control", "max-age=600")
}

fn a_cacheable_response_becomes_private_when_a_handler_wrote<F: Framework>() {
    let codec = builder::<Login>(&clock()).build().unwrap();
    let server = F::default()
        .at("/", |session: Session<Login>| {
            session.set(SEVEN)?;
            Ok(cacheable(Reply::status(200)))
        })
        .sessions(&codec)
        .serve();
    let page = Browser::default().get(&server, "/");
    page.set_cookie();
    let [control] = page.all("cache-control")[..] else { panic!("{page:?}") };
    assert!(control.contains("private") && !control.contains("public"), "{control}");
    assert!(page.all("cdn-cache-control").is_empty(), "{page:?}");
    assert!(page.all("surrogate-control").is_empty(), "{page:?}");
    assert!(server.log().contains("publicly cacheable response sets a session cookie"));
}

fn a_cacheable_response_carries_no_refresh<F: Framework>() {
    let clock = clock();
    let codec = builder::<Login>(&clock).idle_timeout(seconds(1000)).build().unwrap();
    let server = F::default()
        .at("/log-in", |session: Session<Login>| session.set(SEVEN))
        .at("/", |session: Session<Login>| {
            assert!(session.data().is_some());
            Ok(cacheable(Reply::status(200)))
        })
        .at("/guessed", |session: Session<Login>| {
            assert!(session.data().is_some());
            Ok(Reply::status(200).header("etag", "\"1\""))
        })
        .sessions(&codec)
        .serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    clock.advance(seconds(900));
    let page = browser.get(&server, "/");
    page.sets_nothing();
    assert_eq!(page.all("cache-control"), ["public, max-age=60"]);
    assert_eq!(page.all("cdn-cache-control"), ["max-age=600"]);
    browser.get(&server, "/guessed").sets_nothing();
}

fn a_304_carries_a_write_privately_and_no_refresh<F: Framework>() {
    let clock = clock();
    let codec = builder::<Login>(&clock).idle_timeout(seconds(1000)).build().unwrap();
    let server = F::default()
        .at("/log-in", |session: Session<Login>| session.set(SEVEN))
        .at("/write", |session: Session<Login>| {
            session.set(EIGHT)?;
            Ok(Reply::status(304).header("etag", "\"1\""))
        })
        .at("/read", |session: Session<Login>| {
            assert!(session.data().is_some());
            Ok(Reply::status(304).header("etag", "\"1\""))
        })
        .sessions(&codec)
        .serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    clock.advance(seconds(200));
    let page = browser.get(&server, "/read");
    page.sets_nothing();
    assert_eq!((page.status, page.all("vary")), (304, vec!["Cookie"]));
    let page = browser.get(&server, "/write");
    page.set_cookie();
    assert_eq!(page.all("cache-control"), ["private"]);
}

fn head_and_304_have_no_body<F: Framework>() {
    let codec = builder::<Login>(&clock()).build().unwrap();
    let server = F::default()
        .at("/", |session: Session<Login>| {
            session.set(SEVEN)?;
            Ok("a body")
        })
        .at("/304", |session: Session<Login>| {
            session.set(SEVEN)?;
            Ok(Reply::status(304))
        })
        .sessions(&codec)
        .serve();
    let page = Browser::default().send(&server, "HEAD", "/", &[]);
    page.is(200, "");
    page.set_cookie();
    assert_eq!(page.all("content-length"), ["6"]);
    let page = Browser::default().get(&server, "/304");
    page.is(304, "");
    page.set_cookie();
}
