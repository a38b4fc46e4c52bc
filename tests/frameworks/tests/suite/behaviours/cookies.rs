//! Which cookies come in, and which go out.

use sealed_session::{CookieOptions, Dynamic, EncodeErrorKind, Keyring, Session, SessionErrorKind};

use crate::browser::{Browser, exchange};
use crate::framework::{
    Admin, EIGHT, Framework, Login, Reply, SEVEN, builder, clock, codec, key, seconds,
};

on_each_framework![
    what_a_handler_writes_comes_back_on_the_next_request,
    a_cookie_has_the_safe_attributes,
    a_removal_repeats_the_attributes,
    remembering_gives_the_cookie_an_age,
    a_response_whose_handler_did_not_look_is_unchanged,
    a_response_whose_handler_read_varies_by_cookie_and_sets_nothing,
    a_write_that_changes_nothing_sets_nothing,
    what_the_handler_says_of_vary_and_cookies_is_kept,
    a_log_in_begins_a_new_session,
    what_is_too_large_for_a_cookie_is_an_error_in_the_handler,
    a_bad_cookie_is_an_empty_session_and_stays,
    a_cookie_does_not_open_under_the_name_of_another_kind,
    cookie_headers_may_be_several,
];

fn what_a_handler_writes_comes_back_on_the_next_request<F: Framework>() {
    let server = F::default()
        .at("/", |session: Session| {
            let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
            session.insert("visits", visits)?;
            Ok(visits.to_string())
        })
        .sessions(&codec::<Dynamic>())
        .serve();
    let mut browser = Browser::default();
    for visits in ["1", "2", "3"] {
        browser.get(&server, "/").is(200, visits);
    }
}

/// `/log-in`, `/log-out`, `/who`.
fn logins<F: Framework>() -> F {
    F::default()
        .at("/log-in", |session: Session<Login>| session.set(SEVEN))
        .at("/log-out", |session: Session<Login>| {
            session.delete();
            Ok(())
        })
        .at("/who", |session: Session<Login>| Ok(format!("{:?}", session.data())))
}

fn a_cookie_has_the_safe_attributes<F: Framework>() {
    let codec = codec::<Login>();
    let server = logins::<F>().sessions(&codec).serve();
    let page = Browser::default().get(&server, "/log-in");
    let (pair, attributes) = page.set_cookie().split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
    assert_eq!(codec.decode_cookie_header(pair).unwrap().data, SEVEN);
    assert_eq!(page.all("cache-control"), ["no-store"]);
    assert_eq!(page.all("vary"), ["Cookie"]);
}

fn a_removal_repeats_the_attributes<F: Framework>() {
    let options = CookieOptions::secure_prefixed().path("/").domain("a.example").partitioned(true);
    let codec = builder::<Login>(&clock()).cookie(options).build().unwrap();
    let server = logins::<F>().sessions(&codec).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    let page = browser.get(&server, "/log-out");
    page.removes("__Secure-login");
    for attribute in ["HttpOnly", "Secure", "Path=/", "Domain=a.example", "Partitioned"] {
        assert!(page.set_cookie().contains(&format!("; {attribute};")), "{}", page.set_cookie());
    }
    browser.get(&server, "/who").is(200, "None");
}

fn remembering_gives_the_cookie_an_age<F: Framework>() {
    let month = seconds(30 * 86_400);
    let codec = builder::<Login>(&clock()).remember_timeout(month).build().unwrap();
    let server = logins::<F>()
        .at("/remember", |session: Session<Login>| {
            session.set(SEVEN)?;
            session.remember()
        })
        .sessions(&codec)
        .serve();
    let page = Browser::default().get(&server, "/remember");
    assert!(page.set_cookie().contains("; Max-Age=2592000"), "{}", page.set_cookie());
    let page = Browser::default().get(&server, "/log-in");
    assert!(!page.set_cookie().contains("Max-Age"), "{}", page.set_cookie());
}

fn a_response_whose_handler_did_not_look_is_unchanged<F: Framework>() {
    let server = logins::<F>()
        .plain("/plain", || Reply::from("plain").header("x-a", "b"))
        .at("/handle", |_: Session<Login>| Ok("plain"))
        .sessions(&codec::<Login>())
        .serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in");
    for path in ["/plain", "/handle"] {
        let page = browser.get(&server, path);
        page.is(200, "plain");
        page.sets_nothing();
        assert!(page.all("vary").is_empty() && page.all("cache-control").is_empty(), "{page:?}");
    }
    let page = browser.get(&server, "/missing");
    assert_eq!(page.status, 404);
    page.sets_nothing();
}

fn a_response_whose_handler_read_varies_by_cookie_and_sets_nothing<F: Framework>() {
    let server = logins::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    for body in ["None", "Some(Login { user_id: 7 })"] {
        let page = browser.get(&server, "/who");
        page.is(200, body);
        page.sets_nothing();
        assert_eq!(page.all("vary"), ["Cookie"]);
        assert!(page.all("cache-control").is_empty());
        browser.get(&server, "/log-in");
    }
}

