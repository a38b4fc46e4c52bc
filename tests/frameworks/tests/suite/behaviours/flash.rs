//! Messages for the next page.

use sealed_session::{Dynamic, Session, SessionError};

use crate::browser::Browser;
use crate::framework::{Framework, Reply, codec};
use crate::server::Server;

on_each_framework![
    a_message_survives_redirects_and_is_shown_once,
    what_nobody_may_see_takes_no_message,
    a_message_for_a_failed_page_is_there_for_the_next,
];

fn told<F: Framework>() -> (Server, Browser) {
    fn show(session: &Session, status: u16) -> Result<Reply, SessionError> {
        let messages: Vec<String> = session.take_flash()?;
        Ok(Reply { status, ..messages.join(",").into() })
    }
    let server = F::default()
        .at("/say", |session: Session| {
            session.flash("saved")?;
            Ok(Reply::status(303).header("location", "/on"))
        })
        .at("/on", |session: Session| show(&session, 303))
        .at("/page", |session: Session| show(&session, 200))
        .at("/broken", |session: Session| show(&session, 500))
        .sessions(&codec::<Dynamic>())
        .serve();
    let mut browser = Browser::default();
    let page = browser.get(&server, "/say");
    assert!(page.set_cookie().starts_with("session-flash="), "{page:?}");
    assert!(page.set_cookie().contains("; Max-Age=300"), "{page:?}");
    (server, browser)
}

fn a_message_survives_redirects_and_is_shown_once<F: Framework>() {
    let (server, mut browser) = told::<F>();
    browser.get(&server, "/on").sets_nothing();
    let page = browser.get(&server, "/page");
    page.is(200, "saved");
    page.removes("session-flash");
    assert_eq!(page.all("cache-control"), ["no-store"]);
    browser.get(&server, "/page").is(200, "");
}

fn what_nobody_may_see_takes_no_message<F: Framework>() {
    let (server, mut browser) = told::<F>();
    browser.send(&server, "HEAD", "/page", &[]).sets_nothing();
    for purpose in ["prefetch", "prefetch;prerender"] {
        let page = browser.send(&server, "GET", "/page", &[("Sec-Purpose", purpose)]);
        page.is(200, "");
        page.sets_nothing();
    }
    browser.get(&server, "/page").is(200, "saved");
}

fn a_message_for_a_failed_page_is_there_for_the_next<F: Framework>() {
    let (server, mut browser) = told::<F>();
    browser.get(&server, "/broken").sets_nothing();
    browser.get(&server, "/page").is(200, "saved");
}
