//! The extractors of the data, and their rejections.

use sealed_session::Session;

use crate::browser::Browser;
use crate::framework::{Admin, Framework, Login, SEVEN, builder, clock, codec, seconds};

on_each_framework![
    current_is_the_data_and_401_without_a_session,
    an_optional_extractor_is_none_without_a_session,
    a_peek_does_not_count_as_activity,
    a_rejection_can_be_had_as_a_value,
    a_rejection_can_become_a_redirect_on_all_routes,
    a_middleware_can_take_an_extractor,
];

fn site<F: Framework>() -> F {
    F::default()
        .at("/log-in", |session: Session<Login>| session.set(SEVEN))
        .extractors::<Login>("/login")
}

fn current_is_the_data_and_401_without_a_session<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    for path in ["/login/current", "/login/peek"] {
        let page = browser.get(&server, path);
        page.is(401, "no session");
        page.sets_nothing();
        assert_eq!(page.all("vary"), ["Cookie"]);
        assert_eq!(page.all("content-type"), ["text/plain; charset=utf-8"]);
    }
    browser.set_cookie("login", "junk");
    browser.get(&server, "/login/current").is(401, "no session");
    browser.get(&server, "/log-in");
    browser.get(&server, "/login/current").is(200, "7");
    browser.get(&server, "/login/peek").is(200, "7");
    assert!(server.errors().is_empty(), "{:?}", server.errors());
}

fn an_optional_extractor_is_none_without_a_session<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    let check = |browser: &mut Browser, data, session| {
        browser.get(&server, "/login/maybe-current").is(200, data);
        browser.get(&server, "/login/maybe-peek").is(200, data);
        browser.get(&server, "/login/maybe-session").is(200, session);
    };
    check(&mut browser, "None", "false");
    browser.set_cookie("login", "junk");
    check(&mut browser, "None", "false");
    browser.get(&server, "/log-in");
    check(&mut browser, "Some(7)", "true");
}

fn a_peek_does_not_count_as_activity<F: Framework>() {
    let clock = clock();
    let codec = builder::<Login>(&clock).idle_timeout(seconds(1000)).build().unwrap();
    let server = site::<F>().sessions(&codec).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    clock.advance(seconds(500));
    for path in ["/login/peek", "/login/maybe-peek", "/login/maybe-session"] {
        browser.get(&server, path).sets_nothing();
    }
    browser.get(&server, "/login/current").set_cookie();
    clock.advance(seconds(500));
    browser.get(&server, "/login/maybe-current").set_cookie();
}

fn a_rejection_can_be_had_as_a_value<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/login/result").is(200, "Err(NoSession)");
    browser.get(&server, "/log-in");
    browser.get(&server, "/login/result").is(200, "Ok(7)");
}

fn a_rejection_can_become_a_redirect_on_all_routes<F: Framework>() {
    let server = site::<F>()
        .extractors::<Admin>("/admin")
        .ask_to_log_in()
        .sessions(&codec::<Login>())
        .serve();
    let mut browser = Browser::default();
    for path in ["/login/current", "/login/peek"] {
        let page = browser.get(&server, path);
        assert_eq!((page.status, page.all("location")), (303, vec!["/log-in"]));
        assert_eq!(page.all("vary"), ["Cookie"]);
    }
    assert_eq!(browser.get(&server, "/admin/current").status, 500, "a mistake stays one");
    browser.get(&server, "/log-in");
    browser.get(&server, "/login/current").is(200, "7");
}

fn a_middleware_can_take_an_extractor<F: Framework>() {
    let log_in = site::<F>().sessions(&codec::<Login>()).serve();
    let server = F::default()
        .plain("/", || "for users".into())
        .only_users::<Login>()
        .sessions(&codec::<Login>())
        .serve();
    let mut browser = Browser::default();
    let page = browser.get(&server, "/");
    page.is(401, "no session");
    assert_eq!(page.all("vary"), ["Cookie"]);
    browser.get(&log_in, "/log-in");
    browser.get(&server, "/").is(200, "for users");
}