fn a_write_that_changes_nothing_sets_nothing<F: Framework>() {
    let server = logins::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    browser.get(&server, "/log-in").set_cookie();
    browser.get(&server, "/log-in").sets_nothing();
}

fn what_the_handler_says_of_vary_and_cookies_is_kept<F: Framework>() {
    let server = F::default()
        .at("/write", |session: Session<Login>| {
            session.set(SEVEN)?;
            let reply = Reply::status(200).header("set-cookie", "theme=dark; Path=/");
            Ok(reply.header("vary", "Accept").header("cache-control", "private, max-age=5"))
        })
        .at("/read", |session: Session<Login>| {
            assert!(session.data().is_some());
            Ok(Reply::status(200).header("vary", "Accept,cOOKIE"))
        })
        .sessions(&codec::<Login>())
        .serve();
    let mut browser = Browser::default();
    let page = browser.get(&server, "/write");
    let cookies = page.set_cookies();
    assert!(cookies.len() == 2 && cookies[0].starts_with("theme="), "{cookies:?}");
    assert!(cookies[1].starts_with("login="), "{cookies:?}");
    assert_eq!(page.all("vary"), ["Accept", "Cookie"]);
    assert_eq!(page.all("cache-control"), ["private, max-age=5"]);
    let page = browser.get(&server, "/read");
    assert_eq!(page.all("vary"), ["Accept,cOOKIE"]);
}

fn a_log_in_begins_a_new_session<F: Framework>() {
    let codec = codec::<Dynamic>();
    let server = F::default()
        .at("/write", |session: Session| session.insert("cart", 1))
        .at("/log-in", |session: Session| {
            session.regenerate();
            assert!(!session.contains("cart"));
            session.insert("user", 7)
        })
        .at("/who", |session: Session| Ok(session.keys().join(",")))
        .sessions(&codec)
        .serve();
    let mut browser = Browser::default();
    let id = |browser: &Browser| codec.decode(browser.cookie("session").unwrap()).unwrap().info.id;
    browser.get(&server, "/write");
    let before = id(&browser);
    browser.get(&server, "/log-in").set_cookie();
    assert_ne!(id(&browser), before);
    browser.get(&server, "/who").is(200, "user");
}

fn what_is_too_large_for_a_cookie_is_an_error_in_the_handler<F: Framework>() {
    let server = F::default()
        .at("/", |session: Session| {
            session.insert("small", 1)?;
            let error = session.insert("large", "x".repeat(5000)).unwrap_err();
            let kind = error.kind();
            assert!(matches!(kind, SessionErrorKind::Encode(EncodeErrorKind::TooLarge(_))));
            Err::<(), _>(error)
        })
        .at("/handled", |session: Session| {
            session.insert("small", 1)?;
            Ok(session.insert("large", "x".repeat(5000)).is_err().to_string())
        })
        .at("/keys", |session: Session| Ok(session.keys().join(",")))
        .sessions(&codec::<Dynamic>())
        .serve();
    let mut browser = Browser::default();
    let page = browser.get(&server, "/");
    page.is(500, "the session could not be used");
    page.sets_nothing();
    browser.get(&server, "/handled").is(200, "true");
    browser.get(&server, "/keys").is(200, "small");
}

fn a_bad_cookie_is_an_empty_session_and_stays<F: Framework>() {
    let server = logins::<F>().sessions(&codec::<Login>()).serve();
    let mut browser = Browser::default();
    let other = builder::<Login>(&clock()).build().unwrap();
    other.replace_keyring(Keyring::new(key(9)));
    for bad in ["", "junk", &other.encode(SEVEN).unwrap()] {
        browser.set_cookie("login", bad);
        let page = browser.get(&server, "/who");
        page.is(200, "None");
        page.sets_nothing();
    }
    browser.get(&server, "/log-in").set_cookie();
    browser.get(&server, "/who").is(200, "Some(Login { user_id: 7 })");
}

fn a_cookie_does_not_open_under_the_name_of_another_kind<F: Framework>() {
    let admins = codec::<Admin>();
    let server = logins::<F>().sessions(&codec::<Login>()).sessions(&admins).serve();
    let mut browser = Browser::default();
    browser.set_cookie("login", &admins.encode(SEVEN).unwrap());
    browser.get(&server, "/who").is(200, "None");
}

fn cookie_headers_may_be_several<F: Framework>() {
    let codec = codec::<Login>();
    let server = logins::<F>().sessions(&codec).serve();
    let (seven, eight) = (codec.encode(SEVEN).unwrap(), codec.encode(EIGHT).unwrap());
    let (seven, eight) = (format!("a=b; login={seven}"), format!("login={eight}; c=d"));
    let who = |headers: &[(&str, &str)]| exchange(&server, "GET", "/who", headers).body;
    assert_eq!(who(&[("Cookie", "a=b"), ("Cookie", &eight)]), "Some(Login { user_id: 8 })");
    assert_eq!(who(&[("Cookie", &seven), ("Cookie", &eight)]), "Some(Login { user_id: 7 })");
    assert_eq!(who(&[("Cookie", "login=junk"), ("Cookie", &eight)]), "Some(Login { user_id: 8 })");
}
