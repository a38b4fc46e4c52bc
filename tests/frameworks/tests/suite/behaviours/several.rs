//! Several sessions on one request, and what is answered where one is forgotten or doubled.

use sealed_session::{Codec, CookieOptions, Dynamic, Session, SessionError, SessionKind};

use crate::browser::Browser;
use crate::framework::{Admin, Framework, Login, Reply, SEVEN, builder, clock, codec};

on_each_framework![
    kinds_with_the_same_data_work_side_by_side,
    two_middlewares_of_one_cookie_are_a_500_that_names_it,
    two_middlewares_of_one_kind_are_a_500_that_names_it,
    a_forgotten_middleware_is_a_500_that_names_it,
    a_forgotten_middleware_names_those_that_are_there,
];

/// The body of a mistake in the set-up: the log says which.
const UNUSABLE: &str = "the session could not be used: see the server's log";

const EXTRACTORS: [&str; 5] =
    ["/current", "/peek", "/maybe-current", "/maybe-peek", "/maybe-session"];

fn site<F: Framework>() -> F {
    fn log_in<K: SessionKind<Data = Login>>(session: Session<K>) -> Result<(), SessionError> {
        session.set(SEVEN)
    }
    F::default()
        .at("/login/log-in", log_in::<Login>)
        .at("/admin/log-in", log_in::<Admin>)
        .at("/login/log-out", |session: Session<Login>| {
            session.delete();
            Ok(())
        })
        .plain("/plain", || Reply::from("plain"))
        .extractors::<Login>("/login")
        .extractors::<Admin>("/admin")
}

fn named<K: SessionKind>(name: &'static str) -> Codec<K> {
    builder(&clock()).cookie(CookieOptions::new().name(name)).build().unwrap()
}

fn kinds_with_the_same_data_work_side_by_side<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).sessions(&codec::<Admin>()).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/login/log-in").set_cookie();
    browser.get(&server, "/login/current").is(200, "7");
    browser.get(&server, "/admin/current").is(401, "no session");
    browser.get(&server, "/admin/log-in").set_cookie();
    browser.get(&server, "/admin/current").is(200, "7");
    browser.get(&server, "/login/log-out").removes("login");
    browser.get(&server, "/login/current").is(401, "no session");
    browser.get(&server, "/admin/current").is(200, "7");
}

fn two_middlewares_of_one_cookie_are_a_500_that_names_it<F: Framework>() {
    let doubled = [
        site::<F>().sessions(&codec::<Login>()).sessions(&codec::<Login>()),
        site::<F>().sessions(&codec::<Login>()).sessions(&named::<Admin>("login")),
    ];
    for site in doubled {
        let server = site.serve();
        let mut browser = Browser::default();
        browser.get(&server, "/plain").is(200, "plain");
        for path in EXTRACTORS.into_iter().chain(["/log-in"]) {
            for prefix in ["/login", "/admin"] {
                let page = browser.get(&server, &format!("{prefix}{path}"));
                page.is(500, UNUSABLE);
                page.sets_nothing();
            }
        }
        let first = server.errors().swap_remove(0);
        assert!(first.contains("serve the cookie `login` on this route: remove one"), "{first}");
    }
}

fn two_middlewares_of_one_kind_are_a_500_that_names_it<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).sessions(&named::<Login>("other")).serve();
    Browser::default().get(&server, "/login/current").is(500, UNUSABLE);
    let first = server.errors().swap_remove(0);
    assert!(first.contains("serve the kind") && first.contains("Login`"), "{first}");
}

fn a_forgotten_middleware_is_a_500_that_names_it<F: Framework>() {
    let server = site::<F>().serve();
    let mut browser = Browser::default();
    browser.get(&server, "/plain").is(200, "plain");
    for (place, path) in EXTRACTORS.into_iter().chain(["/log-in"]).enumerate() {
        let page = browser.get(&server, &format!("/login{path}"));
        page.is(500, UNUSABLE);
        let errors = server.errors();
        assert_eq!(errors.len(), place + 1, "once for each request");
        let text = format!("no {} for `suite::framework::Login` on this route", F::MIDDLEWARE);
        assert!(errors[place].contains(&text), "{errors:?}");
        assert!(errors[place].contains("Codec::<Login>"), "{errors:?}");
    }
}

fn a_forgotten_middleware_names_those_that_are_there<F: Framework>() {
    let server = site::<F>().sessions(&codec::<Login>()).sessions(&named::<Dynamic>("prefs"));
    let server = server.serve();
    Browser::default().get(&server, "/admin/current").is(500, UNUSABLE);
    let log = server.log();
    assert!(log.contains("for the cookies login, prefs)"), "{log}");
}
